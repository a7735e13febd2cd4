"""Pictures from anywhere, brought to what a network was trained on: upright, opaque, 8 bits, of its height."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ocrlib.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm", ".pbm")


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
                raise UserError(f"{path}: the folder has no pictures ({', '.join(ENDINGS)})")
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
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            picture.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: cannot be read as a picture: {str(error) or type(error).__name__}") from None
    picture = _opaque(_eight_bits(picture)).convert("L" if channels == 1 else "RGB")
    width = max(1, round(picture.width * height / picture.height))
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture).reshape(height, width, channels)


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
