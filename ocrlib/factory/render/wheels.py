"""What stands between, around and beside the digits: the cells of counters and of forms, and stray signs.

Each function changes a `Row`, at a strength in [0, 1], by a source of chance.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ocrlib.factory.render.cells import Cell, Row, digit_box
from ocrlib.factory.render.pixels import Array, Random

FITTING = frozenset("0123456789")  # what a wheel or a box holds
_STRAY = "$€£¥%*#+=&" + "".join(sorted(set(string.ascii_letters) - set("OoIlSsBZzgqDQjit")))  # none like a digit
MOST_TURNED = 0.33  # of a wheel's height: the digit of the label is still the one that is seen best


@dataclass(frozen=True)
class _Wheels:
    """How one counter looks: sizes in pixels, coverages of what lies behind the digits."""

    pitch: int  # from digit to digit
    top: int
    bottom: int
    kind: str  # bars, boxes, comb, windows or open
    bar: int  # of a bar, or of a box's line
    bar_coverage: int
    jitter: int  # that a wheel may stand too high or too low
    curve: float  # coverage of the shade at the upper and lower end of a wheel
    tone: float  # coverage of the ground of the darkest wheel


def wheels(row: Row, strength: float, random: Random) -> None:
    """Each digit in the middle of a cell of its own, all cells as wide; the stronger, the further wheels are turned.

    Between the cells there are bars, lines of boxes, the teeth of a comb, darker ground or nothing. The last wheels
    may have the colours the other way round, or a darker ground, as those behind the decimal point do.
    """
    span = digit_box(row.cells)
    if span is None:
        return
    look = _look(row, span, random)
    others = random.randint(1, 4) if random.uniform() < 0.3 else 0  # wheels of another colour, at the end
    other = "turned" if random.uniform() < 0.6 else "darker"
    num_turned = random.randint(1, 3) if random.uniform() < 0.5 * strength + 0.1 else 0
    drawn = {cell.sign: cell for cell in row.cells}
    for place, cell in enumerate(row.cells):
        last = len(row.cells) - place  # 1 for the last
        turn = random.uniform(-MOST_TURNED, MOST_TURNED) * strength if last <= num_turned else 0.0
        ink = _shaded(_on_wheel(cell, drawn, look, turn, random), look, random)
        if last <= others:
            ink = _recoloured(ink, other, look, random)
        row.cells[place] = Cell(cell.sign, _with_bars(ink, look, place, len(row.cells)), 0, look.pitch)


def stray(row: Row, strength: float, random: Random, cell_of: Callable[[str], Cell]) -> None:
    """One or two signs before or behind the number, a space away from it: 15% to 60% of the em."""
    at_left = random.uniform() < 0.6
    space = round(row.em * (0.6 - 0.45 * strength * random.uniform()))
    picked = [cell_of(_STRAY[random.randint(len(_STRAY))]) for _ in range(1 + (random.uniform() < 0.3))]
    gap = Cell(" ", np.zeros((row.cells[0].ink.shape[0], 1), np.uint8), 0, space)
    row.cells = [*picked, gap, *row.cells] if at_left else [*row.cells, gap, *picked]


def _look(row: Row, span: tuple[int, int], random: Random) -> _Wheels:
    height = span[1] - span[0]
    widest = max(cell.ink.shape[1] for cell in row.cells)
    kind = ("bars", "boxes", "comb", "windows", "open")[random.choice(5, p=(0.25, 0.2, 0.1, 0.3, 0.15))]
    pitch = round(widest * random.uniform(1.25, 2.4))
    free = pitch - widest
    room = row.cells[0].ink.shape[0]
    above, below = (round(height * random.uniform(0.05, 0.35)) for _ in range(2))
    return _Wheels(
        pitch=pitch,
        top=max(0, span[0] - above),
        bottom=min(room, span[1] + below),
        kind=kind,
        bar=max(1, round(free * random.uniform(0.15, 0.7)) if kind in ("bars", "windows") else round(height / 20)),
        bar_coverage=round(255 * random.uniform(0.25, 1.0)),
        jitter=round(0.06 * height * random.uniform()),
        curve=255.0 * random.uniform(0.0, 0.6) if kind in ("bars", "windows") and random.uniform() < 0.6 else 0.0,
        tone=255.0 * random.uniform(0.0, 0.35) if random.uniform() < 0.4 else 0.0,
    )


def _on_wheel(cell: Cell, drawn: dict[str, Cell], look: _Wheels, turn: float, random: Random) -> Array:
    """(h, pitch) uint8: the digit in its cell, a part of the next digit showing where the wheel is turned."""
    height = look.bottom - look.top
    moved = round(turn * height) + random.randint(-look.jitter, look.jitter + 1)
    ink = _centred(cell.ink, look.pitch)
    out = _shifted(ink, moved)
    if abs(moved) > look.jitter:
        follows = str((int(cell.sign) + (1 if moved < 0 else -1)) % 10)
        near = drawn.get(follows, cell)  # any digit will do: it is not read
        other = _shifted(_centred(near.ink, look.pitch), moved + (height if moved < 0 else -height))
        out = np.maximum(out, other)
    out[: look.top] = 0
    out[look.bottom :] = 0
    return out


def _shaded(ink: Array, look: _Wheels, random: Random) -> Array:
    """The cell on its own ground: darker above and below, as a round wheel is, and of its own tone."""
    if not look.curve and not look.tone:
        return ink
    across = np.linspace(-1.0, 1.0, look.bottom - look.top, dtype=np.float32)
    ground = look.curve * across**2 + look.tone * random.uniform()
    out = ink.astype(np.float32)
    out[look.top : look.bottom] += ground[:, None] * (1.0 - out[look.top : look.bottom] / 255.0)
    return out.clip(0.0, 255.0).astype(np.uint8)


def _centred(ink: Array, pitch: int) -> Array:
    columns = np.flatnonzero(ink.any(axis=0))
    out = np.zeros((ink.shape[0], pitch), np.uint8)
    if len(columns):
        part = ink[:, columns[0] : columns[-1] + 1]
        start = (pitch - part.shape[1]) // 2
        out[:, start : start + part.shape[1]] = part
    return out


def _shifted(ink: Array, down: int) -> Array:
    out = np.zeros_like(ink)
    height = ink.shape[0]
    if abs(down) < height:
        out[max(0, down) : height + min(0, down)] = ink[max(0, -down) : height + min(0, -down)]
    return out


def _recoloured(ink: Array, how: str, look: _Wheels, random: Random) -> Array:
    """Light digits on a dark ground in place of dark on light, or a ground of 15% to 45% ink."""
    out = ink.astype(np.float32)
    inside = out[look.top : look.bottom]
    if how == "turned":
        level = random.uniform(0.6, 1.0)
        inside[:] = (255.0 - inside) * level
    else:
        ground = 255.0 * random.uniform(0.15, 0.45)
        inside[:] = ground + inside * (1.0 - ground / 255.0)
    return out.astype(np.uint8)


def _with_bars(ink: Array, look: _Wheels, place: int, number: int) -> Array:
    """The cell with what lies between it and its neighbours: half of it at either side."""
    out = ink
    half = max(1, look.bar // 2)
    coverage = look.bar_coverage
    if look.kind in ("bars", "windows"):
        rows = slice(look.top, look.bottom) if look.kind == "bars" else slice(None)
        out[rows, :half] = np.maximum(out[rows, :half], coverage)
        out[rows, look.pitch - half :] = np.maximum(out[rows, look.pitch - half :], coverage)
    if look.kind == "windows":
        out[: look.top] = np.maximum(out[: look.top], coverage)
        out[look.bottom :] = np.maximum(out[look.bottom :], coverage)
    if look.kind == "boxes":
        corner, opposite = (0, look.top), (look.pitch - 1, look.bottom - 1)
        frame = cv2.rectangle(np.zeros_like(out), corner, opposite, coverage, half)
        out = np.maximum(out, frame)
    if look.kind == "comb":
        tooth = slice(look.bottom - (look.bottom - look.top) // 3, look.bottom)
        out[tooth, :half] = coverage
        if place == number - 1:
            out[tooth, -half:] = coverage
        out[look.bottom - half : look.bottom] = coverage
    return out
