"""The lines of one split of a dataset that take part in a run, and what is known of them beside their pixels."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.batches.columns import read_columns_fast
from ocrlib.batches.selection import SelectionConfig, held_out, keep_encodable, keep_where, needed_columns
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import FileFormat, Manifest, ShardEntry, read_manifest
from ocrlib.dataset.shards import FORMATS, check_files
from ocrlib.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ShardLines:
    """A shard and those of its lines that take part; keep None means all. widths: {width in pixels: lines}."""

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
      split: its name; for a selection, `val` may be held out of `train` where the dataset has none.
      charset: what labels are encoded with; may differ from the dataset's.
      file_format: `tfrecord` or `hdf5`; None takes the faster one that is there.
      selection: which lines take part; None takes all.
      hashes: check the shards' SHA-256; sizes and counts are checked always.

    Attributes:
      manifest: of the dataset.
      parts: shard by shard, the lines that take part.
      left_out: {reason: ids of lines that the selection left out for it}.

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

    def read_columns(self, shard: ShardEntry, names: list[str]) -> dict[str, np.ndarray]:
        """Returns columns of all lines of a shard, of those too that do not take part; `id` must be among the names.

        Raises:
          UserError: the shard is damaged.
        """
        path = self.folder / shard.files[self.file_format].name
        try:
            columns = read_columns_fast(path, self.file_format, names)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path}: is damaged ({error}); {self._hint}") from None
        if len(columns["id"]) != shard.samples:
            raise UserError(f"{path}: expected {shard.samples} samples, found {len(columns['id'])}; {self._hint}")
        return columns

    def read_provenance(self, *names: str) -> dict[str, tuple[Any, ...]]:
        """Returns {id: a value for each of the names} over the lines that take part."""
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
        return f"`python -m ocrlib verify {self.folder} --repair` draws again what is damaged"

    def _select(self, selection: SelectionConfig) -> list[ShardLines]:
        """Works out which lines take part, from the columns beside the pixels, and only where something is asked."""
        training = self.split == "train"
        rule_split = not self._shards_of("val") and self.split in ("train", "val")
        where = training and bool(selection.where)
        if not (rule_split or where or selection.unencodable == "skip"):
            return self._first(self.parts, selection) if training else self.parts
        names = ["id", "text", "width", *(needed_columns(selection) if where else [])]
        parts = []
        for part in self.parts:
            columns = self.read_columns(part.shard, names)
            keep = np.ones(len(columns["id"]), bool)
            if rule_split:
                keep &= held_out(columns["id"], selection.val_share) == (not training)
            if where:
                meets = keep_where(columns, selection)
                self._note("where", columns["id"][keep & ~meets])
                keep &= meets
            if selection.unencodable == "skip":
                encodable = keep_encodable(columns["text"], self.charset)
                self._note("unencodable", columns["id"][keep & ~encodable])
                keep &= encodable
            parts.append(_part(part.shard, columns["width"], keep))
        return self._first(parts, selection) if training else parts

    def _first(self, parts: list[ShardLines], selection: SelectionConfig) -> list[ShardLines]:
        """Returns the parts cut to the first lines that limit and fraction ask for."""
        total = sum(part.num_samples for part in parts)
        left = min(selection.limit or total, math.ceil(selection.fraction * total))
        cut = []
        for part in parts:
            if left >= part.num_samples:
                cut.append(part)
            elif left > 0:
                columns = self.read_columns(part.shard, ["id", "width"])
                keep = np.ones(len(columns["width"]), bool) if part.keep is None else part.keep
                cut.append(_part(part.shard, columns["width"], keep & (np.cumsum(keep) <= left)))
            left -= min(left, part.num_samples)
        return cut

    def _note(self, reason: str, ids: np.ndarray) -> None:
        if len(ids):
            self.left_out.setdefault(reason, []).extend(ids.tolist())


def _part(shard: ShardEntry, widths: np.ndarray, keep: np.ndarray) -> ShardLines:
    values, counts = np.unique(widths[keep], return_counts=True)
    return ShardLines(shard=shard, widths=dict(zip(values.tolist(), counts.tolist(), strict=True)), keep=keep)
