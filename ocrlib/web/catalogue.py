"""The lines of a dataset, found without reading all of it: shard by shard, and pixels only of what is seen."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from ocrlib.batches.buckets import Bucket, num_buckets_for, plan_buckets
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.sample import PROVENANCE
from ocrlib.dataset.shards import image_at, shard_columns
from ocrlib.errors import UserError
from ocrlib.reading.recognizer import Reading, Recognizer

SEARCH_SECONDS = 1.5  # a search goes on longer only when asked to
BATCH_SIZE = 64  # of a training, to show which lines share a batch
_COLUMNS = ("id", "text", "width", *PROVENANCE)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which lines are wanted; what is left at its default does not matter.

    Attributes:
      split: of the dataset.
      font, text: parts of the face's name and of the label.
      degradation: one that the line has.
      shortest, longest: characters of the label.
      misread: the model reads it wrong.
      below: the model's confidence is less.
    """

    split: str
    font: str = ""
    text: str = ""
    degradation: str = ""
    shortest: int = 0
    longest: int | None = None
    misread: bool = False
    below: float | None = None

    @property
    def asks_for_reading(self) -> bool:
        """Whether the model has to read a line to tell."""
        return self.misread or self.below is not None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
      places: of lines in their split.
      searched: how many lines of the split were looked at, from its beginning.
    """

    places: Sequence[int]
    searched: int


class Catalogue:
    """A dataset that is looked at.

    Args:
      folder: of the dataset.
      recognizer: reads its lines; None if there is none.

    Attributes:
      manifest: of the dataset.

    Raises:
      UserError: no such dataset, or one whose images the recognizer does not read.
    """

    def __init__(self, folder: Path, recognizer: Recognizer | None = None) -> None:
        self._folder, self._recognizer = folder, recognizer
        self.manifest = read_manifest(folder)
        image = self.manifest.image
        if recognizer is not None and (image.height, image.channels) != (recognizer.height, recognizer.channels):
            raise UserError(
                f"{folder}: has images of height {image.height} and {image.channels} channels, the model reads "
                f"{recognizer.height} and {recognizer.channels}"
            )
        self._starts: dict[str, list[int]] = {}
        for split, entry in self.manifest.splits.items():
            self._starts[split] = [0, *np.cumsum([shard.samples for shard in entry.shards]).tolist()]
        self._readings: dict[tuple[str, int], Reading] = {}
        self._columns = lru_cache(maxsize=16)(self._read_columns)
        self._pixels = lru_cache(maxsize=4)(self._read_pixels)

    @property
    def reads(self) -> bool:
        """Whether there is a model."""
        return self._recognizer is not None

    def count(self, split: str) -> int:
        """Returns how many lines a split has; 0 if there is no such split."""
        return self._starts.get(split, [0])[-1]

    def search(self, wanted: Wanted, start: int, most: int, seconds: float = SEARCH_SECONDS) -> Found:
        """Returns the next lines that are wanted.

        Args:
          wanted: which.
          start: the place to begin at.
          most: the search ends with so many lines, or after some time.
          seconds: that time; one shard, or one batch of readings, is looked at whatever it takes.
        """
        end = time.monotonic() + seconds
        places: list[int] = []
        for some, searched in self._candidates(wanted, start):
            hits = self._read_and_keep(wanted, some) if wanted.asks_for_reading else some
            places += hits[: most - len(places)]
            if len(places) == most:
                return Found(places=places, searched=places[-1] + 1)
            if time.monotonic() > end:
                return Found(places=places, searched=searched)
        return Found(places=places, searched=self.count(wanted.split))

    def _candidates(self, wanted: Wanted, start: int) -> Iterator[tuple[list[int], int]]:
        """Yields up to 256 places that meet all that the columns can tell, and how far the search has come with them.

        Of a shard without such a place the list is empty.
        """
        for shard, (first, stop) in enumerate(self._bounds(wanted.split)):
            if stop <= start:
                continue
            columns = self._columns(wanted.split, shard)
            keep = np.ones(stop - first, bool)
            keep[: max(0, start - first)] = False
            if wanted.font:
                keep &= _each(columns["font"], lambda font: wanted.font.lower() in font.lower())
            if wanted.text:
                keep &= _each(columns["text"], lambda text: wanted.text in text)
            if wanted.degradation:
                keep &= _each(columns["degradation"], lambda drawn: f" {wanted.degradation}=" in f" {drawn}")
            if wanted.shortest > 0 or wanted.longest is not None:
                lengths = np.array([len(text) for text in columns["text"]])
                keep &= lengths >= wanted.shortest
                keep &= lengths <= (wanted.longest if wanted.longest is not None else lengths.max(initial=0))
            places = (first + np.flatnonzero(keep)).tolist()
            for i in range(0, len(places), 256):
                yield places[i : i + 256], places[i : i + 256][-1] + 1
            yield [], stop

    def _read_and_keep(self, wanted: Wanted, places: list[int]) -> list[int]:
        kept = []
        for place, reading in zip(places, self.read(wanted.split, places), strict=True):
            wrong = reading.text != self.about(wanted.split, place)["text"]
            unsure = wanted.below is None or reading.confidence < wanted.below
            if unsure and (wrong or not wanted.misread):
                kept.append(place)
        return kept

    def read(self, split: str, places: Sequence[int]) -> list[Reading]:
        """Returns what the model reads in lines; each is read once."""
        assert self._recognizer is not None, "a page without a model does not ask for readings"
        new = [place for place in places if (split, place) not in self._readings]
        images = [np.atleast_3d(self.image(split, place)) for place in new]
        for place, reading in zip(new, self._recognizer.read_lines(images), strict=True):
            self._readings[split, place] = reading
        return [self._readings[split, place] for place in places]

    def about(self, split: str, place: int) -> dict[str, str | int | float]:
        """Returns `id`, `text`, `width` and the provenance of a line."""
        shard, row = self._find(split, place)
        columns = self._columns(split, shard)
        return {name: columns[name][row : row + 1].tolist()[0] for name in _COLUMNS}

    def image(self, split: str, place: int) -> np.ndarray:
        """Returns the image of a line, (H, W) or (H, W, 3) uint8."""
        shard, row = self._find(split, place)
        return image_at(self._pixels(split, shard), row, self.manifest.image)

    def batch_of(self, split: str, place: int) -> tuple[list[int], Bucket]:
        """Returns lines near a line that share a batch with it when its shard is read in order, and their bucket."""
        shard, row = self._find(split, place)
        widths: dict[int, int] = {}
        for entry in self.manifest.splits[split].shards:
            for width, count in entry.widths.items():
                widths[width] = widths.get(width, 0) + count
        buckets = plan_buckets(widths, BATCH_SIZE, num_buckets_for(self.count(split), BATCH_SIZE))
        edges = np.array([bucket.width_px for bucket in buckets])
        which = np.searchsorted(edges, self._columns(split, shard)["width"])
        bucket = buckets[int(which[row])]
        mine = np.flatnonzero(which == which[row])
        number = int(np.flatnonzero(mine == row)[0]) // bucket.batch_size * bucket.batch_size
        first = self._starts[split][shard]
        return (first + mine[number : number + bucket.batch_size]).tolist(), bucket

    def _bounds(self, split: str) -> list[tuple[int, int]]:
        starts = self._starts.get(split, [0])
        return list(pairwise(starts))

    def _find(self, split: str, place: int) -> tuple[int, int]:
        shard = int(np.searchsorted(self._starts[split], place, side="right")) - 1
        return shard, place - self._starts[split][shard]

    def _read_columns(self, split: str, shard: int) -> dict[str, np.ndarray]:
        entry = self.manifest.splits[split].shards[shard]
        return shard_columns(self._folder, entry, self.manifest.image, _COLUMNS)

    def _read_pixels(self, split: str, shard: int) -> dict[str, np.ndarray]:
        entry = self.manifest.splits[split].shards[shard]
        return shard_columns(self._folder, entry, self.manifest.image, ["pixels", "offsets"])


def _each(values: np.ndarray, holds: Callable[[str], bool]) -> np.ndarray:
    return np.fromiter(map(holds, values.tolist()), bool, len(values))
