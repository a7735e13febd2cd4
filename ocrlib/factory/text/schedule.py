"""Decides which kind of line an index gets, and the order of the sentences, by arithmetic on indices without state.

A block is 10,000 lines. It has a fixed number of places for mixed lines, for lines with a rare character, and for plain
sentences; the recipe's seed decides which place is which. So the shares are exact in each block, and any line can be
drawn without the lines before it. A split may grow.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Literal, NamedTuple

from ocrlib.errors import UserError
from ocrlib.factory.text.source import sample_rng

BLOCK = 10_000  # lines
_ROUNDS = 6  # of the permutation; its proof needs three, more rounds mix small sizes better
Kind = Literal["sentence", "rare", "mixed"]
_SPREAD = 4.0  # standard deviations by which a count may be below its expectation


def permuted(position: int, size: int, key: str) -> int:
    """Returns the place of `position`, in [0, size), in the permutation of [0, size) named `key`.

    A Feistel network over the next power of four, repeated until the result is below `size`. It shuffles ten million
    lines without memory. Source: Black and Rogaway 2002, "Ciphers with arbitrary finite domains".
    """
    assert 0 <= position < size
    half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half_bits) - 1
    while True:
        left, right = position >> half_bits, position & mask
        for number in range(_ROUNDS):
            digest = hashlib.blake2b(f"{key}/{number}/{right}".encode(), digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(digest) & mask)
        position = left << half_bits | right
        if position < size:
            return position


class Place(NamedTuple):
    """What an index gets.

    Attributes:
      kind: sentence, rare (a line with `character`), or mixed.
      ordinal: the number of places of this kind (and character) before it in the split.
    """

    kind: Kind
    ordinal: int
    character: str = ""


@dataclass(frozen=True)
class Schedule:
    """How the places of a split are given to kinds of lines.

    Attributes:
      seed: the recipe's.
      split: its name.
      num_mixed: mixed lines in a block.
      rare: characters that have places of their own, `per_character` in a block.
    """

    seed: int
    split: str
    num_mixed: int
    rare: str
    per_character: int

    def place(self, index: int) -> Place:
        """Returns what `index` of the split gets."""
        block, position = divmod(index, BLOCK)
        return _deal(self, block)[position]


@lru_cache(maxsize=4)  # a worker draws in order; a block takes 10 ms and 1 MB
def _deal(schedule: Schedule, block: int) -> list[Place]:
    """Returns the places of a block, in order."""
    kinds: list[tuple[Kind, str]] = []
    kinds.extend(("mixed", "") for _ in range(schedule.num_mixed))
    for character in schedule.rare:
        kinds.extend(("rare", character) for _ in range(schedule.per_character))
    kinds.extend(("sentence", "") for _ in range(BLOCK - len(kinds)))
    before = {kind: block * number for kind, number in Counter(kinds).items()}
    rng = sample_rng(schedule.seed, schedule.split, block, 0, "places")
    chances = [rng.random() for _ in range(BLOCK)]  # sorted, not shuffled: random() is the same in any Python
    places = []
    for position in sorted(range(BLOCK), key=chances.__getitem__):
        kind = kinds[position]
        places.append(Place(kind[0], before[kind], kind[1]))
        before[kind] += 1
    return places


def plan_rare(lines_with: Mapping[str, int], num_lines: int, num_mixed: int, min_per_char: int) -> str:
    """Returns the characters of which plain sentences alone would give a block fewer than min_per_char lines.

    Args:
      lines_with: {character: number of lines of the split that contain it}.
      num_lines: lines of the split.
      num_mixed: mixed lines of a block; they may contain any character, but this is not counted.

    Raises:
      UserError: these characters need more places than a block has left.
    """
    if not min_per_char:
        return ""
    rare = ""
    while True:
        plain = BLOCK - num_mixed - len(rare) * min_per_char
        if plain < 0:
            most = (BLOCK - num_mixed) // len(lines_with)
            raise UserError(
                f"[text] min_per_char = {min_per_char} would fill more than the {BLOCK:,} lines it is "
                f"counted in; with this charset and mixed_share, up to {most} always fits"
            )
        short = ""
        for character, lines in lines_with.items():
            expected = plain * lines / num_lines
            if expected - _SPREAD * sqrt(expected) < min_per_char:
                short += character
        if len(short) == len(rare):
            return rare
        rare = short
