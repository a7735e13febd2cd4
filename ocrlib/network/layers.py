"""The layers that Keras lacks: each of them lets a sample's output be the same alone and in any batch.

Two rules keep it so. Everything to the right of a sample's true width is 0 after every block (`MaskColumns`), just
as a convolution pads a lone image with 0 at its edge. And widths are multiples of the strides (the first layer pads to
that), because TensorFlow places the padding of a strided convolution by whether the width is odd or even.

A saved network names these layers as `ocrlib>NAME`; a file is opened only where this module is imported.
Letters: B samples, H height, W padded width in pixels, C channels, S stride, T time steps, h rows, f filters.
"""

from ocrlib.backend import keras, tf
from ocrlib.ctc import time_steps

ops = keras.ops

_OLDEST = {"stride": 4}  # of networks saved before there was another stride


def _mask(num_columns, valid):
    """(B, num_columns) float32: 1 in the first valid[b] columns, else 0."""
    return ops.cast(ops.arange(num_columns)[None, :] < valid[:, None], "float32")


@keras.saving.register_keras_serializable("ocrlib")
class Ink(keras.layers.Layer):
    """Gray levels to ink: white paper is 0, black is 1, everything to the right of the true width is 0.

    The first layer of networks that were made before `levels.Levels` was there.

    Input: image (B, H, W, C) uint8 or float32 in [0, 255]; width (B,) int32 pixels.
    Output: (B, H, W', C) in [0, 1], W' the next multiple of the stride.
    """

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride  # of the whole network

    def call(self, image, width):
        ink = 255.0 - ops.cast(image, self.compute_dtype)
        # The mask is divided by 255 in place of the image, because it has only one value for each column.
        ink = ink * ops.cast(_mask(ops.shape(ink)[2], width) / 255.0, ink.dtype)[:, None, :, None]
        return ops.pad(ink, [[0, 0], [0, 0], [0, -ops.shape(ink)[2] % self.stride], [0, 0]])

    def compute_output_shape(self, image_shape, width_shape):
        return (*image_shape[:2], None, image_shape[3])

    @classmethod
    def from_config(cls, config):
        return cls(**{**_OLDEST, **config})

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("ocrlib")
class Columns(keras.layers.Layer):
    """Joins the rows of each column into one vector: a time step sees its column from top to bottom.

    The rows are cut apart and joined. A transposition gives the same, but would take a tenth of the time of a whole
    network in ONNX Runtime.

    Input: (B, h, W / S, f). Output: (B, W / S, h * f).
    """

    def call(self, features):
        return ops.concatenate(tf.unstack(features, axis=1), axis=-1)

    def compute_output_shape(self, features_shape):
        batch, rows, columns, filters = features_shape
        return (batch, columns, rows * filters)


@keras.saving.register_keras_serializable("ocrlib")
class MaskColumns(keras.layers.Layer):
    """Sets the columns to the right of the true width to 0.

    Input: features (B, h, W / stride, f) or (B, W / stride, f); width (B,) int32 pixels of the image.
    """

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride  # pixels of the image behind one column

    def call(self, features, width):
        mask = _mask(ops.shape(features)[-2], time_steps(width, self.stride))  # (B, W / stride)
        mask = ops.cast(mask, features.dtype)
        return features * (mask[:, None, :, None] if len(features.shape) == 4 else mask[:, :, None])

    def compute_output_shape(self, features_shape, width_shape):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("ocrlib")
class FusedBatchNormalization(keras.layers.Layer):
    """Batch normalisation over all axes but the last, by TensorFlow's fused kernel.

    Keras' own layer consists of single operations, each of which reads and writes the whole batch.

    A ReLU behind it can turn NaN into 0, so the loss may stay finite for one step. The gradients are clipped by their
    common norm, which spreads the NaN to the weights of all layers, so the next loss shows it.

    With `trainable` False nothing of it changes, and it normalises by its moving averages in a training step too. With
    `keeps_averages` it does the same, but scale and offset still learn. The convolutions have no offset of their own.

    Where several devices learn from one batch (`training.devices`), mean and variance are those of the whole batch.

    Input and output: (B, h, w, f) or (B, T, f).
    """

    def __init__(self, momentum=0.97, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon
        self.keeps_averages = False  # of one training, so not in the file

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
        x = tf.expand_dims(features, 1) if len(features.shape) == 3 else features  # the kernel takes four axes
        training = training and self.trainable and not self.keeps_averages
        moving = {} if training else {"mean": self.moving_mean.value, "variance": self.moving_variance.value}
        if training and tf.distribute.get_strategy().num_replicas_in_sync > 1:
            x, mean, variance = self._normalize_over_devices(x)
        else:
            x, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                x, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=bool(training), **moving
            )
        if training:
            for average, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(self.momentum * average + (1.0 - self.momentum) * now)
        return tf.squeeze(x, 1) if len(features.shape) == 3 else x

    def _normalize_over_devices(self, x):
        """Returns what the kernel does, for the part of a batch that this device has: the kernel sees no other part."""
        wide = tf.cast(x, "float32")
        values = tf.cast(tf.size(x) / tf.shape(x)[-1], "float32")
        sums, squares = tf.reduce_sum(wide, [0, 1, 2]), tf.reduce_sum(tf.square(wide), [0, 1, 2])
        sums, squares, values = tf.distribute.get_replica_context().all_reduce("SUM", [sums, squares, values])
        mean = sums / values
        variance = tf.maximum(squares / values - tf.square(mean), 0.0)
        normal = tf.nn.batch_normalization(
            wide, mean, variance, self.beta.value, self.gamma.value, variance_epsilon=self.epsilon
        )
        return tf.cast(normal, x.dtype), mean, variance * values / tf.maximum(values - 1.0, 1.0)  # as the kernel's

    def compute_output_shape(self, features_shape):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("ocrlib")
