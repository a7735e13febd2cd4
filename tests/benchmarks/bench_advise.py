"""Does it help to draw more of what failed? `ocrlib advise` against the same recipe again, with equal steps.

Run as `python -m tests.benchmarks.bench_advise RECIPE`. A reader learns from nothing on the recipe's lines. From what it
misreads in `val`, `advise` makes a second recipe. Then the reader goes on, for each seed in two ways: on new lines of
the first recipe (again), and on as many lines of the second one (advised). Both ways take the same number of batches of
the same size, and all read the same test split of the first recipe. "What failed" are the test lines in a group that
the advice names. Each training is written to runs/bench/advise.json when it ends, and is not done again. Prints a table
of Markdown; there is no bar.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

import ocrlib
from ocrlib.evaluation.advice import Advice
from ocrlib.evaluation.breakdown import LineErrors, members_of
from ocrlib.evaluation.new_recipe import change_recipe
from ocrlib.evaluation.report import ErrorReport, report_on_dataset
from ocrlib.reading.recognizer import Recognizer
from tests.programs import ROOT

RESULTS = ROOT / "runs" / "bench" / "advise.json"
WORK = ROOT / "runs" / "bench" / "advise"
WAYS = ("again", "advised")


def begin(recipe: Path, lines: int, passes: int) -> Path:
    """Returns the run that everything goes on from, and makes it and its dataset if they are not there."""
    dataset, run = WORK / "first", WORK / "run"
    ocrlib.make_dataset(recipe, dataset, settings={"splits.train": lines, "splits.val": 2000, "splits.test": 4000})
    if not (run / "metrics.json").exists():
        shutil.rmtree(run, ignore_errors=True)
        ocrlib.train(dataset, run, init="none", settings={"train.epochs": passes})
    return run


def advise(recipe: Path, run: Path) -> tuple[Path, ErrorReport]:
    """Returns the second recipe, and how the reader reads `val`."""
    report = report_on_dataset(Recognizer.load(str(run)), WORK / "first", "val")
    text, changes, _ = change_recipe(recipe.read_text(encoding="utf-8"), str(recipe), "advised", report)
    if not changes:
        sys.exit(f"{run}: nothing fails beyond chance")
    print("\n".join(changes))
    path = WORK / "advised.toml"
    path.write_text(text, encoding="utf-8")
    return path, report


def failed_lines(report: ErrorReport, advice: Sequence[Advice]) -> np.ndarray:
    """(N,) bool: the lines of a report in a group that the advice names."""
    inside = np.zeros(len(report.lines), bool)
    for grouping in report.groupings:
        members = members_of(grouping)
        for names in (each.names for each in advice if each.kind == grouping.kind):
            for name in names:
                inside |= members.get(name, False)
    return inside


def measure(run: Path, advice: Sequence[Advice]) -> dict[str, float]:
    """How a run reads the test split, and of it the lines that failed and the others."""
    report = report_on_dataset(Recognizer.load(str(run)), WORK / "first", "test")
    errors = LineErrors([line.truth for line in report.lines], [line.text for line in report.lines])
    inside = failed_lines(report, advice)
    figures = {"cer": report.overall["cer"], "exact": report.overall["exact_match"], "failed_share": inside.mean()}
    for name, lines in (("failed_cer", inside), ("others_cer", ~inside)):
        figures[name] = errors.edits[lines].sum() / errors.characters[lines].sum()
    return {name: float(value) for name, value in figures.items()}


def go_on(way: str, seed: int, recipe: Path, lines: int, steps: int) -> float:
    """Draws lines and trains on them; returns the processor seconds of the training."""
    dataset, run = WORK / f"{way}-{seed}", WORK / f"run-{way}-{seed}"
    sizes = {"splits.train": lines, "splits.val": 1000, "splits.test": 1}
    ocrlib.make_dataset(recipe, dataset, settings={**sizes, "seed": 100 + seed, "output.formats": ["hdf5"]})
    shutil.rmtree(run, ignore_errors=True)
    before = os.times()
    ocrlib.train(dataset, run, init=str(WORK / "run"), settings={"train.steps": steps, "train.seed": seed})
    after = os.times()
    shutil.rmtree(dataset)
    return after.user + after.system - before.user - before.system


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Prints each training, and the difference of the two ways: its mean and its standard deviation over the seeds."""
    columns = ("cer", "exact", "failed_cer", "others_cer")
    print("\n| way | seed | processor time | CER | exact | CER of what failed | CER of the others |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        spent = f"{row['processor_s']:.0f} s" if "processor_s" in row else ""
        print(f"| {row['way']} | {row['seed']} | {spent} | {' | '.join(f'{row[each]:.2%}' for each in columns)} |")
    pairs = [[next((r for r in rows if (r["way"], r["seed"]) == (way, seed)), None) for way in WAYS]
             for seed in sorted({row["seed"] for row in rows if row["way"] in WAYS})]  # fmt: skip
    pairs = [pair for pair in pairs if None not in pair]
    if len(pairs) > 1:
        gains = {each: [after[each] - before[each] for before, after in pairs] for each in columns}
        shown = [f"{100 * mean(values):+.2f} ± {100 * stdev(values):.2f}" for values in gains.values()]
        print(f"| advised less again, points | {len(pairs)} seeds | | {' | '.join(shown)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--lines", type=int, default=20_000, help="of the first training (default 20,000)")
    parser.add_argument("--passes", type=int, default=3, help="over these (default 3)")
    parser.add_argument("--new-lines", type=int, default=10_000, help="of each further training (default 10,000)")
    parser.add_argument("--steps", type=int, default=300, help="of each further training (default 300)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings each way (default 3)")
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    run = begin(arguments.recipe, arguments.lines, arguments.passes)
    advised, report = advise(arguments.recipe, run)
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = rows or [{"way": "the first training", "seed": 1, **measure(run, report.advice)}]
    for seed in range(1, arguments.seeds + 1):
        for way, recipe in zip(WAYS, (arguments.recipe, advised), strict=True):
            if any((row["way"], row["seed"]) == (way, seed) for row in rows):
                continue
            spent = go_on(way, seed, recipe, arguments.new_lines, arguments.steps)
            figures = measure(WORK / f"run-{way}-{seed}", report.advice)
            rows.append({"way": way, "seed": seed, "processor_s": spent, **figures})
            RESULTS.write_text(json.dumps(rows, indent=1))
            print(rows[-1], file=sys.stderr, flush=True)
    print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
