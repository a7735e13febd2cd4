"""The sentence file, from which all sentences are drawn: sorted, without duplicates, memory-mapped, read by index.

    sentences.txt    UTF-8, one line of text a line, sorted by `keys.key_hash`, then by code point
    offsets.npy      (N + 1,) int64, where each line begins, in bytes; the last is the file's size
    sentences.json   source, filters, counts, licence; written last

Because lines are sorted by hash, the lines of a split stand together, and neighbouring lines are unrelated.
"""

import hashlib
import json
import mmap
import sqlite3
from array import array
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from ocrlib.dataset.split_keys import SHARES, key_hash, split_of
from ocrlib.errors import UserError
from ocrlib.files import NPY_DAMAGES, open_whole, read_json, write_json

FORMAT = "ocrlib-sentences/1"
ORDER = "by SHA-256 of the letters and digits, casefolded (63 bits), then by code point"
_CACHE_KIB = 32 << 10  # SQLite's pages in memory; the rest is on disk
_BLOCK_BYTES = 1 << 20
_CHECKSUM = "checksum"  # of sentences.json itself; files of earlier versions have none


class SentenceSorter:
    """Sorts and deduplicates any number of lines in bounded memory, on disk.

    Args:
      path: the file of the temporary table.
      near_duplicates: keep lines that differ from another line only in case and punctuation. A text corpus is better
        without them; among serial numbers, "1.5" and "15" are two lines.
    """

    def __init__(self, path: Path, near_duplicates: bool) -> None:
        self._table = sqlite3.connect(path, isolation_level=None)
        self._table.execute("PRAGMA journal_mode = OFF")  # a table that a crash left is never used
        self._table.execute("PRAGMA synchronous = OFF")
        self._table.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        unique = "key, line" if near_duplicates else "key"
        self._table.execute(f"CREATE TABLE lines (key INTEGER, line TEXT, PRIMARY KEY ({unique})) WITHOUT ROWID")
        self._table.execute("BEGIN")

    def add(self, line: str) -> str | None:
        """Adds a line, or returns "duplicate" or "near_duplicate" if there is one like it already."""
        key = key_hash(line)
        if self._table.execute("INSERT OR IGNORE INTO lines VALUES (?, ?)", (key, line)).rowcount:
            return None
        same = self._table.execute("SELECT 1 FROM lines WHERE key = ? AND line = ?", (key, line)).fetchone()
        return "duplicate" if same else "near_duplicate"

    def sorted(self) -> Generator[tuple[int, str], None, None]:
        """Yields (hash of the line, line) in the order of the file."""
        yield from self._table.execute("SELECT key, line FROM lines ORDER BY key, line")

    def close(self) -> None:
        self._table.close()


def write_sentences(folder: Path, lines: Iterator[tuple[int, str]], about: dict[str, Any]) -> None:
    """Writes the three files; `about` goes into the JSON, together with counts of the lines.

    Args:
      folder: exists, and is not yet in the place where it is looked for.
      lines: (hash of the line, line), as SentenceSorter yields them.
    """
    offsets = array("q", [0])  # 8 bytes per line; a list takes 40
    num_lines: Counter[str] = Counter(dict.fromkeys(SHARES, 0))
    characters: dict[str, Counter[str]] = {split: Counter() for split in SHARES}
    digest = hashlib.sha256()
    with open_whole(folder / "sentences.txt", "wb") as file:
        for key, line in lines:
            data = line.encode() + b"\n"
            file.write(data)
            digest.update(data)
            offsets.append(offsets[-1] + len(data))
            split = split_of(key)
            num_lines[split] += 1
            characters[split].update(set(line))
    with open_whole(folder / "offsets.npy", "wb") as file:
        np.save(file, np.frombuffer(offsets, dtype=np.int64))
    found = {
        "format": FORMAT,
        "order": ORDER,
        "sha256": digest.hexdigest(),
        "splits": dict(num_lines),
        "lines_with_character": {split: dict(counts.most_common()) for split, counts in characters.items()},
    }
    values = {**about, **found}
    write_json(folder / "sentences.json", values | {_CHECKSUM: _checksum_of(values)})


def _checksum_of(about: Mapping[str, Any]) -> str:
    """Returns the SHA-256 (hex) of what sentences.json says besides this."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _checked_digest(file: IO[bytes], offsets: np.ndarray) -> str:
    """Returns the SHA-256 (hex) of the lines, after a look whether each offset is where a line begins.

    One flipped bit in an offset would give other lines under the same fingerprint.

    Raises:
      ValueError: the offsets are not those of the lines.
    """
    if offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets) or offsets[0] != 0:
        raise ValueError("offsets.npy has no offsets of lines")
    digest, num_bytes, num_lines = hashlib.sha256(), 0, 0
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + num_bytes + 1
        if not np.array_equal(offsets[num_lines + 1 : num_lines + 1 + len(ends)], ends):
            raise ValueError("offsets.npy has other lines than sentences.txt")
        num_bytes, num_lines = num_bytes + len(block), num_lines + len(ends)
    if (num_lines + 1, num_bytes) != (len(offsets), offsets[-1]):
        raise ValueError("sentences.txt is cut")
    return digest.hexdigest()


class SentenceFile:
    """A sentence file, mapped into memory, so that a large one takes no more memory than a small one.

    Args:
      folder: holds the three files.

    Attributes:
      about: sentences.json.
      start, num_lines: {split: index of its first line}, {split: number of lines}; the lines of a split stand together.

    Raises:
      UserError: the files do not fit together, or were changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.about = read_json(folder / "sentences.json")
            self.num_lines: dict[str, int] = {split: int(self.about["splits"][split]) for split in SHARES}
            # Still mapped, but a plain array: indexing an np.memmap takes ten times as long.
            self._offsets = np.asarray(np.load(folder / "offsets.npy", mmap_mode="r"))
            with open(folder / "sentences.txt", "rb") as file:
                digest = _checked_digest(file, self._offsets)
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            known = self.about["sha256"], self.about.pop(_CHECKSUM, None) or _checksum_of(self.about)
        except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, *NPY_DAMAGES) as error:
            raise UserError(f"{folder}: is no sentence file ({error}); delete it to have it built again") from None
        if known != (digest, _checksum_of(self.about)) or len(self) != sum(self.num_lines.values()):
            raise UserError(f"{folder}: was changed after it was built; delete it to have it built again")
        self.start, total = {}, 0
        for split in SHARES:
            self.start[split] = total
            total += self.num_lines[split]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        """Returns line `index` of the file, in [0, len)."""
        return self._bytes[self._offsets[index] : self._offsets[index + 1] - 1].decode()

    def lines_with(self, character: str, split: str) -> list[int]:
        """Returns the indices of the lines of a split that contain `character`, in order."""
        first, end = self.start[split], self.start[split] + self.num_lines[split]
        needle, stop = character.encode(), int(self._offsets[end])
        found, at = [], int(self._offsets[first])
        while (at := self._bytes.find(needle, at, stop)) >= 0:
            index = int(np.searchsorted(self._offsets, at, side="right")) - 1
            found.append(index)
            at = int(self._offsets[index + 1])
        return found
