"""What a source left out because its charset lacks characters: named and counted, refused if it is too much."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Outside
from ocrlib.errors import UserError

MOST_CHARACTERS = 60  # with their counts; a corpus in another script has thousands
_MOST_SHOWN = 10


def outside_of(counts: Mapping[str, Any]) -> Outside | None:
    """Returns what the counts of a sentence file say was left out; None if nothing was."""
    left_out = counts["rejected"].get("outside_charset", 0)
    return Outside(lines=left_out, of=counts["lines"], characters=counts["outside"]) if left_out else None


def add_outside(parts: Sequence[Outside | None]) -> Outside | None:
    """Returns what all sources of a mix left out together."""
    found = [part for part in parts if part is not None]
    if not found:
        return None
    characters = sum((Counter(part.characters) for part in found), Counter[str]())
    return Outside(
        lines=sum(part.lines for part in found),
        of=sum(part.of for part in found),
        characters=dict(characters.most_common(MOST_CHARACTERS)),
    )


def shown_characters(characters: Mapping[str, int]) -> str:
    """Returns the commonest characters, each with the number of lines that have it."""
    shown = ", ".join(f"{character} {lines:,}" for character, lines in list(characters.items())[:_MOST_SHOWN])
    return shown + (", ..." if len(characters) > _MOST_SHOWN else "")


def check_outside(outside: Outside | None, source: str, charset: str, most: float) -> None:
    """Refuses a source of which the charset takes too much.

    Args:
      most: share of the lines that may be left out.

    Raises:
      UserError: more than that is left out.
    """
    if outside is None or outside.lines <= most * outside.of:
        return
    names = Charset.names_with({*charset, *outside.characters})
    named = f", or name a larger charset ({names[0]})" if names else ""
    lost = f"{outside.lines:,} of its {outside.of:,} lines"
    raise UserError(
        f"{source}: text.charset lacks characters of {lost}, more than the share text.max_outside = {most:g}: "
        f"{shown_characters(outside.characters)}; add them to text.charset{named}, "
        'set text.outside = "fold", or raise text.max_outside'
    )
