"""What the lines of a dataset are like: counted from the columns of its shards, one shard in memory at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.manifest import Manifest, ShardEntry
from ocrlib.dataset.verify import check_files
from ocrlib.errors import UserError

_COLUMNS = ("id", "text", "width", "font", "background", "skew_deg", "blur_px", "source")


@dataclass
class Counts:
    """How many lines have what.

    Attributes:
      widths: by pixels. lengths: by characters of the label. skews: by degrees.
      characters: how often each is printed, over all labels.
      fonts, backgrounds, sources: by name.
      degradations: by name; a line may have several. Empty where the recipe asks for none.
      blurs: least and most, pixels.
      longest: the widest line's id; of equals the first.
    """

    widths: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    skews: Counter[int] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    fonts: Counter[str] = field(default_factory=Counter)
    backgrounds: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    degradations: Counter[str] = field(default_factory=Counter)
    blurs: tuple[float, float] = (float("inf"), float("-inf"))
    longest: str = ""


def count_lines(folder: Path, manifest: Manifest, splits: Sequence[str]) -> Counts:
    """Returns the counts over all lines of `splits`; no pixels are read where there is an HDF5 file.

    Raises:
      UserError: a shard is missing, damaged, or not what the manifest says.
    """
    counts = Counts()
    degraded = any(
        isinstance(kind, dict) and kind.get("share")
        for kind in manifest.recipe.get("render", {}).get("degrade", {}).values()
    )
    names = (*_COLUMNS, "degradation") if degraded else _COLUMNS
    for shard in shards_of(manifest, splits):
        _add(counts, read_columns(folder, shard, names))
    return counts


def shards_of(manifest: Manifest, splits: Sequence[str]) -> Iterator[ShardEntry]:
    """Yields the shards of `splits` in order."""
    for split in splits:
        yield from manifest.splits[split].shards


def read_columns(folder: Path, shard: ShardEntry, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns columns of a shard: of its HDF5 file, which needs no parsing, or else of its TFRecord file.

    Raises:
      UserError: the file is missing, damaged, or holds another number of samples than the manifest says.
    """
    hint = "`python -m ocrlib verify` tells what is damaged"
    if problems := check_files(folder, shard, hashes=False):
        raise UserError(f"{problems[0]}; {hint}")
    file = shard.files.get("hdf5") or shard.files["tfrecord"]
    path = folder / file.name
    try:
        columns = (hdf5 if "hdf5" in shard.files else tfrecord).read_columns(path, names)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise UserError(f"{path}: cannot be read: {' '.join(str(error).split())}; {hint}") from None
    for name, column in columns.items():
        found = len(column) - 1 if name == "offsets" else len(column)
        if name != "pixels" and found != shard.samples:
            raise UserError(f"{path}: expected {shard.samples} samples, found {found}; {hint}")
    return columns


def _add(counts: Counts, columns: dict[str, np.ndarray]) -> None:
    texts, widths, blurs = columns["text"], columns["width"], columns["blur_px"]
    widest = int(widths.argmax())
    if widths[widest] > max(counts.widths, default=0):
        counts.longest = columns["id"][widest]
    counts.widths.update(widths.tolist())
    counts.lengths.update(map(len, texts))
    counts.characters.update("".join(texts))
    counts.skews.update(columns["skew_deg"].tolist())
    counts.fonts.update(columns["font"])
    counts.backgrounds.update(columns["background"])
    counts.sources.update(columns["source"])
    for drawn in columns.get("degradation", ()):
        counts.degradations.update(item.partition("=")[0] for item in drawn.split())
    counts.blurs = (min(counts.blurs[0], float(blurs.min())), max(counts.blurs[1], float(blurs.max())))
