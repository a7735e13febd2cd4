"""From the end of a line to its beginning: what is still to come, for each state that a path can be in.

With sums this is the total probability of the texts of a language. With the largest in place of the sum over the next
character it is a bound on the probability of the best of them, which guides the search.

Letters: B samples, T time steps, C classes, Q, S as in `automaton`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrlib.reading.decoding.automaton import CTCStates

Array = Any  # numpy's types for operations on whole arrays are of little help


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbers:
    """How probabilities are held: as they are, or as logarithms where they would fall below the smallest number.

    Attributes:
      zero, one: the probabilities 0 and 1.
      times, plus: numpy's functions for them.
    """

    zero: float
    one: float
    times: Callable[..., Array]
    plus: Any


PLAIN = Numbers(zero=0.0, one=1.0, times=np.multiply, plus=np.add)
LOGS = Numbers(zero=-np.inf, one=0.0, times=np.add, plus=np.logaddexp)


def language_probability(ctc: CTCStates, probs: np.ndarray, numbers: Numbers) -> np.ndarray:
    """Returns the total probability of the automaton's texts, all paths of each: (B,).

    Args:
      probs: (T, C, B) in `numbers`; beyond the end of a sample its steps are sure blanks.
    """
    return _run(ctc, probs, numbers, numbers.plus, None)[0]


def best_text_bounds(ctc: CTCStates, probs: np.ndarray, numbers: Numbers) -> np.ndarray:
    """Returns for each time step and character state no less than what a text can gain that begins the character there.

    The paths of one text all have the same next character, whenever they get to it. So the largest of the next
    characters, not their sum, bounds what a text can still collect, and the text's own paths still add up.

    Args:
      probs: as for `language_probability`.

    Returns:
      (B, T, S) in `numbers`; entry t is the probability of the character at step t and all that follows.
    """
    bounds = np.empty((len(probs), ctc.num_states, probs.shape[2]))
    _run(ctc, probs, numbers, np.maximum, bounds)
    return np.ascontiguousarray(bounds.transpose(2, 0, 1))


def _run(ctc: CTCStates, probs: np.ndarray, numbers: Numbers, choose: Any, kept: np.ndarray | None) -> np.ndarray:
    """The blank states (Q, B) before the first time step; `kept` (T, S, B) gets `there` of each."""
    num_states, num_samples = ctc.automaton.num_states, probs.shape[2]
    accepting = np.where(ctc.automaton.accepting, numbers.one, numbers.zero)
    blank = np.repeat(accepting[:, None], num_samples, axis=1)  # (Q, B)
    characters = blank[ctc.state]  # (S, B)
    # The value of being in a character state after a step, entered by it or before; and, in row S, in none.
    there = np.full((ctc.num_states + 1, num_samples), numbers.zero)
    # What follows on a blank state, and after these on a state whose next character is not that of an edge.
    follows = np.empty((num_states + sum(fan.rows.size * fan.entered.shape[1] for fan in ctc.fans), num_samples))
    for step in range(len(probs), 0, -1):
        emitted = probs[step - 1]  # (C, B)
        numbers.times(characters, emitted.take(ctc.classes, axis=0), out=there[:-1])
        if kept is not None:
            kept[step - 1] = there[:-1]
        waits = numbers.times(blank, emitted[-1])  # (Q, B)
        follows[:num_states] = waits
        start = num_states
        for fan in ctc.fans:
            edges = there.take(fan.entered, axis=0)  # (N, D, B)
            follows[fan.states] = numbers.plus(waits[fan.states], _choice(edges, choose))
            if len(fan.rows) < len(edges):
                edges = edges[fan.rows]
            others = follows[start : start + edges.shape[0] * edges.shape[1]].reshape(edges.shape)  # a view
            numbers.plus(
                _choice_of_others(edges, choose, numbers.zero), waits[fan.states[fan.rows]][:, None], out=others
            )
            start += edges.shape[0] * edges.shape[1]
        blank = follows[:num_states].copy()
        np.take(follows, ctc.goes_on, axis=0, out=characters, mode="clip")  # "raise" would make a copy first
        numbers.plus(characters, there[:-1], out=characters)
    return blank


def _choice(edges: np.ndarray, choose: Any) -> np.ndarray:
    """(N, D, B) -> (N, B): over all edges of each state."""
    if choose is np.add:  # as a product of matrices, which is four times as fast
        return (np.ones((1, edges.shape[1])) @ edges)[:, 0]
    return choose.reduce(edges, axis=1)


def _choice_of_others(edges: np.ndarray, choose: Any, zero: float) -> np.ndarray:
    """(M, D, B) -> (M, D, B): for each edge over all the others of its state.

    The sum less the edge's own would do, were it not for the digits that cancel.
    """
    if choose is np.add:
        return (1.0 - np.eye(edges.shape[1])) @ edges
    if choose is np.maximum:
        largest = edges.max(axis=1, keepdims=True, initial=zero)
        is_largest = edges == largest
        second = np.where(is_largest, zero, edges).max(axis=1, keepdims=True, initial=zero)
        second = np.where(is_largest.sum(axis=1, keepdims=True) > 1, largest, second)
        return np.where(is_largest, second, largest)
    others = np.full_like(edges, zero)
    for order in (range(edges.shape[1]), range(edges.shape[1] - 1, -1, -1)):  # all before an edge, all behind it
        so_far = np.full_like(edges[:, 0], zero)
        for edge in order:
            others[:, edge] = choose(others[:, edge], so_far)
            so_far = choose(so_far, edges[:, edge])
    return others
