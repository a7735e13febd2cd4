"""Shards in, padded batches out: the only way from a dataset to a network.

Read from top to bottom, an epoch is
  1. the shards of a split in an order drawn from (seed, epoch);
  2. cut into windows of a few shards, the most that is held in memory at once;
  3. a window's lines, from whichever format, in an order drawn from (seed, epoch, window);
  4. sorted into buckets of like width, and each bucket cut into batches of like area;
  5. the batches of the window shuffled, each padded on the right to its bucket's width.
All of it is numpy on whole shards, so TFRecord and HDF5 give the same batches in the same order, and
where batch k of an epoch begins can be worked out from the manifest without reading anything.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.charset import Charset, ctc_steps
from ocrlib.errors import UserError
from ocrlib.shards import hdf5, tfrecord
from ocrlib.shards.manifest import Manifest, ShardEntry, read_manifest
from ocrlib.shards.record import decode_image
from ocrlib.shards.verify import check_files

NUM_BUCKETS = 24
WIDTH_MULTIPLE = 8  # pixels; bucket widths are multiples, so that every stride of a network divides them
WINDOW_BYTES = 128 << 20  # 128 MiB of pixels; shuffling reaches as far as this
PAPER = 255  # the value of padding; networks mask it, people who look at a batch see paper

Batch = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Lines no wider than width_px (and wider than the bucket before allows), batch_size at a time."""

    width_px: int
    batch_size: int


