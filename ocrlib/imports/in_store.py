"""An import into an object store: done in a folder of the cache, then put into the store, the manifest last.

CACHE/imports/KEY/NAME/     the dataset of an address while it is imported; deleted when all of it is in the store
ADDRESS/.work/manifest.json the old manifest of a dataset that grows, until the new one is there
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ocrlib.cache import cache_folder
from ocrlib.dataset.card.card import write_card
from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, Manifest, manifest_text, read_manifest
from ocrlib.dataset.mirror import fetch_whole
from ocrlib.dataset.store import Store, find_stored_manifest
from ocrlib.errors import UserError
from ocrlib.factory import work_store
from ocrlib.files import write_bytes
from ocrlib.imports.make import Imported, import_dataset
from ocrlib.imports.settings import ImportSource

_AT_ONCE = 4


def import_stored(
    sources: Sequence[ImportSource], address: str, given: Mapping[str, str], num_workers: int, *, strict: bool = False
) -> Imported:
    """Imports the lines of sources into a store; all as `make.import_dataset`.

    A dataset that is there is fetched, grows, and is put back. An import that stops goes on by the same command, on
    the same machine.
    """
    store = Store(address)
    name = store.address.rpartition("/")[2]
    folder = cache_folder() / "imports" / hashlib.sha256(store.address.encode()).hexdigest()[:20] / name
    manifest = find_stored_manifest(store)
    before = manifest or work_store.read_grown(store)
    began_with = folder.parent / "began-with"
    version = hashlib.sha256(b"" if before is None else manifest_text(before).encode()).hexdigest()
    goes_on = folder.exists() and began_with.exists()
    if goes_on and began_with.read_text() != version:
        if manifest is None or not (folder / FILE_NAME).exists() or read_manifest(folder) != manifest:
            raise UserError(f"{address}: changed since this import began; delete {folder.parent} and begin again")
        goes_on = False  # all of that import is in the store; it was stopped before its folder was deleted
    if not goes_on:
        shutil.rmtree(folder.parent, ignore_errors=True)
        if manifest is not None:
            fetch_whole(store, manifest, folder)
        elif sizes := store.sizes():
            half = any(name.startswith(f"{WORK_DIR}/") for name in sizes)
            raise UserError(
                f"{address}: is half-finished; run the same command again where it was begun"
                if half
                else f"{address}: is not empty and holds no dataset; choose another --out, or empty it"
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(began_with, version.encode())
    try:
        imported = import_dataset(sources, folder, given, num_workers, strict=strict)
    except UserError as error:
        raise UserError(str(error).replace(str(folder), address)) from None
    if manifest is None or manifest != imported.manifest:
        write_card(folder, trust=True)
        _publish(store, folder, before)
    shutil.rmtree(folder.parent)
    return imported


def _publish(store: Store, folder: Path, before: Manifest | None) -> None:
    """Puts a dataset in place of the one before. Meanwhile there is no manifest, because names may be the same."""
    manifest = read_manifest(folder)
    if before is not None:
        work_store.begin_growth(store, before)
    former = {file.name: file for shard in (before.shards if before else ()) for file in shard.files.values()}
    files = [file for shard in manifest.shards for file in shard.files.values() if former.get(file.name) != file]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda file: store.write(file.name, (folder / file.name).read_bytes()), files))
    listed = {file.name for shard in manifest.shards for file in shard.files.values()} | {FILE_NAME}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in listed and not path.name.startswith("."):  # its card, what was left out
            store.write(path.name, path.read_bytes())
    work_store.commit(store, manifest, before)
