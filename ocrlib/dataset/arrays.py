"""A whole split as numpy arrays, for training with anything but TensorFlow: `ocrlib.read_hdf5`."""

from pathlib import Path

import numpy as np

from ocrlib.arguments import place
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.mirror import mirrored
from ocrlib.dataset.sample import PROVENANCE
from ocrlib.dataset.shards import shard_columns
from ocrlib.errors import UserError


def read_hdf5(dataset: str | Path, split: str, cache: str | Path | None = None) -> dict[str, np.ndarray]:
    """Returns a whole split as numpy arrays, its N samples in order.

    `id`, `text` and `width` are (N,), and so is each name of the provenance (`font`, `background`, ...). The image of
    sample i is `pixels[offsets[i]:offsets[i + 1]]`: uint8 rows of `width[i]` pixels, or a PNG where the recipe says so.

    Args:
      dataset: its folder, or its address in a store.
      split: `train`, `val` or `test`.
      cache: a folder that a stored dataset is copied into; None for `datasets/.cache` or $OCRLIB_CACHE.

    Raises:
      UserError: no such dataset or split, no HDF5 files in it, or a damaged one.
    """
    folder = mirrored(place(str(dataset)), [split], "hdf5", None if cache is None else Path(cache))
    manifest = read_manifest(folder)
    if split not in manifest.splits:
        raise UserError(f"{folder}: has no split '{split}'; it has {', '.join(manifest.splits)}")
    shards = manifest.splits[split].shards
    if not shards:
        raise UserError(f"{folder}: has no samples in split '{split}'")
    if not all("hdf5" in shard.files for shard in shards):
        raise UserError(f"{folder}: has no HDF5 files; make it with output.formats = ['hdf5']")
    names = ["id", "text", "width", *PROVENANCE, "pixels", "offsets"]
    parts = [shard_columns(folder, shard, manifest.image, names, "hdf5") for shard in shards]
    starts = np.cumsum([0] + [len(part["pixels"]) for part in parts])
    offsets = [part["offsets"][:-1] + start for part, start in zip(parts, starts, strict=False)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names[:-1]}
    return columns | {"offsets": np.concatenate([*offsets, starts[-1:]])}
