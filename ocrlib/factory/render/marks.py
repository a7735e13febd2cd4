"""Finds what is ink and what is paper in a line image, and whether a mark is still there.

Images are (H, W) or (H, W, 3) uint8; the print may be dark on light or light on dark, the paper of any colour.
"""

from typing import Any

import cv2
import numpy as np

Array = np.ndarray

_INK_QUANTILE = 0.02  # share of the pixels that must differ from the paper for the text to be visible
_FAINTEST = 20  # gray levels between the palest ink and the paper
_KEPT = 0.35  # share of its ink that a mark must keep


def paper_of(image: Array) -> Any:
    """The paper's gray level, a float, or its colour, (3,) float32: the median, since ink covers less than half."""
    paper = np.median(image, axis=(0, 1))
    return float(paper) if image.ndim == 2 else paper.astype(np.float32)


def dark_on_light(image: Array) -> bool:
    """Whether the paper is the brighter of the two."""
    return bool(np.mean(paper_of(image)) > 127)


def off_paper(image: Array, paper: Any = None) -> Array:
    """(H, W) int16, 0 to 255: how much each pixel differs from the paper, in the channel where it differs most.

    Args:
      paper: what `paper_of` returned, if it is known already.
    """
    off = np.abs(image.astype(np.int16) - np.int16(paper_of(image) if paper is None else paper))
    return off if image.ndim == 2 else off.max(axis=2)


def inked(image: Array) -> Array:
    """(H, W) bool: True where there is ink, also pale ink. Print that shows through and the paper's grain do not count.

    On paper so bright or so dark that its grain is cut off at the end of the scale, some grain may count as ink.
    """
    paper = paper_of(image)
    off = off_paper(image, paper)
    level, middle = (image, paper) if image.ndim == 2 else (image.mean(axis=2), paper.mean(dtype=np.float64))
    bare = min(off[level < middle], off[level > middle], key=np.sum)  # the side of the paper's level where no ink is
    # The grain's standard deviation, from its spread on that side. The spread is taken around the median of that side,
    # because heavy print shifts the median of all pixels towards the ink.
    grain = 2.5 * float(np.median(np.abs(bare - np.median(bare)))) if bare.size else 0.0
    return off > max(_FAINTEST, 4.5 * grain, off.max() / 5)


def contrast(image: Array) -> float:
    """Returns how many gray levels, 0 to 255, the darkest or brightest pixels are off the paper; of colours the mean.

    These are a share of _INK_QUANTILE of the pixels, so that a single speck of noise does not count as text.
    """
    num_pixels = image.shape[0] * image.shape[1]
    count = max(1, int(_INK_QUANTILE * num_pixels))
    ranks = [count - 1, num_pixels // 2, num_pixels - count]
    if image.ndim == 2:  # by counting: half the time of a partial sort
        ordered = np.bincount(image.ravel(), minlength=256).cumsum().searchsorted(ranks, side="right")
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
    num_marks, labels = cv2.connectedComponents(inked(before).view(np.uint8))
    ink = [np.bincount(labels.ravel(), off_paper(image).ravel(), num_marks) for image in (before, after)]
    lost = ink[1] < _KEPT * ink[0]
    lost[0] = False  # the paper
    if not lost.any():
        return after
    there = lost[labels]
    out = after.copy()
    out[there] = mark if isinstance(mark, int) else mark[there]
    return out
