"""Regular expressions -> a graph of *places* with free moves and moves by a set of characters (Thompson 1968).

A tree of `ocrlib.regex` is walked once. A reference such as `\\2` is written out: once for each text that its group can
be.
"""

from collections.abc import Iterator
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any

from ocrlib.charset import Charset
from ocrlib.regex import ENDS, REPEATS, inner_sequences

MAX_PLACES = 100_000
_MAX_GROUP_TEXTS = 1000  # that a group can be which is referred to

Bound = dict[int, str]  # what each group is that is referred to


class TooLarge(Exception):
    """A pattern that takes more places, states or work than there may be."""


class Graph:
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
        if len(self.free) >= MAX_PLACES:
            raise TooLarge
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
