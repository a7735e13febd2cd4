"""The part of an automaton that a line can be in, and what its texts have together: the forward pass of CTC, pruned.

Most of a million list entries have nothing to do with a line. A pass from the left over many lines at once keeps the
states whose probability is not far below the others' of their line, and adds up what it lets go. That sum is the most
that all texts through the states let go can have, so the probability of the language is known within it.

Letters: B samples, T time steps, C classes, Q, E, S as in `automaton`. A *place* is a state of a sample: sample * Q +
state of a blank state, sample * S + state of a character state. Places are sorted.
"""

from dataclasses import dataclass

import numpy as np

from ocrlib.reading.decoding.automaton import Automaton, CTCStates

MAX_KEPT = 5_000  # states of a sample at a time step


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveParts:
    """What a pass found about each of B samples.

    Attributes:
      ctc: of the whole automaton.
      language: (B,) float64, the total probability of the texts within a sample's part; 0 where a double is too small.
      left_out: (B,) float64, the most that all other texts of the automaton have together, as a share of `language`.
      is_cut: (B,) bool, whether there were too many states at a time step to keep all that have their share.
      places: sorted places of the character states that were kept at a time step.
    """

    ctc: CTCStates
    language: np.ndarray
    left_out: np.ndarray
    is_cut: np.ndarray
    places: np.ndarray

    def part(self, sample: int) -> Automaton:
        """Returns the automaton of a sample's character states and the start, with all edges between them."""
        size = self.ctc.num_states
        entered = (
            self.places[slice(*np.searchsorted(self.places, [sample * size, (sample + 1) * size]))] - sample * size
        )
        automaton = self.ctc.automaton
        states = np.unique(np.append(self.ctc.state[entered], 0))
        _, edges = _edges_of(automaton, states)
        place = np.minimum(np.searchsorted(entered, self.ctc.entered[edges]), max(0, len(entered) - 1))
        edges = edges[entered[place] == self.ctc.entered[edges]] if len(entered) else edges[:0]
        return Automaton(
            accepting=automaton.accepting[states],
            source=np.searchsorted(states, automaton.source[edges]),
            classes=automaton.classes[edges],
            target=np.searchsorted(states, automaton.target[edges]),
        )


def active_parts(ctc: CTCStates, probs: np.ndarray, share: float) -> ActiveParts:
    """Returns the part of an automaton that each sample can be in.

    Args:
      ctc: of the whole automaton.
      probs: (B, T, C) float64; beyond the end of a sample its steps are sure blanks.
      share: of what all states of a sample have together at a time step; a state with less is let go. Of more than
        MAX_KEPT states only the most probable are kept.
    """
    front = _Front(ctc, len(probs), probs.shape[2], share)
    for step in np.ascontiguousarray(probs.transpose(1, 0, 2)):
        front.advance(step.ravel())
    return front.parts()


class _Held:
    """What places have: their blank state, and their character states, of which one can be left out.

    The largest one is never subtracted from the sum: what remains may be too small for the digits of a double, and a
    doubled character hangs on it.
    """

    def __init__(self, blank: np.ndarray, place: np.ndarray, character: np.ndarray) -> None:
        """Takes blank (N,), and for each character state its place, 0 to N - 1, and what it has."""
        self._blank = blank
        self._largest = np.zeros(len(blank))
        np.maximum.at(self._largest, place, character)
        is_largest = character == self._largest[place]
        again = np.maximum(np.bincount(place, is_largest, len(blank)) - 1, 0) * self._largest
        self._others = np.bincount(place, np.where(is_largest, 0.0, character), len(blank)) + again
        self.in_all = blank + self._others + self._largest

    def without(self, place: np.ndarray, one: np.ndarray) -> np.ndarray:
        """What places have but for one of their character states; 0 stands for none."""
        largest = self._largest[place]
        return self._blank[place] + self._others[place] + np.where(one >= largest, 0.0, largest - one)


