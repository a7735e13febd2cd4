"""Which characters follow which: a language model of characters, counted in texts, in a file of some megabytes.

An n-gram is n characters in a row. How probable a character is after those before it is told by how often it was
there, and where little was counted, by the shorter n-grams: P(c|h) = (count(hc) + types(h) P(c|h')) / (count(h) +
types(h)), where h' is h without its first character and types(h) the number of different characters behind h.

An n-gram is written as a number, its code: its characters' classes are the digits to the base C + 1. Before a line
stands the class C, as often as the model looks back.

Letters: C characters, N n-grams of a length.
Source: Witten, Bell 1991, "The Zero-Frequency Problem".
"""

import io
import math
import sys
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.files import NPY_DAMAGES, ZIP_DAMAGES, read_regular, write_output

FORMAT = "ocrlib-ngram/1"
ORDER = 6  # characters of the longest n-gram
MAX_BYTES = 3_000_000  # of a file, where nothing else is asked for
WEIGHT, BONUS = 0.2, 0.3
_ALWAYS_KEPT = 2  # characters of n-grams that are kept however rare they are
_MOST_CODES = 1 << 62
_STEPS = 4  # of a count, from one to its double
_MOST_STEPS = 40 * _STEPS  # a million million, of which as many as there are characters can be added up
_MAX_FILE_BYTES = 64 << 20
_MAX_PARTS_BYTES = 1 << 28  # of the arrays in a file: 29 million n-grams, 2 GB while they are opened


