"""Recipe in, dataset folder out: plan the shards, hand them to workers, resume, commit.

    out/.lock                   held while a process makes the dataset
    out/.work/state.json        the fingerprint, so that another recipe is not mixed in
    out/.work/KEY.json          a shard is done: its files, hashes, widths, rejects
    out/train-00000-of-00008.*  written whole, by rename
    out/manifest.json           written last, by rename; then .work goes

A run that stops anywhere leaves `.work`, and the same command goes on from there.
"""

import hashlib
import os
import platform
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ocrlib import __version__, config
from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.manifest import (
    ENDINGS,
    FILE_NAME,
    FORMAT,
    WORK_DIR,
    Manifest,
    ShardEntry,
    read_manifest,
)
from ocrlib.dataset.plan import Shard, plan_shards
from ocrlib.dataset.sample import Sample
from ocrlib.dataset.verify import check_files
from ocrlib.errors import UserError
from ocrlib.factory import workers
from ocrlib.factory.lock import held
from ocrlib.factory.recipe import Recipe, fingerprint
from ocrlib.factory.render.fonts import Face, load_faces
from ocrlib.factory.render.renderer import Renderer, render_inputs, split_faces
from ocrlib.factory.text import open_text
from ocrlib.factory.text.source import TextSource
from ocrlib.files import read_json, sync_folder, write_bytes, write_json

_ENCODERS = {"tfrecord": tfrecord.encode_shard, "hdf5": hdf5.encode_shard}
_PROGRESS_SAMPLES = 25  # a worker speaks up this often


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """A recipe with everything it names opened and hashed."""

    texts: TextSource
    faces: list[Face]
    left_out: dict[str, str]
    fingerprint: str


def gather(recipe: Recipe) -> Ingredients:
    """Opens the texts and fonts of a recipe.

    Raises:
      UserError: one of them is missing or of no use.
    """
    texts = open_text(recipe.text, recipe.seed)
    faces, left_out = load_faces(recipe.render.fonts, recipe.text.charset, recipe.render.font_coverage)
    split_faces(recipe.render, faces, left_out)  # refuses what cannot be split, before any work
    inputs = {**texts.inputs, **render_inputs(recipe.render, faces)}
    return Ingredients(texts=texts, faces=faces, left_out=left_out, fingerprint=fingerprint(recipe, inputs))


def make_dataset(recipe: Recipe, out: Path, num_workers: int) -> tuple[Manifest, bool]:
    """Renders what is missing of a dataset into `out`, with a progress bar on standard error.

    Returns:
      The manifest, and whether there was anything to do.

    Raises:
      UserError: the recipe cannot be rendered, or `out` holds something else, is in use, or cannot be written.
      WorkerError: a worker failed; what is done stays, and the same call goes on.
    """
    ingredients = gather(recipe)
    finished = _finished(out, recipe, ingredients.fingerprint)
    if finished is not None:
        _sweep(out)
        return finished, False
    try:
        with held(out):
            # Whoever held the folder before may have finished it in the meantime.
            finished = _finished(out, recipe, ingredients.fingerprint)
            if finished is not None:
                return finished, False
            return _make(recipe, ingredients, out, num_workers), True
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written: {error.strerror}; what is done stays, the same command resumes"
        ) from error


