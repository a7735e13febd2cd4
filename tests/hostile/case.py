"""A hostile case: what is tried, how, and what must come out; and whether what came out is right."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.entrances import ENTRANCES
from tests.hostile.limits import RESIDENT_BYTES, TOLD_BYTES, Ended, emptied, run_limited
from tests.hostile.material import SECRET, Material

READ, FAULTY, REFUSED = 0, 1, 2
_PROGRESS = re.compile(r"^.*\d+%\|.*$|^.*\[\d+:\d\d.*\]$|^.*\d+(img|line|shard)? \[\d+:\d\d.*$")
_ESCAPES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row of the table.

    Attributes:
      kind: what is hostile: `manifest`, `picture`, ...
      how: in which way, a few words.
      make: writes the hostile files into a folder, and returns the entrance and its arguments.
      codes: the exit codes that are right.
      says: a part of what must be said; empty where any line will do.
    """

    kind: str
    how: str
    make: Callable[[Path, Material], list[str]]
    codes: Collection[int] = (REFUSED,)
    says: str = ""


def try_case(case: Case, folder: Path, material: Material) -> Ended:
    """Runs a case in a folder that is emptied first, and returns how it ended."""
    entrance, *arguments = case.make(emptied(folder), material)
    return run_limited(ENTRANCES[entrance], [entrance, *arguments], folder)


def fault_of(case: Case, ended: Ended) -> str | None:
    """Returns what is wrong with how a case ended; None if nothing is."""
    told = ended.stdout + ended.stderr
    last = messages(ended)[-1][:300] if messages(ended) else ""
    if ended.code < 0:
        return f"died of signal {-ended.code}: {last}"
    if "Traceback" in told or "does not expect" in told:
        return f"an error that nobody caught: {last}"
    if ended.code not in case.codes:
        return f"exit code {ended.code}, not {' or '.join(map(str, case.codes))}: {last}"
    if ended.code == REFUSED and len(messages(ended)) != 1:
        return f"{len(messages(ended))} lines, not one: {messages(ended)[:3]}"
    if ended.memory_bytes > RESIDENT_BYTES:
        return f"takes {ended.memory_bytes >> 20} MB"
    if len(told.encode()) > TOLD_BYTES:
        return f"says {len(told)} characters"
    if SECRET in told:
        return "tells what is in another file"
    if _ESCAPES.search(told.replace("\r", "")):
        return "says what a terminal obeys"
    if case.says not in told:
        return f"does not say {case.says!r}: {last}"
    return None


def messages(ended: Ended) -> list[str]:
    """The lines of standard error, without progress bars."""
    lines = [part for line in ended.stderr.splitlines() for part in line.split("\r")]
    return [line for line in lines if line.strip() and not _PROGRESS.match(line)]
