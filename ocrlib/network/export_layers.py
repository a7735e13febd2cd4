"""A trained network in layers that become few ONNX operations, with the weights of the trained ones.

Keras computes along a line without rows, (B, T, f), where TensorFlow writes a dilated convolution as a rearrangement of
the batch, a convolution and the way back: thirty operations in ONNX, between which no batch normalisation can be taken
into the weights. Here a line keeps its one row, (B, 1, T, f), and each convolution is one operation.
"""

from ocrlib.backend import keras, tf
from ocrlib.network.layers import (
    CharacterProbabilities,
    Columns,
    FusedBatchNormalization,
    Ink,
    MaskColumns,
    MaskedBidirectionalLSTM,
)
from ocrlib.network.levels import Levels


def for_onnx(network: keras.Model) -> keras.Model:
    """Returns a model of `crnn.build_crnn` for export, which answers as it does.

    A model with layers of other kinds comes back as it is: a user built it, or an early version did.
    """
    if not all(isinstance(layer, _KNOWN) for layer in network.layers):
        return network
    counterpart = keras.models.clone_model(network, clone_function=_counterpart)
    _, height, _, channels = next(tensor for tensor in network.inputs if tensor.name == "image").shape
    blank = {"image": tf.fill((1, height, 32, channels), tf.constant(255, tf.uint8)), "width": tf.constant([32])}
    counterpart(blank)  # Keras exports no model that never ran
    return counterpart


def _counterpart(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer itself, or one that does the same with one row."""
    if layer.name == "columns":  # of one of two kinds: networks were built with other layers once
        return _ColumnsWithRow(layer)
    for kind, counterpart in _COUNTERPARTS.items():
        if isinstance(layer, kind):
            return counterpart(layer)
    return layer


class _WithRow(keras.layers.Layer):
    """A layer with one row in place of another one, under the same name."""

    def __init__(self, of):
        super().__init__(name=of.name)
        self.of = of


class _ColumnsWithRow(_WithRow):
    """Input: (B, h, T, f). Output: (B, 1, T, h * f)."""

    def call(self, features):
        return self.of(features)[:, None]

    def compute_output_shape(self, shape):
        batch, *rest = self.of.compute_output_shape(shape)
        return (batch, 1, *rest)


class _ConvolutionWithRow(_WithRow):
    """Input: (B, 1, T, f). Output: (B, 1, T, f').

    The padding is explicit, because ONNX Runtime finds none for a dilated convolution by itself.
    """

    def __init__(self, of):
        super().__init__(of)
        assert of.padding == "same" and of.strides == (1,) and not of.use_bias, of.name  # as `crnn` builds them

    def call(self, features):
        (size,), (dilation,) = self.of.kernel_size, self.of.dilation_rate
        before = dilation * (size - 1) // 2
        padding = [[0, 0], [0, 0], [before, dilation * (size - 1) - before], [0, 0]]
        return tf.nn.conv2d(features, self.of.kernel.value[None], 1, padding, dilations=(1, dilation))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.of.filters)


class _LSTMWithRow(_WithRow):
    """Input: features (B, 1, T, f); width (B,) int32. Output: (B, 1, T, f')."""

    def call(self, features, width):
        return self.of(features[:, 0], width)[:, None]

    def compute_output_shape(self, features_shape, width_shape):
        return (*features_shape[:-1], 2 * self.of.units)


class _CharactersWithRow(_WithRow):
    """Input: (B, 1, T, f). Output: (B, T, C)."""

    def call(self, features):
        return self.of(features[:, 0])

    def compute_output_shape(self, shape):
        return (shape[0], shape[2], self.of.num_classes)


_COUNTERPARTS = {
    keras.layers.Conv1D: _ConvolutionWithRow,
    MaskedBidirectionalLSTM: _LSTMWithRow,
    CharacterProbabilities: _CharactersWithRow,
}
# They take a row as well as they take none, or stand before the columns are joined.
_KNOWN = (
    *_COUNTERPARTS,
    keras.layers.InputLayer,
    keras.layers.Conv2D,
    keras.layers.ReLU,
    keras.layers.Add,
    keras.layers.Dropout,
    keras.layers.Permute,
    keras.layers.Reshape,
    Columns,
    FusedBatchNormalization,
    Ink,
    Levels,
    MaskColumns,
)
