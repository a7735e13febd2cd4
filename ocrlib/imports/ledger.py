"""The list of all lines of an import, on disk: memory stays level however many there are, and a stop loses nothing.

lines     a row a line, in the order in which the sources list them: what it says, its image in a file of
          prepared pixels, or the reason why it cannot be used; in the end its split and its place in that
unusable  what cannot become a line: half pairs, missing pictures, further pages
before    the lines of the dataset that grows
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.imports.line import Line
from ocrlib.imports.settings import ImportSource
from ocrlib.pictures.pairs import Unusable

FILE_NAME = "lines.sqlite"
_WAIT_S = 120.0  # for the other processes' short transactions
_SCHEMA = """
CREATE TABLE lines (
    row INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, source INTEGER NOT NULL, place TEXT NOT NULL,
    stamp TEXT NOT NULL, label TEXT NOT NULL, page TEXT NOT NULL, given TEXT,
    reason TEXT, detail TEXT,                                        -- set: it cannot be used
    width INTEGER, digest INTEGER, pixels TEXT, offset INTEGER,      -- set: its image is prepared
    grp TEXT, split TEXT, idx INTEGER                                -- set: it is in the dataset
);
CREATE TABLE unusable (row INTEGER NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE before (name TEXT PRIMARY KEY, label TEXT NOT NULL, digest INTEGER NOT NULL, split TEXT NOT NULL,
    idx INTEGER NOT NULL);
"""

_INSERT = (
    "INSERT OR IGNORE INTO lines (row, name, source, place, stamp, label, page, given, reason, detail) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A line whose image is to be prepared."""

    row: int
    name: str
    source: int
    place: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What became of a picture: where its pixels are, or why it has none.

    Attributes:
      digest: 63 bits of the SHA-256 of the image, by which equal ones are found.
      pixels, offset: the file in the work folder that holds the image, and where in it.
    """

    row: int
    reason: str | None = None
    detail: str | None = None
    width: int | None = None
    digest: int | None = None
    pixels: str | None = None
    offset: int | None = None


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a ledger, which must be there."""
    base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_WAIT_S)
    try:
        yield base
    finally:
        base.close()


def begin(
    path: Path, sources: Sequence[ImportSource], listed: Iterable[tuple[int, Line | Unusable, str, str | None, str]]
) -> None:
    """Writes a new ledger; what an earlier one at that path knows of the same pictures is taken over.

    Args:
      path: of the ledger.
      sources: a line whose name an earlier one has gets a longer name.
      listed: (source, what it lists, label, reason, detail) in order, the reason None if the line can be used.
    """
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    base = sqlite3.connect(new)
    try:
        base.execute("PRAGMA synchronous = OFF")  # it counts when it is renamed
        base.executescript(_SCHEMA)
        stamp_of = _Stamps()
        for row, (source, found, label, reason, detail) in enumerate(listed):
            if isinstance(found, Unusable):
                _note(base, row, found)
                continue
            values = (found.place, stamp_of(found.file), label, found.page or "", found.split, reason, detail)
            if base.execute(_INSERT, (row, found.name, source, *values)).rowcount:
                continue
            longer = sources[source].longer_name(found.name)
            if not base.execute(_INSERT, (row, longer, source, *values)).rowcount:
                _note(base, row, Unusable(name=found.name, reason="name that comes twice"))
        base.commit()
        if path.exists():
            _take_over(base, path)
    finally:
        base.close()
    os.replace(new, path)


def _note(base: sqlite3.Connection, row: int, what: Unusable) -> None:
    base.execute("INSERT INTO unusable VALUES (?, ?, ?, ?)", (row, what.name, what.reason, what.detail))


