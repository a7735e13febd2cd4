"""What a source of text promises the factory: strings drawn as a pure function of seed, split and index."""

import hashlib
import random
from typing import NamedTuple, Protocol


class DrawnText(NamedTuple):
    """A line to render.

    Attributes:
      text: NFC, at least one character, no line breaks.
      source: provenance, kind first: "wikipedia:en", "mixed:numbers".
    """

    text: str
    source: str


class TextSource(Protocol):
    """Where strings come from.

    Attributes:
      inputs: {what: SHA-256 or version} of all that shapes the strings and is not in the recipe.
    """

    inputs: dict[str, str]

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the line of sample `index` of `split`; a higher `attempt` follows a rejected line."""
        ...


def sample_rng(seed: int, split: str, index: int, attempt: int, purpose: str) -> random.Random:
    """Returns a generator that depends on these five values alone, so any worker draws the same.

    `purpose` keeps apart what draws for one sample: two purposes share no sequence.
    """
    name = f"{seed}/{split}/{index}/{attempt}/{purpose}"
    return random.Random(int.from_bytes(hashlib.sha256(name.encode()).digest()))
