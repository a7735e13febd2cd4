"""The regular expressions of recipes and of `--pattern`: read by Python's own parser, one set of refusals for both.

The factory draws strings from them, the reader reads lines by them. Neither searches, so what only a search can
mean is refused: look-around, word boundaries, possessive quantifiers, atomic groups and conditions.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from re import _parser  # type: ignore[attr-defined]
from typing import Any

ENDS = ("AT_BEGINNING", "AT_BEGINNING_STRING", "AT_END", "AT_END_STRING")  # ^ \A $ \Z
REPEATS = ("MAX_REPEAT", "MIN_REPEAT")
ONE_CHARACTER = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY")
# Operations that only make sense in a search, with their names for messages.
_LOOKS = {"ASSERT": "look-around", "ASSERT_NOT": "look-around", "AT_BOUNDARY": "\\b", "AT_NON_BOUNDARY": "\\B"}


def parse_regex(regex: str) -> Any:
    """Returns the tree of a regular expression: a `re._parser.SubPattern` of (operation, value).

    Raises:
      ValueError: it is none, or uses what only a search can.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "possible nested set", which Python reads as we do
            tree = _parser.parse(regex)
        _refuse_searches(tree)
    except (re.error, OverflowError) as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("groups nested too deeply") from None
    return tree


def _refuse_searches(sequence: Any) -> None:
    for operation, value in sequence:
        name = value.name if operation.name == "AT" else operation.name
        if name not in (*ENDS, *REPEATS, *ONE_CHARACTER, "SUBPATTERN", "BRANCH", "GROUPREF"):
            raise ValueError(f"'{_LOOKS.get(name, name.lower())}'")
        for inner in inner_sequences(operation, value):
            _refuse_searches(inner)


def inner_sequences(operation: Any, value: Any) -> Iterator[Any]:
    """Yields the sequences right inside a node of the tree."""
    if operation.name in REPEATS or operation.name == "SUBPATTERN":
        yield value[-1]
    elif operation.name == "BRANCH":
        yield from value[1]


def recipe_patterns(recipes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Returns the patterns that the texts of datasets were drawn from, each once; none if one had other texts too."""
    texts = [recipe.get("text", {}) for recipe in recipes]
    if any(text.get("source") != "numeric" for text in texts):
        return ()
    return tuple(dict.fromkeys(pattern["regex"] for text in texts for pattern in text.get("patterns", ())))
