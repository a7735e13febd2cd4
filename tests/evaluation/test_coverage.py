"""Accuracy against coverage, worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.evaluation.coverage import draw_coverage, measure_coverage


def test_each_threshold_answers_the_lines_that_are_as_sure() -> None:
    coverage = measure_coverage([0.5, 0.9, 0.8, 0.9], [False, True, False, True])
    assert [(p.confidence, p.answered, p.coverage, p.wrong) for p in coverage.points] == [
        (0.9, 2, 0.5, 0.0),  # of the same confidence, answered together
        (0.8, 3, 0.75, pytest.approx(1 / 3)),
        (0.5, 4, 1.0, 0.5),
    ]
    assert coverage.area == pytest.approx((0 + 0 + 1 / 3 + 0.5) / 4)
    assert [point and point.answered for point in coverage.targets.values()] == [2, 2, 2]


def test_a_target_takes_the_most_lines_that_keep_it_also_past_a_mistake() -> None:
    exact = [True] * 99 + [False] + [True] * 101
    confidences = np.linspace(1.0, 0.5, len(exact)).tolist()
    targets = measure_coverage(confidences, exact).targets
    assert [(target, point and point.answered) for target, point in targets.items()] == [
        (0.001, 99),
        (0.005, 201),  # 1 of 201 is less than 0.5%
        (0.01, 201),
    ]


def test_no_line_may_keep_a_target() -> None:
    coverage = measure_coverage([0.9, 0.8], [False, True])
    assert set(coverage.targets.values()) == {None}
    assert coverage.area == pytest.approx((1 + 0.5) / 2)


def test_a_threshold_of_ones_own() -> None:
    coverage = measure_coverage([0.9, 0.8, 0.7], [True, True, False])
    assert [getattr(coverage.at(least), "answered", 0) for least in (0.0, 0.7, 0.75, 0.8, 0.9, 0.95)] == [
        3,
        3,
        2,
        2,
        1,
        0,
    ]


@pytest.mark.parametrize("exact", [[True, False, True], [False, False, False], [True, True, True]])
def test_the_picture_can_be_drawn(exact: list[bool], tmp_path: Path) -> None:
    draw_coverage(measure_coverage([0.9, 0.8, 0.7], exact), tmp_path / "c.png")
    assert Image.open(tmp_path / "c.png").size == (600, 400)
