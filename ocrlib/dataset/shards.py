"""One shard on disk: written in each format that is asked for, checked, and read back from either."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from ocrlib.dataset import hdf5, tfrecord
from ocrlib.dataset.checks import NotAnnounced, check_columns
from ocrlib.dataset.manifest import FileFormat, ImageShape, ShardEntry, ShardFile
from ocrlib.dataset.sample import PROVENANCE, Sample, decode_image
from ocrlib.errors import UserError
from ocrlib.files import write_bytes
from ocrlib.invocation import command


class Format(Protocol):
    """What the module of a format offers."""

    ENDING: str

    def encode_shard(self, samples: Sequence[Sample], encoding: str) -> bytes:
        """Returns the bytes of a file that holds `samples` in order, their images stored as `encoding`."""
        ...

    def read_columns(self, path: Path, names: Sequence[str], room: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Returns columns of a file, whole; strings as object arrays of str.

        Args:
          path: the file.
          names: `pixels` (P,) uint8, `offsets` (N + 1,) int64, `id`, `text`, `width` or a key of PROVENANCE (N,).
          room: (at least the file's bytes,) uint8, memory for `pixels`.

        Raises:
          OSError, ValueError, IndexError: the file is damaged.
          KeyError: it has no such column.
        """
        ...


FORMATS: dict[FileFormat, Format] = {"hdf5": hdf5, "tfrecord": tfrecord}  # the one that is read faster first


def write_shard(
    folder: Path,
    stem: str,
    samples: Sequence[Sample],
    *,
    formats: Sequence[FileFormat],
    encoding: str,
    rejected: Mapping[str, int],
) -> ShardEntry:
    """Writes the files of a shard, each whole, and returns its entry for the manifest.

    Args:
      folder: of the dataset.
      stem: the files' names without their endings.
      samples: at least one.
      formats: in the order that the entry lists them.
      encoding: of the images, `raw` or `png`.
      rejected: {reason: draws} that were drawn again for these samples.
    """
    return encode_shard(
        stem,
        samples,
        lambda name, data: write_bytes(folder / name, data),
        formats=formats,
        encoding=encoding,
        rejected=rejected,
    )


def encode_shard(
    stem: str,
    samples: Sequence[Sample],
    put: Callable[[str, bytes], None],
    *,
    formats: Sequence[FileFormat],
    encoding: str,
    rejected: Mapping[str, int],
) -> ShardEntry:
    """Hands name and bytes of each file of a shard to `put`, and returns its entry; all else as `write_shard`."""
    widths = Counter(sample.image.shape[1] for sample in samples)
    return ShardEntry(
        stem=stem,
        samples=len(samples),
        files={name: _encode_file(stem, samples, put, name, encoding) for name in formats},
        widths={width: widths[width] for width in sorted(widths)},
        rejected=dict(sorted(rejected.items())),
    )


def _encode_file(
    stem: str, samples: Sequence[Sample], put: Callable[[str, bytes], None], file_format: FileFormat, encoding: str
) -> ShardFile:
    """Encodes one file of a shard; a function, so that its bytes leave the memory before the next file's are made."""
    data = FORMATS[file_format].encode_shard(samples, encoding)
    name = stem + FORMATS[file_format].ENDING
    put(name, data)
    return ShardFile(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def check_files(folder: Path, shard: ShardEntry, *, hashes: bool) -> list[str]:
    """Returns what is wrong with a shard's files, a line each: missing, of another size, of another hash."""
    problems = []
    for entry in shard.files.values():
        path = folder / entry.name
        if path.is_symlink():
            problems.append(f"{path}: is a symbolic link, which a file of a dataset must not be; put the file there")
        elif not path.is_file():
            problems.append(f"{path}: is missing")
        elif path.stat().st_size != entry.bytes:
            problems.append(f"{path}: expected {entry.bytes} bytes, found {path.stat().st_size}")
        elif hashes and sha256_of(path) != entry.sha256:
            problems.append(f"{path}: its bytes changed since it was written (SHA-256 differs)")
    return problems


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 (hex) of a file, which need not fit in memory."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_samples(folder: Path, shard: ShardEntry, file_format: FileFormat, image: ImageShape) -> list[Sample]:
    """Returns the samples that one file of a shard holds.

    Raises:
      OSError, ValueError, IndexError, KeyError: as `Format.read_columns` does, or it holds something else than the
        manifest says.
    """
    path = folder / shard.files[file_format].name
    columns = FORMATS[file_format].read_columns(path, ["pixels", "offsets", "id", "text", "width", *PROVENANCE])
    check_columns(columns, shard, image)
    return [
        Sample(
            id=columns["id"][i],
            text=columns["text"][i],
            image=image_at(columns, i, image),
            provenance={name: kind(columns[name][i]) for name, kind in PROVENANCE.items()},
        )
        for i in range(len(columns["id"]))
    ]


def image_at(columns: Mapping[str, np.ndarray], index: int, image: ImageShape) -> np.ndarray:
    """Returns image `index` of a shard's `pixels` and `offsets`: (H, W) or (H, W, 3) uint8."""
    start, stop = columns["offsets"][index : index + 2]
    return decode_image(columns["pixels"][start:stop].tobytes(), image.encoding, image.height, image.channels)


def shard_columns(
    folder: Path,
    shard: ShardEntry,
    image: ImageShape,
    names: Sequence[str],
    file_format: FileFormat | None = None,
) -> dict[str, np.ndarray]:
    """Returns columns of a shard, which are checked against the manifest.

    Args:
      folder: of the dataset.
      shard: its entry in the manifest.
      image: what the manifest says of all images.
      names: as `Format.read_columns` takes them.
      file_format: which file to read; None takes the one that is read faster.

    Raises:
      UserError: the file is missing, damaged, or holds something else than the manifest says.
    """
    hint = f"`{command('verify', folder)}` tells what is damaged"
    if problems := check_files(folder, shard, hashes=False):
        raise UserError(f"{problems[0]}; {hint}")
    available = [name for name in FORMATS if name in shard.files]
    chosen = file_format or available[0]
    path = folder / shard.files[chosen].name
    with _damages_told(path, hint):
        columns = FORMATS[chosen].read_columns(path, names)
        check_columns(columns, shard, image)
    return columns


def shard_samples(
    folder: Path, shard: ShardEntry, image: ImageShape, file_format: FileFormat | None = None
) -> list[Sample]:
    """Returns the samples of a shard whose files are known to be whole; raises UserError as `shard_columns` does.

    Args:
      folder, shard, image: of the dataset.
      file_format: to be read; None for the one that is read faster.
    """
    chosen = next(name for name in FORMATS if name in shard.files) if file_format is None else file_format
    with _damages_told(folder / shard.files[chosen].name, f"`{command('verify', folder)}` tells what is damaged"):
        return read_samples(folder, shard, chosen, image)


@contextmanager
def _damages_told(path: Path, hint: str) -> Iterator[None]:
    """Says in one line what is wrong with a shard's file."""
    try:
        yield
    except NotAnnounced as error:
        raise UserError(f"{path}: {error}; {hint}") from None
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise UserError(f"{path}: cannot be read: {' '.join(str(error).split())}; {hint}") from None