def plan_buckets(widths: Mapping[int, int], batch_size: int, num_buckets: int = NUM_BUCKETS) -> list[Bucket]:
    """Returns the buckets, narrowest first, that waste the fewest pixels on padding.

    Args:
      widths: {width in pixels: lines}, at least one.
      batch_size: lines in a batch of average width; wider buckets get fewer, narrower more, so that every
        batch has about the same area and costs about the same.
      num_buckets: how many at most.
    """
    multiples: dict[int, list[int]] = {}  # bucket width -> [lines, their pixels of width]
    for width, lines in widths.items():
        entry = multiples.setdefault(-(-width // WIDTH_MULTIPLE) * WIDTH_MULTIPLE, [0, 0])
        entry[0] += lines
        entry[1] += lines * width
    edges = sorted(multiples)
    lines_to = np.concatenate([[0], np.cumsum([multiples[edge][0] for edge in edges])])
    # best[j]: fewest padded pixels for the first j edges; each round allows one bucket more.
    best, choices = [0.0] + [math.inf] * len(edges), []
    for _ in range(min(num_buckets, len(edges))):
        padded = [
            [best[i] + edges[j - 1] * (lines_to[j] - lines_to[i]) for i in range(j)]
            for j in range(1, len(edges) + 1)
        ]
        choices.append([int(np.argmin(row)) for row in padded])
        best = [0.0] + [min(row) for row in padded]
    cuts, j = [], len(edges)
    for choice in reversed(choices):
        if j == 0:
            break
        cuts.append(edges[j - 1])
        j = choice[j - 1]
    mean_width = sum(pixels for _, pixels in multiples.values()) / lines_to[-1]
    return [
        Bucket(width_px=width, batch_size=max(1, round(batch_size * mean_width / width)))
        for width in sorted(cuts)
    ]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Lines held in memory: pixels of line i are pixels[offsets[i]:offsets[i + 1]], as stored."""

    ids: np.ndarray
    texts: np.ndarray
    widths: np.ndarray
    pixels: np.ndarray
    offsets: np.ndarray


class Loader:
    """The batches of one split of one dataset.

    A batch is a dict of arrays, B lines padded to W pixels, labels padded to L with -1:
      image (B, H, W, C) uint8; width (B,) int32, each line's own; label (B, L) int32; label_length (B,) int32;
      id (B,) str objects.

    Args:
      folder: the dataset.
      split: its name.
      charset: what labels are encoded with; may differ from the dataset's.
      time_steps: width in pixels -> time steps that the network gives it; labels that need more stop the
        run. None: no network is to learn from them, let them pass.
      batch_size: lines in a batch of average width.
      file_format: `tfrecord` or `hdf5`; None takes the faster one that is there.

    Raises:
      UserError: no such dataset or split, shards missing or of a wrong size.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        charset: Charset,
        time_steps: Callable[[int], int] | None,
        batch_size: int = 64,
        file_format: str | None = None,
    ) -> None:
        self.folder, self.split, self.charset = folder, split, charset
        self.manifest: Manifest = read_manifest(folder)
        self._time_steps = time_steps
        entry = self.manifest.splits.get(split)
        if entry is None or not entry.shards:
            raise UserError(
                f"{folder}: has no samples in split '{split}'; it has {', '.join(self.manifest.splits)}"
            )
        self.shards = entry.shards
        self.num_samples = entry.samples
        self.image = self.manifest.image
        formats = [name for name in ("hdf5", "tfrecord") if all(name in shard.files for shard in self.shards)]
        if file_format is not None and file_format not in formats:
            raise UserError(f"{folder}: has no {file_format} files; it has {', '.join(formats)}")
        self.file_format = file_format or formats[0]
        for shard in self.shards:
            if problems := check_files(folder, shard, hashes=False):
                raise UserError(f"{problems[0]}; `python -m ocrlib verify {folder}` lists all that is wrong")
        widths: dict[int, int] = {}
        for shard in self.shards:
            for width, lines in shard.widths.items():
                widths[int(width)] = widths.get(int(width), 0) + lines
        self.buckets = plan_buckets(widths, batch_size)
        self._edges = np.array([bucket.width_px for bucket in self.buckets])
        self._widths = widths
        self._column_bytes = self.image.height * self.image.channels

    @property
    def padding_share(self) -> float:
        """Share of the pixels of all batches that are padding, 0 to 1."""
        edges = self._edges[np.searchsorted(self._edges, list(self._widths))]
        counts = np.array(list(self._widths.values()))
        return 1.0 - float((np.array(list(self._widths)) * counts).sum() / (edges * counts).sum())

    def count(self, seed: int | None, epoch: int) -> int:
        """Returns the batches of an epoch, worked out from the manifest."""
        return sum(self._count_window(window) for window in self._windows(seed, epoch))

    def batches(self, seed: int | None = None, epoch: int = 0, skip: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch.

        Args:
          seed: None for file order, as for validation; else what the shuffle is drawn from.
          epoch: at least 0; each has an order of its own.
          skip: batches to leave out at the start, for a run that goes on in mid-epoch.

        Raises:
          UserError: a shard is damaged, a label has characters that the charset lacks, or does not fit.
        """
        for number, shards in enumerate(self._windows(seed, epoch)):
            num_batches = self._count_window(shards)
            if skip >= num_batches:
                skip -= num_batches
                continue
            window = self._read_window(shards)
            for rows, bucket in self._cut(window, _random(seed, epoch, number + 1))[skip:]:
                yield self._pad(window, rows, bucket)
            skip = 0

    def _windows(self, seed: int | None, epoch: int) -> list[list[ShardEntry]]:
        """Steps 1 and 2: the shards in this epoch's order, cut into windows."""
        order = (
            np.arange(len(self.shards))
            if seed is None
            else _random(seed, epoch, 0).permutation(len(self.shards))
        )
        windows: list[list[ShardEntry]] = [[]]
        used = 0
        for index in order:
            shard = self.shards[index]
            size = sum(int(width) * lines for width, lines in shard.widths.items()) * self._column_bytes
            if windows[-1] and used + size > WINDOW_BYTES:
                windows.append([])
                used = 0
            windows[-1].append(shard)
            used += size
        return windows

    def _count_window(self, shards: list[ShardEntry]) -> int:
        lines = np.zeros(len(self.buckets), np.int64)
        for shard in shards:
            widths = np.array([int(width) for width in shard.widths])
            np.add.at(lines, np.searchsorted(self._edges, widths), list(shard.widths.values()))
        return sum(-(-int(n) // bucket.batch_size) for n, bucket in zip(lines, self.buckets, strict=True))

    def _read_window(self, shards: list[ShardEntry]) -> Window:
        """Step 3, the reading: one window from either format, its samples in file order."""
        parts = [self._read_shard(shard) for shard in shards]
        starts = np.cumsum([0] + [len(part.pixels) for part in parts])
        offsets = [part.offsets[:-1] + start for part, start in zip(parts, starts, strict=False)]
        return Window(
            ids=np.concatenate([part.ids for part in parts]),
            texts=np.concatenate([part.texts for part in parts]),
            widths=np.concatenate([part.widths for part in parts]),
            pixels=np.concatenate([part.pixels for part in parts]),
            offsets=np.concatenate([*offsets, starts[-1:]]),
        )

    def _read_shard(self, shard: ShardEntry) -> Window:
        path = self.folder / shard.files[self.file_format].name
        read = hdf5.read_columns if self.file_format == "hdf5" else tfrecord.read_columns
        try:
            columns = read(path, ["id", "text", "width", "pixels", "offsets"])
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{path}: is damaged ({error}); `python -m ocrlib verify {self.folder}` lists all that is wrong"
            ) from None
        if len(columns["id"]) != shard.samples:
            raise UserError(f"{path}: expected {shard.samples} samples, found {len(columns['id'])}")
        return Window(
            ids=columns["id"],
            texts=columns["text"],
            widths=columns["width"].astype(np.int32),
            pixels=columns["pixels"],
            offsets=columns["offsets"],
        )

    def _cut(self, window: Window, random: np.random.RandomState | None) -> list[tuple[np.ndarray, Bucket]]:
        """Steps 3 and 4: the rows of each batch and its bucket, in the order they are to come."""
        rows = np.arange(len(window.ids)) if random is None else random.permutation(len(window.ids))
        which = np.searchsorted(self._edges, window.widths[rows])
        batches = []
        for number, bucket in enumerate(self.buckets):
            mine = rows[which == number]
            for start in range(0, len(mine), bucket.batch_size):
                batches.append((mine[start : start + bucket.batch_size], bucket))
        if random is not None:
            batches = [batches[i] for i in random.permutation(len(batches))]
        return batches

    def _pad(self, window: Window, rows: np.ndarray, bucket: Bucket) -> Batch:
        """Step 5: one batch."""
        height, channels = self.image.height, self.image.channels
        image = np.full((len(rows), height, bucket.width_px, channels), PAPER, np.uint8)
        labels = [self._encode(window, row) for row in rows]
        for i, row in enumerate(rows):
            stored = window.pixels[window.offsets[row] : window.offsets[row + 1]]
            if self.image.encoding == "png":
                stored = decode_image(stored.tobytes(), "png", height, channels)
            image[i, :, : window.widths[row]] = stored.reshape(height, -1, channels)
        lengths = np.array([len(label) for label in labels], np.int32)
        label = np.full((len(rows), lengths.max()), -1, np.int32)
        for i, indices in enumerate(labels):
            label[i, : len(indices)] = indices
        return {
            "image": image,
            "width": window.widths[rows],
            "label": label,
            "label_length": lengths,
            "id": window.ids[rows],
        }

    def _encode(self, window: Window, row: int) -> list[int]:
        text = window.texts[row]
        try:
            label = self.charset.encode(text)
        except ValueError as error:
            raise UserError(f"{self.folder}: sample {window.ids[row]}: {error}") from None
        steps = None if self._time_steps is None else self._time_steps(int(window.widths[row]))
        if steps is not None and (ctc_steps(label) > steps or not label):
            raise UserError(
                f"{self.folder}: sample {window.ids[row]}: its label {text!r} needs {ctc_steps(label)} time steps, the "
                f"network has {steps} for {window.widths[row]} pixels; render with a larger px_per_step or height"
            )
        return label


class Mixture:
    """Several datasets as one: each epoch has every batch of each of them, in an order drawn from seed and epoch.

    Raises:
      UserError: their images differ in height or channels.
    """

    def __init__(self, loaders: Sequence[Loader]) -> None:
        self.loaders = list(loaders)
        self.image = loaders[0].image
        self.num_samples = sum(loader.num_samples for loader in loaders)
        for loader in loaders:
            if (loader.image.height, loader.image.channels) != (self.image.height, self.image.channels):
                raise UserError(
                    f"{loader.folder}: has images of height {loader.image.height} and {loader.image.channels} "
                    f"channels, {loaders[0].folder} of {self.image.height} and {self.image.channels}; "
                    "they cannot be mixed"
                )

    def count(self, seed: int | None, epoch: int) -> int:
        """Returns the batches of an epoch."""
        return sum(loader.count(seed, epoch) for loader in self.loaders)

    def batches(self, seed: int | None = None, epoch: int = 0, skip: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch, as `Loader.batches` does."""
        turns = np.repeat(
            np.arange(len(self.loaders)), [loader.count(seed, epoch) for loader in self.loaders]
        )
        if (random := _random(seed, epoch, 0)) is not None:
            turns = turns[random.permutation(len(turns))]
        passed = np.bincount(turns[:skip], minlength=len(self.loaders))
        sources = [
            loader.batches(seed, epoch, int(n)) for loader, n in zip(self.loaders, passed, strict=True)
        ]
        for turn in turns[skip:]:
            yield next(sources[turn])


def to_tf_dataset(source: Loader | Mixture, seed: int | None = None, epoch: int = 0, skip: int = 0) -> Any:
    """Returns a `tf.data.Dataset` of the batches of an epoch; iterated again, of the next one if shuffled."""
    import tensorflow as tf

    position = {"epoch": epoch, "skip": skip}

    def one_epoch() -> Iterator[Batch]:
        now = dict(position)
        position.update(epoch=now["epoch"] + (seed is not None), skip=0 if seed is not None else skip)
        yield from source.batches(seed, now["epoch"], now["skip"])

    signature = {
        "image": tf.TensorSpec((None, source.image.height, None, source.image.channels), tf.uint8),
        "width": tf.TensorSpec((None,), tf.int32),
        "label": tf.TensorSpec((None, None), tf.int32),
        "label_length": tf.TensorSpec((None,), tf.int32),
        "id": tf.TensorSpec((None,), tf.string),
    }
    return tf.data.Dataset.from_generator(one_epoch, output_signature=signature).prefetch(4)


def _random(seed: int | None, epoch: int, part: int) -> Any:
    # RandomState, because its sequences are frozen: the same on every machine and under every numpy.
    return None if seed is None else np.random.RandomState([seed & 0xFFFFFFFF, epoch, part])
