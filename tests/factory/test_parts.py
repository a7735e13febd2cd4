"""parts: the bytes of a dataset in one piece, whichever part ends last, and nothing finished that is not whole."""

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.dataset.manifest import WORK_DIR, read_manifest
from ocrlib.dataset.plan import plan_shards
from ocrlib.errors import UserError
from ocrlib.factory import work_folder
from ocrlib.factory.lock import lock_folder, lock_part
from ocrlib.factory.make import make_dataset, plan_of
from ocrlib.factory.parts import Part, commit_parts, make_part
from ocrlib.factory.recipe import load_recipe
from tests.generating import TINY_STEMS, leftovers, problems_of, shard_hashes

THREE = [Part(index=index, count=3) for index in range(3)]


@given(st.integers(0, 40), st.integers(1, 50))
def test_every_shard_is_in_one_part(num_shards, count):
    plan = plan_shards({"train": num_shards * 10, "val": 5}, 10)
    parts = [Part(index=index, count=count).of(plan) for index in range(count)]
    assert sorted(str(shard) for part in parts for shard in part) == sorted(map(str, plan))


@pytest.mark.parametrize("text", ["3/40", "0/1", "39/40"])
def test_a_part_is_written_as_it_is_read(text):
    assert str(Part.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("41/40", "'41/40': there is no such part; 40 parts are 0/40 to 39/40"),
        ("٣/4", "'٣/4': expected a part such as 3/40"),
        ("40/40", "'40/40': there is no such part; 40 parts are 0/40 to 39/40"),
        ("0/0", "'0/0': expected a part such as 3/40"),
        ("-1/4", "'-1/4': expected a part such as 3/40"),
        ("third", "'third': expected a part such as 3/40"),
    ],
)
def test_a_part_that_is_none_is_refused(text, told):
    with pytest.raises(ValueError) as caught:
        Part.parse(text)
    assert str(caught.value) == told


def test_parts_in_any_order_give_the_dataset_in_one_piece(tiny_dataset, tiny_recipe, tmp_path):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    for part in (THREE[2], THREE[0]):
        parts = make_part(recipe, out, 1, part)
        assert parts.manifest is None and parts.made == 2
        assert not (out / "manifest.json").exists()
    assert parts.missing == (TINY_STEMS[1], TINY_STEMS[4])
    assert parts.still_missing == f"2 shards are missing: {TINY_STEMS[1]}, {TINY_STEMS[4]}"
    parts = make_part(recipe, out, 1, THREE[1])  # the last one finishes it
    assert parts.manifest == read_manifest(tiny_dataset) == read_manifest(out)
    assert shard_hashes(out) == shard_hashes(tiny_dataset)
    assert leftovers(out) == [] and problems_of(out) == []


def test_a_part_that_is_there_is_not_made_again(tiny_recipe, tmp_path):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    assert make_part(recipe, out, 1, THREE[0]).made == 2
    (out / f"{TINY_STEMS[0]}.h5").unlink()
    assert make_part(recipe, out, 1, THREE[0]).made == 1  # what is broken is
    assert make_part(recipe, out, 1, THREE[0]).made == 0


def test_a_run_in_one_piece_goes_on_where_parts_have_stopped(tiny_dataset, tiny_recipe, tmp_path):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    make_part(recipe, out, 1, THREE[1])
    first = (out / f"{TINY_STEMS[1]}.h5").stat().st_mtime_ns
    manifest, worked = make_dataset(recipe, out, 1)
    assert worked and manifest == read_manifest(tiny_dataset)
    assert (out / f"{TINY_STEMS[1]}.h5").stat().st_mtime_ns == first


def test_commit_names_what_is_missing_and_finishes_what_is_not(tiny_dataset, tiny_recipe, tmp_path):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    with pytest.raises(UserError, match="no part of this dataset has been begun"):
        commit_parts(recipe, out)
    make_part(recipe, out, 1, THREE[0])
    with pytest.raises(UserError) as caught:
        commit_parts(recipe, out)
    assert str(caught.value) == (
        f"{out}: 4 shards are missing: {TINY_STEMS[1]}, {TINY_STEMS[2]}, {TINY_STEMS[4]}, {TINY_STEMS[5]}; "
        "run the parts that make them again, then --commit"
    )
    assert not (out / "manifest.json").exists()
    make_part(recipe, out, 1, THREE[1])
    make_part(recipe, out, 1, THREE[2])
    assert commit_parts(recipe, out).manifest == read_manifest(tiny_dataset)  # is finished, and stays so


def test_a_part_of_a_finished_dataset_has_nothing_to_do(tiny_copy, tiny_recipe):
    recipe = load_recipe(tiny_recipe)
    assert make_part(recipe, tiny_copy, 1, THREE[0]).made == 0
    assert leftovers(tiny_copy) == []
    grown = load_recipe(tiny_recipe, {"splits.train": "130"})
    with pytest.raises(UserError, match="is a finished dataset, which grows in one piece only; leave out --part"):
        make_part(grown, tiny_copy, 1, THREE[0])
    assert problems_of(tiny_copy) == []