def _finished(out: Path, recipe: Recipe, wanted: str) -> Manifest | None:
    """Returns the manifest if `out` is just the dataset asked for, None if there is work; refuses all else."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder, found a file; choose another --out")
    if (out / WORK_DIR / FILE_NAME).exists():  # it was growing when its run stopped
        _refuse_fewer(out, read_manifest(out / WORK_DIR), recipe)
    if (out / FILE_NAME).exists():
        manifest = read_manifest(out)
        _refuse_other(out, manifest.fingerprint, wanted)
        _refuse_fewer(out, manifest, recipe)
        planned = {shard.stem for shard in _plan(recipe)}
        entries = [entry for split in manifest.splits.values() for entry in split.shards]
        complete = all(split.samples == getattr(recipe.splits, name) for name, split in manifest.splits.items())
        formats = all(set(recipe.output.formats) <= set(entry.files) for entry in entries)
        whole = complete and formats and planned == {entry.stem for entry in entries}
        whole = whole and not any(check_files(out, entry, hashes=False) for entry in entries)
        return manifest if whole and not (out / WORK_DIR).exists() else None
    if (out / WORK_DIR).is_dir():
        state = _read_note(out / WORK_DIR / "state.json")
        if state is not None:
            _refuse_other(out, state["fingerprint"], wanted)
    elif out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out}: is not empty and holds no dataset; choose another --out, or empty it")
    return None


def _refuse_other(out: Path, found: str, wanted: str) -> None:
    if found != wanted:
        raise UserError(
            f"{out}: was made from another recipe, font, corpus or library version (fingerprint {found[:12]}, "
            f"now {wanted[:12]}); choose another --out or name, or delete the folder"
        )


def _refuse_fewer(out: Path, manifest: Manifest, recipe: Recipe) -> None:
    for split, entry in manifest.splits.items():
        asked = getattr(recipe.splits, split)
        if entry.samples > asked:
            more = f"holds {entry.samples} {split} samples, more than the {asked} asked for"
            raise UserError(f"{out}: {more}; choose another --out")


def _plan(recipe: Recipe) -> list[Shard]:
    return plan_shards(config.to_dict(recipe.splits), recipe.output.shard_samples)


def _make(recipe: Recipe, ingredients: Ingredients, out: Path, num_workers: int) -> Manifest:
    work = out / WORK_DIR
    if (out / FILE_NAME).exists():
        # It grows, or is mended: its shards count as done, and it is no dataset until it is whole.
        _adopt(out, read_manifest(out))
        os.replace(out / FILE_NAME, work / FILE_NAME)
    write_json(work / "state.json", {"fingerprint": ingredients.fingerprint})
    for leftover in [*out.glob(".*.tmp"), *work.glob(".*.tmp")]:
        leftover.unlink(missing_ok=True)

    shards = _plan(recipe)
    done = {shard.key: entry for shard in shards if (entry := _done(shard, recipe, out))}
    todo = [shard for shard in shards if shard.key not in done]
    total = sum(shard.num_samples for shard in shards)
    already = total - sum(shard.num_samples for shard in todo)
    with tqdm(total=total, initial=already, unit="img", desc=recipe.name, smoothing=0.1) as bar:
        results = workers.run_tasks(
            todo,
            num_workers=num_workers,
            start=start_worker,
            start_args=(recipe, ingredients.faces, str(out)),
            on_progress=bar.update,
        )
        for shard, entry in results:
            done[shard.key] = entry
    return _commit(recipe, ingredients, out, shards, done)


def start_worker(recipe: Recipe, faces: list[Face], out: str) -> workers.Work:
    """Returns what makes a shard of the recipe; runs in each worker, and opens the texts there."""
    texts = open_text(recipe.text, recipe.seed)
    renderer = Renderer(recipe.render, recipe.seed, faces, texts)
    return lambda shard, report: _make_shard(shard, recipe, renderer, Path(out), report)


def _make_shard(shard: Shard, recipe: Recipe, renderer: Renderer, out: Path, report: workers.Report) -> dict[str, Any]:
    """Renders a shard and writes its files; the note beside them, written last, says that it is done."""
    samples, rejected = [], Counter[str]()
    for count, index in enumerate(range(shard.start, shard.stop), 1):
        sample, rejects = renderer.draw(shard.split, index)
        samples.append(sample)
        rejected.update(rejects)
        if count % _PROGRESS_SAMPLES == 0:
            report(_PROGRESS_SAMPLES)
    report(shard.num_samples % _PROGRESS_SAMPLES)
    files = {}
    try:
        for file_format in recipe.output.formats:
            files[file_format] = _write_file(file_format, samples, recipe, out, shard.stem)
        widths = Counter(sample.image.shape[1] for sample in samples)
        entry = {
            "stem": shard.stem,
            "samples": shard.num_samples,
            "files": files,
            "widths": {str(width): widths[width] for width in sorted(widths)},
            "rejected": dict(sorted(rejected.items())),
        }
        sync_folder(out)
        write_json(out / WORK_DIR / f"{shard.key}.json", entry)
    except OSError as error:
        raise UserError(
            f"{out / shard.stem}: cannot be written: {error.strerror}; mend that and run the same command again, "
            "finished shards are kept"
        ) from None
    return entry


def _write_file(file_format: str, samples: list[Sample], recipe: Recipe, out: Path, stem: str) -> dict[str, Any]:
    """Writes one file of a shard; its bytes are gone from memory before those of the next format are made."""
    data = _ENCODERS[file_format](samples, recipe.output.encoding)
    name = stem + ENDINGS[file_format]
    write_bytes(out / name, data)
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _done(shard: Shard, recipe: Recipe, out: Path) -> dict[str, Any] | None:
    """Returns the note of a shard that an earlier run finished, if its files are still what it says."""
    values = _read_note(out / WORK_DIR / f"{shard.key}.json")
    if values is None or not set(recipe.output.formats) <= set(values["files"]):
        return None
    entry = config.build(ShardEntry, values, {}, str(out / WORK_DIR / f"{shard.key}.json"))
    return values if not check_files(out, entry, hashes=True) else None


def _adopt(out: Path, manifest: Manifest) -> None:
    """Writes the notes of a finished dataset's shards again, so that a larger plan finds them done."""
    for split, entry in manifest.splits.items():
        start = 0
        for index, shard in enumerate(entry.shards):
            stop = start + shard.samples
            key = Shard(split=split, index=index, num_shards=len(entry.shards), start=start, stop=stop).key
            write_json(out / WORK_DIR / f"{key}.json", config.to_dict(shard))
            start = stop


