"""Layouts `alto` and `page`: XML says where a page's lines are and what they say; each is cut by its polygon's box."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.imports.line import Asked, Layout, Line, Reader, found_below, some, split_of_folder
from ocrlib.pictures.opening import ENDINGS, read_picture
from ocrlib.pictures.pairs import Unusable

_ROOTS = {"alto": "alto", "page": "PcGts"}  # layout -> the XML's outermost element
_MAX_PLACE = 1e7  # of a page in its unit: pixels, tenths of a millimetre or twelve hundredths of an inch
_LOOKED_AT_BYTES = 4096  # of an XML, to tell what it is


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A box on a page; written as text, for the ledger.

    Attributes:
      picture: the page's picture, below the source.
      box: left, top, right, bottom, in the unit of the XML.
      page: width and height of the page in that unit; 0 if unknown, the unit is pixels then.
    """

    picture: str
    box: tuple[float, float, float, float]
    page: tuple[float, float]

    def __str__(self) -> str:
        return f"{','.join(f'{v:g}' for v in (*self.box, *self.page))}@{self.picture}"

    @classmethod
    def read(cls, text: str) -> "_Place":
        numbers, _, picture = text.partition("@")
        left, top, right, bottom, width, height = map(float, numbers.split(","))
        return cls(picture=picture, box=(left, top, right, bottom), page=(width, height))


def _parse(path: Path) -> Any:
    """Returns the XML's outermost element. Nothing that the file names is fetched, and no entity is filled in."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.parse(str(path), parser)
    except (etree.XMLSyntaxError, OSError) as error:
        raise UserError(f"{path}: cannot be read as XML: {error}") from None
    dtd = tree.docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise UserError(f"{path}: declares entities, which are not filled in; write their text out")
    return tree.getroot()


def _is_page(path: Path, layout: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(_LOOKED_AT_BYTES)
    except OSError:
        return False
    return re.search(rb"<(\w+:)?%b[\s>]" % _ROOTS[layout].encode(), start) is not None


def _list_lines(source: Path, layout: str) -> Iterator[Line | Unusable]:
    root = source.parent if source.is_file() else source
    for path in some(found_below(source, "*.xml"), source, "XML files"):
        below = path.relative_to(root).as_posix()
        try:
            page = _parse(path)
        except UserError as error:
            yield Unusable(name=below, reason="XML that cannot be read", detail=str(error).removeprefix(f"{path}: "))
            continue
        if etree.QName(page).localname != _ROOTS[layout]:
            yield Unusable(name=below, reason=f"XML of another kind than {layout}")
            continue
        lines = list(page.iter("{*}TextLine"))
        named = page.findtext(".//{*}fileName") if layout == "alto" else _attribute(page, "Page", "imageFilename")
        picture = _find_picture(root, path, named or "")
        if picture is None:
            detail = f"{named or path.stem}, with {len(lines)} lines"
            yield Unusable(name=below, reason="picture is missing", detail=detail)
            continue
        size = _page_size(page, layout)
        for number, line in enumerate(lines, 1):
            identity = line.get("ID" if layout == "alto" else "id") or f"line{number}"
            yield _line(line, layout, f"{below}#{identity}", root, picture, size, split_of_folder(below))


def _line(
    line: Any, layout: str, name: str, root: Path, picture: str, size: tuple[float, float], split: str | None
) -> Line | Unusable:
    try:
        box = _box(line, layout)
        if not all(abs(number) <= _MAX_PLACE for number in box):  # NaN is not either
            raise ValueError(f"is at {', '.join(f'{number:g}' for number in box)}")
        text = _alto_text(line) if layout == "alto" else _page_text(line)
    except (ValueError, TypeError, AttributeError) as error:  # a number that is none, an attribute that is not there
        return Unusable(name=name, reason="line that cannot be read", detail=str(error))
    place = str(_Place(picture=picture, box=box, page=size))
    return Line(
        name=name, place=place, text=text.strip(), file=root / picture, page=name.partition("#")[0], split=split
    )


def _attribute(page: Any, tag: str, name: str) -> str:
    element = page.find(f".//{{*}}{tag}")
    return "" if element is None else element.get(name, "")


def _page_size(page: Any, layout: str) -> tuple[float, float]:
    names = ("WIDTH", "HEIGHT") if layout == "alto" else ("imageWidth", "imageHeight")
    try:
        width, height = (float(_attribute(page, "Page", name)) for name in names)
    except ValueError:
        return 0.0, 0.0
    return (width, height) if 1 <= width <= _MAX_PLACE and 1 <= height <= _MAX_PLACE else (0.0, 0.0)


def _box(line: Any, layout: str) -> tuple[float, float, float, float]:
    """The box around the line's polygon; in ALTO without one, the line's own."""
    polygon = line.find("{*}Coords") if layout == "page" else line.find("{*}Shape/{*}Polygon")
    if polygon is None:
        left, top, width, height = (float(line.get(name)) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
        return left, top, left + width, top + height
    numbers = [float(n) for n in polygon.get("points" if layout == "page" else "POINTS").replace(",", " ").split()]
    if not numbers:  # PAGE of 2010 has a Point for each corner
        numbers = [float(point.get(axis)) for point in polygon.iter("{*}Point") for axis in ("x", "y")]
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])


def _alto_text(line: Any) -> str:
    """The line's words, a space for each SP; a hyphen at its end where it says so."""
    without = {"String": "", "SP": " ", "HYP": "-"}  # element -> what it stands for where it has no CONTENT
    names = [(part, etree.QName(part).localname) for part in line if isinstance(part.tag, str)]
    return "".join(part.get("CONTENT", without[name]) for part, name in names if name in without)


