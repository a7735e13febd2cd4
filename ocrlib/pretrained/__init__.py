"""The models that come with ocrlib, each by its name: NAME.onnx to read with, NAME.keras to train on and to export."""
