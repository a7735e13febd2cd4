"""How large a dataset becomes: one that is there, finished or begun, grows only if somebody says so."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocrlib import config
from ocrlib.dataset.manifest import FILE_NAME, Manifest, read_manifest
from ocrlib.factory import work_folder
from ocrlib.factory.recipe import Recipe


def keep_sizes(recipe: Recipe, out: Path, given: Collection[str] = ()) -> Recipe:
    """Returns the recipe with the sizes and formats of the dataset in `out`, where the recipe asks for more.

    Args:
      out: the dataset's folder, there or not.
      given: keys that were asked for by name, such as `splits.train`; these stay as they are.

    Raises:
      UserError: `out` has a manifest that cannot be trusted.
    """
    return keep_asked(recipe, _asked_for(out), given)


def keep_asked(recipe: Recipe, there: dict[str, Any] | None, given: Collection[str]) -> Recipe:
    """Returns the recipe with the sizes and formats of `there`, as `sizes_of` gives them, where it asks for more."""
    if there is None:
        return recipe
    splits = {
        name: there["splits"].get(name, 0)
        for name, wanted in config.to_dict(recipe.splits).items()
        if f"splits.{name}" not in given and there["splits"].get(name, 0) < wanted
    }
    formats = recipe.output.formats
    if "output.formats" not in given:
        formats = tuple(name for name in formats if name in there["formats"]) or formats
    return replace(recipe, splits=replace(recipe.splits, **splits), output=replace(recipe.output, formats=formats))


def sizes(recipe: Recipe) -> str:
    """Returns the sizes and formats of a recipe's dataset in words."""
    counts = ", ".join(f"{samples} {name}" for name, samples in config.to_dict(recipe.splits).items() if samples)
    return f"{counts} ({', '.join(recipe.output.formats)})"


def _asked_for(out: Path) -> dict[str, Any] | None:
    """What was asked for when the dataset in `out` was made; None where there is none."""
    if (begun := work_folder.read_asked(out)) is not None:
        return begun
    return sizes_of(read_manifest(out)) if (out / FILE_NAME).exists() else None


def sizes_of(manifest: Manifest) -> dict[str, Any]:
    """Returns {"splits": {name: samples}, "formats": [...]} of a dataset."""
    return {
        "splits": {name: split.samples for name, split in manifest.splits.items()},
        "formats": sorted({name for shard in manifest.shards for name in shard.files}),
    }
