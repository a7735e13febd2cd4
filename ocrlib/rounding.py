"""Whole numbers rounded up, for counts and sizes; a division of floats would be wrong beyond 2**53."""

from typing import Any


def ceil_div(amount: Any, size: int) -> Any:
    """Returns how many pieces of `size` hold `amount`: amount / size, rounded up.

    Args:
      amount: at least 0; an int, or an array or a tensor of ints, which is what comes back then.
      size: above 0.
    """
    return -(-amount // size)


def round_up(amount: Any, multiple: int) -> Any:
    """Returns the smallest multiple of `multiple` that is not below `amount`; types as for `ceil_div`."""
    return ceil_div(amount, multiple) * multiple
