"""Numbers as displays show them: digits of seven segments, drawn here, for no face has the segments that are off.

Segments, as everybody letters them:   a
                                      f b
                                       g
                                      e c
                                       d
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocrlib.factory.render.cells import Cell, Row
from ocrlib.factory.render.pixels import Array, Random

LIT = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
    " ": "",
}
_OTHER_FORMS = {"6": "fgedc", "9": "abcfg", "7": "abcf"}  # as some makers have them
SHOWN = frozenset(LIT) | frozenset(".,:")  # what a display can show
_FINER = 4  # times as large as the line, where segments are drawn


@dataclass(frozen=True)
class _Display:
    """One make of display: sizes as shares of a digit's height, but for the height."""

    height_px: int
    width: float
    thick: float
    gap: float  # between two segments
    pointed: float  # how far a segment's ends taper, 0 to 1
    slant: float  # pixels to the right for a pixel up
    off: int  # coverage of a segment that is off
    pitch: float  # from digit to digit
    forms: dict[str, str]


def segments(row: Row, strength: float, random: Random) -> None:
    """The line on a display; the stronger, the more its dark segments show, up to 40% as much as those that are lit.

    Empty digits may stand before the number: all of their segments are off.
    """
    display = _Display(
        height_px=row.last - row.first,
        width=random.uniform(0.4, 0.62),
        thick=random.uniform(0.07, 0.2),
        gap=random.uniform(0.0, 0.06),
        pointed=random.uniform(0.0, 1.0),
        slant=random.uniform(0.0, 0.18) if random.uniform() < 0.7 else 0.0,
        off=round(255 * 0.4 * strength * random.uniform()) if random.uniform() < 0.6 else 0,
        pitch=random.uniform(1.2, 1.7),
        forms={sign: form for sign, form in _OTHER_FORMS.items() if random.uniform() < 0.3},
    )
    total = row.cells[0].ink.shape[0]
    signs = [cell.sign for cell in row.cells]
    if random.uniform() < 0.25:
        signs = [" "] * random.randint(1, 4) + signs
    one_left = random.uniform() < 0.05  # the 1 of a few displays is lit at the left
    shapes = _placed_shapes(display, row.last)
    drawn = {sign: _cell(sign, display, shapes, total, row.last, one_left) for sign in sorted(set(signs))}
    row.cells = [replace(drawn[sign]) for sign in signs]


def _size(display: _Display) -> tuple[int, int]:
    """A digit's width without its room at either side, and that room, in pixels."""
    return max(4, round(display.width * display.height_px)), 2 + round(display.slant * display.height_px)


def _cell(sign: str, display: _Display, shapes: dict[str, Array], total: int, baseline: int, one_left: bool) -> Cell:
    width, room = _size(display)
    canvas = np.zeros((total * _FINER, (width + 2 * room) * _FINER), np.uint8)
    if sign in ".,:":
        return _marks(sign, display, canvas, baseline, room)
    lit = "ef" if sign == "1" and one_left else display.forms.get(sign, LIT[sign])
    for name, corners in shapes.items():
        coverage = 255 if name in lit else display.off
        if coverage:
            cv2.fillPoly(canvas, [corners], coverage)
    return Cell(sign, _smaller(canvas), -room, round(width * display.pitch))


def _placed_shapes(display: _Display, baseline: int) -> dict[str, Array]:
    """The corners of each segment on the canvas of a digit."""
    width, room = _size(display)
    shapes = _shapes(display, width)
    corners = _placed(np.concatenate(list(shapes.values())), display, baseline, room)
    return dict(zip(shapes, corners.reshape(len(shapes), -1, 2), strict=True))


def _shapes(display: _Display, width: int) -> dict[str, Array]:
    """The corners of each segment, (6, 2) float x to the right and y up from the digit's lower left corner, pixels."""
    height, half = display.height_px, display.height_px / 2
    t = display.thick * height / 2
    g, tip = display.gap * height / 2, t * display.pointed

    def across(y: float) -> Array:
        left, right = t + g, width - t - g
        return np.array(
            [
                (left, y),
                (left + tip, y + t),
                (right - tip, y + t),
                (right, y),
                (right - tip, y - t),
                (left + tip, y - t),
            ]
        )

    def upright(x: float, low: float) -> Array:
        bottom, top = low + g, low + half - t - g
        return np.array(
            [
                (x, bottom),
                (x + t, bottom + tip),
                (x + t, top - tip),
                (x, top),
                (x - t, top - tip),
                (x - t, bottom + tip),
            ]
        )

    low, high = t, half
    return {
        "a": across(height - t),
        "b": upright(width - t, high),
        "c": upright(width - t, low),
        "d": across(t),
        "e": upright(t, low),
        "f": upright(t, high),
        "g": across(half),
    }


def _marks(sign: str, display: _Display, canvas: Array, baseline: int, room: int) -> Cell:
    """A point, a comma or a colon: squares in a narrow cell of their own."""
    size = max(2.0, display.thick * display.height_px * 1.2)
    heights = (0.3, 0.65) if sign == ":" else (0.0,)
    for share in heights:
        y = share * display.height_px
        square = np.array([(0, y), (0, y + size), (size, y + size), (size, y)])
        cv2.fillPoly(canvas, [_placed(square, display, baseline, room)], 255)
    if sign == ",":
        tail = np.array([(0, 0), (size, 0), (-0.2 * size, -1.2 * size)])
        cv2.fillPoly(canvas, [_placed(tail, display, baseline, room)], 255)
    ink = _smaller(canvas)[:, : round(size) + 2 * room]
    return Cell(sign, ink, -room, round(size + max(2.0, 0.12 * display.height_px)))


def _placed(corners: Array, display: _Display, baseline: int, room: int) -> Array:
    """The corners on the canvas, slanted: (n, 2) int32."""
    x = (room + corners[:, 0] + display.slant * corners[:, 1]) * _FINER
    y = (baseline - corners[:, 1]) * _FINER
    return np.rint(np.stack([x, y], axis=1)).astype(np.int32)


def _smaller(canvas: Array) -> Array:
    size = (canvas.shape[1] // _FINER, canvas.shape[0] // _FINER)
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
