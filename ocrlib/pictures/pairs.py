"""Pictures with their texts beside them: NAME.png with NAME.gt.txt, for importing them and for measuring on them."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.files import read_regular
from ocrlib.pictures.opening import ENDINGS, UNREADABLE_ENDINGS

MAX_TRUTH_BYTES = 1 << 16  # 64 KiB: the text of one line

TEXT_ENDING = ".gt.txt"
# ocropy and kraken keep a line up to three times: as it was, in gray and straightened, in black and white.
_FORMS = ("", ".nrm", ".bin")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A picture and its text; the name is the picture's path below the folder."""

    name: str
    picture: Path
    text: Path


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """Something that was found and cannot be used.

    Attributes:
      name: of the file, or of the place in one.
      reason: a few words, the same for all that have the same fault, to be counted by.
      detail: more, where there is more to say.
    """

    name: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


def find_pairs(folder: Path) -> Iterator[Pair | Unusable]:
    """Yields the pairs in a folder and below it, sorted by folder and name, and what has no other half.

    Of NAME.png, NAME.nrm.png and NAME.bin.png one is taken, the first that is there. Memory does not grow with the
    number of files.
    """
    for below, names in _walk(folder):
        if isinstance(names, Unusable):
            yield names
            continue
        inside = folder / below
        for _, same in groupby(names, key=itemgetter(0)):
            yield from _match(inside, below, [name for _, name in same])


def read_truth(path: Path, encoding: str = "utf-8") -> str:
    """Returns what a text file says, without the white space around it.

    Raises:
      UserError: it cannot be read, or is in another encoding.
    """
    try:
        data = read_regular(path, MAX_TRUTH_BYTES, through_links=True)
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding).strip()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not {encoding.upper()}: byte 0x{error.object[error.start]:02x}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _walk(folder: Path, below: str = "") -> Iterator[tuple[str, Iterator[tuple[str, str]] | Unusable]]:
    """Yields each folder, the given one as "", with (name without its endings, file name) sorted."""
    # SQLite sorts: it moves to the disk what a list would hold in memory, and one folder may have 100,000 pairs.
    names = sqlite3.connect("")
    names.execute("CREATE TABLE files (base TEXT, name TEXT)")
    folders: list[str] = []
    links: list[str] = []

    def files() -> Iterator[tuple[bytes, bytes]]:
        with os.scandir(folder / below) as entries:
            for entry in entries:
                if entry.is_dir():
                    (links if entry.is_symlink() else folders).append(entry.name)
                elif entry.is_file():
                    # Names that are not Unicode come through SQLite as bytes.
                    yield os.fsencode(_stem(entry.name)), os.fsencode(entry.name)

    unreadable = None
    try:
        names.executemany("INSERT INTO files VALUES (?, ?)", files())
    except OSError as error:
        unreadable = Unusable(name=below or ".", reason="folder cannot be read", detail=error.strerror or "")
    for link in links:
        yield below, Unusable(name=f"{below}{link}", reason="link to a folder")
    if unreadable:
        yield below, unreadable
    rows = names.execute("SELECT base, name FROM files ORDER BY base, name")
    yield below, ((os.fsdecode(base), os.fsdecode(name)) for base, name in rows)
    names.close()
    for inside in sorted(folders):
        yield from _walk(folder, f"{below}{inside}/")


def _stem(name: str) -> str:
    """What the files of one line have in common: `p1` of p1.png, p1.bin.png and p1.gt.txt."""
    return _without_form(name[: -len(TEXT_ENDING)] if _is_text(name) else os.path.splitext(name)[0])


def _without_form(stem: str) -> str:
    root, form = os.path.splitext(stem)
    return root if form in _FORMS else stem


def _is_text(name: str) -> bool:
    return name.lower().endswith(TEXT_ENDING)


def _match(folder: Path, below: str, names: list[str]) -> Iterator[Pair | Unusable]:
    """Yields the pairs among the files of one line, and the halves that are left."""
    pictures = [name for name in names if name.lower().endswith(ENDINGS)]
    texts = [name for name in names if _is_text(name)]
    for text in texts:
        stem = text[: -len(TEXT_ENDING)]
        stems = [(os.path.splitext(name)[0], name) for name in pictures]
        fitting = [name for form in _FORMS for of_picture, name in stems if of_picture == stem + form]
        if not fitting:
            other = [name for name in names if not _is_text(name)]
            detail = f"{other[0]} is of a kind that is not read" if other else f"expected {stem}.png or the like"
            yield Unusable(name=below + text, reason="no picture", detail=detail)
            continue
        yield Pair(name=below + fitting[0], picture=folder / fitting[0], text=folder / text)
        for name in fitting[1:]:
            yield Unusable(name=below + name, reason="another form of a line", detail=f"{fitting[0]} is taken")
        pictures = [name for name in pictures if name not in fitting]
    for name in pictures:
        detail = f"expected {os.path.splitext(name)[0]}{TEXT_ENDING}"
        yield Unusable(name=below + name, reason="no text", detail=detail)
    if not texts:
        for name in names:
            if name.lower().endswith(UNREADABLE_ENDINGS):
                yield Unusable(name=below + name, reason="kind of picture that is not read")
