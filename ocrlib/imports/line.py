"""One labelled line as a source lists it: what every layout yields, and what the importer works on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from PIL import Image

from ocrlib.errors import UserError
from ocrlib.pictures.pairs import Unusable

P = TypeVar("P")

# What people call a split, in names of folders and files -> what it is called here.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "eval": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A picture of a line and what it says.

    Attributes:
      name: unique in its source; what the sample's provenance calls it, such as `page3/line12.png`.
      place: where the reader of its layout finds the picture.
      text: as the source has it, not checked yet.
      file: that holds the picture; when it changes, the picture is read again.
      page: what it was cut from, where the source says so; None: its name tells.
      split: train, val or test, where the source says so.
    """

    name: str
    place: str
    text: str
    file: Path
    page: str | None = None
    split: str | None = None


# A place -> the picture there, its pixels not read yet. It may keep files open from one call to the next.
Reader = Callable[[str], Image.Image]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a layout may have to know beside where the source is.

    Attributes:
      encoding: of texts and lists.
      columns: names of the columns with the picture and the text; empty: by the names that are common.
      pictures: the folder that the paths in a list start from; None: the list's own.
    """

    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()
    pictures: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A way to keep labelled lines.

    Attributes:
      about: a few words for `--help` and for errors.
      is_there: whether a file or folder looks like it.
      list_lines: the lines of a source in order, and what cannot be used. Streams.
      open_reader: a reader of the pictures; called in each worker.
    """

    about: str
    is_there: Callable[[Path], bool]
    list_lines: Callable[[Path, Asked], Iterator[Line | Unusable]]
    open_reader: Callable[[Path, Asked], Reader]


def split_in(name: str) -> str | None:
    """Returns the split that a name begins with, or that one of its parts is: `rec_gt_train.txt` -> train."""
    words = PurePosixPath(name).stem.lower().replace("-", "_").replace(".", "_").split("_")
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def split_of_folder(name: str) -> str | None:
    """Returns the split that the first folder of a path is called after: `val/0001.png` -> val."""
    first, _, rest = name.partition("/")
    return SPLIT_NAMES.get(first.lower()) if rest else None


def found_below(folder: Path, pattern: str) -> list[Path]:
    """Returns the files below a folder that match, sorted; the file itself if it is one."""
    return [folder] if folder.is_file() else sorted(path for path in folder.rglob(pattern) if path.is_file())


def some(paths: list[P], source: Path, what: str) -> list[P]:
    """Returns `paths`, at least one.

    Raises:
      UserError: there is none.
    """
    if not paths:
        raise UserError(f"{source}: has no {what}")
    return paths
