"""One process at a time works in a dataset's folder; a second one is told who holds it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocrlib.dataset.manifest import WORK_DIR
from ocrlib.errors import UserError
from ocrlib.locks import held

# In the work folder. The lock file lies beside it: Windows cannot delete a folder with an open file.
_HOLDER_NAME = "holder"


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Holds a dataset's folder for this process, and makes the folder and its work folder if they are missing.

    Raises:
      UserError: another process holds it, or the lock file or the work folder is a symbolic link.
    """
    work = out / WORK_DIR
    if work.is_symlink():
        raise UserError(f"{work}: is a symbolic link, which a work folder must not be; delete it")
    work.mkdir(parents=True, exist_ok=True)  # first: a folder with nothing but a lock file would look like a stranger's
    with held(out, work / _HOLDER_NAME, "is making this dataset; wait for it, or choose another --out"):
        try:
            yield
        finally:
            if work.is_dir() and {path.name for path in work.iterdir()} <= {_HOLDER_NAME}:
                shutil.rmtree(work)  # nothing was begun: leave no trace
