"""Gray levels and colours of any kind brought to 8 bits on white paper: the first step for every picture."""

import numpy as np
from PIL import Image

from ocrlib.errors import UserError


def upright_pixels(picture: Image.Image | np.ndarray, channels: int) -> np.ndarray:
    """Returns a picture as (H, W) uint8 for one channel, (H, W, 3) for three; what is transparent becomes white paper.

    Args:
      picture: of any kind; or an array, as for `from_array`.
    """
    return np.asarray(upright_picture(picture, channels))


def upright_picture(picture: Image.Image | np.ndarray, channels: int) -> Image.Image:
    """Returns what `upright_pixels` does, as a picture in gray or RGB."""
    if isinstance(picture, np.ndarray):
        picture = from_array(picture)
    return _opaque(_eight_bits(picture)).convert("L" if channels == 1 else "RGB")


def from_array(values: np.ndarray) -> Image.Image:
    """Returns a picture of gray levels or colours in an array.

    Args:
      values: (H, W), (H, W, 1), (H, W, 3) or, with opacity, (H, W, 4). Whole numbers from 0 on, truth values, or floats
        from 0 to 1 or from 0 to 255.

    Raises:
      UserError: another shape or type, or numbers that are not finite.
    """
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.shape[2:] not in ((), (3,), (4,)) or values.ndim < 2 or 0 in values.shape:
        raise UserError(
            f"a picture: expected an array (H, W), or (H, W, C) with 1, 3 or 4 channels, not {values.shape}"
        )
    if values.dtype.kind not in "buif":
        raise UserError(f"a picture: expected an array of numbers, not of {values.dtype}")
    return Image.fromarray(_levels(values))


def _levels(values: np.ndarray) -> np.ndarray:
    """Gray levels of any kind as uint8, 0 black and 255 white.

    Whole numbers of more than 8 bits fill the range of as many bits as the largest one needs: a camera of 12 bits
    writes files of 16.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise UserError("a picture: expected numbers from 0 to 1 or to 255, found one that is not finite")
        scale = 255.0 if values.max(initial=0.0) <= 1.0 else 1.0
        return np.clip(values * scale, 0, 255).astype(np.uint8)
    white = 2 ** max(8, int(values.max(initial=0)).bit_length()) - 1
    return (np.clip(values, 0, None).astype(np.float64) * (255 / white) + 1e-6).astype(np.uint8)


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits, which Pillow may hold in 32, or floats
        return Image.fromarray(_levels(np.asarray(picture)))
    return picture


def _opaque(picture: Image.Image) -> Image.Image:
    if "transparency" not in picture.info and "A" not in picture.mode and "a" not in picture.mode:
        return picture
    picture = picture.convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")
