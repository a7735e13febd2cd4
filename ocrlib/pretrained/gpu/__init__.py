"""Trains a network for ocrlib to ship by PyTorch on one GPU, while the factory is still drawing its lines.

Everybody else trains with `train_from_records.py`. This is the same network, loss and data, for hours of a processor in
minutes of a GPU; `make pretrained-display TORCH=python` goes this way. PyTorch must be there: ocrlib does not install
it, and the machine with the GPU needs no TensorFlow.

    arrays    the weights as a file of arrays, from Keras and back to it: what the other three and Keras share
    network   the network of `ocrlib.network.crnn` as a PyTorch module
    lines     the lines drawn so far, in the GPU's memory, and batches of them
    train     the training itself, by the clock
    __main__  the commands begin, train and end
"""
