"""Which lines fail: the errors of each group of lines, compared with those of the other lines.

A group fails *beyond chance* if two things hold. It has more wrong lines than a random sample of the same size would
have: Fisher's exact test, one-sided, at 5% over all groups together (Bonferroni: 5% divided by their number). And its
CER is more than a quarter above that of the others. The second rule leaves out differences too small to matter, and
groups of long lines, which are wrong more often at the same CER.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ocrlib.evaluation.groups import Grouping
from ocrlib.evaluation.metrics import count_errors

FEW_LINES = 30  # with fewer lines a rate says little
SIGNIFICANCE = 0.05
WORSE = 1.25  # times the CER of the others


@dataclass(frozen=True, kw_only=True)
class Row:
    """A group of lines.

    Attributes:
      name: of the group.
      lines, exact, characters, character_edits: as in `metrics.ErrorCounts`.
      cer, exact_match: their rates.
      cer_others: CER of the lines that the group is compared with; None if there are none.
      share_of_lines, share_of_errors: of all lines, and of all character edits, 0 to 1.
      few_lines: there are too few lines for the rates to say much.
      beyond_chance: the group fails beyond chance, see the top of this file.
    """

    name: str
    lines: int
    exact: int
    characters: int
    character_edits: int
    cer: float
    exact_match: float
    cer_others: float | None
    share_of_lines: float
    share_of_errors: float
    few_lines: bool
    beyond_chance: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a grouping.

    Attributes:
      kind: of the grouping.
      rows: in the natural order of the groups; if they have none, those with the most errors above the average first.
      ordered: whether the groups have a natural order.
      apart: the row that the others are not compared with.
    """

    kind: str
    rows: tuple[Row, ...]
    ordered: bool
    apart: str | None


class LineErrors:
    """Errors line by line: `characters` and `edits` (N,) int64, `exact` (N,) bool."""

    def __init__(self, truths: Sequence[str], texts: Sequence[str]) -> None:
        counts = [count_errors([truth], [text]) for truth, text in zip(truths, texts, strict=True)]
        self.characters = np.array([count.characters for count in counts], np.int64)
        self.edits = np.array([count.character_edits for count in counts], np.int64)
        self.exact = np.array([count.exact for count in counts], bool)


def break_down(errors: LineErrors, groupings: Sequence[Grouping]) -> list[Table]:
    """Returns a table for each grouping of the lines."""
    members = [members_of(grouping) for grouping in groupings]
    threshold = SIGNIFICANCE / max(1, sum(len(groups) for groups in members))
    tables = []
    for grouping, groups in zip(groupings, members, strict=True):
        rows = []
        for name, inside in groups.items():
            others = ~inside
            if grouping.apart in groups and name != grouping.apart:
                others &= ~groups[grouping.apart]
            rows.append(_make_row(name, errors, inside, others, threshold))
        rows.sort(key=_place_of(grouping, errors))
        ordered = grouping.order is not None
        tables.append(Table(kind=grouping.kind, rows=tuple(rows), ordered=ordered, apart=grouping.apart))
    return tables


def _place_of(grouping: Grouping, errors: LineErrors) -> Callable[[Row], tuple[float, str]]:
    if grouping.order is not None:
        places = {name: place for place, name in enumerate(grouping.order)}
        return lambda row: (places[row.name], row.name)
    cer = float(errors.edits.sum() / max(1, errors.characters.sum()))
    return lambda row: (cer * row.characters - row.character_edits, row.name)


def members_of(grouping: Grouping) -> dict[str, np.ndarray]:
    """Returns {group: (N,) bool, the lines in it}."""
    lines: dict[str, list[int]] = {}
    for line, names in enumerate(grouping.of_line):
        for name in names:
            lines.setdefault(name, []).append(line)
    members = {name: np.zeros(len(grouping.of_line), bool) for name in lines}
    for name, rows in lines.items():
        members[name][rows] = True
    return members


def _make_row(name: str, errors: LineErrors, inside: np.ndarray, others: np.ndarray, threshold: float) -> Row:
    lines, exact = int(inside.sum()), int(errors.exact[inside].sum())
    characters, edits = int(errors.characters[inside].sum()), int(errors.edits[inside].sum())
    cer = edits / max(1, characters)
    cer_others = float(errors.edits[others].sum() / max(1, errors.characters[others].sum())) if others.any() else None
    wrong, wrong_others = lines - exact, int((~errors.exact[others]).sum())
    num_others = int(others.sum())
    beyond = cer_others is not None and cer > WORSE * cer_others
    return Row(
        name=name,
        lines=lines,
        exact=exact,
        characters=characters,
        character_edits=edits,
        cer=cer,
        exact_match=exact / lines,
        cer_others=cer_others,
        share_of_lines=lines / len(inside),
        share_of_errors=edits / max(1, int(errors.edits.sum())),
        few_lines=lines < FEW_LINES,
        beyond_chance=beyond and chance_of(wrong, lines, wrong + wrong_others, lines + num_others) < threshold,
    )


def chance_of(wrong: int, lines: int, all_wrong: int, all_lines: int) -> float:
    """Returns the probability that a random sample of `lines` lines has `wrong` wrong ones or more.

    Args:
      wrong, lines: of the sample.
      all_wrong, all_lines: of all lines that it is taken from.

    Source: Fisher 1935, "The Design of Experiments": the upper tail of the hypergeometric distribution.
    """

    def log_choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    least = max(wrong, lines + all_wrong - all_lines, 0)
    most = min(lines, all_wrong)
    all_right = all_lines - all_wrong
    return min(
        1.0,
        sum(
            math.exp(log_choose(all_wrong, k) + log_choose(all_right, lines - k) - log_choose(all_lines, lines))
            for k in range(least, most + 1)
        ),
    )
