"""Confidence, compared with bins and shares counted by hand."""

import pytest

from ocrlib.evaluation.calibration import Bin, measure_reliability


def test_a_bin_includes_its_lower_end_and_the_last_its_upper_end_too() -> None:
    confidences = [0.0, 0.05, 0.1, 0.55, 0.9, 0.95, 1.0]
    bins = measure_reliability(confidences, [False, True, True, False, True, True, False]).bins
    assert [(each.low, each.high) for each in bins[:3]] == [(0.0, 0.1), (0.1, 0.2), (0.2, 0.3)]
    assert [each.lines for each in bins] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 3]
    assert bins[0].mean_confidence == pytest.approx(0.025)
    assert bins[0].exact_match == 0.5
    assert bins[2] == Bin(low=0.2, high=0.3, lines=0, mean_confidence=None, exact_match=None)
    assert bins[9].mean_confidence == pytest.approx(0.95)
    assert bins[9].exact_match == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("confidences", "exact", "error"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [False, False], 1.0),
        ([0.95, 0.95, 0.95, 0.95], [True, True, True, False], 0.2),  # says 95%, is right three times in four
        # 3/4 of |0.9 - 2/3| and 1/4 of |0.2 - 1|
        ([0.9, 0.9, 0.9, 0.2], [True, True, False, True], 0.75 * (0.9 - 2 / 3) + 0.25 * 0.8),
        # Errors in both directions cancel within a bin: both lie in 0.4 to 0.5, their mean is 0.45.
        ([0.41, 0.49], [True, False], 0.05),
    ],
)
def test_expected_calibration_error(confidences: list[float], exact: list[bool], error: float) -> None:
    assert measure_reliability(confidences, exact).expected_calibration_error == pytest.approx(error)


def test_a_twentieth_of_the_lines_is_set_aside_the_least_confident() -> None:
    confidences = [i / 100 for i in range(40)][::-1]  # the last two are the least confident
    exact = [True] * 40
    exact[39] = exact[10] = exact[11] = exact[12] = False
    found = measure_reliability(confidences, exact)
    assert found.set_aside == 2
    assert found.set_aside_below == 0.02
    assert found.wrong_set_aside == 0.25
    assert found.exact_match_kept == pytest.approx(35 / 38)


@pytest.mark.parametrize(("lines", "set_aside"), [(1, 1), (20, 1), (21, 2), (100, 5), (2000, 100)])
def test_what_is_set_aside_is_rounded_up(lines: int, set_aside: int) -> None:
    assert measure_reliability([0.5] * lines, [True] * lines).set_aside == set_aside


def test_without_wrong_lines_no_share_of_them_is_caught() -> None:
    found = measure_reliability([0.5, 0.6], [True, True])
    assert (found.wrong_set_aside, found.exact_match_kept) == (None, 1.0)


def test_a_single_line_is_set_aside() -> None:
    found = measure_reliability([0.5], [False])
    assert (found.set_aside, found.set_aside_below, found.wrong_set_aside, found.exact_match_kept) == (
        1,
        None,
        1.0,
        None,
    )
