"""Shards in, padded batches out: every line that a network learns from or is measured on comes through here.

An epoch is made in five steps:
  1. The shards of a split are put into an order that is drawn from (seed, epoch).
  2. They are cut into windows of a few shards, one of which is in memory at a time.
  3. The lines of a window are read and put into an order that is drawn from (seed, epoch, window).
  4. They are sorted into buckets of similar width, and each bucket is cut into batches of similar area.
  5. The batches of the window are shuffled, and each is padded on the right to the width of its bucket.
All of it is numpy on whole shards, so TFRecord and HDF5 give the same batches in the same order. The manifest alone
tells how many batches a window has, so a resumed run skips to its next batch without reading those before.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrlib.batches.buckets import Bucket, num_buckets_for, plan_buckets
from ocrlib.batches.labels import LabelError, check_labels, encode_labels
from ocrlib.batches.padding import PAPER, blank_images
from ocrlib.batches.split import ShardLines, SplitLines
from ocrlib.ctc import time_steps
from ocrlib.dataset.sample import decode_image
from ocrlib.errors import UserError
from ocrlib.rounding import ceil_div

WINDOW_BYTES = 128 << 20  # 128 MiB of pixels; lines are shuffled within a window

Batch = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Lines in memory.

    Attributes:
      ids, widths: (N,) str objects and int32 pixels.
      pixels, starts, stops: the stored image of line i is pixels[starts[i]:stops[i]]; behind the last one there is room
        for one row of the widest batch.
      labels, label_offsets: the label of line i is labels[label_offsets[i]:label_offsets[i + 1]].
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

    A batch is a dict of arrays for B lines, their images padded to W pixels and their labels to L classes:
      image (B, H, W, C) uint8, padded with paper; width (B,) int32, without padding;
      label (B, L) int32, padded with -1; label_length (B,) int32; id (B,) str objects.

    Args:
      lines: those of the split that take part.
      stride: pixels of width behind one time step of the network that learns from the batches; a label that needs
        more time steps than its line has stops the run. None: no network learns from them, so any label may pass.
      batch_size: lines in a batch of average width.
      short_first: sort the batches of the first window of the first shuffled epoch by width. CTC has to find out
        where characters are, and does so sooner if there are few.

    Attributes:
      lines: as given.
      image: height, channels and stored encoding of their images.
      num_samples: how many lines there are.
      batch_size: as given.
      buckets: narrowest first.
    """

    def __init__(
        self, lines: SplitLines, stride: int | None, batch_size: int = 64, *, short_first: bool = False
    ) -> None:
        self.lines, self.image, self.num_samples = lines, lines.manifest.image, lines.num_samples
        self._stride, self._short_first = stride, short_first
        self._widths: Counter[int] = sum((Counter(part.widths) for part in self.lines.parts), Counter())
        self.batch_size = batch_size
        self.buckets = plan_buckets(self._widths, batch_size, num_buckets_for(self.num_samples, batch_size))
        self._edges = np.array([bucket.width_px for bucket in self.buckets])
        self._column_bytes = self.image.height * self.image.channels

    @property
    def padding_share(self) -> float:
        """Share of the pixels of all batches that is padding, 0 to 1."""
        edges = self._edges[np.searchsorted(self._edges, list(self._widths))]
        counts = np.array(list(self._widths.values()))
        return 1.0 - float((np.array(list(self._widths)) * counts).sum() / (edges * counts).sum())

    def count(self, seed: int | None, epoch: int) -> int:
        """Returns the number of batches of an epoch; nothing is read for it but the manifest."""
        return sum(self._count_window(window) for window in self._windows(seed, epoch))

    def batches(self, seed: int | None = None, epoch: int = 0, skip: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch.

        Args:
          seed: of the shuffle; None for the order of the files, as in a validation.
          epoch: at least 0; each has an order of its own.
          skip: batches to leave out at the start, for a run that goes on in the middle of an epoch.

        Raises:
          UserError: a shard is damaged, or a label has characters that the charset lacks or is too long for its line.
        """
        windows = list(enumerate(self._windows(seed, epoch)))
        while windows and skip >= (num_batches := self._count_window(windows[0][1])):
            skip -= num_batches
            del windows[0]
        # The same memory for each window: new memory would cost as much as reading, because the system clears what is
        # touched for the first time. A thread that reads ahead makes it slower: both need the interpreter.
        buffer = np.empty(max((self._pixel_bytes(parts) for _, parts in windows), default=0), np.uint8)
        for number, parts in windows:
            window = self._read_window(parts, buffer)
            for rows, bucket in self._cut(window.widths, seed, epoch, number)[skip:]:
                yield self._pad(window, rows, bucket)
            skip = 0

    def sizes(self, seed: int | None, epoch: int) -> Iterator[int]:
        """Yields how many lines each of the `batches` of an epoch has; nothing is read for it but the manifest."""
        for number, parts in enumerate(self._windows(seed, epoch)):
            widths = [np.repeat(list(part.widths), list(part.widths.values())) for part in parts]
            yield from (len(rows) for rows, _ in self._cut(np.concatenate(widths), seed, epoch, number))

    def check(self) -> None:
        """Reads every shard once, all but its pixels, and raises what `batches` would raise in the midst of an epoch.

        For whom an epoch runs within TensorFlow, which turns every error into one of its own.
        """
        for part in self.lines.parts:
            columns = self.lines.read_columns(part.shard, ["id", "text", "width"])
            keep = slice(None) if part.keep is None else part.keep
            self._encode(*(columns[name][keep] for name in ("id", "text", "width")))

    def _windows(self, seed: int | None, epoch: int) -> list[list[ShardLines]]:
        """Returns the windows of an epoch: steps 1 and 2."""
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

    def _read_window(self, parts: list[ShardLines], buffer: np.ndarray) -> Window:
        """Returns a window with its lines in file order: step 3 without the shuffle. Its pixels lie in the buffer."""
        read = []
        position = 0
        for part in parts:
            columns = self.lines.read_columns(
                part.shard, ["id", "text", "width", "pixels", "offsets"], buffer[position:]
            )
            keep = slice(None) if part.keep is None else part.keep
            lines = {name: columns[name][keep] for name in ("id", "text", "width")}
            lines["starts"] = columns["offsets"][:-1][keep] + position
            lines["stops"] = columns["offsets"][1:][keep] + position
            position += len(columns["pixels"])
            read.append(lines)
        window = {name: np.concatenate([lines[name] for lines in read]) for name in read[0]}
        widths = window["width"].astype(np.int32)
        labels, label_offsets = self._encode(window["id"], window["text"], widths)
        return Window(
            ids=window["id"],
            widths=widths,
            pixels=buffer,
            starts=window["starts"],
            stops=window["stops"],
            labels=labels,
            label_offsets=label_offsets,
        )

    def _pixel_bytes(self, parts: list[ShardLines]) -> int:
        """Returns for how many bytes a buffer needs room so that it can hold the pixels of a window; no less."""
        files = sum(part.shard.files[self.lines.file_format].bytes for part in parts)  # hold more than the pixels
        return files + int(self._edges[-1]) * self.image.channels  # `_gather` reads that far behind the last line

    def _encode(self, ids: np.ndarray, texts: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the labels of lines and where each of them begins; the network must have the steps for them."""
        try:
            labels, label_offsets = encode_labels(texts, self.lines.charset)
            if self._stride is not None:
                check_labels(texts, labels, label_offsets, widths, time_steps(widths, self._stride))
        except LabelError as error:
            raise UserError(f"{self.lines.folder}: sample {ids[error.line]}: {error}") from None
        return labels, label_offsets

    def _cut(self, widths: np.ndarray, seed: int | None, epoch: int, number: int) -> list[tuple[np.ndarray, Bucket]]:
        """Returns the rows of each batch of a window and its bucket, in the order of the batches: steps 3, 4 and 5.

        How many lines each batch has depends on how often a width occurs, not on the order of the widths.
        """
        random = random_for(seed, epoch, number + 1)
        rows = np.arange(len(widths)) if random is None else random.permutation(len(widths))
        which = np.searchsorted(self._edges, widths[rows])
        batches = []
        for place, bucket in enumerate(self.buckets):
            mine = rows[which == place]
            for start in range(0, len(mine), bucket.batch_size):
                batches.append((mine[start : start + bucket.batch_size], bucket))
        if random is not None:
            batches = [batches[i] for i in random.permutation(len(batches))]
        if self._short_first and seed is not None and epoch == number == 0:
            batches.sort(key=lambda batch: batch[1].width_px)
        return batches

    def _pad(self, window: Window, rows: np.ndarray, bucket: Bucket) -> Batch:
        """Returns one batch: the padding of step 5."""
        lengths = window.label_offsets[rows + 1] - window.label_offsets[rows]
        place = np.arange(int(lengths.max()))
        label = window.labels.take(window.label_offsets[rows][:, None] + place, mode="clip")
        label[place >= lengths[:, None]] = -1
        make = self._decode if self.image.encoding == "png" else self._gather
        return {
            "image": make(window, rows, bucket.width_px),
            "width": window.widths[rows],
            "label": label,
            "label_length": lengths.astype(np.int32),
            "id": window.ids[rows],
        }

    def _gather(self, window: Window, rows: np.ndarray, width_px: int) -> np.ndarray:
        """Returns the padded images of a batch, (B, H, width_px, C), of pixels that are stored as they are.

        One copy for all rows of all lines: from where a row begins, as many bytes as the batch is wide. What it finds
        behind the end of a row is then painted over with paper.
        """
        height, channels = self.image.height, self.image.channels
        row_bytes, own_bytes = width_px * channels, window.widths[rows].astype(np.int64) * channels
        pieces: np.ndarray = np.ndarray(  # [i]: row_bytes bytes that begin at byte i
            (len(window.pixels) - row_bytes + 1,), f"V{row_bytes}", window.pixels, strides=(1,)
        )
        begins = window.starts[rows][:, None] + np.arange(height) * own_bytes[:, None]  # (B, H)
        image = pieces[begins.ravel()].view(np.uint8).reshape(len(rows), height, row_bytes)
        narrowest = int(own_bytes.min())
        behind = np.arange(narrowest, row_bytes) >= own_bytes[:, None]  # (B, row_bytes - narrowest)
        np.copyto(image[:, :, narrowest:], PAPER, where=behind[:, None, :])
        return image.reshape(len(rows), height, width_px, channels)

    def _decode(self, window: Window, rows: np.ndarray, width_px: int) -> np.ndarray:
        """Returns the padded images of a batch, (B, H, width_px, C), of pixels that are stored as PNG."""
        height, channels = self.image.height, self.image.channels
        image = blank_images(len(rows), height, width_px, channels)
        for i, row in enumerate(rows):
            stored = window.pixels[window.starts[row] : window.stops[row]].tobytes()
            width = window.widths[row]
            try:
                image[i, :, :width] = decode_image(stored, "png", height, channels).reshape(height, width, channels)
            except ValueError as error:
                raise UserError(f"{self.lines.folder}: sample {window.ids[row]} is damaged: {error}") from None
        return image


def random_for(seed: int | None, epoch: int, part: int) -> Any:
    """Returns a random generator for one part of an epoch; None without a seed."""
    # RandomState, because numpy promises that its sequences never change.
    return None if seed is None else np.random.RandomState([seed & 0xFFFFFFFF, epoch, part])
