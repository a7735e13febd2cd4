"""HDF5 shards: one flat pixel buffer with offsets, and a column for everything else.

A file is built in memory and written at once, because one that is growing when its process dies does not open again.
Each of its HDF5 datasets is chunked and has the checksum `fletcher32`, so that a flipped byte is an error and not
another image. Strings have a fixed length, because the checksum does not cover those of variable length.

    pixels   (P,) uint8   the images' stored bytes, one after the other
    offsets  (N + 1,) int64   image i is pixels[offsets[i]:offsets[i + 1]]
    id, text, width (N,), and a column (N,) for each name in PROVENANCE
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ocrlib.dataset.sample import PROVENANCE, Sample, encode_image

ENDING = ".h5"
_PIXEL_CHUNK_BYTES = 1 << 20  # 1 MiB: large enough to read at disk speed, small enough to read one sample
_COLUMN_CHUNK = 4096  # rows
_DTYPES = {int: np.int64, float: np.float32}
_KINDS = {"pixels": "u", "offsets": "i", "width": "i", "id": "S", "text": "S"} | {
    name: {str: "S", int: "i", float: "f"}[kind] for name, kind in PROVENANCE.items()
}  # numpy's letter for each column's type
_LEAST_LINE_BYTES = 14  # its offset, its width, and a byte each of its id and text
_FLETCHER32 = 3  # HDF5's number of the filter


def encode_shard(samples: Sequence[Sample], encoding: str) -> bytes:
    """Returns the bytes of an HDF5 file holding `samples` (at least one) in order."""
    stored = [encode_image(sample.image, encoding) for sample in samples]
    offsets = np.concatenate([[0], np.cumsum([len(image) for image in stored])]).astype(np.int64)
    columns: dict[str, Any] = {
        "pixels": np.frombuffer(b"".join(stored), np.uint8),
        "offsets": offsets,
        "id": [sample.id for sample in samples],
        "text": [sample.text for sample in samples],
        "width": np.array([sample.image.shape[1] for sample in samples], np.int32),
    }
    del stored  # columns has its own copy, and a shard may be large
    for name, kind in PROVENANCE.items():
        values = [sample.provenance[name] for sample in samples]
        columns[name] = values if kind is str else np.array(values, _DTYPES[kind])
    stream = BytesIO()
    # Equal samples must give equal bytes, so the file must hold no times. The oldest layout stores none for the root
    # group (v110 would), and `_write_column` turns them off for the columns.
    with h5py.File(stream, "w", libver=("earliest", "v110")) as file:
        file.attrs["encoding"] = encoding
        file.attrs["height"] = samples[0].image.shape[0]
        file.attrs["channels"] = 1 if samples[0].image.ndim == 2 else samples[0].image.shape[2]
        for name, values in columns.items():
            _write_column(file, name, values)
    return stream.getvalue()


def _write_column(file: h5py.File, name: str, values: Any) -> None:
    dtype = None
    if isinstance(values, list):
        encoded = [value.encode() for value in values]
        dtype = h5py.string_dtype("utf-8", max(1, *map(len, encoded)))
        values = np.array(encoded, dtype)
    chunk = min(len(values), _PIXEL_CHUNK_BYTES if name == "pixels" else _COLUMN_CHUNK)
    column = file.create_dataset(name, data=values, dtype=dtype, chunks=(chunk,), fletcher32=True, track_times=False)
    # It goes to its place in the file when it is closed. Left to Python, that could be later: a profiler, such as the
    # one in each of dask's workers, may still hold this function's variables, and the bytes would be others.
    column.id.close()


def read_columns(path: Path, names: Sequence[str], room: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Returns the named columns of a shard, whole; strings as object arrays of str.

    No more is read than the file itself holds: see `_column`.

    Args:
      path: the file.
      names: of the columns.
      room: uint8, as many bytes as the file has or more: memory into which `pixels` are read, where there is some. New
        memory costs as much as reading, because the system clears it when it is touched first.

    Raises:
      OSError: the file is no HDF5 file, or fails its checksum.
      ValueError: a column is not one that `encode_shard` writes.
      KeyError: the file has no such column.
    """
    try:
        with h5py.File(path, "r") as file:
            num_bytes = path.stat().st_size
            return {name: _column(file, name, num_bytes, room if name == "pixels" else None) for name in names}
    except (RuntimeError, TypeError) as error:  # what h5py makes of some damages
        raise OSError(str(error)) from None


def _column(file: h5py.File, name: str, num_bytes: int, room: np.ndarray | None) -> np.ndarray:
    """Returns a column of a file of `num_bytes`, whole, after it is seen to be plain.

    HDF5 can do more than hold numbers: a link, external storage or a virtual dataset reads other files of this
    machine, and a filter or unwritten chunks make gigabytes of a few bytes. None of it is in a shard of ours.
    """
    kind = _KINDS[name]
    link = file.get(name, getlink=True)
    if link is None:
        raise KeyError(f"has no column {name!r}")
    found = file[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.ndim != 1 or found.dtype.kind != kind:
        raise ValueError(f"its column {name!r} is no list of the type that a shard holds")
    settings = found.id.get_create_plist()
    filters = {settings.get_filter(i)[0] for i in range(settings.get_nfilters())}
    if found.is_virtual or found.external or not filters <= {_FLETCHER32}:
        raise ValueError(f"its column {name!r} is compressed, or stored in another file")
    if name != "pixels" and len(found) > 1 + num_bytes // _LEAST_LINE_BYTES:
        raise ValueError(f"its column {name!r} lists {len(found)} lines, more than the file can hold")
    if min(found.id.get_storage_size(), num_bytes) < found.nbytes:
        raise ValueError(f"its column {name!r} has {found.nbytes} bytes, of which not all are in the file")
    if room is not None:
        found.read_direct(room := room[: len(found)])
        return room
    return np.array([str(value, "utf-8") for value in found[:].tolist()], object) if kind == "S" else found[:]
