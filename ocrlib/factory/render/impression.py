"""How type meets paper: the hits of a typewriter, of which no two are alike. It changes a `Row`, as `letters.py` does.

What a machine does wrong it does wrong at each hit of that letter: the bar of a letter stands too high, its type is
worn at one side. What the hand and the ribbon do changes from hit to hit.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ocrlib.factory.render.cells import Cell, Row
from ocrlib.factory.render.pixels import Array, Random

_SMALL_MARKS = ".,:;'’‘“”„\"-–°"  # they would be lost: they are never paler than 70%
_KERNEL = np.ones((2, 2), np.uint8)


@dataclass(frozen=True)
class _Type:
    """One letter of a machine.

    Attributes:
      up, right: pixels that it stands off its place.
      cover: how dark it prints, above 0, at most 1.
      worn: how much darker one edge of it prints than the other, and which, -1 to 1: left, right.
      worn_below: the same of its head and foot.
    """

    up: int
    right: int
    cover: float
    worn: float
    worn_below: float


def impression(row: Row, strength: float, random: Random) -> None:
    """Each letter has its own height, weight and smear; the ribbon is uneven along the line and shows its cloth."""
    types = {sign: _type(row, sign, strength, random) for sign in sorted({cell.sign for cell in row.cells})}
    height = row.cells[0].ink.shape[0]
    cloth_strength = strength * random.uniform(0.0, 0.6)
    width = 2 * row.em + 2 + max(cell.ink.shape[1] for cell in row.cells)
    cloth = 1.0 - cloth_strength * random.uniform(0.0, 1.0, (height, width)).astype(np.float32)
    wave, phase = random.uniform(3.0, 40.0), random.uniform(0.0, 6.3)
    uneven = strength * random.uniform(0.0, 0.45)
    heavy = random.uniform(-1.0, 1.0) * strength  # the whole line: worn and thin, or new and thick
    soft = random.uniform(0.0, 0.05) * strength * row.em if random.uniform() < 0.4 else 0.0
    for place, cell in enumerate(row.cells):
        if cell.sign == " ":
            continue
        kind = types[cell.sign]
        weight = heavy + strength * random.uniform(-0.5, 0.5)
        cover = kind.cover * (1.0 - uneven * (0.5 + 0.5 * np.sin(place * 6.3 / wave + phase)))
        cover *= 1.0 - 0.25 * strength * random.uniform()
        if is_small := cell.sign in _SMALL_MARKS:
            cover, weight = max(0.7, cover), max(0.0, weight)
        ink = _hit(cell, kind, weight, cover, 0.0 if is_small else soft)
        start = random.randint(2 * row.em)
        ink *= cloth[:, start : start + ink.shape[1]] if not is_small else 1.0
        jump = random.randint(-1, 2) if random.uniform() < 0.3 * strength else 0
        moved = _moved(np.rint(ink).clip(0, 255).astype(np.uint8), kind.up + jump)
        row.cells[place] = Cell(cell.sign, moved, cell.left - 1 + kind.right, cell.advance)


def _type(row: Row, sign: str, strength: float, random: Random) -> _Type:
    off = np.clip(random.standard_normal(2), -2.0, 2.0) * strength * row.em
    is_small = sign in _SMALL_MARKS
    return _Type(
        up=round(0.03 * off[0]),
        right=round(0.02 * off[1]),
        cover=1.0 - 0.4 * strength * random.uniform() ** 2,
        worn=strength * random.uniform(-0.5, 0.5) if random.uniform() < 0.4 and not is_small else 0.0,
        worn_below=strength * random.uniform(-0.7, 0.7) if random.uniform() < 0.4 and not is_small else 0.0,
    )


def _hit(cell: Cell, kind: _Type, weight: float, cover: float, soft: float) -> Array:
    """(h, w + 2) float32, 0 to 255: the letter thicker or thinner, paler, worn at an edge, and blurred."""
    ink = cv2.copyMakeBorder(cell.ink, 0, 0, 1, 1, cv2.BORDER_CONSTANT, value=0)
    if abs(weight) > 0.1:
        changed = cv2.dilate(ink, _KERNEL) if weight > 0 else cv2.erode(ink, _KERNEL)
        part = min(0.8, abs(weight))
        ink = cv2.addWeighted(changed, part, ink, 1.0 - part, 0.0)
    if soft > 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), soft)
    out = ink.astype(np.float32) * cover
    if kind.worn:
        out *= _ramp(out.shape[1], kind.worn)[None, :]
    if kind.worn_below and (box := cell.box()) is not None:
        out[box[0] : box[1]] *= _ramp(box[1] - box[0], kind.worn_below)[:, None]
    return out


@lru_cache(maxsize=256)  # a letter of a line has the same ones at each hit
def _ramp(length: int, worn: float) -> Array:
    """(length,) float32, read-only, from 1 down to 1 - |worn|, or up where it is negative."""
    ramp = np.linspace(1.0, 1.0 - abs(worn), length, dtype=np.float32)
    return ramp if worn > 0 else ramp[::-1]


def _moved(ink: Array, up: int) -> Array:
    """The ink `up` pixels higher; there is room above and below every row."""
    if not up:
        return ink
    return np.concatenate((ink[up:], ink[:up]))