def _page_text(line: Any) -> str:
    """The line's own text, of several the one with the lowest index; else its words with spaces between them."""
    own = line.findall("{*}TextEquiv")
    if not own:
        return " ".join(filter(None, (_page_text(word) for word in line.findall("{*}Word"))))
    first = min(own, key=lambda text: int(text.get("index") or 0))
    return first.findtext("{*}Unicode") or ""


def _find_picture(root: Path, path: Path, named: str) -> str | None:
    """Returns the page's picture below the root: of the name in the XML, or of the XML's own; beside it, or above it.

    Of the name in the XML only the last part counts, because it is often a path of another machine.
    """
    base = named.replace("\\", "/").rpartition("/")[2]
    names = [base] if base else []
    names += [path.stem + ending for ending in ENDINGS]
    folders = [path.parent] if path.parent == root else [path.parent, path.parent.parent]
    for name in names:
        for folder in folders:
            if (folder / name).is_file():
                return (folder / name).relative_to(root).as_posix()
    return None


def _open_reader(source: Path, asked: Asked) -> Reader:
    root = source.parent if source.is_file() else source

    @lru_cache(maxsize=1)  # lines are asked for page by page
    def page(picture: str) -> Image.Image:
        return read_picture(root / picture, picture)

    def read(text: str) -> Image.Image:
        place = _Place.read(text)
        whole = page(place.picture)
        (width, height), (left, top, right, bottom) = place.page, place.box
        across, down = (whole.width / width, whole.height / height) if width and height else (1.0, 1.0)
        box = (
            max(0, round(left * across)),
            max(0, round(top * down)),
            min(whole.width, round(right * across)),
            min(whole.height, round(bottom * down)),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            raise UserError(f"{place.picture}: the line's box {box} is empty, or lies beside the page")
        return whole.crop(box)

    return read


def _layout(name: str, about: str) -> Layout:
    def is_there(source: Path) -> bool:
        if source.is_file():
            return source.suffix.lower() == ".xml" and _is_page(source, name)
        return source.is_dir() and any(_is_page(path, name) for path in source.rglob("*.xml"))

    return Layout(
        about=about,
        is_there=is_there,
        list_lines=lambda source, asked: _list_lines(source, name),
        open_reader=_open_reader,
    )


ALTO = _layout("alto", "page pictures with ALTO XML")
PAGE = _layout("page", "page pictures with PAGE XML")
