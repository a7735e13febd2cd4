"""Several devices, and several machines, learn what one device learns from the same batches."""

import json
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrlib import config
from ocrlib.backend import tf
from ocrlib.errors import UserError
from ocrlib.training import devices
from ocrlib.training.devices import open_devices
from ocrlib.training.machines import Machines
from ocrlib.training.run_folder import check_resumable
from ocrlib.training.settings import RunConfig
from ocrlib.training.trainer import train
from tests.programs import ROOT, TIMEOUT_S, program
from tests.training_fixtures import numbers, write_dataset

# 13 lines in batches of 4 or so: parts of unequal size, and batches of one line, which is fewer than devices.
SETTINGS = {
    "train.epochs": 2,
    "train.optimizer": "sgd",  # adam would make a step of an ordinary size out of a difference of 1e-9
    "train.save_minutes": 1e-6,
    "data.batch_size": 4,
    "model.build": "tests.training.tiny:build",
}
TRAIN = f"""
import sys
from ocrlib.arguments import run_main
from ocrlib.commands.train import train_reader
from tests.training.tiny import die_in_step
if sys.argv[1] != "never":
    die_in_step(int(sys.argv[1]))
settings = {[word for key, value in SETTINGS.items() for word in (f"--{key}", str(value))]!r}
run_main(lambda: train_reader([*sys.argv[2:], "--init", "none", *settings]), "stopped")
"""
BOTH = f"""
import sys
import ocrlib
for run, devices in ((sys.argv[2], 2), (sys.argv[3], 1)):  # in this order: TensorFlow takes devices only at its start
    ocrlib.train(sys.argv[1], run, init="none", settings={SETTINGS!r} | {{"train.devices": devices}})
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    splits = {"train": numbers(13, seed=1), "val": numbers(5, seed=2), "test": numbers(5, seed=3)}
    return write_dataset(tmp_path_factory.mktemp("devices") / "digits", splits)


@pytest.fixture(scope="module")
def runs(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on two logical CPUs, and one on a single device."""
    folder = tmp_path_factory.mktemp("runs")
    two, one = folder / "two", folder / "one"
    done = subprocess.run(program("-c", BOTH, dataset, two, one), cwd=ROOT, capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr.decode()
    assert b"WARNING" not in done.stderr
    return two, one


def files(run: Path) -> set[str]:
    """The names in a run folder; those of TensorBoard hold the time."""
    return {str(path.relative_to(run)) for path in run.rglob("*") if "tfevents" not in path.name}


def assert_learned_the_same(left: Path, right: Path) -> None:
    """Checks weights, optimizer and history; the times differ."""
    (first,), (second,) = left.glob("last/weights-*.npz"), right.glob("last/weights-*.npz")
    with np.load(first) as a, np.load(second) as b:
        assert set(a.files) == set(b.files) and len(a.files) > 10
        for name in a.files:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-4, atol=5e-5, err_msg=name)
    rows = [np.genfromtxt(run / "history.csv", delimiter=",", names=True) for run in (left, right)]
    for name in set(rows[0].dtype.names) - {"minutes", "loss"}:
        np.testing.assert_allclose(rows[0][name], rows[1][name], rtol=1e-4, err_msg=name)
    # Of an epoch that was resumed, the loss is that of its rest.
    np.testing.assert_allclose(rows[0]["loss"][-1], rows[1]["loss"][-1], rtol=1e-4)


def test_two_devices_learn_what_one_learns(runs: tuple[Path, Path]) -> None:
    two, one = runs
    assert_learned_the_same(two, one)
    assert files(two) == files(one)
    assert json.loads((two / "config.json").read_text())["config"]["train"]["devices"] == 2


