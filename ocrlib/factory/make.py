"""Recipe in, dataset folder out: plan the shards, hand them to workers, write the manifest."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from ocrlib import config
from ocrlib.dataset.manifest import (
    FILE_NAME,
    FORMAT,
    WORK_DIR,
    ImageShape,
    Manifest,
    ShardEntry,
    SplitEntry,
    read_manifest,
)
from ocrlib.dataset.plan import Shard, plan_shards
from ocrlib.dataset.shards import check_files
from ocrlib.errors import UserError
from ocrlib.factory import work_folder
from ocrlib.factory.drawing import Pool, on_this_machine
from ocrlib.factory.ingredients import Ingredients, environment, gather
from ocrlib.factory.lock import lock_folder
from ocrlib.factory.material import name_broken
from ocrlib.factory.recipe import Recipe
from ocrlib.factory.render.renderer import split_faces


def make_dataset(recipe: Recipe, out: Path, workers: int | Pool) -> tuple[Manifest, bool]:
    """Renders what is missing of a dataset into `out`, with a progress bar on standard error.

    Args:
      recipe: what it is made of.
      out: its folder.
      workers: how many processes of this machine, or the pool that draws, such as a cluster.

    Returns:
      The manifest, and whether there was anything to do.

    Raises:
      UserError: the recipe cannot be rendered, or `out` holds something else, is in use, or cannot be written.
      WorkerError: a worker failed; finished shards are kept, and the same call goes on from there.
    """
    ingredients = gather(recipe)
    finished = find_finished(out, recipe, ingredients.fingerprint)
    if finished is not None:
        work_folder.sweep(out)
        return finished, False
    with writing(out), lock_folder(out):
        # Look again: another process may have finished it before we got the lock.
        finished = find_finished(out, recipe, ingredients.fingerprint)
        if finished is not None:
            return finished, False
        return _make_missing(recipe, ingredients, out, workers), True


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Says in one line that a dataset's folder cannot be written, and how to go on."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written: {error.strerror}; what is done stays, the same command resumes"
        ) from error


def find_finished(out: Path, recipe: Recipe, wanted: str) -> Manifest | None:
    """Returns the manifest if `out` is the whole dataset already, None if there is work to do.

    Raises:
      UserError: `out` holds anything else.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder, found a file; choose another --out")
    if (grown := work_folder.read_grown(out)) is not None:
        refuse_other(out, grown.fingerprint, wanted)
        refuse_fewer(out, grown, recipe)
    if (out / FILE_NAME).exists():
        manifest = read_manifest(out)
        refuse_other(out, manifest.fingerprint, wanted)
        refuse_fewer(out, manifest, recipe)
        return manifest if _is_whole(out, manifest, recipe) else None
    if (out / WORK_DIR).is_dir():
        begun = work_folder.read_state(out)
        if begun is not None:
            refuse_other(out, begun, wanted)
    elif out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out}: is not empty and holds no dataset; choose another --out, or empty it")
    return None


def _is_whole(out: Path, manifest: Manifest, recipe: Recipe) -> bool:
    """Returns whether a dataset has every shard that the recipe asks for, in every format, at its right size."""
    return (
        not (out / WORK_DIR).exists()
        and manifest.plan == plan_of(recipe)
        and all(set(recipe.output.formats) <= set(entry.files) for entry in manifest.shards)
        and not any(check_files(out, entry, hashes=False) for entry in manifest.shards)
    )


def refuse_other(out: Path | str, found: str, wanted: str) -> None:
    """Refuses a place whose dataset has another fingerprint than the wanted one."""
    if found != wanted:
        raise UserError(
            f"{out}: was made from another recipe, font, corpus or library version (fingerprint {found[:12]}, "
            f"now {wanted[:12]}); choose another --out or name, or delete the folder"
        )


def refuse_fewer(out: Path | str, manifest: Manifest, recipe: Recipe) -> None:
    """Refuses a recipe that asks for fewer samples than a dataset has."""
    for split, entry in manifest.splits.items():
        asked = getattr(recipe.splits, split)
        if entry.samples > asked:
            more = f"holds {entry.samples} {split} samples, more than the {asked} asked for"
            raise UserError(f"{out}: {more}; choose another --out")


def plan_of(recipe: Recipe) -> list[Shard]:
    """Returns the shards of a recipe's dataset."""
    return plan_shards(config.to_dict(recipe.splits), recipe.output.shard_samples)


def _make_missing(recipe: Recipe, ingredients: Ingredients, out: Path, workers: int | Pool) -> Manifest:
    """Renders the shards that are not there yet, and makes a dataset of all of them."""
    asked = {"splits": config.to_dict(recipe.splits), "formats": list(recipe.output.formats)}
    work_folder.begin(out, ingredients.fingerprint, asked)
    shards = plan_of(recipe)
    notes = {shard: work_folder.read_note(out, shard, recipe.output.formats) for shard in shards}
    done = {shard: entry for shard, entry in notes.items() if entry is not None}
    todo = [shard for shard in shards if shard not in done]
    done |= dict(render_shards(todo, recipe, ingredients, out, workers, already=list(done)))
    entries = [work_folder.give_names(out, shard, done[shard]) for shard in shards]
    manifest = make_manifest(recipe, ingredients, shards, entries)
    work_folder.commit(out, manifest)
    return manifest


def render_shards(
    todo: Sequence[Shard],
    recipe: Recipe,
    ingredients: Ingredients,
    out: Path | str,
    workers: int | Pool,
    already: Sequence[Shard] = (),
) -> Iterator[tuple[Shard, ShardEntry]]:
    """Yields the shards of `todo` as they are written, in any order; a progress bar begins at those `already` done.

    Raises:
      UserError, WorkerError: as the pool.
    """
    if todo:
        name_broken(recipe.render, ingredients.left_out)
    num_already, num_todo = (sum(shard.num_samples for shard in shards) for shards in (already, todo))
    bar = tqdm(total=num_already + num_todo, initial=num_already, unit="img", desc=recipe.name, smoothing=0.1)
    pool = on_this_machine(workers) if isinstance(workers, int) else workers
    with bar:
        yield from pool(todo, recipe, ingredients, out, bar.update)


def make_manifest(
    recipe: Recipe, ingredients: Ingredients, shards: Sequence[Shard], entries: Sequence[ShardEntry]
) -> Manifest:
    """Returns the manifest of the finished shards."""
    splits: dict[str, list[ShardEntry]] = {}
    for shard, entry in zip(shards, entries, strict=True):
        splits.setdefault(shard.split, []).append(entry)
    rejected = sum((Counter(entry.rejected) for entry in entries), Counter[str]())
    used, heldout = split_faces(recipe.render, ingredients.faces)
    return Manifest(
        format=FORMAT,
        name=recipe.name,
        fingerprint=ingredients.fingerprint,
        recipe=config.to_dict(recipe),
        charset=recipe.text.charset,
        image=ImageShape(height=recipe.render.height, channels=recipe.render.channels, encoding=recipe.output.encoding),
        splits={
            name: SplitEntry(samples=sum(entry.samples for entry in of_split), shards=tuple(of_split))
            for name, of_split in splits.items()
        },
        rejected=dict(sorted(rejected.items())),
        fonts={
            "used": [face.name for face in used.faces],
            "heldout": [face.name for face in heldout.faces],
            "left_out": ingredients.left_out,
        },
        environment=environment(),
        outside_charset=ingredients.texts.outside,
    )
