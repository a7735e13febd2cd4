"""Which kind of line goes to which index, and in what order sentences come: arithmetic on indices, no state.

Lines are dealt in blocks of 10,000. A block has a fixed number of places for mixed lines, for lines that are
there for a rare character, and for plain sentences; the recipe's seed says which place is which. So shares
hold exactly in each block, and any line can be drawn without the ones before it, in a split that may grow.
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
_ROUNDS = 6  # of the permutation; three would do for its proof, more mix small sizes better
Kind = Literal["sentence", "rare", "mixed"]
_SPREAD = 4.0  # standard deviations that a natural count may fall short by


def permuted(position: int, size: int, key: str) -> int:
    """Returns where `position` in [0, size) goes in the permutation of [0, size) named `key`.

    A Feistel network over the next power of four, walked until it lands inside: a shuffle of ten million
    lines that needs no memory. Source: Black and Rogaway 2002, "Ciphers with arbitrary finite domains".
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
    """What goes to an index.

    Attributes:
      kind: sentence, rare (for `character`), or mixed.
      ordinal: how many of this kind (and character) came before it in the split.
    """

    kind: Kind
    ordinal: int
    character: str = ""


@dataclass(frozen=True)
class Schedule:
    """How the lines of a split are dealt.

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
        """Returns what goes to `index` of the split."""
        block, position = divmod(index, BLOCK)
        return _deal(self, block)[position]


@lru_cache(maxsize=4)  # a worker draws in order; a block takes 10 ms and 1 MB
def _deal(schedule: Schedule, block: int) -> list[Place]:
    """Returns what goes to each of a block's places, in order."""
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
    """Returns the characters that plain sentences alone would bring fewer than min_per_char times a block.

    Args:
      lines_with: {character: lines of the split that have it}.
      num_lines: lines of the split.
      num_mixed: mixed lines of a block, which are not counted on.

    Raises:
      UserError: the places these characters need exceed what a block has left.
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
