"""The network's first layer: gray levels to ink, whatever the paper, the contrast and the polarity of a line.

Around each column the pixels are split into a bright and a dark class, as by two rounds of isodata. The class that has
more pixels on the line is the paper, the other the ink; the paper becomes 0 and the ink about 1. All of it comes from
sums of columns, so it costs little, and a dark edge, a lit half or a noisy half disturbs only what lies near it.

Source of the split: Ridler and Calvard 1978, "Picture thresholding using an iterative selection method".
Letters: B samples, H height, W padded width in pixels, W' the next multiple of the stride, C channels.
"""

from ocrlib.backend import keras, tf

ops = keras.ops

_REACH = 1.0  # heights of the line that a column looks to each side for its paper and its ink
_ROUNDS = 2  # of isodata: a third moves the levels by less than a gray level
_QUIETEST = 0.25  # of the line's contrast: what varies less than this around a column is paper with its grain
_FAINTEST = 4.0  # gray levels: a line that varies less is blank
_CLIPPED = (-1.0, 2.0)  # of ink, where something stands off the paper far more than the print does


@keras.saving.register_keras_serializable("ocrlib")
class Levels(keras.layers.Layer):
    """Gray levels to ink: paper is 0, print about 1, light print on dark paper too; right of the true width all is 0.

    A line a + b * x reads as the line x does, for b below 0 too, but for rounding.

    Input: image (B, H, W, C) uint8 or float32 in [0, 255]; width (B,) int32 pixels.
    Output: (B, H, W', C), within _CLIPPED.
    """

    def __init__(self, stride=4, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride  # of the whole network

    def call(self, image, width):
        image = ops.cast(image, "float32")
        own = ops.cast(ops.arange(ops.shape(image)[2])[None, :] < width[:, None], "float32")  # (B, W)
        paper, contrast, sign = _levels(ops.mean(image, axis=-1), own)
        scale = (sign * own / contrast)[:, None, :, None]
        ink = ops.clip((paper[:, None, :, None] - image) * scale, *_CLIPPED)
        ink = ops.pad(ink, [[0, 0], [0, 0], [0, -ops.shape(ink)[2] % self.stride], [0, 0]])
        return ops.cast(ink, self.compute_dtype)

    def compute_output_shape(self, image_shape, width_shape):
        return (*image_shape[:2], None, image_shape[3])

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}


def _levels(gray, own):
    """Returns what a line's paper and print are like.

    Args:
      gray: (B, H, W) float32. own: (B, W) float32, 1 within the true width, else 0.

    Returns:
      (B, W) the paper's gray level around each column; (B, W) how far print stands off it there, above 0;
      (B, 1) 1 for dark print on light paper, -1 for light print on dark.
    """
    height = gray.shape[1]
    window = 2 * round(_REACH * height) + 1
    own = own[:, None, :]
    threshold = _mean(_around(own * gray, window), _around(own + 0.0 * gray, window), 0.0)
    for _ in range(_ROUNDS):
        # Not a step but a short slope: whether a pixel at the very threshold counts must not hang on a rounding.
        above = own * ops.clip(gray - threshold[:, None, :] + 0.5, 0.0, 1.0)
        below = own - above
        bright = _mean(_around(above * gray, window), _around(above, window), threshold)
        dark = _mean(_around(below * gray, window), _around(below, window), threshold)
        threshold = (bright + dark) / 2.0
    contrast = (bright - dark) * own[:, 0]
    # By the majority of the pixels, those most that lie where something is printed.
    vote = ops.sum(contrast * ops.mean(above - below, axis=1), axis=1, keepdims=True)
    typical = ops.sum(contrast**2, axis=1, keepdims=True) / ops.maximum(
        ops.sum(contrast, axis=1, keepdims=True), _FAINTEST
    )
    sign = ops.where(vote >= 0.0, 1.0, -1.0)
    contrast = ops.maximum(ops.maximum(contrast, _QUIETEST * typical), _FAINTEST)
    return ops.where(vote >= 0.0, bright, dark), contrast, sign


def _around(pixels, window: int):
    """(B, H, W) -> (B, W) the mean of `window` columns around each, those beyond the edges left out."""
    return tf.nn.avg_pool1d(ops.mean(pixels, axis=1)[:, :, None], window, 1, "SAME")[:, :, 0]


def _mean(total, number, otherwise):
    """The mean of a class, where it has pixels at all."""
    return (total + 1e-6 * otherwise) / (number + 1e-6)
