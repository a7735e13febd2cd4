"""The network: a line image of any width in, for each time step a probability for each character out.

    image (B, H, W, C) -> convolutions, each followed by batch normalisation -> (B, W/S, features)
                       -> an encoder along the line: a few 1-D convolutions, ever wider ones, many of them, or an LSTM
                       -> softmax over the charset and the blank, (B, W/S, num_classes)

The image is halved in width early, where a column costs most, and its height is halved in every block. An encoder
decides how far a time step sees: about 50 pixels by convolutions, a character and its neighbours; 150 by those that
reach wider, half of a long number; 400 by dilated ones, some words; the whole line by an LSTM. S, the stride, is the
width behind one time step: 4 pixels are enough for running text and sooner learned, but condensed digits are 5 pixels
wide (docs/decisions/two-strides.md).
Letters: B samples, H height, W padded width in pixels, C channels, S stride.
"""

from collections.abc import Callable

from ocrlib.backend import keras
from ocrlib.network.layers import (
    CharacterProbabilities,
    Columns,
    FusedBatchNormalization,
    Ink,
    MaskColumns,
    MaskedBidirectionalLSTM,
)

STRIDES = (2, 4)  # pixels of width behind one time step
# Sizes are for random digits in minutes; `filters` multiplies them. The height is halved in each block, the width in
# the first and, of stride 4, in the third.
_BLOCKS = (8, 16, 32, 48)
_NARROWED = 3
_REFINED = 3  # of stride 4 the block with a second, residual convolution: strokes are told apart here
_LINE_FILTERS = 48
_LSTM_UNITS = 64
# Dilations of the residual 1-D convolutions behind the first, by encoder; of stride 2 twice that, to see nearly as far.
ENCODERS = {"conv": (1, 2), "wide": (1, 2, 4, 8), "lstm": (1,), "dilated": (1, 2, 4, 8, 16, 1, 2, 4, 8)}
_DROPOUT = 0.1


def time_steps(width_px: int, stride: int = 4) -> int:
    """Returns the time steps, T, that a network of that stride gives an image of `width_px` pixels."""
    return -(-width_px // stride)


def width_stride(network: keras.Model) -> int:
    """Returns the pixels of width behind one time step of a network of `build_crnn`."""
    return network.get_layer("characters").stride


def build_crnn(
    height: int,
    num_classes: int,
    *,
    use_lstm: bool = False,
    encoder: str | None = None,
    stride: int = 4,
    filters: float = 1.0,
    channels: int = 1,
    charset: str | None = None,
) -> keras.Model:
    """Returns the network, untrained.

    Args:
      height: pixels of every image, at least 8; the width is open.
      num_classes: C, the characters and the blank.
      use_lstm: read the line with a bidirectional LSTM, which learns what tends to follow what. There is nothing of
        the kind to learn in random digits, where convolutions are faster.
      encoder: what reads along the line, one of ENCODERS. `conv` sees a character and its neighbours, `wide` half
        of a long number, `dilated` some words, `lstm` the whole line. None: `lstm` or `conv`, as use_lstm says.
      stride: pixels of width behind one time step, 2 or 4. 2 is for condensed digits: it takes up to twice the time,
        though it does without the residual convolution of block 3.
      filters: multiple of the usual numbers of filters, above 0; each is rounded down to a multiple of 8, at least
        8. Time and size grow with its square, roughly.
      channels: 1 or 3.
      charset: the characters of classes 0 to C - 2, kept in the saved file.

    Returns:
      A model from {"image": (B, H, W, channels) uint8 or float32 in [0, 255], "width": (B,) int32} to
      (B, ceil(W / stride), C) float32, softmax over C.

    Raises:
      ValueError: no such encoder or stride, or another encoder than use_lstm asks for.
    """
    encoder = encoder or ("lstm" if use_lstm else "conv")
    if encoder not in ENCODERS or (use_lstm and encoder != "lstm"):
        raise ValueError(f"expected encoder among {', '.join(ENCODERS)}, and lstm with use_lstm; got {encoder!r}")
    if stride not in STRIDES:
        raise ValueError(f"expected stride 2 or 4, got {stride!r}")
    layers = keras.layers

    def number(usual: int) -> int:
        return max(8, 8 * int(usual * filters / 8))  # vectors of the processor are filled by multiples of 8

    image = keras.Input((height, None, channels), name="image", dtype="uint8")
    width = keras.Input((), name="width", dtype="int32")
    x = _columns(image, width, stride, number)
    x = layers.Dropout(_DROPOUT, name="dropout")(x)
    x = _along_the_line(x, width, encoder, stride, number)
    x = layers.Dropout(_DROPOUT, name="last_dropout")(x)
    probs = CharacterProbabilities(num_classes, charset, stride, name="characters")(x)
    return keras.Model({"image": image, "width": width}, probs, name=f"crnn_{encoder}")


def _columns(image, width, stride: int, number: Callable[[int], int]):
    """Image (B, H, W, C) -> (B, W/S, f): the blocks; `number` of the usual filters gives those to take."""
    layers = keras.layers
    x = Ink(stride, name="ink")(image, width)
    for block, usual in enumerate(_BLOCKS, 1):
        along = {1: 2, _NARROWED: stride // 2}.get(block, 1)
        so_far = 2 if block < _NARROWED else stride
        x = layers.Conv2D(number(usual), 3, strides=(2, along), padding="same", use_bias=False, name=f"conv{block}")(x)
        x = _normalise(x, width, so_far, f"block{block}")
        if block == _REFINED and stride == 4:
            y = layers.Conv2D(number(usual), 3, padding="same", use_bias=False, name=f"refine{block}")(x)
            x = layers.Add(name=f"refined{block}")([x, _normalise(y, width, so_far, f"refine{block}")])
    return Columns(name="columns")(x)


def _along_the_line(x, width, encoder: str, stride: int, number: Callable[[int], int]):
    """(B, W/S, f) -> (B, W/S, f'): the encoder."""
    layers = keras.layers
    line_filters = number(_LINE_FILTERS)
    far = 4 // stride
    x = layers.Conv1D(line_filters, 3, padding="same", dilation_rate=far, use_bias=False, name="line")(x)
    x = _normalise(x, width, stride, "line_block")
    for place, dilation in enumerate(ENCODERS[encoder], 1):
        name = f"line{place}"
        y = layers.Conv1D(line_filters, 3, padding="same", dilation_rate=far * dilation, use_bias=False, name=name)(x)
        x = layers.Add(name=f"{name}_sum")([x, _normalise(y, width, stride, f"{name}_block")])
    if encoder == "lstm":
        x = MaskedBidirectionalLSTM(number(_LSTM_UNITS), stride, name="lstm")(x, width)
    return x


def _normalise(x, width, stride: int, name: str):
    x = FusedBatchNormalization(name=f"{name}_norm")(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return MaskColumns(stride, name=f"{name}_mask")(x, width)
