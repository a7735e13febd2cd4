"""The factory's promises: the same bytes with any number of workers, after any stop, and nothing lost."""

import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from ocrlib.dataset.manifest import WORK_DIR, read_manifest
from ocrlib.errors import UserError, WorkerError
from ocrlib.factory.ingredients import gather
from ocrlib.factory.make import make_dataset
from ocrlib.factory.recipe import Recipe, load_recipe
from tests.benchmarks.bench_faults import disturb, undisturbed, worker_pids
from tests.generating import TINY_STEMS, command, leftovers, problems_of, shard_hashes
from tests.programs import wait_for
from tests.training_fixtures import flip_byte


def recipe_with(path: Path, **overrides: object) -> Recipe:
    """The tiny recipe, some keys set otherwise: recipe_with(path, splits_train=5)."""
    return load_recipe(path, {name.replace("_", ".", 1): str(value) for name, value in overrides.items()})


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """{file name: inode and time of its last change of content}: equal only if nobody wrote it again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*-of-*")}


def test_one_worker_gives_the_bytes_of_two(tiny_dataset, tiny_recipe, tmp_path):
    manifest, worked = make_dataset(load_recipe(tiny_recipe), tmp_path / "one", 1)
    assert worked
    assert shard_hashes(tmp_path / "one") == shard_hashes(tiny_dataset)
    assert manifest == read_manifest(tiny_dataset)
    assert manifest.rejected["low-contrast"] > 10  # the counts are the same with both numbers of workers


def test_a_finished_dataset_is_left_alone(tiny_copy, tiny_recipe):
    before = identities(tiny_copy) | {"": os.stat(tiny_copy / "manifest.json").st_mtime_ns}
    manifest, worked = make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
    assert not worked and manifest == read_manifest(tiny_copy)
    assert identities(tiny_copy) | {"": os.stat(tiny_copy / "manifest.json").st_mtime_ns} == before


def test_a_disk_without_hard_links_grows_a_dataset_by_copies(tiny_copy, tiny_recipe, monkeypatch):
    def refuse(source, target):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    before = shard_hashes(tiny_copy)
    monkeypatch.setattr("os.link", refuse)
    make_dataset(recipe_with(tiny_recipe, splits_train=130), tiny_copy, 1)
    assert shard_hashes(tiny_copy)["train-00002-of-00006.h5"] == before["train-00002-of-00004.h5"]
    assert leftovers(tiny_copy) == [] and problems_of(tiny_copy) == []


def test_growing_keeps_every_full_shard_and_equals_a_fresh_dataset(tiny_copy, tiny_recipe, tmp_path):
    before, kept = identities(tiny_copy), shard_hashes(tiny_copy)
    grown = recipe_with(tiny_recipe, splits_train=130)
    manifest, worked = make_dataset(grown, tiny_copy, 1)
    assert worked and manifest.splits["train"].samples == 130
    after = identities(tiny_copy)
    for index in range(3):  # of 25 samples each; the fourth held 5
        for ending in (".tfrecord", ".h5"):
            old, new = (f"train-{index:05d}-of-{total:05d}{ending}" for total in (4, 6))
            assert after[new] == before[old]
    for stem in TINY_STEMS[-2:]:  # val and test did not grow
        assert after[f"{stem}.h5"] == before[f"{stem}.h5"]
    assert not set(kept) & {name for name in after if name.startswith("train")}
    make_dataset(grown, tmp_path / "fresh", 1)
    assert shard_hashes(tiny_copy) == shard_hashes(tmp_path / "fresh")
    assert leftovers(tiny_copy) == [] and problems_of(tiny_copy) == []


def test_a_split_that_had_no_samples_can_grow(tiny_recipe, tmp_path):
    start = {"splits_train": 25, "splits_val": 0, "splits_test": 0, "output_encoding": "png"}
    make_dataset(recipe_with(tiny_recipe, **start), tmp_path / "d", 1)
    before = identities(tmp_path / "d")
    manifest, _ = make_dataset(recipe_with(tiny_recipe, **start | {"splits_val": 5}), tmp_path / "d", 1)
    assert {name: split.samples for name, split in manifest.splits.items()} == {"train": 25, "val": 5}
    assert before.items() <= identities(tmp_path / "d").items()
    assert manifest.image.encoding == "png" and problems_of(tmp_path / "d") == []


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_lowering_a_split_is_refused(tiny_copy, tiny_recipe, split):
    before = identities(tiny_copy)
    with pytest.raises(UserError, match=f"holds [0-9]+ {split} samples, more than the 3 asked for; choose another"):
        make_dataset(recipe_with(tiny_recipe, **{f"splits_{split}": 3}), tiny_copy, 1)
    assert identities(tiny_copy) == before and leftovers(tiny_copy) == []


def test_after_a_growth_that_stopped_half_way_no_samples_can_be_removed(tiny_copy, tiny_recipe, monkeypatch):
    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("ocrlib.factory.drawing.workers.run_tasks", stop)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(recipe_with(tiny_recipe, splits_train=130), tiny_copy, 1)
    monkeypatch.undo()
    with pytest.raises(UserError, match="is half-finished"):
        read_manifest(tiny_copy)
    with pytest.raises(UserError, match="holds 80 train samples, more than the 30 asked for"):
        make_dataset(recipe_with(tiny_recipe, splits_train=30), tiny_copy, 1)
    before = identities(tiny_copy)
    manifest, _ = make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)  # back to what it was
    assert manifest.splits["train"].samples == 80
    assert identities(tiny_copy) == before and problems_of(tiny_copy) == []


def test_a_format_can_be_added_later(tiny_dataset, tiny_recipe, tmp_path):
    make_dataset(recipe_with(tiny_recipe, output_formats=["hdf5"]), tmp_path / "d", 1)
    wanted = shard_hashes(tiny_dataset)
    assert shard_hashes(tmp_path / "d") == {name: wanted[name] for name in wanted if name.endswith(".h5")}
    make_dataset(load_recipe(tiny_recipe), tmp_path / "d", 1)
    assert shard_hashes(tmp_path / "d") == shard_hashes(tiny_dataset)
    assert problems_of(tmp_path / "d") == []


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_shard_of_a_finished_dataset_is_drawn_again_alone(tiny_copy, tiny_recipe, damage):
    wanted, before = shard_hashes(tiny_copy), identities(tiny_copy)
    path = tiny_copy / "train-00001-of-00004.tfrecord"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-7])
    else:
        path.unlink()
    _, worked = make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
    after = identities(tiny_copy)
    assert worked and shard_hashes(tiny_copy) == wanted
    assert {name for name in after if after[name] != before[name]} == {path.name, "train-00001-of-00004.h5"}


def test_what_a_stopped_run_left_is_checked_by_hash_before_it_counts(tiny_copy, tiny_recipe):
    """A finished shard that was damaged later, in an unfinished run, is found and drawn again."""
    wanted = shard_hashes(tiny_copy)
    (tiny_copy / "test-00000-of-00001.h5").unlink()  # so that the run has work left
    path = tiny_copy / "val-00000-of-00001.h5"
    flip_byte(path, -9)
    make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
    assert shard_hashes(tiny_copy) == wanted


@pytest.mark.parametrize("content", ["{", "[]", '{"stem": "val-00000-of-00001"}'])
def test_a_note_that_cannot_be_read_means_that_its_shard_is_drawn_again(tiny_copy, tiny_recipe, monkeypatch, content):
    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    wanted, before = shard_hashes(tiny_copy), identities(tiny_copy)
    (tiny_copy / "test-00000-of-00001.h5").unlink()  # so that there is something to do
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("ocrlib.factory.drawing.workers.run_tasks", stop)
        make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
    (tiny_copy / WORK_DIR / "val-00000:20.json").write_text(content)
    make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
    after = identities(tiny_copy)
    assert shard_hashes(tiny_copy) == wanted and problems_of(tiny_copy) == []
    assert {name[:3] for name in after if after[name] != before[name]} == {"val", "tes"}


def test_a_recipe_that_cannot_be_drawn_stops_with_one_line(tiny_recipe, tmp_path):
    small = {"splits_train": 5, "splits_val": 0, "splits_test": 0}
    white = {"render_text_color": "#FFFFFF", "render_background": "plain_white"}
    with pytest.raises(UserError) as caught:
        make_dataset(recipe_with(tiny_recipe, **small, **white), tmp_path / "d", 1)
    assert "could not be drawn in 1000 attempts (low-contrast 1000)" in str(caught.value)


def test_a_split_that_no_line_falls_into_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "list.txt").write_text("one line\n", encoding="utf-8")
    recipe = tmp_path / "one.toml"
    recipe.write_text(
        f'name = "one"\n[text]\nsource = "file"\npath = "{tmp_path}/list.txt"\n[splits]\ntrain = 5\nval = 5\n'
    )
    with pytest.raises(UserError, match="none of its 1 lines falls into the split '(train|val)'"):
        make_dataset(load_recipe(recipe), tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


def test_the_same_list_in_another_folder_is_the_same_dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    fingerprints = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "list.txt").write_text("one line\nanother\n", encoding="utf-8")
        recipe = tmp_path / folder / "few.toml"
        path = tmp_path / folder / "list.txt"
        recipe.write_text(
            f'name = "few"\n[text]\nsource = "file"\nwhole = true\npath = "{path}"\n[splits]\ntrain = 2\n'
        )
        fingerprints.append(gather(load_recipe(recipe)).fingerprint)
    assert fingerprints[0] == fingerprints[1]


def test_a_refusal_changes_nothing(tiny_recipe, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="is not empty and holds no dataset"):
        make_dataset(load_recipe(tiny_recipe), tmp_path / "mine", 1)
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]


def test_a_shard_that_kills_three_workers_stops_the_run_with_its_name(tiny_recipe, tmp_path, monkeypatch):
    """The kernel's out-of-memory killer does this."""
    monkeypatch.setattr("ocrlib.factory.drawing.start_worker", die_at_once)
    with pytest.raises(WorkerError, match=r"^train-00000-of-00004: its worker died 3 times \(exit code -9\)"):
        make_dataset(load_recipe(tiny_recipe), tmp_path / "d", 1)
    with pytest.raises(UserError, match="is half-finished; run the command that made it again to go on"):
        read_manifest(tmp_path / "d")


