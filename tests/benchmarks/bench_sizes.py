"""Does a line cost the same in a dataset of 1,000, 10,000 and 100,000? Lines/s and peak memory of the factory.

Run as `python -m tests.benchmarks.bench_sizes`. Each size is a run of `generate_data.py` on the numeric recipe
with 2 workers and shards of 500 lines; the sizes take turns, for several rounds. Costs that a run has only once are
subtracted: its start-up (measured by a run of 2 lines) and the filling of the glyph cache in both workers (how much
longer a process needs to draw lines for the first time than for the second). The bar is for the rate by processor time,
which other work on the machine hardly changes; the rate by wall clock is shown too. Peak memory is VmHWM, the most that
a process ever used, of the parent and of the larger worker. Writes a table and runs/bench/sizes.png; exit 1 if the
rates or the memory of two sizes differ by more than the bar.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from tests.benchmarks.bench_factory import make_worker
from tests.programs import ROOT

RECIPE = ROOT / "datasets" / "numeric.toml"
PICTURE = ROOT / "runs" / "bench" / "sizes.png"
SIZES = (1_000, 10_000, 100_000)
BAR = 0.10  # of the largest
NUM_WORKERS = 2
SHARD_SAMPLES = 500  # so that two workers share 1,000 lines, and their memory can be compared
WARM_LINES = 5000  # after these, every glyph of the recipe is in the cache
POLL_S = 0.05


@dataclass
class Watch:
    """What was observed of one run.

    Attributes:
      peaks: {process: most memory so far, KiB}, of the parent (first) and its workers.
      shown: (seconds since the start, finished lines), read from the progress bar.
    """

    peaks: dict[int, int] = field(default_factory=dict)
    shown: list[tuple[float, int]] = field(default_factory=list)
    seconds: float = 0.0
    processor_s: float = 0.0


def make(num_lines: int, out: Path) -> Watch:
    """Makes a dataset of `num_lines` and removes it."""
    command = [sys.executable, "generate_data.py", str(RECIPE), "--out", str(out), "--workers", str(NUM_WORKERS)]
    command += ["--splits.train", str(num_lines), "--splits.val", "0", "--splits.test", "0"]
    command += ["--output.shard_samples", str(min(SHARD_SAMPLES, num_lines // NUM_WORKERS))]
    watch, start = Watch(), time.perf_counter()
    before = os.times()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    reader = threading.Thread(target=_read_bar, args=(process, watch, start))
    reader.start()
    while process.poll() is None:
        for pid in (process.pid, *_children(process.pid)):
            watch.peaks[pid] = max(watch.peaks.get(pid, 0), _peak_kib(pid))
        time.sleep(POLL_S)
    reader.join()
    after = os.times()
    watch.seconds = time.perf_counter() - start
    watch.processor_s = after.children_user + after.children_system - before.children_user - before.children_system
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    shutil.rmtree(out)
    return watch


def _read_bar(process: subprocess.Popen, watch: Watch, start: float) -> None:
    """Records what the progress bar shows; a carriage return separates its states."""
    assert process.stderr is not None
    pending = b""
    while chunk := os.read(process.stderr.fileno(), 65536):
        *states, pending = re.split(rb"[\r\n]", pending + chunk)
        for state in (*states, pending):
            if found := re.search(rb"\| (\d+)/\d+ \[", state):
                watch.shown.append((time.perf_counter() - start, int(found[1])))


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _peak_kib(pid: int) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def warm_up_seconds(num_lines: int) -> float:
    """How many processor seconds more a new process needs for `num_lines` the first time than the second time."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_warm_up, args=(theirs, num_lines), daemon=True)
    process.start()
    seconds = ours.recv()
    process.join()
    return seconds


def _warm_up(pipe: Connection, num_lines: int) -> None:
    renderer = make_worker(RECIPE)[1]
    passes = []
    for _ in range(2):
        start = time.process_time()
        for index in range(num_lines):
            renderer.render("train", index)
        passes.append(time.process_time() - start)
    pipe.send(passes[0] - passes[1])


