"""Labelled pictures imported into an object store: the dataset of a folder, put there whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from ocrlib.cli import main
from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.store import Store, read_stored_manifest
from ocrlib.errors import UserError
from ocrlib.factory import work_store
from ocrlib.imports.in_store import import_stored
from ocrlib.imports.settings import ImportSource
from tests.dataset.stores import names_in
from tests.imports.own_lines import numbered, write_pairs


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty place in this process's memory, and an empty cache."""
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    yield "memory://imported/mine"
    files = fsspec.filesystem("memory")
    if files.exists("/imported"):
        files.rm("/imported", recursive=True)


def sources(folder: Path) -> list[ImportSource]:
    return [ImportSource(path=str(folder), layout="pairs", pictures=None)]


def test_an_import_into_a_store_grows_there(address: str, tmp_path: Path, run_here):
    pairs = write_pairs(tmp_path / "pairs", numbered(10, "p1") | numbered(10, "p2", 20_000) | {"empty": ""})
    done = run_here(main, "ocrlib", "import", pairs, "--out", address)
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(f"{address}: 20 new lines: ")
    following, left_out = done.stdout.splitlines()[-2:]
    assert following.endswith(f" train {address} --run runs/mine")
    assert left_out == f"left out: 1 (empty text 1), each in {address}/rejected.tsv"
    here = run_here(main, "ocrlib", "import", pairs, "--out", tmp_path / "mine")
    assert here.code == 0
    assert read_stored_manifest(Store(address)) == read_manifest(tmp_path / "mine")
    besides = {"manifest.json", "card.txt", "card.html", "README.md", "preview.png", "rejected.tsv"}
    assert {name for name in names_in(address) if "-of-" not in name} == besides
    assert list((tmp_path / "cache" / "imports").iterdir()) == []

    write_pairs(pairs, numbered(10, "p3", 30_000))
    assert run_here(main, "ocrlib", "import", pairs, "--out", address).stdout.startswith(f"{address}: 10 new lines: ")
    run_here(main, "ocrlib", "import", pairs, "--out", tmp_path / "mine")
    manifest = read_stored_manifest(Store(address))
    assert manifest == read_manifest(tmp_path / "mine")
    listed = {file.name for shard in manifest.shards for file in shard.files.values()}
    assert names_in(address) == listed | besides
    assert run_here(main, "ocrlib", "import", pairs, "--out", address).stdout.startswith(f"{address}: is already there")


def test_an_import_that_stops_while_it_is_put_goes_on(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pairs = write_pairs(tmp_path / "pairs", numbered(6, "p1") | numbered(6, "p2", 20_000))
    write, put = Store.write, []

    def stop(self: Store, name: str, data: bytes) -> None:
        if len(put) == 2:
            raise KeyboardInterrupt
        put.append(name)
        write(self, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            import_stored(sources(pairs), address, {}, 1)
    assert "manifest.json" not in names_in(address)
    imported = import_stored(sources(pairs), address, {}, 1)
    assert read_stored_manifest(Store(address)) == imported.manifest


def test_an_import_that_stops_when_all_of_it_is_put_is_over(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pairs = write_pairs(tmp_path / "pairs", numbered(6, "p1") | numbered(6, "p2", 20_000))
    commit = work_store.commit

    def stop(*arguments: Any) -> None:
        commit(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work_store, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            import_stored(sources(pairs), address, {}, 1)
    before = read_stored_manifest(Store(address))
    assert not import_stored(sources(pairs), address, {}, 1).worked
    assert read_stored_manifest(Store(address)) == before
    assert list((tmp_path / "cache" / "imports").iterdir()) == []


def test_what_somebody_else_has_put_meanwhile_is_not_replaced(address: str, tmp_path: Path, monkeypatch):
    pairs = write_pairs(tmp_path / "pairs", numbered(6, "p1") | numbered(6, "p2", 20_000))
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", lambda self, name, data: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            import_stored(sources(pairs), address, {}, 1)
    with monkeypatch.context() as patch:  # another machine, with a cache of its own
        patch.setenv("OCRLIB_CACHE", str(tmp_path / "elsewhere"))
        import_stored(sources(pairs), address, {"splits.val": "0"}, 1)
    before = read_stored_manifest(Store(address))
    with pytest.raises(
        UserError, match=r"^memory://imported/mine: changed since this import began; delete .*/imports/"
    ):
        import_stored(sources(pairs), address, {}, 1)
    assert read_stored_manifest(Store(address)) == before


def test_a_place_in_use_is_left_alone(address: str, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs", numbered(3, "p1"))
    Store(address).write("holiday.jpg", b"...")
    with pytest.raises(UserError, match="is not empty and holds no dataset; choose another --out, or empty it"):
        import_stored(sources(pairs), address, {}, 1)
