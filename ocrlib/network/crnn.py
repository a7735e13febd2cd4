"""The network: a line image of any width in, for each time step a probability for each character out.

    image (B, H, W, C) -> blocks of convolutions, each followed by batch normalisation -> (B, W/S, features)
                       -> an encoder along the line: a few 1-D convolutions, wider or many of them, or an LSTM
                       -> softmax over the charset and the blank, (B, W/S, num_classes)

The width is halved early, in the first block, because columns cost most there; the height is halved in every block.
The encoder decides how much of the line a time step sees: `conv` about 50 pixels, a character and its neighbours;
`wide` 150, half of a long number; `dilated` 400, some words; `lstm` the whole line. The stride S is the width behind
one time step: 4 pixels are enough for running text and learn sooner, but condensed digits are only 5 pixels wide
(docs/decisions/two-strides.md).
Letters: B samples, H height, W padded width in pixels, C channels, S stride, h rows, f filters.
"""

from ocrlib.backend import keras
from ocrlib.network.layers import (
    CharacterProbabilities,
    Columns,
    FusedBatchNormalization,
    MaskColumns,
    MaskedBidirectionalLSTM,
)
from ocrlib.network.levels import Levels

STRIDES = (2, 4)  # pixels of width behind one time step
# Filters of each block, which `filters` multiplies. They are sized to learn random digits in minutes.
_BLOCK_FILTERS = (8, 16, 32, 48)
_SECOND_HALVING = 3  # with stride 4, the block that halves the width for the second time
_REFINED = 3  # with stride 4, the block with a residual convolution: this is where strokes are told apart
LINE_FILTERS = 48
_LSTM_UNITS = 64
# By encoder, the dilations of the residual 1-D convolutions after the first one.
ENCODERS = {"conv": (1, 2), "wide": (1, 2, 4, 8), "lstm": (1,), "dilated": (1, 2, 4, 8, 16, 1, 2, 4, 8)}
_DROPOUT = 0.1


def width_stride(network: keras.Model) -> int:
    """Returns the pixels of width behind one time step of a network of `build_crnn`."""
    return network.get_layer("characters").stride


def build_crnn(
    height: int,
    num_classes: int,
    *,
    encoder: str = "conv",
    stride: int,
    filters: float = 1.0,
    channels: int = 1,
    charset: str | None = None,
) -> keras.Model:
    """Returns the network, untrained.

    Args:
      height: pixels of every image, at least 8; the width is open.
      num_classes: C, the characters and the blank.
      encoder: what reads along the line, one of ENCODERS. An LSTM learns which characters tend to follow which; random
        digits have no such order, and convolutions are faster.
      stride: pixels of width behind one time step, 2 or 4. 2 is for condensed digits: it takes up to twice the time,
        although it has no residual convolution in block 3.
      filters: multiple of the usual numbers of filters, above 0; each is rounded down to a multiple of 8, at least
        8. Time and size grow with its square, roughly.
      channels: 1 or 3.
      charset: the characters of classes 0 to C - 2, kept in the saved file.

    Returns:
      A model from {"image": (B, H, W, channels) uint8 or float32 in [0, 255], "width": (B,) int32} to
      (B, ceil(W / stride), C) float32, softmax over C.

    Raises:
      ValueError: no such encoder or stride.
    """
    if encoder not in ENCODERS:
        raise ValueError(f"expected encoder among {', '.join(ENCODERS)}, got {encoder!r}")
    if stride not in STRIDES:
        raise ValueError(f"expected stride 2 or 4, got {stride!r}")
    image = keras.Input((height, None, channels), name="image", dtype="uint8")
    width = keras.Input((), name="width", dtype="int32")
    x = _blocks(image, width, stride, filters)
    x = keras.layers.Dropout(_DROPOUT, name="dropout")(x)
    x = _encode(x, width, encoder, stride, filters)
    x = keras.layers.Dropout(_DROPOUT, name="last_dropout")(x)
    probs = CharacterProbabilities(num_classes, charset, stride, name="characters")(x)
    return keras.Model({"image": image, "width": width}, probs, name=f"crnn_{encoder}")


def _blocks(image, width, stride: int, filters: float):
    """Image (B, H, W, C) -> (B, W/S, f): halves height and width block by block, then joins the rows of a column."""
    x = Levels(stride, name="levels")(image, width)
    stride_so_far = 1
    for block, usual in enumerate(_BLOCK_FILTERS, 1):
        across = 2 if block == 1 or (block == _SECOND_HALVING and stride == 4) else 1
        stride_so_far *= across
        x = _conv(x, f"conv{block}", _scaled(usual, filters), strides=(2, across))
        x = _normalise(x, width, stride_so_far, f"block{block}")
        if block == _REFINED and stride == 4:
            y = _conv(x, f"refine{block}", _scaled(usual, filters))
            y = _normalise(y, width, stride_so_far, f"refine{block}")
            x = keras.layers.Add(name=f"refined{block}")([x, y])
    return Columns(name="columns")(x)


def _encode(x, width, encoder: str, stride: int, filters: float):
    """(B, W/S, f) -> (B, W/S, f'): 1-D convolutions along the line, then the LSTM if there is one."""
    line_filters = _scaled(LINE_FILTERS, filters)
    # With stride 2 a step is half as wide: twice the dilation sees nearly as far.
    reach = 4 // stride
    x = _conv_1d(x, "line", line_filters, reach)
    x = _normalise(x, width, stride, "line_block")
    for place, dilation in enumerate(ENCODERS[encoder], 1):
        y = _conv_1d(x, f"line{place}", line_filters, reach * dilation)
        y = _normalise(y, width, stride, f"line{place}_block")
        x = keras.layers.Add(name=f"line{place}_sum")([x, y])
    if encoder == "lstm":
        x = MaskedBidirectionalLSTM(_scaled(_LSTM_UNITS, filters), stride, name="lstm")(x, width)
    return x


def _scaled(usual: int, filters: float) -> int:
    """Returns `filters` times the usual number, as a multiple of 8, because these fill a processor's vectors."""
    return max(8, 8 * int(usual * filters / 8))


def _conv(x, name: str, num_filters: int, strides: tuple[int, int] = (1, 1)):
    return keras.layers.Conv2D(num_filters, 3, strides=strides, padding="same", use_bias=False, name=name)(x)


def _conv_1d(x, name: str, num_filters: int, dilation: int):
    return keras.layers.Conv1D(num_filters, 3, padding="same", dilation_rate=dilation, use_bias=False, name=name)(x)


def _normalise(x, width, stride: int, name: str):
    """Batch normalisation and ReLU, and 0 to the right of each line's true width; `stride` is the one of x."""
    x = FusedBatchNormalization(name=f"{name}_norm")(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return MaskColumns(stride, name=f"{name}_mask")(x, width)
