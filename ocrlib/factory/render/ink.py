"""The bare line: glyphs side by side, without background; `line.py` goes on with it.

Text of one colour is drawn as its coverage alone, with one byte per pixel. This is exact: the first glyph that touches
a pixel of a transparent picture gives it the full colour, and mixing a colour with itself changes nothing. So stock
trdg's RGBA picture has the same colour in every pixel that has any.
"""

from functools import lru_cache
from random import Random

from PIL import Image, ImageColor, ImageDraw

from ocrlib.factory.render.glyphs import Glyph, GlyphCache
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.render_error import RenderError

Color = tuple[int, int, int]  # red, green, blue, 0 to 255


@lru_cache(maxsize=256)
def _color_range(colors: str) -> tuple[tuple[int, int], ...]:
    """Lowest and highest value of red, green and blue in "#RRGGBB" or "#RRGGBB,#RRGGBB"."""
    try:
        parsed = [ImageColor.getrgb(color)[:3] for color in colors.split(",")]
    except ValueError as error:
        expected = "expected '#RRGGBB' or '#RRGGBB,#RRGGBB'"
        raise RenderError("color", f"{expected}, given {colors!r}") from error
    return tuple((min(pair), max(pair)) for pair in zip(parsed[0], parsed[-1], strict=True))


def pick_color(colors: str, rng: Random) -> Color:
    """A colour from "#RRGGBB" or from the range "#RRGGBB,#RRGGBB"; draws three times from `rng` in both cases.

    Raises:
      RenderError: "color" if `colors` is neither.
    """
    red, green, blue = _color_range(colors)
    return rng.randint(*red), rng.randint(*green), rng.randint(*blue)


def split_text(text: str, word_split: bool) -> list[str]:
    """The pieces that are drawn one by one: characters, or words and the spaces between them.

    Raises:
      RenderError: "empty-text", "newline".
    """
    if not text:
        raise RenderError("empty-text", "expected at least one character, given none")
    if "\n" in text:
        raise RenderError("newline", f"expected a single line, given {text!r}")
    if not word_split:
        return list(text)
    pieces = [piece for word in text.split(" ") for piece in (word, " ")]
    return pieces[:-1]


def render_ink(
    text: str, font_path: str, options: LineOptions, cache: GlyphCache, fill: Color, stroke: Color
) -> Image.Image:
    """The text at the font's own size, before scaling.

    Returns:
      Mode L, the coverage (0: no ink, 255: full ink), if there is one colour; RGBA if the stroke has another colour
      than the letters.

    Raises:
      RenderError: "empty-text", "newline", "font", "layout", "zero-width", "zero-height", "nothing-drawn".
    """
    pieces = split_text(text, options.word_split)
    font = cache.glyphs(font_path, options.height, options.stroke_width)
    glyphs = [font[piece] for piece in pieces]
    space_width = int(font[" "].advance * options.space_width)
    spacing = 0 if options.word_split else options.character_spacing
    starts, x = [], 0  # pixels from the left, for each piece
    for piece, glyph in zip(pieces, glyphs, strict=True):
        starts.append(x)
        x += (space_width if piece == " " else glyph.advance) + spacing
    size = (x - spacing, max(glyph.bottom for glyph in glyphs))
    if size[0] < 1:
        raise RenderError("zero-width", f"expected {text!r} to be at least a pixel wide, it takes {size[0]}")
    if size[1] < 1:
        raise RenderError("zero-height", f"expected {text!r} to be at least a pixel high, it takes {size[1]}")
    origin, size = _whole(glyphs, starts, size)
    starts = [start + origin[0] for start in starts]

    if options.stroke_width == 0 or fill == stroke:
        ink = _render_coverage(glyphs, starts, origin[1], size)
    else:
        inner = cache.glyphs(font_path, options.height, 0)
        ink = _render_two_colors(glyphs, [inner[piece] for piece in pieces], starts, origin[1], size, stroke, fill)
    box = ink.getbbox()
    if box is None:
        raise RenderError("nothing-drawn", f"expected ink, {font_path} draws none for {text!r}")
    return ink.crop(box) if options.fit else ink


def _whole(glyphs: list[Glyph], starts: list[int], size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the line begins on a picture that holds all of its ink, and the picture's size: (x, y), (width, height).

    trdg's picture is as wide as the advances and begins at the top of the line. What an italic, a quotation mark or a
    stroke has beyond that is cut off there, while the label keeps the character.
    """
    boxes = [(start, glyph.ink) for start, glyph in zip(starts, glyphs, strict=True) if glyph.mask is not None]
    left = min([0, *(start + ink[0] for start, ink in boxes)])
    top = min([0, *(ink[1] for _, ink in boxes)])
    right = max([size[0], *(start + ink[2] for start, ink in boxes)])
    bottom = max([size[1], *(ink[3] for _, ink in boxes)])
    return (-left, -top), (right - left, bottom - top)


def _render_coverage(glyphs: list[Glyph], starts: list[int], top: int, size: tuple[int, int]) -> Image.Image:
    coverage = Image.new("L", size)
    # The drawing object inside ImageDraw takes a glyph's bitmap as it is; ImageDraw.text would shape the text again.
    draw_bitmap = ImageDraw.Draw(coverage).draw.draw_bitmap
    for glyph, x in zip(glyphs, starts, strict=True):
        if glyph.mask is not None:
            draw_bitmap((x + glyph.left, top + glyph.top), glyph.mask, 255)
    return coverage


def _render_two_colors(
    outer: list[Glyph],
    inner: list[Glyph],
    starts: list[int],
    top: int,
    size: tuple[int, int],
    stroke: Color,
    fill: Color,
) -> Image.Image:
    picture = Image.new("RGBA", size)
    draw = ImageDraw.Draw(picture).draw
    stroke_ink, fill_ink = draw.draw_ink(stroke), draw.draw_ink(fill)
    # Each letter covers its own stroke, and the next stroke covers both: the order matters where they touch.
    for stroked, plain, x in zip(outer, inner, starts, strict=True):
        if stroked.mask is not None:
            draw.draw_bitmap((x + stroked.left, top + stroked.top), stroked.mask, stroke_ink)
        if plain.mask is not None:
            draw.draw_bitmap((x + plain.left, top + plain.top), plain.mask, fill_ink)
    return picture
