"""How fast `predict` reads when it is told what the lines can be: the recipe's patterns, and lists of their texts.

Run as `python -m tests.benchmarks.bench_patterns`. Draws lines of the numeric recipe as PNGs of 32 px, and reads them
with the shipped ONNX file. Each measurement is a new process, from the start of the command to its end; the ways to read
take turns, and figures are medians of the rounds. "Ready" is the command with a single picture; lines/s counts the other
pictures and the time beyond that. Processor time is told beside wall-clock time: a busy machine changes it less. The bars
are on processor time, as if all of it passed on one core. Exit 1 if one is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ocrlib.charset import Charset
from ocrlib.dataset.arrays import read_hdf5
from ocrlib.factory.recipe import load_recipe
from ocrlib.factory.text.numeric import NumericStrings
from ocrlib.network.open import find_model
from ocrlib.reading.decoding.automaton import of_entries
from tests.benchmarks.bench_predict import draw_pictures
from tests.programs import ROOT

LEAST_SHARE_OF_SPEED = 0.5  # with the recipe's patterns, of the speed without
LEAST_SPEED = 50  # lines/s with a list of STATES states
STATES = 10_000
MILLION = 1_000_000
PLAIN, RECIPE, LIST, LONG_LIST = "nothing known", "--pattern recipe", f"list, {STATES:,} states", "list, a million"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a command took: seconds on the clock and of processors, and the most memory that it had."""

    wall_s: float
    processor_s: float
    memory_mib: float


def write_list(path: Path, truths: list[str], num_states: int) -> None:
    """Writes the truths and other strings of the recipe, so many that they make about `num_states` states."""
    text = load_recipe(ROOT / "datasets" / "numeric.toml").text
    strings, charset = NumericStrings(text, seed=2), Charset(text.charset)
    entries = list(dict.fromkeys(truths))
    while of_entries([charset.encode(entry) for entry in entries]).num_states < num_states:
        entries += [strings.draw("list", len(entries) + i, 0).text for i in range(100)]
    path.write_text("\n".join(entries), encoding="utf-8")


def write_long_list(path: Path, truths: list[str]) -> None:
    """Writes the truths and random numbers of ten digits, a million entries together."""
    rng, entries = Random(2), dict.fromkeys(truths)
    while len(entries) < MILLION:
        entries[f"{rng.randrange(10**10):010}"] = None
    path.write_text("\n".join(entries), encoding="utf-8")


def run_predict(model: Path, pictures: Path, num_lines: int, known: list[str], folder: Path) -> Cost:
    """Returns what `python -m ocrlib predict` took; checks that it read every line."""
    out = folder / "rows.tsv"
    command = [sys.executable, "-m", "ocrlib", "predict", "--model", model, pictures, "--out", out, *known]
    with (folder / "printed.txt").open("w+b") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=printed, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        if process.returncode or len(out.read_text(encoding="utf-8").splitlines()) != num_lines:
            raise SystemExit(f"{' '.join(map(str, command))}\n{printed.read().decode()}")
    return Cost(wall_s=wall_s, processor_s=usage.ru_utime + usage.ru_stime, memory_mib=usage.ru_maxrss / 1024)


def print_table(one: dict[str, list[Cost]], all_: dict[str, list[Cost]], num_lines: int) -> int:
    """Prints a row for each way to read, and returns how many bars were missed."""
    print(f"{'':22}{'ready':>9}{'processor':>11}{'lines/s':>10}{'processor':>11}{'of plain':>10}{'memory':>12}")
    speeds = {}
    for name in one:
        ready = statistics.median(cost.wall_s for cost in one[name])
        ready_processor = statistics.median(cost.processor_s for cost in one[name])
        beyond = statistics.median(cost.wall_s for cost in all_[name]) - ready
        beyond_processor = statistics.median(cost.processor_s for cost in all_[name]) - ready_processor
        speed = (num_lines - 1) / max(beyond, 1e-9)
        speeds[name] = (num_lines - 1) / max(beyond_processor, 1e-9)
        print(
            f"{name:22}{ready:>7.2f} s{ready_processor:>9.2f} s{speed:>10,.0f}{speeds[name]:>11,.0f}"
            f"{speeds[name] / speeds[PLAIN]:>10.2f}{max(cost.memory_mib for cost in all_[name]):>8,.0f} MiB"
        )
    bars = [
        (f"{RECIPE}: at least {LEAST_SHARE_OF_SPEED} of plain", speeds[RECIPE] >= LEAST_SHARE_OF_SPEED * speeds[PLAIN]),
        (f"{LIST}: at least {LEAST_SPEED} lines/s", speeds[LIST] >= LEAST_SPEED),
    ]
    for bar, is_reached in bars:
        print(f"{bar}: {'reached' if is_reached else 'MISSED'}")
    return sum(not is_reached for _, is_reached in bars)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="numeric", help="an .onnx file (default: the shipped numeric model's)")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    model = find_model(arguments.model, (".onnx",))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = draw_pictures(folder, arguments.lines)
        first = min(pictures.iterdir())
        truths = list(read_hdf5(folder / "dataset", "train")["text"])
        write_list(folder / "list.txt", truths, STATES)
        write_long_list(folder / "long.txt", truths)
        ways = {
            PLAIN: [],
            RECIPE: ["--pattern", "recipe"],
            LIST: ["--lexicon", str(folder / "list.txt")],
            LONG_LIST: ["--lexicon", str(folder / "long.txt")],
        }
        one: dict[str, list[Cost]] = {way: [] for way in ways}
        all_: dict[str, list[Cost]] = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for way, known in ways.items():
                one[way].append(run_predict(model, first, 1, known, folder))
                all_[way].append(run_predict(model, pictures, arguments.lines, known, folder))
    print(f"\n{arguments.lines:,} pictures, {os.cpu_count()} cores, medians of {arguments.rounds} rounds")
    return int(print_table(one, all_, arguments.lines) > 0)


if __name__ == "__main__":
    sys.exit(main())
