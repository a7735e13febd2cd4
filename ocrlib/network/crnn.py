"""The network: a line image of any width in, for each time step a probability for each character out.

    image (B, H, W, C) -> convolutions, each followed by batch normalisation -> (B, W/S, features)
                       -> an encoder along the line: a few 1-D convolutions, ever wider ones, many of them, or an LSTM
                       -> softmax over the charset and the blank, (B, W/S, num_classes)

Two rules keep a sample's output the same alone and in any batch: whatever lies right of its true width is
zero after every block (`MaskColumns`), just as the zero padding of a convolution would have it at the edge of
a lone image; and widths are multiples of the strides (`Ink` sees to that), because where TensorFlow puts the
padding of a strided convolution depends on whether the width is odd or even.

The image is halved in width early, where a column costs most, and its height is halved in every block. An encoder
decides how far a time step sees: about 50 pixels by convolutions, a character and its neighbours; 150 by those that
reach wider, half of a long number; 400 by dilated ones, some words; the whole line by an LSTM. S, the stride, is the
width behind one time step: 4 pixels are enough for running text and sooner learned, but condensed digits are 5 pixels
wide (docs/decisions/two-strides.md).
Letters: B samples, H height, W padded width in pixels, C channels, S stride.
"""

from collections.abc import Callable

from ocrlib.backend import keras, tf

ops = keras.ops

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


def _mask(num_columns, valid):
    """(B, num_columns) float32: 1 in the first valid[b] columns, else 0."""
    return ops.cast(ops.arange(num_columns)[None, :] < valid[:, None], "float32")


