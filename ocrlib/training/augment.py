"""Small random changes to the images of a training batch, in the graph: a line looks different in each epoch.

Every line is changed as if it were alone: it is rotated, sheared, zoomed and shifted around its own centre, and the
edges are filled with its own paper, not with the padding. The four movements form one affine map, so each pixel is
interpolated only once. All changes depend on a seed, so a resumed run changes a batch in the same way.

Letters: B lines, H height, W padded width, C channels.
"""

from typing import Any

from ocrlib.backend import keras, tf
from ocrlib.training.settings import AugmentConfig


def augment(image: Any, width: Any, seed: Any, settings: AugmentConfig) -> Any:
    """Returns the images of a batch, changed.

    Args:
      image: (B, H, W, C) uint8.
      width: (B,) int32, pixels of the line itself; the rest is padding and comes back as paper.
      seed: (2,) int32.
      settings: the largest change of each kind.

    Returns:
      (B, H, W, C) uint8.
    """
    size = tf.shape(image)
    lines = size[0]

    def draw(number: int, low: Any, high: Any) -> Any:
        """(B,) float32 in [low, high)."""
        return tf.random.stateless_uniform([lines], tf.stack([seed[0], seed[1] * 16 + number]), low, high)

    pixels = tf.cast(image, tf.float32)
    inside = tf.range(size[2])[None, :] < width[:, None]  # (B, W)
    inside = inside[:, None, :, None]
    paper = _paper(pixels, inside)
    # Ink is the distance from paper, so 0 is the right value for padding and for the edges that are filled.
    ink = tf.where(inside, pixels - paper, 0.0)
    if settings.moves:
        ink = _move(ink, width, settings, draw)
    if settings.blur:
        share = draw(6, 0.0, settings.blur)[:, None, None, None]
        ink = ink + share * (_blurred(ink) - ink)
    if settings.contrast:
        ink = ink * draw(7, 1.0 - settings.contrast, 1.0 + settings.contrast)[:, None, None, None]
    pixels = ink + paper
    if settings.brightness:
        pixels += draw(8, -settings.brightness, settings.brightness)[:, None, None, None]
    if settings.noise:
        spread = draw(9, 0.0, settings.noise)[:, None, None, None]
        pixels += spread * tf.random.stateless_normal(size, tf.stack([seed[0], seed[1] * 16 + 10]))
    return tf.cast(tf.clip_by_value(tf.round(pixels), 0.0, 255.0), tf.uint8)


def _paper(pixels: Any, inside: Any) -> Any:
    """Returns (B, 1, 1, C), the gray level between the characters: the mean of the brighter part of each line."""
    weight = tf.cast(inside, tf.float32)
    count = tf.reduce_sum(weight, axis=[1, 2], keepdims=True) * tf.cast(tf.shape(pixels)[1], tf.float32)
    mean = tf.reduce_sum(pixels * weight, axis=[1, 2], keepdims=True) / count
    bright = weight * tf.cast(pixels >= mean, tf.float32)
    total = tf.maximum(tf.reduce_sum(bright, axis=[1, 2], keepdims=True), 1.0)
    return tf.reduce_sum(pixels * bright, axis=[1, 2], keepdims=True) / total


def _move(ink: Any, width: Any, settings: AugmentConfig, draw: Any) -> Any:
    """Rotates, shears, zooms and shifts each line around its own centre, by one bilinear interpolation."""
    radians = 3.141592653589793 / 180.0
    angle = draw(0, -settings.rotation_deg, settings.rotation_deg) * radians
    shear = draw(1, -settings.shear_deg, settings.shear_deg) * radians
    zoom = draw(2, 1.0 - settings.zoom, 1.0 + settings.zoom)
    shift_x = draw(3, -settings.shift_px, settings.shift_px)
    shift_y = draw(4, -settings.shift_px, settings.shift_px)
    height = tf.shape(ink)[1]
    center_x = (tf.cast(width, tf.float32) - 1.0) / 2.0
    center_y = (tf.cast(height, tf.float32) - 1.0) / 2.0
    # The inverse map: output pixel (x, y) is taken from the input at (a0 x + a1 y + a2, b0 x + b1 y + b2).
    a0, a1 = tf.cos(angle) / zoom, -tf.sin(angle + shear) / zoom
    b0, b1 = tf.sin(angle) / zoom, tf.cos(angle + shear) / zoom
    a2 = center_x - shift_x - a0 * center_x - a1 * center_y
    b2 = center_y - shift_y - b0 * center_x - b1 * center_y
    zero = tf.zeros_like(a0)
    rows = tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)  # (B, 8)
    return keras.ops.image.affine_transform(ink, rows)  # bilinear, 0 beyond the edges


def _blurred(ink: Any) -> Any:
    """Returns the image blurred by 1-2-1 along both axes; edge pixels are repeated."""
    for axis in (1, 2):
        before = [[0, 0]] * axis + [[1, 1]] + [[0, 0]] * (3 - axis)
        padded = tf.pad(ink, before, "SYMMETRIC")
        if axis == 1:
            ink = (padded[:, :-2] + 2.0 * padded[:, 1:-1] + padded[:, 2:]) / 4.0
        else:
            ink = (padded[:, :, :-2] + 2.0 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4.0
    return ink
