"""Pictures from anywhere, brought to what a network was trained on: upright, opaque, 8 bits, of its height."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ocrlib.errors import UserError

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
ENDINGS = tuple(ending for endings in _FORMATS.values() for ending in endings)
# What Pillow raises over a damaged file: whatever the code that parses it runs into.
_DAMAGES = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
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


def read_line_image(path: Path, height: int, channels: int) -> np.ndarray:
    """Returns the picture in a file, (height, W, channels) uint8, its proportions kept.

    Turned as its EXIF tag says; 16 bits become 8; what is transparent becomes white paper.

    Raises:
      UserError: the file is no picture, or a damaged one.
    """
    return line_image(read_picture(path, str(path)), height, channels)


def open_picture(source: Path | BytesIO, name: str) -> Image.Image:
    """Returns a picture whose size and number of pages are known, and whose pixels are read when somebody asks.

    Args:
      source: a file, or its bytes.
      name: what an error calls it.

    Raises:
      UserError: it is no picture, or one of so many pixels that it must be meant to harm.
    """
    try:
        return Image.open(source, formats=tuple(_FORMATS))
    except _DAMAGES as error:
        raise _broken(name, error) from None


def read_picture(source: Path | BytesIO, name: str) -> Image.Image:
    """Returns a picture, read whole and turned as its EXIF tag says; raises as `open_picture` and `load_picture` do."""
    with open_picture(source, name) as opened:
        return load_picture(opened, name)


def load_picture(opened: Image.Image, name: str) -> Image.Image:
    """Returns an opened picture with its pixels read, turned as its EXIF tag says.

    Raises:
      UserError: it is damaged.
    """
    try:
        picture = ImageOps.exif_transpose(opened)
        picture.load()
    except _DAMAGES as error:
        raise _broken(name, error) from None
    return picture


def line_image(picture: Image.Image, height: int, channels: int) -> np.ndarray:
    """Returns a picture as (height, W, channels) uint8, its proportions kept, 16 bits as 8, transparency as paper."""
    picture = _opaque(_eight_bits(picture)).convert("L" if channels == 1 else "RGB")
    width = max(1, round(picture.width * height / picture.height))
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture).reshape(height, width, channels)


def _broken(name: str, error: Exception) -> UserError:
    reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error) or type(error).__name__
    return UserError(f"{name}: cannot be read as a picture: {reason}")


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode == "I":  # 16 bits, which Pillow may hold in 32
        return Image.fromarray((np.clip(np.asarray(picture, np.int64), 0, 65535) // 257).astype(np.uint8))
    if picture.mode == "F":
        values = np.asarray(picture, np.float64)
        scale = 255.0 if values.max(initial=0.0) <= 1.0 else 1.0
        return Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8))
    return picture


def _opaque(picture: Image.Image) -> Image.Image:
    if "transparency" not in picture.info and "A" not in picture.mode and "a" not in picture.mode:
        return picture
    picture = picture.convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")


def printable(name: str) -> str:
    """Returns a file's name with what would break a row, or cannot be shown, written as Python does."""
    return name if name.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