@keras.saving.register_keras_serializable("ocrlib")
class Ink(keras.layers.Layer):
    """Gray levels to ink: paper is 0, black is 1, everything right of the true width is 0.

    Input: image (B, H, W, C) uint8 or float32 in [0, 255]; width (B,) int32 pixels.
    Output: (B, H, W', C) in [0, 1], W' the next multiple of the stride.
    """

    def __init__(self, stride=4, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride  # of the whole network

    def call(self, image, width):
        ink = 255.0 - ops.cast(image, self.compute_dtype)
        # Divided by 255 in the mask, which has but one value for a column.
        ink = ink * ops.cast(_mask(ops.shape(ink)[2], width) / 255.0, ink.dtype)[:, None, :, None]
        return ops.pad(ink, [[0, 0], [0, 0], [0, -ops.shape(ink)[2] % self.stride], [0, 0]])

    def compute_output_shape(self, image_shape, width_shape):
        return (*image_shape[:2], None, image_shape[3])

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("ocrlib")
class Columns(keras.layers.Layer):
    """Rows beside each other instead of above each other: each time step sees its column from top to bottom.

    By cutting and joining: a transposition says the same, but ONNX Runtime takes a tenth of its time for it.

    Input: (B, h, W / S, f). Output: (B, W / S, h * f).
    """

    def call(self, features):
        return ops.concatenate(tf.unstack(features, axis=1), axis=-1)

    def compute_output_shape(self, features_shape):
        batch, rows, columns, filters = features_shape
        return (batch, columns, rows * filters)


@keras.saving.register_keras_serializable("ocrlib")
class MaskColumns(keras.layers.Layer):
    """Sets the columns right of the true width to 0.

    Input: features (B, h, W / stride, f) or (B, W / stride, f); width (B,) int32 pixels of the image.
    """

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride  # pixels of the image behind one column

    def call(self, features, width):
        mask = _mask(ops.shape(features)[-2], -(-width // self.stride))  # (B, W / stride)
        mask = ops.cast(mask, features.dtype)
        return features * (mask[:, None, :, None] if len(features.shape) == 4 else mask[:, :, None])

    def compute_output_shape(self, features_shape, width_shape):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("ocrlib")
class FusedBatchNormalization(keras.layers.Layer):
    """Batch normalisation over all axes but the last, by TensorFlow's fused kernel.

    Keras' own layer is made of single operations, each of which goes through the whole batch and back.

    What is no number may come out as 0 where a ReLU follows, so that a loss stays finite that should not; the
    gradients, clipped by their common norm, carry it to the last layer, and the next loss shows it.

    Input and output: (B, h, w, f) or (B, T, f).
    """

    def __init__(self, momentum=0.97, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, features_shape):
        def add(name, value, trainable):
            return self.add_weight(
                name=name, shape=(features_shape[-1],), initializer=value, trainable=trainable, autocast=False
            )

        self.gamma, self.beta = add("gamma", "ones", True), add("beta", "zeros", True)
        self.moving_mean, self.moving_variance = (
            add("moving_mean", "zeros", False),
            add("moving_variance", "ones", False),
        )
        super().build(features_shape)

    def call(self, features, training=False):
        x = tf.expand_dims(features, 1) if len(features.shape) == 3 else features  # the kernel wants four axes
        moving = {} if training else {"mean": self.moving_mean.value, "variance": self.moving_variance.value}
        x, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=bool(training), **moving
        )
        if training:
            for average, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(self.momentum * average + (1.0 - self.momentum) * now)
        return tf.squeeze(x, 1) if len(features.shape) == 3 else x

    def compute_output_shape(self, features_shape):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("ocrlib")
class MaskedBidirectionalLSTM(keras.layers.Layer):
    """An LSTM in both directions that starts, from the right too, at the sample's own end.

    No mask is needed for that: the padding is on the right, so going forward nothing of it is seen before the
    sample has ended, and for the way back each sample is turned round within its own time steps. Without a mask
    the LSTMs are written to ONNX as LSTMs, with one as a loop over single time steps.

    Input: features (B, T, f); width (B,) int32 pixels, each time step within T. Output: (B, T, 2 * units), of
    which the time steps of the padding mean nothing.
    """

    def __init__(self, units, stride=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.stride = stride  # pixels of the image behind one time step
        lstm = keras.layers.LSTM(units, return_sequences=True)
        self.lstm = keras.layers.Bidirectional(lstm)  # holds the weights, as files have had them from the start
        self.lstm.backward_layer.go_backwards = False  # it is fed what has been turned round

    def build(self, features_shape, width_shape):
        self.lstm.build(features_shape)
        super().build(features_shape)

    def call(self, features, width):
        # A gather, not tf.reverse_sequence: tf2onnx takes that for a turn of all T steps, padding and all.
        step = ops.arange(ops.shape(features)[1])[None, :]  # (1, T)
        last = -(-width[:, None] // self.stride) - 1  # (B, 1)
        turned = ops.where(step <= last, last - step, step)  # (B, T)
        forward = self.lstm.forward_layer(features)
        backward = self.lstm.backward_layer(tf.gather(features, turned, axis=1, batch_dims=1))
        return ops.concatenate([forward, tf.gather(backward, turned, axis=1, batch_dims=1)], axis=-1)

    def compute_output_shape(self, features_shape, width_shape):
        return (*features_shape[:2], 2 * self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "stride": self.stride}


@keras.saving.register_keras_serializable("ocrlib")
class CharacterProbabilities(keras.layers.Layer):
    """A probability for each character and, last, for the blank; knows charset and stride, so the file does too.

    Input: (B, T, f). Output: (B, T, C) float32 softmax, also under mixed precision.
    """

    def __init__(self, num_classes, charset=None, stride=4, **kwargs):
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.num_classes = num_classes
        self.charset = charset
        self.stride = stride  # pixels of the image behind one time step
        self.dense = keras.layers.Dense(num_classes, activation="softmax", dtype="float32")

    def build(self, features_shape):
        self.dense.build(features_shape)
        super().build(features_shape)

    def call(self, features):
        return self.dense(features)

    def compute_output_shape(self, features_shape):
        return (*features_shape[:-1], self.num_classes)

    def get_config(self):
        about = {"num_classes": self.num_classes, "charset": self.charset, "stride": self.stride}
        return {**super().get_config(), **about}


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
