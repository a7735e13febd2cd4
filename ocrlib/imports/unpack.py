"""A dataset out again: its lines as pictures and texts, in the layouts that other programs read.

Importing what was written gives back the same images and texts.
"""

import os
import shutil
from pathlib import Path

import lmdb
import pyarrow
from tqdm import tqdm

from ocrlib.dataset.manifest import Manifest, SplitEntry, read_manifest
from ocrlib.dataset.mirror import mirrored
from ocrlib.dataset.shards import check_files, shard_samples
from ocrlib.errors import UserError
from ocrlib.files import sync_folder
from ocrlib.imports.writers import WRITERS, Shards, hub_card
from ocrlib.invocation import command


def unpack(place: Path | str, layout: str, out: Path) -> tuple[dict[str, int], int]:
    """Writes the lines of a dataset into a new folder.

    Args:
      place: its folder, or its address in a store.
      layout: of WRITERS.
      out: a folder that is not there, or empty. It appears when all of it is written.

    Returns:
      {split: lines}, and how many texts begin or end in a space, which an import leaves out.

    Raises:
      UserError: no such dataset, damaged shards, a folder that is in use or cannot be written.
    """
    dataset = mirrored(place)
    manifest = read_manifest(dataset)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is in use; choose a new folder, or empty it")
    filled = {split: entry for split, entry in manifest.splits.items() if entry.samples}
    half = out.absolute().with_name(f".{out.name}.unpack.tmp")
    texts: list[int] = []
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        with tqdm(total=manifest.num_samples, unit="img", desc=layout) as bar:
            for split, entry in filled.items():
                WRITERS[layout](half, split, _shards(dataset, manifest, entry, bar, texts))
        if layout == "parquet":
            (half / "README.md").write_text(hub_card(manifest), encoding="utf-8")
        if out.is_dir():
            out.rmdir()
        os.replace(half, out)
        sync_folder(half.parent)
    except (OSError, lmdb.Error, pyarrow.ArrowException) as error:
        raise UserError(f"{out}: cannot be written: {getattr(error, 'strerror', None) or error}") from None
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return {split: entry.samples for split, entry in filled.items()}, sum(texts)


def _shards(dataset: Path, manifest: Manifest, entry: SplitEntry, bar: tqdm, spaces: list[int]) -> Shards:
    """Yields the shards of a split; appends to `spaces` how many of each one's texts have a space at an end."""
    for index, shard in enumerate(entry.shards):
        if problems := check_files(dataset, shard, hashes=True):
            raise UserError(f"{problems[0]}; `{command('verify', dataset)}` tells what is damaged")
        samples = shard_samples(dataset, shard, manifest.image)
        yield index, samples
        spaces.append(sum(sample.text != sample.text.strip() for sample in samples))
        bar.update(shard.samples)
