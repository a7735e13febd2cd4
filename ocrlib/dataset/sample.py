"""One line image with its text and how it was made: what the renderer returns, and what a shard stores."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from ocrlib.dataset.manifest import MAX_WIDTH_PX

# How a sample was made: {name: type}, the same for every sample of every dataset.
PROVENANCE: dict[str, type] = {
    "font": str,  # file name of the face
    "background": str,  # gaussian_noise, plain_white, quasicrystal, or image:FILE
    "skew_deg": int,
    "blur_px": float,
    "degradation": str,  # each one that was applied, with its strength: "crop=0.4 jpeg=0.7"
    "source": str,  # where the text came from; of an imported line, its picture's path in the source
    "seed": int,  # of the attempt that was kept; 63 bits; of an imported line, a hash of its image
    "attempt": int,  # how many were rejected before it
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A line.

    Attributes:
      id: split and index, such as `train-000000012`; it stays the same when the dataset grows.
      text: as printed, in Unicode's form NFC, not empty.
      image: (H, W) or (H, W, 3) uint8.
      provenance: a value for each key of PROVENANCE.
    """

    id: str
    text: str
    image: np.ndarray
    provenance: dict[str, str | int | float]


def sample_id(split: str, index: int) -> str:
    """Returns the id of sample `index` of `split`."""
    return f"{split}-{index:09d}"


def encode_image(image: np.ndarray, encoding: str) -> bytes:
    """Returns the stored form of a (H, W) or (H, W, 3) uint8 image: its `raw` pixels by rows, or a `png`."""
    if encoding == "raw":
        return image.tobytes()
    stream = BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def decode_image(stored: bytes, encoding: str, height: int, channels: int) -> np.ndarray:
    """Returns the image that `encode_image` stored: (H, W) uint8, or (H, W, 3) for 3 channels.

    Raises:
      ValueError: it is damaged, or of another height or number of channels.
    """
    if encoding == "png":
        return _decode_png(stored, height, channels)
    shape = (height, -1) if channels == 1 else (height, -1, channels)
    return np.frombuffer(stored, np.uint8).reshape(shape)


def _decode_png(stored: bytes, height: int, channels: int) -> np.ndarray:
    try:
        picture = Image.open(BytesIO(stored), formats=("PNG",))
        # Before its pixels are asked for: a hundred bytes of PNG can hold gigabytes of them.
        if (
            picture.height != height
            or picture.width > MAX_WIDTH_PX
            or picture.mode != ("L" if channels == 1 else "RGB")
        ):
            raise ValueError(f"is {picture.width} x {picture.height} pixels of kind {picture.mode}")
        return np.asarray(picture)
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"has an image that is no PNG ({error})") from None
