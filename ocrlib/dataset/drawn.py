"""What the recipe in a manifest says about the lines that were drawn: its texts and its looks, one or several of each.

A recipe is plain data here: this room knows nothing of the factory's settings.
"""

from collections.abc import Mapping
from typing import Any


def texts_of(recipe: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Returns (key of the recipe, table) of its `[text]`, or of each part where it is a mix."""
    text = recipe.get("text") or {}
    parts = text.get("parts")
    return [(f"text.parts.{i}.text", part["text"]) for i, part in enumerate(parts)] if parts else [("text", text)]


def looks_of(recipe: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Returns (key of the recipe, table with its `typeset` and `degrade`) of each look, or of `[render]`."""
    render = recipe.get("render") or {}
    looks = render.get("looks")
    return [(f"render.looks.{name}", look) for name, look in looks.items()] if looks else [("render", render)]


def shares_of(look: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Returns (key within the look, share) of each way to set or to degrade a line."""
    tables = [(table, look.get(table) or {}) for table in ("typeset", "degrade")]
    return [
        (f"{table}.{name}", setting["share"])
        for table, rows in tables
        for name, setting in rows.items()
        if isinstance(setting, Mapping)
    ]


def in_several_splits(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the beginnings of the sources of lines whose texts may be in more than one split.

    Numbers may be: there are not enough different short ones to keep them apart. So may the lines of a closed list that
    is used whole.
    """
    found = []
    for _, text in texts_of(recipe):
        if text.get("source") == "numeric":
            found.append("numeric:")
        elif text.get("whole"):
            found.append("file:" + str(text["path"]).replace("\\", "/").rpartition("/")[2])
    return tuple(found)
