"""What to draw more of: from the tables of a reader's errors to the weights of a recipe."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ocrlib.evaluation.breakdown import Row, Table

MOST = 5  # pieces of advice
MOST_FACES = 10  # in one of them
ODDS = 2.0  # a step that is worth a dataset and does not drown the rest


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Draw these lines more often.

    Attributes:
      kind, names: as in the tables of errors; of faces the worst, at most ten, else one name.
      share_of_lines, share_of_errors: likewise, together.
      key: what to change in the recipe; `render.fonts` for faces, which need entries of their own.
      now, then: its value, and to three places the one that doubles the odds of such a draw; None for faces.
    """

    kind: str
    names: tuple[str, ...]
    share_of_lines: float
    share_of_errors: float
    key: str
    now: float | None
    then: float | None


def draw_more(tables: Sequence[Table], recipe: Mapping[str, Any], heldout: Collection[str]) -> list[Advice]:
    """Returns what fails beyond chance and has a weight in the recipe, at most five, by errors above the average.

    Held-out faces are left alone: to draw them would end what they are held out for.

    Args:
      tables: of a dataset.
      recipe: the dataset's, as its manifest has it.
      heldout: names of faces.
    """
    weights = _weights_of(recipe)
    found: list[Advice] = []
    faces: list[Row] = []
    rows = [(table.kind, row) for table in tables for row in table.rows if row.beyond_chance]
    for kind, row in sorted(rows, key=lambda item: item[1].share_of_lines - item[1].share_of_errors):
        if kind == "font" and row.name not in heldout:
            faces.append(row)
        # Any kind of mixed line stands for the share of them all.
        name = "mixed" if row.name.startswith("mixed:") else row.name
        if (kind, name) in weights:
            key, now, is_share = weights[kind, name]
            then = round(ODDS * now / (1 + (ODDS - 1) * now) if is_share else ODDS * now, 3)
            if key not in [advice.key for advice in found]:
                found.append(_advice(kind, [row], key, now, then))
    if faces:
        found.append(_advice("font", faces[:MOST_FACES], "render.fonts", None, None))
    return sorted(found, key=lambda advice: advice.share_of_lines - advice.share_of_errors)[:MOST]


def _advice(kind: str, rows: Sequence[Row], key: str, now: float | None, then: float | None) -> Advice:
    return Advice(
        kind=kind,
        names=tuple(row.name for row in rows),
        share_of_lines=sum(row.share_of_lines for row in rows),
        share_of_errors=sum(row.share_of_errors for row in rows),
        key=key,
        now=now,
        then=then,
    )


def _weights_of(recipe: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, float, bool]]:
    """{(kind, name of a row): (key of the recipe, its value, whether that is a share of draws and no weight)}."""
    text, render = recipe.get("text", {}), recipe.get("render", {})
    weights: dict[tuple[str, str], tuple[str, float, bool]] = {}
    for pattern in text.get("patterns", ()):
        name = pattern["name"]
        weights["source", f"numeric:{name}"] = (f"text.patterns '{name}' weight", pattern["weight"], False)
    if "mixed_share" in text:
        weights["source", "mixed"] = ("text.mixed_share", text["mixed_share"], True)
    for name, weight in render.get("background", ()):
        weights["background", name] = (f"render.background '{name}'", weight, False)
    for name, setting in render.get("degrade", {}).items():
        if isinstance(setting, Mapping):
            weights["degradation", name] = (f"render.degrade.{name}.share", setting["share"], True)
    return weights


def font_entries(names: Sequence[str], recipe: Mapping[str, Any]) -> list[str]:
    """Returns entries for `render.fonts` that draw these faces twice as often; empty where no entry does just that.

    A face of a set without a weight weighs 1, and in one more such set 1 more. What a face weighs in a set with a
    weight depends on how many faces the set has, which a manifest does not tell.
    """
    sets = [entry for entry in recipe.get("render", {}).get("fonts", ()) if isinstance(entry, Mapping)]
    entries = []
    for entry in sets:
        mine = [name for name in names if _may_hold(entry, name)]
        if mine and entry.get("weight") is not None:
            return []
        if mine:
            # A manifest does not tell either which set a face came from: where several may have it, each is asked.
            several = any(_may_hold(other, name) for name in mine for other in sets if other is not entry)
            optional = ", optional = true" if several else ""
            entries.append(f"{{ source = {json.dumps(entry['source'])}, only = {json.dumps(mine)}{optional} }}")
    return entries


def _may_hold(entry: Mapping[str, Any], name: str) -> bool:
    only, without = entry.get("only") or ("*",), entry.get("without") or ()
    matches = [any(fnmatchcase(name, pattern) for pattern in patterns) for patterns in (only, without)]
    return matches == [True, False]
