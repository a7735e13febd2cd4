"""The lines of one split that take part in a run: the split is opened and checked, and unwanted lines are left out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.batches.selection import (
    SelectionConfig,
    hashes_of,
    held_out,
    keep_encodable,
    keep_where,
    needed_columns,
)
from ocrlib.charset import Charset
from ocrlib.dataset.checks import NotAnnounced, check_columns
from ocrlib.dataset.manifest import FileFormat, Manifest, ShardEntry, read_manifest
from ocrlib.dataset.shards import FORMATS, check_files
from ocrlib.errors import UserError
from ocrlib.invocation import command


@dataclass(frozen=True, kw_only=True)
class ShardLines:
    """The lines of a shard that take part.

    Attributes:
      shard: the whole of it.
      widths: {width in pixels: lines that take part}.
      keep: (N,) bool, True for each line that takes part; None if all do.
    """

    shard: ShardEntry
    widths: dict[int, int]
    keep: np.ndarray | None

    @property
    def num_samples(self) -> int:
        return sum(self.widths.values())


class SplitLines:
    """Opens a split, checks its files, and works out which of its lines take part.

    Args:
      folder: the dataset.
      split: its name. With a selection, `val` is held out of `train` if the dataset has no `val`.
      charset: what labels are encoded with; may differ from the dataset's.
      file_format: `tfrecord` or `hdf5`; None takes the faster one that is there.
      selection: which lines take part; None takes all.
      hashes: check the shards' SHA-256; sizes and counts are checked always.

    Attributes:
      manifest: of the dataset.
      parts: the lines that take part, shard by shard.
      num_samples: how many they are.
      left_out: {reason: ids of the lines that the selection left out for that reason}.

    Raises:
      UserError: no such dataset or split, shards missing or damaged, a selection that leaves nothing.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        charset: Charset,
        *,
        file_format: FileFormat | None = None,
        selection: SelectionConfig | None = None,
        hashes: bool = False,
    ) -> None:
        self.folder, self.split, self.charset = folder, split, charset
        self.manifest: Manifest = read_manifest(folder)
        shards = self._shards_of(split) or (self._shards_of("train") if selection and split == "val" else ())
        if not shards:
            raise UserError(f"{folder}: has no samples in split '{split}'; it has {', '.join(self.manifest.splits)}")
        formats = [name for name in FORMATS if all(name in shard.files for shard in shards)]
        if file_format is not None and file_format not in formats:
            raise UserError(f"{folder}: has no {file_format} files; it has {', '.join(formats)}")
        self.file_format = file_format or formats[0]
        for shard in shards:
            if problems := check_files(folder, shard, hashes=hashes):
                raise UserError(f"{problems[0]}; {self._hint}")
        self.left_out: dict[str, list[str]] = {}
        self.parts = [ShardLines(shard=s, widths=s.widths, keep=None) for s in shards]
        if selection is not None:
            self.parts = self._select(selection)
        self.num_samples = sum(part.num_samples for part in self.parts)
        if not self.num_samples:
            raise UserError(
                f"{folder}: the selection leaves no line of split '{split}'; loosen --data.where or the like"
            )

    def read_columns(
        self, shard: ShardEntry, names: list[str], room: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the named columns of a shard for all its lines, including those that do not take part.

        Args:
          shard: of this split.
          names: of the columns.
          room: memory for `pixels`, as `Format.read_columns` takes it.

        Raises:
          UserError: the shard is damaged.
        """
        path = self.folder / shard.files[self.file_format].name
        try:
            columns = FORMATS[self.file_format].read_columns(path, names, room)
            check_columns(columns, shard, self.manifest.image)
        except NotAnnounced as error:
            raise UserError(f"{path}: {error}; {self._hint}") from None
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise UserError(f"{path}: is damaged ({' '.join(str(error).split())}); {self._hint}") from None
        return columns

    def read_provenance(self, *names: str) -> dict[str, tuple[Any, ...]]:
        """Returns {id: (a value for each of the names)} of the lines that take part."""
        found: dict[str, tuple[Any, ...]] = {}
        for part in self.parts:
            columns = self.read_columns(part.shard, ["id", *names])
            keep = slice(None) if part.keep is None else part.keep
            ids, *values = (columns[name][keep].tolist() for name in ("id", *names))
            found.update(zip(ids, zip(*values, strict=True), strict=True))
        return found

    def _shards_of(self, split: str) -> tuple[ShardEntry, ...]:
        entry = self.manifest.splits.get(split)
        return entry.shards if entry is not None else ()

    @property
    def _hint(self) -> str:
        return f"`{command('verify', self.folder, '--repair')}` draws again what is damaged"

    def _select(self, selection: SelectionConfig) -> list[ShardLines]:
        """Returns the lines that take part. Shards are read only if the selection asks for something."""
        training = self.split == "train"
        holds_out = not self._shards_of("val") and self.split in ("train", "val")
        where = training and bool(selection.where)
        if not (holds_out or where or selection.unencodable == "skip"):
            return self._first_lines(self.parts, selection) if training else self.parts
        names = ["id", "text", "width", *(needed_columns(selection) if where else [])]
        parts = []
        limit = self._limit(selection.val_share) if holds_out else 0
        for part in self.parts:
            columns = self.read_columns(part.shard, names)
            keep = np.ones(len(columns["id"]), bool)
            if holds_out:
                keep &= held_out(columns["id"], limit) == (not training)
            if where:
                meets = keep_where(columns, selection)
                self._leave_out("where", columns["id"][keep & ~meets])
                keep &= meets
            if selection.unencodable == "skip":
                encodable = keep_encodable(columns["text"], self.charset)
                self._leave_out("unencodable", columns["id"][keep & ~encodable])
                keep &= encodable
            parts.append(_shard_lines(part.shard, columns["width"], keep))
        return self._first_lines(parts, selection) if training else parts

    def _limit(self, share: float) -> int:
        """Returns what the hash of a line's id is below where the line is held out of `train` for validation.

        At least one line is held out, and one is left. Of a single line that cannot be: it is learned from and
        validated with.
        """
        hashes = np.sort(np.concatenate([hashes_of(self.read_columns(p.shard, ["id"])["id"]) for p in self.parts]))
        if len(hashes) == 1:
            return int(hashes[0]) + (self.split == "val")
        wanted = int(np.searchsorted(hashes, int(share * 2**32)))
        return int(hashes[min(max(wanted, 1), len(hashes) - 1)])

    def _first_lines(self, parts: list[ShardLines], selection: SelectionConfig) -> list[ShardLines]:
        """Returns the first lines of all parts together, as many as limit and fraction allow."""
        total = sum(part.num_samples for part in parts)
        wanted = min(selection.limit or total, math.ceil(selection.fraction * total))
        cut = []
        for part in parts:
            if wanted >= part.num_samples:
                cut.append(part)
            elif wanted > 0:
                columns = self.read_columns(part.shard, ["id", "width"])
                keep = np.ones(len(columns["width"]), bool) if part.keep is None else part.keep
                cut.append(_shard_lines(part.shard, columns["width"], keep & (np.cumsum(keep) <= wanted)))
            wanted -= min(wanted, part.num_samples)
        return cut

    def _leave_out(self, reason: str, ids: np.ndarray) -> None:
        if len(ids):
            self.left_out.setdefault(reason, []).extend(ids.tolist())


def _shard_lines(shard: ShardEntry, widths: np.ndarray, keep: np.ndarray) -> ShardLines:
    values, counts = np.unique(widths[keep], return_counts=True)
    return ShardLines(shard=shard, widths=dict(zip(values.tolist(), counts.tolist(), strict=True)), keep=keep)
