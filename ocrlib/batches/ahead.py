"""The next window of lines is read in a thread while batches are made of the one before; the order stays the same."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(reads: Sequence[Callable[[], T]]) -> Iterator[T]:
    """Yields what each of the functions returns, in order; while one is used, a thread already calls the next.

    What a function raises is raised when it is its turn.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="reads-ahead") as pool:
        following = pool.submit(reads[0]) if reads else None
        for number in range(len(reads)):
            assert following is not None
            this = following.result()
            following = pool.submit(reads[number + 1]) if number + 1 < len(reads) else None
            yield this
