"""Images in, text and confidence out: the reader that a training leaves behind, whatever runs its network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ocrlib.batches.padding import blank_images, padded_width
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.network.open import Network, keras_network, open_network
from ocrlib.paper import has_ink
from ocrlib.pictures import cut_line_image
from ocrlib.reading.decoding import beam_decode, best_paths, text_probability

if TYPE_CHECKING:
    import keras

BATCH_PIXELS = 64 * 160  # of width, all lines of a batch together


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What stands in a line.

    Attributes:
      text: in the characters of the reader's charset.
      confidence: the probability of the text, 0 to 1, all its CTC paths added up.
      characters: the confidence of each character of the text, 0 to 1; None with a beam, which keeps no path.
      look: of the picture that it stood on, if that does not look like one line; one of the names in `looks`.
    """

    text: str
    confidence: float
    characters: tuple[float, ...] | None
    look: str | None = None


class Recognizer:
    """Reads lines with a network.

    Args:
      network: as `network.open.open_network` returns.
      beam_width: how many beginnings of a text the search keeps; 1 takes the best path. See `decoding.beam_decode`.
    """

    def __init__(self, network: Network, beam_width: int = 1) -> None:
        self._network = network
        self._beam_width = beam_width
        self.charset, self.height, self.channels = network.charset, network.height, network.channels
        self.margins = network.margins

    @classmethod
    def load(cls, model: str, beam_width: int = 1) -> "Recognizer":
        """Returns the reader in a run folder, a `.keras` file, an `.onnx` file, or that is shipped by that name.

        Raises:
          UserError: there is none, or it is not one of ours.
        """
        return cls(open_network(model), beam_width)

    @classmethod
    def of_keras(cls, network: "keras.Model", charset: Charset) -> "Recognizer":
        """Returns a reader with a network of `crnn.build_crnn`, which may go on learning meanwhile."""
        return cls(keras_network(network, charset))

    def read(self, pictures: Sequence[np.ndarray | Image.Image]) -> list[Reading]:
        """Returns what stands in each picture of a line, in their order.

        Args:
          pictures: of any kind and size, as for `pictures.cut_line_image`.

        Raises:
          UserError: an array that is no picture.
        """
        lines = [cut_line_image(picture, self.height, self.channels, self.margins) for picture in pictures]
        readings = self.read_lines([line for line, _ in lines])
        return [replace(reading, look=look) for reading, (_, look) in zip(readings, lines, strict=True)]

    def read_lines(self, images: Sequence[np.ndarray]) -> list[Reading]:
        """Returns what stands in each line, in their order.

        Args:
          images: (height, W, channels) uint8 each, as `pictures.line_image` makes them; any widths.
        """
        readings: list[Reading | None] = [None] * len(images)
        for rows in _batches_by_width([image.shape[1] for image in images]):
            width = padded_width(max(images[row].shape[1] for row in rows))
            batch = blank_images(len(rows), self.height, width, self.channels)
            for i, row in enumerate(rows):
                batch[i, :, : images[row].shape[1]] = images[row]
            widths = np.array([images[row].shape[1] for row in rows], np.int32)
            for row, reading in zip(rows, self.read_batch(batch, widths), strict=True):
                readings[row] = reading
        return [reading for reading in readings if reading is not None]

    def read_batch(self, image: np.ndarray, width: np.ndarray) -> list[Reading]:
        """Returns what stands in a padded batch: image (B, H, W, C) uint8, width (B,) int32."""
        probs = self._network.run(image, width)
        steps = time_steps(width, self._network.width_stride)
        if self._beam_width > 1:
            classes, confidence = beam_decode(probs, steps, self._beam_width)
            characters: list[tuple[float, ...] | None] = [None] * len(classes)
        else:
            best = best_paths(probs, steps)
            classes, confidence = best.classes, text_probability(probs, steps, best.classes)
            characters = [tuple(row) for row in best.characters]
        readings = [
            Reading(text=self.charset.decode(line), confidence=float(c), characters=each)
            for line, c, each in zip(classes, confidence, characters, strict=True)
        ]
        return [_tidied(reading, image[row, :, : width[row]]) for row, reading in enumerate(readings)]


def _tidied(reading: Reading, image: np.ndarray) -> Reading:
    """A reading without spaces at its ends, which no picture shows; without trust if it is empty and there is ink."""
    text = reading.text.strip(" ")
    if not text:
        return replace(
            reading,
            text="",
            characters=None if reading.characters is None else (),
            confidence=0.0 if has_ink(image) else reading.confidence,
        )
    if len(text) == len(reading.text):
        return reading
    start = len(reading.text) - len(reading.text.lstrip(" "))
    characters = None if reading.characters is None else reading.characters[start : start + len(text)]
    return replace(reading, text=text, characters=characters)


def _batches_by_width(widths: Sequence[int]) -> Iterator[list[int]]:
    """Yields rows of like width, so many that their area stays about the same."""
    rows: list[int] = []
    for row in sorted(range(len(widths)), key=lambda row: widths[row]):
        if rows and (len(rows) + 1) * widths[row] > BATCH_PIXELS:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows
