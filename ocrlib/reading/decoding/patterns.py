"""Regular expressions -> the automaton of the lines that they match whole, over the characters that a model knows.

In two steps. A tree of `ocrlib.regex` becomes a graph of *places* with free moves and moves by a set of characters
(Thompson 1968). Then each set of places that a text can lead to becomes a state (Rabiner, Scott 1959), over groups of
characters that no pattern tells apart, and states with the same future become one (Moore 1956). A reference such as
`\\2` is written out: once for each text that its group can be.
"""

from collections.abc import Callable, Iterator, Sequence
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.reading.decoding.automaton import Automaton
from ocrlib.regex import ENDS, REPEATS, inner_sequences, parse_regex

MAX_STATES = 20_000  # of a language of patterns
_MAX_PLACES = 100_000
_MAX_WORK = 5_000_000  # places looked at while the states are made: some seconds
_MAX_GROUP_TEXTS = 1000  # that a group can be which is referred to
_MAX_ROUNDS = 2000 * 500  # states times rounds in which they are told apart; beyond it equal ones stay apart
_SHORTER = "use smaller repeats, or * and +"

Bound = dict[int, str]  # what each group is that is referred to


class _TooLarge(Exception):
    """A pattern that takes more places, states or work than there may be."""


class _Graph:
    """Places and moves of some patterns over the characters of a charset."""

    def __init__(self, charset: Charset) -> None:
        self._charset = charset
        self._strict = True
        self._sets: dict[tuple[str, int], int] = {}
        self.sets: list[frozenset[int]] = []  # of classes
        self.free: list[list[int]] = []  # of each place, where it leads without a character
        self.moves: list[list[tuple[int, int]]] = []  # of each place: (set, where one of its characters leads)

    def place(self) -> int:
        """Returns a new place."""
        if len(self.free) >= _MAX_PLACES:
            raise _TooLarge
        self.free.append([])
        self.moves.append([])
        return len(self.free) - 1

    def add(self, tree: Any, strict: bool) -> tuple[int, int]:
        """Adds a pattern and returns its first and last place.

        Raises:
          ValueError: it means what only a search can, or, if `strict`, names characters that the charset lacks.
        """
        self._strict = strict
        start = self.place()
        return start, self._sequence(tree, start, tree.state.flags, {}, (True, True))

    def _sequence(self, sequence: Any, start: int, flags: int, bound: Bound, ends: tuple[bool, bool]) -> int:
        """Adds what a sequence means from a place on, and returns the place it ends in."""
        unbound = _groups_to_bind(sequence, bound)
        if unbound is not None:
            last = self.place()
            for text in dict.fromkeys(self._texts(_content_of(sequence, unbound), flags, bound)):
                first = self.place()
                self.free[start].append(first)
                self.free[self._sequence(sequence, first, flags, bound | {unbound: text}, ends)].append(last)
            return last
        for number, (operation, value) in enumerate(sequence):
            at_ends = ends[0] and number == 0, ends[1] and number == len(sequence) - 1
            start = self._node(operation, value, start, flags, bound, at_ends)
        return start

    def _node(self, operation: Any, value: Any, start: int, flags: int, bound: Bound, ends: tuple[bool, bool]) -> int:
        name = operation.name
        if name == "AT":
            if not ends[0 if value.name in ENDS[:2] else 1]:
                raise ValueError("'^' and '$' stand for the ends of the line; write \\^ and \\$ for the characters")
            return start
        if name in REPEATS:
            least, most, inner = value
            return self._repeat(least, most, inner, start, flags, bound)
        if name == "SUBPATTERN":
            number, added, removed, inner = value
            if number in bound:
                return self._literal(bound[number], start, flags)
            return self._sequence(inner, start, _with_flags(flags, added, removed), bound, ends)
        if name == "BRANCH":
            last = self.place()
            for inner in value[1]:
                first = self.place()
                self.free[start].append(first)
                self.free[self._sequence(inner, first, flags, bound, ends)].append(last)
            return last
        if name == "GROUPREF":
            if value not in bound:
                raise ValueError(f"\\{value} refers to a group that may be left out, or is repeated without it")
            return self._literal(bound[value], start, flags)
        end = self.place()
        self.moves[start].append((self._set_of(operation, value, flags), end))
        return end

    def _repeat(self, least: int, most: Any, inner: Any, start: int, flags: int, bound: Bound) -> int:
        no_end = (False, False)
        for _ in range(least):
            start = self._sequence(inner, start, flags, bound, no_end)
        last = self.place()
        if most is _parser.MAXREPEAT:
            self.free[start].append(last)
            self.free[self._sequence(inner, last, flags, bound, no_end)].append(last)
            return last
        for _ in range(most - least):
            self.free[start].append(last)
            first = self.place()  # of its own: the sequence may loop back to where it starts
            self.free[start].append(first)
            start = self._sequence(inner, first, flags, bound, no_end)
        self.free[start].append(last)
        return last

    def _literal(self, text: str, start: int, flags: int) -> int:
        for character in text:
            end = self.place()
            self.moves[start].append((self._set_of(_parser.LITERAL, ord(character), flags), end))
            start = end
        return start

    def _set_of(self, operation: Any, value: Any, flags: int) -> int:
        """The set of classes that a node of one character matches, as Python's own matcher finds it."""
        key = (repr((operation, value)), flags)
        if self._strict and (unknown := "".join(self._unknown(operation, value, flags))):
            raise ValueError(_unknown_text(unknown))
        if key not in self._sets:
            self._sets[key] = len(self.sets)
            self.sets.append(frozenset(self._matched(operation, value, flags)))
        return self._sets[key]

    def _matched(self, operation: Any, value: Any, flags: int) -> list[int]:
        state = _parser.State()
        state.flags, state.str = flags, ""
        matches = _compiler.compile(_parser.SubPattern(state, [(operation, value)])).fullmatch
        return [index for index, character in enumerate(self._charset.characters) if matches(character)]

    def _unknown(self, operation: Any, value: Any, flags: int) -> Iterator[str]:
        """Characters that a node names, and the charset lacks."""
        if operation.name == "LITERAL" and not self._matched(operation, value, flags):
            yield chr(value)
        elif operation.name == "RANGE":
            if flags & _parser.SRE_FLAG_IGNORECASE and self._matched(_parser.IN, [(operation, value)], flags):
                return
            yield from self._charset.missing("".join(map(chr, range(value[0], min(value[1] + 1, value[0] + 2000)))))
        elif operation.name == "IN" and value[0][0].name != "NEGATE":
            for inner, each in value:
                yield from self._unknown(inner, each, flags)

    def _texts(self, sequence: Any, flags: int, bound: Bound) -> list[str]:
        """Every text that a sequence can be.

        Raises:
          ValueError: they are too many to be written out.
        """
        texts = [""]
        for operation, value in sequence:
            parts = self._texts_of(operation, value, flags, bound)
            if len(texts) * len(parts) > _MAX_GROUP_TEXTS:
                raise ValueError(f"a group that is referred to can be more than {_MAX_GROUP_TEXTS} texts")
            texts = [text + part for text in texts for part in parts]
        return texts

    def _texts_of(self, operation: Any, value: Any, flags: int, bound: Bound) -> list[str]:
        name = operation.name
        if name == "GROUPREF" or (name == "SUBPATTERN" and value[0] in bound):
            return [bound[value if name == "GROUPREF" else value[0]]]
        if name == "SUBPATTERN":
            return self._texts(value[3], _with_flags(flags, value[1], value[2]), bound)
        if name == "BRANCH":
            return [text for inner in value[1] for text in self._texts(inner, flags, bound)]
        if name in REPEATS:
            least, most, inner = value
            if most is _parser.MAXREPEAT or most > _MAX_GROUP_TEXTS:
                raise ValueError("a group that is referred to can be any number of texts")
            return [text for n in range(least, most + 1) for text in self._texts([*inner] * n, flags, bound)]
        if name == "AT":
            raise ValueError("'^' or '$' in a group that is referred to")
        return [self._charset.characters[index] for index in self.sets[self._set_of(operation, value, flags)]]


