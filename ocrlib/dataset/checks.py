"""Is what a shard's file holds what the manifest announces? Asked each time columns are read, before they are used.

A hash says that a file is the one that was written. It does not say that the one who wrote it was right, or honest:
a line wider than its bucket, offsets that point elsewhere or a width table of another dataset would read as nonsense.
"""

import re
from collections.abc import Mapping

import numpy as np

from ocrlib.dataset.manifest import ImageShape, ShardEntry

# `unpack` makes a file's name of it. Ours are such as train-000000012; other programs may have others.
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # in a list of lines, it would begin another line


class NotAnnounced(ValueError):
    """A shard holds something else than the manifest says; the message has both."""


def check_columns(columns: Mapping[str, np.ndarray], shard: ShardEntry, image: ImageShape) -> None:
    """Refuses columns of a shard that contradict its entry in the manifest.

    Args:
      columns: any of `pixels` (P,), `offsets` (N + 1,), `id`, `text`, `width` and the provenance (N,).
      shard: its entry.
      image: what all images share.

    Raises:
      NotAnnounced: says what was expected and what was found.
    """
    for name, column in columns.items():
        found = len(column) - 1 if name == "offsets" else len(column)
        if name != "pixels" and found != shard.samples:
            raise NotAnnounced(f"expected {shard.samples} samples, found {found}")
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise NotAnnounced(f"has a {name} that is no finite number")
    if "text" in columns and not all(columns["text"]):
        line = list(columns["text"]).index("")
        raise NotAnnounced(f"sample {columns['id'][line] if 'id' in columns else line} has no text")
    if "text" in columns and (control := _CONTROL.search("".join(columns["text"]))):
        raise NotAnnounced(f"has a text with the control character U+{ord(control[0]):04X}")
    if "id" in columns:
        _check_ids(columns["id"])
    if "width" in columns:
        _check_widths(columns["width"], shard.widths)
    if "pixels" in columns and "offsets" in columns:
        _check_offsets(columns, shard, image)


def _check_ids(ids: np.ndarray) -> None:
    wrong = next((name for name in ids if not _ID.fullmatch(name)), None)
    if wrong is not None:
        raise NotAnnounced(f"has a sample named {wrong[:80]!r}; expected letters, figures, '-', '_' and '.' only")
    if len(set(ids)) != len(ids):
        raise NotAnnounced("has two samples of the same id")


def _check_widths(found: np.ndarray, announced: Mapping[int, int]) -> None:
    values, counts = np.unique(found, return_counts=True)
    counted = dict(zip(values.tolist(), counts.tolist(), strict=True))
    for width in sorted(counted.keys() | announced.keys()):
        lines, expected = counted.get(width, 0), announced.get(width, 0)
        if lines != expected:
            raise NotAnnounced(f"has {lines} lines that are {width} pixels wide; the manifest says {expected}")


def _check_offsets(columns: Mapping[str, np.ndarray], shard: ShardEntry, image: ImageShape) -> None:
    offsets, num_bytes = columns["offsets"], len(columns["pixels"])
    if offsets[0] != 0 or offsets[-1] != num_bytes or (offsets[1:] <= offsets[:-1]).any():
        raise NotAnnounced(f"its offsets do not divide its {num_bytes} bytes of pixels among {shard.samples} images")
    if image.encoding != "raw":
        return  # `decode_image` compares each PNG with its line
    row_bytes = image.height * image.channels
    widths, left_over = np.divmod(np.diff(offsets), row_bytes)
    if left_over.any():
        raise NotAnnounced(f"has an image whose bytes are not {image.height} rows of {image.channels} channels")
    if "width" not in columns:
        _check_widths(widths, shard.widths)
    elif (widths != columns["width"]).any():
        raise NotAnnounced("has an image whose bytes are not as many as its width asks for")
