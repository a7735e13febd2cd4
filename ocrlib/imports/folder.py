"""Layout `pairs`: NAME.png with NAME.gt.txt, in a folder and below it, as ocropy, kraken and tesstrain keep them."""

from collections.abc import Iterator
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.imports.line import Asked, Layout, Line, Reader, split_of_folder
from ocrlib.pictures.opening import open_picture
from ocrlib.pictures.pairs import TEXT_ENDING, Unusable, find_pairs, read_truth


def _is_there(source: Path) -> bool:
    return source.is_dir() and next(source.rglob(f"*{TEXT_ENDING}"), None) is not None


def _list_lines(source: Path, asked: Asked) -> Iterator[Line | Unusable]:
    for found in find_pairs(source):
        if isinstance(found, Unusable):
            yield found
            continue
        try:
            text = read_truth(found.text, asked.encoding)
        except UserError as error:
            yield Unusable(
                name=found.name, reason="text cannot be read", detail=str(error).removeprefix(f"{found.text}: ")
            )
            continue
        yield Line(name=found.name, place=found.name, text=text, file=found.picture, split=split_of_folder(found.name))


def open_files(root: Path) -> Reader:
    """Returns a reader of picture files; a place is a path below `root`."""
    return lambda place: open_picture(root / place, place)


PAIRS = Layout(
    about="NAME.png with NAME.gt.txt, in a folder and below",
    is_there=_is_there,
    list_lines=_list_lines,
    open_reader=lambda source, asked: open_files(source),
)
