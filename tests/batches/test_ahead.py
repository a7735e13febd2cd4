"""Windows are read one ahead, in a thread: in order, and what goes wrong is said when it is its turn."""

import threading
from collections.abc import Callable

import pytest

from ocrlib.batches.ahead import one_ahead


def test_results_come_in_order_and_the_next_is_read_while_one_is_used() -> None:
    begun = [threading.Event() for _ in range(4)]

    def read(number: int) -> Callable[[], int]:
        return lambda: begun[number].set() or number

    seen = []
    for number in one_ahead([read(each) for each in range(4)]):
        seen.append(number)
        if number < 3:
            assert begun[number + 1].wait(10)  # without this one being given back first
        if number < 2:
            assert not begun[number + 2].is_set()  # one, not two: their memory is still in use
    assert seen == [0, 1, 2, 3]
    assert list(one_ahead([])) == []


def test_an_error_comes_in_its_turn() -> None:
    def broken() -> int:
        raise ValueError("the second")

    results = one_ahead([lambda: 1, broken, lambda: 3])
    assert next(results) == 1
    with pytest.raises(ValueError, match="the second"):
        next(results)


def test_no_thread_is_left_when_the_batches_are_no_longer_wanted() -> None:
    results = one_ahead([lambda: 1, lambda: 2, lambda: 3])
    next(results)
    results.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("reads-ahead")]
