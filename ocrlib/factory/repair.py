"""Renders parts of a finished dataset again from its own recipe, to prove its bytes or to mend it."""

import shutil
from collections.abc import Collection
from pathlib import Path

from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, Manifest
from ocrlib.dataset.shards import shard_samples
from ocrlib.dataset.verify import same_sample, verify_shard
from ocrlib.errors import UserError
from ocrlib.factory.ingredients import Ingredients, gather
from ocrlib.factory.lock import lock_folder
from ocrlib.factory.make import render_shards
from ocrlib.factory.recipe import Recipe, recipe_from_dict
from ocrlib.factory.render.renderer import Renderer
from ocrlib.factory.trust import refuse_untrusted, sources_of


def rerender(folder: Path, manifest: Manifest, num_samples: int, trust: bool = False) -> list[str]:
    """Renders samples again, evenly spread over a dataset; returns what differs from the shards, a line each.

    Args:
      folder: of the dataset.
      manifest: its manifest.
      num_samples: how many.
      trust: open what the recipe names outside of the folder.

    Raises:
      UserError: the recipe is not trusted; the fonts, the corpus or the libraries are not those it was made with.
    """
    recipe, ingredients = _gather_same(folder, manifest, trust)
    renderer = Renderer(recipe.render, recipe.seed, ingredients.faces, ingredients.texts)
    num_samples = min(num_samples, manifest.num_samples)
    wanted = {i * manifest.num_samples // num_samples for i in range(num_samples)}
    problems, first = [], 0  # first: how many samples lie before the shard, over all splits
    for shard, entry in zip(manifest.plan, manifest.shards, strict=True):
        chosen = [i for i in range(shard.num_samples) if first + i in wanted]
        stored = shard_samples(folder, entry, manifest.image, next(iter(entry.files))) if chosen else []
        for i in chosen:
            if not same_sample(stored[i], renderer.render(shard.split, shard.start + i)[0]):
                problems.append(f"{folder / shard.stem}: sample {stored[i].id} renders to other bytes")
        first += shard.num_samples
    return problems


def repair(
    folder: Path, manifest: Manifest, stems: Collection[str], num_workers: int, trust: bool = False
) -> list[str]:
    """Renders shards again, those with the given stems and no others, and puts them in their place.

    Args:
      folder: of the dataset.
      manifest: its manifest.
      stems: of the shards.
      num_workers: processes.
      trust: open what the recipe names outside of the folder.

    Returns:
      What is still wrong with these shards, a line each; an empty list is good.

    Raises:
      UserError: the recipe is not trusted; the fonts, the corpus or the libraries are not those it was made with; the
        folder is in use or cannot be written.
      WorkerError: a worker failed.
    """
    recipe, ingredients = _gather_same(folder, manifest, trust)
    entries = {entry.stem: entry for entry in manifest.shards}
    damaged = [shard for shard in manifest.plan if shard.stem in stems]
    with lock_folder(folder):
        for _ in render_shards(damaged, recipe, ingredients, folder, num_workers):
            pass
        shutil.rmtree(folder / WORK_DIR)
    # Drawn again is not yet mended: the manifest may list other files than those that the plan names.
    return [line for stem in stems for line in verify_shard(folder, manifest, entries[stem])]


def _gather_same(folder: Path, manifest: Manifest, trust: bool) -> tuple[Recipe, Ingredients]:
    """Returns a dataset's own recipe and what it names; refuses if that is not what the dataset was made of."""
    recipe = recipe_from_dict(manifest.recipe, str(folder / FILE_NAME))
    if not trust:
        refuse_untrusted(folder, sources_of(recipe))
    ingredients = gather(recipe)
    if ingredients.fingerprint != manifest.fingerprint:
        raise UserError(f"{folder}: cannot be drawn again: its fonts, corpus or library versions are not at hand")
    return recipe, ingredients
