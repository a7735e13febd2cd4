"""Numeric strings, drawn from a recipe's weighted regular expressions."""

import unicodedata
from random import Random

from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Outside
from ocrlib.errors import UserError
from ocrlib.factory.settings.text import NumericText, Pattern
from ocrlib.factory.text.patterns import compile_pattern
from ocrlib.factory.text.source import DrawnText, sample_rng

_CHECK_DRAWS = 500  # strings of each pattern that are checked against the charset before a dataset is begun


class NumericStrings:
    """A TextSource over `[text] source = "numeric"`.

    Args:
      config: the patterns and the charset that must cover them.
      seed: the recipe's.

    Raises:
      UserError: a pattern can draw an empty string, or characters that the charset lacks, or it uses syntax that only a
        search can use: look-around, possessive quantifiers, atomic groups.
    """

    def __init__(self, config: NumericText, seed: int) -> None:
        self._patterns = config.patterns
        self._weights = [pattern.weight for pattern in config.patterns]
        self._charset = Charset(config.charset)
        self._seed = seed
        self._compiled = {}
        self.outside: Outside | None = None  # characters that the charset lacks are an error here
        self.inputs = {"rstr": "3.2.2"}  # the strings are those of this version of rstr
        for pattern in config.patterns:
            try:
                self._compiled[pattern.regex] = compile_pattern(pattern.regex)
            except ValueError as error:
                raise _undrawable(pattern, error) from None
            rng = sample_rng(0, "check", 0, 0, pattern.name)
            for _ in range(_CHECK_DRAWS):
                self._string(pattern, rng)

    def check_split(self, split: str) -> None:
        """Strings can be drawn for every split."""

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the string of sample `index` of `split`; always the same for the same arguments."""
        rng = sample_rng(self._seed, split, index, attempt, "text")
        pattern = rng.choices(self._patterns, self._weights)[0]
        return DrawnText(self._string(pattern, rng), f"numeric:{pattern.name}")

    def _string(self, pattern: Pattern, rng: Random) -> str:
        try:
            # Spaces at the ends are dropped: no picture shows them, so no label may have them.
            text = unicodedata.normalize("NFC", self._compiled[pattern.regex](rng)).strip(" ")
        except KeyError as error:  # a reference to a group that this draw left out
            raise _undrawable(pattern, error) from None
        if not text:
            raise UserError(f"[text] pattern '{pattern.name}' drew an empty string; let it draw at least one character")
        if missing := self._charset.missing(text):
            raise UserError(
                f"[text] pattern '{pattern.name}' drew {text!r}, but the charset lacks {missing!r}; "
                "add it to text.charset or change the pattern"
            )
        return text


def _undrawable(pattern: Pattern, error: Exception) -> UserError:
    return UserError(f"[text] pattern '{pattern.name}': no string can be drawn from {pattern.regex!r} ({error})")
