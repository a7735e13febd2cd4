"""Plots as SVG."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.html.charts import bar_chart, line_chart

NUMBERS = st.one_of(
    st.floats(1e-9, 1e9),
    st.floats(-1e9, -1e-9),
    st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -1e-200]),
)


@given(points=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5), logarithmic=st.booleans(), percent=st.booleans())
def test_any_points_give_a_plot_within_its_frame(
    points: list[tuple[float, float]], logarithmic: bool, percent: bool
) -> None:
    if logarithmic:
        points = [(x, abs(y)) for x, y in points]
    drawn = line_chart({"<a&b>": points}, "x", "y", logarithmic=logarithmic, percent=percent)
    if not any(abs(x) < 1e100 and abs(y) < 1e100 for x, y in points):
        assert drawn == ""
        return
    ElementTree.fromstring(drawn)
    for x, y in re.findall(r'cx="([^"]+)" cy="([^"]+)"', drawn):
        assert 0 <= float(x) <= 460
        assert 0 <= float(y) <= 260


def test_a_line_goes_where_its_points_are() -> None:
    drawn = line_chart({"a": [(0, 0), (10, 1)]}, "minutes", "share", percent=True)
    assert 'd="M62.0,218.0L448.0,12.0"' in drawn
    assert ">100%</text>" in drawn
    assert ">10</text>" in drawn


def test_zero_has_a_place_on_a_logarithmic_axis() -> None:
    drawn = line_chart({"a": [(0, 0.1), (1, 0.0)]}, "x", "y", logarithmic=True)
    assert ">0.01</text>" in drawn
    assert ">0.1</text>" in drawn


@given(st.lists(st.tuples(st.text(), st.integers(0, 10**12)), max_size=20))
def test_any_names_give_bars(rows: list[tuple[str, int]]) -> None:
    drawn = bar_chart(rows, "x", "y")
    assert drawn.count("<rect") == len(rows)
    if not any(re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", name) for name, _ in rows):
        assert not rows or ElementTree.fromstring(drawn) is not None


def test_texts_are_escaped() -> None:
    assert "<script>" not in bar_chart([("<script>", 1)], "<script>", "<script>")
    assert "<script>" not in line_chart({"<script>": [(1, 1)], "b": [(1, 1)]}, "<script>", "<script>")


@pytest.mark.parametrize("count", [1, 7, 1000, 123456])
def test_the_highest_bar_stays_below_the_top(count: int) -> None:
    top, height = re.search(
        r'y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', bar_chart([("a", count)], "x", "y")
    ).groups()  # type: ignore[union-attr]
    assert float(top) >= 12
    assert float(height) > 90