def _take_over(base: sqlite3.Connection, path: Path) -> None:
    """Copies the prepared images of an earlier ledger, where name, place, label and file are still the same."""
    base.execute("ATTACH ? AS old", (str(path),))
    base.execute(
        "UPDATE lines SET (width, digest, pixels, offset) = (o.width, o.digest, o.pixels, o.offset) "
        "FROM old.lines AS o WHERE o.name = lines.name AND o.place = lines.place AND o.label = lines.label "
        "AND o.stamp = lines.stamp AND o.width IS NOT NULL AND lines.reason IS NULL"
    )
    base.execute("INSERT INTO before SELECT * FROM old.before")
    base.commit()
    base.execute("DETACH old")


class _Stamps:
    """Size and time of the file that holds a picture; many pictures of one file ask only once."""

    def __init__(self) -> None:
        self._last: tuple[Path | None, str] = (None, "")

    def __call__(self, path: Path) -> str:
        if self._last[0] != path:
            try:
                stat = path.stat()
                self._last = (path, f"{stat.st_size}:{stat.st_mtime_ns}")
            except OSError:  # preparing it will say so
                self._last = (path, "")
        return self._last[1]


def wanted(path: Path, start: int, stop: int) -> list[Wanted]:
    """Returns the lines of rows [start, stop) whose images are still to be prepared."""
    with opened(path) as base:
        rows = base.execute(
            "SELECT row, name, source, place, label FROM lines "
            "WHERE row >= ? AND row < ? AND reason IS NULL AND width IS NULL ORDER BY row",
            (start, stop),
        ).fetchall()
    return [Wanted(row=r, name=name, source=s, place=p, label=label) for r, name, s, p, label in rows]


def record(base: sqlite3.Connection, prepared: Sequence[Prepared], further: Sequence[tuple[int, Unusable]]) -> None:
    """Notes what became of pictures, and what else was found in their files; all of it, or nothing."""
    with base:
        base.executemany(
            "UPDATE lines SET reason = ?, detail = ?, width = ?, digest = ?, pixels = ?, offset = ? WHERE row = ?",
            [(p.reason, p.detail, p.width, p.digest, p.pixels, p.offset, p.row) for p in prepared],
        )
        for row, what in further:
            _note(base, row, what)


def refused(base: sqlite3.Connection) -> Iterator[Unusable]:
    """Yields all that cannot be used, in the order of the sources."""
    query = (
        "SELECT row, name, reason, detail FROM lines WHERE reason IS NOT NULL "
        "UNION ALL SELECT row, name, reason, detail FROM unusable ORDER BY 1, 2"
    )
    for _, name, reason, detail in base.execute(query):
        yield Unusable(name=name, reason=reason, detail=detail or "")


def sum_of_source(base: sqlite3.Connection, source: int) -> tuple[int, str]:
    """Returns how many lines of a source are in the dataset, and a SHA-256 (hex) of what they are."""
    total, count = hashlib.sha256(), 0
    query = "SELECT name, label, digest FROM lines WHERE source = ? AND idx IS NOT NULL ORDER BY split, idx"
    for name, label, digest in base.execute(query, (source,)):
        total.update(repr((name, label, digest)).encode("utf-8", "surrogateescape"))
        count += 1
    return count, total.hexdigest()


def first_problem(base: sqlite3.Connection) -> str:
    """Returns the first thing that cannot be used, in words; empty if all can."""
    return next((str(what) for what in refused(base)), "")


def check_before(base: sqlite3.Connection, out: Path) -> None:
    """Checks that every line of the dataset that grows is still there and the same.

    Raises:
      UserError: lines are gone, or say or show something else now.
    """
    query = (
        "SELECT before.name FROM before LEFT JOIN lines ON lines.name = before.name AND lines.reason IS NULL "
        "AND lines.label = before.label AND lines.digest = before.digest WHERE lines.name IS NULL ORDER BY 1"
    )
    changed = [name for (name,) in base.execute(query)]
    if changed:
        raise UserError(
            f"{out}: {len(changed)} of its lines are gone from the sources, or were changed there ({changed[0]}); "
            "import into another --out, or delete the folder and import again"
        )
