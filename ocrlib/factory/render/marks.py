"""Finds what is ink and what is paper in a line image, and whether a mark is still there.

Images are (H, W) or (H, W, 3) uint8; the print may be dark on light or light on dark, the paper of any colour.
"""

import math
from typing import Any

import cv2
import numpy as np

from ocrlib.pictures.raster import counts_of, median_of

Array = np.ndarray

_LEVELS = np.arange(256, dtype=np.int16)
_counted: tuple[Array, Array] | None = None  # the image that was counted last, and its counts
_INK_QUANTILE = 0.02  # share of the pixels that must differ from the paper for the text to be visible
_FAINTEST = 20  # gray levels between the palest ink and the paper
_KEPT = 0.35  # share of its ink that a mark must keep


def histogram(image: Array) -> Array:
    """(256,) int64, read-only: how many pixels of a (H, W) uint8 image have each gray level.

    Several steps ask this of one image. The last answer is kept if nobody can change the image.
    """
    global _counted
    if _counted is not None and _counted[0] is image:
        return _counted[1]
    counts = counts_of(image)
    counts.flags.writeable = False
    if not image.flags.writeable:
        _counted = (image, counts)
    return counts


def paper_of(image: Array) -> Any:
    """The paper's gray level, a float, or its colour, (3,) float32: the median, since ink covers less than half."""
    if image.ndim == 2:  # by counting: a tenth of the time of numpy.median
        return median_of(histogram(image))
    return np.median(image, axis=(0, 1)).astype(np.float32)


def dark_on_light(image: Array) -> bool:
    """Whether the paper is the brighter of the two."""
    paper = paper_of(image)
    return paper > 127 if image.ndim == 2 else bool(np.mean(paper) > 127)


def off_paper(image: Array, paper: Any = None) -> Array:
    """(H, W) uint8: how much each pixel differs from the paper, in the channel where it differs most.

    Args:
      paper: what `paper_of` returned, if it is known already.
    """
    paper = np.int16(paper_of(image) if paper is None else paper)
    if image.ndim == 2:
        return cv2.LUT(image, np.abs(_LEVELS - paper).astype(np.uint8))  # a look-up is a tenth of the arithmetic
    return np.abs(image.astype(np.int16) - paper).max(axis=2).astype(np.uint8)


def inked(image: Array) -> Array:
    """(H, W) bool: True where there is ink, also pale ink. Print that shows through and the paper's grain do not count.

    On paper so bright or so dark that its grain is cut off at the end of the scale, some grain may count as ink.
    """
    return _ink_on_paper(image)[0]


def _ink_on_paper(image: Array) -> tuple[Array, Any]:
    """What `inked` and `paper_of` return, found together."""
    if image.ndim == 2:
        counts = histogram(image)
        paper = median_of(counts)
        return cv2.LUT(image, _inked_levels(counts, paper).view(np.uint8)).view(bool), paper
    paper = paper_of(image)
    off = off_paper(image, paper)
    level, middle = image.mean(axis=2), paper.mean(dtype=np.float64)
    bare = min(off[level < middle], off[level > middle], key=np.sum)  # the side of the paper's level where no ink is
    # The grain's standard deviation, from its spread on that side. The spread is taken around the median of that side,
    # because heavy print shifts the median of all pixels towards the ink.
    grain = 2.5 * float(np.median(np.abs(bare - np.median(bare)))) if bare.size else 0.0
    return off > max(_FAINTEST, 4.5 * grain, off.max() / 5), paper


def _inked_levels(counts: Array, paper: float) -> Array:
    """(256,) bool: which gray levels are ink, in an image that has `counts` pixels of each; as `inked` for colours."""
    off = np.abs(_LEVELS - int(paper))
    weight = (counts * off).cumsum()
    middle = math.ceil(paper)
    darker, brighter = slice(0, middle), slice(math.floor(paper) + 1, 256)
    heavier = weight[-1] - weight[brighter.start - 1] if brighter.start else weight[-1]
    side = darker if (weight[middle - 1] if middle else 0) <= heavier else brighter  # the paper's, without the ink
    grain = 0.0
    if counts[side].any():
        bare = counts[side][::-1] if side is darker else counts[side]  # by how far they stand off the paper, rising
        distance = off[side][::-1] if side is darker else off[side]
        deviation = np.abs(distance - _weighted_median(distance, bare))
        order = deviation.argsort()
        grain = 2.5 * _weighted_median(deviation[order], bare[order])
    return off > max(_FAINTEST, 4.5 * grain, off[counts > 0].max() / 5)


def _weighted_median(values: Array, counts: Array) -> float:
    """The median of rising values, each of which is there so many times."""
    up_to = counts.cumsum()
    low, high = up_to.searchsorted(((up_to[-1] - 1) // 2, up_to[-1] // 2), side="right")
    return float((values[low] + values[high]) / 2)


def contrast(image: Array) -> float:
    """Returns how many gray levels, 0 to 255, the darkest or brightest pixels are off the paper; of colours the mean.

    These are a share of _INK_QUANTILE of the pixels, so that a single speck of noise does not count as text.
    """
    num_pixels = image.shape[0] * image.shape[1]
    count = max(1, int(_INK_QUANTILE * num_pixels))
    ranks = [count - 1, num_pixels // 2, num_pixels - count]
    if image.ndim == 2:  # by counting: half the time of a partial sort
        ordered = histogram(image).cumsum().searchsorted(ranks, side="right")
    else:
        ordered = np.partition(image.mean(axis=2).ravel(), ranks)[ranks]
    dark, middle, bright = map(float, ordered)
    return max(middle - dark, bright - middle)


def keep_marks(before: Array, after: Array, mark: Array | int) -> Array:
    """Returns `after` with every lost mark put back.

    A mark is connected ink in `before`: a digit, a point, half of a colon. It is lost if less than 35% of its ink is
    left, in pixels times gray levels off the paper. Without its point, 13.50 would look like 1350 and have a wrong
    label. A point that touches a digit belongs to the digit's mark, so it is not protected.

    Args:
      before, after: of one shape.
      mark: what the pixels of a lost mark become: a gray level, or those of this image of the same shape.
    """
    there, paper = _ink_on_paper(before)
    num_marks, labels = cv2.connectedComponents(there.view(np.uint8))
    places = np.flatnonzero(there)  # only what is ink: a tenth of the pixels
    flat = labels.ravel()[places]
    off = (off_paper(before, paper), off_paper(after))
    ink = [np.bincount(flat, each.ravel()[places], num_marks) for each in off]
    lost = ink[1] < _KEPT * ink[0]  # never the paper, which has no ink in either
    if not lost.any():
        return after
    there = lost[labels]
    out = after.copy()
    out[there] = mark if isinstance(mark, int) else mark[there]
    return out
