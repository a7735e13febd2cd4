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

import numpy as np


def greedy_decode(probs: np.ndarray, input_length: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
    """Returns the best path of each sample, repeats collapsed and blanks dropped, and its probability.

    Args:
      probs: (B, T, C) float32, softmax over C; class C - 1 is the blank.
      input_length: (B,) int32, time steps that belong to the sample; the rest is padding.

    Returns:
      B lists of class indices, each no longer than its input_length; (B,) float64, the probability of the
      path in (0, 1]: a lower bound of the text's own, which has other paths as well.

    Raises:
      ValueError: if an input_length exceeds T.

    Source: Graves et al. 2006, section 3.2.
    """
    num_steps, blank = probs.shape[1], probs.shape[2] - 1
    if len(input_length) and int(np.max(input_length)) > num_steps:
        raise ValueError(f"input_length {int(np.max(input_length))} exceeds the {num_steps} time steps there are")
    inside = np.arange(num_steps) < np.asarray(input_length)[:, None]  # (B, T)
    best = np.where(inside, probs.argmax(axis=2), blank)  # (B, T)
    # A step counts when it is no blank and differs from the step before it (a blank in between counts as one).
    before = np.concatenate([np.full((len(best), 1), blank), best[:, :-1]], axis=1)
    counts = (best != blank) & (best != before)
    paths = [row[keep].tolist() for row, keep in zip(best, counts, strict=True)]
    log_probs = np.log(np.maximum(probs.max(axis=2), 1e-30, dtype=np.float64))
    return paths, np.exp(np.where(inside, log_probs, 0.0).sum(axis=1))
