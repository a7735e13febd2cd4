"""Buckets for literal histograms, compared with every other possible choice."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrlib.batches.buckets import Bucket, plan_buckets
from ocrlib.batches.padding import WIDTH_MULTIPLE, padded_width


@pytest.mark.parametrize(
    ("widths", "batch_size", "num_buckets", "buckets"),
    [
        ({100: 7}, 64, 24, [(104, 62)]),  # one width: one bucket, as large as 64 average lines
        ({104: 7}, 64, 24, [(104, 64)]),
        ({1: 1}, 64, 24, [(8, 8)]),
        ({97: 3, 104: 3}, 10, 24, [(104, 10)]),  # both round up to 104
        ({8: 5, 16: 1, 24: 1}, 4, 2, [(8, 6), (24, 2)]),  # the many narrow lines get their own bucket
        ({8: 1, 16: 2, 24: 5}, 4, 2, [(16, 5), (24, 3)]),
        ({8: 5, 16: 1, 24: 1}, 4, 1, [(24, 2)]),
        ({8: 5, 16: 1, 24: 1}, 4, 3, [(8, 6), (16, 3), (24, 2)]),
        ({16: 1, 1000: 1}, 1, 24, [(16, 32), (1000, 1)]),  # a batch has at least one line
    ],
)
def test_buckets_of_a_histogram(
    widths: dict[int, int], batch_size: int, num_buckets: int, buckets: list[tuple[int, int]]
) -> None:
    expected = [Bucket(width_px=width, batch_size=lines) for width, lines in buckets]
    assert plan_buckets(widths, batch_size, num_buckets) == expected


def padded_area(widths: dict[int, int], edges: list[int]) -> int:
    """The sum of all widths in pixels, each line as wide as the narrowest bucket that it fits into."""
    return sum(min(edge for edge in edges if edge >= width) * lines for width, lines in widths.items())


@settings(max_examples=60, deadline=None)
@given(
    widths=st.dictionaries(st.integers(1, 60), st.integers(1, 9), min_size=1, max_size=8),
    num_buckets=st.integers(1, 4),
)
def test_no_other_choice_with_the_same_number_of_buckets_wastes_less(widths: dict[int, int], num_buckets: int) -> None:
    edges = [bucket.width_px for bucket in plan_buckets(widths, 8, num_buckets)]
    assert edges == sorted(set(edges))
    assert len(edges) <= num_buckets
    assert all(edge % WIDTH_MULTIPLE == 0 for edge in edges)
    possible = sorted({padded_width(width) for width in widths})
    choices = [
        [*inner, possible[-1]] for size in range(num_buckets) for inner in itertools.combinations(possible[:-1], size)
    ]
    assert padded_area(widths, edges) == min(padded_area(widths, choice) for choice in choices)


def test_padding_of_a_wide_histogram_stays_under_five_percent() -> None:
    widths = {
        width: 1 + min(width - 20, 420 - width) for width in range(20, 421)
    }  # lines of 20 to 420 px, most in the middle
    edges = [bucket.width_px for bucket in plan_buckets(widths, 64)]
    own = sum(width * lines for width, lines in widths.items())
    assert len(edges) == 24
    assert 1 - own / padded_area(widths, edges) < 0.05


def test_batches_of_all_buckets_have_about_the_same_area() -> None:
    widths = {width: 10 for width in range(20, 421)}
    areas = [bucket.width_px * bucket.batch_size for bucket in plan_buckets(widths, 64)]
    assert max(areas) / min(areas) < 1.2
