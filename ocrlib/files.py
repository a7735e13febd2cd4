"""Files that are never half written, on the ground floor: every room writes what must survive a kill through here.

A file is written under a temporary name in the same folder, flushed to disk and renamed. A kill or a full disk leaves
the old file, or none. The temporary name is `.NAME.PID.tmp`, so that a later run can tell whose it was.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def read_json(path: Path) -> Any:
    """Returns the value in a JSON file.

    Raises:
      OSError: the file cannot be read; FileNotFoundError where there is none.
      ValueError: its content is not JSON, or not UTF-8.
    """
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON in UTF-8: the whole file, or nothing."""
    write_bytes(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Writes the whole file, or nothing."""
    with open_whole(path, "wb") as file:
        file.write(data)


@contextmanager
def open_whole(path: Path, mode: str, encoding: str | None = None) -> Iterator[IO[Any]]:
    """Opens a file for writing that appears at `path` only when the block ends, and only as a whole.

    A pipe or a device is written to directly, because a rename would replace it.

    Args:
      path: the file; its folder exists.
      mode, encoding: as for `open`.
    """
    if path.exists() and not path.is_file():
        with open(path, mode, encoding=encoding) as file:
            yield file
        return
    with whole_path(path) as temporary, open(temporary, mode, encoding=encoding) as file:
        yield file


@contextmanager
def whole_path(path: Path, ending: str = "") -> Iterator[Path]:
    """Yields a temporary name beside `path` for a library that opens its file itself; renames it when the block ends.

    Args:
      path: the file; its folder exists.
      ending: what the library wants the temporary name to end in, such as `.keras`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp{ending}")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Flushes a folder's names to disk, so that renames survive a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
