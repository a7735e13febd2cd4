"""Stock trdg, made to run on today's Pillow: the reference that `line.py` must equal byte for byte.

Only tests and benchmarks use this module. No other module imports trdg, so a worker does not spend time on that
import.

What is changed in trdg, all of it inside trdg's own modules, nothing in Pillow, numpy or os:
  * `get_text_height` asked for `FreeTypeFont.getsize`, gone since Pillow 10; its second value was the
    bottom of today's `getbbox`. (Bottom minus top would cut the glyphs.)
  * Background pictures are picked from `os.listdir`, whose order depends on the disk. Here the names
    are sorted, so that a seed gives the same picture on every machine.
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

# trdg tries to import its handwriting module, which imports TensorFlow: 2 s become 4 to 20 s. None in
# sys.modules prevents that and is removed below. trdg prints a message about it, which is dropped.
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


# trdg gives these kinds by number.
_BACKGROUNDS = {"gaussian_noise": 0, "plain_white": 1, "quasicrystal": 2, "image": 3}
_DISTORTIONS = {"none": 0, "sine": 1, "cosine": 2, "random": 3}
_AXES = {"vertical": 0, "horizontal": 1, "both": 2}
_ALIGNMENTS = {"left": 0, "center": 1, "right": 2}


def stock_line(text: str, font_path: str, options: LineOptions, seed: int) -> np.ndarray | None:
    """What stock `FakeTextDataGenerator.generate` draws, with every random generator seeded from `seed`.

    Args:
      text: the line to draw.
      font_path: a TrueType or OpenType file.
      options: how to draw it.
      seed: at least 0; OpenCV and numpy get its low 31 bits. The global states of `random` and numpy
        are put back afterwards; OpenCV's cannot be read, so it stays as the drawing left it.

    Returns:
      (H, W) uint8 with one channel, (H, W, 3) with three; None where trdg silently gave up: it found
      text and background too similar, or could not compare them.

    Raises:
      Exception: of any type, as trdg raises it.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed & 0x7FFFFFFF)
    cv2.setRNGSeed(seed & 0x7FFFFFFF)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # trdg prints messages about the contrast
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
                background_type=_BACKGROUNDS[options.background],
                distorsion_type=_DISTORTIONS[options.distortion],
                distorsion_orientation=_AXES[options.distortion_axis],
                is_handwritten=False,
                name_format=0,
                width=options.width,
                alignment=_ALIGNMENTS[options.alignment],
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
