"""What lines are grouped by, to see which of them fail: how they were made, how long they are, what they say."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

NOTHING = "nothing"  # the group of the lines without any degradation

# Upper ends of bins, each twice the one before; larger values share one more bin.
_LENGTHS = (0, 2, 4, 8, 16, 32, 64)  # characters
_WIDTHS = (16, 32, 64, 128, 256, 512)  # pixels
_SKEWS = (0, 1, 2, 4, 8, 16)  # degrees, to either side
_BLURS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # pixels


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Lines by one kind of thing.

    Attributes:
      kind: what they are grouped by, such as `font`.
      of_line: the groups of each line: one, or several if it has several degradations.
      order: the groups in their natural order; None if they have none.
      apart: a group that the others are not compared with.
    """

    kind: str
    of_line: Sequence[tuple[str, ...]]
    order: tuple[str, ...] | None = None
    apart: str | None = None


def group_by_making(columns: Mapping[str, Sequence]) -> list[Grouping]:
    """Returns the groupings by provenance.

    Args:
      columns: {name of the provenance: a value for each line}.
    """
    degradations = [_parse(drawn) for drawn in columns["degradation"]]
    return [
        Grouping(kind="font", of_line=[(name,) for name in columns["font"]]),
        # A degraded line mostly has several degradations. Compared with lines without any, even a harmless one would
        # look bad, so each degradation is compared with the other degraded lines.
        Grouping(
            kind="degradation",
            of_line=[tuple(name for name, _ in drawn) or (NOTHING,) for drawn in degradations],
            apart=NOTHING,
        ),
        _by_strength(degradations),
        Grouping(kind="source", of_line=[(name,) for name in columns["source"]]),
        Grouping(kind="background", of_line=[(name,) for name in columns["background"]]),
        _binned("skew_deg", [abs(skew) for skew in columns["skew_deg"]], _SKEWS),
        _binned("blur_px", columns["blur_px"], _BLURS),
    ]


def group_by_look(truths: Sequence[str], widths_px: Sequence[int]) -> list[Grouping]:
    """Returns the groupings that any lines have: by what they say, how long and how wide they are."""
    return [
        Grouping(kind="text", of_line=[(text_kind(truth),) for truth in truths], order=TEXT_KINDS),
        _binned("length", [len(truth) for truth in truths], _LENGTHS),
        _binned("width_px", widths_px, _WIDTHS),
    ]


TEXT_KINDS = ("digits", "amounts", "other signs", "letters", "empty")


def text_kind(text: str) -> str:
    """Returns what a text is made of, one of TEXT_KINDS; spaces do not count.

    `digits` are nothing else; `amounts` are digits with points or commas; `letters` are texts with at least one letter;
    `other signs` are the rest, such as dates, times and numbers with a sign or a currency.
    """
    characters = "".join(text.split())
    if not characters:
        return "empty"
    if any(c.isalpha() for c in characters):
        return "letters"
    signs = {c for c in characters if not c.isdecimal()}
    if not signs:
        return "digits"
    return "amounts" if signs <= {".", ","} and len(characters) > sum(map(characters.count, signs)) else "other signs"


def _parse(drawn: str) -> list[tuple[str, float]]:
    """Returns `crop=0.4 jpeg=0.7` as pairs of name and strength."""
    items = (item.partition("=") for item in drawn.split())
    return [(name, float(strength)) for name, _, strength in items]


def _by_strength(degradations: Sequence[list[tuple[str, float]]]) -> Grouping:
    """Returns the grouping by degradation and strength: each degradation in thirds, from weak to strong."""
    strengths: dict[str, list[float]] = {}
    for drawn in degradations:
        for name, strength in drawn:
            strengths.setdefault(name, []).append(strength)
    edges = {name: np.quantile(values, [1 / 3, 2 / 3]).tolist() for name, values in strengths.items()}
    thirds: dict[tuple[str, int], list[float]] = {}
    for name, values in strengths.items():
        for value in values:
            thirds.setdefault((name, bisect_left(edges[name], value)), []).append(value)
    labels = {(name, third): f"{name} {min(v):g} to {max(v):g}" for (name, third), v in thirds.items()}
    of_line = [
        tuple(labels[name, bisect_left(edges[name], strength)] for name, strength in drawn) or (NOTHING,)
        for drawn in degradations
    ]
    return Grouping(kind="strength", of_line=of_line, apart=NOTHING)


def _binned(kind: str, values: Sequence[float], ends: Sequence[float]) -> Grouping:
    """Returns the grouping by bins that end at `ends`, named as 5-8 for whole numbers, else as 0.25 to 0.5."""
    names = [f"{ends[0]:g}" if ends[0] == 0 else f"to {ends[0]:g}"]
    for low, high in pairwise(ends):
        whole = isinstance(low, int)
        names.append(f"{low:g} to {high:g}" if not whole else f"{high}" if high == low + 1 else f"{low + 1}-{high}")
    names.append(f"beyond {ends[-1]:g}")
    return Grouping(kind=kind, of_line=[(names[bisect_left(ends, value)],) for value in values], order=tuple(names))
