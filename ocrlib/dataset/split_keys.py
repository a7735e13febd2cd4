"""Which split a line of text belongs to: the text alone decides, so that train, val and test never share one.

Two lines that differ only in case, spaces or punctuation have the same *key*. The key's SHA-256 is the line's place
in the hash space [0, 2**63), and each split owns a fixed share of that space. The sizes of the splits and the recipe's
seed do not matter: a test line is a test line in every dataset.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

HASH_BITS = 63  # SQLite's integers are signed 64 bits
SHARES = {"train": 90, "val": 5, "test": 5}  # percent of the hash space
_MAX_SHOWN = 20
_NOT_LETTERS = re.compile(r"[\W_]+")


def near_key(text: str) -> str:
    """Returns the casefolded letters and digits of `text`; the text itself, casefolded, if it has none."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return _NOT_LETTERS.sub("", folded) or folded


def key_hash(text: str) -> int:
    """Returns the place of `text` in [0, 2**63); near-duplicates share it."""
    digest = hashlib.sha256(near_key(text).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) >> (64 - HASH_BITS)


def split_bounds() -> dict[str, tuple[int, int]]:
    """Returns {split: (first hash, end hash)}; together they cover the hash space, in order."""
    bounds, start, percent = {}, 0, 0
    for split, share in SHARES.items():
        percent += share
        end = 2**HASH_BITS * percent // 100
        bounds[split] = (start, end)
        start = end
    return bounds


_BOUNDS = split_bounds()


def split_of(place: int) -> str:
    """Returns the split that owns a place in the hash space."""
    for split, (_, end) in _BOUNDS.items():
        if place < end:
            return split
    raise ValueError(f"a place in the hash space is below 2**{HASH_BITS}, not {place}")


def check_split_separation(texts_by_split: Mapping[str, Iterable[str]]) -> list[str]:
    """Returns a line for each text that is in two splits, but for case and punctuation; an empty list is good.

    The first 20 texts are named, the others counted. Keeps one integer in memory for each different text.
    """
    owner: dict[int, str] = {}
    problems, num_problems = [], 0
    for split, texts in texts_by_split.items():
        for text in texts:
            first = owner.setdefault(key_hash(text), split)
            if first == split:
                continue
            num_problems += 1
            if num_problems <= _MAX_SHOWN:
                problems.append(f"{text!r} of {split} is also in {first}, but for case and punctuation")
    if num_problems > _MAX_SHOWN:
        problems.append(f"and {num_problems - _MAX_SHOWN} more texts are in two splits")
    return problems
