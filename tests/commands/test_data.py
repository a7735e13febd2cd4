"""`ocrlib data` and `ocrlib recipes`: recipes by name, and datasets that grow only when somebody says so."""

import re
import zipfile
from pathlib import Path

import pytest

from ocrlib.dataset.manifest import read_manifest
from ocrlib.factory.recipe import load_recipe
from ocrlib.factory.recipes import find_recipe, first_line, shipped_recipes
from tests.generating import leftovers, shard_hashes
from tests.programs import ROOT, Outcome, run_program

SMALL = ("--splits.train", 5, "--splits.val", 0, "--splits.test", 0, "--workers", 1)


@pytest.fixture
def ocrlib(run_here, monkeypatch, tmp_path):
    """Runs a command in an empty folder, in this process."""
    from ocrlib.cli import main

    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_here(main, "ocrlib", *arguments)


def test_the_recipes_that_come_along_are_listed_and_printed(ocrlib):
    listed = ocrlib("recipes")
    assert listed.code == 0
    names = [line.split()[0] for line in listed.stdout.splitlines()[:-1]]
    assert names == sorted(path.stem for path in (ROOT / "datasets").glob("*.toml")) and "numeric" in names
    assert listed.stdout.splitlines()[-1].startswith("next: ")
    assert ocrlib("recipes", "numeric").stdout == (ROOT / "datasets" / "numeric.toml").read_text()
    unknown = ocrlib("recipes", "numbers")
    assert (unknown.code, unknown.stderr.count("\n")) == (2, 1)
    assert "numbers: no recipe of that name comes along (display, " in unknown.stderr


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_each_recipe_that_comes_along_says_what_it_is(name):
    assert load_recipe(shipped_recipes()[name]).name == name
    assert 10 < len(first_line(shipped_recipes()[name])) < 110


def test_a_recipe_that_comes_along_makes_its_dataset_below_the_working_directory(ocrlib, tmp_path):
    done = ocrlib("data", "numeric", *SMALL)
    assert done.code == 0, done.stderr
    out = tmp_path / "datasets" / "numeric"
    assert done.stdout.startswith("datasets/numeric: made 5 train (fingerprint ")
    assert read_manifest(out).num_samples == 5
    assert re.search(r"^next: .*train datasets/numeric --run runs/numeric$", done.stdout, re.MULTILINE)


def test_a_file_wins_over_a_recipe_that_comes_along(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe("numeric")[1] == Path("datasets")
    Path("numeric").write_text("")
    assert find_recipe("numeric") == (Path("numeric"), Path("."))


def test_no_recipe_is_one_line_that_names_those_that_come_along(ocrlib):
    refused = ocrlib("data", "numbers.toml")
    assert (refused.code, refused.stderr.count("\n")) == (2, 1)
    assert "numbers.toml: no such file, and no recipe of that name comes along (display, " in refused.stderr


def test_a_part_that_is_empty_is_not_the_whole(ocrlib):
    refused = ocrlib("data", "numeric", "--part", "")  # as where a variable of a batch system is not set
    assert (refused.code, refused.stderr) == (
        2,
        "ocrlib data: --part '': expected a part such as 3/40; see ocrlib data --help\n",
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--train=5", "--splits.train?"),
        ("--fonts", "--render.fonts or --text.fonts?"),
        ("--wrokers", "--workers?"),
        ("--gorw", "--grow?"),
        ("--min_lenght", None),
    ],
)
def test_a_key_without_its_section_is_answered_with_it(ocrlib, given, meant):
    refused = ocrlib("data", "numeric", given, "3")
    assert (refused.code, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith("ocrlib data: unrecognized arguments: ")
    assert meant is None or meant.partition(" or ")[0] in refused.stderr


def test_a_setting_of_a_training_without_its_section_is_answered_with_it(ocrlib):
    refused = ocrlib("train", "datasets/numeric", "--epochs", 3)
    expected = "ocrlib train: unrecognized arguments: --epochs; did you mean --train.epochs? see ocrlib train --help\n"
    assert (refused.code, refused.stderr) == (2, expected)


def test_help_shows_the_way_from_a_recipe_to_a_reader(ocrlib):
    told = ocrlib("--help").stdout
    steps = [
        told.index(step) for step in ("recipes\n", "data numeric\n", "train datasets/numeric", "predict --model runs/")
    ]
    assert steps == sorted(steps)
    for name in ("recipes", "data", "train", "predict", "evaluate", "export", "verify", "card", "import", "unpack"):
        assert re.search(rf"^    {name} ", told, re.MULTILINE), name


def make(recipe: Path, *arguments: object) -> Outcome:
    done = run_program("-m", "ocrlib", "data", recipe, "--workers", 1, *arguments)
    assert done.code == 0, done.stderr
    return done


def sizes(recipe: Path) -> dict[str, int]:
    return {name: split.samples for name, split in read_manifest(recipe.with_suffix("")).splits.items()}


def test_a_dataset_grows_only_when_somebody_says_so(tiny_recipe, tiny_dataset):
    out = tiny_recipe.parent / "tiny"
    make(tiny_recipe, "--splits.train", 30, "--splits.test", 0, "--output.formats", '["hdf5"]')
    small = shard_hashes(out)
    again = make(tiny_recipe)
    assert again.stdout.startswith(
        f"{out}: stays at 30 train, 20 val (hdf5); the recipe asks for 80 train, 20 val, 20 test (tfrecord, hdf5), "
        f"add --grow to draw the rest\n{out}: is already there, whole: 30 train, 20 val"
    )
    assert shard_hashes(out) == small and leftovers(out) == []
    make(tiny_recipe, "--splits.test", 20)  # that split, and no other
    assert sizes(tiny_recipe) == {"train": 30, "val": 20, "test": 20}
    make(tiny_recipe, "--grow")
    assert shard_hashes(out) == shard_hashes(tiny_dataset)
    assert "stays at" not in make(tiny_recipe).stdout


def test_a_half_finished_dataset_is_finished_at_the_size_that_was_asked_for(tiny_recipe, monkeypatch):
    from ocrlib.factory.make import make_dataset

    out = tiny_recipe.parent / "tiny"

    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("ocrlib.factory.drawing.workers.run_tasks", stop)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(load_recipe(tiny_recipe, {"splits.train": "30"}), out, 1)
    monkeypatch.undo()
    assert "stays at 30 train, 20 val, 20 test" in make(tiny_recipe).stdout
    assert sizes(tiny_recipe) == {"train": 30, "val": 20, "test": 20}


def test_a_wheel_has_the_recipes(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    done = run_program(
        "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, "."
    )
    assert done.code == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = zipfile.ZipFile(wheel)
    for path in (ROOT / "datasets").glob("*.toml"):
        assert inside.read(f"ocrlib/recipes/{path.name}") == path.read_bytes()
    assert "ocrlib/factory/recipes.py" in inside.namelist()
    assert not [name for name in inside.namelist() if name.startswith(("tests", "datasets"))]