class MaskedBidirectionalLSTM(keras.layers.Layer):
    """An LSTM in both directions; the backward one starts at each sample's own end, not in the padding.

    It needs no mask. The padding is on the right, so the forward LSTM reaches it only after the sample has ended. For
    the backward LSTM each sample is reversed within its own time steps. Without a mask both are exported to ONNX as
    LSTM operations; with a mask they would become loops over single time steps.

    Input: features (B, T, f); width (B,) int32 pixels. Output: (B, T, 2 * units); the time steps of the padding hold
    no meaning.
    """

    def __init__(self, units, stride, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.stride = stride  # pixels of the image behind one time step
        lstm = keras.layers.LSTM(units, return_sequences=True)
        self.lstm = keras.layers.Bidirectional(lstm)  # holds the weights, under the names that saved files have
        self.lstm.backward_layer.go_backwards = False  # `call` reverses its input

    def build(self, features_shape, width_shape):
        self.lstm.build(features_shape)
        super().build(features_shape)

    def call(self, features, width):
        # A gather, not tf.reverse_sequence: tf2onnx writes the latter as a reversal of all T steps, padding included.
        step = ops.arange(ops.shape(features)[1])[None, :]  # (1, T)
        last = time_steps(width[:, None], self.stride) - 1  # (B, 1)
        reverse = ops.where(step <= last, last - step, step)  # (B, T)
        forward = self.lstm.forward_layer(features)
        backward = self.lstm.backward_layer(tf.gather(features, reverse, axis=1, batch_dims=1))
        return ops.concatenate([forward, tf.gather(backward, reverse, axis=1, batch_dims=1)], axis=-1)

    def compute_output_shape(self, features_shape, width_shape):
        return (*features_shape[:2], 2 * self.units)

    @classmethod
    def from_config(cls, config):
        return cls(**{**_OLDEST, **config})

    def get_config(self):
        return {**super().get_config(), "units": self.units, "stride": self.stride}


class _Characters(keras.layers.Layer):
    """The last layer: gives (B, T, C) float32 probabilities. What a reader must know is kept here in the file."""

    def __init__(self, num_classes, charset, stride, margins=None, patterns=(), **kwargs):
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.num_classes = num_classes
        self.charset = charset
        self.stride = stride  # pixels of the image behind one time step
        self.margins = margins  # of the lines that it learned from, as in paper.Margins; None if nobody measured them
        self.patterns = tuple(patterns)

    def compute_output_shape(self, features_shape):
        return (*features_shape[:-1], self.num_classes)

    @classmethod
    def from_config(cls, config):
        return cls(**{**_OLDEST, **config})

    def get_config(self):
        about = {
            "num_classes": self.num_classes,
            "charset": self.charset,
            "stride": self.stride,
            "margins": self.margins,
            "patterns": list(self.patterns),
        }
        return {**super().get_config(), **about}


@keras.saving.register_keras_serializable("ocrlib")
class CharacterProbabilities(_Characters):
    """A probability for each character and, last, for the blank.

    Input: (B, T, f). Output: (B, T, C) float32 softmax, also under mixed precision.
    """

    def __init__(self, num_classes, charset, stride, **kwargs):
        super().__init__(num_classes, charset, stride, **kwargs)
        self.dense = keras.layers.Dense(num_classes, activation="softmax", dtype="float32")

    def build(self, features_shape):
        self.dense.build(features_shape)
        super().build(features_shape)

    def call(self, features):
        return self.dense(features)


@keras.saving.register_keras_serializable("ocrlib")
class OwnCharacters(_Characters):
    """The probabilities of a network that a user built, as they are; `maker` says by what function.

    Input and output: (B, T, C) softmax, float32 in the end.
    """

    def __init__(self, num_classes, charset, stride, maker=None, **kwargs):
        super().__init__(num_classes, charset, stride, **kwargs)
        self.maker = maker  # "module:function"

    def call(self, probs):
        return ops.cast(probs, "float32")

    def get_config(self):
        return {**super().get_config(), "maker": self.maker}
