"""The few operations on gray pixels that finding a line takes: by OpenCV where it is there, else by numpy.

Reading must not need OpenCV, which has 190 MB. With it a line is found twice as fast, and the datasets are drawn with
it anyway. Both give the same; a test holds the one against the other. Pictures are (H, W) uint8.
"""

import numpy as np
from PIL import Image

try:
    import cv2
except ImportError:  # not installed, or a library of the system that it needs is not
    cv2 = None  # type: ignore[assignment]


def framed(picture: np.ndarray, top: int, bottom: int, left: int, right: int, paper: object) -> np.ndarray:
    """Returns a picture (H, W) or (H, W, 3) with so many rows and columns of paper around it.

    Args:
      paper: a level or a colour; None repeats the outermost pixels.
    """
    height, width = picture.shape[:2]
    below, behind = top + height, left + width
    whole = np.empty((below + bottom, behind + right, *picture.shape[2:]), np.uint8)
    if paper is not None:
        whole[:] = paper
    whole[top:below, left:behind] = picture
    if paper is None:
        whole[:top, left:behind], whole[below:, left:behind] = picture[0], picture[-1]
        whole[:, :left], whole[:, behind:] = whole[:, left : left + 1], whole[:, behind - 1 : behind]
    return whole


def shrunk(gray: np.ndarray, step: int) -> np.ndarray:
    """Returns a picture with a pixel for about `step` x `step` of them, their mean."""
    height, width = gray.shape
    return np.asarray(Image.fromarray(gray).resize((width // step, height // step), Image.Resampling.BOX))


def change_of(gray: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the largest difference within 3 x 3 pixels, of the picture blurred over 3 x 3."""
    if cv2 is not None:
        return cv2.morphologyEx(cv2.blur(gray, (3, 3)), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    height, width = gray.shape
    wide = np.empty((height + 2, width + 2), np.uint16)
    wide[1:-1, 1:-1] = gray
    # Beyond the border the picture is mirrored at its outermost pixels.
    wide[0], wide[-1] = wide[min(2, height)], wide[max(height - 1, 1)]
    wide[:, 0], wide[:, -1] = wide[:, min(2, width)], wide[:, max(width - 1, 1)]
    columns = wide[:-2] + wide[1:-1] + wide[2:]
    total = columns[:, :-2] + columns[:, 1:-1] + columns[:, 2:]
    blurred = ((total + np.uint16(4)) // np.uint16(9)).astype(np.uint8)
    return _spread(blurred, np.maximum) - _spread(blurred, np.minimum)


def _spread(pixels: np.ndarray, chosen: np.ufunc) -> np.ndarray:
    """The largest or the smallest of the 3 x 3 pixels around each, as far as the picture has them."""
    rows = pixels.copy()
    chosen(rows[1:], pixels[:-1], out=rows[1:])
    chosen(rows[:-1], pixels[1:], out=rows[:-1])
    both = rows.copy()
    chosen(both[:, 1:], rows[:, :-1], out=both[:, 1:])
    chosen(both[:, :-1], rows[:, 1:], out=both[:, :-1])
    return both


def shares_of(mask: np.ndarray, axis: int) -> np.ndarray:
    """The mean of a mask (H, W) bool along an axis."""
    return np.add.reduce(mask.view(np.uint8), axis=axis, dtype=np.uint32) / mask.shape[axis]


def counts_of(gray: np.ndarray) -> np.ndarray:
    """(256,) int64: how many pixels there are of each level."""
    if cv2 is not None and gray.size < 1 << 24:  # OpenCV counts in float32
        return cv2.calcHist([gray], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return np.bincount(gray.ravel(), minlength=256)


def median_of(counts: np.ndarray) -> float:
    """The median of gray levels that are given by their counts, (256,), at least one of them; as `numpy.median`."""
    up_to = counts.cumsum()
    low, high = up_to.searchsorted(((up_to[-1] - 1) // 2, up_to[-1] // 2), side="right").tolist()
    return (low + high) / 2


def best_threshold(gray: np.ndarray) -> int:
    """The level that parts the pixels best into dark ones, up to it, and bright ones.

    Source: Otsu 1979, "A threshold selection method from gray-level histograms".
    """
    share = counts_of(gray) / max(1, gray.size)
    dark = np.cumsum(share)
    sums = np.cumsum(share * np.arange(256))
    parted = dark * (1 - dark)
    between = np.divide((sums[-1] * dark - sums) ** 2, parted, out=np.zeros(256), where=parted > 1e-7)
    return int(np.argmax(between))


def marks_of(mask: np.ndarray) -> np.ndarray:
    """(N, 5) int32: left, top, width, height and number of pixels of each connected piece of a mask (H, W) bool.

    Pixels that touch at a corner are connected. The order of the pieces is not promised.
    """
    if cv2 is not None:
        kind = cv2.CV_16U if mask.size < 1 << 16 else cv2.CV_32S  # of the numbers of pieces
        return cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8, ltype=kind)[2][1:]
    height, width = mask.shape
    wide = np.zeros((height, width + 2), np.int8)
    wide[:, 1:-1] = mask
    change = np.diff(wide, axis=1)
    row, start = np.nonzero(change == 1)  # the runs of each row, from the top
    stop = np.nonzero(change == -1)[1]
    if not len(row):
        return np.zeros((0, 5), np.int32)
    piece = _joined(*_touching(row, start, stop, width), len(row))
    order = np.argsort(piece, kind="stable")
    first = np.flatnonzero(np.diff(piece[order], prepend=-1))
    row, start, stop = row[order], start[order], stop[order]
    left, top = np.minimum.reduceat(start, first), row[first]  # runs of a piece stay in order: the first is the highest
    right, bottom = np.maximum.reduceat(stop, first), np.maximum.reduceat(row, first) + 1
    area = np.add.reduceat(stop - start, first)
    return np.stack([left, top, right - left, bottom - top, area], axis=1).astype(np.int32)


def _touching(row: np.ndarray, start: np.ndarray, stop: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs [start, stop) that touch, one in a row and one in the row below."""
    stride = width + 2  # so that places in one row come before all places in the next
    below = (row + 1) * stride
    first = np.searchsorted(row * stride + stop, below + start, side="left")
    behind = np.searchsorted(row * stride + start, below + stop, side="right")
    count = np.maximum(behind - first, 0)
    upper = np.repeat(np.arange(len(row)), count)
    within = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count)
    return upper, first[upper] + within


def _joined(one: np.ndarray, other: np.ndarray, num_runs: int) -> np.ndarray:
    """(num_runs,) the lowest number among all runs that a run is joined with, through any others."""
    lowest = np.arange(num_runs)
    while True:
        least = np.minimum(lowest[one], lowest[other])
        before = lowest.copy()
        for runs in (one, other):
            np.minimum.at(lowest, before[runs], least)
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            return lowest
