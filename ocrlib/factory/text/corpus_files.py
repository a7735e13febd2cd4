"""Finds, opens and hashes the files of a corpus that the user named: a file or a folder, plain or compressed."""

import bz2
import gzip
import hashlib
import json
import os
import re
from pathlib import Path
from typing import IO

from ocrlib.errors import UserError
from ocrlib.files import write_bytes

KINDS = {
    ".xml": "dump",
    ".parquet": "parquet",
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".ndjson": "jsonl",
}
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open}
_HTML = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)", re.IGNORECASE)
_EXPECTED = ".xml, .parquet, .jsonl or .txt (also .gz, .bz2), or a folder of such files"


class DamagedFile(Exception):
    """A file that cannot be read to its end; the message says where and why."""


def cache_folder() -> Path:
    """Returns the folder of built corpora: $OCRLIB_CACHE, or `datasets/.cache` in the working directory."""
    return Path(os.environ.get("OCRLIB_CACHE") or "datasets/.cache")


def kind_of(path: Path) -> str | None:
    """Returns "dump", "parquet", "jsonl" or "txt", judged by the file's name, or None."""
    suffixes = [suffix for suffix in path.suffixes if suffix not in _OPENERS]
    if re.fullmatch(r"wiki_\d+", path.name.split(".")[0]) and not suffixes:
        return "jsonl"  # wikiextractor --json names its files wiki_00, wiki_01 ...
    return KINDS.get(suffixes[-1]) if suffixes else None


def find_files(path: Path) -> list[Path]:
    """Returns the file itself, or the files of a known kind in a folder and its subfolders, sorted by name.

    Raises:
      UserError: nothing is found, or nothing of a known kind, or a file's content does not fit its name.
    """
    if not path.exists():
        raise UserError(f'{path}: no such file or folder; text.corpus may be "embedded", "live", or {_EXPECTED}')
    if path.is_dir():
        files = sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and kind_of(file) and not any(p.startswith(".") for p in file.relative_to(path).parts)
        )
        if not files:
            raise UserError(f"{path}: the folder holds no corpus; expected {_EXPECTED}")
    elif kind_of(path):
        files = [path]
    else:
        raise UserError(f"{path}: is of no known kind; expected {_EXPECTED}")
    for file in files:
        check_content(file)
    return files


def check_content(path: Path) -> None:
    """Raises UserError for an empty file, a file that is not compressed as its name says, and a saved web page."""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
        if head and path.suffix in _OPENERS and not _HTML.match(head):
            with open_bytes(path) as file:
                head = file.read(512)
    except EOFError:
        return  # cut within its first block: the reader will report it
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error}; download it again") from None
    if not head:
        raise UserError(f"{path}: is empty; download it again")
    if _HTML.match(head):
        raise UserError(
            f"{path}: is an HTML page, not a corpus; expected {_EXPECTED}. Was an error page saved under "
            "that name? Download it again"
        )


def open_bytes(path: Path) -> IO[bytes]:
    """Returns the file opened for reading, decompressed if its name says that it is compressed."""
    return _OPENERS.get(path.suffix, open)(path, "rb")  # type: ignore[operator]


def content_hash(files: list[Path]) -> str:
    """Returns the SHA-256 (hex) of the files' contents, in their order.

    Reading a dump takes a minute, so the cache keeps the hash of each file under its path, size and time of change.
    """
    digests = [_file_hash(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    stat = path.stat()
    name = json.dumps([str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino])
    note = cache_folder() / "hashes" / hashlib.sha256(name.encode()).hexdigest()
    try:
        known = note.read_text()
        if re.fullmatch("[0-9a-f]{64}", known):
            return known
    except OSError:
        pass
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(note, digest.encode())
    return digest
