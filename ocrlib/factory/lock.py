"""One process at a time works in a dataset's folder; a second one is told who holds it."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ocrlib.dataset.manifest import WORK_DIR
from ocrlib.errors import UserError
from ocrlib.files import write_bytes

_LOCK_NAME = ".lock"  # beside the work folder, not in it: Windows cannot delete a folder with an open file
_HOLDER_NAME = "holder"  # in the work folder; nothing is ever written to the lock file itself
# One try is not enough: the lock file may be deleted by its last holder while we open it.
_PATIENCE_S = 0.5


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Holds a dataset's folder for this process, and makes the folder and its work folder if they are missing.

    The lock is the operating system's, so it ends with the process, however the process ends.

    Raises:
      UserError: another process holds it, or the lock file or the work folder is a symbolic link.
    """
    work = out / WORK_DIR
    if work.is_symlink():
        raise UserError(f"{work}: is a symbolic link, which a work folder must not be; delete it")
    work.mkdir(parents=True, exist_ok=True)  # first: a folder with nothing but a lock file would look like a stranger's
    lock = _acquire(out)
    try:
        work.mkdir(exist_ok=True)  # again: the last holder may have removed it
        write_bytes(work / _HOLDER_NAME, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        if work.is_dir() and {path.name for path in work.iterdir()} <= {_HOLDER_NAME}:
            shutil.rmtree(work)  # nothing was begun: leave no trace
        with suppress(OSError):  # Windows refuses to delete an open file; there, releasing deletes it
            (out / _LOCK_NAME).unlink()
        lock.release()


def _acquire(out: Path) -> FileLock:
    path = out / _LOCK_NAME
    # Without the fallback: a "soft" lock is a mere file, which stays when the process is killed.
    lock = FileLock(path, timeout=_PATIENCE_S, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        try:
            holder = (out / WORK_DIR / _HOLDER_NAME).read_text(encoding="utf-8")
        except OSError:
            holder = "another process"
        raise UserError(f"{out}: {holder} is making this dataset; wait for it, or choose another --out") from None
    except OSError:
        if path.is_symlink():
            raise UserError(f"{path}: is a symbolic link, which a lock file must not be; delete it") from None
        raise
    return lock
