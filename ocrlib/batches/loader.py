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

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrlib.batches.buckets import Bucket, plan_buckets
from ocrlib.batches.labels import LabelError, check_labels, encode_labels
from ocrlib.batches.padding import blank_images
from ocrlib.batches.split import ShardLines, SplitLines
from ocrlib.ctc import time_steps
from ocrlib.dataset.sample import decode_image
from ocrlib.errors import UserError
from ocrlib.rounding import ceil_div

WINDOW_BYTES = 128 << 20  # 128 MiB of pixels; shuffling reaches as far as this

Batch = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Lines held in memory: the stored pixels of line i are pixels[starts[i]:stops[i]], its label
    labels[label_offsets[i]:label_offsets[i + 1]].
    """

    ids: np.ndarray
    widths: np.ndarray
    pixels: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    labels: np.ndarray
    label_offsets: np.ndarray


class Loader:
    """The batches of one split of one dataset.

    A batch is a dict of arrays, B lines padded to W pixels, labels padded to L with -1:
      image (B, H, W, C) uint8; width (B,) int32, each line's own; label (B, L) int32; label_length (B,) int32;
      id (B,) str objects.

    Args:
      lines: those of the split that take part.
      stride: pixels of width behind one time step of the network that learns from the batches; a label that needs
        more time steps than its line has stops the run. None: no network learns from them, so any label may pass.
      batch_size: lines in a batch of average width.
      short_first: the first window of the first shuffled epoch comes in order of width. CTC has to find out where
        characters are, and does so sooner where there are few.
    """

    def __init__(
        self, lines: SplitLines, stride: int | None, batch_size: int = 64, *, short_first: bool = False
    ) -> None:
        self.lines, self.image, self.num_samples = lines, lines.manifest.image, lines.num_samples
        self._stride, self._short_first = stride, short_first
        self._widths: Counter[int] = sum((Counter(part.widths) for part in self.lines.parts), Counter())
        self.buckets = plan_buckets(self._widths, batch_size)
        self._edges = np.array([bucket.width_px for bucket in self.buckets])
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
        for number, parts in enumerate(self._windows(seed, epoch)):
            num_batches = self._count_window(parts)
            if skip >= num_batches:
                skip -= num_batches
                continue
            window = self._read_window(parts)
            batches = self._cut(window, random_for(seed, epoch, number + 1))
            if self._short_first and seed is not None and epoch == number == 0:
                batches.sort(key=lambda batch: batch[1].width_px)
            for rows, bucket in batches[skip:]:
                yield self._pad(window, rows, bucket)
            skip = 0

    def _windows(self, seed: int | None, epoch: int) -> list[list[ShardLines]]:
        """Steps 1 and 2: the shards in this epoch's order, cut into windows."""
        num_parts = len(self.lines.parts)
        order = np.arange(num_parts) if seed is None else random_for(seed, epoch, 0).permutation(num_parts)
        windows: list[list[ShardLines]] = [[]]
        used = 0
        for part in (self.lines.parts[index] for index in order):
            size = sum(width * lines for width, lines in part.widths.items()) * self._column_bytes
            if windows[-1] and used + size > WINDOW_BYTES:
                windows.append([])
                used = 0
            windows[-1].append(part)
            used += size
        return windows

    def _count_window(self, parts: list[ShardLines]) -> int:
        lines = np.zeros(len(self.buckets), np.int64)
        for part in parts:
            np.add.at(lines, np.searchsorted(self._edges, list(part.widths)), list(part.widths.values()))
        return sum(ceil_div(int(n), bucket.batch_size) for n, bucket in zip(lines, self.buckets, strict=True))

    def _read_window(self, parts: list[ShardLines]) -> Window:
        """Step 3, the reading: one window from either format, its samples in file order."""
        read = []
        position = 0
        for part in parts:
            columns = self.lines.read_columns(part.shard, ["id", "text", "width", "pixels", "offsets"])
            keep = slice(None) if part.keep is None else part.keep
            lines = {name: columns[name][keep] for name in ("id", "text", "width")}
            lines["pixels"] = columns["pixels"]
            lines["starts"] = columns["offsets"][:-1][keep] + position
            lines["stops"] = columns["offsets"][1:][keep] + position
            position += len(columns["pixels"])
            read.append(lines)
        window = {name: np.concatenate([lines[name] for lines in read]) for name in read[0]}
        widths = window["width"].astype(np.int32)
        try:
            labels, label_offsets = encode_labels(window["text"], self.lines.charset)
            if self._stride is not None:
                check_labels(window["text"], labels, label_offsets, widths, time_steps(widths, self._stride))
        except LabelError as error:
            raise UserError(f"{self.lines.folder}: sample {window['id'][error.line]}: {error}") from None
        return Window(
            ids=window["id"],
            widths=widths,
            pixels=window["pixels"],
            starts=window["starts"],
            stops=window["stops"],
            labels=labels,
            label_offsets=label_offsets,
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
        image = blank_images(len(rows), height, bucket.width_px, channels)
        lengths = window.label_offsets[rows + 1] - window.label_offsets[rows]
        label = np.full((len(rows), int(lengths.max())), -1, np.int32)
        for i, row in enumerate(rows):
            stored = window.pixels[window.starts[row] : window.stops[row]]
            if self.image.encoding == "png":
                stored = decode_image(stored.tobytes(), "png", height, channels)
            image[i, :, : window.widths[row]] = stored.reshape(height, -1, channels)
            label[i, : lengths[i]] = window.labels[window.label_offsets[row] : window.label_offsets[row + 1]]
        return {
            "image": image,
            "width": window.widths[rows],
            "label": label,
            "label_length": lengths.astype(np.int32),
            "id": window.ids[rows],
        }


def random_for(seed: int | None, epoch: int, part: int) -> Any:
    """Returns the source of chance for one part of an epoch; None without a seed."""
    # RandomState, because its sequences are frozen: the same on every machine and under every numpy.
    return None if seed is None else np.random.RandomState([seed & 0xFFFFFFFF, epoch, part])
