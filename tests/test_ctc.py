"""How many time steps a line has and a label needs: literals, and the same for ints, arrays and tensors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.backend import tf
from ocrlib.ctc import ctc_steps, time_steps
from ocrlib.rounding import ceil_div, round_up


@pytest.mark.parametrize(
    ("width", "of_4", "of_2"), [(1, 1, 1), (3, 1, 2), (4, 1, 2), (5, 2, 3), (8, 2, 4), (9, 3, 5), (400, 100, 200)]
)
def test_time_steps_literals(width: int, of_4: int, of_2: int) -> None:
    assert (time_steps(width, 4), time_steps(width, 2)) == (of_4, of_2)


@given(widths=st.lists(st.integers(0, 10_000), min_size=1), stride=st.sampled_from([1, 2, 3, 4, 7, 16]))
def test_arrays_and_tensors_have_as_many_time_steps_as_ints(widths: list[int], stride: int) -> None:
    expected = [time_steps(width, stride) for width in widths]
    array = np.array(widths, np.int32)
    assert time_steps(array, stride).tolist() == expected
    assert time_steps(tf.constant(array), stride).numpy().tolist() == expected


@pytest.mark.parametrize(
    ("label", "steps"),
    [("", 0), ("1", 1), ("12", 2), ("11", 3), ("1111", 7), ("1221", 5), ("aab", 4), ([3, 3, 3], 5), ([1, 2], 2)],
)
def test_ctc_needs_a_blank_between_equal_neighbours(label: str | list[int], steps: int) -> None:
    assert ctc_steps(label) == steps


@given(amount=st.integers(0, 10**18), size=st.integers(1, 10**6))
def test_rounding_up_takes_the_fewest_pieces_that_hold_it(amount: int, size: int) -> None:
    pieces = ceil_div(amount, size)
    assert (pieces - 1) * size < amount <= pieces * size == round_up(amount, size)
