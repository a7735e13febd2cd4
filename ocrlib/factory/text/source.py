"""The interface of a text source: strings as a pure function of seed, split and index."""

import hashlib
import random
from typing import NamedTuple, Protocol

from ocrlib.dataset.manifest import Outside


class DrawnText(NamedTuple):
    """A line to render.

    Attributes:
      text: NFC, at least one character, no line breaks.
      source: provenance, kind first: "wikipedia:en", "mixed:numbers".
    """

    text: str
    source: str


class TextSource(Protocol):
    """Draws strings.

    Attributes:
      inputs: {what: SHA-256 or version} of everything that decides the strings and is not in the recipe.
      outside: lines that were left out for characters that the charset lacks; None if there are none.
    """

    inputs: dict[str, str]
    outside: Outside | None

    def check_split(self, split: str) -> None:
        """Refuses a split that has no line at all, before anything is drawn; raises UserError."""
        ...

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the line of sample `index` of `split`; a higher `attempt` follows a rejected line."""
        ...


def sample_rng(seed: int, split: str, index: int, attempt: int, purpose: str) -> random.Random:
    """Returns a generator that depends only on these five values, so every worker draws the same.

    Different purposes, such as "text" and "render", give different sequences for the same sample.
    """
    name = f"{seed}/{split}/{index}/{attempt}/{purpose}"
    return random.Random(int.from_bytes(hashlib.sha256(name.encode()).digest()))
