"""Where on a picture the line stands: the empty paper around it is found and cut.

A network sees a line scaled to a fixed height. Empty paper above and below would make the print smaller, and paper
beside it gives the blank more time steps to be in doubt, so a loose picture is brought to the same form first: the box
of its ink with the margins that its network knows. A picture that was cut tightly already stays as it is: another
scale and other edges cost more characters than they save. Ink is where gray levels change over a short distance. That
holds on white and on gray paper, for black and for white print, and under uneven light; the grain of the paper sets
how large a change must be.

Pictures are (H, W) uint8, or (H, W, 3) where that is said; pixels count from the upper left corner.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from ocrlib.pictures import raster

_RIM = 2  # pixels: so far around ink its blurred edge counts as ink as well
_FAINTEST = 10  # gray levels by which ink stands off its paper at least
_OF_INK = 0.22  # of the strongest change: what counts as ink, so that pale characters beside black ones do
_OF_GRAIN = 3  # changes of the paper's own: what counts as ink
_GRAIN_ALONE = 4.8  # of them: the strongest that white noise shows on a million pixels
_SURE = 90  # gray levels: no grain of paper changes so much
_MAJOR = 0.4  # of the height of the characters: smaller marks are points, accents or dirt
_SPECK = 0.1  # of the height of the characters: still smaller marks are no ink, if they stand apart
_BESIDE, _ABOVE = 0.5, 0.35  # of that height: how far from the line a point or an accent may stand
_SLACK_ABOVE, _SLACK_BESIDE = 0.2, 0.35  # of the ink's height: paper beyond a margin that a tight crop may have
_EDGE = 0.3  # of a side: how far inside a picture its dark edge or its frame may lie
_ALONG, _ACROSS = 0.85, 0.95  # of the width, of the height: so far edges and frames run
_MAX_PIXELS = 4 << 20  # of a picture that is looked at in full; a larger one in a smaller copy


class Margins(NamedTuple):
    """Paper above, to the left of, below and to the right of a line's ink, as shares of the ink's height."""

    top: float
    left: float
    bottom: float
    right: float


# Where nothing better is known: what a reader of lines with much and with little paper reads best.
MARGINS = Margins(0.14, 0.14, 0.14, 0.14)


class Box(NamedTuple):
    """Rows [top, bottom) and columns [left, right)."""

    top: int
    left: int
    bottom: int
    right: int

    def within(self, outer: "Box") -> "Box":
        """Returns this box, given in the pixels of `outer`, in those of the picture that `outer` is part of."""
        return Box(self.top + outer.top, self.left + outer.left, self.bottom + outer.top, self.right + outer.left)


def measure_margins(images: Iterable[np.ndarray]) -> Margins:
    """Returns the usual margins of line images, (H, W, 1 or 3) uint8: what a network that learns from them expects."""
    found = []
    for image in images:
        gray = to_gray(image)
        if (box := find_line(gray)) is not None:
            height, width = gray.shape
            sides = (box.top, box.left, height - box.bottom, width - box.right)
            found.append([side / (box.bottom - box.top) for side in sides])
    return Margins(*np.median(found, axis=0).round(3).tolist()) if found else MARGINS


def cut_line(picture: np.ndarray, box: Box | None, margins: Margins = MARGINS, height: int = 0) -> np.ndarray:
    """Returns the line without the paper that it has too much of; where it has too little, paper is added.

    A picture of the network's own height keeps its rows if its margins above and below are right to a pixel: such a
    line comes from a dataset, and is not scaled.

    Args:
      picture: (H, W) or (H, W, 3) uint8.
      box: of its ink, as `find_line` returns; a picture without ink comes back as it is.
      height: that lines are scaled to afterwards, in pixels.
    """
    if box is None:
        return picture
    gray = to_gray(picture)
    top, left, bottom, right = _sides_to_cut(box, gray, margins)
    num_rows, num_columns = gray.shape
    if num_rows == height and abs(top) <= 1 and abs(bottom - num_rows) <= 1:
        top, bottom = 0, num_rows
    outside = (max(0, -top), max(0, bottom - num_rows), max(0, -left), max(0, right - num_columns))
    cut = picture[max(0, top) : bottom, max(0, left) : right]
    if not any(outside):
        return cut
    bare = picture[box.top : box.bottom, box.left : box.right][~printed(gray, box)]
    paper = np.median(bare if len(bare) else _rim_of(picture, box), axis=0).tolist()
    return raster.framed(cut, *outside, paper)


def _sides_to_cut(box: Box, gray: np.ndarray, margins: Margins) -> Box:
    """Where to cut, side by side: at the margin, or where the picture ends if the paper there is about as much.

    Paper beyond the margin stays if it is little. Paper that is a little short is filled up only where there is paper
    on all sides. Ink that reaches the border is a tight crop, whose scale and edges stay.
    """
    wanted = _with_margins(box, gray, margins)
    ends = Box(0, 0, *gray.shape)
    is_tight = any(ink == end for ink, end in zip(box, ends, strict=True))
    sides = []
    for ink, want, end, share in zip(box, wanted, ends, (_SLACK_ABOVE, _SLACK_BESIDE) * 2, strict=True):
        surplus = abs(end - ink) - abs(want - ink)
        slack = share * (box.bottom - box.top)
        sides.append(end if (-slack if is_tight else 0) <= surplus <= slack else want)
    return Box(*sides)


def has_ink(picture: np.ndarray) -> bool:
    """Returns whether something is printed on a picture, (H, W) or (H, W, 1 or 3) uint8."""
    return find_line(to_gray(picture)) is not None


def to_gray(picture: np.ndarray) -> np.ndarray:
    """Returns (H, W) uint8 of (H, W), (H, W, 1) or (H, W, 3) uint8."""
    if picture.ndim == 2:
        return picture
    return picture[:, :, 0] if picture.shape[2] == 1 else np.asarray(Image.fromarray(picture).convert("L"))


def find_line(gray: np.ndarray) -> Box | None:
    """Returns the box of the ink on a picture, without dark edges, frames and lone specks; None if it has no ink."""
    step = 1
    while gray.size // step**2 > _MAX_PIXELS:
        step += 1
    if step > 1:
        box = _find_line(raster.shrunk(gray, step))
        return box and Box(box.top * step, box.left * step, box.bottom * step, box.right * step)
    return _find_line(gray)


def _find_line(gray: np.ndarray) -> Box | None:
    """Looks twice, the second time near the line alone: how much paper there is must not decide what counts as ink."""
    box = _find_box(gray)
    for _ in range(2):
        if box is None:
            return None
        around = max(2, round(_ABOVE * (box.bottom - box.top)))
        top, left = max(0, box.top - around), max(0, box.left - around)
        near = gray[top : box.bottom + around, left : box.right + around]
        if near.shape == gray.shape:
            return box
        again = _find_box(near)
        if again is None:
            return box
        again = again.within(Box(top, left, 0, 0))
        if again == box:
            return box
        box = again
    return box


def _find_box(gray: np.ndarray) -> Box | None:
    """One look: ink, then in turns what lies along the border is left out and the box drawn tighter."""
    # Ink that touches the border gets its rim too, outside of the picture, so that a tight cut gives the same box.
    mask = find_ink(raster.framed(gray, _RIM, _RIM, _RIM, _RIM, None))
    box = Box(-_RIM, -_RIM, gray.shape[0] + _RIM, gray.shape[1] + _RIM)
    first = True
    while mask is not None:
        inside = _inside_edges(mask)
        if not first and inside == (0, 0, *mask.shape):
            return _without_rim(box)
        mask = mask[inside.top : inside.bottom, inside.left : inside.right]
        marks = _box_of_marks(mask)
        if marks is None:
            return None
        mask = mask[marks.top : marks.bottom, marks.left : marks.right]
        box, first = marks.within(inside).within(box), False
    return None


def _without_rim(box: Box) -> Box:
    top, left, bottom, right = box.top + _RIM, box.left + _RIM, box.bottom - _RIM, box.right - _RIM
    return Box(top, left, max(bottom, top + 1), max(right, left + 1))


def find_ink(gray: np.ndarray) -> np.ndarray | None:
    """(H, W) bool: where gray levels change as much as they do at the rim of a character; None if nowhere."""
    change = raster.change_of(gray)
    counts = raster.counts_of(change)
    from_top = np.cumsum(counts[::-1])[::-1]  # how many pixels change by so much or more
    strongest = int(np.count_nonzero(from_top >= min(change.size, max(24, change.size // 10_000)))) - 1
    grain = int(np.count_nonzero(from_top >= 0.9 * change.size)) - 1  # a tenth of a line is paper, however tight it is
    if strongest < max(_FAINTEST, min(_GRAIN_ALONE * grain + 2, _SURE)):
        return None
    return change > max(_OF_INK * strongest, min(_OF_GRAIN * grain + 6, 0.6 * strongest))


def _inside_edges(mask: np.ndarray) -> Box:
    """What is left when dark edges, frames and rules that run along the border, apart from the text, are cut off.

    A bar above or below is an edge only on a line of some length, or if it is part of a frame; else it may be that of
    a T.
    """
    height, width = mask.shape
    reach, corner = int(_EDGE * height), int(min(_EDGE * width, _EDGE * height))
    top, bottom = _past_edges(raster.shares_of(mask[:, corner : width - corner], axis=1), reach, _ALONG)
    left, right = _side_edges(mask[top : height - bottom])
    if (top or bottom) and width < 2.5 * height and not (top and bottom and left and right):
        top = bottom = 0
        left, right = _side_edges(mask)
    return Box(top, left, height - bottom, width - right)


def _side_edges(mask: np.ndarray) -> tuple[int, int]:
    """Columns on the left and on the right that belong to an edge or a rule.

    A tall stroke at the end of a line may be a 1: it is an edge only if it reaches well above and below all other ink.
    """
    height, width = mask.shape
    reach = int(min(_EDGE * width, 2 * _EDGE * height))
    left, right = _past_edges(raster.shares_of(mask, axis=0), reach, _ACROSS)
    if not (left or right):
        return 0, 0
    inked = np.flatnonzero(mask[:, left : width - right].any(axis=1))
    if len(inked) and 0.08 * height <= inked[0] <= 0.6 * height and inked[-1] < 0.92 * height:
        return left, right
    return 0, 0


def _past_edges(share: np.ndarray, reach: int, least: float) -> tuple[int, int]:
    """How many of the first and of the last rows or columns belong to an edge and to nothing else; 0 without an edge.

    Args:
      share: of each, the share that is inked.
      reach: how many of them, from the border inwards, are looked at.
      least: the share that an edge has at its densest. Paper follows it.
    """
    if share.max(initial=0) < least:  # nearly always: nothing is that full
        return 0, 0
    return _past_edge(share[:reach], least), _past_edge(share[::-1][:reach], least)


def _past_edge(share: np.ndarray, least: float) -> int:
    """How many of the first belong to an edge, as above."""
    inked = np.flatnonzero(share > 0)
    if not len(inked):
        return 0
    start = int(inked[0])
    paper = np.flatnonzero(share[start:] == 0)
    stop = start + int(paper[0]) if len(paper) else 0
    return stop if stop and share[start:stop].max() >= least else 0


def _box_of_marks(mask: np.ndarray) -> Box | None:
    """The box of all characters and of the points and accents near them; specks that lie apart stay outside."""
    marks = find_marks(mask)
    if not len(marks):
        return None
    left, top, width, height, area = marks.T
    order = np.argsort(-height)
    tall = height[order][np.searchsorted(np.cumsum(area[order]), area.sum() / 2)]  # half of the ink is as high
    taken = height >= _MAJOR * tall
    rest = ~taken & (np.maximum(width, height) >= max(3, _SPECK * tall))
    while True:
        box = Box(top[taken].min(), left[taken].min(), (top + height)[taken].max(), (left + width)[taken].max())
        beside = (left <= box.right + _BESIDE * tall) & (left + width >= box.left - _BESIDE * tall)
        near = rest & beside & (top <= box.bottom + _ABOVE * tall) & (top + height >= box.top - _ABOVE * tall)
        if not near.any():
            return Box(*map(int, box))
        taken, rest = taken | near, rest & ~near


def find_marks(mask: np.ndarray) -> np.ndarray:
    """(N, 5) int32: left, top, width, height and number of pixels of each connected piece of ink."""
    return raster.marks_of(mask)


def _with_margins(box: Box, gray: np.ndarray, margins: Margins) -> Box:
    """The box with its margins, of a pixel at least: the rim of small print is blurred, and is part of it.

    A lone dash or point is no higher than its ink: it gets the height of a character.
    """
    height, width = box.bottom - box.top, box.right - box.left
    if width >= 0.8 * height and printed(gray, box).mean() > 0.9:
        margins = margins._replace(top=2, bottom=2)
    top, left, bottom, right = (max(1, round(share * height)) for share in margins)
    return Box(box.top - top, box.left - left, box.bottom + bottom, box.right + right)


def printed(gray: np.ndarray, box: Box) -> np.ndarray:
    """(H, W) bool of the pixels in the box of a line: print, black or white, with the gaps left open.

    The paper is what lies around the box, or, in a picture cut tightly, most of what lies along its rim.
    """
    line = gray[box.top : box.bottom, box.left : box.right]
    level = raster.best_threshold(line)
    return (line > level) != (raster.median_of(raster.counts_of(_rim_of(gray, box))) > level)


def _rim_of(picture: np.ndarray, box: Box) -> np.ndarray:
    """(N,) or (N, 3) uint8: the pixels along the box with the rim of its ink, as far as the picture has it."""
    top, left = max(0, box.top - _RIM), max(0, box.left - _RIM)
    around = picture[top : box.bottom + _RIM, left : box.right + _RIM]
    return np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]])
