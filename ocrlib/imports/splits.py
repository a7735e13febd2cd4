"""Which split a line goes into: lines of one group stay together, and a hash of the group's name says where.

Groups are taken in the order of their hashes: the first of them, up to the share that is asked for, are `val`, the
next ones `test`, and the others are learned from. What an earlier import decided stays.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from ocrlib.dataset.split_keys import key_hash
from ocrlib.errors import UserError
from ocrlib.imports.settings import ImportSplits

HELD_OUT = ("val", "test")
_NUMBER = r"(?:(?:line|ln|l|row|r)[-_. ]*)?(?=[0-9a-f]*[0-9])[0-9a-f]+"
_LINE_NUMBER = re.compile(_NUMBER, re.IGNORECASE)
_PAGE_AND_LINE = re.compile(rf"(?P<page>.+?)[-_. ]+{_NUMBER}", re.IGNORECASE)


def page_of(name: str) -> str:
    """Returns the page that a line's name tells of: its folder, and what stands before the number of the line.

    `book/0003/line_12.png` -> `book/0003/`, `scan7_l03.png` -> `scan7`, `receipt.png` -> `receipt`.
    """
    above, slash, file = name.rpartition("/")
    folder = _plain_folder(above + slash)
    dot = file.rfind(".")
    stem = (file[:dot] if 0 < dot < len(file) - 1 else file).removesuffix(".bin").removesuffix(".nrm")
    if _LINE_NUMBER.fullmatch(stem):
        return folder
    match = _PAGE_AND_LINE.fullmatch(stem)
    return folder + (stem if match is None else match["page"])


@lru_cache(maxsize=256)
def _plain_folder(folder: str) -> str:
    """Returns a folder as `book/0003/`, without what says nothing, such as `./` in front; "" for the source itself."""
    path = str(PurePosixPath(folder))
    return "" if path == "." else f"{path}/"


def arrange(base: sqlite3.Connection, asked: ImportSplits, explicit: bool) -> ImportSplits:
    """Gives every line that can be used its group, its split and its place there.

    Args:
      base: the ledger.
      asked: as the user set it, or as the import decided that the dataset grows from.
      explicit: the user named shares: splits that the sources may have do not count.

    Returns:
      `asked` with what was decided where it was open.

    Raises:
      UserError: a dataset that followed its sources' splits grows by lines that have none.
    """
    with base:
        decided = _decide(base, asked, explicit)
        _group(base, decided)
        base.execute(
            "UPDATE lines SET split = (SELECT split FROM before WHERE before.name = lines.name) WHERE reason IS NULL"
        )
        if decided.by == "source":
            base.execute("UPDATE lines SET split = given WHERE reason IS NULL AND split IS NULL")
            (homeless,) = base.execute("SELECT COUNT(*) FROM lines WHERE reason IS NULL AND split IS NULL").fetchone()
            if homeless:
                raise UserError(f"{homeless} new lines are in no split of the sources; give them one, as the others")
        else:
            _share_out(base, decided)
        # Lines of the dataset that grows keep their place; the new ones come after them.
        base.execute(
            "UPDATE lines SET idx = n.idx FROM (SELECT row, ROW_NUMBER() OVER (PARTITION BY lines.split ORDER BY "
            "before.idx IS NULL, before.idx, row) - 1 AS idx FROM lines LEFT JOIN before ON before.name = lines.name "
            "WHERE reason IS NULL) AS n WHERE n.row = lines.row"
        )
    return decided


def _decide(base: sqlite3.Connection, asked: ImportSplits, explicit: bool) -> ImportSplits:
    """Decides what is open: whose splits, and what a group is."""
    by, unit = asked.by, asked.unit
    if by is None:
        query = "SELECT COUNT(*), COUNT(given), SUM(given = 'train') FROM lines WHERE reason IS NULL"
        lines, given, train = base.execute(query).fetchone()
        by = "source" if lines == given and 0 < train < lines and not explicit else "hash"
    if unit is None:
        (pages,) = base.execute("SELECT COUNT(DISTINCT page) FROM lines WHERE reason IS NULL").fetchone()
        # One page, or one folder of pictures that tells of no pages: there is nothing to split but its lines.
        unit = "regex" if asked.group else "page" if pages > 1 else "line"
    return replace(asked, by=by, unit=unit)


def _group(base: sqlite3.Connection, decided: ImportSplits) -> None:
    """Names the group of every line. The same text twice on a page, or the same picture, is never in two groups."""
    base.create_function("group_of", 3, _namer(decided), deterministic=True)
    base.create_function("text_key", 1, key_hash, deterministic=True)
    base.execute("UPDATE lines SET grp = group_of(name, page, label) WHERE reason IS NULL")
    base.execute("CREATE INDEX IF NOT EXISTS lines_grp ON lines (grp)")
    joined = _Joined()
    same = ["digest"] if decided.unit != "regex" else ["digest", "page || '#' || text_key(label)"]
    for key in same:
        query = f"SELECT grp, MIN(grp) OVER (PARTITION BY {key}) AS first FROM lines WHERE reason IS NULL"
        for group, first in base.execute(f"SELECT DISTINCT grp, first FROM ({query}) WHERE grp <> first"):
            joined.join(group, first)
    base.executemany("UPDATE lines SET grp = ? WHERE grp = ?", [(joined.root(g), g) for g in joined.groups()])


def _namer(decided: ImportSplits) -> Callable[[str, str, str], str]:
    if decided.unit == "page":
        return lambda name, page, label: page
    if decided.unit == "line":
        return lambda name, page, label: f"{page}#{key_hash(label)}"
    pattern = re.compile(decided.group)

    def found(name: str, page: str, label: str) -> str:
        match = pattern.search(name)
        return name if match is None else (match[1] or "") if pattern.groups else match[0]

    return found


class _Joined:
    """Groups that turned out to be one: each knows another, up to a root."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def groups(self) -> list[str]:
        return sorted(self._above)

    def root(self, group: str) -> str:
        while group in self._above:
            group = self._above[group]
        return group

    def join(self, left: str, right: str) -> None:
        first, last = sorted((self.root(left), self.root(right)))
        if first != last:
            self._above[last] = first


