"""Layout `webdataset`: tar files in which NAME.png and NAME.txt stand one after the other."""

import tarfile
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import IO

from PIL import Image

from ocrlib.errors import UserError
from ocrlib.imports.line import Asked, Layout, Line, Reader, found_below, some, split_in
from ocrlib.pictures.opening import ENDINGS, open_picture
from ocrlib.pictures.pairs import MAX_TRUTH_BYTES, TEXT_ENDING, Unusable

MAX_STORED_BYTES = 256 << 20  # of a picture; a longer one is read as cut
_TEXT_ENDINGS = (".txt", TEXT_ENDING)


def _members(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    try:
        with tarfile.open(path, "r:") as tar:  # not compressed: a member is read where it lies
            while (member := tar.next()) is not None:
                if member.isfile():
                    yield tar, member
                tar.members = []  # type: ignore[attr-defined] # or it remembers each of them
    except (tarfile.TarError, OSError, ValueError, OverflowError, EOFError) as error:
        raise UserError(f"{path}: cannot be read as a tar file that is not compressed: {error}") from None


def _key(member: tarfile.TarInfo) -> str:
    """What the members of one sample have in common: the path up to the first point of the file's name."""
    folder, slash, name = member.name.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0]}"


def _list_lines(source: Path, asked: Asked) -> Iterator[Line | Unusable]:
    for path in some(found_below(source, "*.tar"), source, "tar files"):
        below = path.name if source.is_file() else path.relative_to(source).as_posix()
        for key, sample in groupby(_members(path), key=lambda item: _key(item[1])):
            picture, text, name = None, None, f"{below}/{key}"
            for tar, member in sample:
                if member.name.lower().endswith(ENDINGS):
                    picture = member
                elif member.name.lower().endswith(_TEXT_ENDINGS) and member.size <= MAX_TRUTH_BYTES:
                    stored = tar.extractfile(member)
                    text = stored.read() if stored is not None else None
            if picture is None or text is None:
                yield Unusable(name=name, reason="no picture" if picture is None else "no text")
                continue
            try:
                truth = text.decode(asked.encoding).strip()
            except UnicodeDecodeError:
                yield Unusable(name=name, reason="text cannot be read", detail=f"is not {asked.encoding.upper()}")
                continue
            place = f"{below}:{picture.offset_data}:{picture.size}"
            yield Line(name=f"{below}/{picture.name}", place=place, text=truth, file=path, split=split_in(path.name))


def _open_reader(source: Path, asked: Asked) -> Reader:
    root = source.parent if source.is_file() else source

    @lru_cache(maxsize=4)
    def opened(below: str) -> IO[bytes]:
        return open(root / below, "rb")

    def read(place: str) -> Image.Image:
        below, offset, size = place.rsplit(":", 2)
        file = opened(below)
        file.seek(int(offset))
        return open_picture(BytesIO(file.read(min(int(size), MAX_STORED_BYTES))), below)

    return read


WEBDATASET = Layout(
    about="webdataset's tar files",
    is_there=lambda source: source.suffix == ".tar" or (source.is_dir() and any(source.rglob("*.tar"))),
    list_lines=_list_lines,
    open_reader=_open_reader,
)
