"""What to draw more of: from the tables of a model's errors to the weights of a recipe."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ocrlib.dataset.drawn import looks_of, shares_of, texts_of
from ocrlib.evaluation.breakdown import Row, Table

MAX_ADVICE = 5  # pieces of advice
MAX_FACES = 10  # in one of them
ODDS = 2.0  # large enough to be worth a new dataset, small enough to leave room for the rest


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Draw these lines more often.

    Attributes:
      kind, names: as in the tables of errors: one name, or up to ten faces, the worst ones.
      share_of_lines, share_of_errors: of all names together, as in the tables.
      key: what to change in the recipe; `render.fonts` for faces, which need entries of their own.
      now, then: its value, and the one that doubles the odds of such a line, to three places; None for faces.
    """

    kind: str
    names: tuple[str, ...]
    share_of_lines: float
    share_of_errors: float
    key: str
    now: float | None
    then: float | None


def draw_more(tables: Sequence[Table], recipe: Mapping[str, Any], heldout: Collection[str]) -> list[Advice]:
    """Returns up to five groups that fail beyond chance and have a weight in the recipe, the worst first.

    The worst have the most errors above the average. Held-out faces are left out: if they were trained on, they could
    no longer measure how unknown faces are read.

    Args:
      tables: of a dataset.
      recipe: the dataset's, as its manifest has it.
      heldout: names of the held-out faces.
    """
    weights = _weights_of(recipe)
    found: list[Advice] = []
    faces: list[Row] = []
    rows = [(table.kind, row) for table in tables for row in table.rows if row.beyond_chance]
    for kind, row in sorted(rows, key=lambda item: item[1].share_of_lines - item[1].share_of_errors):
        if kind == "font" and row.name not in heldout:
            faces.append(row)
        # There is one share for mixed lines of all kinds.
        name = "mixed" if row.name.startswith("mixed:") else row.name
        if (kind, name) in weights:
            key, now, is_share = weights[kind, name]
            then = round(ODDS * now / (1 + (ODDS - 1) * now) if is_share else ODDS * now, 3)
            if key not in [advice.key for advice in found]:
                found.append(_advice(kind, [row], key, now, then))
    if faces:
        found.append(_advice("font", faces[:MAX_FACES], "render.fonts", None, None))
    return sorted(found, key=lambda advice: advice.share_of_lines - advice.share_of_errors)[:MAX_ADVICE]


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
    """Returns {(kind, name of a row): (key of the recipe, its value, whether the value is a share, not a weight)}."""
    weights: dict[tuple[str, str], tuple[str, float, bool]] = {}
    for key, text in texts_of(recipe):
        for pattern in text.get("patterns") or ():
            name = pattern["name"]
            weights["source", f"numeric:{name}"] = (f"{key}.patterns '{name}' weight", pattern["weight"], False)
        mixed = text.get("mixed_share", -1.0)
        if mixed > weights.get(("source", "mixed"), ("", -1.0))[1]:  # the part that has most of them
            weights["source", "mixed"] = (f"{key}.mixed_share", mixed, True)
    for name, weight in (recipe.get("render") or {}).get("background", ()):
        weights["background", name] = (f"render.background '{name}'", weight, False)
    most: dict[str, float] = {}
    for key, look in looks_of(recipe):
        for way, share in shares_of(look):
            name, lines = way.partition(".")[2], share * look.get("weight", 1.0)
            if lines > most.get(name, -1.0):  # the look that has most of them
                most[name] = lines
                weights["degradation", name] = (f"{key}.{way}.share", share, True)
    return weights


def font_entries(names: Sequence[str], recipe: Mapping[str, Any]) -> list[str]:
    """Returns entries for `render.fonts` that draw these faces twice as often; empty if no entry can do exactly that.

    A face weighs 1 for each set without a weight that has it. In a set with a weight it weighs less the more faces the
    set has, and a manifest does not say how many these are.
    """
    sets = [entry for entry in (recipe.get("render") or {}).get("fonts", ()) if isinstance(entry, Mapping)]
    entries = []
    for entry in sets:
        mine = [name for name in names if may_hold(entry, name)]
        if mine and entry.get("weight") is not None:
            return []
        if mine:
            # Nor does a manifest say which set a face came from: if several may have it, each gets an entry.
            several = any(may_hold(other, name) for name in mine for other in sets if other is not entry)
            optional = ", optional = true" if several else ""
            entries.append(f"{{ source = {json.dumps(entry['source'])}, only = {json.dumps(mine)}{optional} }}")
    return entries


def may_hold(entry: Mapping[str, Any], name: str) -> bool:
    """Returns whether a set of fonts may have a face."""
    only, without = entry.get("only") or ("*",), entry.get("without") or ()
    matches = [any(fnmatchcase(name, pattern) for pattern in patterns) for patterns in (only, without)]
    return matches == [True, False]
