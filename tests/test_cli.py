"""The commands as a user types them: what they print, what they write, and how they end."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib import cli
from tests.programs import ROOT, Outcome, program, run_program
from tests.training_fixtures import TrainedRun, draw_line, flip_byte, numbers, write_dataset

Command = Callable[..., Outcome]


@pytest.fixture
def ocrlib(run_here: Callable[..., Outcome]) -> Command:
    """`python -m ocrlib` in this process, so that TensorFlow starts once for all of these tests."""
    return lambda *arguments: run_here(cli.main, "ocrlib", *arguments)


@pytest.fixture(scope="module")
def pictures(trained_run: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four lines that the reader knows, as pictures of different kinds and sizes, one of them in a subfolder."""
    folder = tmp_path_factory.mktemp("pictures")
    lines = [Image.fromarray(draw_line(text)) for text in trained_run.texts[:4]]
    lines[0].save(folder / "a.png")
    lines[1].convert("RGBA").save(folder / "b.png")
    lines[2].resize((lines[2].width * 3, lines[2].height * 3), Image.Resampling.BICUBIC).save(folder / "c.tif")
    (folder / "more").mkdir()
    Image.fromarray(np.asarray(lines[3]).astype(np.uint16) * 257).save(folder / "more" / "d.png")
    (folder / "notes.txt").write_text("no picture, and not taken for one")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good dataset, in both formats."""
    splits = {"train": numbers(30, seed=1), "test": numbers(5, seed=2)}
    return write_dataset(tmp_path_factory.mktemp("cli") / "digits", splits)


# predict


def test_predict_prints_name_text_and_confidence(ocrlib: Command, trained_run: TrainedRun, pictures: Path) -> None:
    outcome = ocrlib("predict", "--model", trained_run.run, pictures)
    assert (outcome.code, outcome.stderr) == (0, "")
    rows = [line.split("\t") for line in outcome.stdout.splitlines()]
    names = ["a.png", "b.png", "c.tif", "more/d.png"]
    assert [row[:2] for row in rows] == [list(pair) for pair in zip(names, trained_run.texts[:4], strict=True)]
    for row in rows:
        assert len(row) == 3
        assert len(row[2]) == len("0.1234")
        assert 0 <= float(row[2]) <= 1


def test_predict_writes_the_same_rows_to_a_file(
    ocrlib: Command, trained_run: TrainedRun, pictures: Path, tmp_path: Path
) -> None:
    printed = ocrlib("predict", "--model", trained_run.run, pictures / "a.png", pictures / "c.tif")
    outcome = ocrlib(
        "predict",
        "--model",
        trained_run.run / "best.keras",
        pictures / "a.png",
        pictures / "c.tif",
        "--out",
        tmp_path / "o.tsv",
    )
    assert outcome.code == 0
    assert outcome.stdout == f"{tmp_path / 'o.tsv'}: 2 lines read\n"
    assert (tmp_path / "o.tsv").read_text() == printed.stdout


def test_predict_writes_json_lines(ocrlib: Command, trained_run: TrainedRun, pictures: Path) -> None:
    outcome = ocrlib("predict", "--model", trained_run.run, pictures, "--format", "json")
    assert (outcome.code, outcome.stderr) == (0, "")
    rows = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [row["name"] for row in rows] == ["a.png", "b.png", "c.tif", "more/d.png"]
    assert [row["text"] for row in rows] == trained_run.texts[:4]
    for row in rows:
        assert list(row) == ["name", "text", "confidence", "characters"]
        assert "".join(character["text"] for character in row["characters"]) == row["text"]
        assert all(0 < character["confidence"] <= 1 for character in row["characters"])


@pytest.mark.parametrize("width", [1, 5])
def test_predict_searches_a_beam(width: int, ocrlib: Command, trained_run: TrainedRun, pictures: Path) -> None:
    outcome = ocrlib("predict", "--model", trained_run.run, pictures, "--format", "json", "--beam", width)
    assert (outcome.code, outcome.stderr) == (0, "")
    rows = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [row["text"] for row in rows] == trained_run.texts[:4]
    assert [("characters" in row) for row in rows] == [width == 1] * 4


def test_predict_reads_what_is_known(ocrlib: Command, trained_run: TrainedRun, pictures: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("".join(f"{text}\n" for text in trained_run.texts[:2]) + "Z\n", encoding="utf-8")
    model = ["predict", "--model", trained_run.run, "--format", "json"]
    outcome = ocrlib(*model, pictures, "--lexicon", words, "--nbest", 2)
    assert outcome.code == 0
    assert (
        outcome.stderr
        == f"{words}: 1 of 3 entries have characters that the model does not know, and are never read: Z\n"
    )
    rows = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [row["text"] for row in rows[:2]] == trained_run.texts[:2]
    for row in rows:
        assert list(row) == ["name", "text", "confidence", "probability", "language", "nbest"]
        assert {text["text"] for text in row["nbest"]} == set(trained_run.texts[:2])
        assert sum(text["confidence"] for text in row["nbest"]) == pytest.approx(1.0, abs=1e-3)
    assert rows[0]["language"] > 0.5 > rows[2]["language"]  # the third picture has none of the two

    short = max(trained_run.texts[:4], key=len)[:2]
    outcome = ocrlib(*model, pictures, "--pattern", short, "--pattern", "x{0}9?")
    assert outcome.code == 0
    assert {json.loads(line)["text"] for line in outcome.stdout.splitlines()} <= {short, "9", ""}
    outcome = ocrlib(*model, pictures, "--charset", "12", "--min-confidence", 1, "--out", tmp_path / "o.json")
    rows = [json.loads(line) for line in (tmp_path / "o.json").read_text().splitlines()]
    assert [row["text"] for row in rows] == [""] * 4
    assert all(set(row["guess"]) <= set("12") for row in rows)
    told = outcome.stdout.removeprefix(f"{tmp_path / 'o.json'}: 4 lines read; of them ").split(", ")
    assert {line.split(" ", 1)[1] for line in told[::2]} == {"not answered"}, told
    assert {line.strip() for line in told[1::2]} <= {"below 1", "of another kind"}
    assert sum(int(line.split()[0]) for line in told[::2]) == 4
    assert outcome.code == 0


def test_predict_counts_on_standard_error_what_it_does_not_answer(
    ocrlib: Command, trained_run: TrainedRun, pictures: Path
) -> None:
    outcome = ocrlib("predict", "--model", trained_run.run, pictures, "--check", "ean13", "--min-confidence", "1")
    assert outcome.code == 0
    assert [row.split("\t")[1] for row in outcome.stdout.splitlines()] == [""] * 4
    assert outcome.stderr.startswith("4 lines read; of them ")


def test_predict_reads_the_same_with_an_exported_model(
    ocrlib: Command, trained_run: TrainedRun, pictures: Path, tmp_path: Path
) -> None:
    onnx_file = tmp_path / "model.onnx"
    outcome = ocrlib("export", "--model", trained_run.run, "--format", "onnx", "--out", onnx_file)
    assert (outcome.code, outcome.stderr) == (0, "")
    rows = []
    for model in (trained_run.run, onnx_file):
        outcome = ocrlib("predict", "--model", model, pictures)
        assert (outcome.code, outcome.stderr) == (0, "")
        rows.append([line.split("\t") for line in outcome.stdout.splitlines()])
    assert [row[:2] for row in rows[0]] == [row[:2] for row in rows[1]]
    confidences = [[float(row[2]) for row in part] for part in rows]
    assert confidences[0] == pytest.approx(confidences[1], abs=2e-4)
    outcome = ocrlib("export", "--model", trained_run.run, "--out", onnx_file)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr == f"{onnx_file}: is there already; choose another --out, or remove it first\n"


def test_predict_ends_quietly_when_its_output_is_closed(tmp_path: Path) -> None:
    """As with `| head -1`, with more rows than fit into a pipe."""
    for number in range(1500):
        Image.fromarray(draw_line("7")).save(tmp_path / f"{number:04}-{'x' * 80}.png")
    command = program("-m", "ocrlib", "predict", "--model", "numeric", tmp_path)  # ONNX starts at once
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"0000-")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_predict_reads_on_past_damaged_pictures(trained_run: TrainedRun, pictures: Path, tmp_path: Path) -> None:
    """In a process of its own, so that whatever TensorFlow has to say would be seen."""
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    (folder / "text.png").write_text("not a picture")
    whole = (folder / "c.tif").read_bytes()
    (folder / "cut.tif").write_bytes(whole[: len(whole) // 2])
    outcome = run_program("-m", "ocrlib", "predict", "--model", trained_run.run, folder)
    assert outcome.code == 1
    rows = [line.split("\t")[:2] for line in outcome.stdout.splitlines()]
    assert [text for _, text in rows] == trained_run.texts[:4]
    lines = outcome.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{folder / 'cut.tif'}: cannot be read as a picture")
    assert lines[1].startswith(f"{folder / 'text.png'}: cannot be read as a picture")


def test_predict_says_how_many_pictures_were_damaged(ocrlib: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    outcome = ocrlib("predict", "--model", trained_run.run, tmp_path, "--out", tmp_path / "o.tsv")
    assert outcome.code == 1
    assert outcome.stdout == f"{tmp_path / 'o.tsv'}: 0 lines read, 1 pictures damaged\n"
    assert (tmp_path / "o.tsv").read_text() == ""


def test_predict_refuses_what_it_cannot_use_in_one_line(
    ocrlib: Command, trained_run: TrainedRun, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.keras").write_text("not a network")
    good = trained_run.run
    for arguments, message in (
        (["--model", good, tmp_path / "empty"], "the folder has no pictures"),
        (["--model", good, tmp_path / "absent"], "absent: no such file or folder"),
        (["--model", tmp_path / "absent", pictures], "absent: no such run folder, .keras or .onnx file"),
        (["--model", tmp_path / "empty", pictures], "expected a run folder with best.keras in it"),
        (["--model", tmp_path / "text.keras", pictures], "is not a network of ocrlib's"),
        (["--model", good, pictures, "--out", tmp_path / "absent" / "o.tsv"], "o.tsv: cannot be written"),
        (["--model", good], "the following arguments are required: PATH"),
        ([pictures], "the following arguments are required: --model"),
        (["--model", good, pictures, "--ou", "x"], "unrecognized arguments: --ou"),
        (["--model", good, pictures, "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["--model", good, pictures, "--beam", "0"], "argument --beam: expected a whole number from 1 to 50, not '0'"),
        (
            ["--model", good, pictures, "--beam", "51"],
            "argument --beam: expected a whole number from 1 to 50, not '51'",
        ),
        (["--model", good, pictures, "--pattern", "[0-9"], "pattern '[0-9': unterminated character set at position 0"),
        (
            ["--model", good, pictures, "--pattern", "A1"],
            "pattern 'A1': names characters that the model does not know: A",
        ),
        (["--model", good, pictures, "--pattern", "a?"], "names characters that the model does not know: a"),
        (["--model", good, pictures, "--pattern", "1(?=2)"], "pattern '1(?=2)': 'look-around'"),
        (["--model", good, pictures, "--pattern", "recipe"], "pattern 'recipe': the model carries no patterns"),
        (
            ["--model", good, pictures, "--charset", "1A"],
            "charset '1A': has characters that the model does not know: A",
        ),
        (["--model", good, pictures, "--lexicon", tmp_path / "absent"], "absent: cannot be read as a UTF-8 text"),
        (
            ["--model", good, pictures, "--check", "lun"],
            "check 'lun': there is none of that name; expected luhn, ean13",
        ),
        (
            ["--model", good, pictures, "--check", "ean13", "--pattern", "1"],
            "check 'ean13': no text that the model can",
        ),
        (
            ["--model", good, pictures, "--nbest", "0"],
            "argument --nbest: expected a whole number from 1 to 100, not '0'",
        ),
        (
            ["--model", good, pictures, "--min-confidence", "90%"],
            "argument --min-confidence: expected a number from 0 to 1, not '90%'",
        ),
        (["--model", good, pictures, "--beam", "x"], "argument --beam: expected a whole number from 1 to 50, not 'x'"),
    ):
        outcome = ocrlib("predict", *arguments)
        assert (outcome.code, outcome.stdout) == (2, ""), arguments
        assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
        assert message in outcome.stderr


# evaluate


def test_evaluate_a_dataset(ocrlib: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    outcome = ocrlib("evaluate", "--model", trained_run.run, trained_run.dataset, "--out", out)
    assert (outcome.code, outcome.stderr) == (0, "")
    folder = trained_run.dataset
    assert outcome.stdout.splitlines()[0] == f"{folder} (test): 16 lines, CER 0.00%, WER 0.00%, exact 100.00%"
    for part in ("length, characters", "expected calibration error: ", "no line is wrong", "draw more of: nothing"):
        assert f"\n{part}" in outcome.stdout
    figures = json.loads(out.read_text())
    assert figures["model"] == str(trained_run.run)
    assert figures["data"] == f"{folder} (test)"
    assert (figures["lines"], figures["exact"], figures["exact_match"], figures["cer"]) == (16, 16, 1.0, 0.0)
    assert sum(row["lines"] for row in figures["errors_by"]["length"]) == 16
    assert len(figures["reliability"]["bins"]) == 10
    assert (figures["confusions"], figures["draw_more"]) == ([], [])
    outcome = ocrlib("evaluate", "--model", trained_run.run, trained_run.dataset, "--split", "train")
    assert f"{folder} (train): 320 lines" in outcome.stdout


def test_evaluate_a_folder_of_pairs(ocrlib: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    for text in trained_run.texts[:4]:
        Image.fromarray(draw_line(text)).save(tmp_path / f"{text}.png")
        (tmp_path / f"{text}.gt.txt").write_text(text)
    outcome = ocrlib("evaluate", "--model", trained_run.run, tmp_path)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert (
        outcome.stdout.splitlines()[0]
        == f"{tmp_path}: 4 lines, quotes, dashes and spaces folded, CER 0.00%, WER 0.00%, exact 100.00%"
    )
    assert "draw more of" not in outcome.stdout  # there is no recipe to change


def test_evaluate_shows_what_was_misread(ocrlib: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for text, truth in zip(trained_run.texts[:3], [trained_run.texts[0], "wrong", trained_run.texts[2]], strict=True):
        Image.fromarray(draw_line(text)).save(folder / f"{text}.png")
        (folder / f"{text}.gt.txt").write_text(truth)
    out = tmp_path / "misses"
    outcome = ocrlib("evaluate", "--model", trained_run.run, folder, "--misses", out)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.endswith(f"\n{out}: 1 misread lines\n")
    assert "\n1 lines hold characters that the model does not know: gnorw\n" in outcome.stdout
    header, row = (out / "misses.tsv").read_text().splitlines()
    assert header == "name\ttruth\tread\tconfidence"
    assert row.split("\t")[:3] == [f"{trained_run.texts[1]}.png", "wrong", trained_run.texts[1]]
    assert Image.open(out / "misses.png").height > 32
    outcome = ocrlib("evaluate", "--model", trained_run.run, trained_run.dataset, "--misses", out)
    assert outcome.stdout.endswith(f"\n{out}: 0 misread lines\n")
    assert [path.name for path in out.iterdir()] == ["misses.tsv"]


def test_evaluate_refuses_what_it_cannot_use_in_one_line(
    ocrlib: Command, trained_run: TrainedRun, dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    good = trained_run.run
    for arguments, message in (
        ([tmp_path / "absent"], "absent: no such folder; expected a dataset"),
        ([tmp_path / "empty"], "expected pairs of NAME.png and NAME.gt.txt, found none"),
        ([tmp_path / "empty", "--split", "test"], "has no splits, it is no dataset; leave out --split"),
        ([dataset, "--split", "validation"], "has no samples in split 'validation'"),
        ([dataset, "--out", tmp_path / "absent" / "o.json"], "o.json: cannot be written"),
        ([dataset, "--misses", tmp_path / "absent" / "misses"], "misses: cannot be written"),
        ([dataset, "--misses", good / "config.json"], "config.json: cannot be written"),
        (
            [dataset, "--misses", good],
            "run: expected a new folder, an empty one, or one of misses; best.keras is in it",
        ),
    ):
        outcome = ocrlib("evaluate", "--model", good, *arguments)
        assert outcome.code == 2, arguments
        assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
        assert message in outcome.stderr


# verify


def test_verify_passes_a_good_dataset(ocrlib: Command, dataset: Path) -> None:
    outcome = ocrlib("verify", dataset)
    assert outcome.code == 0
    assert outcome.stdout == f"{dataset}: 3 shards as the manifest says\n"


@pytest.mark.parametrize("file_format", ["tfrecord", "h5"])
def test_verify_finds_a_flipped_byte(file_format: str, ocrlib: Command, dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    path = copy / f"train-00001-of-00002.{file_format}"
    flip_byte(path, path.stat().st_size // 2)
    outcome = ocrlib("verify", copy)
    assert outcome.code == 1
    assert f"{path}: its bytes changed since it was written" in outcome.stderr
    assert f"{copy}: 1 problem in 3 shards" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_verify_refuses_what_is_no_dataset_in_one_line(ocrlib: Command, tmp_path: Path) -> None:
    for folder, message in (
        (tmp_path, "is no dataset: it has no manifest.json"),
        (tmp_path / "absent", "no such folder"),
    ):
        outcome = ocrlib("verify", folder)
        assert outcome.code == 2
        assert len(outcome.stderr.splitlines()) == 1
        assert message in outcome.stderr


# The command line itself


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["predicte"], "invalid choice: 'predicte'"),
        (["verify"], "the following arguments are required: dataset"),
        (["verify", "d", "--rerender", "many"], "argument --rerender: expected a whole number, not 'many'"),
    ],
)
def test_a_wrong_command_is_answered_in_one_line(arguments: list[str], message: str, ocrlib: Command) -> None:
    outcome = ocrlib(*arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert len(outcome.stderr.splitlines()) == 1
    assert message in outcome.stderr
    assert "--help" in outcome.stderr


def test_a_closed_standard_output_ends_the_program_quietly(tmp_path: Path) -> None:
    program = "from ocrlib.arguments import run_main\nrun_main(lambda: print('line\\n' * 100_000), 'stopped')"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.read(4)
    child.stdout.close()
    assert (child.wait(), child.stderr.read()) == (0, b"")


def test_help_names_the_commands(ocrlib: Command) -> None:
    outcome = ocrlib("--help")
    assert outcome.code == 0
    for command in ("predict", "evaluate", "export", "verify"):
        assert command in outcome.stdout


def test_a_full_disk_is_one_line(ocrlib: Command, trained_run: TrainedRun, pictures: Path) -> None:
    command = program("-m", "ocrlib", "predict", "--model", trained_run.run, pictures)
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["No space left on device; nothing was changed"]


def test_no_workers_are_refused(ocrlib: Command, dataset: Path) -> None:
    outcome = ocrlib("verify", dataset, "--repair", "--workers", "0")
    assert outcome.code == 2
    assert "argument --workers: expected at least 1, not '0'" in outcome.stderr


def test_a_file_name_that_standard_output_cannot_encode_is_written_out(pictures: Path, tmp_path: Path) -> None:
    for name in ("ä€.png", os.fsdecode(b"bad\xff.png")):
        shutil.copy(pictures / "a.png", tmp_path / name)
    done = subprocess.run(
        program("-m", "ocrlib", "predict", "--model", "numeric", tmp_path),
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    names = [row.split("\t")[0] for row in done.stdout.decode("ascii").splitlines()]
    assert names == ["bad\\udcff.png", "\\xe4\\u20ac.png"]
