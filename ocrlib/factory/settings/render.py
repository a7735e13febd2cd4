"""`[render]`: how a text becomes a line image."""

import re
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.factory.settings.degrade import Degrade
from ocrlib.factory.settings.types import Choice, FloatRange, IntRange, Share, between, known_names


def _color(choices: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    for color, _ in choices:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}(,#[0-9a-fA-F]{6})?", color):
            raise ValueError('must be "#RRGGBB", or "#RRGGBB,#RRGGBB" for a range')
    return choices


def _patterns(value: Any) -> Any:
    # Checked within a list that became a tuple already, where strictness would refuse a list.
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class FontSet:
    """Where faces come from.

    Attributes:
      source: a set ("trdg:latin", "matplotlib", "system:serif", "system:sans", "system:typewriter",
        "system:machine"), a folder or a file.
      only, without: patterns of file names (* and ? stand for anything) to take alone, and to leave.
      weight: shared equally among the faces; without one each of them weighs 1.
      optional: it is no mistake if the system has none of them. The fingerprint knows what was there.
    """

    source: str
    only: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()
    without: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()
    optional: bool = False
    weight: Annotated[float, Field(gt=0)] | None = None


def _font_sets(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise ValueError("must be a name, or a list of names and tables { source, weight }")
    return tuple({"source": item} if isinstance(item, str) else item for item in value)


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Render:
    """`[render]`: how a text becomes a line image. Ranges and choices are drawn anew for each sample.

    Attributes:
      height: pixels of every image.
      channels: 1 grayscale, 3 RGB.
      fonts: sets, folders and files of faces.
      font_coverage: a face of a set is used if it draws at least this share of the charset; whatever it
        lacks, it is never asked to draw.
      heldout_fonts: patterns of file names of faces that no split but `test` is drawn with.
      heldout_share: of the lines of `test`, the share drawn with those.
      background: gaussian_noise, plain_white, quasicrystal, or image (which needs background_images).
      background_images: a folder of pictures, or "trdg" for the four that come with it.
      skew: degrees, whole; random_skew turns by a whole number from [-skew, skew] instead.
      blur: Gaussian radius in pixels; random_blur draws from [0, blur) instead.
      distortion, distortion_axis: trdg's waves (none, sine, cosine, random; vertical, horizontal, both).
      text_color, stroke_fill: "#RRGGBB" or a range "#RRGGBB,#RRGGBB".
      stroke_width: pixels. space_width: multiples of the font's own. character_spacing: pixels.
      word_split: share of lines drawn word by word, so that kerning and shaping apply.
      fit: share of lines cut to their ink before they are scaled to the height.
      margins: pixels at the top, left, bottom, right.
      width: pixels of a fixed width, or -1 for as wide as the text needs; alignment within a fixed width.
      min_contrast: gray levels that the ink must stand off the paper; a fainter line is drawn again.
      px_per_step: widest horizontal stride of the networks that will read it; a line too narrow for its
        label at that stride is drawn again.
      degrade: what happens to the line after it is drawn.
    """

    height: Annotated[int, Field(ge=8, le=512)] = 32
    channels: Literal[1, 3] = 1
    fonts: Annotated[tuple[FontSet, ...], BeforeValidator(_font_sets), Field(min_length=1)] = (
        FontSet(source="trdg:latin"),
        FontSet(source="matplotlib"),
    )
    font_coverage: Annotated[float, Field(gt=0, le=1)] = 1.0
    heldout_fonts: tuple[str, ...] = ()
    heldout_share: Share = 0.5
    background: Annotated[Choice, known_names("gaussian_noise", "plain_white", "quasicrystal", "image")] = (
        ("plain_white", 1.0),
    )
    background_images: str | None = None
    skew: Annotated[IntRange, between(0, 45)] = (0, 0)
    random_skew: bool = False
    blur: Annotated[FloatRange, between(0, 20)] = (0.0, 0.0)
    random_blur: bool = False
    distortion: Annotated[Choice, known_names("none", "sine", "cosine", "random")] = (("none", 1.0),)
    distortion_axis: Annotated[Choice, known_names("vertical", "horizontal", "both")] = (("vertical", 1.0),)
    text_color: Annotated[Choice, AfterValidator(_color)] = (("#282828", 1.0),)
    stroke_width: Annotated[IntRange, between(0, 10)] = (0, 0)
    stroke_fill: Annotated[Choice, AfterValidator(_color)] = (("#282828", 1.0),)
    space_width: Annotated[FloatRange, between(0.1, 10)] = (1.0, 1.0)
    character_spacing: Annotated[IntRange, between(0, 50)] = (0, 0)
    word_split: Share = 0.0
    fit: Share = 0.0
    margins: tuple[
        Annotated[IntRange, between(0, 200)],
        Annotated[IntRange, between(0, 200)],
        Annotated[IntRange, between(0, 200)],
        Annotated[IntRange, between(0, 200)],
    ] = ((5, 5), (5, 5), (5, 5), (5, 5))
    width: Annotated[int, Field(ge=-1, le=20000)] = -1
    alignment: Annotated[Choice, known_names("left", "center", "right")] = (("left", 1.0),)
    min_contrast: Annotated[int, Field(ge=1, le=255)] = 40
    px_per_step: Annotated[int, Field(ge=1, le=32)] = 4
    degrade: Degrade = field(default_factory=Degrade)

    def __post_init__(self) -> None:
        top, _, bottom, _ = self.margins
        if top[1] + bottom[1] >= self.height:
            raise ValueError(f"margins of {top[1]} and {bottom[1]} px leave nothing of height {self.height}")
        if any(name == "image" for name, _ in self.background) and self.background_images is None:
            raise ValueError("background 'image' needs background_images: a folder, or 'trdg'")
