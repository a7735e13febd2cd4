"""Running text made of the words of a dictionary, for a language that has no corpus at hand.

It has no grammar. It has what prose has and a dictionary lacks: frequent short words, sentences that begin with a
capital and end with a stop, quotation marks, brackets, numbers, dates, prices, a word cut at the end of a line.
"""

from collections.abc import Callable
from random import Random

_QUOTES = {"de": ("„", "“"), "fr": ("« ", " »"), "es": ("«", "»")}
_FREQUENT = {  # words, apart by spaces
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er "
    "hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis "
    "mehr durch man sein wurde sei wir ich ihr ihm ihn uns was wenn doch schon hier dann kann soll muß daß",
}
_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember Jan. Febr. Okt.",
}
_ABBREVIATIONS = {  # apart by bars
    "de": "z. B.|d. h.|u. a.|usw.|Dr.|Prof.|Nr.|Bd.|S.|Hr.|Fr.|St.|vgl.|bzw.|geb.|Str.|Abs.|Hrsg.",
}
_LONGEST_TRY = 60  # pieces of one line


def running_text(rng: Random, word: Callable[[], str], language: str, min_length: int, max_length: int) -> str | None:
    """Returns a line of running text, or None if what was drawn does not fit the lengths.

    Args:
      word: returns a random word, as the dictionary writes it.
      language: decides quotation marks, and frequent words where they are known here.
    """
    aim = rng.randint(min_length, max_length)
    line, begins = "", rng.random() < 0.4
    for _ in range(_LONGEST_TRY):
        piece = _piece(rng, word, language)
        if begins:
            piece = piece[:1].upper() + piece[1:]
        longer = f"{line} {piece}" if line else piece
        if len(longer) > aim:
            break
        line = longer
        begins = False
        if rng.random() < 0.12 and line[-1].isalnum():
            line += rng.choice(".....!?:;")
            begins = line[-1] in ".!?"
        elif rng.random() < 0.1 and line[-1].isalnum():
            line += ","
    if rng.random() < 0.12:
        line = _cut_word(rng, line, word(), max_length)
    return line if min_length <= len(line) <= max_length else None


def _piece(rng: Random, word: Callable[[], str], language: str) -> str:
    """One to three words, or what stands between words."""
    frequent = _FREQUENT.get(language, "").split()
    kind = rng.random()
    if frequent and kind < 0.42:
        return rng.choice(frequent)
    if kind < 0.86:
        return word()
    if kind < 0.92:
        return _number(rng, language)
    if kind < 0.94 and language in _ABBREVIATIONS:
        return rng.choice(_ABBREVIATIONS[language].split("|"))
    inside = " ".join(word() for _ in range(rng.randint(1, 2)))
    if kind < 0.96:
        return f"({inside})"
    if kind < 0.975:
        return f"{inside.replace(' ', '-')}"
    opening, closing = _QUOTES.get(language, ("“", "”")) if rng.random() < 0.7 else ('"', '"')
    return f"{opening}{inside}{closing}"


def _number(rng: Random, language: str) -> str:
    """A year, a date, an amount, a paragraph or a plain number, as continental Europe writes them."""
    whole = str(rng.randrange(10 ** rng.randint(1, 4)))
    kind = rng.randrange(8)
    if kind == 0:
        return str(rng.randint(1750, 2030))
    if kind == 1 and language in _MONTHS:
        return f"{rng.randint(1, 31)}. {rng.choice(_MONTHS[language].split())} {rng.randint(1800, 2030)}"
    if kind == 2:
        year = str(rng.randint(1850, 2030))
        return f"{rng.randint(1, 31)}.{rng.randint(1, 12)}.{rng.choice((year, year[2:]))}"
    if kind == 3:
        return f"{whole},{rng.randint(0, 99):02}{rng.choice(('', ' €', ' M.', ' Fr.', ' %'))}"
    if kind == 4:
        return f"§ {rng.randint(1, 400)}"
    if kind == 5:
        return f"{rng.randint(1, 999)}.{rng.randint(0, 999):03}"
    if kind == 6:
        return f"{rng.randint(1, 60)}{rng.choice(('.', ')', ' %', '°', '/' + str(rng.randint(1, 30))))}"
    return whole


def _cut_word(rng: Random, line: str, word: str, max_length: int) -> str:
    """The line with the beginning of another word and a hyphen at its end, where that fits."""
    if len(word) < 5 or not word.isalpha() or not line[-1:].isalnum():
        return line
    longer = f"{line} {word[: rng.randint(2, len(word) - 2)]}-"
    return longer if len(longer) <= max_length else line
