"""The glyph cache: what it keeps and what it drops."""

import pytest

from ocrlib.factory.render.glyphs import GLYPH_OVERHEAD_BYTES, GlyphCache
from ocrlib.factory.render.render_error import RenderError
from tests.factory.render.samples import trdg_fonts

FONTS = trdg_fonts()


def test_glyph_is_drawn_once():
    face = GlyphCache().glyphs(FONTS[0], 32, 0)
    assert face["a"] is face["a"]
    assert face["a"].mask.size[0] > 1 and face["a"].advance > 1


def test_space_has_width_and_no_bitmap():
    space = GlyphCache().glyphs(FONTS[0], 32, 0)[" "]
    assert space.mask is None and space.advance > 0


@pytest.mark.parametrize(("mark", "zero"), [("\u0e31", True), ("\u0e48", True), ("\u0e01", False)])
def test_thai_marks_take_no_width(mark, zero):
    assert (GlyphCache().glyphs(FONTS[0], 32, 0)[mark].advance == 0) is zero


def test_bytes_are_counted_per_glyph():
    cache = GlyphCache()
    face = cache.glyphs(FONTS[0], 32, 0)
    assert cache.num_bytes == 0
    glyph = face["W"]
    assert cache.num_bytes == glyph.mask.size[0] * glyph.mask.size[1] + GLYPH_OVERHEAD_BYTES


def test_trim_drops_the_least_recently_used_until_the_bytes_fit():
    cache = GlyphCache(max_bytes=12 * GLYPH_OVERHEAD_BYTES)
    first, second = (cache.glyphs(font, 32, 0) for font in FONTS[:2])
    for face in (first, second):
        for letter in "abcdef":
            _ = face[letter]
    cache.glyphs(FONTS[0], 32, 0)  # used again: the second is now the older
    cache.trim()
    assert cache.num_bytes == first.num_bytes <= 12 * GLYPH_OVERHEAD_BYTES
    assert cache.glyphs(FONTS[0], 32, 0) is first
    assert cache.glyphs(FONTS[1], 32, 0) is not second


def test_trim_drops_even_the_only_face_if_it_is_too_large():
    cache = GlyphCache(max_bytes=10)
    _ = cache.glyphs(FONTS[0], 32, 0)["a"]
    cache.trim()
    assert cache.num_bytes == 0


def test_trim_bounds_the_number_of_open_fonts():
    cache = GlyphCache(max_fonts=3)
    faces = [cache.glyphs(font, 32, 0) for font in FONTS[:5]]
    cache.trim()
    assert [cache.glyphs(font, 32, 0) is face for font, face in zip(FONTS[2:5], faces[2:], strict=True)] == [True] * 3


def test_size_and_stroke_are_part_of_the_key():
    cache = GlyphCache()
    heights = [cache.glyphs(FONTS[0], size, stroke)["H"].mask.size[1] for size, stroke in [(32, 0), (64, 0), (32, 3)]]
    assert heights[1] > heights[2] > heights[0]


def test_missing_font_is_refused_with_its_name():
    with pytest.raises(RenderError, match="no-such-font"):
        GlyphCache().glyphs("no-such-font.ttf", 32, 0)