class NGram:
    """A language model of characters.

    Args:
      charset: the characters that it knows.
      counts: for each length from 1 on, (N,) int64 codes, sorted, and (N,) int64, how often each was there: that is
        kept to within an eighth.
      weight: of the logarithm of its probability, where that of the picture has 1.
      bonus: added for each character, without which short texts would win.

    Attributes:
      charset, counts, weight, bonus: as given.
      order: the length of the longest n-gram.
      base: of the codes, C + 1.
    """

    def __init__(
        self,
        charset: Charset,
        counts: Sequence[tuple[np.ndarray, np.ndarray]],
        weight: float = WEIGHT,
        bonus: float = BONUS,
    ) -> None:
        self.charset, self.weight, self.bonus = charset, weight, bonus
        self.counts = tuple((codes, _from_steps(_to_steps(times))) for codes, times in counts)
        self.order, self.base = len(self.counts), len(charset.characters) + 1
        # Code, probability, and the part of its context's probability that shorter n-grams share out.
        self._tables: list[tuple[memoryview, memoryview, memoryview]] = []
        chances, shorter = np.zeros(0), np.zeros(0, np.int64)
        for length, (codes, times) in enumerate(self.counts, start=1):
            chances, left = self._smoothed(codes, times, length, shorter, chances)
            shorter = codes
            self._tables.append((codes.data, chances.data, left.data))

    def _smoothed(
        self, codes: np.ndarray, times: np.ndarray, length: int, shorter: np.ndarray, chances: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(N,) probabilities, and what contexts leave to shorter n-grams, whose codes and probabilities are given."""
        starts = np.flatnonzero(np.diff(codes // self.base, prepend=-1))
        types = np.diff(starts, append=len(codes))
        totals = np.add.reduceat(times, starts) + types if len(codes) else times
        left = np.repeat(types / np.maximum(totals, 1), types)
        tails = codes % self.base ** (length - 1)
        place = np.minimum(np.searchsorted(shorter, tails), max(0, len(shorter) - 1))
        if len(shorter):  # an n-gram that was kept without its tail: as if the tail had never been there
            before = np.where(shorter[place] == tails, chances[place], 1e-9)
        else:
            before = np.full(len(codes), 1 / (self.base - 1))
        return times / np.repeat(np.maximum(totals, 1), types) + left * before, left

    @property
    def beginning(self) -> int:
        """The code of what stands before the first character of a line."""
        return self.base ** (self.order - 1) - 1  # the digit C, order - 1 times

    def after(self, context: int, character: int) -> int:
        """Returns the code of what stands before the next character."""
        return (context * self.base + character) % self.base ** (self.order - 1)

    def probability(self, context: int, character: int) -> float:
        """Returns how probable a class is after the order - 1 classes that make up a context's code."""
        share, code, modulus = 1.0, context * self.base + character, self.base**self.order
        for codes, chances, left in reversed(self._tables):
            code %= modulus
            modulus //= self.base
            place = bisect_left(codes, code)
            if place < len(codes) and codes[place] == code:
                return share * chances[place]
            # Neighbours have the same context, if anything was counted behind it.
            for near in (place, place - 1):
                if 0 <= near < len(codes) and codes[near] // self.base == code // self.base:
                    share *= left[near]
                    break
        return share / (self.base - 1)

    def for_charset(self, charset: Charset) -> "NGram":
        """Returns the model for a network with other characters.

        What has a character that the network lacks is left out. A character that was never counted gets a small
        probability everywhere.

        Raises:
          UserError: the network knows none of the characters.
        """
        if charset == self.charset:
            return self
        new = [charset.characters.find(character) for character in self.charset.characters]
        classes, base = np.array([*new, len(charset.characters)]), len(charset.characters) + 1
        counts = []
        for length, (codes, times) in enumerate(self.counts[: _longest(base)], start=1):
            places = np.arange(length - 1, -1, -1)
            digits = classes[codes[:, None] // self.base**places % self.base]  # (N, length)
            moved = digits @ base**places
            kept = np.flatnonzero((digits >= 0).all(axis=1))
            kept = kept[np.argsort(moved[kept])]
            if not len(kept):
                break  # nor is a longer one left
            counts.append((moved[kept], times[kept]))
        if not counts:
            raise UserError("the model knows none of the characters of the language model")
        return NGram(charset, counts, self.weight, self.bonus)

    def save(self, path: Path) -> None:
        """Writes the model into a file."""
        write_output(path, _packed(self.charset, self.counts, self.weight, self.bonus))

    @classmethod
    def load(cls, path: Path) -> "NGram":
        """Returns the model in a file.

        Raises:
          UserError: there is none, or the file is not what `save` writes.
        """
        try:
            return _unpacked(read_regular(path, _MAX_FILE_BYTES, through_links=True))
        except (
            OSError,
            ValueError,
            LookupError,
            EOFError,
            OverflowError,
            MemoryError,
            *NPY_DAMAGES,
            *ZIP_DAMAGES,
        ) as error:
            reason = str(getattr(error, "strerror", None) or error)
            why = (reason.splitlines() or [type(error).__name__])[0][:200]
            raise UserError(f"{path}: cannot be read as a language model of `ocrlib language-model`: {why}") from None


def learn_ngram(
    texts: Iterable[str],
    charset: Charset,
    order: int = ORDER,
    max_bytes: int = MAX_BYTES,
    weight: float = WEIGHT,
    bonus: float = BONUS,
) -> tuple[NGram, int]:
    """Counts the characters of texts.

    Args:
      texts: a line each.
      charset: a text that has other characters is left out.
      order: characters of the longest n-gram.
      max_bytes: of the file; of the longer n-grams the rare ones are left out until it has no more.
      weight, bonus: as `NGram` takes them.

    Returns:
      The model, and how many texts were left out.

    Raises:
      UserError: no text is left.
    """
    known, beginning = frozenset(charset.characters), len(charset.characters)
    order = min(order, _longest(beginning + 1))
    lines: list[np.ndarray] = []
    left_out = 0
    for text in texts:
        if text and known.issuperset(text):
            lines.append(np.array([beginning] * (order - 1) + charset.encode(text)))
        else:
            left_out += 1
    if not lines:
        raise UserError("no line consists of the model's characters alone, so nothing can be learned")
    counted = _count(np.concatenate(lines), beginning, order)
    most = max(times.max() for _, times in counted)
    least = 1
    while True:
        kept = [
            (codes, times) if length <= _ALWAYS_KEPT else (codes[times >= least], times[times >= least])
            for length, (codes, times) in enumerate(counted, start=1)
        ]
        if least > most or len(_packed(charset, kept, weight, bonus)) <= max_bytes:
            return NGram(charset, [(codes, times) for codes, times in kept if len(codes)], weight, bonus), left_out
        least += 1 + least // 4


def _longest(base: int) -> int:
    """The most characters of an n-gram whose code a 64-bit number holds."""
    return int(math.log(_MOST_CODES, base))


def _count(lines: np.ndarray, beginning: int, order: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each length the n-grams that end in a character, and how often each is there."""
    code, counted = np.zeros(len(lines), np.int64), []
    for length in range(1, order + 1):
        code[length - 1 :] += lines[: len(lines) - length + 1] * (beginning + 1) ** (length - 1)
        counted.append(np.unique(code[lines != beginning], return_counts=True))
    return counted


def _packed(charset: Charset, counts: Sequence[tuple[np.ndarray, np.ndarray]], weight: float, bonus: float) -> bytes:
    """What a file of a model holds: gaps between the codes, the low bytes of all first, and steps of the counts."""
    arrays: dict[str, Any] = {"about": np.array([FORMAT, charset.characters]), "weights": np.array([weight, bonus])}
    for length, (codes, times) in enumerate(counts, start=1):
        arrays[f"gaps{length}"] = np.diff(codes, prepend=0).astype("<u8").view(np.uint8).reshape(-1, 8).T.ravel()
        arrays[f"steps{length}"] = _to_steps(times)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _unpacked(data: bytes) -> NGram:
    """The reverse of `_packed`; raises what a damaged file makes Python raise."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        if sum(part.file_size for part in file.infolist()) > _MAX_PARTS_BYTES:
            raise ValueError(f"its parts have more than {_MAX_PARTS_BYTES} bytes")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        form, characters = map(str, _array(file, "about", "U"))
        weight, bonus = map(float, _array(file, "weights", "f"))
        order = sum(name.startswith("gaps") for name in file.files)
        if form != FORMAT or order < 1 or not (0 <= weight <= 10 and -10 <= bonus <= 10):
            raise ValueError(f"expected the format {FORMAT} and weights within 10")
        charset = Charset(characters)
        most = (len(characters) + 1) ** order
        counts = [
            (np.cumsum(_from_bytes(_array(file, f"gaps{n}", "u"))), _from_steps(_array(file, f"steps{n}", "u")))
            for n in range(1, order + 1)
        ]
    for codes, times in counts:
        rising = len(codes) == len(times) > 0 and codes.min() >= 0 and bool((np.diff(codes) > 0).all())
        if most > _MOST_CODES or not rising or codes[-1] >= most:
            raise ValueError("its n-grams and their counts do not belong together")
    return NGram(charset, counts, weight, bonus)


def _to_steps(times: np.ndarray) -> np.ndarray:
    """(N,) counts as uint8, in steps of a quarter of a doubling."""
    return np.round(np.log2(times) * _STEPS).astype(np.uint8)


def _from_steps(steps: np.ndarray) -> np.ndarray:
    """The reverse of `_to_steps`: (N,) int64."""
    if len(steps) and steps.max() > _MOST_STEPS:
        raise ValueError("its counts are larger than any text")
    return np.round(np.exp2(steps / _STEPS)).astype(np.int64)


def _from_bytes(values: np.ndarray) -> np.ndarray:
    """(8 N,) bytes, the lowest of all numbers first -> (N,) int64."""
    return np.ascontiguousarray(values.reshape(8, -1).T).view("<i8").ravel()


def _array(file: Any, name: str, kind: str) -> np.ndarray:
    """A part of a file: a row of values of a kind, as `numpy.dtype.kind` names it, as wide as `_packed` has them."""
    values = file[name]
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind != kind:
        raise ValueError(f"its part {name} is not what it must be")
    # NumPy makes texts of numbers that are no characters, over which Python then fails.
    if kind == "U" and (values.astype(values.dtype.newbyteorder("=")).view(np.uint32) > sys.maxunicode).any():
        raise ValueError(f"its part {name} has numbers that stand for no character")
    if kind != "U" and values.dtype.itemsize != (1 if kind == "u" else 8):
        raise ValueError(f"its part {name} has numbers of {values.dtype.itemsize} bytes")
    return values
