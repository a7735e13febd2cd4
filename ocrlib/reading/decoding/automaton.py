"""A set of texts as a deterministic automaton over a model's classes, and the states that CTC needs of it.

Letters: Q states, E edges, S character states; C classes, of which C - 1 is the blank. State 0 is the start.
Deterministic: from a state each class leads to one state at most, so each text has one way through, and adding up
over the ways adds up over the texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Automaton:
    """A deterministic automaton.

    Attributes:
      accepting: (Q,) bool, where a text may end.
      source, classes, target: (E,) int64, the edges sorted by source, then by class.
    """

    accepting: np.ndarray
    source: np.ndarray
    classes: np.ndarray
    target: np.ndarray

    @property
    def num_states(self) -> int:
        """Q."""
        return len(self.accepting)

    @cached_property
    def first_edge(self) -> np.ndarray:
        """(Q + 1,) int64: the edges of state q are those from first_edge[q] to first_edge[q + 1]."""
        return np.searchsorted(self.source, np.arange(self.num_states + 1))

    def accepts(self, text: Sequence[int]) -> bool:
        """Returns whether the text, class by class, is one of the automaton's."""
        state = 0
        for each in text:
            start, stop = self.first_edge[state : state + 2].tolist()
            edge = start + int(np.searchsorted(self.classes[start:stop], each))
            if edge == stop or self.classes[edge] != each:
                return False
            state = int(self.target[edge])
        return bool(self.accepting[state])

    def all_texts(self, most: int) -> list[list[int]] | None:
        """Returns the texts, in no order, or None if they are more than `most`; from each state one can end."""
        texts: list[list[int]] = []
        ahead: list[tuple[int, list[int]]] = [(0, [])]
        while ahead:
            state, text = ahead.pop()
            # A text of as many characters as there are states went through one twice, and may do so again.
            if len(text) >= self.num_states or len(texts) > most or len(ahead) > 1000 * most:
                return None
            if self.accepting[state]:
                texts.append(text)
            span = slice(*self.first_edge[state : state + 2].tolist())
            edges = zip(self.classes[span].tolist(), self.target[span].tolist(), strict=True)
            ahead += [(target, [*text, each]) for each, target in edges]
        return texts if len(texts) <= most else None


def every_text(num_classes: int) -> Automaton:
    """Returns the automaton of every text, the empty one too."""
    count = num_classes - 1
    loops = np.zeros(count, np.int64)
    return Automaton(accepting=np.ones(1, bool), source=loops, classes=np.arange(count), target=loops)


def of_entries(entries: Sequence[Sequence[int]]) -> Automaton:
    """Returns the automaton of a list of texts: a tree of their beginnings, laid out level by level.

    Args:
      entries: class indices, at least one entry; they may repeat.
    """
    lengths = np.array([len(entry) for entry in entries])
    table = np.full((len(entries), int(lengths.max(initial=1))), -1, np.int32)  # (N, L), -1 behind the end
    for row, entry in zip(table, entries, strict=True):
        row[: len(entry)] = entry
    order = np.lexsort(table.T[::-1])
    table, lengths = table[order], lengths[order]
    node = np.zeros(len(table), np.int64)  # of each entry, at the depth that has been reached
    num_states, edges, ends = 1, [], [node[lengths == 0]]
    for depth in range(table.shape[1]):
        rows = np.flatnonzero(lengths > depth)  # in order, so that equal beginnings are neighbours
        parent, label = node[rows], table[rows, depth]
        is_new = np.ones(len(rows), bool)
        is_new[1:] = (parent[1:] != parent[:-1]) | (label[1:] != label[:-1])
        node[rows] = num_states - 1 + np.cumsum(is_new)
        edges.append(np.stack([parent[is_new], label[is_new], node[rows][is_new]]))
        num_states += int(is_new.sum())
        ends.append(node[rows][lengths[rows] == depth + 1])
    source, classes, target = np.concatenate(edges, axis=1)
    accepting = np.zeros(num_states, bool)
    accepting[np.concatenate(ends)] = True
    return Automaton(accepting=accepting, source=source, classes=classes, target=target)  # by level: sorted by source


@dataclass(frozen=True, kw_only=True, eq=False)
class Fan:
    """States with about the same number of edges, laid out so that numpy takes them at once.

    Attributes:
      states: (N,) int64.
      entered: (N, D) int64, the character state that each edge enters; S, which stands for none, where a state has
        fewer than D edges.
      rows: (M,) int64, those of the N with an edge of a character that they were entered by.
    """

    states: np.ndarray
    entered: np.ndarray
    rows: np.ndarray


class CTCStates:
    """The states of paths whose text an automaton accepts.

    After some time steps a path stands in state q of the automaton and its last step was a blank, or a character c:
    the one by which q was entered. The first are Q *blank states*, one for each q. The second are the S *character
    states*, one for each pair (q, c) that an edge has. A character state (q, c) may not take an edge of c itself: two
    equal characters without a blank between them are one.

    Attributes:
      automaton: whose states these are.
      state, classes: (S,) int64, q and c of each character state, sorted by q, then by c.
      entered: (E,) int64, the character state that each edge enters.
      repeated: (E,) int64, the character state (source, class) of each edge, -1 where there is none.
    """

    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        num_classes = int(automaton.classes.max(initial=0)) + 1
        keys = automaton.target * num_classes + automaton.classes
        pairs, self.entered = np.unique(keys, return_inverse=True)
        self.state, self.classes = pairs // num_classes, pairs % num_classes
        wanted = automaton.source * num_classes + automaton.classes
        place = np.searchsorted(pairs, wanted)
        found = place < len(pairs)
        found[found] = pairs[place[found]] == wanted[found]
        self.repeated = np.where(found, place, -1)

    @property
    def num_states(self) -> int:
        """S."""
        return len(self.state)

    @cached_property
    def fans(self) -> list[Fan]:
        """The states that have edges, by how many these are: up to 1, 2, 4, 8 and so on."""
        first = self.automaton.first_edge
        degrees = np.diff(first)
        steps = np.ceil(np.log2(np.maximum(degrees, 1))).astype(int)
        fans = []
        for step in np.unique(steps[degrees > 0]).tolist():
            states = np.flatnonzero((steps == step) & (degrees > 0))
            widest = int(degrees[states].max())
            is_edge = np.arange(widest) < degrees[states][:, None]  # (N, D)
            edges = np.where(is_edge, first[states][:, None] + np.arange(widest), 0)
            entered = np.where(is_edge, self.entered[edges], self.num_states)
            rows = np.flatnonzero((is_edge & (self.repeated[edges] >= 0)).any(axis=1))
            fans.append(Fan(states=states, entered=entered, rows=rows))
        return fans

    @cached_property
    def goes_on(self) -> np.ndarray:
        """(S,) int64: where `backward` finds what follows on a character state.

        That is the blank state q, from 0 to Q - 1; or, where an edge of q has its own character c, place Q + i of that
        edge among those of the fans' `rows`, one after the other.
        """
        first = self.automaton.first_edge
        places, so_far = self.state.copy(), self.automaton.num_states
        for fan in self.fans:
            states, widest = fan.states[fan.rows], fan.entered.shape[1]
            edges = first[states][:, None] + np.arange(widest)  # (M, D)
            is_edge = edges < first[states + 1][:, None]
            repeated = np.where(is_edge, self.repeated[np.where(is_edge, edges, 0)], -1).ravel()
            places[repeated[repeated >= 0]] = so_far + np.flatnonzero(repeated >= 0)
            so_far += len(repeated)
        return places
