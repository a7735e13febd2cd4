"""Regular expressions -> the automaton of the lines that they match whole, over the characters that a model knows.

Each set of places of `places.Graph` that a text can lead to becomes a state (Rabiner, Scott 1959), over groups of
characters that no pattern tells apart, and states with the same future become one (Moore 1956).
"""

from collections.abc import Callable, Sequence
from re import _compiler  # type: ignore[attr-defined]

import numpy as np

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.reading.decoding.automaton import Automaton
from ocrlib.reading.decoding.places import MAX_PLACES, Graph, TooLarge
from ocrlib.regex import parse_regex

MAX_STATES = 20_000  # of a language of patterns
_MAX_WORK = 5_000_000  # places looked at while the states are made: some seconds
_MAX_ROUNDS = 2000 * 500  # states times rounds in which they are told apart; beyond it equal ones stay apart
_SHORTER = "use smaller repeats, or * and +"


def compile_language(patterns: Sequence[str], charset: Charset, also: Sequence[str] = ()) -> Automaton:
    """Returns the automaton of the texts that match, whole, one of the patterns; without edges if none does.

    Args:
      patterns: regular expressions, at least one.
      charset: the characters of the model.
      also: regular expressions that the texts must match too, each of them; these may name any characters.

    Raises:
      UserError: a pattern that does not compile, means what only a search can, names characters that the model does
        not know, or takes too many states.
    """
    graph = Graph(charset)
    conjuncts = [[_add_pattern(graph, pattern, strict=True) for pattern in patterns]]
    conjuncts += [[_add_pattern(graph, pattern, strict=False)] for pattern in also]
    starts = [[first for first, _ in conjunct] for conjunct in conjuncts]
    ends = [frozenset(last for _, last in conjunct) for conjunct in conjuncts]
    try:
        labels, table, accepting = _make_states(graph, starts, ends, charset)
    except TooLarge:
        longest = max(patterns, key=len)
        what = f"pattern {longest!r}" + (f" and the {len(patterns) - 1} others" if len(patterns) > 1 else "")
        raise UserError(f"{what}: more than {MAX_STATES:,} states, or too much work to find them; {_SHORTER}") from None
    return _as_automaton(*_merge_equal(*_without_dead_ends(table, accepting)), labels)


def _add_pattern(graph: Graph, pattern: str, strict: bool) -> tuple[int, int]:
    try:
        return graph.add(parse_regex(pattern), strict)
    except ValueError as error:
        raise UserError(f"pattern {pattern!r}: {error}") from None
    except RecursionError:
        raise UserError(f"pattern {pattern!r}: groups nested too deeply") from None
    except TooLarge:
        raise UserError(f"pattern {pattern!r}: more than {MAX_PLACES:,} places; {_SHORTER}") from None


def _closures(graph: Graph, wanted: frozenset[int]) -> list[frozenset[int]]:
    """For each place those with a move, or wanted, that free moves lead to from it."""
    matters = [bool(moves) or place in wanted for place, moves in enumerate(graph.moves)]
    closures, work = [], 0
    for place in range(len(graph.free)):
        seen, ahead = {place}, [place]
        while ahead:
            for there in graph.free[ahead.pop()]:
                if there not in seen:
                    seen.add(there)
                    ahead.append(there)
        work += len(seen)
        if work > _MAX_WORK:
            raise TooLarge
        closures.append(frozenset(there for there in seen if matters[there]))
    return closures


def _make_states(
    graph: Graph, starts: Sequence[Sequence[int]], ends: Sequence[frozenset[int]], charset: Charset
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The groups of characters (C - 1,), the table (Q, groups) of states, -1 for none, and which accept (Q,)."""
    closures = _closures(graph, frozenset().union(*ends))
    member = np.zeros((charset.blank, max(1, len(graph.sets))), bool)
    for number, classes in enumerate(graph.sets):
        member[sorted(classes), number] = True
    groups, labels = np.unique(member, axis=0, return_inverse=True)
    groups_of_set = [np.flatnonzero(groups[:, number]).tolist() for number in range(len(graph.sets))]
    first = tuple(frozenset().union(*[closures[place] for place in places]) for places in starts)
    states, rows, work = {first: 0}, [], 0
    queue = [first]
    for state in queue:
        moved: list[dict[int, set[int]]] = [{} for _ in state]
        for places, to in zip(state, moved, strict=True):
            for place in places:
                for number, there in graph.moves[place]:
                    for group in groups_of_set[number]:
                        to.setdefault(group, set()).update(closures[there])
                        work += len(closures[there])
        row = np.full(len(groups), -1)
        for group in sorted(set.intersection(*[set(to) for to in moved])):
            there_all = tuple(frozenset(to[group]) for to in moved)
            if there_all not in states:
                states[there_all] = len(states)
                queue.append(there_all)
            row[group] = states[there_all]
        rows.append(row)
        if len(states) > MAX_STATES or work > _MAX_WORK:
            raise TooLarge
    accepting = [all(places & end for places, end in zip(state, ends, strict=True)) for state in queue]
    return labels.ravel(), np.array(rows), np.array(accepting)


def _without_dead_ends(table: np.ndarray, accepting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drops the states from which no text can end; the start stays."""
    alive = accepting.copy()
    while True:
        more = alive | (alive[table] & (table >= 0)).any(axis=1)
        if (more == alive).all():
            break
        alive = more
    alive[0] = True
    numbers = np.append(np.where(alive, np.cumsum(alive) - 1, -1), -1)
    return numbers[table][alive], accepting[alive]


def _merge_equal(table: np.ndarray, accepting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Makes one of the states that accept the same texts from there on."""
    labels, count = accepting.astype(int), len(set(accepting.tolist()))
    for _ in range(max(1, _MAX_ROUNDS // len(table))):
        futures = np.append(labels, -1)[table]  # (Q, groups)
        _, labels = np.unique(np.column_stack([labels, futures]), axis=0, return_inverse=True)
        labels = labels.ravel()
        if labels.max() + 1 == count:
            break
        count = int(labels.max()) + 1
    else:
        return table, accepting
    _, first = np.unique(labels, return_index=True)
    order = np.argsort(first)  # the start stays state 0
    numbers = np.empty(len(first), int)
    numbers[order] = np.arange(len(first))
    return np.append(numbers[labels], -1)[table[first[order]]], accepting[first[order]]


def _as_automaton(table: np.ndarray, accepting: np.ndarray, labels: np.ndarray) -> Automaton:
    by_class = table[:, labels]  # (Q, C - 1)
    source, classes = np.nonzero(by_class >= 0)
    return Automaton(accepting=accepting, source=source, classes=classes, target=by_class[source, classes])


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Returns what tells whether one of the patterns matches a text whole.

    Raises:
      UserError: a pattern that does not compile, or means what only a search can.
    """
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(_compiler.compile(parse_regex(pattern)))
        except ValueError as error:
            raise UserError(f"pattern {pattern!r}: {error}") from None
    return lambda text: any(each.fullmatch(text) for each in compiled)
