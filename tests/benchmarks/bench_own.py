"""How many lines of your own does a reader need? Own lines from 10 to 100, with and without what was known before.

Run as `python -m tests.benchmarks.bench_own --own FOLDER --real FOLDER`, or `make bench-own OWN=FOLDER REAL=FOLDER`.
`--own` has a folder of NAME.png with NAME.gt.txt for each set, which is learned from; `--real` has one of the same name,
which is measured on, and those of `_KEPT`: lines that the shipped models read well before. In each draw the lines of a
smaller size are among those of a larger one. Ways:

  untouched   the shipped model that the training would start from
  alone       from that model, own lines alone
  replay      from that model, half of the batches of what it learned from before: the default
  nothing     from nothing

Each training is written to runs/bench/own.json when it ends, and is not done again: the same command goes on, and one
with more sizes or draws adds them. Ends with a table and with docs/own-lines.svg. There is no bar.
"""

import argparse
import json
import random
import resource
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import ocrlib
from ocrlib.evaluation.report import report_on_folder
from ocrlib.imports.make import import_dataset
from ocrlib.imports.settings import ImportSource
from ocrlib.pictures.pairs import Pair, find_pairs
from ocrlib.private import import_matplotlib
from ocrlib.reading.recognizer import Recognizer
from tests.programs import ROOT

RESULTS = ROOT / "runs" / "bench" / "own.json"
PLOT = ROOT / "docs" / "own-lines.svg"
WORK = ROOT / "runs" / "bench" / "own"
SIZES, DRAWS = (10, 25, 50, 100), 3
WAYS = {"untouched": None, "alone": {"replay": 0}, "replay": {}, "nothing": {"init": "none"}}
# Set -> lines that the model it starts from reads well before.
_KEPT = {"typed_en": "english_print", "typed_fr": "english_print", "meter_strips": "receipt_numbers"}
_UNTOUCHED = 0  # the size of the cell without own lines


