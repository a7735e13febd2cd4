"""A dataset held against its own recipe: drawn again in part to prove it, or to mend it."""

import shutil
from pathlib import Path

from tqdm import tqdm

from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, Manifest
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.verify import read_shard, same_sample
from ocrlib.errors import UserError
from ocrlib.factory import workers
from ocrlib.factory.lock import held
from ocrlib.factory.make import Ingredients, gather, start_worker
from ocrlib.factory.recipe import Recipe, recipe_from_dict
from ocrlib.factory.render.renderer import Renderer


def rerender(folder: Path, manifest: Manifest, num_samples: int) -> list[str]:
    """Draws evenly spread samples of a dataset again; returns what differs from the shards, a line each.

    Raises:
      UserError: the fonts, the corpus or the libraries are not those it was made with.
    """
    recipe, ingredients = _gather_same(folder, manifest)
    renderer = Renderer(recipe.render, recipe.seed, ingredients.faces, ingredients.texts)
    total = sum(split.samples for split in manifest.splits.values())
    num_samples = min(num_samples, total)
    wanted = {i * total // num_samples for i in range(num_samples)}
    problems, position = [], 0
    for split, entry in manifest.splits.items():
        start = 0
        for shard in entry.shards:
            chosen = [i for i in range(shard.samples) if position + i in wanted]
            if chosen:
                stored = list(read_shard(folder, manifest, shard, next(iter(shard.files))))
                for i in chosen:
                    if not same_sample(stored[i], renderer.draw(split, start + i)[0]):
                        problems.append(f"{folder / shard.stem}: sample {stored[i].id} renders to other bytes")
            start += shard.samples
            position += shard.samples
    return problems


def repair(folder: Path, manifest: Manifest, stems: set[str], num_workers: int) -> list[str]:
    """Draws shards again, those named by stem and no others, and puts them in their place.

    Returns:
      Shards that came out with another hash than the manifest has, a line each: none, if all is well.

    Raises:
      UserError: the fonts, the corpus or the libraries are not those it was made with; the folder is in use or
        cannot be written.
      workers.WorkerError: a worker failed.
    """
    recipe, ingredients = _gather_same(folder, manifest)
    entries = {entry.stem: entry for split in manifest.splits.values() for entry in split.shards}
    damaged = [shard for shard in _plan_of(manifest) if shard.stem in stems]
    problems = []
    with held(folder), tqdm(total=sum(s.num_samples for s in damaged), unit="img", desc="repair") as bar:
        results = workers.run_tasks(
            damaged,
            num_workers=num_workers,
            start=start_worker,
            start_args=(recipe, ingredients.faces, str(folder)),
            on_progress=bar.update,
        )
        for shard, made in results:
            for file_format, file in entries[shard.stem].files.items():
                if made["files"][file_format]["sha256"] != file.sha256:
                    problems.append(f"{folder / file.name}: was drawn again, but its SHA-256 is not the manifest's")
        shutil.rmtree(folder / WORK_DIR)
    return problems


def _gather_same(folder: Path, manifest: Manifest) -> tuple[Recipe, Ingredients]:
    recipe = recipe_from_dict(manifest.recipe, str(folder / FILE_NAME))
    ingredients = gather(recipe)
    if ingredients.fingerprint != manifest.fingerprint:
        raise UserError(f"{folder}: cannot be drawn again: its fonts, corpus or library versions are not at hand")
    return recipe, ingredients


def _plan_of(manifest: Manifest) -> list[Shard]:
    """The plan that the shards of a finished dataset follow."""
    shards = []
    for split, entry in manifest.splits.items():
        start = 0
        for index, shard in enumerate(entry.shards):
            stop = start + shard.samples
            shards.append(Shard(split=split, index=index, num_shards=len(entry.shards), start=start, stop=stop))
            start = stop
    return shards
