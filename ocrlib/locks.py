"""One process at a time works in a folder, on the ground floor: datasets and runs are held in the same way.

The lock is the operating system's, so it ends with the process, however the process ends. Nothing is ever written to
the lock file itself: who holds the folder stands in a file of its own.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ocrlib.errors import UserError
from ocrlib.files import write_bytes

LOCK_NAME = ".lock"
# One try is not enough: the lock file may be deleted by its last holder while we open it.
PATIENCE_S = 0.5


@contextmanager
def held(
    folder: Path, holder: Path, refusal: str, *, name: str = LOCK_NAME, patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """Holds a folder for this process while the block runs.

    Args:
      folder: it exists.
      holder: a file in it that names this process meanwhile; its own folder may be missing.
      refusal: what a second process is told after the folder and its holder, such as "is training in this run; ...".
      name: of the lock file.
      patience_s: seconds to wait for another process.

    Raises:
      UserError: another process holds it, or the lock file is a symbolic link.
    """
    lock = _acquire(folder, holder, refusal, name, patience_s)
    try:
        holder.parent.mkdir(exist_ok=True)
        write_bytes(holder, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        holder.unlink(missing_ok=True)
        with suppress(OSError):  # Windows refuses to delete an open file; there, releasing deletes it
            (folder / name).unlink()
        lock.release()


def check_free(folder: Path, holder: Path, refusal: str, name: str = LOCK_NAME) -> None:
    """Raises what `held` would raise if another process holds the lock."""
    _acquire(folder, holder, refusal, name, PATIENCE_S).release()


def _acquire(folder: Path, holder: Path, refusal: str, name: str, patience_s: float) -> FileLock:
    path = folder / name
    # Without the fallback: a "soft" lock is a mere file, which stays when the process is killed.
    lock = FileLock(path, timeout=patience_s, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        try:
            who = holder.read_text(encoding="utf-8")
        except OSError:
            who = "another process"
        raise UserError(f"{folder}: {who} {refusal}") from None
    except OSError:
        if path.is_symlink():
            raise UserError(f"{path}: is a symbolic link, which a lock file must not be; delete it") from None
        raise
    return lock
