"""Datasets drawn into object stores: the same bytes as in a folder, finished only when all of it is there."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from generate_data import main
from ocrlib.dataset.mirror import mirrored
from ocrlib.dataset.store import Store, read_stored_manifest
from ocrlib.errors import UserError
from ocrlib.factory import drawing, work_store
from ocrlib.factory.in_store import commit_stored, keep_stored_sizes, make_stored
from ocrlib.factory.parts import Part
from ocrlib.factory.recipe import Recipe, load_recipe
from tests.dataset.stores import SECRET, Faults, names_in
from tests.generating import TINY_STEMS, problems_of, shard_hashes
from tests.programs import Outcome

FILES = {f"{stem}{ending}" for stem in TINY_STEMS for ending in (".h5", ".tfrecord")}


@pytest.fixture
def address() -> Iterator[str]:
    """An empty place in this process's memory."""
    yield "memory://drawn/tiny"
    files = fsspec.filesystem("memory")
    if files.exists("/drawn"):
        files.rm("/drawn", recursive=True)


@pytest.fixture
def recipe(tiny_recipe: Path) -> Callable[..., Recipe]:
    """`recipe(**sizes)`: the tiny recipe with other sizes."""
    return lambda **sizes: load_recipe(tiny_recipe, {f"splits.{name}": str(size) for name, size in sizes.items()})


def hashes_in(address: str) -> dict[str, str]:
    shards = read_stored_manifest(Store(address)).shards
    return {file.name: file.sha256 for shard in shards for file in shard.files.values()}


def stop_after(monkeypatch: pytest.MonkeyPatch, num_shards: int) -> None:
    """Lets drawing fail when so many shards are done."""
    draw, drawn = drawing.draw_samples, []

    def stopping(*arguments: Any) -> Any:
        if len(drawn) == num_shards:
            raise KeyboardInterrupt
        drawn.append(arguments)
        return draw(*arguments)

    monkeypatch.setattr(drawing, "draw_samples", stopping)


def test_worker_processes_put_the_bytes_of_a_folder(
    s3_faults: Faults, tiny_recipe: Path, tiny_dataset: Path, tmp_path: Path, run_here: Callable[..., Outcome]
):
    struck: list[str] = []

    def once_each(method: str, path: str) -> str | int | None:
        """Spoils the first PUT of each shard: by a cut connection, or by a refusal that passes."""
        if method != "PUT" or "-of-" not in path or path in struck:
            return None
        struck.append(path)
        return "cut first" if path.endswith(".h5") else 503

    s3_faults.spoil = once_each
    done = run_here(main, "generate_data.py", tiny_recipe, "--out", "s3://bucket/drawn", "--workers", 2)
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("s3://bucket/drawn: made 80 train, 20 val, 20 test (fingerprint ")
    assert done.stdout.splitlines()[-1].endswith("train s3://bucket/drawn --run runs/tiny")
    assert SECRET not in done.stdout + done.stderr
    assert len(struck) == 12
    assert names_in("s3://bucket/drawn") == FILES | {"manifest.json"}
    assert hashes_in("s3://bucket/drawn") == shard_hashes(tiny_dataset)
    assert problems_of(mirrored("s3://bucket/drawn", cache=tmp_path)) == []
    again = run_here(main, "generate_data.py", tiny_recipe, "--out", "s3://bucket/drawn")
    assert again.stdout.startswith("s3://bucket/drawn: is already there, whole: 80 train")


def test_a_store_that_refuses_is_one_line(s3_faults: Faults, recipe: Callable[..., Recipe]):
    s3_faults.spoil = lambda method, path: 403 if method == "PUT" else None
    with pytest.raises(UserError, match=r"^s3://bucket/none/.work/state.json: cannot be written: no right to do so"):
        make_stored(recipe(), "s3://bucket/none", 1)
    s3_faults.spoil = lambda method, path: 403
    with pytest.raises(UserError, match=r"^s3://bucket/none/manifest.json: cannot be read: no right to do so"):
        make_stored(recipe(), "s3://bucket/none", 1)


def test_a_bucket_that_is_not_there_is_named(s3_faults: Faults, recipe: Callable[..., Recipe]):
    told = "s3://nowhere/d/.work/state.json: cannot be written: FileNotFoundError: .*; make the bucket first, and run"
    with pytest.raises(UserError, match=f"^{told}"):
        make_stored(recipe(), "s3://nowhere/d", 1)


def test_a_stopped_run_goes_on_with_what_is_missing(
    address: str, recipe: Callable[..., Recipe], tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch
):
    stop_after(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        make_stored(recipe(), address, 1)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"is half-finished; run the command that made it again to go on$"):
        mirrored(address)
    files, root = fsspec.url_to_fs(address)
    files.rm_file(f"{root}/train-00001-of-00004.h5")  # somebody deleted an object that had a note
    assert make_stored(recipe(), address, 1).made == 4
    assert hashes_in(address) == shard_hashes(tiny_dataset)
    assert names_in(address) == FILES | {"manifest.json"}


