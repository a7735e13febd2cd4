"""What a picture looks like when it is not one line: several lines, a page, upright text, or nothing.

A reader of lines answers each of these with some text, so the user should be told. A false alarm costs more trust than
a silence: lines with pieces of the lines around them, with accents or rules, are not to be named here.
"""

from itertools import groupby, pairwise

import numpy as np

from ocrlib.pictures.paper import Box, find_marks, printed

NOTHING, LINES, PAGE, UPRIGHT = "nothing", "several lines", "a page", "upright text"
WARNINGS = {
    NOTHING: "looks like nothing: no ink was found on it",
    LINES: "looks like several lines; cut one picture for each",
    PAGE: "looks like a page; --page reads each of its lines",
    UPRIGHT: "looks like upright text; turn it by 90 degrees",
}
_PAGE_LINES = 6
_LIKE = 0.6  # of the highest line: bands of ink that are as high are lines of their own
_WIDE = 2.0  # heights; a band that is narrower may be one of the points of a colon
_SHORT = 0.9  # heights; so wide a band is a short line if paper parts it from the other one
_APART = (0.2, 1.5)  # of the higher line: the paper between short lines. Less may be the gap in the middle of the
# segments of a display, more the gap between the points of colons
_TALL = 1.25  # widths: so high is a character that counts in a short line; points of a colon and bars of a = are not
_UPRIGHT = 1.5  # widths: the height from which the print may be upright text
_CHARACTER = 0.2  # of the width of upright text: the height of its narrowest characters, such as a 1


def look_of(gray: np.ndarray, box: Box | None) -> str | None:
    """Returns what a picture looks like, one of the names above, or None: it may well be a line.

    Args:
      gray: (H, W) uint8.
      box: of its ink, as `paper.find_line` returns.
    """
    if box is None:
        return NOTHING
    mask = printed(gray, box)
    height, width = mask.shape
    bands = _bands(mask)
    lines = [band for band in bands if _is_line(mask[slice(*band)])]
    highest = max((stop - start for start, stop in lines), default=0)
    # The picture's border may have cut a line above or below: half a line is none.
    whole = [
        (start, stop)
        for start, stop in lines
        if stop - start >= _LIKE * highest and box.top + start > 0 and box.top + stop < len(gray)
    ]
    if len(whole) >= 2:
        return PAGE if len(whole) >= _PAGE_LINES else LINES
    if _are_short_lines(mask, bands, box.top, len(gray)):
        return LINES
    if height > _UPRIGHT * width and sum(stop - start >= _CHARACTER * width for start, stop in bands) >= 3:
        return UPRIGHT
    return None


def _are_short_lines(mask: np.ndarray, bands: list[tuple[int, int]], top: int, num_rows: int) -> bool:
    """Whether bands of about one height, well apart, are each made of two characters or more.

    Args:
      bands: rows of `mask`, which begins at row `top` of a picture of `num_rows` rows.
    """
    highest = max((stop - start for start, stop in bands), default=0)  # no band: ink too thin for any row
    high = [(start, stop) for start, stop in bands if stop - start >= _LIKE * highest]
    if len(high) < 2 or top + high[0][0] <= 0 or top + high[-1][1] >= num_rows:
        return False
    apart = min(below - stop for (_, stop), (below, _) in pairwise(high))
    is_gap = _APART[0] * highest <= apart <= _APART[1] * highest
    return is_gap and all(_is_short_line(mask[slice(*band)]) for band in high)


def _bands(mask: np.ndarray) -> list[tuple[int, int]]:
    """The rows [start, stop) of each stretch that has ink, from the top."""
    bands, row = [], 0
    for inked, rows in groupby(mask.sum(axis=1) > 0.005 * mask.shape[1]):
        start, row = row, row + len(list(rows))
        if inked:
            bands.append((start, row))
    return bands


def _is_line(band: np.ndarray) -> bool:
    """Whether a band of ink is as wide as text is, and made of several characters."""
    columns = np.flatnonzero(band.any(axis=0))
    wide = int(columns[-1]) + 1 - int(columns[0])
    return wide >= _WIDE * len(band) and int((find_marks(band)[:, 3] >= 0.4 * len(band)).sum()) >= 3


def _is_short_line(band: np.ndarray) -> bool:
    """Whether a band of ink has two characters or more, each about as high as the band and higher than wide."""
    columns = np.flatnonzero(band.any(axis=0))
    wide = int(columns[-1]) + 1 - int(columns[0])
    marks = find_marks(band)
    tall = (marks[:, 3] >= _LIKE * len(band)) & (marks[:, 3] >= _TALL * marks[:, 2])
    return wide >= _SHORT * len(band) and int(tall.sum()) >= 2
