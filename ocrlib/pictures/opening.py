"""Pictures from anywhere, brought to what a network was trained on: upright, opaque, 8 bits, one line of its height."""

import os
import stat
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ocrlib.errors import UserError
from ocrlib.pictures.levels import upright_picture, upright_pixels
from ocrlib.pictures.looks import look_of
from ocrlib.pictures.paper import MARGINS, Box, Margins, cut_line, find_line, to_gray

# What Pillow reads by itself, each format with its endings. Left out are those that it hands to another program (EPS
# and PS to Ghostscript), those it can only name (HDF5, GRIB, BUFR, MPEG, and WMF outside Windows), and fonts, palettes
# and brushes. A file is opened by what is in it, and by one of these formats alone.
_FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm", ".pfm"),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "DIB": (".dib",),
    "PCX": (".pcx",),
    "DCX": (".dcx",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "SUN": (".ras",),
    "QOI": (".qoi",),
    "PSD": (".psd",),
    "DDS": (".dds",),
    "BLP": (".blp",),
    "FLI": (".fli", ".flc"),
    "ICO": (".ico",),
    "ICNS": (".icns",),
    "CUR": (".cur",),
    "IM": (".im",),
    "MSP": (".msp",),
    "XBM": (".xbm",),
    "XPM": (".xpm",),
    "FITS": (".fit", ".fits"),
    "PCD": (".pcd",),
    "PIXAR": (".pxr",),
    "FTEX": (".ftc", ".ftu"),
    "SPIDER": (),
}
# Of several pictures in a file, these have pages or frames; in other formats they are previews, sizes or layers.
_PAGED = frozenset({"TIFF", "GIF", "WEBP", "PNG", "AVIF", "DCX", "FLI"})
_TURNING = frozenset({"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"})  # where Pillow looks for that tag
_TIFF_KIND = 254  # the tag NewSubfileType: bit 0 says that a page is a smaller copy of another
ENDINGS = tuple(ending for endings in _FORMATS.values() for ending in endings)
# Limits of a picture, asked before its pixels are read, and of what becomes of it. A page at 600 dpi has 35 million
# pixels; a line of 1,000 characters is about 16,000 pixels wide at a height of 32. Scale or cut larger ones.
MAX_PIXELS = 50_000_000
MAX_LINE_PX = 1 << 14  # of width, after scaling
MAX_PAGES = 1000
_MAX_PROPORTION = 2000  # of the longer side to the shorter one
# What Pillow raises over a damaged file: whatever the code that parses it runs into, in a library of its own too. Its
# formats have no exception in common: libavif's is a RuntimeError, a closed PNG's an AssertionError.
_DAMAGES = Exception
# Pictures that people have and Pillow does not read: named, so that nobody believes they were used.
UNREADABLE_ENDINGS = (".heic", ".heif", ".jxl", ".svg", ".pdf", ".djvu", ".eps", ".ps", ".emf", ".wmf", ".xcf")


def list_pictures(paths: list[Path]) -> list[tuple[str, Path]]:
    """Returns (name, path) of the files named, and of the pictures in the folders named, sorted.

    The name is the path below the folder, or the file's own name.

    Raises:
      UserError: a path that is not there, or a folder without pictures.
    """
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
            if not inside:
                raise UserError(f"{path}: the folder has no pictures ({', '.join(ENDINGS[:10])}, ...)")
            found += [(p.relative_to(path).as_posix(), p) for p in inside]
        elif path.is_file():
            found.append((path.name, path))
        else:
            raise UserError(f"{path}: no such file or folder")
    return found


def list_unreadable(paths: list[Path]) -> list[str]:
    """Returns what `list_pictures` passes over in the folders named though it may be a picture: the path of each.

    These are pictures of kinds that are not read, and links to folders, which are not followed.
    """
    return [
        str(inside)
        for path in paths
        if path.is_dir()
        for inside in sorted(path.rglob("*"))
        if inside.suffix.lower() in UNREADABLE_ENDINGS or (inside.is_symlink() and inside.is_dir())
    ]


def read_line_image(path: Path, height: int, channels: int, margins: Margins = MARGINS) -> np.ndarray:
    """Returns the picture in a file, (height, W, channels) uint8, its proportions kept.

    Turned as its EXIF tag says; 16 bits become 8; what is transparent becomes white paper.

    Raises:
      UserError: the file is not a picture, or it is damaged.
    """
    return cut_named_picture(read_picture(path, str(path)), str(path), height, channels, margins)[0]


def open_picture(source: Path | BytesIO, name: str) -> Image.Image:
    """Returns a picture whose size and number of pages are known, and whose pixels are read when somebody asks.

    Args:
      source: a file, or its bytes.
      name: what an error calls it.

    Raises:
      UserError: it is not a file, not a picture, or has too many pixels.
    """
    if isinstance(source, Path) and _is_no_file(source):
        raise UserError(f"{name}: is a folder, a pipe or a device; expected a picture")
    try:
        opened = Image.open(source, formats=tuple(_FORMATS))
    except _DAMAGES as error:
        raise _broken(name, error) from None
    _check_size(opened, name)
    return opened


