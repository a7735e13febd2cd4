"""Kills a run of the factory again and again, and resumes it: `python -m tests.benchmarks.bench_faults --kills 50`.

SIGKILL of the parent, SIGKILL of one worker, SIGINT (to all, as a terminal sends it) and SIGTERM take turns at
random moments: some by the clock, to hit the start, most by the number of shards done. In the end every shard must have the bytes of a run that nobody disturbed, and nothing may be
left over: no temporary file, no `.work`, no process.
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
# 1 is the script's own; the signal itself, where it arrives before the script has taken over.
EXIT_CODES = {"SIGKILL parent": {-9}, "SIGKILL worker": {None}, "SIGINT": {1, -2}, "SIGTERM": {1, -15}}
SIZES = ("--splits.train", 600, "--splits.val", 40, "--splits.test", 40, "--output.shard_samples", 20)
NUM_SHARDS = 34
TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class Blow:
    """One disturbance: what, how long after its run began, how many shards were done, how the run ended."""

    kind: str
    after_s: float
    shards_done: int
    code: int | None  # None: the run went on


@dataclass(kw_only=True)
class Ordeal:
    """A dataset made under blows, and what was wrong in the end."""

    blows: list[Blow] = field(default_factory=list)
    runs: int = 0
    finished: int = 0
    faults: list[str] = field(default_factory=list)


def torment(recipe: Path, out: Path, wanted: dict[str, str], num_kills: int, seed: int = 0) -> Ordeal:
    """Makes `out` under num_kills blows, resuming after each; starts over whenever it gets done before the last.

    Args:
      wanted: {file name: SHA-256} of an undisturbed run.
    """
    rng, ordeal = random.Random(seed), Ordeal()
    while len(ordeal.blows) < num_kills:
        _one_run(recipe, out, rng, num_kills, ordeal)
        if (out / "manifest.json").exists() and len(ordeal.blows) < num_kills:
            _finish(recipe, out, wanted, ordeal)
            shutil.rmtree(out)
    _finish(recipe, out, wanted, ordeal)
    return ordeal


def _one_run(recipe: Path, out: Path, rng: random.Random, num_kills: int, ordeal: Ordeal) -> None:
    """Starts the script and strikes until it is down, done, or struck often enough."""
    started = time.monotonic()
    run = _start(recipe, out)
    ordeal.runs += 1
    while len(ordeal.blows) < num_kills:
        _await_moment(run, out, rng)
        if run.poll() is not None:
            break  # it was faster than the blow
        kind = KINDS[len(ordeal.blows) % len(KINDS)]
        after_s, shards_done = time.monotonic() - started, _shards_done(out)
        code = _strike(run, kind, rng)
        if code == "missed":
            continue
        ordeal.blows.append(Blow(kind=kind, after_s=after_s, shards_done=shards_done, code=code))
        # 0: the blow met a run that had just ended.
        if code not in EXIT_CODES[kind] | {0}:
            ordeal.faults.append(f"{kind} after {after_s:.2f} s: exit code {code}: {_stderr(run)[-300:]}")
        if code is not None:
            break
    code = run.wait(TIMEOUT_S)
    struck_down = bool(ordeal.blows) and ordeal.blows[-1].code == code
    if code != 0 and not struck_down:
        ordeal.faults.append(f"a run ended by itself with {code}: {_stderr(run)[-300:]}")


def _await_moment(run: subprocess.Popen, out: Path, rng: random.Random) -> None:
    """Waits for a moment that chance picks, or for the end of the run."""
    by_clock = rng.random() < 0.25
    target = 0 if by_clock else rng.randint(_shards_done(out), NUM_SHARDS)
    while run.poll() is None and _shards_done(out) < target:
        time.sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(rng.uniform(0, 2.0 if by_clock else 0.2))


def _shards_done(out: Path) -> int:
    return len(list(out.glob(".work/*-0*.json")))


def _start(recipe: Path, out: Path) -> subprocess.Popen:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process; no pipe that could fill up
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
    """Returns the exit code, None if the run is to go on, or "missed" if there was nothing to strike."""
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
    except OSError:  # one of them ended while we looked
        return []


def _finish(recipe: Path, out: Path, wanted: dict[str, str], ordeal: Ordeal) -> None:
    run = _start(recipe, out)
    ordeal.runs += 1
    if run.wait(TIMEOUT_S) != 0:
        ordeal.faults.append(f"the last run failed: {_stderr(run)[-300:]}")
        return
    ordeal.finished += 1
    if shard_hashes(out) != wanted:
        ordeal.faults.append("the shards are not those of the undisturbed run")
    if leftovers(out):
        ordeal.faults.append(f"left over: {', '.join(leftovers(out))}")


def undisturbed(recipe: Path, out: Path) -> dict[str, str]:
    """Makes the dataset in peace; returns {file name: SHA-256}."""
    run = _start(recipe, out)
    if run.wait(TIMEOUT_S) != 0:
        raise RuntimeError(f"the undisturbed run failed: {_stderr(run)}")
    return shard_hashes(out)


def _table(ordeal: Ordeal) -> str:
    lines = [f"{'blow':<16}{'count':>6}{'after, s':>14}{'shards done':>14}   exit codes"]
    for kind in KINDS:
        blows = [blow for blow in ordeal.blows if blow.kind == kind]
        if not blows:
            continue
        times, done = [blow.after_s for blow in blows], [blow.shards_done for blow in blows]
        codes = Counter("went on" if blow.code is None else str(blow.code) for blow in blows)
        lines.append(
            f"{kind:<16}{len(blows):>6}{f'{min(times):.1f} to {max(times):.1f}':>14}"
            f"{f'{min(done)} to {max(done)}':>14}   {', '.join(f'{code} ({n})' for code, n in codes.most_common())}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the ordeal in a temporary folder and prints what came of it."""
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
        ordeal = torment(recipe, Path(folder, "tormented"), wanted, arguments.kills, arguments.seed)
    print(_table(ordeal))
    print(f"{len(ordeal.blows)} blows, {ordeal.runs} runs, finished {ordeal.finished} times")
    print("\n".join(ordeal.faults) or "every hash equals the undisturbed run's; nothing left over")
    return 1 if ordeal.faults else 0


if __name__ == "__main__":
    sys.exit(main())