def cells(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields what is to be measured: the untouched model once a set, each other way for each draw and size."""
    for name in arguments.sets:
        available = len(pairs_of(arguments.own / name))
        sizes = sorted({min(size, available) for size in arguments.sizes})
        for way in arguments.ways:
            if way == "untouched":
                yield {"set": name, "way": way, "size": _UNTOUCHED, "draw": 0, "steps": None}
                continue
            for draw in range(arguments.draws):
                for size in sizes:
                    yield {"set": name, "way": way, "size": size, "draw": draw, "steps": arguments.steps}


def pairs_of(folder: Path) -> list[Pair]:
    """The pairs of a folder, sorted."""
    return [found for found in find_pairs(folder) if isinstance(found, Pair)]


def own_dataset(folder: Path, size: int, draw: int, work: Path) -> Path:
    """Imports so many lines of a folder, chosen by the draw."""
    pairs = pairs_of(folder)
    random.Random(draw).shuffle(pairs)
    chosen = work / "lines"
    chosen.mkdir(parents=True)
    for pair in pairs[:size]:
        for file in (pair.picture, pair.text):
            shutil.copyfile(file, chosen / file.name)
    source = ImportSource(path=str(chosen), layout="pairs")
    import_dataset([source], work / "dataset", {}, 1)
    return work / "dataset"


def measure(model: str, name: str, real: Path) -> dict[str, Any]:
    """How a model reads the lines of a set that were not learned from, and those that it read well before."""
    recognizer = Recognizer.load(model)
    figures = {}
    for what, folder in (("new", name), ("kept", _KEPT[name])):
        overall = report_on_folder(recognizer, real / folder).overall
        figures[what] = {key: overall[key] for key in ("cer", "exact_match", "lines")}
    return figures


def run_cell(cell: dict[str, Any], own: Path, real: Path) -> dict[str, Any]:
    """Trains what a cell asks for, and returns its figures."""
    shutil.rmtree(WORK, ignore_errors=True)
    size = cell["size"] or 10
    dataset = own_dataset(own / cell["set"], size, cell["draw"], WORK)
    if cell["way"] == "untouched":
        from ocrlib.training.settings import ModelConfig
        from ocrlib.training.start import choose_start

        model = choose_start("auto", [dataset], ModelConfig()).model
        return {"model": model, **measure(str(model), cell["set"], real)}
    run, begun, used = WORK / "run", time.perf_counter(), _processor_seconds()
    settings = {} if cell["steps"] is None else {"train.steps": cell["steps"]}
    ocrlib.train(dataset, run, settings=settings, **(WAYS[cell["way"]] or {}))
    about = json.loads((run / "config.json").read_text())
    times = {"minutes": (time.perf_counter() - begun) / 60, "processor_s": _processor_seconds() - used}
    told = {"model": about["init"], "planned_steps": about["plan"]["steps"]}
    return {**told, **times, **measure(str(run), cell["set"], real)}


def _processor_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def load() -> list[dict[str, Any]]:
    """What earlier calls measured."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the draws, a row for each set, size and way, in that order."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["set"], row["size"], list(WAYS).index(row["way"])].append(row)
    return [
        {
            "set": name,
            "lines": size,
            "way": list(WAYS)[way],
            "draws": len(group),
            "steps": group[0].get("planned_steps"),
            "minutes": mean(row["minutes"] for row in group) if size else None,
            "processor_s": mean(row["processor_s"] for row in group) if size else None,
            **{
                f"{what}_{key}": mean(row[what][key] for row in group)
                for what in ("new", "kept")
                for key in ("cer", "exact_match")
            },
        }
        for (name, size, way), group in sorted(groups.items())
    ]


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Prints the means as a table of Markdown."""
    print("\n| set | own lines | way | draws | steps | processor time | new CER | new exact | kept CER | kept exact |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        spent = f"{row['processor_s']:.0f} s" if row["processor_s"] is not None else ""
        rates = [f"{row[f'{what}_cer']:.2%} | {row[f'{what}_exact_match']:.1%}" for what in ("new", "kept")]
        told = [row["set"], row["lines"], row["way"], row["draws"], row["steps"] or "", spent, *rates]
        print(f"| {' | '.join(map(str, told))} |")


def draw_plot(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """Writes a plot: for each set the CER against the number of own lines, of the new lines and of the kept ones."""
    import_matplotlib()
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    sets = list(dict.fromkeys(row["set"] for row in rows))
    figure = Figure(figsize=(4 * len(sets), 6), layout="constrained")
    axes = figure.subplots(2, len(sets), squeeze=False)
    for column, name in enumerate(sets):
        for row, (what, title) in enumerate((("new", name), ("kept", f"{_KEPT[name]}, known before"))):
            plot = axes[row][column]
            for way in WAYS:
                mine = [each for each in rows if each["set"] == name and each["way"] == way]
                if way == "untouched" and mine:
                    plot.axhline(mine[0][f"{what}_cer"], color="gray", linestyle="--", label=way)
                elif mine:
                    plot.plot([each["lines"] for each in mine], [each[f"{what}_cer"] for each in mine], "o-", label=way)
            plot.set_title(title)
            plot.set_xlabel("own lines")
            plot.set_ylabel("CER")
            plot.set_yscale("symlog", linthresh=1e-3)  # what learned nothing would press the others to the ground
            plot.yaxis.set_major_formatter(PercentFormatter(xmax=1))
            plot.set_ylim(bottom=0)
            plot.legend()
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--own", type=Path, required=True, help="a folder for each set, to learn from")
    parser.add_argument("--real", type=Path, required=True, help="a folder for each set, to measure on")
    parser.add_argument("--sets", nargs="+", choices=_KEPT, default=list(_KEPT))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--steps", type=int, help="of each training (default: as a user's training has)")
    parser.add_argument("--plot", type=Path, default=PLOT)
    arguments = parser.parse_args()
    results = load()
    done = [{key: row[key] for key in ("set", "way", "size", "draw", "steps")} for row in results]
    for cell in cells(arguments):
        if cell in done:
            continue
        results.append({**cell, **run_cell(cell, arguments.own, arguments.real)})
        print(results[-1], file=sys.stderr, flush=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1))
    shown = summarise([row for row in results if row["set"] in arguments.sets and row["way"] in arguments.ways])
    print_table(shown)
    draw_plot(shown, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
