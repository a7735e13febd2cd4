"""Images in, text and confidence out: the reader that a training leaves behind, whatever runs its network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from PIL import Image

from ocrlib.batches.padding import blank_images, padded_width
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.errors import UserError
from ocrlib.network.open import Network, find_ngram, keras_network, open_network
from ocrlib.pictures.opening import cut_and_look
from ocrlib.pictures.paper import has_ink
from ocrlib.reading.decoding.decoder import Decoded, Decoder
from ocrlib.reading.decoding.language import Known, build_language
from ocrlib.reading.decoding.ngram import NGram

if TYPE_CHECKING:
    import keras

BATCH_PIXELS = 64 * 160  # of width, all lines of a batch together
# With less, all texts that a line can be together, it is of another kind: docs/patterns.md has the figures.
LEAST_LANGUAGE = 0.01
OWN, NO_LANGUAGE_MODEL = "auto", "none"  # in place of the file of a language model


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What stands in a line.

    Attributes:
      text: in the characters of the reader's charset; empty also where no text that the line can be was found.
      confidence: 0 to 1, the probability of the text, all its CTC paths added up. Where something is known about the
        line: its share of the probability of all texts that the line can be; where a language model was asked, its
        share among the texts that the search met, by picture and language model together.
      characters: the confidence of each character of the text, 0 to 1; None where texts were searched.
      probability: of the text, whatever is known about the line; None where the best path was taken.
      language: the total probability of all texts that the line can be; None likewise.
      others: (text, probability, confidence) of the next most probable texts.
      is_found: whether there is a text.
      is_proven: whether no other text is more probable; else the work came to its bound first.
      look: of the picture that it stood on, if that does not look like one line; one of the names in `looks`.
      guess: the text that was read, where the confidence is below what was asked for; `text` is empty then, and
        `characters` are those of the guess. Only `Reader` sets it.
    """

    text: str
    confidence: float
    characters: tuple[float, ...] | None
    probability: float | None = None
    language: float | None = None
    others: tuple[tuple[str, float, float], ...] = ()
    is_found: bool = True
    is_proven: bool = True
    look: str | None = None
    guess: str | None = None

    @property
    def is_of_kind(self) -> bool:
        """Whether the line is, as far as the model can tell, one of the texts that it can be."""
        return self.language is None or self.language >= LEAST_LANGUAGE

    @property
    def sureness(self) -> float:
        """What `min_confidence` is compared with: the confidence, but 0 for a line of another kind."""
        return self.confidence if self.is_of_kind else 0.0


class Recognizer:
    """Reads lines with a network.

    Args:
      network: as `network.open.open_network` returns.
      known: what the user knows about the lines.
      num_texts: the most probable ones of each line.
      searches: take the most probable text, not what the best path says, also where nothing is known.
      ngram: a language model, which is asked where nothing is known and one text is wanted.

    Attributes:
      charset, height, channels, patterns: the network's.
      has_ngram: whether there is a language model that is asked.
      known, notes: as given, and what the user should be told about it, a line each.

    Raises:
      UserError: what is known leaves no text, or names characters that the network does not know.
    """

    def __init__(
        self,
        network: Network,
        known: Known | None = None,
        num_texts: int = 1,
        searches: bool = False,
        ngram: NGram | None = None,
    ) -> None:
        self._network = network
        self.charset, self.height, self.channels = network.charset, network.height, network.channels
        self.margins, self.patterns = network.margins, network.patterns
        self.known = known or Known()
        language = None if self.known.is_nothing else build_language(self.known, network.charset, network.patterns)
        self.notes = language.notes if language else ()
        self.has_ngram = ngram is not None
        ngram = None if ngram is None else ngram.for_charset(network.charset)
        self._decoder = Decoder(network.charset, language, num_texts, searches, ngram=ngram)

    @classmethod
    def load(
        cls,
        model: str,
        known: Known | None = None,
        num_texts: int = 1,
        searches: bool = False,
        trust: bool = False,
        language_model: str = OWN,
    ) -> Self:
        """Returns the reader in a run folder, a `.keras` file, an `.onnx` file, or that is shipped by that name.

        Args:
          trust: import the module of a network that a user built.
          language_model: a file; `auto` for the one that belongs to the model, if there is one; `none`.

        Raises:
          UserError: there is none, or it is not one of ours; a language model where it is not used; or as above.
        """
        is_unused = searches or num_texts > 1 or not (known is None or known.is_nothing)
        if is_unused and language_model not in (OWN, NO_LANGUAGE_MODEL):
            raise UserError(
                "language model: is not used where a pattern, lexicon, charset or check is given, nor for several "
                "texts (nbest) or the exact search (search, --beam); leave out one or the other"
            )
        network = open_network(model, trust)
        found = find_ngram(model) if language_model == OWN else Path(language_model)
        ngram = None if is_unused or language_model == NO_LANGUAGE_MODEL or found is None else NGram.load(found)
        return cls(network, known, num_texts, searches, ngram)

    @classmethod
    def of_keras(cls, network: "keras.Model", charset: Charset) -> "Recognizer":
        """Returns a reader with a network of `crnn.build_crnn`, which may go on learning meanwhile."""
        return cls(keras_network(network, charset))

    def with_ngram(self, ngram: NGram) -> "Recognizer":
        """Returns a reader with the same network, and a language model besides; raises UserError as above."""
        return Recognizer(self._network, ngram=ngram)

    def read(self, pictures: Sequence[np.ndarray | Image.Image]) -> list[Reading]:
        """Returns what stands in each picture of a line, in their order.

        Args:
          pictures: of any kind and size, as for `pictures.cut_and_look`.

        Raises:
          UserError: an array that does not have the shape or the numbers of a picture.
        """
        lines = [cut_and_look(picture, self.height, self.channels, self.margins) for picture in pictures]
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
        readings = [self._as_reading(decoded) for decoded in self._decoder.decode(probs, steps)]
        if not self.known.is_nothing:
            return readings  # as the user said that the lines are, outer spaces included
        return [_tidied(reading, image[row, :, : width[row]]) for row, reading in enumerate(readings)]

    def _as_reading(self, decoded: Decoded) -> Reading:
        followed = decoded.characters is not None
        return Reading(
            text=self.charset.decode(decoded.classes),
            confidence=decoded.confidence,
            characters=None if decoded.characters is None else tuple(decoded.characters),
            probability=None if followed else decoded.probability,
            language=None if followed else decoded.language,
            others=tuple((self.charset.decode(text), p, confidence) for text, p, confidence in decoded.others),
            is_found=decoded.is_found,
            is_proven=decoded.is_proven,
        )


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
