"""A training that is killed again and again, or whose disk is full, beside one that runs through.

`python -m tests.hostile.kills` tries 30 kills and 5 full disks, and prints what came out wrong. A process that has
imported TensorFlow forks each attempt, because the import costs as much as the training. An attempt dies at a change
of its run folder that is drawn by chance: a file that is opened, renamed or deleted, a folder that is made.
"""

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ocrlib.private import import_keras

import_keras()
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402 - not by `ocrlib.backend`: a process whose TensorFlow has worked cannot fork

from ocrlib import config  # noqa: E402
from ocrlib.arguments import run_main  # noqa: E402
from ocrlib.training.settings import RunConfig  # noqa: E402
from tests.training_fixtures import numbers, write_dataset  # noqa: E402

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"}
SETTINGS: dict[str, dict[str, Any]] = {
    "data": {"batch_size": 4},
    "train": {"epochs": 3, "precision": "float32", "save_minutes": 1e-9},  # a place after each batch
    "model": {"filters": 0.25, "stride": 4},
}
Fault = Literal["kill", "full", "none"]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How an attempt was disturbed, and how it ended.

    Attributes:
      run: its folder.
      fault, moment: what happened at which change of the run folder, counted from 1.
      status: the exit code, or minus the signal.
      stderr: what it said, without progress bars.
      epochs: of the rows in history.csv afterwards.
    """

    run: str
    fault: Fault
    moment: int
    status: int
    stderr: list[str]
    epochs: list[int]


def attempt(dataset: Path, run: Path, fault: Fault, moment: int) -> Attempt:
    """Trains in a forked process, which is disturbed at that change of the run folder; resumes where a run was begun."""
    reader, writer = os.pipe()  # a pipe is never full as a disk is
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 2)
        nobody, output = os.pipe()
        os.dup2(output, 1)
        os.close(output)
        os.close(nobody)  # as `train | true` does: what is printed breaks, and must not stop the training
        os.close(reader)
        os.close(writer)
        # Made anew: the objects remember whether what they wrote to before was a file.
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        try:
            _train(dataset, run, fault, moment)
        except SystemExit as ended:
            os._exit(int(ended.code or 0))
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(99)
    os.close(writer)
    with open(reader, errors="replace") as pipe:
        lines = pipe.read().replace("\r", "\n").splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    told = [line for line in lines if line.strip() and "batch " not in line]
    return Attempt(run=run.name, fault=fault, moment=moment, status=status, stderr=told, epochs=_epochs(run))


def _train(dataset: Path, run: Path, fault: Fault, moment: int) -> None:
    from ocrlib.training.trainer import train  # in the child: TensorFlow begins to work

    tf.config.run_functions_eagerly(True)  # building graphs takes longer than these few steps
    warnings.simplefilter("ignore")  # TensorFlow says so
    count = 0

    def disturb(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in EVENTS or not str(arguments[0]).startswith(str(run)):
            return
        count += 1
        if count == moment and fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if count == moment and fault == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    sys.addaudithook(disturb)
    settings = config.build(RunConfig, SETTINGS, {}, "the test")
    sys.argv = ["train"]
    resume = (run / "config.json").exists()
    try:
        run_main(lambda: train([dataset], run, settings, resume=resume) and None, "resume it")
    finally:
        run.with_suffix(".count").write_text(str(count)) if fault == "none" else None


def _epochs(run: Path) -> list[int]:
    path = run / "history.csv"
    return [int(line.split(",")[0]) for line in path.read_text().splitlines()[1:]] if path.exists() else []


def faults_of(unbroken: Attempt, broken: list[Attempt], folder: Path) -> list[str]:
    """What is wrong: an attempt that did not go on, an epoch twice or missing, other weights than those of no fault."""
    faults = [
        f"{attempt}: epochs"
        for attempt in (unbroken, *broken)
        if attempt.epochs != list(range(1, len(attempt.epochs) + 1))
    ]
    for attempt in broken:
        good = {
            0: attempt.stderr == [] and len(attempt.epochs) == SETTINGS["train"]["epochs"],
            1: attempt.fault == "full" and len(attempt.stderr) == 1 and attempt.stderr[0].endswith("resume it"),
            -signal.SIGKILL: attempt.fault == "kill",
        }
        faults += [] if good.get(attempt.status) else [str(attempt)]
    wanted, names = _last_weights(folder / "unbroken"), _names(folder / "unbroken")
    for run in sorted({attempt.run for attempt in broken if attempt.status == 0}):
        found = _last_weights(folder / run)
        if found.keys() != wanted.keys() or not all(np.array_equal(found[key], wanted[key]) for key in wanted):
            faults.append(f"{run}: other weights than those of a run without a fault")
        if _names(folder / run) != names:
            faults.append(f"{run}: has {_names(folder / run) ^ names}")
    return faults


def _last_weights(run: Path) -> dict[str, np.ndarray]:
    (path,) = (run / "last").glob("weights-*")
    with np.load(path) as saved:
        return dict(saved)


def _names(run: Path) -> set[str]:
    return {path.name for path in run.iterdir()}


def main() -> int:
    """Arguments -> a training that runs through, and others with so many faults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--full", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        splits = {"train": numbers(8, seed=1, longest=2), "val": numbers(2, seed=2), "test": numbers(2, seed=3)}
        dataset = write_dataset(folder / "digits", splits, formats=["hdf5"])
        unbroken = attempt(dataset, folder / "unbroken", "none", 0)
        assert unbroken.status == 0, unbroken
        num_events = int((folder / "unbroken.count").read_text())
        rng = random.Random(arguments.seed)
        faults: list[Fault] = [*["kill"] * arguments.kills, *["full"] * arguments.full]  # type: ignore[list-item]
        rng.shuffle(faults)
        broken: list[Attempt] = []
        number, left = 0, len(faults)
        while left or broken[-1].status:
            fault = faults[left - 1] if left else "none"
            # Early moments, so that most runs are disturbed several times.
            tried = attempt(dataset, folder / f"broken-{number}", fault, rng.randint(1, num_events // 3))
            broken.append(tried)
            number += tried.status == 0  # finished: the next fault has a run of its own
            left -= tried.status != 0  # a run that was finished before the moment came was not disturbed
        wrong = faults_of(unbroken, broken, folder)
    print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{len(faults)} faults in {number} runs at chance of {num_events // 3} moments: {len(wrong)} came out wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
