"""Stock trdg, made to run on today's Pillow: the reference that `line.py` must equal byte for byte.

Nothing in a dataset's making calls this module; tests and benchmarks do. It is the only one that
imports trdg, so that a worker which merely draws never pays for that import.

What is changed in trdg, all of it inside trdg's own modules, nothing in Pillow, numpy or os:
  * `get_text_height` asked for `FreeTypeFont.getsize`, gone since Pillow 10; its second value was the
    bottom of today's `getbbox`. (Bottom minus top would cut the glyphs.)
  * Pictures for backgrounds are picked from `os.listdir`, whose order is the disk's own; here the
    names are sorted, or a seed would mean another picture on another machine.
"""

import contextlib
import io
import os
import random
import sys
from types import SimpleNamespace

import cv2
import numpy as np

from ocrlib.factory.render.options import LineOptions

__all__ = ["background_generator", "distorsion_generator", "stock_line"]  # the first two for the tests

# trdg tries its handwriting module, which tries TensorFlow: 2 s of import become 4 to 20. None in
# sys.modules stops that attempt; it is taken away again below. trdg prints a word about it: swallowed.
_HANDWRITING = "trdg.handwritten_text_generator"
_blocked = _HANDWRITING not in sys.modules
if _blocked:
    sys.modules[_HANDWRITING] = None  # type: ignore[assignment]
try:
    with contextlib.redirect_stdout(io.StringIO()):
        from trdg import background_generator, computer_text_generator, distorsion_generator
        from trdg.data_generator import FakeTextDataGenerator
finally:
    if _blocked:
        del sys.modules[_HANDWRITING]

computer_text_generator.get_text_height = lambda image_font, text: image_font.getbbox(text)[3]
background_generator.os = SimpleNamespace(path=os.path, listdir=lambda folder: sorted(os.listdir(folder)))


def stock_line(text: str, font_path: str, options: LineOptions, seed: int) -> np.ndarray | None:
    """What stock `FakeTextDataGenerator.generate` draws, every source of chance set from `seed`.

    Args:
      text: the line to draw.
      font_path: a TrueType or OpenType file.
      options: how to draw it.
      seed: at least 0; OpenCV and numpy get its low 31 bits. The global states of `random` and numpy
        are put back afterwards; OpenCV's cannot be read, so it stays as the drawing left it.

    Returns:
      (H, W) uint8 with one channel, (H, W, 3) with three; None where trdg gave up without a word: text and
      background look alike to it, or it could not even compare them.

    Raises:
      Exception: whatever trdg lets through, of any type.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed & 0x7FFFFFFF)
    cv2.setRNGSeed(seed & 0x7FFFFFFF)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its opinion of the contrast
            image = FakeTextDataGenerator.generate(
                index=0,
                text=text,
                font=font_path,
                out_dir=None,  # return the picture
                size=options.height,
                extension="png",
                skewing_angle=options.skew_deg,
                random_skew=options.random_skew,
                blur=options.blur,
                random_blur=options.random_blur,
                background_type=options.background,
                distorsion_type=options.distortion,
                distorsion_orientation=options.distortion_axis,
                is_handwritten=False,
                name_format=0,
                width=options.width,
                alignment=options.alignment,
                text_color=options.text_color,
                orientation=0,
                space_width=options.space_width,
                character_spacing=options.character_spacing,
                margins=options.margins,
                fit=options.fit,
                output_mask=0,
                word_split=options.word_split,
                image_dir=options.image_dir,
                stroke_width=options.stroke_width,
                stroke_fill=options.stroke_fill,
                image_mode={1: "L", 3: "RGB"}[options.channels],
            )
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
    return None if image is None else np.asarray(image)
