"""Words put together of their letters, against the words that Pillow draws."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from ocrlib.factory.render.glyphs import FontGlyphs, GlyphCache
from ocrlib.factory.render.words import Shaper
from tests.factory.render.samples import trdg_fonts

FONTS = trdg_fonts()
# Letters that hang over each other, ligatures, accents, figures and marks.
WORDS = ["AVATAR", "office", "fjord", "jj", "To", "WA.", "1998,", "(f)", "“Qué”", "naïve-Ÿ", "e\u0301t"]
PX = 32


def pixels_of(mask, box):
    """The bitmap of a glyph, cut to `box`."""
    picture = Image.new("L", mask.size)
    picture.im.paste(mask, (0, 0, *mask.size))
    return np.asarray(picture.crop(box))


def described(glyph):
    """All of a glyph that a line depends on."""
    left, top, right, bottom = glyph.ink
    box = (left - glyph.left, top - glyph.top, right - glyph.left, bottom - glyph.top)
    return glyph.advance, glyph.bottom, glyph.ink, pixels_of(glyph.mask, box).tobytes()


@pytest.mark.parametrize("path", FONTS[::4], ids=lambda path: path.rpartition("/")[2])
def test_a_word_of_its_letters_is_the_word_that_pillow_draws(path):
    face, pillow = GlyphCache().glyphs(path, PX, 0), GlyphCache().glyphs(path, PX, 0)
    for word in WORDS:
        assert described(face[word]) == described(FontGlyphs._drawn(pillow, word)), word


def test_most_words_are_put_together_and_what_is_not_sure_is_left_to_pillow():
    font = ImageFont.truetype(FONTS[0], PX)
    shaper = Shaper(FONTS[0], PX, font.getlength)
    assert [place.text for place in shaper.places("word")[0]] == list("word")
    assert shaper.places("слово") is None  # another script
    assert shaper.places("a\u0e01") is None  # a letter that the face lacks


def test_letters_that_kern_stand_nearer():
    path = next(path for path in FONTS if path.endswith("Roboto-Regular.ttf"))
    font = ImageFont.truetype(path, PX)
    places, length = Shaper(path, PX, font.getlength).places("AVA")
    assert length == font.getlength("AVA") < 2 * font.getlength("A") + font.getlength("V")
    assert places[2].x < round(font.getlength("A") + font.getlength("V"))