@dataclass(frozen=True)
class Row:
    """The medians of a size; `once_s` is what its runs spend only once, in processor seconds."""

    num_lines: int
    seconds: float
    wall_rate: float
    once_s: float
    rate: float
    parent_mib: float
    worker_mib: float


def summarize(num_lines: int, watches: list[Watch], once_s: float) -> Row:
    median = statistics.median
    first = [next((s, n) for s, n in watch.shown if n) for watch in watches]
    last = [next((s, n) for s, n in watch.shown if n == num_lines) for watch in watches]
    return Row(
        num_lines=num_lines,
        seconds=median([watch.seconds for watch in watches]),
        wall_rate=median([(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(first, last, strict=True)]),
        once_s=once_s,
        rate=num_lines / (median([watch.processor_s for watch in watches]) - once_s),
        parent_mib=median([next(iter(watch.peaks.values())) / 1024 for watch in watches]),
        worker_mib=median([max(list(watch.peaks.values())[1:]) / 1024 for watch in watches]),
    )


def spread(values: list[float]) -> float:
    """The difference of the largest and the smallest value, as a share of the largest."""
    return 1 - min(values) / max(values)


def draw(rows: list[Row]) -> None:
    """Writes the picture: rate and memory by size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    rates, memory = figure.subplots(1, 2)
    sizes = [row.num_lines for row in rows]
    rates.plot(sizes, [row.rate for row in rows], "o-")
    rates.set_ylabel("lines/s of one core, start-up and warm-up apart")
    memory.plot(sizes, [row.worker_mib for row in rows], "o-", label="largest worker")
    memory.plot(sizes, [row.parent_mib for row in rows], "o-", label="parent")
    memory.set_ylabel("peak memory, MiB")
    memory.legend()
    for axes in (rates, memory):
        axes.set_xscale("log")
        axes.set_xlabel("lines in the dataset")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Lines/s and peak memory of the factory at three sizes.")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each size, in turn (default 3)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="lines (default 1000 10000 100000)")
    arguments = parser.parse_args()
    watches: dict[int, list[Watch]] = {size: [] for size in arguments.sizes}
    starts, warm_ups = [], {size: list[float]() for size in arguments.sizes}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sizes"
        for _ in range(arguments.rounds):
            starts.append(make(NUM_WORKERS, out).processor_s)
            for size in arguments.sizes:
                warm_ups[size].append(warm_up_seconds(min(WARM_LINES, size // NUM_WORKERS)))
                watches[size].append(make(size, out))
    startup_s = statistics.median(starts)
    rows = []
    for size, seen in watches.items():
        rows.append(summarize(size, seen, startup_s + NUM_WORKERS * statistics.median(warm_ups[size])))

    print(f"start-up: {startup_s:.2f} s of the processor, parent and {NUM_WORKERS} workers together")
    print(
        f"{'lines':>8}{'whole s':>9}{'lines/s, wall':>15}{'start-up + warm-up s':>22}"
        f"{'lines/s of a core':>19}{'worker MiB':>12}{'parent MiB':>12}"
    )
    for row in rows:
        print(
            f"{row.num_lines:8,}{row.seconds:9.1f}{row.wall_rate:15.0f}{row.once_s:22.2f}"
            f"{row.rate:19.0f}{row.worker_mib:12.1f}{row.parent_mib:12.1f}"
        )
    spreads = {
        "lines/s of a core": spread([row.rate for row in rows]),
        "worker memory": spread([row.worker_mib for row in rows]),
        "parent memory": spread([row.parent_mib for row in rows]),
    }
    print(f"apart (bar {BAR:.0%}): " + ", ".join(f"{name} {value:.1%}" for name, value in spreads.items()))
    draw(rows)
    print(f"picture: {PICTURE.relative_to(ROOT)}")
    return 0 if all(value <= BAR for value in spreads.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
