"""From text, font, options and seed to the pixels of one line; `renderer.py` calls this for each sample.

The bytes are those of stock trdg, which the tests compare with (`tests/stock_trdg.py`) and which is not imported here.
Work that changes no pixel is left out: trdg's mask, drawing a glyph again, computing three equal bands.
"""

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageFilter

from ocrlib.factory.render import backgrounds
from ocrlib.factory.render.distortions import distort
from ocrlib.factory.render.glyphs import GlyphCache
from ocrlib.factory.render.ink import Color, pick_color, render_ink
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.render_error import RenderError
from ocrlib.factory.render.typeset import em_of, typeset_ink

__all__ = ["RenderError", "RenderedLine", "render_line"]

_GLYPHS = GlyphCache()  # of this process


@dataclass(frozen=True, slots=True, eq=False)
class RenderedLine:
    """One drawn line, with the values that were drawn by chance.

    Attributes:
      image: (H, W) uint8 with one channel, (H, W, 3) with three; read-only.
      skew_deg: whole degrees that it is turned by, counter-clockwise.
      blur: radius in pixels that it is blurred with.
      text_color, stroke_color: red, green, blue; stroke_color is None without a stroke.
      background_picture: file name in image_dir, or None for another background.
    """

    image: np.ndarray
    skew_deg: int
    blur: float
    text_color: Color
    stroke_color: Color | None
    background_picture: str | None


def render_line(text: str, font_path: str, options: LineOptions, seed: int) -> RenderedLine:
    """The line that stock trdg draws, byte for byte.

    There are four differences. Two are lines that trdg cuts while their label stays whole: ink beyond the advances of
    the glyphs is drawn (`ink.py`), and a text that a fixed width cuts off is refused. trdg gives up if it finds text
    and background too similar; this function draws the line. trdg's check is wrong (it leaves out blue but divides by
    three) and draws the text a second time; check the contrast of the result instead. And this function refuses a line
    without any ink, such as spaces, for which trdg returns the bare background. (Background pictures are sorted by name
    before one is drawn, here and in the reference; trdg uses the order on disk.)

    Args:
      text: one line, at least one character.
      font_path: a TrueType or OpenType file.
      options: how to draw it.
      seed: at least 0. Values come from `Random(seed)`, in the order of trdg. OpenCV's generator gets the low 31 bits;
        it is the only global state that changes.

    Raises:
      RenderError: nothing can be drawn; its `reason` says why.
    """
    _GLYPHS.trim()
    rng = Random(seed)
    fill = pick_color(options.text_color, rng)
    stroke = pick_color(options.stroke_fill, rng)
    if options.typeset:
        face = _GLYPHS.glyphs(font_path, em_of(options), options.stroke_width)
        ink = typeset_ink(text, face, options, seed)
    else:
        ink = render_ink(text, font_path, options, _GLYPHS, fill, stroke)

    skew_deg = rng.randint(-options.skew_deg, options.skew_deg)
    if not options.random_skew:
        skew_deg = options.skew_deg
    if skew_deg:
        ink = ink.rotate(skew_deg, expand=True)
    if options.distortion != "none":
        ink = Image.fromarray(distort(np.asarray(ink), options.distortion, options.distortion_axis, rng))

    printed = _scale(ink, fill, options)
    paper, picture_name = _make_background(printed.width, options, rng, seed)
    page = _paste(printed, paper, options)

    blur = rng.random() * options.blur if options.random_blur else options.blur
    return RenderedLine(
        image=_finish(page, blur, options.channels),
        skew_deg=skew_deg,
        blur=blur,
        text_color=fill,
        stroke_color=stroke if options.stroke_width else None,
        background_picture=picture_name,
    )


def _scale(ink: Image.Image, fill: Color, options: LineOptions) -> Image.Image:
    """The ink in its colour, as high as the line without its margins: LA for gray, else RGBA."""
    top, _, bottom, _ = options.margins
    height = options.height - top - bottom
    if height < 1:
        raise RenderError("zero-height", f"expected margins below {options.height} px, given {top}, {bottom}")
    size = (int(ink.width * (height / ink.height)), height)
    if size[0] < 1:
        raise RenderError("zero-width", f"expected a pixel of width at {height} px height, the text has less")
    if ink.mode == "L" and fill == (0, 0, 0):
        # Pillow scales colour times coverage, and coverage; for black the first is 0 everywhere.
        return Image.merge("LA", (Image.new("L", size), ink.resize(size, Image.Resampling.LANCZOS)))
    return _tint(ink, fill).resize(size, Image.Resampling.LANCZOS)


def _tint(ink: Image.Image, fill: Color) -> Image.Image:
    """The colour with the coverage as alpha, LA or RGBA; ink that is RGBA already comes back unchanged."""
    if ink.mode == "RGBA":
        return ink
    if len(set(fill)) == 1:
        return Image.merge("LA", (Image.new("L", ink.size, fill[0]), ink))
    return Image.merge("RGBA", (*(Image.new("L", ink.size, value) for value in fill), ink))


def _make_background(text_width: int, options: LineOptions, rng: Random, seed: int) -> tuple[Image.Image, str | None]:
    """Paper for the whole line, margins included, and the file name of the picture it was cut from."""
    _, left, _, right = options.margins
    height = options.height
    width = options.width if options.width > 0 else text_width + left + right
    if width < 1:
        raise RenderError("zero-width", f"expected margins that leave a pixel, given {left} and {right}")
    if options.background == "gaussian_noise":
        return backgrounds.gaussian_noise(height, width, seed), None
    if options.background == "plain_white":
        return backgrounds.plain_white(height, width), None
    if options.background == "quasicrystal":
        return backgrounds.quasicrystal(height, width, rng), None
    if options.image_dir is None:
        raise RenderError("background", "expected image_dir with background 'image', given None")
    return backgrounds.picture(height, width, options.image_dir, rng)


def _paste(printed: Image.Image, paper: Image.Image, options: LineOptions) -> Image.Image:
    """The text pasted onto the paper at its place."""
    top, left, _, right = options.margins
    if options.alignment == "left" or options.width == -1:
        x = left
    elif options.alignment == "center":
        x = int(paper.width / 2 - printed.width / 2)
    else:
        x = paper.width - printed.width - right
    if options.width > 0:
        _refuse_what_is_cut(printed, x, paper.width)
    generated = options.background in ("gaussian_noise", "plain_white", "quasicrystal")
    if generated and printed.mode == "RGBA":
        paper = paper.convert("RGB")  # in trdg it is RGBA, and loses its alpha later
    elif not generated:
        printed = printed.convert("RGBA")  # as in trdg: Pillow converts it to the picture's mode
    paper.paste(printed, (x, top), printed)
    return paper


def _refuse_what_is_cut(printed: Image.Image, x: int, width: int) -> None:
    """Raises "too-wide" if ink of a text at `x` lies beyond the paper: its label would keep what is not there."""
    box = printed.getchannel("A").getbbox()
    if box is not None and (x + box[0] < 0 or x + box[2] > width):
        raise RenderError(
            "too-wide", f"expected a text within {width} px, it reaches from {x + box[0]} to {x + box[2]}"
        )


def _finish(page: Image.Image, blur: float, channels: int) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8: converted to gray or colour, then blurred."""
    mode = "RGB" if channels == 3 and page.mode != "L" else "L"  # three equal bands are blurred as one
    if page.mode != mode:
        page = page.convert(mode)
    if blur:
        page = page.filter(ImageFilter.GaussianBlur(blur))
    if channels == 3 and mode == "L":
        page = Image.merge("RGB", (page, page, page))
    return np.asarray(page)
