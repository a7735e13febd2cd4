"""generate_data.py end to end; every wrong use gives one line, exit code 2, and loses nothing."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import generate_data
from ocrlib.arguments import describe
from ocrlib.dataset.manifest import read_manifest
from ocrlib.factory.recipe import Recipe, load_recipe
from tests.benchmarks.bench_faults import worker_pids
from tests.factory.render.samples import package_folder
from tests.generating import TINY, TINY_STEMS, command, generate, leftovers, shard_hashes
from tests.programs import wait_for
from tests.training_fixtures import manifest_values

FONT = str(package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")
EASY = 'charset = "0123456789.,-"'


@pytest.fixture
def one_line(run_here, monkeypatch):
    """The only line on standard error of a run that refuses its input; checks exit code 2 and an empty standard output."""

    def refused(recipe: Path, *arguments: object) -> str:
        monkeypatch.chdir(recipe.parent)
        outcome = run_here(generate_data.main, "generate_data.py", recipe, *arguments)
        assert (outcome.code, outcome.stdout) == (2, ""), outcome.stderr
        assert outcome.stderr.count("\n") == 1 and outcome.stderr.endswith("\n"), outcome.stderr
        return outcome.stderr.rstrip("\n")

    return refused


def test_the_script_makes_what_it_promises_and_says_how_to_go_on(tiny_dataset):
    assert {path.name for path in tiny_dataset.iterdir()} >= {
        "manifest.json",
        *(stem + ending for stem in TINY_STEMS for ending in (".tfrecord", ".h5")),
    }
    assert leftovers(tiny_dataset) == []
    fingerprint = read_manifest(tiny_dataset).fingerprint[:12]
    again = generate(tiny_dataset.parent / "tiny.toml")
    assert (again.code, again.messages) == (0, [])
    lines = again.stdout.splitlines()
    out = tiny_dataset.parent / "tiny"
    assert lines[0] == f"{out}: is already there, whole: 80 train, 20 val, 20 test (fingerprint {fingerprint})"
    assert lines[1].startswith("drawn again: ")
    assert lines[-1].startswith("next: ") and lines[-1].endswith(f"python -m ocrlib train {out} --run runs/tiny")


def test_a_recipe_file_with_another_name_than_its_dataset_is_reported(tiny_recipe):
    recipe = tiny_recipe.with_name("plates.toml")
    recipe.write_text(tiny_recipe.read_text())
    outcome = generate(recipe, "--splits.train", 3, "--splits.val", 0, "--splits.test", 0, "--workers", 1)
    assert outcome.code == 0
    out = recipe.parent / "tiny"
    assert outcome.messages == [f"{recipe}: goes to {out}, by its name; change the name, or give --out"]


def test_out_overrides_and_a_progress_bar(tiny_recipe, tmp_path):
    small = ("--splits.train", 30, "--splits.val=5", "--splits.test", "0", "--output.formats", '["hdf5"]')
    outcome = generate(tiny_recipe, "--out", tmp_path / "elsewhere", "--workers", 1, *small)
    assert (outcome.code, outcome.messages) == (0, []), outcome.stderr
    assert "tiny: 100%" in outcome.stderr and "35/35" in outcome.stderr and "img/s" in outcome.stderr
    assert outcome.stdout.startswith(f"{tmp_path / 'elsewhere'}: made 30 train, 5 val (fingerprint ")
    assert set(shard_hashes(tmp_path / "elsewhere")) == {
        "train-00000-of-00002.h5",
        "train-00001-of-00002.h5",
        "val-00000-of-00001.h5",
    }


def test_help_says_what_can_be_set(tiny_recipe):
    outcome = generate(tiny_recipe, "--help")
    assert outcome.code == 0
    assert "--splits.train 1000" in outcome.stdout and "--workers" in outcome.stdout
    assert "\n  --render.min_contrast 40\n      Gray levels between ink and paper; " in outcome.stdout
    assert "\n  --render.degrade.jpeg.strength [0.0, 1.0]\n      Saved as JPEG, " in outcome.stdout
    assert (
        "\n  --text.min_length 20\n      Fewest characters of a line.\n" in outcome.stdout
    )  # a base class explains it
    assert "\n  --render.channels 1 (1, 3)\n" in outcome.stdout
    assert "\n  --splits.train\n" in outcome.stdout  # no default
    assert "\n--seed 1\n" in outcome.stdout
    assert "--render.fonts.source" not in outcome.stdout  # an entry of a list has no name by which it could be set


def test_a_default_that_help_shows_can_be_given(tiny_recipe):
    shown = re.findall(r"^ *--((?:render|output)\.\S+) (.+?)(?: \(.*\))?$", describe(Recipe), re.MULTILINE)
    assert len(shown) > 60
    given = {name: text for name, text in shown if not text.endswith("...")}
    load_recipe(tiny_recipe, given)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rendr.height", 32], "--rendr.height: the top level has no key 'rendr'; did you mean 'render'?"),
        (["--splits.train", "many"], '--splits.train: [splits] train must be a valid integer, not "many"'),
        (["--splits.train", 0], "--splits.train: [splits] train must be greater than or equal to 1, not 0"),
        (["--render.height", 0], "--render.height: [render] height must be greater than or equal to 8, not 0"),
        (["--text.charset", "01234"], "pattern 'integer' drew "),
        (["--render.fonts", '["matplotib"]'], "fonts 'matplotib': no such set, folder or file; did you mean 'matplotlib'?"),
        (["--text.charset", "0123456789.,-中", "--render.fonts", f'["{FONT}"]'], f"font {FONT} lacks 中; choose another"),
        (["--workers", 0], "generate_data.py: --workers: expected at least 1, not 0; see generate_data.py --help"),
        (["--wrokers", 2], "generate_data.py: unrecognized arguments: --wrokers; did you mean --workers? see generate_data.py --help"),
    ],
)  # fmt: skip
def test_a_mistake_on_the_command_line_is_one_line(one_line, tiny_recipe, arguments, says):
    assert says in one_line(tiny_recipe, *arguments)
    assert sorted(path.name for path in tiny_recipe.parent.iterdir()) == ["tiny.toml"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("blur = [0.0, 1.2]", "blurr = 1", "tiny.toml: [render] has no key 'blurr'; did you mean 'blur'?"),
        ("train = 80", 'train = "80"', 'tiny.toml: [splits] train must be a valid integer, not "80"'),
        (EASY, 'charset = "0123456789."', "but the charset lacks ','; add it to text.charset or change the pattern"),
    ],
)
def test_a_mistake_in_the_recipe_is_one_line(one_line, tiny_recipe, old, new, says):
    assert TINY.count(old) == 1
    tiny_recipe.write_text(TINY.replace(old, new))
    line = one_line(tiny_recipe)
    assert says in line or (new.endswith('."') and "but the charset lacks" in line)


def test_no_recipe_is_one_line(one_line, tiny_recipe):
    assert "no such file" in one_line(tiny_recipe.with_name("tinny.toml"))


def test_an_output_folder_that_holds_something_else_is_refused(one_line, tiny_recipe, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    line = one_line(tiny_recipe, "--out", tmp_path / "mine")
    assert line == f"{tmp_path / 'mine'}: is not empty and holds no dataset; choose another --out, or empty it"
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]


def test_an_output_that_is_a_file_is_refused(one_line, tiny_recipe, tmp_path):
    (tmp_path / "a").write_text("a file")
    out = tmp_path / "a"
    assert one_line(tiny_recipe, "--out", out) == f"{out}: expected a folder, found a file; choose another --out"
    assert one_line(tiny_recipe, "--out", out / "b") == (
        f"{out / 'b'}: cannot be written: Not a directory; what is done stays, the same command resumes"
    )
    assert out.read_text() == "a file"


def test_a_dataset_of_another_fingerprint_is_refused_and_kept(one_line, tiny_copy, tiny_recipe):
    before = shard_hashes(tiny_copy)
    line = one_line(tiny_recipe, "--seed", 8)
    assert line.startswith(f"{tiny_copy}: was made from another recipe, font, corpus or library version (fingerprint ")
    assert line.endswith("choose another --out or name, or delete the folder")
    assert shard_hashes(tiny_copy) == before and leftovers(tiny_copy) == []


def test_fewer_samples_than_there_are_is_refused(one_line, tiny_copy, tiny_recipe):
    assert one_line(tiny_recipe, "--splits.val", 19) == (
        f"{tiny_copy}: holds 20 val samples, more than the 19 asked for; choose another --out"
    )


def test_a_manifest_with_a_name_that_leaves_the_folder_is_refused(one_line, tiny_copy, tiny_recipe):
    values = manifest_values(tiny_copy)
    values["splits"]["val"]["shards"][0]["files"]["hdf5"]["name"] = "../val.h5"
    (tiny_copy / "manifest.json").write_text(json.dumps(values))
    line = one_line(tiny_recipe)
    assert 'name must be the name of a file in the dataset\'s own folder, not "../val.h5"' in line


def stop_in_the_middle(recipe: Path, *arguments: object) -> subprocess.Popen:
    """A run of 14 shards, of which at least one is done and not all are."""
    run = subprocess.Popen(
        command(recipe, "--splits.train", 300, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    work = recipe.parent / "tiny" / ".work"
    wait_for(lambda: run.poll() is not None or any(work.glob("*:*.json")))
    return run


def full_shards(folder: Path) -> dict[str, str]:
    """{`train-00000.h5`: SHA-256}: names without the number of shards, which differs with the size of the split."""
    short = {name.partition("-of-")[0] + Path(name).suffix: value for name, value in shard_hashes(folder).items()}
    return {name: value for name, value in short.items() if not name.startswith("train-00003")}


def test_kill_9_of_a_worker_and_then_of_the_parent_loses_no_finished_shard(tiny_dataset, tiny_recipe):
    run = stop_in_the_middle(tiny_recipe, "--workers", 2)
    os.kill(worker_pids(run.pid)[0], signal.SIGKILL)
    out = tiny_recipe.parent / "tiny"
    num_done = len(list(out.glob(".work/*:*.json")))
    wait_for(lambda: len(list(out.glob(".work/*:*.json"))) > num_done + 1)  # it went on
    run.kill()
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == -9 and "Traceback" not in stderr.decode()
    notes = [note.read_text() for note in out.glob(".work/*:*.json")]
    done = {path.name: path.stat().st_ino for path in out.glob("*-of-*") if any(path.stem in note for note in notes)}
    assert done and not (out / "manifest.json").exists()

    outcome = generate(tiny_recipe, "--splits.train", 300, "--workers", 2)
    assert outcome.code == 0, outcome.stderr
    assert {name: (out / name).stat().st_ino for name in done} == done, "a finished shard was made again"
    assert full_shards(tiny_dataset).items() <= full_shards(out).items()
    assert leftovers(out) == []


def test_the_second_process_on_a_folder_is_told_who_holds_it(one_line, tiny_recipe):
    run = stop_in_the_middle(tiny_recipe, "--workers", 1, "--output.shard_samples", 24, "--splits.test", 50_000)
    try:
        line = one_line(tiny_recipe, "--output.shard_samples", 24)
        out = tiny_recipe.parent / "tiny"
        assert line.startswith(f"{out}: process {run.pid} on ")
        assert line.endswith("is making this dataset; wait for it, or choose another --out")
        assert run.poll() is None, "the first one must not suffer"
    finally:
        run.terminate()
        _, stderr = run.communicate(timeout=60)
    assert run.returncode == 1
    assert stderr.decode().endswith("stopped; run the same command again to go on from here\n")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 kB, if the tests may mount one; the tiny dataset needs more than twice as much."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a tmpfs; the test by file size covers the rest")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(tiny_dataset, tiny_recipe, small_disk):
    out = small_disk / "d"
    outcome = generate(tiny_recipe, "--out", out, "--workers", 2)
    assert outcome.code == 2
    (message,) = outcome.messages
    assert message.startswith(str(out)) and "cannot be written: No space left on device" in message
    assert not (out / "manifest.json").exists()
    subprocess.run(["mount", "-o", "remount,size=30m", small_disk], check=True)
    outcome = generate(tiny_recipe, "--out", out, "--workers", 2)
    assert outcome.code == 0, outcome.stderr
    assert shard_hashes(out) == shard_hashes(tiny_dataset)
    assert leftovers(out) == []


def test_a_limit_on_file_size_is_one_line_too(tiny_recipe):
    out = tiny_recipe.parent / "tiny"
    outcome = generate(tiny_recipe, "--workers", 1, max_file_bytes=20_000)
    assert outcome.code == 2
    (message,) = outcome.messages
    assert message.startswith(str(out)) and "cannot be written: File too large" in message
    assert not list(out.glob("*-of-*")) and not (out / "manifest.json").exists()


def test_parts_end_in_the_dataset_of_one_piece_and_say_what_is_missing(tiny_dataset, tiny_recipe, tmp_path):
    out = tmp_path / "in parts"
    first = generate(tiny_recipe, "--out", out, "--part", "1/2", "--workers", 1)
    assert (first.code, first.messages) == (0, [])
    missing = f"3 shards are missing: {TINY_STEMS[0]}, {TINY_STEMS[2]}, {TINY_STEMS[4]}"
    assert first.stdout.splitlines() == [
        f"{out}: part 1/2 is made; {missing}",
        "next: the other parts; the last one to end finishes the dataset",
    ]
    early = generate(tiny_recipe, "--out", out, "--commit")
    assert (early.code, early.messages) == (
        2,
        [f"{out}: {missing}; run the parts that make them again, then --commit"],
    )
    last = generate(tiny_recipe, "--out", out, "--part", "0/2", "--workers", 1)
    assert last.code == 0 and last.stdout.startswith(f"{out}: made 80 train, 20 val, 20 test")
    assert shard_hashes(out) == shard_hashes(tiny_dataset)


def test_a_part_that_is_none_is_refused(one_line, tiny_recipe):
    assert one_line(tiny_recipe, "--part", "41/40").startswith(
        "generate_data.py: --part '41/40': there is no such part; 40 parts are 0/40 to 39/40"
    )
