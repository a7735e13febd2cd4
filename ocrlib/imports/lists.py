"""Layouts with one list for many pictures: PaddleOCR's `path<TAB>text`, CSV or TSV with a header, docTR's JSON."""

import csv
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.files import MAX_JSON_BYTES, read_regular
from ocrlib.imports.folder import open_files
from ocrlib.imports.line import SPLIT_NAMES, Asked, Layout, Line, Reader, some, split_in, split_of_folder
from ocrlib.pictures.opening import ENDINGS
from ocrlib.pictures.pairs import TEXT_ENDING, Unusable

# What known programs call the two columns: EasyOCR, fast-plate-ocr, Hugging Face datasets, ...
PICTURE_COLUMNS = ("filename", "file_name", "image_path", "image", "path", "file", "picture", "img")
TEXT_COLUMNS = ("words", "text", "plate_text", "label", "transcription", "transcript", "ground_truth", "gt", "sentence")
_SPLIT_COLUMNS = ("split", "subset")
_DELIMITERS = {".tsv": "\t"}  # of other endings: the first of these that is in the header
_GUESSED = "\t;,"
MAX_PATH_BYTES = 4000  # Linux takes 4,096, the folder's own included
MAX_LINE_CHARACTERS = 1 << 20  # of a list: a path has 4,096 bytes at most, and a text line some hundreds

# (the line or row, path of the picture or None, text or what is wrong, split or None)
_Row = tuple[str, str | None, str, str | None]


def _rows_of_paddle(path: Path, asked: Asked) -> Iterator[_Row]:
    for number, line in _lines_of(path, asked.encoding):
        picture, tab, text = line.partition("\t")
        if line.strip():
            where = f"{path.name}:{number}"
            yield (where, picture, text, None) if tab else (where, None, "expected PATH, a tab and the text", None)


def _rows_of_csv(path: Path, asked: Asked) -> Iterator[_Row]:
    lines = _lines_of(path, asked.encoding)
    _, header = next(lines, (0, ""))
    delimiter = _DELIMITERS.get(path.suffix.lower()) or next((d for d in _GUESSED if d in header), ",")
    names = [name.strip() for name in _fields(header, delimiter)]
    picture, text = _two_columns(path, names, asked.columns)
    split = next((names.index(name) for name in _SPLIT_COLUMNS if name in names), None)
    for number, line in lines:
        if not line.strip():
            continue
        where, fields = f"{path.name}:{number}", _fields(line, delimiter)
        if len(names) == 2 and len(fields) > 2:  # EasyOCR does not quote a text with a comma in it
            fields = line.split(delimiter, 1)
        if len(fields) <= max(picture, text):
            yield where, None, f"expected {len(names)} columns, found {len(fields)}", None
            continue
        given = fields[split].strip().lower() if split is not None and split < len(fields) else ""
        yield where, fields[picture], fields[text], SPLIT_NAMES.get(given)


def _rows_of_doctr(path: Path, asked: Asked) -> Iterator[_Row]:
    try:
        # Pairs, because a JSON object read as a dict would lose all but the last of a repeated name.
        data = read_regular(path, MAX_JSON_BYTES, through_links=True)
        found = json.loads(data.decode(asked.encoding), object_pairs_hook=lambda pairs: pairs)
    except (ValueError, OSError, RecursionError) as error:
        raise UserError(f"{path}: is not JSON in {asked.encoding.upper()}: {error}") from None
    if not isinstance(found, list) or not all(isinstance(item, tuple) for item in found):
        raise UserError(f"{path}: expected a JSON object of picture names and texts, as docTR has it")
    for number, (picture, text) in enumerate(found, 1):
        where = f"{path.name}:{number}"
        yield (where, picture, text, None) if isinstance(text, str) else (where, None, "its text is no string", None)


