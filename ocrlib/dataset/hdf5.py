"""HDF5 shards: one flat pixel buffer with offsets, and a column for everything else.

Built in memory and written at once: an HDF5 file that is growing when its process dies does not open
again. Every dataset is chunked and carries `fletcher32`, so that a flipped byte is an error and not a
different image; strings have a fixed length, because the checksum does not cover a variable-length heap.

    pixels   (P,) uint8   the images' stored bytes, one after the other
    offsets  (N + 1,) int64   image i is pixels[offsets[i]:offsets[i + 1]]
    id, text, width (N,), and a column (N,) for each name in PROVENANCE
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.sample import PROVENANCE, Sample, decode_image, encode_image
from ocrlib.errors import UserError

PIXEL_CHUNK_BYTES = 1 << 20  # 1 MiB: large enough to read at disk speed, small enough to read one sample
_COLUMN_CHUNK = 4096  # rows
_DTYPES = {int: np.int64, float: np.float32}


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
    # Equal samples must be equal bytes: the oldest layout keeps no times for the root group (v110 does), and
    # the datasets are told to keep none.
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
    chunk = min(len(values), PIXEL_CHUNK_BYTES if name == "pixels" else _COLUMN_CHUNK)
    file.create_dataset(name, data=values, dtype=dtype, chunks=(chunk,), fletcher32=True, track_times=False)


def read_columns(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns the named columns of a shard, whole; strings as object arrays of str.

    Raises:
      OSError: the file is no HDF5 file, or fails its checksum.
      KeyError: the file has no such column.
    """
    with h5py.File(path, "r") as file:
        columns = {}
        for name in names:
            dataset = file[name]
            strings = h5py.check_string_dtype(dataset.dtype) is not None
            columns[name] = dataset.asstr()[:] if strings else dataset[:]
        return columns


def read_hdf5(dataset: str | Path, split: str) -> dict[str, np.ndarray]:
    """Returns a whole split as numpy arrays, its N samples in order: for training with anything but TensorFlow.

    `id`, `text` and `width` are (N,), so is each name of the provenance (`font`, `background`, ...). The image of
    sample i is `pixels[offsets[i]:offsets[i + 1]]`: uint8 rows of `width[i]` pixels, or a PNG where the recipe says so.

    Raises:
      UserError: no such dataset or split, no HDF5 files in it, or a damaged one.
    """
    folder = Path(dataset)
    manifest = read_manifest(folder)
    if split not in manifest.splits:
        raise UserError(f"{folder}: has no split '{split}'; it has {', '.join(manifest.splits)}")
    names = ["id", "text", "width", *PROVENANCE, "pixels", "offsets"]
    parts = []
    for shard in manifest.splits[split].shards:
        if "hdf5" not in shard.files:
            raise UserError(f"{folder}: has no HDF5 files; make it with output.formats = ['hdf5']")
        path = folder / shard.files["hdf5"].name
        try:
            parts.append(read_columns(path, names))
        except (OSError, KeyError) as error:
            raise UserError(f"{path}: is damaged ({error}); `python -m ocrlib verify {folder} --repair`") from None
    starts = np.cumsum([0] + [len(part["pixels"]) for part in parts])
    offsets = [part["offsets"][:-1] + start for part, start in zip(parts, starts, strict=False)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names[:-1]}
    return columns | {"offsets": np.concatenate([*offsets, starts[-1:]])}


def decode_shard(path: Path, encoding: str, height: int, channels: int) -> Iterator[Sample]:
    """Yields the samples of an HDF5 shard; raises as `read_columns`."""
    columns = read_columns(path, ["pixels", "offsets", "id", "text", *PROVENANCE])
    pixels, offsets = columns["pixels"], columns["offsets"]
    for i in range(len(offsets) - 1):
        stored = pixels[offsets[i] : offsets[i + 1]].tobytes()
        yield Sample(
            id=columns["id"][i],
            text=columns["text"][i],
            image=decode_image(stored, encoding, height, channels),
            provenance={name: kind(columns[name][i]) for name, kind in PROVENANCE.items()},
        )
