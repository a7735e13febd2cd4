"""The network: built, opened from a file, taken over for another charset, written for other programs.

levels       the first layer: paper, contrast and polarity of each line
layers       the layers that Keras lacks; a sample's output is the same alone and in any batch
crnn         the builder: an image in, for each time step a probability for each character out
own          a network that a user built: found, checked, and told apart in its file
ready        a network ready to run, whatever runs it
trial        a file of somebody else's: opened with bounded memory, tried on blank lines
open         from what a user calls a model to a network that runs
warm_start   a known network with a last layer for another charset
run_files    what a run folder tells of itself, checked
export       a trained network as a file for other programs
export_layers    the same network in layers that become few ONNX operations
export_check     whether it answers as the Keras model does
export_litert    the form that phones run
export_rapidocr  the form that RapidOCR feeds and reads
"""
