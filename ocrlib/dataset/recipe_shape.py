"""The parts of a manifest's recipe that the reading half looks at, checked when the manifest is read.

A recipe as a whole is the factory's, which reading never imports. A recipe of another version may have other keys; what
is here has these types, or the manifest is refused.
"""

from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

_SHAPE = ConfigDict(extra="ignore", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Pattern:
    name: str
    weight: float


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Text:
    source: str
    patterns: tuple[_Pattern, ...] = ()
    mixed_share: float = 0.0
    whole: bool = False
    path: str = ""


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Part:
    text: _Text


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Texts(_Text):
    parts: tuple[_Part, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Fonts:
    source: str
    only: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None
    weight: float | None = None


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Degradation:
    share: float


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Look:
    weight: float = 1.0
    typeset: dict[str, float | _Degradation] | None = None
    degrade: dict[str, float | _Degradation] | None = None


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Render:
    fonts: tuple[str | _Fonts, ...] = ()
    background: tuple[tuple[str, float], ...] = ()
    typeset: dict[str, float | _Degradation] | None = None
    degrade: dict[str, float | _Degradation] | None = None
    looks: dict[str, _Look] | None = None


@dataclass(frozen=True, kw_only=True, config=_SHAPE)
class _Recipe:
    text: _Texts
    render: _Render | None = None


_ADAPTER = TypeAdapter(_Recipe)


def check_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """Returns the recipe as it is.

    Raises:
      ValueError: names the first key that has another type than a recipe's.
    """
    try:
        _ADAPTER.validate_python(recipe)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if not str(part).startswith("_"))
        raise ValueError(f"must be a recipe: {place}: {first['msg']}") from None
    return recipe
