"""A line as a row of cells, one a sign, that can be changed before they are laid side by side; `typeset.py` does.

Letters: h pixels, the height that all cells of a line share; w a cell's own width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocrlib.factory.render.glyphs import FontGlyphs
from ocrlib.factory.render.render_error import RenderError

Array = np.ndarray

_REACHING_DOWN = "gjpqyçQJÇÿ"  # letters that reach below the line, some in some faces only


@dataclass(slots=True)
class Cell:
    """One sign.

    Attributes:
      sign: the character.
      ink: (h, w) uint8 coverage, 0 to 255.
      left: pixels from the pen to the first column of `ink`; may be negative.
      advance: pixels to the next pen.
    """

    sign: str
    ink: Array
    left: int
    advance: int

    def box(self) -> tuple[int, int, int, int] | None:
        """Returns top, bottom, left, right of the ink, the ends not included, or None where there is none."""
        rows, columns = np.flatnonzero(self.ink.any(axis=1)), np.flatnonzero(self.ink.any(axis=0))
        if not len(rows):
            return None
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1

    def replace_ink(self, ink: Array) -> None:
        """Puts other ink in place, as wide as the cell's."""
        assert ink.shape == self.ink.shape, f"expected {self.ink.shape}, given {ink.shape}"
        self.ink = ink


@dataclass(slots=True)
class Row:
    """A line of cells.

    Attributes:
      cells: from left to right.
      em: pixels of the face's size.
      first, last: the rows from the top of the line to its lowest ink; there is free room above and below them.
    """

    cells: list[Cell]
    em: int
    first: int
    last: int


def row_of(text: str, face: FontGlyphs, em: int) -> Row:
    """Returns the cells of a text in a face, with room of half an em above and of 40% below.

    Raises:
      RenderError: "empty-text", or "nothing-drawn" where no sign has ink.
    """
    if not text:
        raise RenderError("empty-text", "expected at least one character, given none")
    glyphs = [face[sign] for sign in text]
    above = max([0] + [-glyph.top for glyph in glyphs if glyph.mask is not None])
    room = max(above, round(0.5 * em))
    bottom = max(glyph.bottom for glyph in glyphs)
    height = room + max(1, bottom) + round(0.4 * em)
    cells = []
    for sign, glyph in zip(text, glyphs, strict=True):
        if glyph.mask is None:
            cells.append(Cell(sign, np.zeros((height, 1), np.uint8), 0, glyph.advance))
            continue
        array = face.array(sign)
        ink = np.zeros((height, array.shape[1]), np.uint8)
        ink[room + glyph.top : room + glyph.top + len(array)] = array
        cells.append(Cell(sign, ink, glyph.left, glyph.advance))
    if all(glyph.mask is None for glyph in glyphs):
        raise RenderError("nothing-drawn", f"expected ink, the face draws none for {text!r}")
    return Row(cells, em, room - above, room + max(1, bottom))


def join(row: Row, spacing: int) -> Array:
    """Returns the cells laid side by side, (h, W) uint8, all of their ink within it."""
    starts, pen = [], 0
    for cell in row.cells:
        starts.append(pen + cell.left)
        pen += cell.advance + spacing
    ends = [start + cell.ink.shape[1] for start, cell in zip(starts, row.cells, strict=True)]
    origin = min([0, *starts])
    width = max([1, pen - spacing, *ends]) - origin
    line = np.zeros((row.cells[0].ink.shape[0], width), np.uint8)
    for start, cell in zip(starts, row.cells, strict=True):
        place = line[:, start - origin : start - origin + cell.ink.shape[1]]
        np.maximum(place, cell.ink, out=place)
    return line


def digit_box(cells: Sequence[Cell]) -> tuple[int, int] | None:
    """Returns the first row of the digits and the first below them, or None where there is no digit."""
    boxes = [box for cell in cells if cell.sign.isdigit() and (box := cell.box()) is not None]
    if not boxes:
        return None
    return min(box[0] for box in boxes), max(box[1] for box in boxes)


def baseline_of(row: Row) -> int:
    """Returns the first row below the feet of the letters: the median over those that reach no further down."""
    boxes = [cell.box() for cell in row.cells if cell.sign.isalnum() and cell.sign not in _REACHING_DOWN]
    feet = sorted(box[1] for box in boxes if box is not None)
    return feet[len(feet) // 2] if feet else row.last