def test_a_listing_that_was_kept_does_not_count(s3_faults: Faults):
    import boto3

    store = Store("s3://bucket/listed")
    store.write("one", b"1")
    store.write("two", b"1")
    assert len(store._files.ls("bucket/listed")) == 2  # fsspec keeps this listing
    other = boto3.client("s3")  # somebody else
    other.delete_object(Bucket="bucket", Key="listed/one")
    other.put_object(Bucket="bucket", Key="listed/two", Body=b"22")
    assert [about["size"] for about in store._files.ls("bucket/listed", detail=True)] == [1, 1]
    assert store.read("two") == b"22"
    assert len(store._files.ls("bucket/listed")) == 1
    other.put_object(Bucket="bucket", Key="listed/three", Body=b"333")
    assert store.sizes() == {"two": 2, "three": 3}


def test_an_object_that_vanishes_before_the_end_finishes_nothing(
    address: str, recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
):
    make_manifest = work_store.give_names

    def vanish(store: Store, shard: Any, entry: Any) -> Any:
        if shard.split == "val":
            store.delete(["val-00000-of-00001.h5"])
        return make_manifest(store, shard, entry)

    monkeypatch.setattr(work_store, "give_names", vanish)
    with pytest.raises(
        UserError, match=r"val-00000-of-00001.h5 is not there any more; nothing is finished; run the same"
    ):
        make_stored(recipe(), address, 1)
    assert "manifest.json" not in names_in(address)
    monkeypatch.undo()
    assert make_stored(recipe(), address, 1).made == 1


def test_a_dataset_grows_and_keeps_its_samples(
    address: str, recipe: Callable[..., Recipe], tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch
):
    assert make_stored(recipe(train=30), address, 1).made == 4
    assert keep_stored_sizes(recipe(), address).splits.train == 30
    stop_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        make_stored(recipe(), address, 1)
    monkeypatch.undo()
    with pytest.raises(UserError, match="is half-finished"):
        mirrored(address)
    with pytest.raises(UserError, match="holds 30 train samples, more than the 10 asked for; choose another --out"):
        make_stored(recipe(train=10), address, 1)
    assert make_stored(recipe(), address, 1).made == 2
    assert hashes_in(address) == shard_hashes(tiny_dataset)
    assert names_in(address) == FILES | {"manifest.json"}


def test_parts_meet_in_the_store(address: str, recipe: Callable[..., Recipe], tiny_dataset: Path):
    first = make_stored(recipe(), address, 1, Part(index=0, count=2))
    assert (first.manifest, first.made, first.missing) == (
        None,
        3,
        ("train-00001-of-00004", "train-00003-of-00004", "test-00000-of-00001"),
    )
    with pytest.raises(UserError, match=r"3 shards are missing: train-00001-of-00004, .*then --commit$"):
        commit_stored(recipe(), address)
    last = make_stored(recipe(), address, 1, Part(index=1, count=2))
    assert last.manifest is not None and last.made == 3
    assert hashes_in(address) == shard_hashes(tiny_dataset)
    assert commit_stored(recipe(), address).manifest == last.manifest


def test_of_two_recipes_in_one_place_the_second_is_refused(
    address: str, recipe: Callable[..., Recipe], tiny_recipe: Path
):
    asked = {"splits": {"train": 80}, "formats": ["hdf5"]}
    store = Store(address)
    assert work_store.claim(store, "a" * 64, asked) == "a" * 64
    assert work_store.claim(store, "b" * 64, asked) == "a" * 64
    assert work_store.claim(store, "a" * 64, asked | {"formats": []}) == "a" * 64
    assert json.loads(store.read(".work/state.json"))["formats"] == []
    with pytest.raises(
        UserError, match=r"^memory://drawn/tiny: was made from another recipe, .*\(fingerprint aaaaaaaaaaaa"
    ):
        make_stored(recipe(), address, 1)


def test_other_sizes_of_an_unfinished_dataset_are_refused(
    address: str, recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
):
    make_stored(recipe(), address, 1, Part(index=0, count=2))
    told = "was begun with 80 train, 20 val, 20 test, now 70 train, 20 val, 20 test are asked for; finish it with"
    with pytest.raises(UserError, match=f"^{address}: {told}"):
        make_stored(recipe(train=70), address, 1)
    give, store = work_store.give_names, Store(address)

    def other_begins(*arguments: Any) -> Any:
        state = json.loads(store.read(".work/state.json"))
        store.write(".work/state.json", json.dumps(state | {"splits": {"train": 70}}).encode())
        return give(*arguments)

    monkeypatch.setattr(work_store, "give_names", other_begins)  # a store that does not heed the condition
    with pytest.raises(UserError, match="another recipe or size was begun here meanwhile; nothing is finished"):
        make_stored(recipe(), address, 1)
    assert "manifest.json" not in names_in(address)


def test_a_place_that_is_in_use_is_left_alone(address: str, recipe: Callable[..., Recipe]):
    Store(address).write("holiday.jpg", b"...")
    with pytest.raises(UserError, match="is not empty and holds no dataset; choose another --out, or empty it"):
        make_stored(recipe(), address, 1)
    assert names_in(address) == {"holiday.jpg"}
