"""A picture of lines, each with its truth and what was read; wrong characters are red."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocrlib.evaluation.metrics import wrong_positions
from ocrlib.output import shown
from ocrlib.private import matplotlib_fonts

_FONT_PX, _CAPTION_PX = 14, 11
_TEXT_ROW_PX, _CAPTION_ROW_PX = 17, 14
_EDGE_PX = 10
MOST_DRAWN = 500  # characters of a text: a truth of 64 KB would make a picture of half a million pixels
_TRUTH_LABEL, _READ_LABEL = "is     ", "read   "
_MISSING = "▁"  # shows that characters at the end were not read


def draw_strip(
    images: Sequence[np.ndarray], truths: Sequence[str], predictions: Sequence[str], captions: Sequence[str] = ()
) -> Image.Image:
    """Returns a picture of lines, one below the other, each with its truth and its prediction.

    Args:
      images: (H, W, 1) or (H, W, 3) uint8, at least one.
      truths, predictions: one for each image.
      captions: one for each image, written small below it; or empty.
    """
    font, small = _label_font(_FONT_PX), _label_font(_CAPTION_PX)
    row_height = max(image.shape[0] for image in images) + 44 + (_CAPTION_ROW_PX if captions else 0)
    strip = Image.new("RGB", (strip_width(images, truths, predictions, captions), row_height * len(images)), "white")
    draw = ImageDraw.Draw(strip)
    for row, (image, truth, prediction) in enumerate(zip(images, truths, predictions, strict=True)):
        y = row * row_height + 4
        strip.paste(Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image), (_EDGE_PX, y))
        y += image.shape[0]
        draw.text((_EDGE_PX, y), _TRUTH_LABEL + drawable(truth), font=font, fill="gray")
        y += _TEXT_ROW_PX
        draw.text((_EDGE_PX, y), _READ_LABEL.rstrip(), font=font, fill="gray")
        x = _EDGE_PX + font.getlength(_READ_LABEL)
        wrong = wrong_positions(truth, prediction)
        for i, character in enumerate(prediction[:MOST_DRAWN] + (_MISSING if len(prediction) in wrong else "")):
            draw.text((x, y), shown(character), font=font, fill="red" if i in wrong else "black")
            x += font.getlength(shown(character))
        if captions:
            draw.text((_EDGE_PX, y + _TEXT_ROW_PX), drawable(captions[row]), font=small, fill="gray")
    return strip


def strip_width(
    images: Sequence[np.ndarray], truths: Sequence[str], predictions: Sequence[str], captions: Sequence[str] = ()
) -> int:
    """Returns the width in pixels of what `draw_strip` would return."""
    font, small = _label_font(_FONT_PX), _label_font(_CAPTION_PX)
    widths = [image.shape[1] for image in images] + [int(small.getlength(drawable(caption))) for caption in captions]
    texts = [_READ_LABEL + drawable(text) + _MISSING for text in [*truths, *predictions]]
    return max(widths + [int(font.getlength(text)) for text in texts]) + 2 * _EDGE_PX


def drawable(text: str) -> str:
    """Returns a text as it can be drawn: its first characters, and what cannot be shown as Python writes it."""
    return shown(text[:MOST_DRAWN])


def _label_font(size_px: int) -> ImageFont.FreeTypeFont:
    # Basic: the other way to lay letters out raises where a text mixes directions in a way that it cannot follow.
    path = str(matplotlib_fonts() / "DejaVuSansMono.ttf")
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
