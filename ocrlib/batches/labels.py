"""Texts to labels, all texts of a window at once: one by one they would take longer than the rest of the loader."""

import unicodedata

import numpy as np

from ocrlib.charset import Charset


class LabelError(ValueError):
    """A text that cannot be a label; `line` is its index."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def encode_labels(texts: np.ndarray, charset: Charset) -> tuple[np.ndarray, np.ndarray]:
    """Returns the labels of all texts, one after the other, and their offsets.

    Args:
      texts: (N,) str objects; they are normalised to NFC first.
      charset: whose classes the labels consist of.

    Returns:
      (n,) int32 labels and (N + 1,) int64 offsets: the label of text i is labels[offsets[i]:offsets[i + 1]].

    Raises:
      LabelError: a text has characters that the charset lacks.
    """
    joined = "".join(texts)
    if not unicodedata.is_normalized("NFC", joined):  # whose parts then are, too; a text is seldom not
        texts = np.array([unicodedata.normalize("NFC", text) for text in texts], object)
        joined = "".join(texts)
    offsets = np.concatenate([[0], np.cumsum(list(map(len, texts)), dtype=np.int64)])
    code_points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    classes = np.full(max(0x110000 if len(code_points) and code_points.max() > 0xFFFF else 0x10000, 1), -1)
    for index, character in enumerate(charset.characters):
        if ord(character) < len(classes):
            classes[ord(character)] = index
    labels = classes[code_points].astype(np.int32)
    if len(labels) and labels.min() < 0:
        line = int(np.searchsorted(offsets, int(np.argmin(labels)), "right")) - 1
        try:
            charset.encode(texts[line])
        except ValueError as error:
            raise LabelError(line, str(error)) from None
    return labels, offsets


def check_labels(
    texts: np.ndarray, labels: np.ndarray, offsets: np.ndarray, widths: np.ndarray, steps: np.ndarray
) -> None:
    """Checks that CTC can write each label into the time steps that its line has.

    Args:
      texts: (N,) str objects.
      labels, offsets: what `encode_labels` made of them.
      widths: (N,) pixels.
      steps: (N,) time steps that the network has for each line.

    Raises:
      LabelError: an empty label, or one that needs more time steps.
    """
    lengths = np.diff(offsets)
    for line in np.flatnonzero(lengths == 0).tolist():
        raise LabelError(line, "has an empty label")
    # `ctc.ctc_steps` for all lines at once: equal neighbours within a line need a blank, across two lines they do not.
    repeats = np.concatenate([[0], np.cumsum(labels[1:] == labels[:-1]), [0]])
    needed = lengths + repeats[offsets[1:] - 1] - repeats[offsets[:-1]]
    for line in np.flatnonzero(needed > steps).tolist():
        raise LabelError(
            line,
            f"its label {texts[line]!r} needs {needed[line]} time steps, the network has {steps[line]} "
            f"for {widths[line]} pixels; render with a larger px_per_step or height",
        )
