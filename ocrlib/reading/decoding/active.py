"""The part of a large automaton that a line can be in, with a certificate: no more than so much is left out.

Most of a million list entries have nothing to do with a line. A pass from the left keeps the states whose probability
is not far below the others' and adds up what it lets go; that sum is the most that all texts through them can have.

Letters: T time steps, C classes, Q, E, S as in `automaton`.
"""

from dataclasses import dataclass

import numpy as np

from ocrlib.reading.decoding.automaton import Automaton, CTCStates

_ROUNDING = 1e-15  # of the larger number: what a subtraction may be wrong by


@dataclass(frozen=True, kw_only=True, eq=False)
class ActivePart:
    """A part of an automaton, and the most that the texts outside it have of a line's probability, together."""

    automaton: Automaton
    left_out: float


def active_part(ctc: CTCStates, probs: np.ndarray, share: float) -> ActivePart:
    """Returns the part of an automaton that a line can be in.

    Args:
      ctc: of the whole automaton.
      probs: (T, C) float64.
      share: of what all states have together at a time step; a state with less is let go.
    """
    automaton, first = ctc.automaton, ctc.automaton.first_edge
    states: np.ndarray = np.zeros(1, np.int64)
    blank: np.ndarray = np.ones(1)  # blank states, and no less than their probabilities
    entered: np.ndarray = np.zeros(0, np.int64)  # character states likewise
    character: np.ndarray = np.zeros(0)
    seen, left_out = [entered], 0.0
    for step in probs:
        here, which = np.unique(np.concatenate([states, ctc.state[entered]]), return_inverse=True)
        total = np.bincount(which, np.concatenate([blank, character]), len(here))
        degrees = first[here + 1] - first[here]
        source = np.repeat(np.arange(len(here)), degrees)  # of each edge out of here, in `here`
        edges = np.arange(len(source)) + np.repeat(first[here] - np.cumsum(degrees) + degrees, degrees)
        # What may take an edge: all that is in its source, but the character state of the same character.
        coming = total[source] - _values_of(ctc.repeated[edges], entered, character)
        coming = np.maximum(coming, _ROUNDING * total[source]) * step[automaton.classes[edges]]
        stays = character * step[ctc.classes[entered]]
        entered, which = np.unique(np.concatenate([entered, ctc.entered[edges]]), return_inverse=True)
        character = np.bincount(which, np.concatenate([stays, coming]), len(entered))
        states, blank = here, total * step[-1]
        least = share * (blank.sum() + character.sum())
        left_out += float(blank[blank < least].sum() + character[character < least].sum())
        states, blank = states[blank >= least], blank[blank >= least]
        entered, character = entered[character >= least], character[character >= least]
        seen.append(entered)
    return ActivePart(automaton=_part(ctc, np.unique(np.concatenate(seen))), left_out=left_out)


def _values_of(wanted: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values of wanted keys, 0 where there is none; keys sorted."""
    if not len(keys):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0.0)


def _part(ctc: CTCStates, entered: np.ndarray) -> Automaton:
    """The automaton of the given character states and the start, with all edges between them."""
    automaton, first = ctc.automaton, ctc.automaton.first_edge
    states = np.unique(np.append(ctc.state[entered], 0))
    degrees = first[states + 1] - first[states]
    edges = np.arange(int(degrees.sum())) + np.repeat(first[states] - np.cumsum(degrees) + degrees, degrees)
    place = np.minimum(np.searchsorted(entered, ctc.entered[edges]), max(0, len(entered) - 1))
    edges = edges[entered[place] == ctc.entered[edges]] if len(entered) else edges[:0]
    return Automaton(
        accepting=automaton.accepting[states],
        source=np.searchsorted(states, automaton.source[edges]),
        classes=automaton.classes[edges],
        target=np.searchsorted(states, automaton.target[edges]),
    )
