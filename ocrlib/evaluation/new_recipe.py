"""From what a model misreads to a recipe that draws more of it: the old file with other weights, and why."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array

from ocrlib.errors import UserError
from ocrlib.evaluation.advice import ODDS, Advice, font_entries, may_hold
from ocrlib.evaluation.breakdown import SIGNIFICANCE, chance_of
from ocrlib.evaluation.report import ErrorReport

RARE = 0.001  # share of all characters, below which more lines with a character can be asked for
LEAST_PER_CHAR = 5  # lines in 10,000, where the recipe asked for none


def change_recipe(text: str, where: str, name: str, report: ErrorReport) -> tuple[str, list[str], list[str]]:
    """Returns a recipe that draws more of what fails, what was changed and why, and what fails but has no weight.

    Comments and order of the old recipe stay; the reasons stand above it as comments.

    Args:
      text: of the old recipe.
      where: what an error calls it.
      name: of the new one.
      report: of a model on a dataset of the old one.

    Raises:
      UserError: the old recipe is no TOML.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise UserError(f"{where}: is not TOML: {error}") from None
    changes: list[str] = []
    left = [
        f"length {row.name}: CER {row.cer:.2%}, others {row.cer_others or 0:.2%}; a recipe has no weight for it"
        for table in report.tables
        if table.kind == "length"
        for row in table.rows
        if row.beyond_chance
    ]
    for advice in report.advice:
        change = _apply(document, advice, report.recipe)
        (left if change is None else changes).append(change or f"{advice.key}: is not in {where}")
    rare = failing_characters(report)
    if rare and (change := _more_per_character(document, rare)):
        changes.append(change)
    elif rare:
        left.append(f"characters {' '.join(rare)}: fail and are rare; draw texts that have them")
    if not changes:
        return text, changes, left
    document["name"] = name
    head = ["Changed by `ocrlib advise`, which drew more of what a model misread:", *changes]
    comments = "".join(f"# {line}\n" for line in head)
    return f"{comments}\n{tomlkit.dumps(document)}", changes, left


def failing_characters(report: ErrorReport) -> list[str]:
    """Returns the rare characters that are misread more often than others, beyond chance; the worst first."""
    printed = Counter("".join(line.truth for line in report.lines))
    wrong = Counter[str]()
    for true, _, count in report.confusions:
        if true:
            wrong[true] += count
    total, all_wrong = printed.total(), wrong.total()
    worse = [
        (wrong[c] / printed[c], c)
        for c in wrong
        if printed[c] <= RARE * total
        and wrong[c] * total > 2 * all_wrong * printed[c]
        and chance_of(wrong[c], printed[c], all_wrong, total) < SIGNIFICANCE / len(printed)
    ]
    return [c for _, c in sorted(worse, reverse=True)]


def _apply(document: Any, advice: Advice, drawn: Mapping[str, Any]) -> str | None:
    """Changes the document, and returns what was changed and why; None if it does not have that key."""
    text, render = document.get("text", {}), document.get("render", {})
    name = advice.names[0]
    why = f"{advice.share_of_lines:.1%} of the lines, {advice.share_of_errors:.1%} of the errors"
    if advice.kind == "font":
        added = _add_faces(render, advice, drawn)
        return f"render.fonts: {', '.join(added)} drawn twice as often: {why}" if added else None
    change: tuple[float, float] | None = None
    if name == "mixed":
        change = _set_share(text, "mixed_share")
    elif advice.kind == "source":
        same = (each for each in text.get("patterns", ()) if each.get("name") == name.partition(":")[2])
        change = _set_weight(next(same, None), "weight", 1.0)
    elif advice.kind == "background":
        if not isinstance(render.get("background"), dict) and "background" in render:
            render["background"] = _as_table(render["background"])
        change = _set_weight(render.get("background"), name, None)
    elif advice.kind == "degradation":
        change = _set_share(render.get("degrade", {}).get(name), "share")
    return None if change is None else f"{advice.key}: {change[0]:g} -> {change[1]:g}: {why}"


def _set_weight(table: Any, key: str, default: float | None) -> tuple[float, float] | None:
    """Doubles a weight, and returns it as it was and as it is."""
    now = table.get(key, default) if isinstance(table, dict) else None
    if now is None:
        return None
    table[key] = _number(ODDS * float(now))
    return float(now), float(table[key])


def _set_share(table: Any, key: str) -> tuple[float, float] | None:
    """Doubles the odds of a share, and returns it as it was and as it is."""
    now = table.get(key) if isinstance(table, dict) else None
    if now is None or not 0 < float(now) < 1:
        return None
    table[key] = _number(ODDS * float(now) / (1 + (ODDS - 1) * float(now)))
    return float(now), float(table[key])


def _as_table(background: Any) -> Any:
    """`"white"`, `["white", "noise"]` or `[["white", 2]]` as a table of weights."""
    table = tomlkit.inline_table()
    for each in [background] if isinstance(background, str) else background:
        name, weight = (each, 1) if isinstance(each, str) else each
        table[name] = weight
    return table


def _add_faces(render: Any, advice: Advice, drawn: Mapping[str, Any]) -> list[str]:
    """Adds entries to `fonts` that double the odds of faces; returns the faces."""
    fonts = render.get("fonts") if isinstance(render, dict) else None
    if not isinstance(fonts, Array | AoT):
        return []
    entries = [tomlkit.parse(f"x = {entry}")["x"] for entry in font_entries(advice.names, drawn)]
    entries = entries or _weighted_entries(advice, drawn)
    for entry in entries:
        if isinstance(fonts, Array):
            fonts.add_line(entry)
        else:
            fonts.append(entry)
    return list(advice.names) if entries else []


def _weighted_entries(advice: Advice, drawn: Mapping[str, Any]) -> list[Any]:
    """Returns entries with a weight, for a recipe whose sets have weights.

    A share s of all lines has twice its odds at 2s / (1 + s), and a further set of the weight T s makes it so, where T
    is the weight of all sets together. Each source gets its part of T s by the number of its faces.
    """
    sets = [each for each in (drawn.get("render") or {}).get("fonts", ()) if isinstance(each, Mapping)]
    total = sum(float(each.get("weight") or 1.0) for each in sets)
    by_source: dict[str, list[str]] = {}
    for name in advice.names:
        source = next((each["source"] for each in sets if may_hold(each, name)), None)
        if source is not None:
            by_source.setdefault(source, []).append(name)
    entries = []
    for source, names in by_source.items():
        entry = tomlkit.inline_table()
        entry["source"] = source
        entry["only"] = tomlkit.parse(f"x = {json.dumps(names)}")["x"]
        weight = total * advice.share_of_lines * len(names) / len(advice.names)
        entry["weight"] = _number(max(weight, 0.001))
        entries.append(entry)
    return entries


def _more_per_character(document: Any, characters: Sequence[str]) -> str | None:
    text = document.get("text", {})
    if text.get("source") not in ("wikipedia", "words", "file"):
        return None
    now = int(text.get("min_per_char", 0))
    text["min_per_char"] = max(LEAST_PER_CHAR, int(ODDS * now))
    return f"text.min_per_char: {now} -> {text['min_per_char']}: {' '.join(characters)} are rare and often misread"


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else float(f"{value:.3g}")
