"""`python -m ocrlib import` and `unpack`, as a user runs them: what they print, and how they answer a mistake."""

from pathlib import Path

import pytest

from tests.imports.own_lines import numbered, rejected_in, write_csv, write_page, write_pairs
from tests.programs import Outcome, run_program
from tests.training_fixtures import numbers, write_dataset


def ocrlib(*arguments: object, max_file_bytes: int | None = None) -> Outcome:
    """Runs a command to its end."""
    return run_program("-m", "ocrlib", *arguments, max_file_bytes=max_file_bytes)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty lines of three pages, a half pair and an empty text."""
    lines = numbered(10, "p1") | numbered(10, "p2", 20_000) | numbered(10, "p3", 30_000)
    folder = write_pairs(tmp_path_factory.mktemp("own") / "mine", lines | {"empty": ""})
    (folder / "sole.gt.txt").write_text("1")
    return folder


@pytest.fixture(scope="module")
def dataset(mine: Path) -> Path:
    """It imported."""
    out = mine.parent / "dataset"
    done = ocrlib("import", mine, "--out", out, "--workers", 1)
    assert done.code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{out}: 30 new lines: 20 train, 10 val (fingerprint ")
    assert lines[1] == "split by page or folder, as the names tell; --group REGEX names other groups"
    assert lines[-2].endswith(f"python -m ocrlib train {out} --run runs/dataset")
    assert lines[-1] == f"left out: 2 (empty text 1, no picture 1), each in {out}/rejected.tsv"
    return out


def test_an_import_says_what_became_of_every_picture(dataset: Path) -> None:
    assert rejected_in(dataset) == {"empty.png": "empty text", "sole.gt.txt": "no picture"}
    assert (dataset / "preview.png").exists()


def test_it_is_verified_and_imported_again_to_the_same_bytes(dataset: Path, mine: Path) -> None:
    done = ocrlib("verify", dataset, "--rerender", 7, "--trust")
    assert (done.code, done.stdout) == (
        0,
        f"{dataset}: 2 shards as the manifest says, 7 samples imported again to the same bytes\n",
    )


def test_its_card_tells_where_the_lines_are_from(dataset: Path, mine: Path) -> None:
    card = ocrlib("card", dataset).stdout
    assert f"imported from:\n  30  {mine} (pairs)\n" in card
    assert "left out:\n  1  empty text\n  1  no picture\n" in card
    assert "skew" not in card and "fonts" not in card


def test_run_again_it_has_nothing_to_do_and_with_a_new_picture_it_grows(dataset: Path, mine: Path) -> None:
    again = ocrlib("import", mine, "--out", dataset, "--workers", 1)
    assert "is already there, whole: 20 train, 10 val" in again.stdout
    write_pairs(mine.parent / "more", {"new": "4711"})
    grown = ocrlib("import", mine.parent / "more", "--out", dataset, "--workers", 1)
    assert f"{dataset}: 1 new lines: 21 train, 10 val" in grown.stdout


def test_settings_by_option_and_by_key(tmp_path: Path) -> None:
    write_pairs(tmp_path / "mine", numbered(4))
    rows = [["where", "what"], ["line_000.png", "1"], ["line_001.png", "2"]]
    path = write_csv(tmp_path / "mine" / "list.csv", rows)
    options = ("--columns", "where", "what", "--height", 24, "--val", 0, "--output.formats", '["hdf5"]')
    done = ocrlib("import", path, "--layout", "csv", "--out", tmp_path / "out", *options, "--workers", 1)
    assert done.code == 0, done.stderr
    assert "2 new lines: 2 train" in done.stdout
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {
        ".h5",
        ".html",
        ".json",
        ".md",
        ".png",
        ".tsv",
        ".txt",
    }
    assert '"height": 24' in (tmp_path / "out" / "manifest.json").read_text()


def test_unpack_says_what_it_wrote(tmp_path: Path) -> None:
    made = write_dataset(tmp_path / "made", {"train": [*numbers(3), "7 "], "test": numbers(2, seed=1)})
    done = ocrlib("unpack", made, "--layout", "csv", "--out", tmp_path / "out")
    assert (done.code, done.stdout) == (
        0,
        f"{tmp_path}/out: 4 train, 2 test, as csv\n1 texts begin or end in a space, which most programs leave out\n",
    )
    assert (tmp_path / "out" / "test" / "labels.csv").read_text().splitlines()[0] == "filename,words"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/empty"], "holds no labelled lines of a layout that is known here"),
        (["{}/nowhere"], "no such file or folder"),
        (["{}/made"], "is a dataset already; train on it as it is, or mix it in by --data.mix"),
        (["{}/mine", "--val", "2"], "expected a share from 0 to below 1, not '2'"),
        (["{}/mine", "--group", "("], "--splits.group: [splits] group must be a regular expression"),
        (["{}/mine", "--render.heigth", "2"], "--render.heigth: [render] has no key 'heigth'; did you mean 'height'?"),
        (["{}/mine", "--encoding", "klingon"], "must be an encoding that Python knows"),
        (["{}/mine", "--strict"], "--strict, and 1 cannot be used: sole.gt.txt: no picture"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    write_pairs(tmp_path / "mine", numbered(3))
    (tmp_path / "mine" / "sole.gt.txt").touch()
    write_dataset(tmp_path / "made", {"train": numbers(3)})
    done = ocrlib("import", *[part.format(tmp_path) for part in arguments], "--out", tmp_path / "out", "--workers", 1)
    assert done.code == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_disk_that_fills_up_is_one_line_and_the_same_command_goes_on(tmp_path: Path) -> None:
    source = write_page(tmp_path / "pages", "p1", [str(10_000 + i) for i in range(60)], "page").parent
    command = ("import", source, "--out", tmp_path / "out", "--workers", 1)
    full = ocrlib(*command, max_file_bytes=60_000)
    assert full.code == 2
    assert "cannot be written: File too large" in full.stderr.splitlines()[-1]
    done = ocrlib(*command)
    assert done.code == 0 and "60 new lines" in done.stdout
