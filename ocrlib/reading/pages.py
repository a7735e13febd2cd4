"""A page in, its lines out, in reading order: RapidOCR's detector finds the lines, a recognizer reads them.

Pages may be turned: by some degrees, on a side, upside down. Boxes are in the pixels of the page as it was given.
Letters: N lines.
"""

import statistics
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.pictures.opening import MAX_PIXELS
from ocrlib.reading.recognizer import Reading, Recognizer

_SAME_ROW = 0.5  # of a line's height: how far the middles of two lines of a row may be apart
_MOST_PROPORTION = 20  # of the longer side of a page to the shorter one, for the detector
_TALL = 1.5  # widths: a box as high as this holds a line that runs upwards or downwards
_CLEARLY = 0.02  # of mean confidence: how much better a page must read upside down


@dataclass(frozen=True, kw_only=True)
class PageLine:
    """A line of a page.

    Attributes:
      corners: (x, y) in pixels of the four corners, from where the line begins at its top, clockwise.
      reading: what stands in it.
      row: number of its row, from 0; lines of a row stand beside each other.
    """

    corners: tuple[tuple[float, float], ...]
    reading: Reading
    row: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the upright box around it."""
        xs, ys = zip(*self.corners, strict=True)
        return int(min(xs)), int(min(ys)), round(max(xs)), round(max(ys))


class PageReader:
    """Reads pages.

    Args:
      recognizer: of lines.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        from rapidocr import RapidOCR

        self._recognizer = recognizer
        # Its own reader and its own look for what is upside down are not asked, and so not loaded.
        self._detector: Any = RapidOCR(
            params={"Global.use_cls": False, "Global.use_rec": False, "Global.log_level": "critical"}
        )

    def read(self, picture: Image.Image) -> list[PageLine]:
        """Returns the lines of a page, in reading order: row by row, from the left.

        Raises:
          UserError: the detector fails on it.
        """
        upright, boxes = picture, self._find(picture)
        on_side = _lies_on_its_side(boxes)
        if on_side:
            upright = picture.rotate(90, expand=True)
            boxes = self._find(upright)
        crops = [cut_out(upright, corners) for corners in boxes]
        readings = self._recognizer.read(crops)
        # A page that is upside down is read with less confidence; to read its lines twice costs less than to find them.
        turned = self._recognizer.read([crop.rotate(180) for crop in crops])
        if _confidence(turned) > _confidence(readings) + _CLEARLY:
            boxes, readings = boxes[:, [2, 3, 0, 1]], turned
        lines = [
            PageLine(corners=tuple((float(x), float(y)) for x, y in boxes[index]), reading=readings[index], row=row)
            for index, row in in_reading_order(boxes)
        ]
        return [_laid_back(line, picture.width) for line in lines] if on_side else lines

    def _find(self, picture: Image.Image) -> np.ndarray:
        """(N, 4, 2) float: the corners of the lines on a page, in no order."""
        pixels = np.asarray(_not_too_long(picture.convert("RGB")))[:, :, ::-1]
        try:
            found = self._detector(np.ascontiguousarray(pixels)).boxes
        except Exception as error:  # whatever it raises over an odd page
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"the page: no lines can be looked for: {type(error).__name__}: {reason}") from error
        return np.zeros((0, 4, 2)) if found is None else np.asarray(found, float)


def _not_too_long(page: Image.Image) -> Image.Image:
    """Returns a page with white paper below or on the right where it is a mere strip.

    The detector enlarges the shorter side to some hundred pixels: a strip 1 pixel high would take gigabytes.

    Raises:
      UserError: with that paper it has more pixels than a picture may have.
    """
    least = max(page.size) // _MOST_PROPORTION
    if min(page.size) >= least:
        return page
    if max(page.size) * least > MAX_PIXELS:
        raise UserError(f"the page: {page.width} x {page.height} pixels are too long a strip to look for lines in")
    paper = Image.new("RGB", (max(page.width, least), max(page.height, least)), "white")
    paper.paste(page)
    return paper


def in_reading_order(boxes: np.ndarray) -> list[tuple[int, int]]:
    """Returns (index, row) of each box, row by row and from the left; a row follows the slope of the lines.

    Columns are not looked for: what stands beside each other is one row, as on receipts and forms.

    Args:
      boxes: (N, 4, 2) the corners of each, from the upper left, clockwise.
    """
    if not len(boxes):
        return []
    along = boxes[:, 1] - boxes[:, 0]  # (N, 2): each line's direction
    angle = np.median(np.arctan2(along[:, 1], along[:, 0]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middles = boxes.mean(axis=1) @ turn  # as if the page were level
    heights = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    rows: list[list[int]] = []
    for index in np.argsort(middles[:, 1], kind="stable").tolist():
        last = rows[-1][-1] if rows else -1
        if rows and middles[index, 1] - middles[last, 1] <= _SAME_ROW * min(heights[index], heights[last]):
            rows[-1].append(index)
        else:
            rows.append([index])
    return [(index, number) for number, row in enumerate(rows) for index in sorted(row, key=lambda i: middles[i, 0])]


def cut_out(picture: Image.Image, corners: np.ndarray) -> Image.Image:
    """Returns what stands within four corners, from the upper left, clockwise, made level."""
    upper_left, upper_right, lower_right, lower_left = corners.tolist()
    width = max(1, round(float(np.linalg.norm(corners[1] - corners[0]))))
    height = max(1, round(float(np.linalg.norm(corners[3] - corners[0]))))
    quad = (*upper_left, *lower_left, *lower_right, *upper_right)
    return picture.convert("RGB").transform((width, height), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)


def _lies_on_its_side(boxes: np.ndarray) -> bool:
    """Whether most of what is printed runs upwards or downwards."""
    if not len(boxes):
        return False
    width = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    height = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    area = width * height
    return bool(area[height > _TALL * width].sum() > area.sum() / 2)


def _confidence(readings: list[Reading]) -> float:
    return statistics.fmean(reading.confidence for reading in readings) if readings else 0.0


def _laid_back(line: PageLine, width: int) -> PageLine:
    """A line of a page that was set upright, with its corners in the pixels of the page as it lay, of that width."""
    return replace(line, corners=tuple((width - y, x) for x, y in line.corners))
