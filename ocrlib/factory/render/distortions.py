"""trdg's three waves, laid over the bare line before it is scaled; between `ink.py` and the scaling.

Each column moves up or down by its own offset, then each row left or right. A moved column is a window into the same
column padded with zeros, so one look-up moves a whole picture.

Letters: H, W pixels of the picture; m the largest offset in pixels; B bands.
"""

import math
from functools import lru_cache
from random import Random

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ocrlib.factory.settings.render import Distortion, DistortionAxis
from ocrlib.rounding import round_up

_WAVES = {"sine": math.sin, "cosine": math.cos}


def distort(pixels: np.ndarray, distortion: Distortion, axis: DistortionAxis, rng: Random) -> np.ndarray:
    """The picture with its columns, its rows or both moved by a wave.

    Args:
      pixels: (H, W) or (H, W, B) uint8.
      distortion: "sine" or "cosine", a period every 360 pixels, m = int(H ** 0.5); "random", every column and
        row by a whole number from [0, int(H ** 0.4)] out of `rng`; or "none".
      axis: "vertical" moves columns, "horizontal" rows, "both" columns and then rows.

    Returns:
      uint8 with 2 m more rows if columns move, and 2 m more columns if rows move. As in trdg, "both" leaves the lowest
      rows empty if no column moves that far down.
    """
    if distortion == "none":
        return pixels
    height, width = pixels.shape[:2]
    max_offset = int(height ** (0.4 if distortion == "random" else 0.5))
    columns = _offsets(distortion, width, max_offset, rng)
    num_rows = height
    if axis != "horizontal":
        num_rows += int(columns.max()) - min(int(columns.min()), 0)
        pixels = _shift_rows(pixels.swapaxes(0, 1), columns, max_offset).swapaxes(0, 1)
    rows = _offsets(distortion, num_rows, max_offset, rng)  # drawn even if unused, because trdg draws it too
    if axis != "vertical":
        shifted = _shift_rows(pixels[:num_rows], rows, max_offset)
        pixels = np.zeros((pixels.shape[0], *shifted.shape[1:]), np.uint8)
        pixels[:num_rows] = shifted
    return np.ascontiguousarray(pixels)


def _shift_rows(pixels: np.ndarray, offsets: np.ndarray, max_offset: int) -> np.ndarray:
    """Row i of (H, W, ...) moved right by m + offsets[i] within W + 2 m pixels, with zeros around it."""
    height, width = pixels.shape[:2]
    padded = np.zeros((height, width + 4 * max_offset, *pixels.shape[2:]), np.uint8)
    padded[:, 2 * max_offset : 2 * max_offset + width] = pixels
    windows = sliding_window_view(padded, width + 2 * max_offset, axis=1)  # (H, 2 m + 1, ..., W + 2 m)
    shifted = windows[np.arange(height), max_offset - offsets]
    return np.moveaxis(shifted, -1, 1)


def _offsets(distortion: Distortion, count: int, max_offset: int, rng: Random) -> np.ndarray:
    if distortion == "random":
        return _random_integers(max_offset, count, rng)
    period_table = round_up(count, 1024)
    return _wave(distortion, period_table, max_offset)[:count]


@lru_cache(maxsize=64)
def _wave(distortion: Distortion, count: int, max_offset: int) -> np.ndarray:
    """Offsets of `count` columns, computed exactly as trdg does: int() cuts, so the last bit of math.sin matters."""
    function = _WAVES[distortion]
    return np.array([int(function(math.radians(i)) * max_offset) for i in range(count)])


def _random_integers(highest: int, count: int, rng: Random) -> np.ndarray:
    """The next `count` values of rng.randint(0, highest); `rng` ends in the same state as after those calls.

    randint takes the top bits of a 32-bit word, and tries again while they exceed `highest`. getrandbits(32 n) returns
    n such words in one call, the first one in the lowest bits. `count` words never give more than `count` values, so
    no word is drawn that randint would not draw.
    """
    bits = (highest + 1).bit_length()
    values = np.empty(0, np.int64)
    while missing := count - len(values):
        words = np.frombuffer(rng.getrandbits(32 * missing).to_bytes(4 * missing, "little"), "<u4")
        drawn = (words >> (32 - bits)).astype(np.int64)
        values = np.concatenate([values, drawn[drawn <= highest]])
    return values
