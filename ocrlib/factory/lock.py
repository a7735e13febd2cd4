"""One process at a time works in a dataset's folder, or on a part of it; a second one is told who holds it.

A part has a lock of its own, and who holds the folder holds all parts. Each of the two takes its own lock first and
then looks for the other's, so of two that come at once one sees the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ocrlib.dataset.manifest import WORK_DIR
from ocrlib.errors import UserError
from ocrlib.locks import LOCK_NAME, PATIENCE_S, check_free, held

# In the work folder. The lock files lie beside it: Windows cannot delete a folder with an open file.
_HOLDER_NAME = "holder"
_PART_LOCK = f"{LOCK_NAME}-part-"
_LONG_PATIENCE_S = 60.0  # for a manifest to be written
_REFUSAL = "is making this dataset; wait for it, or choose another --out"


@contextmanager
def lock_folder(out: Path, *, all_parts: bool = True) -> Iterator[None]:
    """Holds a dataset's folder for this process, and makes the folder and its work folder if they are missing.

    Args:
      all_parts: hold its parts too. False: only the right to finish the dataset; waits for who has it.

    Raises:
      UserError: another process holds it or a part of it, or a lock file or the work folder is a symbolic link.
    """
    work = _made(out)
    patience_s = PATIENCE_S if all_parts else _LONG_PATIENCE_S
    with held(out, work / _HOLDER_NAME, _REFUSAL, patience_s=patience_s), _without_trace(work, _HOLDER_NAME):
        for lock in sorted(out.glob(f"{_PART_LOCK}*")) if all_parts else ():
            part = lock.name.removeprefix(_PART_LOCK)
            check_free(out, work / f"{_HOLDER_NAME}-{part}", _part_refusal(part), lock.name)
            lock.unlink(missing_ok=True)  # of a part whose process was killed
        yield


@contextmanager
def lock_part(out: Path, part: str) -> Iterator[None]:
    """Holds a part of a dataset for this process, as `lock_folder` the whole.

    Args:
      part: its name, fit for a file name, such as 3-of-40.

    Raises:
      UserError: another process holds the part or the folder, or a file of ours there is a symbolic link.
    """
    work, holder = _made(out), f"{_HOLDER_NAME}-{part}"
    with held(out, work / holder, _part_refusal(part), name=_PART_LOCK + part), _without_trace(work, holder):
        if (out / LOCK_NAME).exists():
            check_free(out, work / _HOLDER_NAME, _REFUSAL)
        yield


def _part_refusal(part: str) -> str:
    return f"is making part {part.replace('-of-', '/')} of this dataset; wait for it, or choose another --out"


def _made(out: Path) -> Path:
    """Makes the folder and its work folder, which it returns."""
    work = out / WORK_DIR
    if work.is_symlink():
        raise UserError(f"{work}: is a symbolic link, which a work folder must not be; delete it")
    work.mkdir(parents=True, exist_ok=True)  # first: a folder with nothing but a lock file would look like a stranger's
    return work


@contextmanager
def _without_trace(work: Path, holder: str) -> Iterator[None]:
    """Removes the work folder at the end if nothing was begun in it."""
    try:
        yield
    finally:
        (work / holder).unlink(missing_ok=True)
        with suppress(OSError):  # it is gone, or there is something in it, which stays
            work.rmdir()
