"""One process at a time makes a dataset: whoever comes second is told who holds the folder."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocrlib.dataset.manifest import WORK_DIR
from ocrlib.errors import UserError


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Holds a dataset's folder for this process, from the first file to the last; made if need be.

    The lock is the operating system's, so it ends with the process, however that ends.

    Raises:
      UserError: another process holds it.
    """
    work = out / WORK_DIR
    while True:
        work.mkdir(parents=True, exist_ok=True)
        lock = open(work / "lock", "a+")  # noqa: SIM115 - held for as long as the lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            lock.close()
            raise UserError(f"{out}: {holder} is making this dataset; wait for it, or choose another --out") from None
        # The holder before us may have removed `.work`: then this lock is on a file that nobody else sees.
        try:
            same = os.path.samestat(os.fstat(lock.fileno()), os.stat(work / "lock"))
        except FileNotFoundError:
            same = False
        if same:
            break
        lock.close()
    try:
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
        yield
    finally:
        lock.close()
        if work.is_dir() and [path.name for path in work.iterdir()] == ["lock"]:
            shutil.rmtree(work)  # nothing was begun: leave no trace
