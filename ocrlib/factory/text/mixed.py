"""Mixed lines, which prose does not have: random words, numbers, brackets, capitals, and all characters equally often.

A network trained on prose alone learns that digits are rare and that capitals begin a word. Then it reads "[22]", "(1)"
and "GigaMax" wrong, even in clear print.
"""

import random
import string
from collections.abc import Callable

KINDS = ("numbers", "capitals", "brackets", "characters")
_TRIES = 100  # pieces drawn for one line at most

Token = Callable[[], str]


def fill_line(rng: random.Random, token: Token, min_length: int, max_length: int, space: str = " ") -> str | None:
    """Returns tokens joined up to a length that is drawn from the range, or None if they do not fit."""
    aim = rng.randint(min_length, max_length)
    line = ""
    for _ in range(_TRIES):
        piece = token()
        longer = f"{line}{space}{piece}" if line else piece
        if len(longer) <= aim:
            line = longer
        elif len(line) >= min_length:
            return line
    return line if min_length <= len(line) else None


class MixedLines:
    """Draws mixed lines of a charset's characters.

    Args:
      charset: characters that lines may contain.
      min_length, max_length: characters of a line.
    """

    def __init__(self, charset: str, min_length: int, max_length: int) -> None:
        self._charset = frozenset(charset)
        self._characters = "".join(c for c in charset if not c.isspace())
        self._plain = "".join(c for c in self._characters if c.isascii() and c.isalnum()) or self._characters
        self._lengths = (min_length, max_length)

    def draw(self, rng: random.Random, word: Token, character: str = "") -> tuple[str, str] | None:
        """Returns (line, kind), or None if this draw did not fit the charset and the length.

        Args:
          word: returns a random word, which may have characters outside the charset.
          character: the line must contain it; the kind is then "characters".
        """
        kind = "characters" if character else rng.choice(KINDS)
        make = {
            "numbers": lambda: _number(rng) if rng.random() < 0.6 else word(),
            "capitals": lambda: _capitals(rng, word),
            "brackets": lambda: _brackets(rng, word),
            "characters": lambda: self._random_word(rng, character),
        }[kind]
        space = " " if " " in self._charset else ""
        line = fill_line(rng, lambda: self._fitting(rng, make), *self._lengths, space)
        return (line, kind) if line and character in line else None

    def _fitting(self, rng: random.Random, make: Token) -> str:
        for _ in range(_TRIES):
            token = make()
            if token and self._charset.issuperset(token):
                return token
        return self._random_word(rng, "")

    def _random_word(self, rng: random.Random, character: str) -> str:
        pool = self._characters if rng.random() < 0.5 else self._plain  # half of them look like serial numbers
        letters = [rng.choice(pool) for _ in range(rng.randint(1, 8))]
        if character.strip() and rng.random() < 0.5:
            letters[rng.randrange(len(letters))] = character
        return "".join(letters)


def _digits(rng: random.Random, low: int, high: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(rng.randint(low, high)))


def _number(rng: random.Random) -> str:
    kind = rng.randrange(9)
    whole = str(rng.randrange(10 ** rng.randint(1, 4)))
    if kind == 0:
        return f"{whole}.{_digits(rng, 1, 3)}"
    if kind == 1:
        return f"{rng.randint(1, 999)},{_digits(rng, 3, 3)}"
    if kind == 2:
        year = rng.randint(1000, 2030)
        return f"{year}{rng.choice('-–')}{rng.choice((str(year + rng.randint(1, 30)), _digits(rng, 2, 2)))}"
    if kind == 3:
        return f"{rng.choice('$£€')}{whole}.{_digits(rng, 2, 2)}"
    if kind == 4:
        return f"{whole}%"
    if kind == 5:
        return f"{rng.randint(1, 12)}:{_digits(rng, 2, 2)}"
    if kind == 6:
        return f"{rng.choice(string.ascii_uppercase)}{rng.choice(('', '-'))}{_digits(rng, 1, 4)}"
    if kind == 7:
        return f"{rng.choice('+-±~<>=')}{whole}"
    return whole


def _capitals(rng: random.Random, word: Token) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return word().upper()
    if kind == 1:
        return word()[:5].capitalize() + word()[:5].capitalize()
    if kind == 2:
        return "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(2, 5)))
    return word().capitalize()


def _brackets(rng: random.Random, word: Token) -> str:
    kind = rng.randrange(6)
    if kind == 0:
        return f"[{_digits(rng, 1, 3)}]"
    if kind == 1:
        return f"({_digits(rng, 1, 2)})"
    if kind == 2:
        opening, closing = rng.choice(("()", "[]", "{}", "<>", '""', "''", "“”", "‘’", "«»"))
        return f"{opening}{word()}{closing}"
    if kind == 3:
        return f"{word()}{rng.choice(',;:.!?')}"
    if kind == 4:
        return f"{word()}{rng.choice('/-_&+@#*=|—–')}{word()}"
    return word()
