"""Values that no file should hold, and how they are put in the place of another one in nested tables."""

import copy
import json
from collections.abc import Iterator
from typing import Any

DEEP: Any = "deep"  # stands for lists in lists, which `dumps` writes
DEPTH = 50_000
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "-1": -1,
    "0.5": 0.5,
    "10**30": 10**30,
    "NaN": float("nan"),
    "1e308": 1e308,
    "5,000 digits": "5000 digits",
    "empty text": "",
    "escape": "\x1b[2J\x1b]52;c;AAAA\x07",
    "surrogate": "\ud800",
    "path": "../../etc/passwd",
    "NUL": "a\0b",
    "long": "a" * 300_000,
    "list": [],
    "table": {},
    "deep": DEEP,
}


def dumps(value: Any) -> str:
    """Returns JSON, with what Python itself would not write."""
    text = json.dumps(value)
    text = text.replace('"5000 digits"', "9" * 5000)
    return text.replace('"deep"', "[" * DEPTH + "]" * DEPTH)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the place of each value in nested tables; of a list, its first item alone."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths_in(inner, (*path, key))


def with_value(tables: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Returns the tables with another value in one place."""
    changed = copy.deepcopy(tables)
    inner = changed
    for key in path[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
    inner[path[-1]] = value
    return changed
