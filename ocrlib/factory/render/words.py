"""Where the glyphs of a word lie; `glyphs.py` draws words of glyphs that it has already.

Pillow shapes a word twice and draws each of its letters three times: 0.4 ms a word, a third of the time that a line of
text took. HarfBuzz, which Pillow asks through Raqm, says in 0.02 ms where the glyphs lie. Text that Raqm may cut into
runs, or whose glyphs move off their line, is left to Pillow.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import uharfbuzz  # type: ignore[import-untyped]

# One script and one direction: ASCII, Latin letters with accents, the signs of print.
_ONE_RUN = re.compile("[!-~¡-¬®-ɏ‐-‧‰-⁄€]+")
_PER_PX = 64  # FreeType's units


class Place(NamedTuple):
    """The characters that one glyph stands for, and how many pixels right of the word's start it is drawn."""

    text: str
    x: int


class _Alone(NamedTuple):
    """A piece of text on its own.

    Attributes:
      glyph: the number of its one glyph in the font.
      correction: by how many units the glyph is wider in FreeType than in HarfBuzz, which round differently.
    """

    glyph: int
    correction: int


class Shaper:
    """Shapes the words of one font at one size.

    Args:
      font_path: a TrueType or OpenType file.
      size_px: pixels an em.
      length_of: says how many pixels a piece of text is wide as Pillow shapes it; asked once for each piece.
    """

    def __init__(self, font_path: str, size_px: int, length_of: Callable[[str], float]) -> None:
        self._font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(font_path)))
        self._font.scale = (size_px * _PER_PX, size_px * _PER_PX)
        self._length_of = length_of
        self._alone: dict[str, _Alone | None] = {}

    def places(self, word: str) -> tuple[list[Place], float] | None:
        """Returns where each glyph lies, and the word's width in pixels; None if Pillow must draw the word."""
        if not _ONE_RUN.fullmatch(word):
            return None
        shaped = self._shape(word)
        glyphs, positions = shaped.glyph_infos, shaped.glyph_positions
        ends = [glyph.cluster for glyph in glyphs[1:]] + [len(word)]
        places, pen = [], 0
        for glyph, position, end in zip(glyphs, positions, ends, strict=True):
            piece = word[glyph.cluster : end]
            alone = self._on_its_own(piece) if piece else None
            if alone is None or alone.glyph != glyph.codepoint or position.x_offset or position.y_offset:
                return None
            places.append(Place(piece, (pen + _PER_PX // 2) // _PER_PX))
            pen += position.x_advance + alone.correction
        return places, pen / _PER_PX

    def _on_its_own(self, piece: str) -> _Alone | None:
        """The one glyph of a piece of text; None if it is none of the font's, or more than one, or moved."""
        if piece not in self._alone:
            shaped = self._shape(piece)
            glyphs, positions = shaped.glyph_infos, shaped.glyph_positions
            self._alone[piece] = None
            if len(glyphs) == 1 and glyphs[0].codepoint and not (positions[0].x_offset or positions[0].y_offset):
                correction = round(self._length_of(piece) * _PER_PX) - positions[0].x_advance
                self._alone[piece] = _Alone(glyphs[0].codepoint, correction)
        return self._alone[piece]

    def _shape(self, text: str) -> uharfbuzz.Buffer:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(self._font, buffer)
        return buffer
