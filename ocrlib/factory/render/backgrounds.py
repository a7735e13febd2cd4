"""Backgrounds: noise, white, a quasicrystal, or a cut from a picture; `line.py` pastes the text onto them.

The first three are gray, with one byte per pixel; trdg makes four bytes per pixel, all of one value.
Letters: H, W pixels; N rotations of the quasicrystal.
"""

import math
import os
from collections import OrderedDict
from pathlib import Path
from random import Random

import cv2
import numpy as np
from PIL import Image

from ocrlib.factory.render.render_error import RenderError
from ocrlib.pictures.opening import MAX_PIXELS, open_picture

_NOISE_MEAN, _NOISE_STDDEV = np.array([235.0]), np.array([10.0])
# Above 2^18, OpenBLAS starts a thread per core, which only costs time in a worker that has one core.
_MULTIPLICATIONS_PER_PRODUCT = 250_000
# Gray levels by which the quick sum may differ from trdg's; it differs by about 1e-10.
_ROUNDING_DOUBT = 1e-7
# Decoded pictures are kept for later lines; trdg decodes each time. A photograph of 4 megapixels takes 16 MiB.
PICTURE_BYTES = 64 << 20  # 64 MiB
_pictures: OrderedDict[str, Image.Image] = OrderedDict()


def gaussian_noise(height: int, width: int, seed: int) -> Image.Image:
    """Mode L, normal noise with mean 235 and standard deviation 10, cut at 255, from OpenCV's generator."""
    cv2.setRNGSeed(seed & 0x7FFFFFFF)
    noise = np.empty((height, width))
    cv2.randn(noise, _NOISE_MEAN, _NOISE_STDDEV)
    # Through float32, as Pillow reads it: a value just below an integer must first round up to it, and then be cut.
    return Image.fromarray(np.minimum(noise.astype(np.float32), 255).astype(np.uint8))


def plain_white(height: int, width: int) -> Image.Image:
    """Mode L, all 255."""
    return Image.new("L", (width, height), 255)


def quasicrystal(height: int, width: int, rng: Random) -> Image.Image:
    """Mode L, the sum of N plane waves in N directions; darker where they add up, white elsewhere.

    trdg sums cos(r sin(a + 2 pi i / N) f + p) pixel by pixel. Since r sin(a + t) = y cos t + x sin t and
    cos(u + v) = cos u cos v - sin u sin v, each wave is a product of a column and a row, and their sum is
    one product of a (H, 2 N) and a (2 N, W) matrix. It differs from trdg's sum by about 1e-10 gray
    levels. Where this could change a rounding (one pixel in five million), trdg's own formula is used.

    Raises:
      RenderError: "background" if a side is one pixel: trdg divides by zero there.

    Source: https://en.wikipedia.org/wiki/Quasicrystal
    """
    if min(height, width) < 2:
        raise RenderError("background", f"expected at least 2 x 2 pixels of quasicrystal, given {width} x {height}")
    frequency = rng.random() * 30 + 20
    phase = rng.random() * 2 * math.pi
    num_rotations = rng.randint(10, 20)

    turns = np.arange(num_rotations) * (2 * math.pi / num_rotations)
    x = np.arange(height) / (height - 1) * 4 * math.pi - 2 * math.pi
    y = np.arange(width) / (width - 1) * 4 * math.pi - 2 * math.pi
    u = np.outer(np.cos(turns) * frequency, y) + phase  # (N, W)
    v = np.outer(x, np.sin(turns) * frequency)  # (H, N)
    columns = np.vstack([np.cos(u), -np.sin(u)])  # (2 N, W)
    rows = np.hstack([np.cos(v), np.sin(v)])  # (H, 2 N)
    scaled = np.empty((height, width))
    step = max(1, _MULTIPLICATIONS_PER_PRODUCT // columns.size)
    for i in range(0, height, step):
        np.matmul(rows[i : i + step], columns, out=scaled[i : i + step])
    scaled *= 255 / num_rotations
    gray = np.minimum(255 - np.rint(scaled), 255).astype(np.uint8)

    doubtful = np.abs(scaled - np.floor(scaled) - 0.5) < _ROUNDING_DOUBT
    for pixel in np.flatnonzero(doubtful):
        row, column = divmod(int(pixel), width)
        exact = _quasicrystal_sum(float(y[column]), float(x[row]), frequency, phase, num_rotations)
        gray[row, column] = min(255 - round(255 * exact / num_rotations), 255)
    return Image.fromarray(gray)


def _quasicrystal_sum(y: float, x: float, frequency: float, phase: float, num_rotations: int) -> float:
    """trdg's sum for one pixel, with the same operations in the same order, so that every bit agrees."""
    total = 0.0
    for i in range(num_rotations):
        angle = math.atan2(y, x) + i * math.pi * 2.0 / num_rotations
        total += math.cos(math.hypot(x, y) * math.sin(angle) * frequency + phase)
    return total


def files_in(folder: str) -> list[str]:
    """Returns the names of the files that are taken for pictures, sorted; folders and hidden files are none.

    Raises:
      OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:  # the order on disk differs between machines
        return sorted(entry.name for entry in entries if entry.is_file() and not entry.name.startswith("."))


def picture(height: int, width: int, folder: str, rng: Random) -> tuple[Image.Image, str]:
    """A cut of `width` x `height` pixels from a picture in `folder`, which is enlarged first if it is too small.

    Returns:
      The cut, in the picture's own mode, and the picture's file name.

    Raises:
      RenderError: "background" if the folder cannot be read or is empty, or the file is not a picture.
    """
    try:
        names = files_in(folder)
    except OSError as error:
        raise RenderError("background", f"expected a folder of pictures, {folder!r}: {error.strerror}") from error
    if not names:
        raise RenderError("background", f"expected a folder of pictures, {folder!r} is empty")
    name = names[rng.randint(0, len(names) - 1)]
    image = _open_picture(os.path.join(folder, name))
    scale = max(width / image.width, height / image.height, 1)
    if image.width * image.height * scale**2 > MAX_PIXELS:
        size = f"{image.width} x {image.height} pixels"
        raise RenderError("background", f"expected a picture of paper, {name!r} has {size}: absurd proportions")
    if image.width < width:
        image = image.resize((width, int(image.height * (width / image.width))), Image.Resampling.LANCZOS)
    if image.height < height:
        image = image.resize((int(image.width * (height / image.height)), height), Image.Resampling.LANCZOS)
    x = 0 if image.width == width else rng.randint(0, image.width - width)
    y = 0 if image.height == height else rng.randint(0, image.height - height)
    return image.crop((x, y, x + width, y + height)), name


def _open_picture(path: str) -> Image.Image:
    """The decoded picture, kept for later lines; those used longest ago are dropped when they take too many bytes."""
    image = _pictures.pop(path, None) or _decode(path)
    _pictures[path] = image
    while len(_pictures) > 1 and sum(4 * p.width * p.height for p in _pictures.values()) > PICTURE_BYTES:
        _pictures.popitem(last=False)
    return image


def why_unusable(path: str) -> str | None:
    """Returns why a file cannot be drawn on, or None."""
    try:
        _decode(path)
    except RenderError as error:
        return " ".join(str(error.__cause__).removeprefix(f"{path}: ").split())
    return None


def _decode(path: str) -> Image.Image:
    try:
        image = open_picture(Path(path), path)
        image.load()
        Image.new("RGBA", (1, 1)).convert(image.mode).convert(
            "L"
        )  # text is converted to the picture's mode, and both to gray
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RenderError("background", f"expected a picture, {path!r} cannot be used: {error}") from error
    return image