class _Front:
    """The states that paths of B samples are in after some time steps, and what they have: of each sample 1 in all."""

    def __init__(self, ctc: CTCStates, num_samples: int, num_classes: int, share: float) -> None:
        self._ctc, self._num_samples, self._num_classes, self._share = ctc, num_samples, num_classes, share
        self._waiting: np.ndarray = np.arange(num_samples) * ctc.automaton.num_states  # places of blank states
        self._blank: np.ndarray = np.ones(num_samples)  # of each place
        self._entered: np.ndarray = np.zeros(0, np.int64)  # places of character states
        self._character: np.ndarray = np.zeros(0)  # of each
        self._left_out = np.zeros(num_samples)
        self._log_scale = np.zeros(num_samples)  # of what 1 stands for
        self._is_cut = np.zeros(num_samples, bool)
        self._seen: list[np.ndarray] = [self._entered]

    def advance(self, step: np.ndarray) -> None:
        """Goes on by a time step, whose probabilities are (B * C,)."""
        sample, state = np.divmod(self._entered, max(1, self._ctc.num_states))
        owner = sample * self._ctc.automaton.num_states + self._ctc.state[state]
        here, which = np.unique(np.concatenate([self._waiting, owner]), return_inverse=True)
        waits, entered = np.split(which, [len(self._waiting)])
        held = _Held(np.bincount(waits, self._blank, len(here)), entered, self._character)
        total = held.in_all
        entering, coming = self._follow_edges(here, held, step)
        stays = self._character * step[sample * self._num_classes + self._ctc.classes[state]]
        self._entered, which = np.unique(np.concatenate([self._entered, entering]), return_inverse=True)
        self._character = np.bincount(which, np.concatenate([stays, coming]), len(self._entered))
        of_here = here // self._ctc.automaton.num_states
        self._waiting, self._blank = here, total * step[(of_here + 1) * self._num_classes - 1]
        self._prune(of_here)
        self._seen.append(self._entered)

    def _follow_edges(self, here: np.ndarray, held: "_Held", step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The character states that edges out of places lead to, and what comes to them; what is too little is let go.

        Args:
          here: places, of states.
          held: what each of them has.
        """
        automaton, size = self._ctc.automaton, self._ctc.num_states
        of_place, state = np.divmod(here, automaton.num_states)
        source, edges = _edges_of(automaton, state)
        sample = of_place[source]
        emitted = step[sample * self._num_classes + automaton.classes[edges]]
        most = held.in_all[source] * emitted
        enough = most >= self._share
        self._left_out += np.bincount(sample, np.where(enough, 0.0, most), self._num_samples)
        edges, sample, source, emitted = edges[enough], sample[enough], source[enough], emitted[enough]
        # What may take an edge: all that is in its source, but the character state of the same character.
        repeated = self._ctc.repeated[edges]
        equal = np.where(repeated >= 0, _values_of(sample * size + repeated, self._entered, self._character), 0.0)
        return sample * size + self._ctc.entered[edges], held.without(source, equal) * emitted

    def _prune(self, of_waiting: np.ndarray) -> None:
        """Lets go of what has too little, and makes what each sample has 1 in all."""
        of_entered = self._entered // max(1, self._ctc.num_states)
        in_all = self._sums(of_waiting, self._blank, of_entered, self._character)
        scale = np.where(in_all > 0, in_all, 1.0)
        blank, character = self._blank / scale[of_waiting], self._character / scale[of_entered]
        least = self._least(of_waiting, blank, of_entered, character)
        waits, entered = blank >= least[of_waiting], character >= least[of_entered]
        with np.errstate(over="ignore"):  # much more than all else: without a bound
            self._left_out /= scale
        self._left_out += self._sums(
            of_waiting, np.where(waits, 0.0, blank), of_entered, np.where(entered, 0.0, character)
        )
        self._log_scale += np.log(scale)
        self._waiting, self._blank = self._waiting[waits], blank[waits]
        self._entered, self._character = self._entered[entered], character[entered]

    def _least(self, one: np.ndarray, values: np.ndarray, other: np.ndarray, more: np.ndarray) -> np.ndarray:
        """(B,), what a state must have to be kept."""
        least = np.full(self._num_samples, self._share)
        enough, enough_too = one[values >= self._share], other[more >= self._share]
        counts = np.bincount(enough, minlength=len(least)) + np.bincount(enough_too, minlength=len(least))
        for sample in np.flatnonzero(counts > MAX_KEPT):
            both = np.concatenate([values[one == sample], more[other == sample]])
            least[sample] = np.partition(both, -MAX_KEPT)[-MAX_KEPT]
            self._is_cut[sample] = True
        return least

    def _sums(self, one: np.ndarray, values: np.ndarray, other: np.ndarray, more: np.ndarray) -> np.ndarray:
        return np.bincount(one, values, self._num_samples) + np.bincount(other, more, self._num_samples)

    def parts(self) -> ActiveParts:
        """What was found, after the last time step."""
        automaton = self._ctc.automaton
        waiting, state = np.divmod(self._waiting, automaton.num_states)
        entered, last = np.divmod(self._entered, max(1, self._ctc.num_states))
        whole = np.where(automaton.accepting[state], self._blank, 0.0)
        whole_too = np.where(automaton.accepting[self._ctc.state[last]], self._character, 0.0)
        language = self._sums(waiting, whole, entered, whole_too)
        with np.errstate(divide="ignore", invalid="ignore"):
            left_out = np.where(self._left_out > 0, self._left_out / language, 0.0)
        return ActiveParts(
            ctc=self._ctc,
            language=language * np.exp(self._log_scale),
            left_out=left_out,
            is_cut=self._is_cut,
            places=np.unique(np.concatenate(self._seen)),
        )


def _edges_of(automaton: Automaton, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All edges out of states: where in `states` the source of each is, and the edge."""
    start = automaton.first_edge[states]
    degrees = automaton.first_edge[states + 1] - start
    source = np.repeat(np.arange(len(states)), degrees)
    return source, np.arange(len(source)) + np.repeat(start - np.cumsum(degrees) + degrees, degrees)


def _values_of(wanted: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values of wanted keys, 0 where there is none; keys sorted."""
    if not len(keys):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0.0)
