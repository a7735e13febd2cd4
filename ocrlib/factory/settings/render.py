"""`[render]`: how a text becomes a line image."""

import re
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.factory.settings.degrade import Degrade
from ocrlib.factory.settings.types import Choice, FloatRange, IntRange, Share, Weight, between, known_names
from ocrlib.factory.settings.typeset import Typeset

# Names that `[render]` and the drawing code share; trdg has a number for each.
Background = Literal["gaussian_noise", "plain_white", "quasicrystal", "image"]
Distortion = Literal["none", "sine", "cosine", "random"]
DistortionAxis = Literal["vertical", "horizontal", "both"]
Alignment = Literal["left", "center", "right"]


def _color(choices: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    for color, _ in choices:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}(,#[0-9a-fA-F]{6})?", color):
            raise ValueError('must be "#RRGGBB", or "#RRGGBB,#RRGGBB" for a range')
    return choices


def _patterns(value: Any) -> Any:
    # The list of font sets is a tuple already, and pydantic's strict mode takes no list inside a tuple.
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class FontSet:
    """Where font files come from."""

    source: str
    """A set ("trdg:latin", "matplotlib", "system:serif", "system:sans", "system:typewriter", "system:machine"),
    a folder or a file."""
    only: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()
    """Patterns of file names to take, all others are left out; * and ? stand for anything."""
    without: Annotated[tuple[str, ...], BeforeValidator(_patterns)] = ()
    """Patterns of file names to leave out."""
    optional: bool = False
    """Go on without this set if the system has no file of it. The fingerprint holds the files that were found."""
    weight: Weight | None = None
    """How often the whole set is drawn, shared equally among its files. Without it, each file weighs 1."""


def _font_sets(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise ValueError("must be a name, or a list of names and tables { source, weight }")
    return tuple({"source": item} if isinstance(item, str) else item for item in value)


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Look:
    """One kind of print, such as receipts, typescripts or displays: what goes together."""

    weight: Weight = 1.0
    """How many lines look so, relative to the other looks."""
    fonts: tuple[str, ...] = ()
    """Patterns of file names of the fonts that it is drawn with; none: all fonts of the recipe."""
    typeset: Typeset = field(default_factory=Typeset)
    """How its lines are set."""
    degrade: Degrade = field(default_factory=Degrade)
    """What is done to its lines after they are drawn."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Render:
    """`[render]`: how a text becomes a line image. Ranges and choices are drawn anew for each line."""

    height: Annotated[int, Field(ge=8, le=512)] = 32
    """Pixels of every image."""
    channels: Literal[1, 3] = 1
    """1 grayscale, 3 RGB."""
    fonts: Annotated[tuple[FontSet, ...], BeforeValidator(_font_sets), Field(min_length=1)] = (
        FontSet(source="trdg:latin"),
        FontSet(source="matplotlib"),
    )
    """Sets, folders and files of fonts."""
    font_coverage: Annotated[float, Field(gt=0, le=1)] = 1.0
    """A font of a set is used if it draws at least this share of the charset. It is never asked for the
    characters that it lacks."""
    heldout_fonts: tuple[str, ...] = ()
    """Patterns of file names of fonts that only lines of `test` are drawn with."""
    heldout_share: Share = 0.5
    """Share of the lines of `test` that are drawn with held-out fonts."""
    background: Annotated[Choice, known_names(Background)] = (("plain_white", 1.0),)
    """gaussian_noise, plain_white, quasicrystal, or image (which needs background_images)."""
    background_images: str | None = None
    """A folder of pictures, or "trdg" for the four that come with it."""
    skew: Annotated[IntRange, between(0, 45)] = (0, 0)
    """Whole degrees that the text is turned by."""
    random_skew: bool = False
    """Turn by a whole number from [-skew, skew] instead."""
    blur: Annotated[FloatRange, between(0, 20)] = (0.0, 0.0)
    """Radius of a Gaussian in pixels."""
    random_blur: bool = False
    """Draw the radius from [0, blur) instead."""
    distortion: Annotated[Choice, known_names(Distortion)] = (("none", 1.0),)
    """trdg's waves: none, sine, cosine, random."""
    distortion_axis: Annotated[Choice, known_names(DistortionAxis)] = (("vertical", 1.0),)
    """What the waves move: vertical (columns), horizontal (rows), both."""
    text_color: Annotated[Choice, AfterValidator(_color)] = (("#282828", 1.0),)
    """Colour of the text: "#RRGGBB", or a range "#RRGGBB,#RRGGBB"."""
    stroke_width: Annotated[IntRange, between(0, 10)] = (0, 0)
    """Pixels of an outline around each character."""
    stroke_fill: Annotated[Choice, AfterValidator(_color)] = (("#282828", 1.0),)
    """Colour of the outline: "#RRGGBB", or a range "#RRGGBB,#RRGGBB"."""
    space_width: Annotated[FloatRange, between(0.1, 10)] = (1.0, 1.0)
    """Width of a space, as a multiple of the font's own."""
    character_spacing: Annotated[IntRange, between(0, 50)] = (0, 0)
    """Pixels added between characters."""
    word_split: Share = 0.0
    """Share of lines drawn word by word, so that kerning and shaping apply."""
    fit: Share = 0.0
    """Share of lines cut to their ink before they are scaled to the height."""
    margins: tuple[
        Annotated[IntRange, between(0, 200)],
        Annotated[IntRange, between(0, 200)],
        Annotated[IntRange, between(0, 200)],
        Annotated[IntRange, between(0, 200)],
    ] = ((5, 5), (5, 5), (5, 5), (5, 5))
    """Pixels at the top, left, bottom, right."""
    width: Annotated[int, Field(ge=-1, le=20000)] = -1
    """Pixels of a fixed width, or -1 for as wide as the text needs."""
    alignment: Annotated[Choice, known_names(Alignment)] = (("left", 1.0),)
    """Where the text stands within a fixed width: left, center, right."""
    min_contrast: Annotated[int, Field(ge=1, le=255)] = 40
    """Gray levels between ink and paper; a line with less is drawn again."""
    px_per_step: Annotated[int, Field(ge=1, le=32)] = 4
    """Pixels of width per time step in the networks that will read the lines. A line too narrow for its label
    at that stride is drawn again."""
    typeset: Typeset = field(default_factory=Typeset)
    """How the signs of a line are drawn and laid side by side."""
    degrade: Degrade = field(default_factory=Degrade)
    """What is done to the line after it is drawn."""
    looks: dict[str, Look] = field(default_factory=dict)
    """Kinds of print by name, each with tables of its own in place of render.typeset and render.degrade."""

    def __post_init__(self) -> None:
        top, _, bottom, _ = self.margins
        if top[1] + bottom[1] >= self.height:
            raise ValueError(f"margins of {top[1]} and {bottom[1]} px leave nothing of height {self.height}")
        if any(name == "image" for name, _ in self.background) and self.background_images is None:
            raise ValueError("background 'image' needs background_images: a folder, or 'trdg'")
        if self.looks and (self.typeset != Typeset() or self.degrade != Degrade()):
            raise ValueError("looks have typeset and degrade of their own: leave out those of [render]")