def _share_out(base: sqlite3.Connection, decided: ImportSplits) -> None:
    """Gives each group without a split one: first the held-out ones get their shares, then `train` the rest."""
    base.create_function("place_of", 1, _place_of, deterministic=True)
    base.execute("DROP TABLE IF EXISTS temp.groups")
    base.execute(
        "CREATE TEMP TABLE groups AS SELECT grp, place_of(grp) AS place, COUNT(*) AS lines, MIN(split) AS split "
        "FROM lines WHERE reason IS NULL GROUP BY grp"
    )
    base.execute("CREATE UNIQUE INDEX temp.groups_grp ON groups (grp)")  # else each line looks through all groups
    (total,) = base.execute("SELECT COALESCE(SUM(lines), 0) FROM groups").fetchone()
    for split in HELD_OUT:
        (held,) = base.execute("SELECT COALESCE(SUM(lines), 0) FROM groups WHERE split = ?", (split,)).fetchone()
        if share := getattr(decided, split):
            _hold_out(base, split, max(1, round(share * total)) - held, bool(held))
    base.execute("UPDATE groups SET split = 'train' WHERE split IS NULL")
    base.execute(
        "UPDATE lines SET split = (SELECT split FROM groups WHERE groups.grp = lines.grp) "
        "WHERE reason IS NULL AND split IS NULL"
    )


def _hold_out(base: sqlite3.Connection, split: str, wanted: int, has_some: bool) -> None:
    """Gives a split so many more lines, by whole groups: those of the lowest hashes that fit; at least one group."""
    chosen, num_free = [], 0
    for group, lines in base.execute("SELECT grp, lines FROM groups WHERE split IS NULL ORDER BY place"):
        num_free += 1
        if lines <= wanted:
            chosen.append(group)
            wanted -= lines
    if not chosen and not has_some:
        smallest = base.execute("SELECT grp FROM groups WHERE split IS NULL ORDER BY lines, place LIMIT 1")
        chosen = [group for (group,) in smallest]
    if chosen and len(chosen) == num_free and not _has_training(base):
        chosen.pop()  # something must be left to learn from
    base.executemany("UPDATE groups SET split = ? WHERE grp = ?", [(split, group) for group in chosen])


def _has_training(base: sqlite3.Connection) -> bool:
    return base.execute("SELECT 1 FROM before WHERE split = 'train' LIMIT 1").fetchone() is not None


def _place_of(group: str) -> int:
    """The group's place in the order: 63 bits of a hash of its name."""
    return int.from_bytes(hashlib.sha256(group.encode("utf-8", "surrogateescape")).digest()[:8]) >> 1
