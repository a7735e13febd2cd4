"""Before an export is written: does it answer as the Keras model does?

On blocks of ink of many widths the probabilities must agree; on drawn lines the text must, where the form of the file
lets probabilities differ a little (scaled pictures, weights of 8 bits).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocrlib.ctc import time_steps
from ocrlib.network.open import Network
from ocrlib.rounding import ceil_div

NUM_DRAWN = 24


def largest_difference(expected: Network, written: Network, out: Path, most_px: int | None = None) -> float:
    """Returns the largest difference of a probability between two networks on a few lines.

    Args:
      most_px: of a line's width; wider ones are left out.

    Raises:
      FloatingPointError: the shapes of the answers differ.
    """
    worst = 0.0
    for image, width in some_lines(expected.height, expected.channels):
        fits = width <= (most_px or width.max())
        image, width = image[fits], width[fits]
        if not len(width):
            continue
        here, there = expected.run(image, width), written.run(image, width)
        if here.shape != there.shape:
            raise FloatingPointError(f"{out}: not written: gives {there.shape}, the Keras model {here.shape}")
        inside = np.arange(here.shape[1]) < time_steps(width, expected.width_stride)[:, None]  # (B, T)
        difference = float(np.abs(here - there)[inside].max())
        worst = difference if not difference <= worst else worst  # NaN stays
    return worst


def some_lines(height: int, channels: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields batches of black blocks on paper; some of the widths are multiples of the strides, some are not."""
    rng = np.random.RandomState(0)
    for widths, padded in (([97], 97), ([1, 5, 31, 62, 64, 320], 321), ([40, 37, 38, 39], 40)):
        blocks = rng.random_sample((len(widths), ceil_div(height, 4), ceil_div(padded, 4), channels)) < 0.3
        ink = blocks.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :padded]
        inside = np.arange(padded) < np.array(widths)[:, None]
        image = np.where(ink & inside[:, None, :, None], 0, 255)
        yield image.astype(np.uint8), np.array(widths, np.int32)


def agreeing_texts(expected: Network, written: Network, most_px: int, scale: float = 1.0) -> int:
    """Returns how many of NUM_DRAWN drawn lines two networks read the same, by the most probable class of each step.

    Args:
      most_px: of a line's width.
      scale: of the pictures that `written` gets; 1.5 for one that reads lines of 48 pixels as ours of 32.
    """
    agreed = 0
    for number in range(NUM_DRAWN):
        picture = _draw(expected, np.random.RandomState(number), round(expected.height * scale), round(most_px * scale))
        small = picture.resize((max(1, round(picture.width / scale)), expected.height), Image.Resampling.LANCZOS)
        read = []
        for network, line in ((expected, small), (written, picture)):
            pixels = np.asarray(line if network.channels == 3 else line.convert("L"))
            image = pixels.reshape(1, line.height, line.width, network.channels)
            probs = network.run(image, np.array([line.width], np.int32))[0]
            best = probs.argmax(axis=1)[: time_steps(small.width, expected.width_stride)]
            changes = np.flatnonzero(np.diff(best, prepend=-1))
            read.append([int(best[step]) for step in changes if best[step] != expected.charset.blank])
        agreed += read[0] == read[1]
    return agreed


def _draw(network: Network, rng: np.random.RandomState, height: int, most_px: int) -> Image.Image:
    """A line of the network's own characters, in the font that Pillow brings along."""
    font = ImageFont.load_default(size=height * 0.75)
    text = "".join(network.charset.characters[i] for i in rng.randint(0, network.charset.blank, rng.randint(3, 12)))
    while len(text) > 1 and font.getlength(text) > most_px - 8:
        text = text[:-1]
    width = min(most_px, max(8, round(font.getlength(text)) + 8))
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).text((4, height * 0.06), text, font=font, fill="black")
    return picture
