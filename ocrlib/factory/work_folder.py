"""What an unfinished dataset keeps on disk, so that a run which stops anywhere can go on from there.

out/.lock                   there while a process works in the folder; see lock.py
out/.work/holder            which process that is
out/.work/state.json        the fingerprint, so that no other recipe is mixed in; the sizes and formats asked for
out/.work/manifest.json     the old manifest of a dataset that grows or is mended
out/.work/KEY.json          the note of a finished shard: its entry for the manifest, and the fingerprint, because parts
                            of another recipe may be copied into the folder
out/train-00000-of-00008.*  a shard's files, written whole
out/manifest.json           written last; then `.work` is deleted
"""

import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocrlib import config
from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, FileFormat, Manifest, ShardEntry, read_manifest, write_manifest
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.shards import FORMATS, check_files
from ocrlib.errors import UserError
from ocrlib.files import give_name, read_json, sync_folder, write_json

_STATE_NAME = "state.json"
_OWNER = "fingerprint"  # the key of a note that an entry does not have


def read_state(out: Path) -> str | None:
    """Returns the fingerprint of the dataset that is being made in `out`; None if nothing was begun.

    Raises:
      UserError: what was begun there cannot be told.
    """
    path = out / WORK_DIR / _STATE_NAME
    try:
        state = read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        state = None
    fingerprint = state.get("fingerprint") if isinstance(state, dict) else None
    if not isinstance(fingerprint, str):
        raise UserError(f"{path}: is damaged; delete {out} and begin again, or choose another --out")
    return fingerprint


def read_grown(out: Path) -> Manifest | None:
    """Returns the old manifest of a dataset whose growth was stopped; None if there is none."""
    return read_manifest(out / WORK_DIR) if (out / WORK_DIR / FILE_NAME).exists() else None


def read_asked(out: Path) -> dict[str, Any] | None:
    """Returns {"splits": {name: samples}, "formats": [...]} as asked for when `out` was begun; None if unknown."""
    try:
        state = read_json(out / WORK_DIR / _STATE_NAME)
        return {"splits": dict(state["splits"]), "formats": list(state["formats"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def begin(out: Path, fingerprint: str, asked: Mapping[str, Any] | None = None) -> None:
    """Makes `out` ready for shards to be written; what a finished dataset or a stopped run left there counts as done.

    A finished dataset loses its manifest: until every shard of the new plan is there, it is not a dataset.

    Args:
      asked: what `read_asked` is to return.
    """
    work = out / WORK_DIR
    if (out / FILE_NAME).exists():
        manifest = read_manifest(out)
        for shard, entry in zip(manifest.plan, manifest.shards, strict=True):
            write_note(out, shard, entry, fingerprint)
        os.replace(out / FILE_NAME, work / FILE_NAME)
    write_json(work / _STATE_NAME, {"fingerprint": fingerprint, **(asked or {})})
    for leftover in [*out.glob(".*.tmp"), *work.glob(".*.tmp")]:
        leftover.unlink(missing_ok=True)


def begin_part(out: Path, fingerprint: str) -> None:
    """Makes `out` ready for the shards of a part. Other parts may be at work, so nothing of theirs is cleared away."""
    if read_state(out) != fingerprint:
        write_json(out / WORK_DIR / _STATE_NAME, {"fingerprint": fingerprint})


def write_note(out: Path, shard: Shard, entry: ShardEntry, fingerprint: str | None = None) -> None:
    """Notes that a shard is finished; its files are on disk before the note is.

    Args:
      fingerprint: of the dataset; None for that of the one that is being made.
    """
    sync_folder(out)
    write_json(_note_path(out, shard), {_OWNER: fingerprint or read_state(out), **config.to_dict(entry)})


def read_note(out: Path, shard: Shard, formats: Collection[FileFormat], *, hashes: bool = True) -> ShardEntry | None:
    """Returns the entry of a shard that is finished in all `formats` and whose files are still what the note says.

    Args:
      hashes: read the files and compare their hashes; without it, only their sizes.
    """
    path = _note_path(out, shard)
    try:
        values = read_json(path)
        if not isinstance(values, dict) or values.pop(_OWNER, None) != read_state(out):
            return None
        entry = config.build(ShardEntry, values, {}, str(path))
    except (OSError, ValueError):
        return None
    finished = set(formats) <= set(entry.files) and is_of(shard, entry) and not check_files(out, entry, hashes=hashes)
    return entry if finished else None


def is_of(shard: Shard, entry: ShardEntry) -> bool:
    """Returns whether an entry is a shard's own: it has as many samples, and names of the shard's."""
    names = {file.name: re.escape(FORMATS[kind].ENDING) for kind, file in entry.files.items()}
    own = re.escape(f"{shard.split}-{shard.index:05d}-of-") + "[0-9]{5,9}"
    return entry.samples == shard.num_samples and all(re.fullmatch(own + end, name) for name, end in names.items())


def _note_path(out: Path, shard: Shard) -> Path:
    return out / WORK_DIR / f"{shard.key}.json"


def give_names(out: Path, shard: Shard, entry: ShardEntry) -> ShardEntry:
    """Gives a finished shard's files the names of the plan, and returns its entry with those names.

    They differ where a split has grown: `train-00000-of-00004` becomes `train-00000-of-00006`.
    """
    files = {}
    for file_format, file in entry.files.items():
        name = shard.stem + FORMATS[file_format].ENDING
        if name != file.name:
            give_name(out / file.name, out / name)
        files[file_format] = replace(file, name=name)
    return replace(entry, stem=shard.stem, files=files)


def commit(out: Path, manifest: Manifest) -> None:
    """Writes the manifest, and deletes what is not part of the dataset: outgrown names, temporary files, `.work`."""
    sync_folder(out)
    write_manifest(out, manifest)
    listed = {file.name for shard in manifest.shards for file in shard.files.values()}
    endings = {file_format.ENDING for file_format in FORMATS.values()}
    for path in out.iterdir():
        outgrown = path.suffix in endings and "-of-" in path.stem and path.name not in listed
        if outgrown or path.match(".*.tmp"):
            path.unlink()
    shutil.rmtree(out / WORK_DIR)
    sync_folder(out)


def sweep(out: Path) -> None:
    """Deletes temporary files in a finished dataset, such as half a card, unless the process that writes them lives.

    Windows keeps them: there, asking for a process by `os.kill` would end it.
    """
    if os.name == "nt":
        return
    for path in out.glob(".*.tmp"):
        try:
            os.kill(int(path.suffixes[-3].removeprefix(".")), 0)
        except (ProcessLookupError, IndexError, ValueError):
            path.unlink(missing_ok=True)
        except OSError:  # the process lives and belongs to another user
            continue
