"""The options of one line, every one a settled value.

A recipe says "blur between 0 and 1.5"; `renderer.py` draws the numbers for one sample and writes them down here;
`line.py` turns them into pixels. Nothing in this file is random.
"""

from dataclasses import dataclass

from ocrlib.factory.settings.render import Alignment, Background, Distortion, DistortionAxis


@dataclass(frozen=True, kw_only=True, slots=True)
class LineOptions:
    """Everything but text, font and seed that decides the pixels of one line.

    Attributes:
      height: pixels, margins included; at least 1 after the margins are taken off.
      channels: 1 (grayscale) or 3 (RGB).
      skew_deg: degrees, at least 0; turned counter-clockwise by just this much, or, with random_skew,
        by a whole number drawn from [-skew_deg, skew_deg].
      blur: radius of a Gaussian in pixels, at least 0; with random_blur drawn from [0, blur).
      background: what the text is printed on.
      image_dir: the folder of pictures for background "image", else None.
      distortion, distortion_axis: the wave laid over the line and the axes it moves along.
      text_color, stroke_fill: "#RRGGBB", or "#RRGGBB,#RRGGBB" for a range drawn from by channel.
      stroke_width: pixels drawn around each glyph.
      space_width: width of a space as a multiple of the font's own.
      character_spacing: pixels between characters (not with word_split).
      word_split: draw word by word, so that the font's shaping and kerning apply.
      margins: pixels at the top, left, bottom, right.
      fit: cut the drawn text to its ink before scaling.
      width: pixels of a fixed width, or -1 for as wide as the text needs.
      alignment: where the text stands within a fixed width.
      typeset: names and strengths of what `typeset.py` does, which trdg has nothing of; empty: as trdg draws.
    """

    height: int = 32
    channels: int = 1
    skew_deg: int = 0
    random_skew: bool = False
    blur: float = 0.0
    random_blur: bool = False
    background: Background = "plain_white"
    image_dir: str | None = None
    distortion: Distortion = "none"
    distortion_axis: DistortionAxis = "vertical"
    text_color: str = "#282828"
    stroke_width: int = 0
    stroke_fill: str = "#282828"
    space_width: float = 1.0
    character_spacing: int = 0
    word_split: bool = False
    margins: tuple[int, int, int, int] = (5, 5, 5, 5)
    fit: bool = False
    width: int = -1
    alignment: Alignment = "left"
    typeset: tuple[tuple[str, float], ...] = ()
