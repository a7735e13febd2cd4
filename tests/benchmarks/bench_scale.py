"""What more cores give: drawing by 1 to all of them, and 64 workers that sleep, to see what the parent can feed.

Run as `python -m tests.benchmarks.bench_scale`. First the recipes as shipped, with 1 worker to as many as there are
cores: lines/s of workers that draw, encode and write, against processes that only draw. Both are given out by the same
pool. A worker's time is counted from the start of its first shard to the end of its last, so that what it waits between
them counts and its start-up does not. The last two columns are of processor time, which other work on the machine
changes less: lines/s of a core that makes shards, and as a share of one that only draws.

Then the pool with workers that sleep as long as a shard of the recipe takes to be drawn, and report as drawing does.
The parent's processor time is a share of what that many working cores would have used meanwhile; exit 1 if it is above
the bar.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrlib.factory.workers import Report, Work, run_tasks
from tests.programs import ROOT

# {recipe: lines of a shard}, about two seconds of drawing each.
RECIPES = {"numeric": 1200, "wikipedia": 150}
SHARDS_A_WORKER = 3
SIMULATED = (1, 16, 64)
LINES_A_SECOND = 640  # of one worker with the numeric recipe
BAR = 0.02  # the parent's processor time, as a share of the workers'


@dataclass(frozen=True)
class Spent:
    """What a worker needed for a shard: when it began and ended on the clock, and seconds of the processor."""

    worker: int
    start: float
    end: float
    processor_s: float


def spending(work: Callable[[Any, Report], Any]) -> Work:
    """The same work, which returns what it needed instead of its result."""

    def spend(task: Any, report: Report) -> Spent:
        start, processor = time.monotonic(), time.process_time()
        work(task, report)
        return Spent(os.getpid(), start, time.monotonic(), time.process_time() - processor)

    return spend


def start_making(recipe_path: str, out: str) -> Work:
    """Draws, encodes and writes, as a worker of the factory."""
    from ocrlib.factory.drawing import start_worker
    from ocrlib.factory.ingredients import gather
    from ocrlib.factory.recipe import load_recipe

    recipe = load_recipe(Path(recipe_path))
    return spending(start_worker(recipe, gather(recipe).faces, out))


def start_drawing_alone(recipe_path: str, out: str) -> Work:
    """Draws and throws away."""
    from ocrlib.factory.drawing import start_drawing
    from ocrlib.factory.ingredients import gather
    from ocrlib.factory.recipe import load_recipe

    recipe = load_recipe(Path(recipe_path))
    ingredients = gather(recipe)
    renderer = start_drawing(recipe, ingredients.faces, ingredients.texts)

    def draw(shard: Any, report: Report) -> None:
        for index in range(shard.start, shard.stop):
            renderer.render(shard.split, index)

    return spending(draw)


def start_sleeping(num_lines: int, lines_a_second: float) -> Work:
    """Takes as long as drawing, and reports as often."""

    def sleep(task: Any, report: Report) -> None:
        for _ in range(0, num_lines, 25):
            time.sleep(25 / lines_a_second)
            report(25)

    return spending(sleep)


def rates(
    num_workers: int, num_lines: int, start: Callable[..., Work], start_args: Sequence[Any]
) -> tuple[float, float]:
    """Lines/s by the clock of all workers together, and lines a second of the processor."""
    from ocrlib.dataset.plan import plan_shards

    tasks = plan_shards({"train": num_workers * SHARDS_A_WORKER * num_lines}, num_lines)
    results = run_tasks(tasks, num_workers=num_workers, start=start, start_args=tuple(start_args))
    of_worker: dict[int, list[Spent]] = defaultdict(list)
    for _, spent in results:
        of_worker[spent.worker].append(spent)
    # The first shard fills the worker's cache of glyphs.
    later = {worker: sorted(seen, key=lambda spent: spent.start)[1:] for worker, seen in of_worker.items()}
    by_clock, lines, processor_s = 0.0, 0, 0.0
    for seen in later.values():
        if seen:
            by_clock += len(seen) * num_lines / (seen[-1].end - seen[0].start)
            lines += len(seen) * num_lines
            processor_s += sum(spent.processor_s for spent in seen)
    return by_clock, lines / processor_s


def real(names: Sequence[str], num_rounds: int, most_workers: int) -> None:
    """Prints what 1 to all cores give, by recipe."""
    print(
        f"{'recipe':12}{'workers':>8}{'drawing':>10}{'making':>10}{'of it':>8}{'per core':>10}{'lines/s of a core':>19}{'of drawing':>12}"
    )
    for name in names:
        num_lines = RECIPES[name]
        counts = sorted({min(2**power, most_workers) for power in range(most_workers.bit_length() + 1)})
        alone_of_one = 0.0
        for num_workers in counts:
            bare, made = [], []
            for _ in range(num_rounds):
                with tempfile.TemporaryDirectory() as out:
                    (Path(out) / ".work").mkdir()
                    arguments = (str(ROOT / "datasets" / f"{name}.toml"), out)
                    bare.append(rates(num_workers, num_lines, start_drawing_alone, arguments))
                    made.append(rates(num_workers, num_lines, start_making, arguments))
            (bare_rate, bare_core), (made_rate, made_core) = (
                [statistics.median(column) for column in zip(*rows, strict=True)] for rows in (bare, made)
            )
            alone_of_one = alone_of_one or made_rate
            print(
                f"{name:12}{num_workers:8}{bare_rate:10.0f}{made_rate:10.0f}{made_rate / bare_rate:8.1%}"
                f"{made_rate / num_workers / alone_of_one:10.1%}{made_core:19.0f}{made_core / bare_core:12.1%}",
                flush=True,
            )


def simulated(num_workers: int, seconds: float) -> float:
    """The parent's share, while so many workers sleep as long as they would draw."""
    num_lines = max(25, int(LINES_A_SECOND * seconds / 2))  # two shards each
    reported: dict[str, float] = {"lines": 0}
    began = ended = 0.0, 0.0, 0.0

    def count(amount: int) -> None:
        nonlocal began, ended
        reported["lines"] += amount
        now = time.monotonic(), time.process_time(), reported["lines"]
        if began[0] == 0.0 and amount > 0 and reported["lines"] >= num_workers * 50:
            began = now
        if reported["lines"] <= num_workers * num_lines * 2 * 0.8:  # before the first workers run out of shards
            ended = now

    tasks = [f"shard-{index}" for index in range(num_workers * 2)]
    arguments = (num_lines, float(LINES_A_SECOND))
    start = time.process_time()
    for _ in run_tasks(tasks, num_workers=num_workers, start=start_sleeping, start_args=arguments, on_progress=count):
        pass
    whole_s = time.process_time() - start
    clock, parent, lines = (after - before for before, after in zip(began, ended, strict=True))
    share = parent / (clock * num_workers)
    print(
        f"{num_workers:8}{lines / clock:12.0f}{lines / clock / num_workers / LINES_A_SECOND:10.1%}"
        f"{parent / clock:16.1%}{share:12.3%}{whole_s:14.2f}",
        flush=True,
    )
    return share


def main() -> int:
    parser = argparse.ArgumentParser(description="What more cores give.")
    parser.add_argument("--rounds", type=int, default=3, help="of drawing (default 3; 0 leaves it out)")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES), help="to draw (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="at most (default: all cores)")
    parser.add_argument("--seconds", type=float, default=20, help="of sleeping (default 20; 0 leaves it out)")
    arguments = parser.parse_args()
    if arguments.rounds:
        real(arguments.recipes, arguments.rounds, arguments.workers)
    if not arguments.seconds:
        return 0
    print(f"\nworkers that sleep: {LINES_A_SECOND} lines/s each, reported as drawing does")
    print(f"{'workers':>8}{'lines/s':>12}{'of asked':>10}{'parent, a core':>16}{'its share':>12}{'whole run, s':>14}")
    shares = [simulated(num_workers, arguments.seconds) for num_workers in SIMULATED]
    print(f"the parent's processor time at {SIMULATED[-1]} workers: {shares[-1]:.2%} of theirs (bar {BAR:.0%})")
    return 0 if shares[-1] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
