"""Is a dataset still what its manifest says? Sizes, hashes, readable records, and two formats that agree."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.manifest import FileFormat, Manifest, ShardEntry
from ocrlib.dataset.sample import Sample


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 (hex) of a file, read a mebibyte at a time."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(folder: Path, shard: ShardEntry, *, hashes: bool) -> list[str]:
    """Returns what is wrong with a shard's files, a line each: missing, of another size, of another hash."""
    problems = []
    for entry in shard.files.values():
        path = folder / entry.name
        if not path.is_file():
            problems.append(f"{path}: is missing")
        elif path.stat().st_size != entry.bytes:
            problems.append(f"{path}: expected {entry.bytes} bytes, found {path.stat().st_size}")
        elif hashes and sha256_of(path) != entry.sha256:
            problems.append(f"{path}: its bytes changed since it was written (SHA-256 differs)")
    return problems


def read_shard(folder: Path, manifest: Manifest, shard: ShardEntry, file_format: FileFormat) -> Iterator[Sample]:
    """Yields the samples of one file of a shard; raises ValueError or OSError where it is damaged."""
    path = folder / shard.files[file_format].name
    image = manifest.image
    if file_format == "tfrecord":
        return tfrecord.decode_shard(path.read_bytes(), image.encoding, image.height, image.channels)
    return hdf5.decode_shard(path, image.encoding, image.height, image.channels)


def verify_shard(folder: Path, manifest: Manifest, shard: ShardEntry) -> list[str]:
    """Returns what is wrong with a shard, a line each; an empty list if nothing is."""
    problems = check_files(folder, shard, hashes=True)
    if problems:
        return problems
    contents = {}
    for file_format, entry in shard.files.items():
        try:
            contents[file_format] = list(read_shard(folder, manifest, shard, file_format))
        except (ValueError, OSError, KeyError) as error:
            problems.append(f"{folder / entry.name}: cannot be read: {error}")
            continue
        if len(contents[file_format]) != shard.samples:
            problems.append(
                f"{folder / entry.name}: expected {shard.samples} samples, found {len(contents[file_format])}"
            )
    if len(contents) == 2 and not problems:
        for left, right in zip(*contents.values(), strict=True):
            if not same_sample(left, right):
                problems.append(f"{folder / shard.stem}: sample {left.id} differs between TFRecord and HDF5")
    return problems


def same_sample(left: Sample, right: Sample) -> bool:
    """Returns whether two samples are equal to the last pixel."""
    return (
        (left.id, left.text, left.provenance) == (right.id, right.text, right.provenance)
        and left.image.shape == right.image.shape
        and bool(np.array_equal(left.image, right.image))
    )