def _lines_of(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Yields (number from 1, line); a byte that is not of the encoding stays in it as a surrogate."""
    with open(path, encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="surrogateescape") as file:
        for number in count(1):
            line = file.readline(MAX_LINE_CHARACTERS + 1)
            if not line:
                return
            if len(line) > MAX_LINE_CHARACTERS:
                raise UserError(f"{path}: line {number} has more than {MAX_LINE_CHARACTERS} characters; is it a list?")
            yield number, line.rstrip("\n")


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of one line; a quotation mark that nothing closes stands for itself."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return line.split(delimiter)


def _two_columns(path: Path, names: list[str], asked: tuple[str, ...]) -> tuple[int, int]:
    """Returns which columns hold the picture and the text."""
    lower = [name.lower() for name in names]
    wanted: list[tuple[str, ...]] = [(name,) for name in asked] or [PICTURE_COLUMNS, TEXT_COLUMNS]
    at = [next((lower.index(name.lower()) for name in choices if name.lower() in lower), None) for choices in wanted]
    if len(at) != 2 or at[0] is None or at[1] is None or at[0] == at[1]:
        expected = " and ".join(asked) or "such as filename and words"
        raise UserError(
            f"{path}: expected a header with a column for the picture and one for the text, {expected}; "
            f"it has {', '.join(names) or 'none'}; name them by --columns PICTURE TEXT"
        )
    return at[0], at[1]


def _is_paddle(path: Path) -> bool:
    if path.suffix.lower() != ".txt" or path.name.lower().endswith(TEXT_ENDING) or not path.is_file():
        return False
    _, line = next(_lines_of(path, "utf-8"), (0, ""))
    return line.partition("\t")[0].lower().endswith(ENDINGS) and "\t" in line


def _is_csv(path: Path) -> bool:
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        return False
    _, header = next(_lines_of(path, "utf-8"), (0, ""))
    return any(name in header.lower() for name in PICTURE_COLUMNS)


def _is_doctr(path: Path) -> bool:
    return path.suffix.lower() == ".json" and "labels" in path.stem and path.is_file()


def _lists_in(source: Path, is_list: Callable[[Path], bool]) -> list[Path]:
    """The lists of a source: itself, or those that lie right in it or in a folder of it."""
    if source.is_file():
        return [source]
    return sorted(path for path in (*source.glob("*"), *source.glob("*/*")) if is_list(path))


def _layout(
    about: str, is_list: Callable[[Path], bool], rows_of: Callable[[Path, Asked], Iterator[_Row]], kind: str
) -> Layout:
    def root_of(source: Path, asked: Asked) -> Path:
        return asked.pictures or (source if source.is_dir() else source.parent)

    def list_lines(source: Path, asked: Asked) -> Iterator[Line | Unusable]:
        with closing(sqlite3.connect("")) as listed:  # not a set: a list may name a million pictures
            listed.execute("CREATE TABLE listed (name TEXT PRIMARY KEY)")
            for path in some(_lists_in(source, is_list), source, kind):
                yield from _listed_lines(path, root_of(source, asked), rows_of(path, asked), asked, listed)
            if source.is_dir() and asked.pictures is None:
                yield from _unlisted(source, listed)

    def open_reader(source: Path, asked: Asked) -> Reader:
        return open_files(root_of(source, asked))

    def is_there(source: Path) -> bool:
        return is_list(source) if source.is_file() else source.is_dir() and bool(_lists_in(source, is_list))

    return Layout(about=about, is_there=is_there, list_lines=list_lines, open_reader=open_reader)


def _listed_lines(
    path: Path, root: Path, rows: Iterator[_Row], asked: Asked, listed: sqlite3.Connection
) -> Iterator[Line | Unusable]:
    for where, picture, text, split in rows:
        if not (text + (picture or "")).isascii() and _has_surrogates(text + (picture or "")):
            yield Unusable(name=where, reason="text cannot be read", detail=f"{path} is not {asked.encoding.upper()}")
            continue
        if picture is None:
            yield Unusable(name=where, reason="row that cannot be read", detail=text)
            continue
        name, problem = _below(root, path, picture.strip())
        if problem:
            yield Unusable(name=where, reason=problem, detail=picture)
            continue
        try:
            listed.execute("INSERT INTO listed VALUES (?)", (name,))
        except sqlite3.IntegrityError:
            yield Unusable(name=where, reason="picture listed twice", detail=name)
            continue
        split = split or split_of_folder(name) or split_in(path.name)
        yield Line(name=name, place=name, text=text.strip(), file=root / name, split=split)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _below(root: Path, path: Path, picture: str) -> tuple[str, str]:
    """Returns a picture's path below the root and "", or what is wrong with the path.

    Looked for from the root, from the list's own folder, and from the folder `images` beside the list, as docTR
    has it. A list may come from anywhere, so a path that leads out of the root is not followed.
    """
    if "\0" in picture or not picture or len(os.fsencode(picture)) > MAX_PATH_BYTES:
        return "", "path that cannot be read"
    try:
        return _found_below(root, path, picture)
    except OSError:  # a name in it is too long
        return "", "path that cannot be read"


def _found_below(root: Path, path: Path, picture: str) -> tuple[str, str]:
    picture = picture if (root / picture).exists() else picture.replace("\\", "/")
    above = f"{os.path.abspath(root).rstrip('/')}/"
    for start in dict.fromkeys((root, path.parent, path.parent / "images")):
        full = os.path.abspath(start / picture)
        if full.startswith(above) and os.path.isfile(full):
            return full[len(above) :], ""
    leads_out = picture.startswith("/") or ".." in picture.split("/")
    return "", "path that leads out of the folder" if leads_out else "picture is missing"


def _unlisted(source: Path, listed: sqlite3.Connection) -> Iterator[Unusable]:
    """Yields the pictures in the folder that no list names."""
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            below = os.path.relpath(os.path.join(folder, name), source)
            if not name.lower().endswith(ENDINGS) or _has_surrogates(below):
                continue
            if listed.execute("SELECT 1 FROM listed WHERE name = ?", (below,)).fetchone() is None:
                yield Unusable(name=below, reason="no text", detail="in no list")


PADDLE = _layout("PaddleOCR's lists: PATH, a tab, the text", _is_paddle, _rows_of_paddle, "list of PATH, tab, text")
CSV = _layout("CSV or TSV with a header (EasyOCR, fast-plate-ocr)", _is_csv, _rows_of_csv, "CSV or TSV with a header")
DOCTR = _layout("docTR's labels.json with images/ beside it", _is_doctr, _rows_of_doctr, "labels.json")
