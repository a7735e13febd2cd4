"""A network ready to run, whatever runs it: what a file becomes, and what a reader asks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ocrlib.charset import Charset
from ocrlib.pictures.paper import MARGINS, Margins


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network ready to run, by Keras or by ONNX Runtime.

    Attributes:
      charset: the characters of classes 0 to C - 2.
      height, channels: of the images.
      width_stride: pixels of width behind one time step.
      margins: of the lines that it learned from.
      run: image (B, H, W, channels) uint8, width (B,) int32 -> (B, T, C) float32, softmax over C, where T is
        W / width_stride rounded up.
      patterns: the regular expressions of the recipes that it was trained on; empty if there were none.
    """

    charset: Charset
    height: int
    channels: int
    width_stride: int
    run: Callable[[np.ndarray, np.ndarray], np.ndarray]
    margins: Margins = MARGINS
    patterns: tuple[str, ...] = ()
