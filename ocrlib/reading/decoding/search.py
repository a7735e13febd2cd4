"""The most probable texts of a language, best first: exact, because no beginning of a text is left while it could win.

A node of the search is the beginning of a text. What is known of it is the probability that it has been written after
t time steps and the last step was its last character, or a blank, for every t: the *prefix probabilities*, all paths
added up. From these and `backward.best_text_bounds` follows the most that any text beginning so can have. The beginning
that promises most is grown by each character that the automaton allows; a whole text that has more than every
beginning still promises is the next answer.

Letters: B samples, T time steps, C classes, S as in `automaton`; M nodes grown at a time, P their children.
Source: Graves et al. 2006, section 3.2, "prefix search decoding", here with a bound that sees the rest of the line.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ocrlib.reading.decoding.automaton import CTCStates
from ocrlib.reading.decoding.backward import Numbers

MAX_WORK = 2_000  # beginnings that are grown and whole texts that are offered, for a sample
_TOGETHER = 64  # nodes grown in one go, over all samples
_DIVE = 16  # beginnings of a length that a sample which is given up on still has grown
_WHOLE = -1  # in place of an edge: the text ends here


@dataclass(frozen=True, eq=False)
class _Node:
    """A beginning of a text. `character` and `blank` are (T + 1,): its prefix probabilities after t steps."""

    parent: "_Node | None"
    state: int
    last: int  # its last class; -1 of the empty beginning
    character: np.ndarray
    blank: np.ndarray

    def text(self) -> list[int]:
        classes = []
        node = self
        while node.parent is not None:
            classes.append(node.last)
            node = node.parent
        return classes[::-1]


_Entry = tuple[float, int, _Node, int]  # less what it promises, a number that parts ties, a node, an edge out of it


@dataclass(kw_only=True, eq=False)
class Found:
    """What a search found for a sample.

    Attributes:
      texts: (class indices, probability as `Numbers` has it), the most probable first.
      refused: the probabilities of the texts that were met before the last of these and did not pass.
      proven: whether the texts are the most probable ones there are; else the work came to its bound first.
    """

    texts: list[tuple[list[int], float]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    proven: bool = True


@dataclass(kw_only=True, eq=False)
class _Sample:
    """What is known of a sample.

    Attributes:
      row: its place among the samples.
      root: the empty beginning.
      heap: what may be looked at next.
      whole: the probabilities of the best texts that may be answers, a heap of as many as wanted.
      work: beginnings grown and texts offered.
    """

    row: int
    root: _Node
    heap: list[_Entry] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    work: int = 0
    found: Found = field(default_factory=Found)


class BestFirst:
    """A search for the most probable texts of some samples at once.

    Args:
      ctc: the states of the language's automaton.
      probs: (T, C, B) in `numbers`; beyond the end of a sample its steps are sure blanks.
      bounds: as `backward.best_text_bounds` returns.
      wanted: how many texts of each sample.
      passes: whether a text may be an answer; None: each may.
      max_work: the bound on the work for a sample.
    """

    def __init__(
        self,
        ctc: CTCStates,
        probs: np.ndarray,
        bounds: np.ndarray,
        numbers: Numbers,
        wanted: int = 1,
        passes: Callable[[Sequence[int]], bool] | None = None,
        max_work: int = MAX_WORK,
    ) -> None:
        self._ctc, self._probs, self._bounds, self._numbers = ctc, probs, bounds, numbers
        self._wanted, self._passes, self._max_work = wanted, passes, max_work
        self._tie = itertools.count()

    def run(self) -> list[Found]:
        """Returns what was found for each sample."""
        samples = [_Sample(row=row, root=self._root(row)) for row in range(self._probs.shape[2])]
        for sample in samples:
            self._add(sample, sample.root)
        searched = samples
        while searched:
            each = max(1, _TOGETHER // len(searched))
            chosen = [(sample, self._choose(sample, each)) for sample in searched]
            owners = [sample for sample, entries in chosen for _ in entries]
            grown = self._grow([s.row for s in owners], [(e[2], e[3]) for _, entries in chosen for e in entries])
            for sample, node in zip(owners, grown, strict=True):
                self._add(sample, node)
            searched = [sample for sample, entries in chosen if entries]
        return [sample.found for sample in samples]

    def _root(self, row: int) -> _Node:
        blank = np.full(len(self._probs) + 1, self._numbers.one)
        for step, waits in enumerate(self._probs[:, -1, row]):
            blank[step + 1] = self._numbers.times(blank[step], waits)
        return _Node(None, 0, -1, np.full(len(blank), self._numbers.zero), blank)

    def _choose(self, sample: _Sample, most: int) -> list[_Entry]:
        """Takes the whole texts that nothing can beat, then up to `most` beginnings to grow; none: it is over."""
        chosen: list[_Entry] = []
        while len(chosen) < most and sample.heap and len(sample.found.texts) < self._wanted:
            if sample.work >= self._max_work:
                self._dive(sample)
                return []
            promise, _, node, edge = sample.heap[0]
            if edge != _WHOLE:
                chosen.append(sample.heap[0])
            elif chosen:  # their children may be more probable than this text
                break
            elif self._may_answer(node):
                sample.found.texts.append((node.text(), -promise))
            else:
                sample.found.refused.append(-promise)
            heapq.heappop(sample.heap)
            sample.work += 1
        return chosen

    def _may_answer(self, node: _Node) -> bool:
        return self._passes is None or self._passes(node.text())

    def _add(self, sample: _Sample, node: _Node) -> None:
        """Puts a node into the heap of its sample: as a whole text, and with each edge that may lead to an answer."""
        if self._ctc.automaton.accepting[node.state]:
            whole = self._whole(node)
            if whole > self._floor(sample):
                heapq.heappush(sample.heap, (-whole, next(self._tie), node, _WHOLE))
                if self._passes is None:
                    self._count(sample, whole)
        promises, edges = self._promises(sample.row, node)
        for which in np.flatnonzero(promises > self._floor(sample)).tolist():
            heapq.heappush(sample.heap, (-float(promises[which]), next(self._tie), node, int(edges[which])))

    def _whole(self, node: _Node) -> float:
        return float(self._numbers.plus(node.character[-1], node.blank[-1]))

    def _count(self, sample: _Sample, whole: float) -> None:
        heapq.heappush(sample.whole, whole)
        if len(sample.whole) > self._wanted:
            heapq.heappop(sample.whole)

    def _floor(self, sample: _Sample) -> float:
        """What a text must have more than to be an answer yet."""
        return sample.whole[0] if len(sample.whole) == self._wanted else self._numbers.zero

    def _promises(self, row: int, node: _Node) -> tuple[np.ndarray, np.ndarray]:
        """The most that a text can have that begins as a node and goes on along an edge, for each edge out of it."""
        times, plus = self._numbers.times, self._numbers.plus
        edges = np.arange(*self._ctc.automaton.first_edge[node.state : node.state + 2])
        bounds = self._bounds[row]  # (T, S)
        if self._ctc.automaton.num_states > 1:  # else all edges are out of the one state, and in order
            bounds = bounds.take(self._ctc.entered[edges], axis=1)  # (T, D)
        written = plus(node.blank, node.character)[:-1]
        repeats = np.flatnonzero(self._ctc.automaton.classes[edges] == node.last)
        if plus is np.add:
            promises = written @ bounds
            promises[repeats] = node.blank[:-1] @ bounds[:, repeats]
        else:
            promises = plus.reduce(times(written[:, None], bounds), axis=0)
            promises[repeats] = plus.reduce(times(node.blank[:-1, None], bounds[:, repeats]), axis=0)
        return promises, edges

    def _grow(self, rows: Sequence[int], chosen: Sequence[tuple[_Node, int]]) -> list[_Node]:
        """Returns the nodes that edges out of nodes lead to, with their prefix probabilities along all time steps."""
        if not chosen:
            return []
        times, plus, zero = self._numbers.times, self._numbers.plus, self._numbers.zero
        parents, edges = [node for node, _ in chosen], np.array([edge for _, edge in chosen])
        sample, classes = np.array(rows), self._ctc.automaton.classes[edges]
        repeats = np.array([node.last for node in parents]) == classes
        written = np.stack([node.character[:-1] for node in parents], axis=1)  # (T, M)
        written = plus(np.stack([node.blank[:-1] for node in parents], axis=1), np.where(repeats, zero, written))
        stays, waits = self._probs[:, classes, sample], self._probs[:, -1, sample]  # (T, M)
        entering = times(stays, written)
        character = np.full((len(self._probs) + 1, len(parents)), zero)
        blank = character.copy()
        for step in range(len(self._probs)):
            character[step + 1] = plus(times(stays[step], character[step]), entering[step])
            blank[step + 1] = times(waits[step], plus(blank[step], character[step]))
        ends = zip(
            parents,
            self._ctc.automaton.target[edges].tolist(),
            classes.tolist(),
            np.ascontiguousarray(character.T),
            np.ascontiguousarray(blank.T),
            strict=True,
        )
        return [_Node(*end) for end in ends]

    def _dive(self, sample: _Sample) -> None:
        """Answers with the best texts of a beam: of all beginnings of a length those that promise most.

        They are proven after all if no beginning that was left aside promised more than they have.
        """
        answers: list[tuple[float, int, _Node]] = []
        sample.whole, aside = [], self._numbers.zero
        nodes = [sample.root]
        while nodes:
            candidates: list[_Entry] = []
            for node in nodes:
                if self._ctc.automaton.accepting[node.state]:
                    whole = self._whole(node)
                    if whole > self._floor(sample) and self._may_answer(node):
                        answers.append((-whole, next(self._tie), node))
                        self._count(sample, whole)
                promises, edges = self._promises(sample.row, node)
                pairs = zip(promises.tolist(), edges.tolist(), strict=True)
                candidates += [(-p, next(self._tie), node, edge) for p, edge in pairs if p > self._floor(sample)]
            candidates.sort()
            aside = max([aside, *(-promise for promise, _, _, _ in candidates[_DIVE:])])
            chosen = [(node, edge) for _, _, node, edge in candidates[:_DIVE]]
            nodes = self._grow([sample.row] * len(chosen), chosen)
        best = sorted(answers)[: self._wanted]
        sample.found.texts = [(node.text(), -whole) for whole, _, node in best]
        sample.found.proven = aside <= self._floor(sample) and len(best) == self._wanted
