"""Which lines of a dataset take part in a run: by number, font, length, or whether the charset can encode them.

A selection is a boolean mask for each shard. It is made before training begins, from the columns beside the pixels.
The loader then behaves as if the other lines did not exist.
"""

import hashlib
import operator
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.charset import Charset
from ocrlib.dataset.sample import PROVENANCE
from ocrlib.errors import UserError

_CONDITION = re.compile(r"\s*(\w+)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*")
_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class SelectionConfig:
    """The keys of `--data.*` that choose lines."""

    limit: Annotated[int, Field(ge=0)] = 0
    """At most this many training lines of each dataset, the first ones; 0 takes all."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """This share of the training lines of each dataset, the first ones."""
    where: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Conditions that every training line must meet, such as ["font = DejaVu*", "label_length <= 8"]. A condition
    compares a name of the provenance, `label_length` (characters) or `width` (pixels) by = != < <= > or >=; in a
    text, * and ? stand for anything."""
    unencodable: Literal["stop", "skip"] = "stop"
    """A line with characters outside the charset: stop, or skip it."""
    val_share: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Share of `train` that is held out for validation if the dataset has no split `val`."""


def needed_columns(settings: SelectionConfig) -> list[str]:
    """Returns the names of the columns that `keep_where` needs besides `id`, `text` and `width`.

    Raises:
      UserError: a condition that cannot be read, or one with a name that no dataset has.
    """
    names = [_parse(condition)[0] for condition in settings.where]
    return sorted({name for name in names if name not in ("label_length", "width")})


def keep_where(columns: Mapping[str, np.ndarray], settings: SelectionConfig) -> np.ndarray:
    """Returns (N,) bool: True for each line of a shard that meets every condition.

    Args:
      columns: `text`, `width` and the needed columns, (N,) each.
    """
    keep = np.ones(len(columns["text"]), bool)
    for condition in settings.where:
        name, sign, value = _parse(condition)
        lengths = name == "label_length"
        values = np.array([len(text) for text in columns["text"]]) if lengths else columns[name]
        if PROVENANCE.get(name) is str:
            matches = np.array([fnmatchcase(each, value) for each in values], bool)
            keep &= matches if sign == "=" else ~matches
        else:
            keep &= _NUMBERS[sign](values, float(value))
    return keep


def keep_encodable(texts: np.ndarray, charset: Charset) -> np.ndarray:
    """Returns (N,) bool: True for each text whose characters are all in the charset."""
    known = set(charset.characters)
    return np.array([known.issuperset(text) for text in texts], bool)


def hashes_of(ids: np.ndarray) -> np.ndarray:
    """Returns (N,) int64 in [0, 2**32): a hash of each id, alike on every machine."""
    return np.array([int.from_bytes(hashlib.sha256(i.encode()).digest()[:4]) for i in ids], np.int64)


def held_out(ids: np.ndarray, limit: int) -> np.ndarray:
    """Returns (N,) bool: True for each line whose hash is below the limit; such lines are held out."""
    return hashes_of(ids) < limit


def _parse(condition: str) -> tuple[str, str, str]:
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise UserError(f"--data.where: expected 'NAME = VALUE' or the like, not {condition!r}")
    name, sign, value = match.groups()
    numbers = ["label_length", "width", *(n for n, kind in PROVENANCE.items() if kind is not str)]
    strings = [n for n, kind in PROVENANCE.items() if kind is str]
    if name in strings:
        if sign not in ("=", "!="):
            raise UserError(f"--data.where: {name} is text and can be compared by = and != only, not {sign}")
    elif name not in numbers:
        raise UserError(f"--data.where: no line has a {name!r}; they have {', '.join(strings + numbers)}")
    elif not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise UserError(f"--data.where: {name} is a number, {value!r} is none")
    return name, sign, value
