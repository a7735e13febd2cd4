"""Connectionist temporal classification: the loss's conventions and the way from probabilities to text.

The network looks at a line through T narrow windows from left to right, the *time steps*, and says for each
which of C classes it sees. Nobody tells it where a character begins: a label of L characters could be
written into T steps in many ways (*paths*), and CTC adds up the probabilities of all of them. A path becomes
a text by two rules, in this order:
  1. neighbours that are equal become one:  8 8 - 8 7 7  ->  8 - 8 7
  2. blanks (-) are dropped:                8 - 8 7      ->  8 8 7
Because of rule 1 a doubled character needs a blank in between, hence `ctc.ctc_steps`.
The other order of the rules loses doubled digits, the classic bug.

Letters: B samples, T time steps, C classes, L the longest label. Class C - 1 is the blank, everywhere.
Source: Graves, Fernandez, Gomez, Schmidhuber 2006, "Connectionist Temporal Classification", ICML.
"""

from dataclasses import dataclass

import numpy as np

# Time steps after which alpha is scaled. It is never smaller than the text's probability, so that in so few steps
# nothing is lost that would not be 0 in the end.
_SCALED = 8


@dataclass(frozen=True, kw_only=True)
class BestPaths:
    """What the most probable path of each of B samples says.

    Attributes:
      classes: B lists of class indices, repeats collapsed and blanks dropped.
      characters: B lists beside those of `classes`: the probability of each character at the most certain of
        the time steps that were collapsed into it.
    """

    classes: list[list[int]]
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
    return BestPaths(
        classes=[classes[start:stop] for start, stop in spans],
        characters=[characters[start:stop] for start, stop in spans],
    )


def text_probability(probs: np.ndarray, input_length: np.ndarray, classes: list[list[int]]) -> np.ndarray:
    """Returns the probability of a text for each sample, all its paths added up: the forward recursion of CTC.

    One path, be it the best, is a small part of a text that the network is sure of: where a character begins is
    always in some doubt, and that doubt is not about the text.

    Args:
      probs, input_length: as for `best_paths`.
      classes: B lists of class indices, blanks not among them.

    Returns:
      (B,) float64 in [0, 1].

    Source: Graves et al. 2006, section 4.1; alpha scaled as in Rabiner 1989, but not at each time step.
    """
    num_samples, num_steps = probs.shape[:2]
    blank = probs.shape[2] - 1
    lengths = np.array([len(text) for text in classes], int)
    if not num_samples or not num_steps:
        return np.where(lengths == 0, 1.0, 0.0)
    # The states of a path: the characters, with a blank before, between and behind them.
    states = np.full((num_samples, 2 * int(lengths.max()) + 1), blank)  # (B, S)
    for row, text in zip(states, classes, strict=True):
        row[1 : 2 * len(text) : 2] = text
    # 1 where a path may skip the blank before a character, as it may not where that parts a doubled one.
    may_skip = ((states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])).astype(np.float64)
    first = np.arange(num_samples)[:, None] * probs.shape[2] * num_steps + states  # where in `probs` step 0 of it lies
    emitted = probs.ravel().take(first + np.arange(num_steps)[:, None, None] * probs.shape[2])  # (T, B, S)
    emitted *= np.arange(states.shape[1]) <= 2 * lengths[:, None]  # not the states that only longer texts have
    alpha = np.zeros(states.shape)
    alpha[:, :2] = emitted[0, :, :2]
    log_scale, shortest = np.zeros(num_samples), int(np.min(input_length))
    for step in range(1, num_steps):
        moved = alpha.copy()
        moved[:, 1:] += alpha[:, :-1]
        moved[:, 2:] += may_skip * alpha[:, :-2]
        moved *= emitted[step]
        alpha = moved if step < shortest else np.where((step < input_length)[:, None], moved, alpha)
        if step % _SCALED == 0:
            scale = np.maximum(alpha.sum(axis=1), 1e-300)
            alpha /= scale[:, None]
            log_scale += np.log(scale)
    # A path ends in the last character or in the blank behind it.
    rows = np.arange(num_samples)
    ended = alpha[rows, 2 * lengths] + np.where(lengths > 0, alpha[rows, np.maximum(2 * lengths - 1, 0)], 0.0)
    return np.where(np.asarray(input_length) > 0, np.minimum(np.exp(log_scale) * ended, 1.0), lengths == 0)


def certainties(probs: np.ndarray, classes: list[int]) -> list[float]:
    """Returns the probability of each character of a text at the most certain of its time steps.

    A character's steps are those of the most probable of the text's paths.

    Args:
      probs: (T, C) of one line, softmax over C.
      classes: of the text, which must have a path.
    """
    blank = probs.shape[1] - 1
    states = np.full(2 * len(classes) + 1, blank)
    states[1::2] = classes
    skip = np.full(len(states), -np.inf)
    skip[2:][(states[2:] != blank) & (states[2:] != states[:-2])] = 0.0
    with np.errstate(divide="ignore"):
        emitted = np.log(probs[:, states].astype(np.float64))  # (T, S)
    # What the best path up to each state has, behind two states that no path comes from.
    best = np.full((len(probs), len(states) + 2), -np.inf)
    best[0, 2:4] = emitted[0, :2]
    for before, now, here in zip(best, best[1:], emitted[1:], strict=False):
        np.maximum(before[2:], before[1:-1], out=now[2:])
        np.maximum(now[2:], before[:-2] + skip, out=now[2:])
        now[2:] += here
    state = len(states) - 1  # a path ends there, or in the last character
    if len(classes) and best[-1, -2] > best[-1, -1]:
        state -= 1
    highest = [0.0] * len(classes)
    for step in range(len(probs) - 1, -1, -1):
        if state % 2:
            highest[state // 2] = max(highest[state // 2], float(probs[step, states[state]]))
        if step:
            skipping, beside, staying = best[step - 1, state : state + 3].tolist()
            came_from = [staying, beside, skipping + skip[state]]
            state -= came_from.index(max(came_from))
    return highest
