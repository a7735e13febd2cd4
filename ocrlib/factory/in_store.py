"""Recipe in, dataset in an object store out: the way through `make` and `parts`, without rename and lock."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ocrlib import config
from ocrlib.dataset.manifest import Manifest, ShardEntry
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.store import Store, find_stored_manifest
from ocrlib.errors import UserError
from ocrlib.factory import drawing, work_store, workers
from ocrlib.factory.drawing import Pool
from ocrlib.factory.ingredients import Ingredients, gather
from ocrlib.factory.make import make_manifest, plan_of, refuse_fewer, refuse_other, render_shards
from ocrlib.factory.parts import Part, Parts
from ocrlib.factory.recipe import Recipe
from ocrlib.factory.sizes import keep_asked, sizes_of


def keep_stored_sizes(recipe: Recipe, address: str, given: Collection[str] = ()) -> Recipe:
    """Returns the recipe with the sizes and formats of the dataset at an address; all as `sizes.keep_sizes`."""
    store = Store(address)
    there: dict[str, Any] | None = work_store.read_state(store)
    if there is None and (manifest := find_stored_manifest(store)) is not None:
        there = sizes_of(manifest)
    return keep_asked(recipe, there, given)


def make_stored(recipe: Recipe, address: str, pool: int | Pool, part: Part | None = None) -> Parts:
    """Renders what is missing of a dataset, or of a part of it, and finishes the dataset if nothing else is missing.

    Raises:
      UserError: the recipe cannot be rendered, or the place holds something else, or cannot be written.
      WorkerError: a worker failed; finished shards are kept, and the same call goes on from there.
    """
    store, ingredients = Store(address), gather(recipe)
    finished, grown = _look(store, recipe, ingredients)
    if finished is not None:
        return Parts(manifest=finished, made=0, missing=())
    if part is not None and grown is not None:
        raise UserError(f"{address}: is a finished dataset, which grows in one piece only; leave out --part")
    asked = {"splits": config.to_dict(recipe.splits), "formats": list(recipe.output.formats)}
    owner = work_store.claim(store, ingredients.fingerprint, asked, grows=grown is not None)
    refuse_other(address, owner, ingredients.fingerprint)
    if grown is not None:
        work_store.begin_growth(store, grown)
    plan, formats = plan_of(recipe), recipe.output.formats
    mine = plan if part is None else part.of(plan)
    done = work_store.find_done(store, plan, grown, formats)
    already = [shard for shard in mine if shard in done]
    todo = [shard for shard in mine if shard not in done]
    drawn_by = _here if isinstance(pool, int) and address.startswith("memory://") else pool
    made = dict(render_shards(todo, recipe, ingredients, address, drawn_by, already=already))
    done |= made
    if part is not None:
        done |= work_store.find_done(store, plan, grown, formats)  # what other parts have made meanwhile
    return _finish(store, recipe, ingredients, done, grown, len(made))


def commit_stored(recipe: Recipe, address: str) -> Parts:
    """Puts the manifest of a dataset whose parts are all there.

    Raises:
      UserError: shards are missing; the place holds another dataset, or none.
    """
    store, ingredients = Store(address), gather(recipe)
    finished, grown = _look(store, recipe, ingredients)
    if finished is not None:
        return Parts(manifest=finished, made=0, missing=())
    if work_store.read_state(store) is None:
        raise UserError(f"{address}: no part of this dataset has been begun; make its parts with --part 0/N and so on")
    done = work_store.find_done(store, plan_of(recipe), grown, recipe.output.formats)
    parts = _finish(store, recipe, ingredients, done, grown, 0)
    if parts.manifest is None:
        raise UserError(f"{address}: {parts.still_missing}; run the parts that make them again, then --commit")
    return parts


def _look(store: Store, recipe: Recipe, ingredients: Ingredients) -> tuple[Manifest | None, Manifest | None]:
    """Returns the manifest if the dataset is whole already, and that of one which is to grow or to be mended.

    Raises:
      UserError: the place holds anything else.
    """
    manifest, state, sizes = find_stored_manifest(store), work_store.read_state(store), store.sizes()
    if manifest is None and state is None and sizes:
        raise UserError(f"{store.address}: is not empty and holds no dataset; choose another --out, or empty it")
    if state is not None:
        refuse_other(store.address, state["fingerprint"], ingredients.fingerprint)
    grown = manifest or work_store.read_grown(store)
    if grown is not None:
        refuse_other(store.address, grown.fingerprint, ingredients.fingerprint)
        refuse_fewer(store.address, grown, recipe)
    if manifest is not None and manifest.plan == plan_of(recipe):
        formats = set(recipe.output.formats)
        if all(formats <= set(entry.files) and not work_store.lacking(entry, sizes) for entry in manifest.shards):
            return manifest, None
    return None, grown


def _finish(
    store: Store,
    recipe: Recipe,
    ingredients: Ingredients,
    done: dict[Shard, ShardEntry],
    grown: Manifest | None,
    made: int,
) -> Parts:
    """Puts the manifest if all shards are there, or tells which are missing."""
    plan = plan_of(recipe)
    if missing := tuple(shard.stem for shard in plan if shard not in done):
        # Another last part may have been faster; the notes are gone then.
        finished, _ = _look(store, recipe, ingredients)
        return Parts(manifest=finished, made=made, missing=() if finished else missing)
    entries = [work_store.give_names(store, shard, done[shard]) for shard in plan]
    manifest = make_manifest(recipe, ingredients, plan, entries)
    work_store.commit(store, manifest, grown)
    return Parts(manifest=manifest, made=made, missing=())


def _here(
    todo: Sequence[Shard], recipe: Recipe, ingredients: Ingredients, out: Any, on_progress: workers.Report
) -> Iterator[tuple[Shard, ShardEntry]]:
    """Draws in this process: what another one puts into `memory://` is in its own memory."""
    work = drawing.start_worker(recipe, ingredients.faces, str(out))
    for shard in todo:
        yield shard, work(shard, on_progress)