def test_another_recipe_is_refused(tiny_recipe, tmp_path):
    make_part(load_recipe(tiny_recipe), tmp_path / "d", 1, THREE[0])
    with pytest.raises(UserError, match="was made from another recipe"):
        make_part(load_recipe(tiny_recipe, {"seed": "8"}), tmp_path / "d", 1, THREE[1])


def test_notes_of_another_recipe_whose_folder_was_copied_over_count_for_nothing(tiny_dataset, tiny_recipe, tmp_path):
    recipe, out, foreign = load_recipe(tiny_recipe), tmp_path / "d", tmp_path / "other"
    make_part(load_recipe(tiny_recipe, {"seed": "8"}), foreign, 1, THREE[0])
    make_part(recipe, out, 1, THREE[1])
    state = (out / WORK_DIR / "state.json").read_bytes()
    shutil.copytree(foreign, out, dirs_exist_ok=True)
    (out / WORK_DIR / "state.json").write_bytes(state)
    make_dataset(recipe, out, 1)
    assert shard_hashes(out) == shard_hashes(tiny_dataset)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.update(samples=24, widths={"40": 24}),
        lambda note: note["files"]["hdf5"].update(name="manifest.json"),
        lambda note: note["files"]["hdf5"].update(name=f"{TINY_STEMS[1]}.h5"),
        lambda note: note["files"]["hdf5"].update(name=f"{TINY_STEMS[0]}.tfrecord"),
        lambda note: note.update(fingerprint=None),
    ],
)
def test_a_note_that_is_not_of_its_shard_counts_for_nothing(tiny_copy, tiny_recipe, change):
    recipe = load_recipe(tiny_recipe)
    fingerprint = read_manifest(tiny_copy).fingerprint
    (tiny_copy / WORK_DIR).mkdir()
    work_folder.begin(tiny_copy, fingerprint)
    shard, *_ = plan_of(recipe)
    formats = recipe.output.formats
    path = tiny_copy / WORK_DIR / f"{shard.key}.json"
    note = json.loads(path.read_text())
    assert work_folder.read_note(tiny_copy, shard, formats, hashes=False) is not None
    change(note)
    path.write_text(json.dumps(note))
    shutil.copy(tiny_copy / f"{TINY_STEMS[0]}.h5", tiny_copy / "manifest.json")
    assert work_folder.read_note(tiny_copy, shard, formats, hashes=False) is None


@pytest.mark.parametrize("state", ["[]", "{}", '"x"', "7", "null", "", '{"fingerprint": 7}'])
def test_a_state_that_does_not_tell_what_was_begun_is_one_line(tiny_recipe, tmp_path, state):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    (out / WORK_DIR).mkdir(parents=True)
    (out / WORK_DIR / "state.json").write_text(state)
    for make in (
        lambda: make_dataset(recipe, out, 1),
        lambda: make_part(recipe, out, 1, THREE[0]),
        lambda: commit_parts(recipe, out),
    ):
        with pytest.raises(UserError, match=r"state.json: is damaged; delete .* and begin again"):
            make()


def test_a_dataset_that_was_about_to_grow_is_not_taken_over_by_another_recipe(tiny_copy, tiny_recipe):
    (tiny_copy / WORK_DIR).mkdir()
    work_folder.begin(tiny_copy, read_manifest(tiny_copy).fingerprint)
    (tiny_copy / WORK_DIR / "state.json").unlink()  # as a kill leaves it
    with pytest.raises(UserError, match="was made from another recipe"):
        make_dataset(load_recipe(tiny_recipe, {"seed": "8"}), tiny_copy, 1)


def test_the_same_part_twice_at_once_is_refused_and_another_is_not(tiny_recipe, tmp_path):
    recipe, out = load_recipe(tiny_recipe), tmp_path / "d"
    with lock_part(out, "0-of-3"):
        with pytest.raises(UserError, match=r"process \d+ on .* is making part 0/3 of this dataset; wait for it"):
            make_part(recipe, out, 1, THREE[0])
        assert make_part(recipe, out, 1, THREE[1]).made == 2
        with pytest.raises(UserError, match="is making part 0/3 of this dataset"):
            make_dataset(recipe, out, 1)
    with lock_folder(out), pytest.raises(UserError, match=r"is making this dataset; wait for it"):
        make_part(recipe, out, 1, THREE[2])


def _make(recipe_file: Path, out: Path, part: Part) -> None:
    make_part(load_recipe(recipe_file), out, 1, part)


def test_all_parts_at_once_give_the_dataset_in_one_piece(tiny_dataset, tiny_recipe, tmp_path):
    out = tmp_path / "d"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_make, args=(tiny_recipe, out, part)) for part in THREE]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert read_manifest(out) == read_manifest(tiny_dataset)
    assert shard_hashes(out) == shard_hashes(tiny_dataset)
    assert not (out / WORK_DIR).exists() and leftovers(out) == []
