"""A dataset made in parts that know nothing of each other: part K of N makes the shards whose number is K modulo N.

For machines that share a folder and nothing else, such as the jobs of an array: `--part 3/40` is the fourth of forty.
Which samples lie in which shard is known from the recipe alone, so the bytes are those of a dataset made in one piece.
The part that ends last writes the manifest; `commit_parts` does so where none could.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ocrlib.dataset.manifest import FILE_NAME, Manifest, ShardEntry, read_manifest
from ocrlib.dataset.plan import Shard
from ocrlib.errors import UserError
from ocrlib.factory import work_folder
from ocrlib.factory.drawing import Pool
from ocrlib.factory.ingredients import Ingredients, gather
from ocrlib.factory.lock import lock_folder, lock_part
from ocrlib.factory.make import find_finished, make_manifest, plan_of, render_shards, writing
from ocrlib.factory.recipe import Recipe

_NAMED = 5  # missing shards in a message


@dataclass(frozen=True, kw_only=True)
class Part:
    """The shards whose number in the plan is `index` modulo `count`."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Returns the part that is written as 3/40.

        Raises:
          ValueError: it is not written so, or there is no such part.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if match is None or int(match[2]) == 0:
            raise ValueError(f"{text!r}: expected a part such as 3/40")
        index, count = int(match[1]), int(match[2])
        if index >= count:
            raise ValueError(f"{text!r}: there is no such part; {count} parts are 0/{count} to {count - 1}/{count}")
        return cls(index=index, count=count)

    def of(self, shards: list[Shard]) -> list[Shard]:
        """Returns those shards of a plan that are this part's."""
        return shards[self.index :: self.count]

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """How far a dataset has come.

    Attributes:
      manifest: of the dataset, if it is finished now.
      made: shards that this call has made.
      missing: shards that are not there yet, by name.
    """

    manifest: Manifest | None
    made: int
    missing: tuple[str, ...]

    @property
    def whole(self) -> tuple[Manifest, bool]:
        """The manifest of a finished dataset, and whether anything was made."""
        assert self.manifest is not None, self.missing
        return self.manifest, self.made > 0

    @property
    def still_missing(self) -> str:
        """The missing shards in a few words."""
        names = ", ".join(self.missing[:_NAMED])
        return f"{len(self.missing)} shards are missing: {names}{', ...' if len(self.missing) > _NAMED else ''}"


def make_part(recipe: Recipe, out: Path, workers: int | Pool, part: Part) -> Parts:
    """Renders what is missing of a part, and finishes the dataset if nothing else is missing.

    Raises:
      UserError: as `make.make_dataset`; the part is being made already; the dataset is finished, but has fewer samples.
      WorkerError: a worker failed; finished shards are kept, and the same call goes on from there.
    """
    ingredients = gather(recipe)
    if (manifest := _finished(recipe, ingredients, out)) is not None:
        return Parts(manifest=manifest, made=0, missing=())
    with writing(out), lock_part(out, f"{part.index}-of-{part.count}"):
        if (out / FILE_NAME).exists() and _finished(recipe, ingredients, out) is None:
            raise UserError(f"{out}: is a finished dataset, which grows in one piece only; leave out --part")
        work_folder.begin_part(out, ingredients.fingerprint)
        mine = part.of(plan_of(recipe))
        notes = {shard: work_folder.read_note(out, shard, recipe.output.formats) for shard in mine}
        already = [shard for shard, entry in notes.items() if entry is not None]
        todo = [shard for shard in mine if shard not in already]
        made = len(list(render_shards(todo, recipe, ingredients, out, workers, already=already)))
        entries = _entries(recipe, out)
    if (missing := _missing(entries)) and _finished(recipe, ingredients, out) is None:
        return Parts(manifest=None, made=made, missing=missing)
    with writing(out), lock_folder(out, all_parts=False):
        # Another last part may have been faster; the notes are gone then.
        manifest = _finished(recipe, ingredients, out) or _commit(recipe, ingredients, out, entries)
    return Parts(manifest=manifest, made=made, missing=())


def commit_parts(recipe: Recipe, out: Path) -> Parts:
    """Writes the manifest of a dataset whose parts are all there.

    Raises:
      UserError: shards are missing; a part is being made; the folder holds another dataset, or none.
    """
    ingredients = gather(recipe)
    if (manifest := _finished(recipe, ingredients, out)) is not None:
        return Parts(manifest=manifest, made=0, missing=())
    if work_folder.read_state(out) is None:
        raise UserError(f"{out}: no part of this dataset has been begun; make its parts with --part 0/N and so on")
    with writing(out), lock_folder(out):
        entries = _entries(recipe, out)
        if missing := _missing(entries):
            told = Parts(manifest=None, made=0, missing=missing).still_missing
            raise UserError(f"{out}: {told}; run the parts that make them again, then --commit")
        return Parts(manifest=_commit(recipe, ingredients, out, entries), made=0, missing=())


def _finished(recipe: Recipe, ingredients: Ingredients, out: Path) -> Manifest | None:
    """The manifest, if the dataset has all that the recipe asks for. A work folder may be there, of other parts."""
    find_finished(out, recipe, ingredients.fingerprint)  # for what it refuses
    if not (out / FILE_NAME).exists():
        return None
    manifest = read_manifest(out)
    formats = set(recipe.output.formats)
    is_whole = manifest.plan == plan_of(recipe) and all(formats <= set(entry.files) for entry in manifest.shards)
    return manifest if is_whole else None


def _entries(recipe: Recipe, out: Path) -> dict[Shard, ShardEntry | None]:
    """The notes of all shards of the plan. Of their files only the sizes are checked: they have just been written."""
    return {shard: work_folder.read_note(out, shard, recipe.output.formats, hashes=False) for shard in plan_of(recipe)}


def _missing(entries: dict[Shard, ShardEntry | None]) -> tuple[str, ...]:
    return tuple(shard.stem for shard, entry in entries.items() if entry is None)


def _commit(recipe: Recipe, ingredients: Ingredients, out: Path, entries: dict[Shard, ShardEntry | None]) -> Manifest:
    named = [work_folder.give_names(out, shard, entry) for shard, entry in entries.items() if entry is not None]
    work_folder.commit(out, make_manifest(recipe, ingredients, list(entries), named))
    return read_manifest(out)