def die_at_once(*arguments):
    return lambda shard, report: os.kill(os.getpid(), signal.SIGKILL)


def test_temporary_files_of_dead_processes_are_removed_and_those_of_living_ones_kept(tiny_copy, tiny_recipe):
    with subprocess.Popen(["sleep", "60"]) as living:
        names = {
            f".preview.png.{living.pid}.0f.tmp",
            ".preview.png.4194305.0f.tmp",
        }  # no process can have the second id
        for name in names:
            (tiny_copy / name).write_bytes(b"half")
        make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
        assert leftovers(tiny_copy) == [f".preview.png.{living.pid}.0f.tmp"]
        living.kill()


def test_workers_end_when_their_parent_is_killed(tiny_recipe, tmp_path):
    out = tmp_path / "d"
    many = ("--splits.train", 100_000, "--output.shard_samples", 50_000)
    with subprocess.Popen(command(tiny_recipe, "--out", out, "--workers", 2, *many), stderr=subprocess.PIPE) as run:
        wait_for(lambda: len(worker_pids(run.pid)) == 2 and b"25/" in run.stderr.read1())
        workers = worker_pids(run.pid)
        run.kill()
    assert len(workers) == 2

    def left() -> list[int]:
        return [pid for pid in workers if Path(f"/proc/{pid}/cmdline").exists()]

    wait_for(lambda: not left(), timeout_s=20)
    assert left() == []


