"""Layout `lmdb`: the keys num-samples, image-000000001, label-000000001 of deep-text-recognition-benchmark."""

import re
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

from PIL import Image

from ocrlib.errors import UserError
from ocrlib.imports.line import Asked, Layout, Line, Reader, found_below, some, split_of_folder
from ocrlib.imports.lmdb_file import Base, DamagedBase
from ocrlib.pictures.opening import open_picture
from ocrlib.pictures.pairs import Unusable

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


def _open(folder: Path) -> Base:
    try:
        return Base(folder / FILE_NAME)
    except (OSError, DamagedBase) as error:
        raise UserError(f"{folder}: cannot be opened as an LMDB: {error}") from None


def _get(base: Base, folder: Path, key: bytes) -> bytes | None:
    try:
        return base.get(key)
    except DamagedBase as error:
        raise UserError(f"{folder}: is a damaged LMDB: {error}") from None


def _list_lines(source: Path, asked: Asked) -> Iterator[Line | Unusable]:
    for below, folder in some(_bases(source), source, FILE_NAME):
        with closing(_open(folder)) as base:
            written = _get(base, folder, COUNT_KEY)
            if written is None or not re.fullmatch(rb"[0-9]{1,18}", written):
                raise UserError(
                    f"{folder}: is an LMDB of another program: expected the keys num-samples, image-000000001 and "
                    "label-000000001, as deep-text-recognition-benchmark and PaddleOCR write them"
                )
            count = int(written)
            if count > base.entries:
                raise UserError(f"{folder}: num-samples says {count}, and there are {base.entries} entries")
            for number in range(1, count + 1):
                yield _line(base, number, folder, f"{below}/" if below else "", asked)
            if base.entries > 2 * count + 1:
                detail = f"num-samples says {count}, and there are {base.entries} entries"
                yield Unusable(
                    name=f"{below}/{FILE_NAME}".lstrip("/"), reason="entries beyond num-samples", detail=detail
                )


def _line(base: Base, number: int, folder: Path, below: str, asked: Asked) -> Line | Unusable:
    key = image_key(number).decode()
    name = f"{below}{key}"
    try:
        label, picture = base.get(label_key(number)), base.get(image_key(number))
    except DamagedBase as error:
        return Unusable(name=name, reason="damaged entry", detail=str(error))
    if label is None or picture is None:
        return Unusable(name=name, reason="no text" if label is None else "no picture")
    try:
        text = label.decode(asked.encoding).strip()
    except UnicodeDecodeError:
        return Unusable(name=name, reason="text cannot be read", detail=f"is not {asked.encoding.upper()}")
    return Line(
        name=name, place=name, text=text, file=folder / FILE_NAME, page=f"{below}#", split=split_of_folder(name)
    )


def _open_reader(source: Path, asked: Asked) -> Reader:
    bases = {below: (_open(folder), folder) for below, folder in _bases(source)}

    def read(place: str) -> Image.Image:
        below, _, key = place.rpartition("/")
        return open_picture(BytesIO(_get(*bases[below], key.encode()) or b""), place)

    return read


LMDB = Layout(
    about="LMDB with num-samples, image-000000001, label-000000001",
    is_there=lambda source: source.name == FILE_NAME or (source.is_dir() and bool(_bases(source))),
    list_lines=_list_lines,
    open_reader=_open_reader,
)