def start_workers(folder: Path, die: str, *arguments: object, each: Sequence[Sequence[object]] = ((), ())) -> list[Any]:
    """Starts two workers on this machine, the second of which may be killed in a step; each has arguments of its own."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{opened.getsockname()[1]}" for opened in sockets]
    for opened in sockets:
        opened.close()
    (folder / "train.py").write_text(TRAIN)
    started = []
    for index, dies in enumerate(("never", die)):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        command = ["env", f"TF_CONFIG={json.dumps(task)}", f"PYTHONPATH={ROOT}"]
        command += program(folder / "train.py", dies, *arguments, *each[index])
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    return started


def test_two_machines_learn_what_one_learns_and_go_on_after_one_was_killed(
    runs: tuple[Path, Path], dataset: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    chief, worker = start_workers(tmp_path, "2", dataset, "--run", run)
    _, told = chief.communicate(timeout=TIMEOUT_S)
    worker.communicate(timeout=TIMEOUT_S)
    assert worker.returncode == -9
    assert chief.returncode == 1, told.decode()
    lines = [line for line in told.decode().splitlines() if line.strip() and "batch" not in line]
    assert lines == ["worker 0: another worker of TF_CONFIG was lost; start all of them again with --resume"]
    assert json.loads((run / "last" / "state.json").read_text())["batch"] > 0

    chief, worker = start_workers(tmp_path, "never", dataset, "--run", run, "--resume")
    said, told = chief.communicate(timeout=TIMEOUT_S)
    assert chief.returncode == 0, told.decode()
    assert f"run: {run}" in said.decode()
    said, told = worker.communicate(timeout=TIMEOUT_S)
    assert worker.returncode == 0, told.decode()
    assert f"worker 1 of 2 is done; worker 0 writes {run}" in said.decode()
    assert_learned_the_same(run, runs[1])
    assert files(run) == files(runs[1])


def test_machines_with_other_data_or_another_command_are_refused(dataset: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", {"train": numbers(13, seed=4), "val": numbers(5, seed=2)})
    lines = [f"worker {index}: the workers of TF_CONFIG have other datasets, settings" for index in range(2)]
    workers = start_workers(tmp_path, "never", "--run", tmp_path / "run", each=[[dataset], [other, "--train.seed", 5]])
    for worker, line in zip(workers, lines, strict=True):
        _, told = worker.communicate(timeout=TIMEOUT_S)
        assert (worker.returncode, told.decode().strip()) == (
            2,
            f"{line}; give the same command to each of them, and the same datasets",
        )
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_run_may_go_on_with_other_devices(tmp_path: Path) -> None:
    begun, now = ({"config": {"train": {"devices": number, "epochs": 2}}} for number in (2, "all"))
    (tmp_path / "config.json").write_text(json.dumps(begun))
    check_resumable(tmp_path, now)
    now["config"]["train"]["epochs"] = 3
    with pytest.raises(UserError, match=r"\(train.epochs 2 then, 3 now\)"):
        check_resumable(tmp_path, now)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "true"])
def test_devices_are_a_number_or_all(text: str) -> None:
    with pytest.raises(UserError, match="--train.devices: .* must be a whole number from 1 on, or all, not"):
        config.build(RunConfig, {}, {"train.devices": text}, "the test")
    assert config.build(RunConfig, {}, {"train.devices": "all"}, "the test").train.devices == "all"


def test_machines_do_not_measure_how_long_a_step_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workers = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(workers))
    asked = config.build(RunConfig, {}, {"train.minutes": "1"}, "the test")
    with pytest.raises(UserError, match="--train.minutes: every machine would measure other steps"):
        train([], tmp_path / "run", asked)


@pytest.mark.parametrize(("asked", "there"), [(8, 2), (3, 2), (2, 1)])
def test_more_devices_than_there_are_is_told_in_a_line(asked: int, there: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "num_cores", lambda: there)
    with pytest.raises(UserError) as raised:
        open_devices(asked, Machines())
    assert str(raised.value) == (
        f"--train.devices {asked}: this machine has {there} logical CPUs, and no GPU; give {there} or fewer, or all"
    )


def test_a_machine_without_a_gpu_is_one_device_among_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow would take one and say nothing."""
    monkeypatch.setattr(devices, "num_cores", lambda: 4)
    with pytest.raises(UserError, match="^--train.devices 2: of several machines, each without a GPU is one device; "):
        open_devices(2, Machines(count=2, index=0))


def test_one_device_needs_no_strategy_and_more_come_too_late_for_a_busy_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tf.constant(1)
    monkeypatch.setattr(devices, "num_cores", lambda: 1)
    assert open_devices(1, Machines()) is None
    assert open_devices("all", Machines()) is None
    monkeypatch.setattr(devices, "num_cores", lambda: 2)
    with pytest.raises(UserError, match="--train.devices all: TensorFlow is in use already"):
        open_devices("all", Machines())