def test_kills_at_random_moments_change_no_byte(tiny_recipe, tmp_path):
    """Six here, fifty in `python -m tests.benchmarks.bench_faults --kills 50`."""
    wanted = undisturbed(tiny_recipe, tmp_path / "undisturbed")
    trial = disturb(tiny_recipe, tmp_path / "disturbed", wanted, num_kills=6)
    assert trial.faults == []
    assert len(trial.disturbances) == 6 and len({disturbance.kind for disturbance in trial.disturbances}) == 4


def test_resuming_trusts_the_notes_of_finished_shards(tiny_copy, tiny_recipe):
    """A dataset whose manifest is gone, but whose `.work` says that five of its six shards are done."""
    manifest = json.loads((tiny_copy / "manifest.json").read_text())
    wanted, before = shard_hashes(tiny_copy), identities(tiny_copy)
    (tiny_copy / WORK_DIR).mkdir()
    (tiny_copy / WORK_DIR / "state.json").write_text(json.dumps({"fingerprint": manifest["fingerprint"]}))
    for split, entry in manifest["splits"].items():
        for index, shard in enumerate(entry["shards"]):
            if shard["stem"] != "train-00002-of-00004":
                note = tiny_copy / WORK_DIR / f"{split}-{index:05d}:{shard['samples']}.json"
                note.write_text(json.dumps({"fingerprint": manifest["fingerprint"], **shard}))
    (tiny_copy / "manifest.json").unlink()
    make_dataset(load_recipe(tiny_recipe), tiny_copy, 1)
    after = identities(tiny_copy)
    assert shard_hashes(tiny_copy) == wanted
    redrawn = {"train-00002-of-00004.tfrecord", "train-00002-of-00004.h5"}
    assert {name for name in after if after[name] != before[name]} == redrawn
    again, original = json.loads((tiny_copy / "manifest.json").read_text()), manifest
    assert again == original
