"""A training that is killed again and again, or whose disk is full, beside one that runs through.

`python -m tests.hostile.kills FOLDER --kills 30 --full 5` prints how each attempt ended, as JSON. A process that has
imported TensorFlow forks each attempt, because the import costs as much as the training. An attempt dies at a change
of its run folder that is drawn by chance: a file that is opened, renamed or deleted, a folder that is made.
"""

import argparse
import json
import os
import random
import resource
import signal
import sys
import traceback
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ocrlib.private import import_keras

import_keras()
import tensorflow as tf  # noqa: E402 - not by `ocrlib.backend`: a process whose TensorFlow has worked cannot fork

from ocrlib import config  # noqa: E402
from ocrlib.arguments import run_main  # noqa: E402
from ocrlib.training.settings import RunConfig  # noqa: E402
from tests.training_fixtures import numbers, write_dataset  # noqa: E402

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"}
SETTINGS = {
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
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


def main() -> None:
    """Arguments -> a training that runs through, and one with so many faults; prints both as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--full", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    splits = {"train": numbers(16, seed=1, longest=2), "val": numbers(2, seed=2), "test": numbers(2, seed=3)}
    dataset = write_dataset(arguments.folder / "digits", splits, formats=["hdf5"])
    attempts: dict[str, list[Attempt]] = {"unbroken": [attempt(dataset, arguments.folder / "unbroken", "none", 0)]}
    assert attempts["unbroken"][0].status == 0, attempts
    num_events = int((arguments.folder / "unbroken.count").read_text())
    rng = random.Random(arguments.seed)
    faults: list[Fault] = [*["kill"] * arguments.kills, *["full"] * arguments.full]  # type: ignore[list-item]
    rng.shuffle(faults)
    attempts["broken"], number = [], 0
    for fault in [*faults, None]:
        run = arguments.folder / f"broken-{number}"
        # Early moments, so that most runs are disturbed several times.
        tried = attempt(dataset, run, fault or "none", rng.randint(1, num_events // 3) if fault else 0)
        attempts["broken"].append(tried)
        number += tried.status == 0  # finished: the next fault has a run of its own
    print(json.dumps({"events": num_events} | {name: [asdict(a) for a in of] for name, of in attempts.items()}))


if __name__ == "__main__":
    main()
