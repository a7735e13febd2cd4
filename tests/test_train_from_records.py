"""`train_from_records.py` as a user runs it: begun, stopped, resumed, and refused in one line."""

import csv
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from ocrlib import invocation
from ocrlib.arguments import run_main
from ocrlib.commands.train import _tell
from ocrlib.errors import UserError
from tests.programs import ROOT, TIMEOUT_S, Outcome, program, run_program, wait_for
from tests.training_fixtures import numbers, write_dataset

SCRIPT = ROOT / "train_from_records.py"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 lines for training: enough batches of 2 to stop a run between them."""
    splits = {"train": numbers(240, seed=1), "val": numbers(10, seed=2), "test": numbers(10, seed=3)}
    return write_dataset(tmp_path_factory.mktemp("training") / "digits", splits)


def stopped_training(*arguments: object, place: Path) -> Outcome:
    """Runs the script and sends it SIGTERM as soon as it has saved a place."""
    process = subprocess.Popen(program(SCRIPT, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: place.exists() or process.poll() is not None, TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    return Outcome(code=process.returncode, stdout=stdout, stderr=stderr)


def test_a_training_that_is_stopped_and_resumed_leaves_all_it_promises(dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [dataset, "--run", run, "--init", "none", "--train.epochs", 1, "--data.batch_size", 2]
    command += ["--train.save_minutes", 0.02]
    outcome = stopped_training(*command, place=run / "last" / "state.json")
    assert outcome.code == 1
    assert outcome.messages == ["stopped; to go on, run the same command again, with --resume if the run folder exists"]
    state = json.loads((run / "last" / "state.json").read_text())
    assert state["epoch"] == 0
    assert state["batch"] > 0
    assert not (run / "best.keras").exists()

    outcome = run_program(SCRIPT, "--run", run, "--resume")  # the rest is in config.json
    assert outcome.code == 0
    assert outcome.messages == []  # standard error has progress bars only
    assert json.loads((run / "last" / "state.json").read_text())["epoch"] == 1
    first, *_, result, where, following = outcome.stdout.splitlines()
    assert first.startswith("epoch 1: loss ")
    metrics = json.loads((run / "metrics.json").read_text())
    (figures,) = metrics["datasets"].values()
    assert (metrics["split"], figures["lines"]) == ("test", 10)
    assert result == (
        f"{dataset} (test): exact match {figures['exact_match']:.2%}, CER {figures['cer']:.2%} on 10 lines"
    )
    assert where.startswith(f"run: {run} ")
    assert following == f"next: {invocation.command('predict', '--model', run, 'FOLDER_OF_IMAGES')}"

    written = json.loads((run / "config.json").read_text())
    fingerprint = json.loads((dataset / "manifest.json").read_text())["fingerprint"]
    assert [entry["fingerprint"] for entry in written["datasets"]] == [fingerprint]
    assert written["config"]["data"]["batch_size"] == 2
    with open(run / "history.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]
    assert (run / "best.keras").stat().st_size > 100_000
    assert list(run.glob("tensorboard/train/events.out.tfevents.*"))
    with Image.open(run / "predictions" / "epoch-001.png") as strip:
        strip.load()
        assert strip.height == 10 * (32 + 44)  # all ten validation lines
    assert {path.name for path in (run / "last").iterdir()} == {"state.json", "weights-0001-0000000.npz"}


def metrics_of(cer: float, **more: object) -> dict[str, object]:
    """What a training returns whose reader has that CER."""
    figures = {"exact_match": 1 - cer, "cer": cer, "lines": 20}
    return {"split": "test", "reads": cer <= 0.3, "datasets": {"d": figures | more}}


def test_a_run_that_reads_says_what_each_figure_is_of(capsys: pytest.CaptureFixture[str]) -> None:
    font = {"exact_match": 0.5, "cer": 0.25}
    metrics = metrics_of(0.25, known_fonts=font, heldout_fonts=font)
    figures = {"cer": 0.01, "exact_match": 0.9}
    metrics["replay"] = {"before": {"old": figures}, "after": {"old": {"cer": 0.02, "exact_match": 0.8}}}
    _tell(metrics, Path("runs/r"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "  known_fonts, lines in fonts that it learned from: exact match 50.00%, CER 25.00%",
        "  heldout_fonts, lines in fonts that only the test has: exact match 50.00%, CER 25.00%",
        "old (what the model had learned before): CER 2.00%, before 1.00%; exact match 80.00%, before 90.00%",
    ]
    assert lines[-1].startswith("next: ")


def test_a_run_that_does_not_read_yet_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    _tell(metrics_of(0.9), Path("runs/r"))
    out = capsys.readouterr().out
    assert "it does not read yet. runs/r/predictions shows" in out
    assert "--train.steps 20000" in out
    assert "next:" not in out


@pytest.fixture
def without_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a program imports TensorFlow or Keras, which takes seconds, it ends with another exit code than 2."""
    for name in ("tensorflow", "keras"):
        (tmp_path / "poison").mkdir(exist_ok=True)
        (tmp_path / "poison" / f"{name}.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "poison"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train.epoch", "3"], "--train.epoch: [train] has no key 'epoch'; did you mean 'epochs'?"),
        (["--trian.epochs", "3"], "has no key 'trian'; did you mean 'train'?"),
        (["--train.epochs", "many"], '--train.epochs: [train] epochs must be a valid integer, not "many"'),
        (["--train.epochs", "0"], "--train.epochs: [train] epochs must be greater than or equal to 1, not 0"),
        (["--train.optimizer", "adm"], "--train.optimizer: [train] optimizer must be 'adam', 'adamw' or 'sgd'"),
        (["--resum"], "unrecognized arguments: --resum"),
        (["--data.mix", "datasets/numeric=0.5"], "expected datasets, or --data.mix with datasets and weights"),
        (["--data.mix", "datasets/numeric=-1"], "expected DATASET=WEIGHT with a weight above 0"),
    ],
)
@pytest.mark.usefixtures("without_tensorflow")
def test_a_typo_costs_no_seconds(arguments: list[str], message: str, dataset: Path, tmp_path: Path) -> None:
    outcome = run_program(SCRIPT, dataset, "--run", tmp_path / "run", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert len(outcome.stderr.splitlines()) == 1
    assert message in outcome.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("without_tensorflow")
def test_help_lists_every_setting() -> None:
    outcome = run_program(SCRIPT, "--help")
    assert outcome.code == 0
    assert "\n  --train.patience 5\n" in outcome.stdout
    assert "\n  --model.encoder (conv, wide, lstm, dilated)\n" in outcome.stdout
    assert (
        "\n  --data.limit 0\n      At most this many training lines of each dataset" in outcome.stdout
    )  # of a base class


@pytest.mark.usefixtures("without_tensorflow")
def test_the_run_must_be_named(dataset: Path) -> None:
    outcome = run_program(SCRIPT, dataset)
    assert outcome.code == 2
    assert outcome.stderr.splitlines() == [
        "train_from_records.py: the following arguments are required: --run; see train_from_records.py --help"
    ]


@pytest.mark.usefixtures("without_tensorflow")
def test_a_folder_that_is_no_dataset_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    outcome = run_program(SCRIPT, tmp_path / "folder", "--run", tmp_path / "run")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.splitlines() == [f"{tmp_path / 'folder'}: is no dataset: it has no manifest.json"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("raised", "code", "stderr"),
    [
        (UserError("d: is no dataset"), 2, "d: is no dataset\n"),
        (FloatingPointError("the loss is not finite for samples [a]"), 1, "the loss is not finite for samples [a]\n"),
        (KeyboardInterrupt(), 1, "\nstopped; come again\n"),
        (None, 0, ""),
    ],
)
def test_exit_codes(raised: BaseException | None, code: int, stderr: str, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        if raised is not None:
            raise raised

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        run_main(main, "come again")
    signal.signal(signal.SIGTERM, before)
    assert ended.value.code == code
    assert capsys.readouterr().err == stderr


def test_sigterm_counts_as_an_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        run_main(lambda: os.kill(os.getpid(), signal.SIGTERM), "come again")
    signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 1
    assert "stopped; come again" in capsys.readouterr().err
