"""A stored dataset on this machine: its shards come into the cache once, and everything else reads a local folder.

What the manifest lists is compared by its SHA-256, both when it comes and when it is found in the cache. So a second
run asks the store for the manifest alone, which is what tells whether the dataset has changed.

    CACHE/mirrors/NAME-KEY/     a dataset as it was when it had that manifest, with the files of one format
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ocrlib.cache import cache_folder
from ocrlib.dataset.manifest import (
    FileFormat,
    Manifest,
    ShardEntry,
    ShardFile,
    SplitEntry,
    manifest_text,
    write_manifest,
)
from ocrlib.dataset.shards import FORMATS, check_files
from ocrlib.dataset.store import TRIES, Store, is_address, read_stored_manifest
from ocrlib.errors import UserError
from ocrlib.files import open_whole

_AT_ONCE = 4  # files that come at the same time; of each, a block is in memory
_FOR_VERIFY = "verify-"  # how the temporary folders of `as_stored` begin
_LEFT_AFTER_S = 2 * 24 * 3600  # such a folder in which nothing has changed for so long is of a killed process

# Where the mirrors of this process are from. Not a file in the mirror: a stranger's folder could name any address.
_addresses: dict[Path, str] = {}


def mirrored(
    place: Path | str,
    splits: Collection[str] | None = None,
    file_format: FileFormat | None = None,
    cache: Path | None = None,
) -> Path:
    """Returns a folder of this machine that holds the dataset of a place: the place itself, if it is a folder.

    Args:
      place: a folder, or an address.
      splits: whose shards are needed; those that there are not do not count. None for all.
      file_format: to be read; None for the one that is read faster.
      cache: a folder for what comes from stores; None for the one of `cache_folder`.

    Raises:
      UserError: no such dataset, or the store does not give what the manifest lists.
    """
    if not is_address(place):
        return Path(place)
    store = Store(str(place))
    manifest = _of_one_format(store.address, read_stored_manifest(store), file_format)
    folder = _folder_of(store.address, manifest, cache or cache_folder())
    _addresses[folder] = store.address
    shards = [
        shard for name, split in manifest.splits.items() if splits is None or name in splits for shard in split.shards
    ]
    try:
        if folder.is_symlink():
            raise UserError(f"{folder}: is a symbolic link, which a folder of the cache must not be; delete it")
        folder.mkdir(parents=True, exist_ok=True)
        write_manifest(folder, manifest)
        _fetch(store, folder, [shard for shard in shards if check_files(folder, shard, hashes=True)])
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return folder


def place_of(folder: Path) -> str:
    """Returns what a user calls a dataset that is read from a folder: the folder, or the address that it mirrors."""
    return _addresses.get(folder, str(folder))


@contextmanager
def told_as_placed(folder: Path) -> Iterator[None]:
    """Names the address, and not the mirror, in the errors of what reads a mirror."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(str(folder), place_of(folder))) from None


@contextmanager
def as_stored(place: Path | str) -> Iterator[Path]:
    """Yields a folder with everything that a stored dataset has now, damaged or not: for checking it.

    The files are fetched anew into a temporary folder, because the cache would hide what is damaged in the store.
    """
    if not is_address(place):
        yield Path(place)
        return
    store = Store(str(place))
    manifest = read_stored_manifest(store)
    (parent := cache_folder()).mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=_FOR_VERIFY, dir=parent))
    _addresses[folder] = store.address
    try:
        write_manifest(folder, manifest)
        sizes = store.sizes()
        files = [file for shard in manifest.shards for file in shard.files.values() if file.name in sizes]
        for file in tqdm(files, unit="file", desc="fetch"):
            # One that was deleted since it was listed is missing in the folder, too.
            with suppress(FileNotFoundError), open_whole(folder / file.name, "wb") as out:
                for block in store.blocks(file.name):
                    out.write(block)
        with told_as_placed(folder):
            yield folder
    finally:
        del _addresses[folder]
        shutil.rmtree(folder, ignore_errors=True)


def fetch_whole(store: Store, manifest: Manifest, folder: Path) -> None:
    """Makes a folder with all files of a stored dataset, each one checked; its manifest comes last."""
    half = folder.with_name(f".{folder.name}.tmp")
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        _fetch(store, half, manifest.shards)
        write_manifest(half, manifest)
        os.replace(half, folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _of_one_format(address: str, manifest: Manifest, file_format: FileFormat | None) -> Manifest:
    """Returns a manifest that lists the files of one format alone, because no others will be there."""
    available = [name for name in FORMATS if all(name in shard.files for shard in manifest.shards)]
    if not available:  # shards of different formats: each has what it has
        return manifest
    chosen = file_format or available[0]
    if chosen not in available:
        raise UserError(f"{address}: has no {chosen} files; it has {', '.join(available)}")

    def reduced(shard: ShardEntry) -> ShardEntry:
        return replace(shard, files={chosen: shard.files[chosen]})

    splits = {
        name: SplitEntry(samples=split.samples, shards=tuple(map(reduced, split.shards)))
        for name, split in manifest.splits.items()
    }
    return replace(manifest, splits=splits)


def _folder_of(address: str, manifest: Manifest, cache: Path) -> Path:
    """A dataset that changes gets another folder: a training that reads the former one is not disturbed."""
    key = hashlib.sha256(f"{address}\n{manifest_text(manifest)}".encode()).hexdigest()[:20]
    name = re.sub(r"[^\w-]", "_", address.rpartition("/")[2])[:60]
    return cache / "mirrors" / f"{name}-{key}"


def _fetch(store: Store, folder: Path, shards: Sequence[ShardEntry]) -> None:
    """Brings the files of shards into a folder, each one checked."""
    files = [file for shard in shards for file in shard.files.values()]
    if not files:
        return

    def fetch(file: ShardFile) -> int:
        _fetch_file(store, file, folder)
        return file.bytes

    total = sum(file.bytes for file in files)
    with ThreadPoolExecutor(_AT_ONCE) as pool, tqdm(total=total, unit="B", unit_scale=True, desc="fetch") as bar:
        try:
            for num_bytes in pool.map(fetch, files):
                bar.update(num_bytes)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch_file(store: Store, file: ShardFile, folder: Path) -> None:
    """Brings one file into a folder: it gets its name there when it has the bytes that the manifest lists."""
    with open_whole(folder / file.name, "wb") as out:
        for _ in range(TRIES):
            out.seek(0)
            digest = hashlib.sha256()
            try:
                for block in store.blocks(file.name, file.bytes):
                    digest.update(block)
                    out.write(block)
            except FileNotFoundError:
                raise UserError(f"{store.address}/{file.name}: is missing") from None
            if digest.hexdigest() == file.sha256:
                return
        raise UserError(f"{store.address}/{file.name}: its bytes changed since it was written (SHA-256 differs)")


def _sweep(parent: Path) -> None:
    """Deletes the temporary folders of checks that were killed."""
    for folder in parent.glob(f"{_FOR_VERIFY}*"):
        with suppress(OSError):  # another process was faster
            if time.time() - folder.stat().st_mtime > _LEFT_AFTER_S:
                shutil.rmtree(folder)
