"""A trained network for phones: a LiteRT (TFLite) file of one fixed width, with built-in operators only.

With an open width the converter stops, or its file fails when it runs; so a line is padded to a width that is chosen
when the file is written. What a program must know beside it goes into a JSON file of the same name.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.network.open import Network
from ocrlib.rounding import ceil_div, round_up


def convert(keras_model: Any, network: Network, width_px: int, int8: bool) -> tuple[bytes, int]:
    """Returns the bytes of a .tflite file from image (1, H, W, C) uint8 and width (1,) int32 to (1, T, C), and its W.

    Args:
      width_px: of the longest lines; rounded up to a whole number of time steps.
      int8: weights in 8 bits: a third of the size.
    """
    width_px = round_up(width_px, 8 * network.width_stride)
    inputs = {
        "image": keras.Input((network.height, width_px, network.channels), batch_size=1, name="image", dtype="uint8"),
        "width": keras.Input((), batch_size=1, name="width", dtype="int32"),
    }
    fixed = keras.Model(inputs, keras_model(inputs))
    with tempfile.TemporaryDirectory() as folder:
        fixed.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert(), width_px


def runner(data: bytes, network: Network, width_px: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Returns a function that asks the file line by line, and answers as `Network.run` does.

    Time steps beyond the file's width are 0.
    """
    from ai_edge_litert.interpreter import Interpreter

    ask = Interpreter(model_content=data).get_signature_runner("serving_default")

    def run(image: np.ndarray, width: np.ndarray) -> np.ndarray:
        num_steps = ceil_div(image.shape[2], network.width_stride)
        probs = np.zeros((len(image), num_steps, network.charset.num_classes), np.float32)
        for row in range(len(image)):
            line = np.full((1, network.height, width_px, network.channels), 255, np.uint8)
            columns = min(width_px, image.shape[2])
            line[0, :, :columns] = image[row, :, :columns]
            (answer,) = ask(image=line, width=width[row : row + 1]).values()
            probs[row, : answer.shape[1]] = answer[0, :num_steps]
        return probs

    return run


def sidecar(out: Path) -> Path:
    """The JSON file beside a .tflite file."""
    return out.with_suffix(".json")
