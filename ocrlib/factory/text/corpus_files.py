"""Finds, opens and hashes the files of a corpus that the user named: a file or a folder, plain or compressed."""

import bz2
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import IO

from ocrlib.cache import cache_folder
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
_PART = re.compile(r"\.xml-p\d+p\d+\b")  # a dump in parts: pages-articles1.xml-p1p41242.bz2
# Files that lie beside a corpus and are none: lists of the Leipzig corpora, the index of a dump in streams.
_LISTS = re.compile(r"-(words|sources|inv_[a-z]+|co_[ns]|meta|multistream-index\d*|index\d*)\.(txt|tsv)", re.IGNORECASE)
_HTML = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)", re.IGNORECASE)
_EXPECTED = ".xml, .parquet, .jsonl or .txt (also .gz, .bz2), or a folder of such files"


class DamagedFile(Exception):
    """A file that cannot be read to its end; the message says where and why."""


def kind_of(path: Path) -> str | None:
    """Returns "dump", "parquet", "jsonl" or "txt", judged by the file's name, or None."""
    suffixes = [suffix for suffix in path.suffixes if suffix not in _OPENERS]
    if re.fullmatch(r"wiki_\d+", path.name.split(".")[0]) and not suffixes:
        return "jsonl"  # wikiextractor --json names its files wiki_00, wiki_01 ...
    if _PART.search(path.name):
        return "dump"
    return KINDS.get(suffixes[-1]) if suffixes else None


def find_files(path: Path) -> tuple[list[Path], list[Path]]:
    """Returns the file itself, or the files of a folder and its subfolders that are a corpus; and those that are none.

    Both are sorted by name. Hidden files and folders are in neither.

    Raises:
      UserError: nothing is found, or nothing of a known kind, or a file's content does not fit its name.
    """
    if not path.exists():
        raise UserError(f'{path}: no such file or folder; text.corpus may be "embedded", "live", or {_EXPECTED}')
    left_out: list[Path] = []
    if path.is_dir():
        shown = (p for p in path.rglob("*") if not any(x.startswith(".") for x in p.relative_to(path).parts))
        found = sorted(file for file in shown if file.is_file())
        files = [file for file in found if kind_of(file) and not _LISTS.search(file.name)]
        left_out = [file for file in found if file not in set(files)]
        if not files:
            besides = f"; it holds {', '.join(file.name for file in left_out[:3])}" if left_out else ""
            raise UserError(f"{path}: the folder holds no corpus; expected {_EXPECTED}{besides}")
    elif _LISTS.search(path.name):
        raise UserError(f"{path}: is a list that lies beside a corpus, not text; name the corpus itself, or its folder")
    elif kind_of(path):
        files = [path]
    else:
        raise UserError(f"{path}: is of no known kind; expected {_EXPECTED}")
    for file in files:
        check_content(file)
    return files, left_out


def check_content(path: Path) -> None:
    """Raises UserError for an empty file, a file that is not compressed as its name says, and what is named otherwise
    than it is: a saved web page, UTF-16, wikiextractor's <doc> form, one JSON array.
    """
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
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\0" in head and kind_of(path) in ("txt", "jsonl")):
        raise UserError(f"{path}: is UTF-16, expected UTF-8; convert it: iconv -f UTF-16 -t UTF-8 {path.name} > NEW")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<doc "):
        raise UserError(
            f"{path}: is wikiextractor's <doc> form; expected JSON, one object a line: run wikiextractor with --json"
        )
    if start.startswith(b"[") and kind_of(path) == "jsonl":
        raise UserError(
            f"{path}: is one JSON array; expected one object a line: jq -c '.[]' {path.name} > {path.stem}.jsonl"
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
