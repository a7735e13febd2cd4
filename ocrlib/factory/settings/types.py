"""Types that several tables of a recipe share: ranges, weighted choices, shares."""

import math
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field

MAX_WEIGHT = 1e9  # of one choice relative to another; sums of much larger ones are infinite


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _range(value: Any) -> Any:
    low, high = value if isinstance(value, list) and len(value) == 2 else (value, value)
    if not (_is_number(low) and _is_number(high)):
        raise ValueError("must be a number, or a range [low, high]")
    if low > high:
        raise ValueError("must have its low end first")
    return (low, high)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _weighted(value: Any) -> Any:
    """Returns ((name, weight), ...) for a name, a list of names, {name = weight}, or for such pairs."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(_is_pair(item) for item in value):
        value = dict(value)
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        value = dict.fromkeys(value, 1.0)
    good = isinstance(value, dict) and value and all(_is_number(w) and 0 < w <= MAX_WEIGHT for w in value.values())
    if not good:
        raise ValueError("must be a name, a list of names, or a table { name = weight above 0 }")
    return tuple((name, float(weight)) for name, weight in value.items())


def known_names(names: Any) -> AfterValidator:
    """Checks that the names of a choice are among those of a Literal."""
    known = get_args(names)

    def check(choices: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
        for name, _ in choices:
            if name not in known:
                raise ValueError(f"must be among {', '.join(known)}")
        return choices

    return AfterValidator(check)


def between(low: float, high: float) -> AfterValidator:
    """Returns a check that both ends of a range lie in [low, high]."""

    def check(ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] < low or ends[1] > high:
            raise ValueError(f"must lie between {low} and {high}")
        return ends

    return AfterValidator(check)


# A fixed number or [low, high]; kept as (low, high). Values are drawn uniformly, both ends included.
FloatRange = Annotated[tuple[float, float], BeforeValidator(_range)]
IntRange = Annotated[tuple[int, int], BeforeValidator(_range)]
# A name, a list of names, or names with weights; kept as ((name, weight), ...).
Choice = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_weighted)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=MAX_WEIGHT)]
