"""What an import finds in its folder: a dataset that may grow, a run that stopped, or something that is in the way."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocrlib import config
from ocrlib.dataset.manifest import FILE_NAME, WORK_DIR, FileFormat, Manifest, read_manifest
from ocrlib.dataset.shards import check_files, shard_columns
from ocrlib.errors import UserError
from ocrlib.factory import work_folder
from ocrlib.imports import ledger
from ocrlib.imports.settings import Import, ImportSource, import_from_dict, settings_of


def plan_import(sources: Sequence[ImportSource], out: Path, given: Mapping[str, str]) -> Import:
    """Returns the import that is to be done in `out`: where a dataset grows, what its first import decided stays.

    Args:
      sources: where lines are; those of a dataset that grows are added.
      out: the dataset's folder.
      given: {"section.key": text} that the user set.

    Raises:
      UserError: `out` is in use for something else, or was imported in another way; a key or value is wrong.
    """
    found = _found(out)
    if found is None:
        values = {"name": out.absolute().name, "sources": [config.to_dict(source) for source in sources]}
        return config.build(Import, values, given, "the settings")
    if found.recipe.get("text", {}).get("source") != "import":
        raise UserError(f"{out}: is a dataset that was generated from a recipe; choose another --out")
    earlier = import_from_dict(found.recipe, str(out / FILE_NAME))
    asked = config.build(Import, found.recipe, given, "the settings")
    _refuse_other(out, settings_of(earlier), settings_of(asked))
    known = {(source.path, source.layout) for source in earlier.sources}
    more = [source for source in sources if (source.path, source.layout) not in known]
    return replace(asked, sources=(*earlier.sources, *more))


def _found(out: Path) -> Manifest | None:
    """Returns the manifest of the dataset that is in `out`, or that was growing there; None for a new one."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder, found a file; choose another --out")
    if (out / FILE_NAME).exists():
        return read_manifest(out)
    if (grown := work_folder.read_grown(out)) is not None:
        return grown
    began = (out / WORK_DIR / ledger.FILE_NAME).exists()
    foreign = out.is_dir() and any(path.name not in (WORK_DIR, ".lock") for path in out.iterdir())
    if (foreign and not began) or (work_folder.read_state(out) is not None and not began):
        raise UserError(f"{out}: is in use for something else; choose another --out, or empty it")
    return None


def _refuse_other(out: Path, earlier: dict[str, Any], asked: dict[str, Any]) -> None:
    for section, values in asked.items():
        for key, value in values.items():
            if value != earlier[section][key]:
                raise UserError(
                    f"{out}: was imported with {section}.{key} {earlier[section][key]!r}, not {value!r}; leave that "
                    "option out, or choose another --out"
                )


def remember(base: sqlite3.Connection, out: Path) -> None:
    """Notes the lines of the dataset in `out` in the ledger; of one that was growing they are noted there already."""
    growing = (out / WORK_DIR / FILE_NAME).exists()
    with base:
        if growing and not (out / FILE_NAME).exists():
            return
        base.execute("DELETE FROM before")
        if not (out / FILE_NAME).exists():
            return
        manifest = read_manifest(out)
        for planned, shard in zip(manifest.plan, manifest.shards, strict=True):
            columns = shard_columns(out, shard, manifest.image, ["source", "text", "seed"])
            lines = zip(columns["source"], columns["text"], columns["seed"].tolist(), strict=True)
            base.executemany(
                "INSERT INTO before VALUES (?, ?, ?, ?, ?)",
                [(*line, planned.split, planned.start + index) for index, line in enumerate(lines)],
            )


def is_whole(out: Path, fingerprint: str, formats: Collection[FileFormat]) -> bool:
    """Returns whether `out` is that dataset, with all its files."""
    if not (out / FILE_NAME).exists():
        return False
    manifest = read_manifest(out)
    return manifest.fingerprint == fingerprint and all(
        set(formats) <= set(shard.files) and not check_files(out, shard, hashes=False) for shard in manifest.shards
    )


def forget_others(out: Path, fingerprint: str) -> None:
    """Forgets the shards of a stopped run whose sources have changed since; those of a dataset that grows are kept."""
    if work_folder.read_state(out) in (None, fingerprint):
        return
    for note in (out / WORK_DIR).glob("*-*.json"):
        note.unlink()
    if (grown := work_folder.read_grown(out)) is not None:
        for planned, shard in zip(grown.plan, grown.shards, strict=True):
            work_folder.write_note(out, planned, shard, fingerprint)
