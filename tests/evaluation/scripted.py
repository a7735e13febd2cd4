"""A reader with prepared answers, for tests that need no trained one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from ocrlib.dataset.sample import Sample
from ocrlib.pictures.opening import cut_line_image
from ocrlib.pictures.paper import MARGINS
from tests.training_fixtures import draw_line, make_samples


class ScriptedReader:
    """Reads lines of `draw_line`.

    Args:
      script: {the text of a line: (what is read, confidence)}; other lines are read correctly, with confidence 0.9.

    Attributes:
      sizes: of the batches that it was given.
    """

    height, channels, margins = 32, 1, MARGINS

    def __init__(self, truths: Sequence[str], script: Mapping[str, tuple[str, float]]) -> None:
        self._said = {}
        for truth in truths:  # as it stands in a dataset, and as it is read from a picture
            for image in (draw_line(truth), cut_line_image(draw_line(truth), 32, 1)):
                self._said[image.tobytes()] = script.get(truth, (truth, 0.9))
        self.sizes: list[int] = []

    def read_batch(self, image: np.ndarray, width: np.ndarray) -> list[SimpleNamespace]:
        return self.read_lines([line[:, :w] for line, w in zip(image, width, strict=True)])

    def read_lines(self, images: Sequence[np.ndarray]) -> list[SimpleNamespace]:
        self.sizes.append(len(images))
        said = [self._said[np.ascontiguousarray(image[:, :, 0]).tobytes()] for image in images]
        return [SimpleNamespace(text=text, confidence=confidence, sureness=confidence) for text, confidence in said]


def samples_made(split: str, lines: Sequence[tuple[str, dict[str, object]]]) -> list[Sample]:
    """Samples of texts, each with a provenance that differs from the plain one as told."""
    samples = make_samples(split, [text for text, _ in lines])
    return [replace(s, provenance=s.provenance | made) for s, (_, made) in zip(samples, lines, strict=True)]
