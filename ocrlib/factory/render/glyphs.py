"""The glyphs of a font, each shaped and drawn once per process; `ink.py` lays them side by side.

Stock trdg asks the shaper (Raqm) five times for each character of a line, and spends nearly all of its time there. The
answer depends only on the font file, the size, the stroke and the characters, so it is kept here, up to a limit in
bytes. A word is put together of the glyphs of its letters (`words.py`), as Pillow would draw it, byte for byte.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocrlib.factory.render.render_error import RenderError
from ocrlib.factory.render.words import Shaper

# 100 fonts x 95 characters at 32 px take 10 MiB. With word_split, whole words are kept.
CACHE_BYTES = 48 << 20  # 48 MiB
# An open font costs 0.15 MiB (measured over trdg's 100), so their number has a limit of its own.
CACHE_FONTS = 256
# What a glyph costs on top of its pixels: the objects that hold them (measured: 770).
GLYPH_OVERHEAD_BYTES = 800

# Thai vowels and tone marks are drawn over or under the letter before them: trdg gives them no width.
# U+0E3A is missing here because a typing mistake in trdg's list leaves it out there.
ZERO_WIDTH = frozenset(map(chr, (0xE31, *range(0xE34, 0xE3A), *range(0xE47, 0xE4F))))


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character, or a word, as drawn at x = 0.

    Attributes:
      advance: pixels to the next piece of text.
      bottom: pixels from the top of the line to the lowest ink.
      mask: Pillow's own 8-bit bitmap (an ImagingCore), or None where there is no ink at all.
      left, top: pixels from the start of the line to the bitmap's corner; may be negative.
      ink: left, top, right, bottom of the ink itself, the ends not included; all 0 where there is none.
    """

    advance: int
    bottom: int
    mask: Any
    left: int
    top: int
    ink: tuple[int, int, int, int]


class FontGlyphs(dict[str, Glyph]):
    """The glyphs of one font file at one size and stroke; a missing one is drawn when it is looked up.

    Raises:
      RenderError: "font" if the file does not open, "layout" if the shaper refuses a text.
    """

    def __init__(self, cache: "GlyphCache", font_path: str, size_px: int, stroke_px: int):
        super().__init__()
        try:
            self._font = ImageFont.truetype(font_path, size_px)
        except OSError as error:
            raise RenderError("font", f"expected a font file, {font_path!r} did not open: {error}") from error
        self._cache = cache
        self._path, self._size_px, self._stroke_px = font_path, size_px, stroke_px
        self._lengths: dict[str, float] = {}
        self._shaper: Shaper | None = None  # of words; opened with the first of them
        self._arrays: dict[str, np.ndarray] = {}
        self.num_bytes = 0

    def array(self, text: str) -> np.ndarray:
        """The bitmap of a glyph with ink, (h, w) uint8, read-only: what a `mask` is that can be calculated with."""
        array = self._arrays.get(text)
        if array is None:
            mask = self[text].mask
            picture = Image.new("L", mask.size)
            picture.im.paste(mask, (0, 0, *mask.size))
            array = self._arrays[text] = np.asarray(picture)
            self.num_bytes += array.size + GLYPH_OVERHEAD_BYTES
            self._cache.num_bytes += array.size + GLYPH_OVERHEAD_BYTES
        return array

    def __missing__(self, text: str) -> Glyph:
        try:
            glyph = self._word(text) if len(text) > 1 and not self._stroke_px else None
            return self._keep(text, glyph or self._drawn(text))
        except (OSError, RuntimeError) as error:
            raise RenderError("layout", f"{self._path!r}: cannot lay out {text!r}: {error}") from error

    def _keep(self, text: str, glyph: Glyph) -> Glyph:
        self[text] = glyph
        num_pixels = 0 if glyph.mask is None else glyph.mask.size[0] * glyph.mask.size[1]
        self.num_bytes += num_pixels + GLYPH_OVERHEAD_BYTES
        self._cache.num_bytes += num_pixels + GLYPH_OVERHEAD_BYTES
        return glyph

    def _length(self, text: str) -> float:
        length = self._lengths.get(text)
        if length is None:
            length = self._lengths[text] = self._font.getlength(text)
        return length

    def _drawn(self, text: str) -> Glyph:
        """A piece of text, shaped and drawn by Pillow."""
        font = self._font
        advance = 0 if text in ZERO_WIDTH else round(self._length(text))
        mask, (left, top) = font.getmask2(
            text, "L", stroke_width=self._stroke_px, anchor="la", start=(0, 0), stroke_filled=True
        )
        # Without a stroke the mask ends where the text's box does; asking for the box would shape the text again.
        bottom = int(font.getbbox(text)[3]) if self._stroke_px else top + mask.size[1]
        box = mask.getbbox()
        ink = (0, 0, 0, 0) if box is None else (left + box[0], top + box[1], left + box[2], top + box[3])
        return Glyph(advance, bottom, None if box is None else mask, left, top, ink)

    def _word(self, text: str) -> Glyph | None:
        """A word, put together of the glyphs of its letters; None if Pillow must draw it."""
        if self._shaper is None:
            self._shaper = Shaper(self._path, self._size_px, self._length)
        shaped = self._shaper.places(text)
        if shaped is None or len(shaped[0]) == 1:
            return None
        places, length = shaped
        # Not self[part]: a ligature is one glyph of several letters, which must not be taken for a word.
        parts = [(self.get(part) or self._keep(part, self._drawn(part)), x) for part, x in places]
        bottom = max(glyph.bottom for glyph, _ in parts)
        parts = [(glyph, x) for glyph, x in parts if glyph.mask is not None]
        if not parts:
            return None
        left, top = min(x + glyph.ink[0] for glyph, x in parts), min(glyph.ink[1] for glyph, _ in parts)
        right, low = max(x + glyph.ink[2] for glyph, x in parts), max(glyph.ink[3] for glyph, _ in parts)
        mask = Image.new("L", (right - left, low - top))
        draw_bitmap = ImageDraw.Draw(mask).draw.draw_bitmap  # mixes glyphs that overlap as Pillow does in a word
        for glyph, x in parts:
            draw_bitmap((x + glyph.left - left, glyph.top - top), glyph.mask, 255)
        return Glyph(round(length), bottom, mask.im, left, top, (left, top, right, low))


class GlyphCache:
    """Glyphs by (font, size, stroke), bounded in bytes and in the number of open fonts.

    Past a limit, the font that was used longest ago is dropped with all its glyphs. So looking up a glyph is a plain
    dict look-up. `trim` enforces the limits between lines; one line may exceed them. For one process and one thread.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES, max_fonts: int = CACHE_FONTS):
        self._max_bytes = max_bytes
        self._max_fonts = max_fonts
        self._fonts: OrderedDict[tuple[str, int, int], FontGlyphs] = OrderedDict()
        self.num_bytes = 0

    def glyphs(self, font_path: str, size_px: int, stroke_px: int) -> FontGlyphs:
        """The glyphs of a font at `size_px` pixels an em, with `stroke_px` of stroke around each."""
        key = (font_path, size_px, stroke_px)
        glyphs = self._fonts.get(key)
        if glyphs is None:
            glyphs = self._fonts[key] = FontGlyphs(self, font_path, size_px, stroke_px)
        else:
            self._fonts.move_to_end(key)
        return glyphs

    def trim(self) -> None:
        """Drops fonts until the limits hold. Call it between lines: glyphs in use would no longer be counted."""
        while self.num_bytes > self._max_bytes or len(self._fonts) > self._max_fonts:
            _, glyphs = self._fonts.popitem(last=False)
            self.num_bytes -= glyphs.num_bytes
