"""What lies to the right of a line in a batch: white paper, up to a width that every stride of a network divides."""

import numpy as np

from ocrlib.rounding import round_up

PAPER = 255  # the value of padding; networks mask it, and a person who looks at a batch sees paper
WIDTH_MULTIPLE = 8  # pixels


def padded_width(width_px: int) -> int:
    """Returns the width of a batch whose widest line has `width_px` pixels."""
    return round_up(width_px, WIDTH_MULTIPLE)


def blank_images(num_lines: int, height: int, width_px: int, channels: int) -> np.ndarray:
    """Returns (B, H, W, C) uint8 of nothing but paper, for lines to be written into from the left."""
    return np.full((num_lines, height, width_px, channels), PAPER, np.uint8)
