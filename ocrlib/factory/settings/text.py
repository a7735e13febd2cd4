"""`[text]`: what is written in the lines; one dataclass for each source."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.charset import Charset
from ocrlib.factory.settings.types import Choice, Share, known_names


def _charset(characters: str) -> str:
    return Charset.named(characters).characters


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    return pattern


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


TextSettings = NumericText | WikipediaText | WordsText | FileText
