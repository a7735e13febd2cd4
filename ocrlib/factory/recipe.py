"""What a dataset is made of: frozen dataclasses read from `datasets/NAME.toml`, and their fingerprint.

A recipe holds everything that shapes the bytes of a dataset. Nothing here opens a font or a corpus:
`text/` and `render/` do, and hand back the hashes of what they opened, for the fingerprint.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.charset import Charset
from ocrlib.factory.settings.degrade import Degrade
from ocrlib.factory.settings.types import Choice, FloatRange, IntRange, Share, between, known_names

SPLITS = ("train", "val", "test")
TOP_LEVEL_KEYS = ("name", "seed")


def _charset(characters: str) -> str:
    return Charset.named(characters).characters


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError("must be a folder name of letters, digits, '.', '_' and '-'")
    return name


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    return pattern


def _color(choices: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    for color, _ in choices:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}(,#[0-9a-fA-F]{6})?", color):
            raise ValueError('must be "#RRGGBB", or "#RRGGBB,#RRGGBB" for a range')
    return choices


CharsetText = Annotated[str, AfterValidator(_charset)]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Pattern:
    """One kind of numeric string: a regular expression, drawn with a weight, named in the provenance."""

    name: str
    regex: Annotated[str, AfterValidator(_regex)]
    weight: Annotated[float, Field(gt=0)] = 1.0


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class NumericText:
    """`[text] source = "numeric"`: strings drawn from weighted regular expressions."""

    TAG: ClassVar[str] = "numeric"
    source: Literal["numeric"]
    charset: CharsetText
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)]


# Written from right to left: trdg draws their letters reversed or reshaped, and the label does not say so.
_RIGHT_TO_LEFT = ("ar", "arz", "azb", "ckb", "dv", "fa", "he", "ks", "mzn", "pnb", "ps", "sd", "ug", "ur", "yi")


def _language(code: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}([-_][a-z]+)*", code):
        raise ValueError('must be a language code such as "en"')
    if code in _RIGHT_TO_LEFT:
        raise ValueError("must be a language written from left to right; the others are not supported yet")
    return code


Language = Annotated[str, AfterValidator(_language)]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class LineText:
    """What every source of sentence lines can be told.

    Attributes:
      charset: a name (latin-basic, ascii) or the characters themselves.
      min_length, max_length: characters of a line, both ends included.
      outside: what becomes of a line with characters outside the charset. skip it, fold those characters
        to ASCII (and skip it if that does not help), or stop with an error.
      min_per_char: in every 10,000 lines, at least so many hold each character of the charset, where the
        corpus has it.
      mixed_share: share of lines made up of random words, numbers, brackets and capitals.
    """

    charset: CharsetText = Charset.named("latin-basic").characters
    min_length: Annotated[int, Field(ge=1)] = 1
    max_length: Annotated[int, Field(ge=1, le=1000)] = 200
    outside: Literal["skip", "fold", "stop"] = "skip"
    min_per_char: Annotated[int, Field(ge=0)] = 0
    mixed_share: Share = 0.0

    def __post_init__(self) -> None:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} exceeds max_length {self.max_length}")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class WikipediaText(LineText):
    """`[text] source = "wikipedia"`: sentences of a corpus.

    Attributes:
      corpus: "embedded", "live", "live:" and the address of a MediaWiki api.php, or a path: a dump (.xml,
        .xml.bz2), .parquet, .jsonl, .txt, or a folder of such files.
      language: says how sentences end, and which embedded or live Wikipedia is meant.
      long_sentences: skip a sentence beyond max_length, or wrap it into lines as a page would.
      max_sentences: reading stops at so many lines; 0 reads to the end.
      damaged: a cut or damaged file stops the build, or gives what could be read of it (keep).
      hyphenated: share of the sentences that a line break has cut within the last word, which then ends in a hyphen,
        or within the first.
    """

    TAG: ClassVar[str] = "wikipedia"
    source: Literal["wikipedia"]
    corpus: Annotated[str, Field(min_length=1)] = "embedded"
    language: Language = "en"
    min_length: Annotated[int, Field(ge=1)] = 20
    max_length: Annotated[int, Field(ge=1, le=1000)] = 80
    long_sentences: Literal["skip", "wrap"] = "skip"
    max_sentences: Annotated[int, Field(ge=0)] = 200_000
    damaged: Literal["stop", "keep"] = "stop"
    hyphenated: Share = 0.0


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class FileText(LineText):
    """`[text] source = "file"`: the lines of a UTF-8 text file, as they are."""

    TAG: ClassVar[str] = "file"
    source: Literal["file"]
    path: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class WordsText:
    """`[text] source = "words"`: lines of random words of one of trdg's dictionaries.

    Attributes:
      language: the dictionary.
      min_length, max_length: characters of a line.
      case: lower leaves words as the dictionary has them; title and upper change the whole line.
    """

    TAG: ClassVar[str] = "words"
    source: Literal["words"]
    charset: CharsetText = Charset.named("latin-basic").characters
    language: Language = "en"
    min_length: Annotated[int, Field(ge=1)] = 3
    max_length: Annotated[int, Field(ge=1, le=1000)] = 60
    case: Annotated[Choice, known_names("lower", "title", "upper")] = (
        ("lower", 2.0),
        ("title", 1.0),
        ("upper", 1.0),
    )

    def __post_init__(self) -> None:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} exceeds max_length {self.max_length}")


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


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Splits:
    """`[splits]`: samples of each split; val and test may be 0."""

    train: Annotated[int, Field(ge=1)]
    val: Annotated[int, Field(ge=0)] = 0
    test: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Output:
    """`[output]`: file formats, image encoding, samples in a full shard."""

    formats: Annotated[tuple[Literal["tfrecord", "hdf5"], ...], Field(min_length=1)] = ("tfrecord", "hdf5")
    encoding: Literal["raw", "png"] = "raw"
    shard_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 5000


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Recipe:
    """A whole dataset. `seed` is the only source of chance."""

    name: Annotated[str, AfterValidator(_name)]
    seed: Annotated[int, Field(ge=0)] = 1
    text: Annotated[NumericText | WikipediaText | WordsText | FileText, Field(discriminator="source")]
    render: Render = field(default_factory=Render)
    splits: Splits
    output: Output = field(default_factory=Output)


def load_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Returns the recipe in a TOML file, with {"section.key": text} overrides applied.

    Raises:
      UserError: the file cannot be read, or a key or value is not a recipe's.
    """
    return config.build(Recipe, config.read_toml(path), overrides or {}, str(path))


def recipe_from_dict(values: Mapping[str, Any], where: str) -> Recipe:
    """Returns the recipe that `config.to_dict` wrote into a manifest; `where` names the file in errors."""
    return config.build(Recipe, values, {}, where)


def fingerprint(recipe: Recipe, inputs: Mapping[str, str]) -> str:
    """Returns the SHA-256 (hex) of all that shapes the bytes of a sample.

    Args:
      recipe: the sizes of its splits and its formats are left out, so that a dataset can grow.
      inputs: {what: hash or version} of the corpus, fonts, backgrounds and libraries.
    """
    canonical = config.to_dict(recipe)
    del canonical["splits"], canonical["output"]["formats"]
    text = json.dumps({"recipe": canonical, "inputs": dict(inputs)}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
