"""Renders parts of a finished dataset again from its own recipe, to prove its bytes or to mend it."""

import shutil
from collections.abc import Collection
from pathlib import Path

from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, Manifest
from ocrlib.dataset.shards import read_samples
from ocrlib.dataset.verify import same_sample
from ocrlib.errors import UserError
from ocrlib.factory.lock import lock_folder
from ocrlib.factory.make import Ingredients, gather, render_shards
from ocrlib.factory.recipe import Recipe, recipe_from_dict
from ocrlib.factory.render.renderer import Renderer


def rerender(folder: Path, manifest: Manifest, num_samples: int) -> list[str]:
    """Renders samples again, evenly spread over a dataset; returns what differs from the shards, a line each.

    Raises:
      UserError: the fonts, the corpus or the libraries are not those it was made with.
    """
    recipe, ingredients = _gather_same(folder, manifest)
    renderer = Renderer(recipe.render, recipe.seed, ingredients.faces, ingredients.texts)
    num_samples = min(num_samples, manifest.num_samples)
    wanted = {i * manifest.num_samples // num_samples for i in range(num_samples)}
    problems, first = [], 0  # first: how many samples lie before the shard, over all splits
    for shard, entry in zip(manifest.plan, manifest.shards, strict=True):
        chosen = [i for i in range(shard.num_samples) if first + i in wanted]
        stored = read_samples(folder, entry, next(iter(entry.files)), manifest.image) if chosen else []
        for i in chosen:
            if not same_sample(stored[i], renderer.render(shard.split, shard.start + i)[0]):
                problems.append(f"{folder / shard.stem}: sample {stored[i].id} renders to other bytes")
        first += shard.num_samples
    return problems


def repair(folder: Path, manifest: Manifest, stems: Collection[str], num_workers: int) -> list[str]:
    """Renders shards again, those with the given stems and no others, and puts them in their place.

    Returns:
      A line for each file whose new hash is not the manifest's; an empty list is good.

    Raises:
      UserError: the fonts, the corpus or the libraries are not those it was made with; the folder is in use or
        cannot be written.
      WorkerError: a worker failed.
    """
    recipe, ingredients = _gather_same(folder, manifest)
    entries = {entry.stem: entry for entry in manifest.shards}
    damaged = [shard for shard in manifest.plan if shard.stem in stems]
    problems = []
    with lock_folder(folder):
        for shard, made in render_shards(damaged, recipe, ingredients, folder, num_workers):
            for file_format, file in entries[shard.stem].files.items():
                if made.files[file_format].sha256 != file.sha256:
                    problems.append(f"{folder / file.name}: was drawn again, but its SHA-256 is not the manifest's")
        shutil.rmtree(folder / WORK_DIR)
    return problems


def _gather_same(folder: Path, manifest: Manifest) -> tuple[Recipe, Ingredients]:
    """Returns a dataset's own recipe and what it names; refuses if that is not what the dataset was made of."""
    recipe = recipe_from_dict(manifest.recipe, str(folder / FILE_NAME))
    ingredients = gather(recipe)
    if ingredients.fingerprint != manifest.fingerprint:
        raise UserError(f"{folder}: cannot be drawn again: its fonts, corpus or library versions are not at hand")
    return recipe, ingredients
