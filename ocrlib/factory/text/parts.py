"""Several sources as one TextSource: every block of lines has the same number of lines of each.

Each part counts its own lines, so a corpus is read to its end before a sentence comes twice, as it is without a mix.
All parts decide by the text alone which split a line belongs to, so no line of one part is in another part's split.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ocrlib.factory.settings.text import MixText, TextSettings
from ocrlib.factory.text.outside import add_outside
from ocrlib.factory.text.source import DrawnText, TextSource, sample_rng

BLOCK = 1000  # lines


class TextParts:
    """A TextSource over `[text] source = "mix"`.

    Args:
      config: the parts and their weights.
      seed: the recipe's.
      open_part: returns the source of one part.

    Attributes:
      inputs: those of the parts, each with the part's number.
      outside: what all of them left out together.
    """

    def __init__(self, config: MixText, seed: int, open_part: Callable[[TextSettings, int], TextSource]) -> None:
        self._config, self._seed, self._open_part = config, seed, open_part
        self._parts = [open_part(part.text, seed) for part in config.parts]
        self._sizes = tuple(lines_of_parts([part.weight for part in config.parts]))
        self.outside = add_outside([part.outside for part in self._parts])
        self.inputs = {
            f"part {number}: {what}": value
            for number, part in enumerate(self._parts)
            for what, value in part.inputs.items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return TextParts, (self._config, self._seed, self._open_part)  # a worker opens the parts itself

    def check_split(self, split: str) -> None:
        """Refuses a split for which a part has no line; raises as that part does."""
        for part in self._parts:
            part.check_split(split)

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the line of sample `index` of `split`; every attempt is made with the same part."""
        block, position = divmod(index, BLOCK)
        part, before = _deal(self._seed, split, block, self._sizes)[position]
        return self._parts[part].draw(split, block * self._sizes[part] + before, attempt)


def lines_of_parts(weights: Sequence[float]) -> list[int]:
    """Returns how many lines of a block each part gives: as many as its weight says, rounded, together BLOCK.

    A part whose weight is less than a line in a block still gives one.
    """
    total = sum(weights)
    lines = [max(1, round(BLOCK * weight / total)) for weight in weights]
    lines[lines.index(max(lines))] += BLOCK - sum(lines)  # what rounding left over goes to the largest part
    return lines


@lru_cache(maxsize=8)
def _deal(seed: int, split: str, block: int, sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Returns for each place of a block its part, and how many places of that part stand before it."""
    parts = [part for part, size in enumerate(sizes) for _ in range(size)]
    rng = sample_rng(seed, split, block, 0, "parts")
    chances = [rng.random() for _ in parts]  # sorted, not shuffled: random() is the same in any Python
    before: Counter[int] = Counter()
    places = [(0, 0)] * len(parts)
    for place, chosen in enumerate(sorted(range(len(parts)), key=chances.__getitem__)):
        part = parts[chosen]
        places[place] = (part, before[part])
        before[part] += 1
    return places
