"""What the user knows about the lines -> the texts that they can be: patterns, a list, characters, a check.

All that is given must hold; of several patterns one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.files import read_regular
from ocrlib.reading.decoding.automaton import Automaton, every_text, of_entries
from ocrlib.reading.decoding.checks import Check, check_named
from ocrlib.reading.decoding.patterns import compile_language, matcher

RECIPE = "recipe"  # in place of a pattern: those of the recipe that the model was trained on
MAX_ENTRIES = 1_000_000
MAX_ENTRY_CHARACTERS = 10_000  # of a text; the widest line has 16,384 pixels and half as many time steps
MAX_LEXICON_BYTES = 256 << 20
_FEW_TEXTS = 10_000  # a language of no more is held against a check text by text, once


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the user knows about the lines.

    Attributes:
      patterns: regular expressions, one of which matches a line whole; "recipe" stands for the recipe's own.
      lexicon: every text there is; or a UTF-8 file with a line for each.
      characters: the only ones there are.
      check: a rule that the text passes, by its name or as a function of the text.
    """

    patterns: tuple[str, ...] = ()
    lexicon: Path | tuple[str, ...] | None = None
    characters: str | None = None
    check: str | Callable[[str], bool] | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether any text can stand in a line."""
        return self == Known()


@dataclass(frozen=True, kw_only=True, eq=False)
class Language:
    """The texts that a line can be.

    Attributes:
      automaton: them, less what `passes` refuses.
      passes: a rule beside the automaton, of a text; None if there is none.
      notes: what the user should be told, a line each.
    """

    automaton: Automaton
    passes: Callable[[str], bool] | None = None
    notes: tuple[str, ...] = ()


def build_language(known: Known, charset: Charset, recipe_patterns: Sequence[str] = ()) -> Language:
    """Returns the texts that a line can be, if all holds that the user knows.

    Args:
      charset: the characters of the model.
      recipe_patterns: those that the model was trained on.

    Raises:
      UserError: what is known does not compile, names characters that the model does not know, or leaves no text.
    """
    patterns = _patterns_of(known, recipe_patterns)
    if known.characters == "":
        raise UserError("charset '': has no characters; expected those that can stand in a line")
    if known.characters is not None and (unknown := charset.missing(known.characters)):
        raise UserError(f"charset {known.characters!r}: has characters that the model does not know: {unknown}")
    check = check_named(known.check) if isinstance(known.check, str) else None
    if callable(known.check):
        check = Check(getattr(known.check, "__name__", "check"), None, known.check)
    if known.lexicon is None:
        return _language_of_patterns(patterns, known.characters, check, charset)
    lines = read_lines(known.lexicon) if isinstance(known.lexicon, Path) else known.lexicon
    entries = read_entries(lines, _name_of(known.lexicon))
    readable, notes = _readable(entries, _name_of(known.lexicon), charset)
    return Language(automaton=_of_texts(_kept(readable, known, patterns, check), charset), notes=notes)


def _patterns_of(known: Known, recipe_patterns: Sequence[str]) -> list[str]:
    if RECIPE in known.patterns and not recipe_patterns:
        raise UserError(
            "pattern 'recipe': the model carries no patterns; it learned from other texts, or is of an older version; "
            "give them one by one"
        )
    given = [list(recipe_patterns) if pattern == RECIPE else [pattern] for pattern in known.patterns]
    return [unicodedata.normalize("NFC", pattern) for some in given for pattern in some]


def _language_of_patterns(
    patterns: list[str], characters: str | None, check: Check | None, charset: Charset
) -> Language:
    shape = [] if check is None or check.shape is None else [check.shape]
    allowed = [] if characters is None else [f"[{''.join(map(re.escape, characters))}]*"]
    if not patterns and not allowed and not shape:
        return Language(automaton=every_text(charset.num_classes), passes=check.passes if check else None)
    automaton = compile_language(patterns or [".*"], charset, allowed)
    if not len(automaton.classes):
        given = [f"pattern {pattern!r}" for pattern in patterns]
        what = " and ".join([*given, *([f"charset {characters!r}"] if allowed else [])])
        raise UserError(f"{what}: no text of one character or more, in characters of the model, matches")
    if check is None:
        return Language(automaton=automaton)
    automaton = compile_language(patterns or [".*"], charset, [*allowed, *shape])
    few = automaton.all_texts(_FEW_TEXTS)
    if few is None:
        return Language(automaton=automaton, passes=check.passes)
    texts = [charset.decode(text) for text in few]
    passing = [text for text in texts if check.passes(text)]
    if not passing:
        raise UserError(f"check {check.name!r}: no text that the model can write and the patterns match passes it")
    return Language(automaton=_of_texts(passing, charset))


# Lists


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a UTF-8 file.

    Raises:
      UserError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_regular(path, MAX_LEXICON_BYTES, through_links=True).decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a UTF-8 text of a line for each entry: {error}") from None


def read_entries(lines: Iterable[str], name: str) -> list[str]:
    """Returns the entries of a list, in their order, each once; empty ones are none.

    Args:
      name: what an error calls the list.

    Raises:
      UserError: there are none, too many, or one that is longer than any line.
    """
    entries = list(dict.fromkeys(unicodedata.normalize("NFC", line.rstrip("\r")) for line in lines))
    entries = [entry for entry in entries if entry]
    if not entries:
        raise UserError(f"{name}: has no entries; expected a line for each text that there is")
    longest = max(entries, key=len)
    if len(longest) > MAX_ENTRY_CHARACTERS:
        raise UserError(
            f"{name}: the entry {longest[:40]!r}... has {len(longest):,} characters; expected no more than "
            f"{MAX_ENTRY_CHARACTERS:,}"
        )
    if len(entries) > MAX_ENTRIES:
        raise UserError(f"{name}: has {len(entries):,} entries; expected no more than {MAX_ENTRIES:,}")
    return entries


def _name_of(lexicon: Path | tuple[str, ...] | None) -> str:
    return str(lexicon) if isinstance(lexicon, Path) else "lexicon"


def _readable(entries: list[str], name: str, charset: Charset) -> tuple[list[str], tuple[str, ...]]:
    """The entries in characters that the model knows, and a note on the others."""
    known = set(charset.characters)
    readable = [entry for entry in entries if known.issuperset(entry)]
    if len(readable) == len(entries):
        return entries, ()
    unknown = "".join(sorted(set().union(*entries) - known))
    shown = unknown if len(unknown) <= 20 else unknown[:20] + "..."
    what = f"{len(entries) - len(readable):,} of {len(entries):,} entries have characters that the model does not know"
    if not readable:
        raise UserError(f"{name}: {what}: {shown}")
    return readable, (f"{name}: {what}, and are never read: {shown}",)


def _kept(entries: list[str], known: Known, patterns: list[str], check: Check | None) -> list[str]:
    """The entries that everything else holds for.

    Raises:
      UserError: there are none.
    """
    for what, holds in (
        ("match a pattern", matcher(patterns) if patterns else None),
        (f"are made of {known.characters!r}", set(known.characters).issuperset if known.characters else None),
        (f"pass the check {check.name!r}" if check else "", check.passes if check else None),
    ):
        if holds is not None:
            entries = [entry for entry in entries if holds(entry)]
            if not entries:
                raise UserError(f"{_name_of(known.lexicon)}: no entries {what}")
    return entries


def _of_texts(texts: list[str], charset: Charset) -> Automaton:
    return of_entries([charset.encode(text) for text in texts])
