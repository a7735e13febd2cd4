"""Layout `lmdb`: the keys num-samples, image-000000001, label-000000001 of deep-text-recognition-benchmark."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import lmdb
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.imports.line import Asked, Layout, Line, Reader, found_below, some, split_of_folder
from ocrlib.pairs import Unusable
from ocrlib.pictures import open_picture

FILE_NAME = "data.mdb"
COUNT_KEY = b"num-samples"


def image_key(number: int) -> bytes:
    """Returns the key of a picture; they count from 1."""
    return b"image-%09d" % number


def label_key(number: int) -> bytes:
    """Returns the key of a text."""
    return b"label-%09d" % number


def _bases(source: Path) -> list[tuple[str, Path]]:
    """The bases of a source, each with its folder's path below it, "" for the source itself."""
    files = found_below(source, FILE_NAME)
    root = source.parent if source.is_file() else source
    return [(path.parent.relative_to(root).as_posix().removeprefix("."), path.parent) for path in files]


def _open(folder: Path) -> Any:
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{folder}: cannot be opened as an LMDB: {error}") from None


def _list_lines(source: Path, asked: Asked) -> Iterator[Line | Unusable]:
    for below, folder in some(_bases(source), source, FILE_NAME):
        with _open(folder) as base, base.begin() as view:
            count = view.get(COUNT_KEY)
            if count is None or not count.isdigit():
                raise UserError(
                    f"{folder}: is an LMDB of another program: expected the keys num-samples, image-000000001 and "
                    "label-000000001, as deep-text-recognition-benchmark and PaddleOCR write them"
                )
            for number in range(1, int(count) + 1):
                yield _line(view, number, folder, f"{below}/" if below else "", asked)
            entries = base.stat()["entries"]
            if entries > 2 * int(count) + 1:
                detail = f"num-samples says {int(count)}, and there are {entries} entries"
                yield Unusable(
                    name=f"{below}/{FILE_NAME}".lstrip("/"), reason="entries beyond num-samples", detail=detail
                )


def _line(view: Any, number: int, folder: Path, below: str, asked: Asked) -> Line | Unusable:
    key = image_key(number).decode()
    name, label = f"{below}{key}", view.get(label_key(number))
    if label is None or view.get(image_key(number)) is None:
        return Unusable(name=name, reason="no text" if label is None else "no picture")
    try:
        text = label.decode(asked.encoding).strip()
    except UnicodeDecodeError:
        return Unusable(name=name, reason="text cannot be read", detail=f"is not {asked.encoding.upper()}")
    return Line(
        name=name, place=name, text=text, file=folder / FILE_NAME, page=f"{below}#", split=split_of_folder(name)
    )


def _open_reader(source: Path, asked: Asked) -> Reader:
    views = {below: _open(folder).begin(buffers=True) for below, folder in _bases(source)}

    def read(place: str) -> Image.Image:
        below, _, key = place.rpartition("/")
        return open_picture(BytesIO(views[below].get(key.encode())), place)

    return read


LMDB = Layout(
    about="LMDB with num-samples, image-000000001, label-000000001",
    is_there=lambda source: source.name == FILE_NAME or (source.is_dir() and bool(_bases(source))),
    list_lines=_list_lines,
    open_reader=_open_reader,
)
