"""Numeric strings drawn from a recipe's weighted regular expressions."""

from importlib.metadata import version

from rstr import Rstr

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.recipe import NumericText
from ocrlib.text.source import DrawnText, sample_rng

_CHECK_DRAWS = 500  # strings of each pattern held against the charset before a dataset is begun


class NumericStrings:
    """A TextSource over `[text] source = "numeric"`.

    Args:
      config: the patterns and the charset that must cover them.
      seed: the recipe's.

    Raises:
      UserError: a pattern can draw an empty string, or characters that the charset lacks.
    """

    def __init__(self, config: NumericText, seed: int) -> None:
        self._patterns = config.patterns
        self._weights = [pattern.weight for pattern in config.patterns]
        self._charset = Charset(config.charset)
        self._seed = seed
        self.inputs = {"rstr": version("rstr")}
        for pattern in config.patterns:
            generator = Rstr(sample_rng(0, "check", 0, 0, pattern.name))
            for _ in range(_CHECK_DRAWS):
                self._check(pattern.name, generator.xeger(pattern.regex))

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the string of sample `index` of `split`: the same for the same arguments, always."""
        rng = sample_rng(self._seed, split, index, attempt, "text")
        pattern = rng.choices(self._patterns, self._weights)[0]
        text = Rstr(rng).xeger(pattern.regex)
        self._check(pattern.name, text)
        return DrawnText(text, f"numeric:{pattern.name}")

    def _check(self, name: str, text: str) -> None:
        if not text:
            raise UserError(
                f"[text] pattern '{name}' drew an empty string; let it draw at least one character"
            )
        if missing := self._charset.missing(text):
            raise UserError(
                f"[text] pattern '{name}' drew {text!r}, but the charset lacks {missing!r}; "
                "add it to text.charset or change the pattern"
            )