def _is_no_file(path: Path) -> bool:
    """Whether something else than a file is there."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):  # opening it will say so
        return False


def read_picture(source: Path | BytesIO, name: str) -> Image.Image:
    """Returns a picture, read whole and turned as its EXIF tag says; raises as `open_picture` and `load_picture` do."""
    with open_picture(source, name) as opened:
        return load_picture(opened, name)


def load_picture(opened: Image.Image, name: str) -> Image.Image:
    """Returns an opened picture with its pixels read, turned as its EXIF tag says.

    Raises:
      UserError: it is damaged, or a page of it has too many pixels.
    """
    _check_size(opened, name)
    try:
        opened.load()  # tags may stand behind the pixels
        turned = hasattr(opened, "tag_v2") or not _TURNING.isdisjoint(opened.info)
        picture = ImageOps.exif_transpose(opened) if turned else opened.copy()
    except _DAMAGES as error:
        raise _broken(name, error) from None
    return picture


def read_pages(source: Path | BytesIO, name: str | None = None) -> Iterator[tuple[str, Image.Image | UserError]]:
    """Yields each page or frame of a picture, as `read_picture` returns it, or why it cannot be read.

    Beside it what is to be added to the picture's name: nothing to the first, `#2` to the second.

    Args:
      source: a file, or its bytes.
      name: what an error calls it; a file is called by its path.
    """
    name = str(source) if name is None else name
    try:
        opened = open_picture(source, name)
    except UserError as error:
        yield "", error
        return
    with opened:
        for page in count():
            added = f"#{page + 1}" if page else ""
            try:
                if page:
                    opened.seek(page)
                if not _is_smaller_copy(opened):
                    yield added, load_picture(opened, f"{name}{added}")
            except EOFError:  # no further page
                return
            except UserError as error:
                yield added, error
            except _DAMAGES as error:
                yield added, _broken(f"{name}{added}", error)
                return
            if opened.format not in _PAGED:
                return
            if page + 1 == MAX_PAGES:
                yield f"#{page + 2}", UserError(f"{name}: has more than {MAX_PAGES} pages; the rest is not read")
                return


def _is_smaller_copy(opened: Image.Image) -> bool:
    return opened.format == "TIFF" and opened.tell() > 0 and bool(opened.tag_v2.get(_TIFF_KIND, 0) & 1)  # type: ignore[attr-defined]


def line_image(picture: Image.Image | np.ndarray, height: int, channels: int) -> np.ndarray:
    """Returns a picture of a line as (height, W, channels) uint8, its proportions and its margins kept.

    Args:
      picture: of any kind; or an array, as for `levels.from_array`.
    """
    return _scaled(upright_picture(picture, channels), height, channels)


def cut_line_image(
    picture: Image.Image | np.ndarray, height: int, channels: int, margins: Margins = MARGINS
) -> np.ndarray:
    """Returns the line on a picture, as `line_image` does, but with the margins given, whatever paper is around it."""
    return _cut(picture, height, channels, margins)[0]


def cut_and_look(
    picture: Image.Image | np.ndarray, height: int, channels: int, margins: Margins = MARGINS
) -> tuple[np.ndarray, str | None]:
    """Returns what `cut_line_image` does, and what the picture looks like; None for a line: see `looks.look_of`."""
    line, gray, box = _cut(picture, height, channels, margins)
    return line, look_of(gray, box)


def _cut(
    picture: Image.Image | np.ndarray, height: int, channels: int, margins: Margins
) -> tuple[np.ndarray, np.ndarray, Box | None]:
    """The line on a picture, the picture in gray, and the box of its ink there."""
    pixels = upright_pixels(picture, channels)
    rows, columns = pixels.shape[:2]
    if max(rows, columns) > _MAX_PROPORTION * min(rows, columns):
        raise UserError(f"is {columns} x {rows} pixels, too far from the shape of a line of text")
    gray = to_gray(pixels)
    box = find_line(gray)
    line = Image.fromarray(cut_line(pixels, box, margins, height))
    return _scaled(line, height, channels), gray, box


def cut_named_picture(
    picture: Image.Image | np.ndarray, name: str, height: int, channels: int, margins: Margins = MARGINS
) -> tuple[np.ndarray, str | None]:
    """Returns what `cut_and_look` does; an error says of which picture it is.

    Raises:
      UserError: the line is too long, or its values are no levels.
    """
    try:
        return cut_and_look(picture, height, channels, margins)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    except _DAMAGES as error:
        raise _broken(name, error) from None


def _check_size(opened: Image.Image, name: str) -> None:
    """Refuses pixels that would fill the memory: a hundred bytes can announce a billion of them."""
    if opened.width * opened.height > MAX_PIXELS:
        limit = f"{MAX_PIXELS / 1e6:.0f} million pixels at most"
        raise UserError(f"{name}: is {opened.width} x {opened.height} pixels; expected {limit}: scale it, or cut it")


def _scaled(line: Image.Image, height: int, channels: int) -> np.ndarray:
    width = max(1, round(line.width * height / line.height))
    if width > MAX_LINE_PX:
        raise UserError(
            f"the line is {line.width} x {line.height} pixels, at the height of {height} it would be {width} wide; "
            f"expected {MAX_LINE_PX} at most: is it a line of text? cut it into parts"
        )
    if line.size != (width, height):
        line = line.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(line).reshape(height, width, channels)


def _broken(name: str, error: Exception) -> UserError:
    reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error) or type(error).__name__
    return UserError(f"{name}: cannot be read as a picture: {reason}")


def printable(name: str) -> str:
    """Returns a file's name with what would break a row, or cannot be shown, written as Python does."""
    return name if name.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
