"""What an unfinished dataset keeps in an object store, so that a run which stops anywhere can go on from there.

ADDRESS/.work/state.json      the fingerprint, so that no other recipe is mixed in; the sizes and formats asked for
ADDRESS/.work/manifest.json   the old manifest of a dataset that grows or is mended
ADDRESS/.work/KEY.json        the note of a finished shard: its entry for the manifest, put after its files
ADDRESS/train-00000-of-00008.*
ADDRESS/manifest.json         put last; then `.work` is deleted

As `work_folder`, but a store has no rename and no lock. A PUT appears whole. The state is put on the condition that
there is none, so of two recipes one is refused. Two runs of one recipe, of the same sizes, may go on at once: a shard
has the same bytes, no matter which of them draws it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ocrlib import config
from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, FileFormat, Manifest, ShardEntry, manifest_of, manifest_text
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.shards import FORMATS
from ocrlib.dataset.store import Store, write_stored_manifest
from ocrlib.errors import UserError
from ocrlib.factory.work_folder import is_of
from ocrlib.files import json_text, parse_json

_STATE = f"{WORK_DIR}/state.json"
_GROWN = f"{WORK_DIR}/{FILE_NAME}"
_AT_ONCE = 16  # notes that are read at the same time


def read_state(store: Store) -> dict[str, Any] | None:
    """Returns {"fingerprint": ..., "splits": {name: samples}, "formats": [...]} of what was begun; None for nothing."""
    try:
        state = parse_json(store.read(_STATE))
        return {
            "fingerprint": state["fingerprint"],
            "splits": dict(state["splits"]),
            "formats": list(state["formats"]),
        }
    except FileNotFoundError:
        return None
    except UserError:
        raise
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{store.address}/{_STATE}: is damaged; delete it and run the same command again") from None


def read_grown(store: Store) -> Manifest | None:
    """Returns the old manifest of a dataset whose growth was stopped; None if there is none."""
    try:
        return manifest_of(parse_json(store.read(_GROWN)), f"{store.address}/{_GROWN}")
    except FileNotFoundError:
        return None


def claim(store: Store, fingerprint: str, asked: Mapping[str, Any], *, grows: bool = False) -> str:
    """Begins a dataset, or goes on with it, and returns the fingerprint that the place belongs to: the first one's.

    Args:
      store: where it is.
      fingerprint, asked: the state, as `read_state` returns it.
      grows: a dataset that was finished grows, to other sizes than asked for before if need be.

    Raises:
      UserError: the same dataset was begun with other sizes; shards of the same names would not be the same.
    """
    state = json_text({"fingerprint": fingerprint, **asked}).encode()
    if not store.create(_STATE, state):
        found = read_state(store)
        if found is not None and found["fingerprint"] == fingerprint and found != json.loads(state):
            if not grows and _filled(found["splits"]) != _filled(asked["splits"]):
                raise UserError(
                    f"{store.address}: was begun with {_told(found['splits'])}, now {_told(asked['splits'])} are asked "
                    f"for; finish it with the sizes that it has, then let it grow, or choose another --out"
                )
            store.write(_STATE, state)
    # Asked for again, because not every store heeds the condition.
    found = read_state(store)
    return fingerprint if found is None else found["fingerprint"]


def begin_growth(store: Store, manifest: Manifest) -> None:
    """Takes the manifest away: until every shard of the new plan is there, it is not a dataset."""
    store.write(_GROWN, manifest_text(manifest).encode())
    store.delete([FILE_NAME])


def write_note(store: Store, shard: Shard, entry: ShardEntry) -> None:
    """Notes that a shard is finished; its files have been put before."""
    store.write(_note(shard), json_text(config.to_dict(entry)).encode())


def find_done(
    store: Store, plan: Sequence[Shard], grown: Manifest | None, formats: Collection[FileFormat]
) -> dict[Shard, ShardEntry]:
    """Returns the shards of a plan that are finished in all `formats` and whose objects have their sizes.

    Their hashes are not computed again: an object is never half written, and `verify` reads all of them.

    Args:
      grown: the manifest of the dataset that grows; what it lists counts as done.
    """
    sizes = store.sizes()
    listed = {} if grown is None else dict(zip((shard.key for shard in grown.plan), grown.shards, strict=True))
    noted = [shard for shard in plan if _note(shard) in sizes]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        notes = dict(zip(noted, pool.map(lambda shard: _read_note(store, shard), noted), strict=True))
    found = {shard: notes.get(shard) or listed.get(shard.key) for shard in plan}
    return {
        shard: entry
        for shard, entry in found.items()
        if entry is not None and set(formats) <= set(entry.files) and is_of(shard, entry) and not lacking(entry, sizes)
    }


def lacking(entry: ShardEntry, sizes: Mapping[str, int]) -> list[str]:
    """Returns the files of a shard that are not among the objects of a store, or have another size."""
    return [file.name for file in entry.files.values() if sizes.get(file.name) != file.bytes]


def give_names(store: Store, shard: Shard, entry: ShardEntry) -> ShardEntry:
    """Gives the objects of a finished shard the names of the plan, which differ where a split has grown."""
    files = {}
    for file_format, file in entry.files.items():
        name = shard.stem + FORMATS[file_format].ENDING
        if name != file.name:
            store.copy(file.name, name)
        files[file_format] = replace(file, name=name)
    return replace(entry, stem=shard.stem, files=files)


def commit(store: Store, manifest: Manifest, grown: Manifest | None) -> None:
    """Puts the manifest when all that it lists is there; then deletes outgrown names and `.work`.

    Raises:
      UserError: objects are missing; somebody has deleted them, or another recipe or size was begun here.
    """
    sizes = store.sizes()
    gone = [name for entry in manifest.shards for name in lacking(entry, sizes)]
    state = read_state(store)
    sizes_there = {name: split.samples for name, split in manifest.splits.items()}
    other = state is not None and (
        state["fingerprint"] != manifest.fingerprint or _filled(state["splits"]) != _filled(sizes_there)
    )
    if gone or other:
        what = f"{gone[0]} is not there any more" if gone else "another recipe or size was begun here meanwhile"
        raise UserError(f"{store.address}: {what}; nothing is finished; run the same command again")
    write_stored_manifest(store, manifest)
    kept = {file.name for shard in manifest.shards for file in shard.files.values()}
    former = {file.name for shard in (grown.shards if grown else ()) for file in shard.files.values()}
    store.delete(sorted(former - kept) + [name for name in sizes if name.startswith(f"{WORK_DIR}/")])


def _filled(splits: Mapping[str, int]) -> dict[str, int]:
    return {name: samples for name, samples in splits.items() if samples}


def _told(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{samples} {name}" for name, samples in _filled(splits).items())


def _note(shard: Shard) -> str:
    return f"{WORK_DIR}/{shard.key}.json"


def _read_note(store: Store, shard: Shard) -> ShardEntry | None:
    try:
        return config.build(ShardEntry, parse_json(store.read(_note(shard))), {}, f"{store.address}/{_note(shard)}")
    except (FileNotFoundError, ValueError):  # of a run that has just finished, or damaged: the shard is drawn again
        return None