def _commit(
    recipe: Recipe,
    ingredients: Ingredients,
    out: Path,
    shards: list[Shard],
    done: Mapping[str, dict[str, Any]],
) -> Manifest:
    """Gives every file its final name, writes the manifest, and clears away what is not of the dataset."""
    splits: dict[str, Any] = {}
    for shard in shards:
        split = splits.setdefault(shard.split, {"samples": 0, "shards": []})
        split["samples"] += shard.num_samples
        split["shards"].append(_renamed(done[shard.key], shard, out))
    rejected = sum((Counter(s["rejected"]) for split in splits.values() for s in split["shards"]), Counter[str]())
    values = {
        "format": FORMAT,
        "name": recipe.name,
        "fingerprint": ingredients.fingerprint,
        "recipe": config.to_dict(recipe),
        "charset": recipe.text.charset,
        "image": {
            "height": recipe.render.height,
            "channels": recipe.render.channels,
            "encoding": recipe.output.encoding,
        },
        "splits": splits,
        "rejected": dict(sorted(rejected.items())),
        "fonts": {
            "used": [face.name for face in split_faces(recipe.render, ingredients.faces)[0].faces],
            "heldout": [face.name for face in split_faces(recipe.render, ingredients.faces)[1].faces],
            "left_out": ingredients.left_out,
        },
        "environment": _environment(),
    }
    sync_folder(out)
    write_json(out / FILE_NAME, values)
    manifest = read_manifest(out)
    listed = {file.name for split in manifest.splits.values() for s in split.shards for file in s.files.values()}
    for path in out.iterdir():
        outgrown = path.suffix in ENDINGS.values() and "-of-" in path.stem and path.name not in listed
        killed_writing = path.match(".*.tmp")
        if outgrown or killed_writing:
            path.unlink()
    shutil.rmtree(out / WORK_DIR)
    sync_folder(out)
    return manifest


def _sweep(out: Path) -> None:
    """Deletes what a killed process was writing into a finished dataset, such as its card; spares the living."""
    for path in out.glob(".*.tmp"):
        try:
            os.kill(int(path.suffixes[-2].removeprefix(".")), 0)
        except (ProcessLookupError, IndexError, ValueError):
            path.unlink(missing_ok=True)
        except OSError:  # alive, and somebody else's
            continue


def _renamed(entry: dict[str, Any], shard: Shard, out: Path) -> dict[str, Any]:
    """Returns the entry with its files under the names of the plan: a grown split counts more shards."""
    files = {}
    for file_format, file in entry["files"].items():
        name = shard.stem + ENDINGS[file_format]
        if name != file["name"]:
            (out / name).unlink(missing_ok=True)
            os.link(out / file["name"], out / name)
        files[file_format] = {**file, "name": name}
    return {**entry, "stem": shard.stem, "files": files}


def _environment() -> dict[str, str]:
    packages = ("trdg", "pillow", "opencv-python", "numpy", "h5py")
    return {"python": platform.python_version(), "ocrlib": __version__} | {name: version(name) for name in packages}


def _read_note(path: Path) -> Any | None:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None
