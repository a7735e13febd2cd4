"""Does a line cost the same in a dataset of 1,000, 10,000 and 100,000? Lines/s and peak memory of the factory.

Run as `python -m tests.benchmarks.bench_scale`. Each size is a run of `generate_data.py` on the numeric recipe
with 2 workers, all sizes in turn, several rounds. Start-up is everything before the workers report their first
lines; the rate is that of the lines after it, until the last line is reported. Peak memory is VmHWM, the most
that a process ever held, of the parent and of its largest worker. Writes a table and runs/bench/scale.png;
exit 1 if rates or memory of any two sizes lie further apart than the bar.
"""

import argparse
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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "datasets" / "numeric.toml"
PICTURE = ROOT / "runs" / "bench" / "scale.png"
SIZES = (1_000, 10_000, 100_000)
BAR = 0.10  # of the largest
NUM_WORKERS = 2
POLL_S = 0.05


@dataclass
class Watch:
    """What was seen of one run.

    Attributes:
      peaks: {process: most memory so far, KiB}, of the parent (first) and its workers.
      shown: (seconds since the start, lines done) as the progress bar told them.
    """

    peaks: dict[int, int] = field(default_factory=dict)
    shown: list[tuple[float, int]] = field(default_factory=list)
    seconds: float = 0.0
    processor_s: float = 0.0


def make(num_lines: int, out: Path) -> Watch:
    """Makes a dataset of `num_lines` and removes it."""
    command = [sys.executable, "generate_data.py", str(RECIPE), "--out", str(out), "--workers", str(NUM_WORKERS)]
    command += ["--splits.train", str(num_lines), "--splits.val", "0", "--splits.test", "0"]
    # Small datasets have small shards, or one worker would have nothing to do; large ones keep the recipe's.
    command += ["--output.shard_samples", str(min(5000, num_lines // NUM_WORKERS))]
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
    """Notes what the progress bar shows; it ends each state with a carriage return before the next."""
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


@dataclass(frozen=True)
class Row:
    """The medians of a size."""

    num_lines: int
    rate: float
    processor_us: float
    startup_s: float
    seconds: float
    parent_mib: float
    worker_mib: float


def summarize(num_lines: int, watches: list[Watch]) -> Row:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    first = [next((s, n) for s, n in watch.shown if n) for watch in watches]
    last = [next((s, n) for s, n in watch.shown if n == num_lines) for watch in watches]
    return Row(
        num_lines=num_lines,
        rate=median([(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(first, last, strict=True)]),
        processor_us=median([1e6 * watch.processor_s / num_lines for watch in watches]),
        startup_s=median([seconds for seconds, _ in first]),
        seconds=median([watch.seconds for watch in watches]),
        parent_mib=median([next(iter(watch.peaks.values())) / 1024 for watch in watches]),
        worker_mib=median([max(list(watch.peaks.values())[1:]) / 1024 for watch in watches]),
    )


def spread(values: list[float]) -> float:
    """How far the least lies below the most, as a share of the most."""
    return 1 - min(values) / max(values)


def draw(rows: list[Row]) -> None:
    """Writes the picture: rate and memory over the size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    rates, memory = figure.subplots(1, 2)
    sizes = [row.num_lines for row in rows]
    rates.plot(sizes, [row.rate for row in rows], "o-")
    rates.set_ylabel(f"lines/s, {NUM_WORKERS} workers, start-up apart")
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
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for size in arguments.sizes:
                watches[size].append(make(size, Path(folder) / "scale"))
    rows = [summarize(size, seen) for size, seen in watches.items()]

    print(f"{'lines':>8}{'start-up s':>12}{'lines/s after it':>18}{'whole s':>9}{'worker MiB':>12}{'parent MiB':>12}")
    for row in rows:
        print(
            f"{row.num_lines:8,}{row.startup_s:12.2f}{row.rate:18.0f}{row.seconds:9.1f}"
            f"{row.worker_mib:12.1f}{row.parent_mib:12.1f}"
        )
    spreads = {
        "lines/s": spread([row.rate for row in rows]),
        "worker memory": spread([row.worker_mib for row in rows]),
        "parent memory": spread([row.parent_mib for row in rows]),
    }
    print(f"apart (bar {BAR:.0%}): " + ", ".join(f"{name} {value:.1%}" for name, value in spreads.items()))
    draw(rows)
    print(f"picture: {PICTURE.relative_to(ROOT)}")
    return 0 if all(value <= BAR for value in spreads.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
