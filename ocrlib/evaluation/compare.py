"""Two readers on the same lines: how much they differ, and whether that may be chance.

The interval of a difference is that of a paired bootstrap: lines are drawn with replacement, as many as there are, and
both readers are measured on the same draw, 10,000 times; the interval holds the middle 95% of the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocrlib.evaluation.breakdown import FEW_LINES, LineErrors, members_of
from ocrlib.evaluation.groups import Grouping

DRAWS = 10_000
INTERVAL = 0.95
SEED = 1


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A rate of one reader less that of another one.

    Attributes:
      value: negative where the first of the two rates is lower.
      low, high: the interval.
    """

    value: float
    low: float
    high: float

    @property
    def may_be_chance(self) -> bool:
        """Whether no difference at all lies within the interval."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, kw_only=True)
class GroupDifference:
    """The lines of a group, read by two readers.

    Attributes:
      kind, name: of the group, as in the tables of errors.
      lines: in it.
      cer, cer_before: of the reader, and of the one that it is compared with.
      difference: of these.
    """

    kind: str
    name: str
    lines: int
    cer: float
    cer_before: float
    difference: Difference


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A reader compared with another one, on the same lines.

    Attributes:
      cer, exact_match: the differences of these rates; of exact lines, more is better.
      groups: those of 30 lines or more, the largest differences first.
      gained, lost: lines that only this reader reads without an error, and that only the other one does.
    """

    cer: Difference
    exact_match: Difference
    groups: Sequence[GroupDifference]
    gained: Sequence[int]
    lost: Sequence[int]


def compare(errors: LineErrors, before: LineErrors, groupings: Sequence[Grouping]) -> Comparison:
    """Returns how a reader differs from another one.

    Args:
      errors, before: of the reader and of the other one, the same lines in the same order.
      groupings: of these lines.
    """
    whole = np.ones(len(errors.edits), bool)
    groups = [
        _group_difference(grouping.kind, name, errors, before, inside)
        for grouping in groupings
        for name, inside in members_of(grouping).items()
        if inside.sum() >= FEW_LINES and not inside.all()
    ]
    return Comparison(
        cer=cer_difference(errors, before, whole),
        exact_match=exact_difference(errors, before),
        groups=sorted(groups, key=lambda group: -abs(group.difference.value)),
        gained=np.flatnonzero(errors.exact & ~before.exact).tolist(),
        lost=np.flatnonzero(~errors.exact & before.exact).tolist(),
    )


def cer_difference(errors: LineErrors, before: LineErrors, inside: np.ndarray) -> Difference:
    """Returns the difference of the CER over the lines that are `inside` (N,) bool, of which there is at least one."""
    edits = (errors.edits - before.edits)[inside]
    return _bootstrap(edits, errors.characters[inside])


def exact_difference(errors: LineErrors, before: LineErrors) -> Difference:
    """Returns the difference of the share of exact lines."""
    gains = errors.exact.astype(np.int64) - before.exact.astype(np.int64)
    return _bootstrap(gains, np.ones_like(gains))


def _bootstrap(differences: np.ndarray, sizes: np.ndarray) -> Difference:
    """Returns sum(differences) / sum(sizes) with its interval.

    A draw counts only how often each kind of line comes, and there are few kinds of (difference, size), so the counts
    are drawn from their multinomial distribution: the same as drawing lines, and a hundred times faster.

    Source: Bisani, Ney 2004, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP.
    """
    kinds, counts = np.unique(np.stack([differences, sizes], axis=1), axis=0, return_counts=True)
    drawn = np.random.RandomState(SEED).multinomial(len(sizes), counts / len(sizes), size=DRAWS)
    rates = drawn @ kinds[:, 0] / np.maximum(drawn @ kinds[:, 1], 1)
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(rates, [tail, 1 - tail])
    return Difference(value=float(differences.sum() / max(1, sizes.sum())), low=float(low), high=float(high))


def _group_difference(
    kind: str, name: str, errors: LineErrors, before: LineErrors, inside: np.ndarray
) -> GroupDifference:
    characters = max(1, int(errors.characters[inside].sum()))
    return GroupDifference(
        kind=kind,
        name=name,
        lines=int(inside.sum()),
        cer=int(errors.edits[inside].sum()) / characters,
        cer_before=int(before.edits[inside].sum()) / characters,
        difference=cer_difference(errors, before, inside),
    )
