"""Kills a run of the factory again and again, and resumes it: `python -m tests.benchmarks.bench_faults --kills 50`.

SIGKILL of the parent, SIGKILL of one worker, SIGINT (to the whole group, as a terminal sends it) and SIGTERM take turns
at random moments: some after a time, to hit the start, most after a number of finished shards. In the end every shard
must have the bytes of an undisturbed run, and nothing may be left over: no temporary file, no `.work`, no process.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.generating import TINY, command, leftovers, shard_hashes

KINDS = ("SIGKILL parent", "SIGKILL worker", "SIGINT", "SIGTERM")
# 1 is the script's own code; a negative one means that the signal came before the script had installed its handler.
EXIT_CODES = {"SIGKILL parent": {-9}, "SIGKILL worker": {None}, "SIGINT": {1, -2}, "SIGTERM": {1, -15}}
SIZES = ("--splits.train", 600, "--splits.val", 40, "--splits.test", 40, "--output.shard_samples", 20)
NUM_SHARDS = 34
TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """One kill: its kind, the time since its run began, the number of finished shards, and how the run ended."""

    kind: str
    after_s: float
    shards_done: int
    code: int | None  # None: the run continued


@dataclass(kw_only=True)
class Trial:
    """A dataset made under kills, and what was wrong in the end."""

    disturbances: list[Disturbance] = field(default_factory=list)
    runs: int = 0
    finished: int = 0
    faults: list[str] = field(default_factory=list)


def disturb(recipe: Path, out: Path, wanted: dict[str, str], num_kills: int, seed: int = 0) -> Trial:
    """Makes `out` with num_kills kills and resumes after each; starts again if it is finished before the last kill.

    Args:
      wanted: {file name: SHA-256} of an undisturbed run.
    """
    rng, trial = random.Random(seed), Trial()
    while len(trial.disturbances) < num_kills:
        _one_run(recipe, out, rng, num_kills, trial)
        if (out / "manifest.json").exists() and len(trial.disturbances) < num_kills:
            _finish(recipe, out, wanted, trial)
            shutil.rmtree(out)
    _finish(recipe, out, wanted, trial)
    return trial


def _one_run(recipe: Path, out: Path, rng: random.Random, num_kills: int, trial: Trial) -> None:
    """Starts the script and sends signals until it ends or `num_kills` are done."""
    started = time.monotonic()
    run = _start(recipe, out)
    trial.runs += 1
    while len(trial.disturbances) < num_kills:
        _await_moment(run, out, rng)
        if run.poll() is not None:
            break  # the run ended before the signal
        kind = KINDS[len(trial.disturbances) % len(KINDS)]
        after_s, shards_done = time.monotonic() - started, _shards_done(out)
        code = _strike(run, kind, rng)
        if code == "missed":
            continue
        trial.disturbances.append(Disturbance(kind=kind, after_s=after_s, shards_done=shards_done, code=code))
        # 0: the run had just ended when the signal came.
        if code not in EXIT_CODES[kind] | {0}:
            trial.faults.append(f"{kind} after {after_s:.2f} s: exit code {code}: {_stderr(run)[-300:]}")
        if code is not None:
            break
    code = run.wait(TIMEOUT_S)
    struck_down = bool(trial.disturbances) and trial.disturbances[-1].code == code
    if code != 0 and not struck_down:
        trial.faults.append(f"a run ended by itself with {code}: {_stderr(run)[-300:]}")


def _await_moment(run: subprocess.Popen, out: Path, rng: random.Random) -> None:
    """Waits for a random moment, or for the end of the run."""
    by_clock = rng.random() < 0.25
    target = 0 if by_clock else rng.randint(_shards_done(out), NUM_SHARDS)
    while run.poll() is None and _shards_done(out) < target:
        time.sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(rng.uniform(0, 2.0 if by_clock else 0.2))


def _shards_done(out: Path) -> int:
    return len(list(out.glob(".work/*-0*.json")))


def _start(recipe: Path, out: Path) -> subprocess.Popen:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process; a pipe could fill up
    run = subprocess.Popen(
        command(recipe, "--out", out, "--workers", 2, *SIZES),
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
    )
    run.stderr = log  # type: ignore[assignment]
    return run


def _stderr(run: subprocess.Popen) -> str:
    assert run.stderr is not None
    run.stderr.seek(0)
    return run.stderr.read().decode().replace("\r", "\n")


def _strike(run: subprocess.Popen, kind: str, rng: random.Random) -> int | str | None:
    """Sends one signal; returns the exit code, None if the run continues, or "missed" if there was no worker to kill."""
    if kind == "SIGKILL worker":
        workers = worker_pids(run.pid)
        if not workers:
            return "missed"
        os.kill(rng.choice(workers), signal.SIGKILL)
        return None
    if kind == "SIGKILL parent":
        run.kill()
    elif kind == "SIGINT":
        os.killpg(run.pid, signal.SIGINT)
    else:
        run.terminate()
    return run.wait(TIMEOUT_S)


def worker_pids(parent: int) -> list[int]:
    """The running worker processes of a factory's parent process."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    except OSError:  # a worker ended in the meantime
        return []


def _finish(recipe: Path, out: Path, wanted: dict[str, str], trial: Trial) -> None:
    run = _start(recipe, out)
    trial.runs += 1
    if run.wait(TIMEOUT_S) != 0:
        trial.faults.append(f"the last run failed: {_stderr(run)[-300:]}")
        return
    trial.finished += 1
    if shard_hashes(out) != wanted:
        trial.faults.append("the shards are not those of the undisturbed run")
    if leftovers(out):
        trial.faults.append(f"left over: {', '.join(leftovers(out))}")


def undisturbed(recipe: Path, out: Path) -> dict[str, str]:
    """Makes the dataset without any kill; returns {file name: SHA-256}."""
    run = _start(recipe, out)
    if run.wait(TIMEOUT_S) != 0:
        raise RuntimeError(f"the undisturbed run failed: {_stderr(run)}")
    return shard_hashes(out)


def _table(trial: Trial) -> str:
    lines = [f"{'disturbance':<16}{'count':>6}{'after, s':>14}{'shards done':>14}   exit codes"]
    for kind in KINDS:
        disturbances = [disturbance for disturbance in trial.disturbances if disturbance.kind == kind]
        if not disturbances:
            continue
        times, done = (
            [disturbance.after_s for disturbance in disturbances],
            [disturbance.shards_done for disturbance in disturbances],
        )
        codes = Counter(
            "went on" if disturbance.code is None else str(disturbance.code) for disturbance in disturbances
        )
        lines.append(
            f"{kind:<16}{len(disturbances):>6}{f'{min(times):.1f} to {max(times):.1f}':>14}"
            f"{f'{min(done)} to {max(done)}':>14}   {', '.join(f'{code} ({n})' for code, n in codes.most_common())}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs everything in a temporary folder and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "tiny.toml")
        recipe.write_text(TINY)
        started = time.monotonic()
        wanted = undisturbed(recipe, Path(folder, "undisturbed"))
        print(f"undisturbed: {len(wanted)} files in {time.monotonic() - started:.1f} s")
        trial = disturb(recipe, Path(folder, "disturbed"), wanted, arguments.kills, arguments.seed)
    print(_table(trial))
    print(f"{len(trial.disturbances)} disturbances, {trial.runs} runs, finished {trial.finished} times")
    print("\n".join(trial.faults) or "every hash equals the undisturbed run's; nothing left over")
    return 1 if trial.faults else 0


if __name__ == "__main__":
    sys.exit(main())
