"""How far a model's confidence can be trusted: is it right as often as it says, and are wrong lines less confident?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NUM_BINS = 10
SET_ASIDE = 0.05  # share of the lines that a person would check


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Lines whose confidence is in [low, high), or in [low, 1] for the last bin; without lines the means are None."""

    low: float
    high: float
    lines: int
    mean_confidence: float | None
    exact_match: float | None


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How far confidence can be trusted.

    Attributes:
      bins: ten of equal width.
      expected_calibration_error: mean over lines of |mean confidence - exact match| of their bin, 0 to 1.
      set_aside: how many lines are set aside: the least confident 5%, rounded up; of equal ones the first.
      set_aside_below: the lowest confidence among the lines that are kept.
      wrong_set_aside: share of all wrong lines that are set aside; None if no line is wrong.
      exact_match_kept: of the lines that are kept; None if there are none.
    """

    bins: tuple[Bin, ...]
    expected_calibration_error: float
    set_aside: int
    set_aside_below: float | None
    wrong_set_aside: float | None
    exact_match_kept: float | None


def measure_reliability(confidences: Sequence[float], exact: Sequence[bool]) -> Reliability:
    """Returns how far confidences, each 0 to 1, tell which of the lines were read exactly.

    Source of the bins and the error: Naeini, Cooper, Hauskrecht 2015, "Obtaining Well Calibrated Probabilities
    Using Bayesian Binning", AAAI.
    """
    confidence, right = np.array(confidences, float), np.array(exact, bool)
    which = np.minimum((confidence * NUM_BINS).astype(int), NUM_BINS - 1)
    bins = []
    error = 0.0
    for number in range(NUM_BINS):
        inside = which == number
        lines = int(inside.sum())
        mean = float(confidence[inside].mean()) if lines else None
        share = float(right[inside].mean()) if lines else None
        if mean is not None and share is not None:
            error += lines / len(confidence) * abs(mean - share)
        low, high = number / NUM_BINS, (number + 1) / NUM_BINS
        bins.append(Bin(low=low, high=high, lines=lines, mean_confidence=mean, exact_match=share))

    order = np.argsort(confidence, kind="stable")
    aside, kept = np.split(order, [math.ceil(SET_ASIDE * len(order))])
    wrong = int((~right).sum())
    return Reliability(
        bins=tuple(bins),
        expected_calibration_error=error,
        set_aside=len(aside),
        set_aside_below=float(confidence[kept[0]]) if len(kept) else None,
        wrong_set_aside=float((~right[aside]).sum()) / wrong if wrong else None,
        exact_match_kept=float(right[kept].mean()) if len(kept) else None,
    )
