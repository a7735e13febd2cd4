"""Draws a line sign by sign where the recipe's `[render.typeset]` asks for it; `ink.py` draws all other lines.

Their names and their order are the rows of `settings/typeset.py`; their functions lie in `signs.py`, `letters.py`,
`impression.py`, `segments.py` and `wheels.py`. What is drawn is whole: a line is as wide and as high as its ink,
whatever the face's advances say.
"""

import re
from dataclasses import fields
from random import Random as PythonRandom

import numpy as np
from PIL import Image

from ocrlib.factory.render.cells import Cell, Row, join, row_of
from ocrlib.factory.render.glyphs import FontGlyphs
from ocrlib.factory.render.impression import impression
from ocrlib.factory.render.letters import (
    CAPITALS,
    NOTE,
    gaps,
    letterspacing,
    raised_figures,
    small_capitals,
    underline,
)
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.pixels import random_from
from ocrlib.factory.render.segments import SHOWN, segments
from ocrlib.factory.render.signs import figures, points, raised_points, zeros
from ocrlib.factory.render.wheels import FITTING, stray, wheels
from ocrlib.factory.settings.degrade import Degradation
from ocrlib.factory.settings.typeset import Typeset

_CHANGES = {
    "segments": segments,
    "figures": figures,
    "zeros": zeros,
    "points": points,
    "raised_points": raised_points,
    "small_capitals": small_capitals,
    "raised_figures": raised_figures,
    "letterspacing": letterspacing,
    "gaps": gaps,
    "underline": underline,
    "impression": impression,
    "wheels": wheels,
}
_ROWS = tuple(row.name for row in fields(Typeset))
# What a line must have, for those that are not about numbers.
_WORDS = {
    "small_size": re.compile("[^ ]"),
    "small_capitals": CAPITALS,
    "raised_figures": NOTE,
    "letterspacing": re.compile(r"[^\W\d_]{3}"),
    "gaps": re.compile("[^ ] +[^ ]"),
    "underline": re.compile("[^ ]"),
    "impression": re.compile("[^ ]"),
}
_SIZES = (19, 17, 15, 13, 11)  # pixels an em: few, because the glyphs of each are drawn and kept


def draw_typeset(settings: Typeset, text: str, rng: PythonRandom) -> tuple[tuple[str, float], ...]:
    """Returns how the signs of one line are set, and the strengths, in order.

    Each takes two draws from `rng`, applied or not, so that the share of one does not change the others.
    """
    drawn: list[tuple[str, float]] = []
    if not any(getattr(settings, name).share for name in _ROWS):
        return ()
    for name in _ROWS:
        setting: Degradation = getattr(settings, name)
        applied, strength = rng.random() < setting.share, round(rng.uniform(*setting.strength), 2)
        if applied and _fits(name, text, [name for name, _ in drawn]):
            drawn.append((name, strength))
    return tuple(drawn)


def _fits(name: str, text: str, before: list[str]) -> bool:
    """Whether a line has what is to be changed, and may be changed so after the others."""
    if name == "segments":
        return SHOWN.issuperset(text)
    if "segments" in before:
        return name == "stray"
    if name == "wheels":
        return FITTING.issuperset(text) and len(text) > 1
    if name == "stray" and "wheels" in before:
        return False
    if name in _WORDS:
        return bool(_WORDS[name].search(text))
    needed = {"figures": "01234579", "zeros": "0", "points": ".,", "raised_points": "."}.get(name, text)
    return any(sign in needed for sign in text) and any(sign.isdigit() for sign in text)


def em_of(options: LineOptions) -> int:
    """Returns how many pixels an em has that the line is drawn with, before it is scaled to its height."""
    strength = dict(options.typeset).get("small_size")
    return options.height if strength is None else _SIZES[round(strength * (len(_SIZES) - 1))]


def typeset_ink(text: str, face: FontGlyphs, options: LineOptions, seed: int) -> Image.Image:
    """The text at the font's own size, as `ink.draw_ink` returns it for one colour: mode L, 0 no ink, 255 all ink.

    Args:
      text: one line, at least one character.
      face: its glyphs, at `em_of(options)` pixels an em.
      options: of it height, typeset, character_spacing, space_width and fit are used.
      seed: in [0, 2**32).

    Raises:
      RenderError: "empty-text", "nothing-drawn".
    """
    random = random_from(seed)
    row = row_of(text, face, em_of(options))
    spacing = options.character_spacing
    for cell in row.cells:
        if cell.sign == " ":
            cell.advance = int(cell.advance * options.space_width)
    for name, strength in options.typeset:
        if name == "stray":
            stray(row, strength, random, lambda sign: _cell_beside(row, sign, face))
        elif name in _CHANGES:
            _CHANGES[name](row, strength, random)
        if name in ("wheels", "segments"):
            spacing = 0
    ink = join(row, spacing)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if options.fit:
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    else:
        ink = ink[min(row.first, rows[0]) : max(row.last, rows[-1] + 1)]
    return Image.fromarray(ink)


def _cell_beside(row: Row, sign: str, face: FontGlyphs) -> Cell:
    """A sign as a cell of the row's height; a face that lacks it draws a box, or nothing."""
    cell = row_of(f"0{sign}", face, row.em).cells[1]
    ink = np.zeros((row.cells[0].ink.shape[0], cell.ink.shape[1]), np.uint8)
    shared = min(len(ink), len(cell.ink))
    ink[:shared] = cell.ink[:shared]
    return Cell(sign, ink, cell.left, cell.advance)
