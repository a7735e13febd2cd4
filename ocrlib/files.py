"""Files that are never half written, on the ground floor: every room writes what must survive a kill through here.

A file is written under a temporary name in the same folder, flushed to disk and renamed. A kill or a full disk leaves
the old file, or none. The temporary name is `.NAME.PID.CHANCE.tmp`: PID tells a later run whose it was, and nobody can
put a link under a name that is drawn by chance.
"""

import errno
import json
import math
import os
import secrets
import shutil
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it opens no such archive either
    LZMAError = zipfile.BadZipFile  # type: ignore[misc, assignment]

# The manifest of a hundred million lines in shards of 5,000 has 20 MB.
MAX_JSON_BYTES = 64 << 20
# What numpy raises over a damaged .npy file, besides ValueError, EOFError and OSError: its header is read as Python.
NPY_DAMAGES = (SyntaxError, tokenize.TokenError)
# What a disk answers that has no hard links (FAT, some network folders, some systems).
_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)
# Windows has neither these flags nor a way to flush a folder.
_NO_FOLLOW, _NO_WAIT = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)
_CLOSE_ON_EXEC, _BINARY = getattr(os, "O_CLOEXEC", 0), getattr(os, "O_BINARY", 0)
_WINDOWS = os.name == "nt"
# What Python raises over a damaged .zip file, besides those three. It has none of its own for one that is encrypted
# (RuntimeError) or packed in a way that nobody knows (NotImplementedError, which is one of those).
ZIP_DAMAGES = (zipfile.BadZipFile, zlib.error, LZMAError, RuntimeError, struct.error)


def read_regular(path: Path, max_bytes: int, *, through_links: bool = False) -> bytes:
    """Returns the bytes of a file that is neither a link, a pipe nor a device, and no larger than `max_bytes`.

    Args:
      path: the file.
      max_bytes: a larger one is refused before it is read.
      through_links: a link to such a file will do, for a user's own files.

    Raises:
      OSError: the file cannot be read, or is not such a file; FileNotFoundError where there is none.
    """
    # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
    no_link = 0 if through_links else _NO_FOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | no_link | _NO_WAIT | _CLOSE_ON_EXEC | _BINARY)
    except OSError:
        if path.is_symlink() and not through_links:
            raise OSError("is a symbolic link; expected a file") from None
        raise
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("is not a regular file")
        if found.st_size > max_bytes:
            raise OSError(f"has {found.st_size} bytes; expected at most {max_bytes}")
        return file.read(max_bytes)


def read_json(path: Path) -> Any:
    """Returns the value in a JSON file; a number that JSON has no form for (NaN, Infinity) is None.

    Raises:
      OSError: the file cannot be read, or is a link, a pipe, a device or too large; FileNotFoundError where there is
        none.
      ValueError: its content is not JSON, not UTF-8, or nested too deeply.
    """
    return parse_json(read_regular(path, MAX_JSON_BYTES))


def parse_json(data: bytes) -> Any:
    """Returns the value that the bytes of a JSON file stand for; raises ValueError as `read_json` does."""
    text = data.decode()
    try:
        value = json.loads(text, parse_constant=lambda name: None)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair can be read, and never be written
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    return value


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON in UTF-8, the whole file or nothing; NaN and infinite numbers become null."""
    write_bytes(path, json_text(value).encode())


def json_text(value: Any) -> str:
    """Returns a value as indented JSON, with a newline at its end; NaN and infinite numbers become null."""
    return json.dumps(_finite(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_bytes(path: Path, data: bytes) -> None:
    """Writes the whole file, or nothing."""
    with open_whole(path, "wb") as file:
        file.write(data)


def write_new(path: Path, data: bytes) -> None:
    """Writes the whole file where there is none yet, or nothing.

    Raises:
      FileExistsError: there is one, which stays as it is, even if it appeared meanwhile.
    """
    temporary = _temporary_name(path)
    try:
        with open(_new_file(temporary), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # fails where a rename would replace
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            # Without hard links, another program has a moment to write between the two calls.
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def give_name(path: Path, name: Path) -> None:
    """Gives a file a second name, in place of what had it; where the disk has no hard links, a copy gets the name."""
    name.unlink(missing_ok=True)
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        with whole_path(name) as temporary:
            shutil.copyfile(path, temporary)


@contextmanager
def open_whole(path: Path, mode: str, encoding: str | None = None) -> Iterator[IO[Any]]:
    """Opens a file for writing that appears at `path` only when the block ends, and only as a whole.

    It takes the place of what is there, also of a link, a pipe or a device that a stranger put there: nothing is
    written through it.

    Args:
      path: the file; its folder exists.
      mode, encoding: as for `open`.
    """
    with whole_path(path) as temporary, open(temporary, mode, encoding=encoding) as file:
        yield file


@contextmanager
def open_output(path: Path, mode: str, encoding: str | None = None) -> Iterator[IO[Any]]:
    """Opens a file that the user named for what comes out, such as `--out /dev/stdout`.

    A pipe or a device is written to directly, because a rename would replace it; all else as `open_whole`.
    """
    if path.exists() and not path.is_file():
        with open(path, mode, encoding=encoding) as file:
            yield file
        return
    with open_whole(path, mode, encoding) as file:
        yield file


def write_output(path: Path, data: bytes) -> None:
    """Writes a file that the user named for what comes out, as `open_output`."""
    with open_output(path, "wb") as file:
        file.write(data)


@contextmanager
def whole_path(path: Path, ending: str = "") -> Iterator[Path]:
    """Yields a temporary name beside `path` for a library that opens its file itself; renames it when the block ends.

    Args:
      path: the file; its folder exists.
      ending: what the library wants the temporary name to end in, such as `.keras`.
    """
    temporary = _temporary_name(path, ending)
    try:
        os.close(_new_file(temporary))
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)  # what a write or a rename did not say, or said of the temporary name
        raise


def _new_file(path: Path) -> int:
    """Opens a file that is not there yet for writing; O_EXCL makes it, and follows no link."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOSE_ON_EXEC | _BINARY, 0o666)


def _temporary_name(path: Path, ending: str = "") -> Path:
    # Shortened, because a name may have 255 bytes at most.
    return path.with_name(f".{path.name[:40]}.{os.getpid()}.{secrets.token_hex(8)}.tmp{ending}")


def sync_folder(folder: Path) -> None:
    """Flushes a folder's names to disk, so that renames survive a power cut."""
    if not _WINDOWS:
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if _WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
