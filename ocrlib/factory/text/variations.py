"""What a page has beside sentences, made of a sentence: headings, entries of a list, marks of notes."""

import re
from collections.abc import Callable
from random import Random

from ocrlib.factory.settings.text import LineText

Variation = Callable[[str, Random], str]

_MARKED = re.compile(r"(?<=[^\W\d_])[.,;:]?(?= |$)")  # behind a word, or behind its comma


def draw_variation(settings: LineText, rng: Random) -> Variation | None:
    """Returns how a line is varied, each way with the share that the recipe gives it, or None: left as it is."""
    chance = rng.random()
    for share, variation in (
        (settings.capitals, in_capitals),
        (settings.entries, as_entry),
        (settings.notes, with_note),
    ):
        if chance < share:
            return variation
        chance -= share
    return None


def in_capitals(line: str, rng: Random) -> str:
    """All of the line, its first words, or one to three words of it, in capitals."""
    words = line.split(" ")
    kind = rng.random()
    if kind < 0.5:
        first, last = 0, len(words)
    else:
        first = 0 if kind < 0.7 else rng.randrange(len(words))
        last = first + rng.randint(1, 3)
    return " ".join(word.upper() if first <= place < last else word for place, word in enumerate(words))


def as_entry(line: str, rng: Random) -> str:
    """A few words of the line, as an entry of a list: with a number before them, a number behind them, or both."""
    words = line.split(" ")
    start = rng.randrange(len(words))
    text = " ".join(words[start : start + rng.randint(1, 5)]).rstrip(",;:- ")
    before, behind = rng.random() < 0.7, rng.random() < 0.7
    if before or not behind:
        number = str(rng.randint(1, 999))
        text = (
            rng.choice((f"{number}. ", f"{number} ", f"({number}) ", f"§ {number}. ", f"{number}) ", "— ", "* ")) + text
        )
    return f"{text} {_price(rng)}" if behind else text


def _price(rng: Random) -> str:
    whole = rng.randrange(10 ** rng.randint(1, 5))
    cents = f"{rng.randint(0, 99):02}"
    return rng.choice(
        (
            *(str(whole), str(whole), f"{whole}.—", f"{whole}.{cents}", f"{whole},{cents}", f"${whole:,}.{cents}"),
            *(f"Fr. {whole}", f"{whole} fr.", f"£{whole}", f"{whole:,}", f"p. {whole}", f"{whole} %", f"{whole}.-"),
        )
    )


def with_note(line: str, rng: Random) -> str:
    """The line with a number or a star behind one of its words."""
    places = [found.end() for found in _MARKED.finditer(line)]
    if not places:
        return line
    place = rng.choice(places)
    mark = rng.choice(("*", str(rng.randint(1, 9)), str(rng.randint(1, 9)), str(rng.randint(10, 99))))
    return line[:place] + mark + line[place:]
