"""Connectionist temporal classification: the loss's conventions and the way from probabilities to text.

The network looks at a line through T narrow windows from left to right, the *time steps*, and says for each
which of C classes it sees. Nobody tells it where a character begins: a label of L characters could be
written into T steps in many ways (*paths*), and CTC adds up the probabilities of all of them. A path becomes
a text by two rules, in this order:
  1. neighbours that are equal become one:  8 8 - 8 7 7  ->  8 - 8 7
  2. blanks (-) are dropped:                8 - 8 7      ->  8 8 7
Because of rule 1 a doubled character needs a blank in between, hence `charset.ctc_steps`.
The other order of the rules loses doubled digits, the classic bug.

Letters: B samples, T time steps, C classes, L the longest label. Class C - 1 is the blank, everywhere.
Source: Graves, Fernandez, Gomez, Schmidhuber 2006, "Connectionist Temporal Classification", ICML.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class BestPaths:
    """What the most probable path of each of B samples says.

    Attributes:
      classes: B lists of class indices, repeats collapsed and blanks dropped.
      confidence: (B,) float64 in (0, 1], the probability of the path: a lower bound of the text's own, which
        has other paths as well.
      characters: B lists beside those of `classes`: the probability of each character at the most certain of
        the time steps that were collapsed into it.
    """

    classes: list[list[int]]
    confidence: np.ndarray
    characters: list[list[float]]


def best_paths(probs: np.ndarray, input_length: np.ndarray) -> BestPaths:
    """Returns the best path of each sample, read by the two rules.

    Args:
      probs: (B, T, C) float32, softmax over C; class C - 1 is the blank.
      input_length: (B,) int32, time steps that belong to the sample; the rest is padding.

    Raises:
      ValueError: if an input_length exceeds T.

    Source: Graves et al. 2006, section 3.2.
    """
    num_steps, blank = probs.shape[1], probs.shape[2] - 1
    if len(input_length) and int(np.max(input_length)) > num_steps:
        raise ValueError(f"input_length {int(np.max(input_length))} exceeds the {num_steps} time steps there are")
    inside = np.arange(num_steps) < np.asarray(input_length)[:, None]  # (B, T)
    best = np.where(inside, probs.argmax(axis=2), blank)  # (B, T)
    peak = probs.max(axis=2)  # (B, T)
    # A run is a stretch of equal steps within a sample; those of characters are what is read.
    starts = np.ones(best.shape, bool)
    starts[:, 1:] = best[:, 1:] != best[:, :-1]
    highest = np.maximum.reduceat(peak.ravel(), np.flatnonzero(starts)) if best.size else np.zeros(0, np.float32)
    is_character = best[starts] != blank
    classes = best[starts][is_character].tolist()
    characters = highest[is_character].tolist()
    ends = np.cumsum((starts & (best != blank)).sum(axis=1)).tolist()
    spans = list(zip([0, *ends], ends, strict=False))
    log_probs = np.log(np.maximum(peak, 1e-30, dtype=np.float64))
    return BestPaths(
        classes=[classes[start:stop] for start, stop in spans],
        confidence=np.exp(np.where(inside, log_probs, 0.0).sum(axis=1)),
        characters=[characters[start:stop] for start, stop in spans],
    )


def greedy_decode(probs: np.ndarray, input_length: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
    """Returns the classes and the confidence of the `best_paths` alone."""
    best = best_paths(probs, input_length)
    return best.classes, best.confidence


def beam_decode(probs: np.ndarray, input_length: np.ndarray, beam_width: int) -> tuple[list[list[int]], np.ndarray]:
    """Returns the most probable text of each sample, its paths added up, and its probability.

    Of all beginnings of texts the `beam_width` most probable ones are kept at each time step. A text whose
    probability is spread over many paths can win against the one that has the single best path.

    Args:
      probs, input_length: as for `best_paths`.
      beam_width: at least 1.

    Returns:
      B lists of class indices; (B,) float64, the probability of the text in (0, 1], of the paths that were kept.

    Raises:
      ValueError: if an input_length exceeds T.

    Source: Graves 2012, "Sequence Transduction with Recurrent Neural Networks", algorithm 1; TensorFlow's kernel.
    """
    from ocrlib.backend import tf  # here: whoever decodes greedily does without TensorFlow

    num_samples, num_steps = probs.shape[:2]
    if num_samples == 0:
        return [], np.zeros(0)
    if int(np.max(input_length)) > num_steps:
        raise ValueError(f"input_length {int(np.max(input_length))} exceeds the {num_steps} time steps there are")
    logits = np.log(np.maximum(probs, 1e-30)).transpose(1, 0, 2)  # (T, B, C)
    (decoded,), log_probs = tf.nn.ctc_beam_search_decoder(logits, np.asarray(input_length, np.int32), beam_width, 1)
    classes: list[list[int]] = [[] for _ in range(num_samples)]
    for (row, _), value in zip(decoded.indices.numpy().tolist(), decoded.values.numpy().tolist(), strict=True):
        classes[row].append(value)
    return classes, np.exp(log_probs.numpy()[:, 0].astype(np.float64))
