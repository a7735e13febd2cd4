"""`[text]`: what is written in the lines; one dataclass for each source."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.charset import Charset
from ocrlib.factory.settings.types import Choice, Share, Weight, known_names


def _charset(characters: str) -> str:
    return Charset.named(characters).characters


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    except RecursionError:
        raise ValueError("must be a regular expression (its groups are nested too deeply)") from None
    return pattern


CharsetText = Annotated[str, AfterValidator(_charset)]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Pattern:
    """One kind of numeric string, such as amounts or dates."""

    name: str
    """What the provenance and the tables of errors call it."""
    regex: Annotated[str, AfterValidator(_regex)]
    """The regular expression that strings are drawn from."""
    weight: Weight = 1.0
    """How often it is drawn, relative to the other patterns."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class NumericText:
    """`[text] source = "numeric"`: strings drawn from weighted regular expressions."""

    TAG: ClassVar[str] = "numeric"
    source: Literal["numeric"]
    """Selects this table."""
    charset: CharsetText
    """A name (ascii, latin ...) or the characters themselves; it must have all that the patterns can draw."""
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    """The kinds of strings."""


# Languages written from right to left: trdg draws their letters in another order or form than the label has.
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
    """The keys that all sources of sentence lines have."""

    charset: CharsetText = Charset.named("latin-basic").characters
    """A name (ascii, latin-basic, latin, latin-ext, polish, czech, turkish, nordic) or the characters themselves."""
    min_length: Annotated[int, Field(ge=1)] = 1
    """Fewest characters of a line."""
    max_length: Annotated[int, Field(ge=1, le=1000)] = 200
    """Most characters of a line."""
    outside: Literal["skip", "fold", "stop"] = "skip"
    """A line with characters outside the charset: skip it; fold those characters to ASCII, and skip the line if
    that does not help; or stop with an error."""
    max_outside: Share = 0.3
    """Stop if more than this share of the lines is skipped for characters outside the charset."""
    min_per_char: Annotated[int, Field(ge=0)] = 0
    """Of every 10,000 lines, at least this many contain each character of the charset, if the corpus has it."""
    mixed_share: Share = 0.0
    """Share of lines made of random words, numbers, brackets and capitals."""
    capitals: Share = 0.0
    """Share of lines of which a few words, or all, are written in capitals, as headings and names are."""
    entries: Share = 0.0
    """Share of lines made an entry of a list: a number before the text, a price or a page number behind it."""
    notes: Share = 0.0
    """Share of lines with the mark of a note, such as 12 or *, behind one of their words."""

    def __post_init__(self) -> None:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} exceeds max_length {self.max_length}")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class WikipediaText(LineText):
    """`[text] source = "wikipedia"`: sentences of a corpus."""

    TAG: ClassVar[str] = "wikipedia"
    source: Literal["wikipedia"]
    """Selects this table."""
    corpus: Annotated[str, Field(min_length=1)] = "embedded"
    """Where the sentences come from: "embedded", "live", "live:" and the address of a MediaWiki api.php, or
    a path: a dump (.xml, .xml.bz2), .parquet, .jsonl, .txt, or a folder of such files."""
    language: Language = "en"
    """Decides how sentences end, and which embedded or live Wikipedia is used."""
    min_length: Annotated[int, Field(ge=1)] = 20
    max_length: Annotated[int, Field(ge=1, le=1000)] = 80
    long_sentences: Literal["skip", "wrap"] = "skip"
    """A sentence longer than max_length: skip it, or wrap it into lines as a page would."""
    max_sentences: Annotated[int, Field(ge=0)] = 200_000
    """Reading stops after this many lines; 0 reads to the end."""
    damaged: Literal["stop", "keep"] = "stop"
    """A cut or damaged file: stop, or keep what could be read of it."""
    hyphenated: Share = 0.0
    """Share of sentences cut within their last word, with a hyphen, or within their first word, as at a line break."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class FileText(LineText):
    """`[text] source = "file"`: the lines of a UTF-8 text file, as they are."""

    TAG: ClassVar[str] = "file"
    source: Literal["file"]
    """Selects this table."""
    path: Annotated[str, Field(min_length=1)]
    """The text file; each of its lines becomes a line image."""
    whole: bool = False
    """Use every line in every split, for a small closed list such as product names. Else a line belongs to one split,
    so that the test has only lines that were not learned from."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class WordsText:
    """`[text] source = "words"`: lines of random words from one of trdg's dictionaries."""

    TAG: ClassVar[str] = "words"
    source: Literal["words"]
    """Selects this table."""
    charset: CharsetText = Charset.named("latin-basic").characters
    """A name (ascii, latin-basic, latin, latin-ext, polish, czech, turkish, nordic) or the characters themselves."""
    language: Language = "en"
    """The dictionary's language."""
    max_outside: Share = 0.3
    """Stop if more than this share of the words is skipped for characters outside the charset."""
    min_length: Annotated[int, Field(ge=1)] = 3
    """Fewest characters of a line."""
    max_length: Annotated[int, Field(ge=1, le=1000)] = 60
    """Most characters of a line."""
    case: Annotated[Choice, known_names(Literal["lower", "title", "upper", "prose"])] = (
        ("lower", 2.0),
        ("title", 1.0),
        ("upper", 1.0),
    )
    """lower leaves words as they are in the dictionary; title and upper change the whole line; prose sets them as
    running text, with capitals, punctuation, quotation marks, numbers and dates."""

    def __post_init__(self) -> None:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} exceeds max_length {self.max_length}")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Part:
    """One source of a mix."""

    weight: Weight = 1.0
    """How many lines it gives, relative to the other parts."""
    text: Annotated[NumericText | WikipediaText | WordsText | FileText, Field(discriminator="source")]
    """A `[text]` table of its own."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class MixText:
    """`[text] source = "mix"`: lines of several sources, such as one for each language."""

    TAG: ClassVar[str] = "mix"
    source: Literal["mix"]
    """Selects this table."""
    charset: CharsetText = Charset.named("latin-basic").characters
    """A name (ascii, latin, latin-ext ...) or the characters themselves: those of all parts, or more."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    """The sources, each with its weight."""

    def __post_init__(self) -> None:
        for number, part in enumerate(self.parts, 1):
            if beyond := Charset(self.charset).missing(part.text.charset):
                raise ValueError(
                    f"charset lacks {beyond!r} of part {number} ({part.text.source}); add it, or name a charset for "
                    "that part, such as the same one"
                )


TextSettings = NumericText | WikipediaText | WordsText | FileText | MixText
