"""The figures of a dataset card: how many lines have what, counted with one shard in memory at a time."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocrlib.dataset.drawn import looks_of, shares_of
from ocrlib.dataset.manifest import Manifest
from ocrlib.dataset.shards import shard_columns

MAX_BARS = 20  # of a histogram of numbers
_COLUMNS = ("id", "text", "width", "font", "background", "skew_deg", "blur_px", "source")


@dataclass
class LineCounts:
    """How many lines have what.

    Attributes:
      widths: {pixels: lines}.
      lengths: {characters of the label: lines}.
      skews: {degrees: lines}.
      characters: {character: how often it is printed, over all labels}.
      fonts, backgrounds, sources: {name: lines}.
      degradations: {name: lines}; a line may have several. Empty where the recipe asks for none.
      blur_range_px: the least and the most.
      widest_id: of the widest line; the first of several that are equally wide.
    """

    widths: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    skews: Counter[int] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    fonts: Counter[str] = field(default_factory=Counter)
    backgrounds: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    degradations: Counter[str] = field(default_factory=Counter)
    blur_range_px: tuple[float, float] = (math.inf, -math.inf)
    widest_id: str = ""
    by_folder: bool = False

    def add(self, columns: dict[str, np.ndarray]) -> None:
        """Counts the lines of a shard."""
        widths, blurs = columns["width"], columns["blur_px"]
        widest = int(widths.argmax())
        if widths[widest] > max(self.widths, default=0):
            self.widest_id = columns["id"][widest]
        self.widths.update(widths.tolist())
        self.lengths.update(map(len, columns["text"]))
        self.characters.update("".join(columns["text"]))
        self.skews.update(columns["skew_deg"].tolist())
        self.fonts.update(columns["font"])
        self.backgrounds.update(columns["background"])
        self.sources.update(columns["source"] if not self.by_folder else map(_folder, columns["source"]))
        for degradations in columns.get("degradation", ()):
            self.degradations.update(item.partition("=")[0] for item in degradations.split())
        least, most = self.blur_range_px
        self.blur_range_px = min(least, float(blurs.min())), max(most, float(blurs.max()))


def count_lines(folder: Path, manifest: Manifest, splits: Sequence[str]) -> LineCounts:
    """Returns the counts over all lines of `splits`; no pixels are read where there is an HDF5 file.

    Raises:
      UserError: a shard is missing, damaged, or not what the manifest says.
    """
    counts = LineCounts(by_folder=manifest.imported)
    degraded = any(share for _, look in looks_of(manifest.recipe) for _, share in shares_of(look))
    names = (*_COLUMNS, "degradation") if degraded else _COLUMNS
    for split in splits:
        for shard in manifest.splits[split].shards:
            counts.add(shard_columns(folder, shard, manifest.image, names))
    return counts


def _folder(source: str) -> str:
    """The folder of an imported line's picture: each line has a source of its own."""
    return f"{source.rpartition('/')[0]}/"


def visible(character: str) -> str:
    """Returns a character as it is shown in a table."""
    return {" ": "space"}.get(character, character)


def binned(counter: Counter[int]) -> list[tuple[str, int]]:
    """Returns the rows of a histogram: one for each value, or for each round bin, such as 40-59, if there are many."""
    low, high = min(counter), max(counter)
    sizes = (m * 10**power for power in range(10) for m in (1, 2, 5))
    size = next(s for s in sizes if high // s - low // s < MAX_BARS)
    bins = Counter[int]()
    for value, count in counter.items():
        bins[value // size] += count
    return [
        (str(b) if size == 1 else f"{b * size}-{b * size + size - 1}", bins[b])
        for b in range(low // size, high // size + 1)
    ]