def _unknown_text(unknown: str) -> str:
    shown = unknown if len(unknown) <= 20 else unknown[:20] + "..."
    return f"names characters that the model does not know: {shown}"


def _with_flags(flags: int, added: int, removed: int) -> int:
    return _compiler._combine_flags(flags, added, removed)


def _references(sequence: Any) -> Iterator[int]:
    for operation, value in sequence:
        if operation.name == "GROUPREF":
            yield value
        for inner in inner_sequences(operation, value):
            yield from _references(inner)


def _groups(sequence: Any) -> Iterator[tuple[int, Any]]:
    """The groups that a sequence always passes through, once: (number, content)."""
    for operation, value in sequence:
        if operation.name == "SUBPATTERN":
            if value[0] is not None:
                yield value[0], value[3]
            yield from _groups(value[3])


def _content_of(sequence: Any, number: int) -> Any:
    return dict(_groups(sequence))[number]


def _groups_to_bind(sequence: Any, bound: Bound) -> int | None:
    """A group that must be written out next, because it is referred to and depends on none that is not yet."""
    referred = set(_references(sequence)) - set(bound)
    for number, content in _groups(sequence):
        if number in referred:
            needs = {*_references(content), *(inner for inner, _ in _groups(content))} & referred
            if not needs:
                return number
    return None


# From places to states


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
    graph = _Graph(charset)
    conjuncts = [[_add_pattern(graph, pattern, strict=True) for pattern in patterns]]
    conjuncts += [[_add_pattern(graph, pattern, strict=False)] for pattern in also]
    starts = [[first for first, _ in conjunct] for conjunct in conjuncts]
    ends = [frozenset(last for _, last in conjunct) for conjunct in conjuncts]
    try:
        labels, table, accepting = _make_states(graph, starts, ends, charset)
    except _TooLarge:
        longest = max(patterns, key=len)
        what = f"pattern {longest!r}" + (f" and the {len(patterns) - 1} others" if len(patterns) > 1 else "")
        raise UserError(f"{what}: more than {MAX_STATES:,} states, or too much work to find them; {_SHORTER}") from None
    return _as_automaton(*_merge_equal(*_without_dead_ends(table, accepting)), labels)


def _add_pattern(graph: _Graph, pattern: str, strict: bool) -> tuple[int, int]:
    try:
        return graph.add(parse_regex(pattern), strict)
    except ValueError as error:
        raise UserError(f"pattern {pattern!r}: {error}") from None
    except RecursionError:
        raise UserError(f"pattern {pattern!r}: groups nested too deeply") from None
    except _TooLarge:
        raise UserError(f"pattern {pattern!r}: more than {_MAX_PLACES:,} places; {_SHORTER}") from None


def _closures(graph: _Graph, wanted: frozenset[int]) -> list[frozenset[int]]:
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
            raise _TooLarge
        closures.append(frozenset(there for there in seen if matters[there]))
    return closures


def _make_states(
    graph: _Graph, starts: Sequence[Sequence[int]], ends: Sequence[frozenset[int]], charset: Charset
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
            raise _TooLarge
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
