"""Images in, text and confidence out: the reader that a training leaves behind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocrlib import crnn  # registers the layers that a saved network is made of
from ocrlib.backend import keras, tf
from ocrlib.buckets import WIDTH_MULTIPLE
from ocrlib.charset import Charset
from ocrlib.ctc import greedy_decode
from ocrlib.errors import UserError
from ocrlib.loader import PAPER

BATCH_PIXELS = 64 * 160  # of width, all lines of a batch together


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What stands in a line. confidence is the probability of the best CTC path, 0 to 1."""

    text: str
    confidence: float


class Recognizer:
    """A network and its charset.

    Args:
      network: as `crnn.build_crnn` returns, trained.
      charset: the characters of its classes.
    """

    def __init__(self, network: keras.Model, charset: Charset) -> None:
        self.charset = charset
        image = next(tensor for tensor in network.inputs if tensor.name == "image")
        _, self.height, _, self.channels = image.shape
        signature = {
            "image": tf.TensorSpec((None, self.height, None, self.channels), tf.uint8),
            "width": tf.TensorSpec((None,), tf.int32),
        }
        # One graph for all shapes; without the signature each new width would be traced anew.
        self._run = tf.function(
            lambda inputs: network(inputs, training=False), input_signature=[signature], autograph=False
        )

    @classmethod
    def load(cls, model: str) -> "Recognizer":
        """Returns the reader in a run folder or a `.keras` file.

        Raises:
          UserError: there is none, or it is not one of ours.
        """
        path = Path(model)
        if path.is_dir():
            if not (path / "best.keras").exists():
                raise UserError(
                    f"{path}: expected a run folder with best.keras in it; has the training ended an epoch?"
                )
            path = path / "best.keras"
        if not path.is_file():
            raise UserError(f"{model}: no such run folder or .keras file")
        try:
            network = keras.saving.load_model(path, compile=False)
            charset = Charset(network.get_layer("characters").charset)
        except (ValueError, OSError, AttributeError, TypeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"{path}: is not a network of ocrlib's: {reason}") from None
        return cls(network, charset)

    def read(self, images: Sequence[np.ndarray]) -> list[Reading]:
        """Returns what stands in each image, in their order.

        Args:
          images: (height, W, channels) uint8 each, as `pictures.read_line_image` makes them; any widths.
        """
        readings: list[Reading | None] = [None] * len(images)
        for rows in _batches_by_width([image.shape[1] for image in images]):
            width = -(-max(images[row].shape[1] for row in rows) // WIDTH_MULTIPLE) * WIDTH_MULTIPLE
            batch = np.full((len(rows), self.height, width, self.channels), PAPER, np.uint8)
            for i, row in enumerate(rows):
                batch[i, :, : images[row].shape[1]] = images[row]
            widths = np.array([images[row].shape[1] for row in rows], np.int32)
            for row, reading in zip(rows, self.read_batch(batch, widths), strict=True):
                readings[row] = reading
        return [reading for reading in readings if reading is not None]

    def read_batch(self, image: np.ndarray, width: np.ndarray) -> list[Reading]:
        """Returns what stands in a padded batch: image (B, H, W, C) uint8, width (B,) int32."""
        probs = self._run({"image": tf.constant(image), "width": tf.constant(width)}).numpy()
        steps = -(-width // crnn.WIDTH_STRIDE)
        paths, confidence = greedy_decode(probs, steps)
        return [
            Reading(text=self.charset.decode(path), confidence=float(c))
            for path, c in zip(paths, confidence, strict=True)
        ]


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
