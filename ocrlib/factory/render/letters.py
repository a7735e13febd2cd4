"""Words of a line set otherwise: letters apart, small capitals, raised figures, a rule under them, wide gaps.

Each function changes a `Row`, at a strength in [0, 1], by a source of chance. No label changes: a wide gap is one
space, small capitals are read as the capitals that they are, a raised figure is read as a figure.
"""

import re

import cv2
import numpy as np

from ocrlib.factory.render.cells import Cell, Row, baseline_of
from ocrlib.factory.render.pixels import Random

CAPITALS = re.compile(r"[A-ZÀ-ÖØ-ÞŒŠŽ]{2,}")
NOTE = re.compile(r"(?<=[^\W\d_])[.,;:)”»]?(\d{1,2})(?!\d|[.,:/]\d|[^\W\d_])")  # figures behind a word
_MOST_SPACES = 30  # of a gap that the label has one space for
_PER_GAP = 0.35  # chance that a space between words is wide too


def gaps(row: Row, strength: float, random: Random) -> None:
    """One space, and a third of the others, as wide as 3 to 30 of them, as before a price at the right edge."""
    spaces = [cell for cell in row.cells if cell.sign == " "]
    if not spaces:
        return
    chosen = {random.randint(len(spaces)) if random.uniform() < 0.5 else len(spaces) - 1}
    if random.uniform() < 0.3:  # columns: more than one gap in a line
        chosen |= {place for place in range(len(spaces)) if random.uniform() < _PER_GAP}
    for place in sorted(chosen):
        most = 3.0 + (_MOST_SPACES - 3.0) * strength * random.uniform()
        spaces[place].advance = round(max(1, spaces[place].advance) * random.uniform(3.0, most))


def letterspacing(row: Row, strength: float, random: Random) -> None:
    """All words, or one to three of them, with 5% to 40% of the em more between their letters and thrice it between
    the words.
    """
    words = _words(row)
    extra = round(row.em * (0.05 + 0.35 * strength * random.uniform()))
    first, last = 0, len(words)
    if random.uniform() < 0.5:
        first = random.randint(len(words))
        last = first + random.randint(1, 4)
    for start, end in words[first:last]:
        for cell in row.cells[start : end - 1]:
            cell.advance += extra
        for cell in row.cells[max(0, start - 1) : start] + row.cells[end : end + 1]:
            cell.advance += extra


def small_capitals(row: Row, strength: float, random: Random) -> None:
    """Words in capitals at 70% to 90% of their height; half of the time their first letters keep their size."""
    baseline = baseline_of(row)
    scale = 0.9 - 0.2 * strength * random.uniform()
    keeps_first = random.uniform() < 0.5
    text = "".join(cell.sign for cell in row.cells)
    for found in CAPITALS.finditer(text):
        for place in range(found.start() + keeps_first, found.end()):
            row.cells[place] = _scaled(row.cells[place], scale, baseline)


def raised_figures(row: Row, strength: float, random: Random) -> None:
    """Figures behind a word at half to 70% of their size, at the height of the capitals or, of ten times one, below
    the line.
    """
    baseline = baseline_of(row)
    scale = 0.7 - 0.2 * strength * random.uniform()
    lowered = random.uniform() < 0.1
    text = "".join(cell.sign for cell in row.cells)
    for found in NOTE.finditer(text):
        for place in range(found.start(1), found.end(1)):
            cell = row.cells[place]
            box = cell.box()
            if box is None:
                continue
            high = box[1] - box[0]
            up = -round(0.2 * high) if lowered else round((1.0 - scale + 0.12 * random.uniform()) * high)
            row.cells[place] = _scaled(cell, scale, baseline, up)


def underline(row: Row, strength: float, random: Random) -> None:
    """A rule, sometimes two, under all words or some: 4% to 14% of the em below the letters' feet, so that it touches
    or cuts the letters that reach down; up to a twelfth of the em thick.
    """
    words = _words(row)
    first, last = 0, len(words)
    if random.uniform() < 0.5:
        first = random.randint(len(words))
        last = first + random.randint(1, 4)
    start, end = words[first][0], words[min(last, len(words)) - 1][1]
    height = row.cells[0].ink.shape[0]
    thick = max(1, round(row.em * (0.03 + 0.05 * strength * random.uniform())))
    top = baseline_of(row) + max(1, round(row.em * random.uniform(0.04, 0.14)))
    tops = [top, top + 2 * thick + 1] if random.uniform() < 0.15 else [top]
    by_word = random.uniform() < 0.2
    for place in range(start, end):
        cell = row.cells[place]
        if by_word and cell.sign == " ":
            continue
        left = min(0, cell.left)
        width = max(cell.left + cell.ink.shape[1], cell.advance + 2) - left  # over the space between two cells too
        ink = np.zeros((height, width), np.uint8)
        ink[:, cell.left - left : cell.left - left + cell.ink.shape[1]] = cell.ink
        for rule in tops:
            ink[min(rule, height - 1) : rule + thick, -left:] = 255
        row.cells[place] = Cell(cell.sign, ink, left, cell.advance)
    row.last = min(height, max(row.last, tops[-1] + thick))


def _words(row: Row) -> list[tuple[int, int]]:
    """The first cell of each word, and the first behind it."""
    return [found.span() for found in re.finditer("[^ ]+", "".join(cell.sign for cell in row.cells))]


def _scaled(cell: Cell, scale: float, baseline: int, up: int = 0) -> Cell:
    """The sign at another size, its foot on the same line or `up` pixels above it."""
    box = cell.box()
    if box is None:
        return cell
    top, bottom, _, _ = box
    height, width = cell.ink.shape
    size = (max(1, round(width * scale)), max(1, round((bottom - top) * scale)))
    part = cv2.resize(cell.ink[top:bottom], size, interpolation=cv2.INTER_AREA)
    foot = min(height, max(size[1], baseline + round((bottom - baseline) * scale) - up))
    ink = np.zeros((height, size[0]), np.uint8)
    ink[foot - size[1] : foot] = part
    return Cell(cell.sign, ink, round(cell.left * scale), max(1, round(cell.advance * scale)))
