"""Time to accuracy: seconds until 97% of 1,000 new strings are read without an error, by the original and by ours.

Run as `python -m tests.benchmarks.bench_train`. Both sides take turns on this machine, several times with different
seeds; times are medians. Ours makes a dataset of digits with the factory and trains the default network on its
shards; in the original (`original.py`) trdg draws each line when it is needed. Both read the same strings, drawn by
stock trdg in its 100 latin fonts: half of them on white, the only background that the original is trained on, half on
noise. The clock of a side starts before its network is built, so it includes tracing, and stops while the strings are
read. "on white" counts only the strings on white, a goal that favours the original; both goals must meet the bars. If
the original stops at its time limit, its time is a lower bound, and so is the ratio.

Before that, the networks alone are compared: training steps on the same lines in memory, in turn. Reports progress on
standard error, writes runs/bench/train.json after each part, and ends with exit code 1 if a bar is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.batches.loader import Loader
from ocrlib.batches.split import SplitLines
from ocrlib.batches.tf_data import to_tf_dataset
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.network.crnn import width_stride
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.prepare import new_network
from ocrlib.training.settings import ModelConfig, TrainConfig
from tests.benchmarks import original
from tests.benchmarks.to_goal import GOAL, Course, Side, draw_strings, say, train
from tests.programs import ROOT

RESULTS = ROOT / "runs" / "bench" / "train.json"
CHARSET = Charset("0123456789")
RECIPE = """\
name = "digits"
seed = 1
[text]
source = "numeric"
charset = "0123456789"
patterns = [{ name = "digits", regex = '[0-9]{1,10}' }]
[render]
fonts = ["trdg:latin"]
background = ["gaussian_noise", "plain_white"]
min_contrast = 1 # trdg has no such rule: its faintest faces are among the strings as well
[splits]
train = 1
[output]
formats = ["hdf5"]
"""
TIME_BAR, TOTAL_BAR, NETWORK_BAR = 8.0, 4.0, 4.0  # without and with making the dataset; lines/s of the networks
NETWORK_LINES = 2000


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How ours is trained; the rest is the trainer's default: Adam, a learning rate that rises and falls once, clipped gradients."""

    lines: int
    epochs: int
    batch: int
    rate: float


def make_shards(folder: Path, num_lines: int) -> float:
    """Makes the dataset by the user's command; returns the seconds of the whole command."""
    recipe = folder / "digits.toml"
    recipe.write_text(RECIPE)
    command = [sys.executable, "generate_data.py", str(recipe), "--out", str(folder / "digits")]
    command += ["--workers", str(os.cpu_count() or 1), "--splits.train", str(num_lines)]
    # Several shards for each worker, so that no worker is idle at the end.
    command += ["--output.shard_samples", str(max(1, num_lines // 8))]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return time.perf_counter() - start


def start_ours(folder: Path, schedule: Schedule, seed: int) -> Side:
    """The default network on shards, with the loader, the step and the optimizer of `ocrlib.training`."""
    keras.utils.set_random_seed(seed)
    network, loader = default_network(folder, schedule.batch)
    model = CTCModel(network, CHARSET)
    num_steps = sum(loader.count(seed, epoch) for epoch in range(schedule.epochs))
    settings = TrainConfig(learning_rate=schedule.rate)
    model.compile(optimizer=make_optimizer(settings, num_steps), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    batches = to_tf_dataset(loader, seed).repeat(schedule.epochs)  # each repetition is the next epoch
    recognizer = Recognizer.of_keras(network, CHARSET)

    def read(images: list[np.ndarray]) -> list[str]:
        return [reading.text for reading in recognizer.read_lines(images)]

    step = tf.function(model.train_step, input_signature=[batches.element_spec])
    return Side(batches=batches, step=step, read=read, parameters=network.count_params())


def default_network(folder: Path, batch_size: int = 64) -> tuple[keras.Model, Loader]:
    """The network that `train_from_records.py` would make for the dataset, and its training lines."""
    network = new_network([read_manifest(folder)], CHARSET, ModelConfig())
    return network, Loader(SplitLines(folder, "train", CHARSET), width_stride(network), batch_size)


def start_original(seed: int) -> Side:
    """The original; its batches never end."""
    keras.utils.set_random_seed(seed)
    model = original.build_model(CHARSET.num_classes)
    signature = [original.batch_signature()["image"]]
    network = tf.function(lambda image: model.network(original.to_unit(image)), input_signature=signature)

    def read(images: list[np.ndarray]) -> list[str]:
        return original.read_lines(network, [np.repeat(image, 3, axis=2) for image in images], CHARSET)

    stop = threading.Event()
    batches = iter(original.on_the_fly(seed, CHARSET, stop))

    def close() -> None:
        stop.set()
        for _ in batches:  # read what is already drawn, so that its thread can end
            pass

    step = original.make_step(model)
    return Side(batches=batches, step=step, read=read, parameters=model.network.count_params(), close=close)


def networks_alone(folder: Path, num_rounds: int) -> dict[str, list[float]]:
    """Training lines/s of both networks in each round, on batches of the same lines in memory."""
    network, loader = default_network(folder)
    dataset = to_tf_dataset(loader, seed=1)
    ours_ready, lines = [], []
    for batch in dataset:
        ours_ready.append(batch)
        arrays = (batch[name].numpy() for name in ("image", "width", "label", "label_length"))
        for image, width, label, length in zip(*arrays, strict=True):
            lines.append((np.repeat(image[:, :width], 3, axis=2), CHARSET.decode(label[:length].tolist())))
        if len(lines) >= NETWORK_LINES:
            break
    model = CTCModel(network, CHARSET)
    model.compile(optimizer=make_optimizer(TrainConfig(), 1000), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    ours = tf.function(model.train_step, input_signature=[dataset.element_spec])
    Random(1).shuffle(lines)
    size = original.BATCH
    batches = [original.make_batch(lines[i : i + size], CHARSET) for i in range(0, len(lines), size)]
    their_ready = [{name: tf.constant(array) for name, array in batch.items()} for batch in batches]
    theirs = original.make_step(original.build_model(CHARSET.num_classes))

    rates: dict[str, list[float]] = {"original": [], "ours": []}
    for number in range(-1, num_rounds):  # round -1 traces the graphs
        for name, step, ready in (("original", theirs, their_ready), ("ours", ours, ours_ready)):
            start = time.perf_counter()
            for batch in ready:
                step(batch)
            if number >= 0:
                rates[name].append(len(lines) / (time.perf_counter() - start))
    say(f"networks alone, lines/s: { {name: [round(rate) for rate in found] for name, found in rates.items()} }")
    return rates


@dataclass(frozen=True)
class Median:
    """The median of a time over the rounds; a lower bound if that training was stopped before it reached the goal."""

    seconds: float
    is_bound: bool


def median_time(courses: list[Course], times: list[float | None]) -> Median:
    """Returns the middle of the times to a goal (the upper one of an even number); None counts as the whole time of its training."""
    ranked = sorted((course.seconds if t is None else t, t is None) for course, t in zip(courses, times, strict=True))
    return Median(*ranked[len(ranked) // 2])


def print_times(ours: list[Course], theirs: list[Course], making_s: float) -> bool:
    """Prints the table of times; True if the bars are reached."""
    print(f"\nseconds until {GOAL:.0%} of the strings are read without an error, median of {len(ours)} trainings")
    print(f"{'':32}{'original':>10}{'ours':>9}{'ratio':>10}{'bar':>6}")
    passed, bounds = True, False
    for goal, name in (("all", "to_goal_s"), ("on white", "to_goal_white_s")):
        a, b = (median_time(side, [getattr(course, name) for course in side]) for side in (theirs, ours))
        bounds |= a.is_bound
        for what, extra_s, bar in (("training", 0.0, TIME_BAR), ("with making the dataset", making_s, TOTAL_BAR)):
            ratio = a.seconds / (b.seconds + extra_s)
            met = ratio >= bar and not b.is_bound
            mark = ">" if a.is_bound else ""
            ratio_text = "-" if b.is_bound else f"{mark}{ratio:.1f}x"
            print(
                f"{goal + ', ' + what:32}{mark + format(a.seconds, '.1f'):>10}"
                f"{('>' if b.is_bound else '') + format(b.seconds + extra_s, '.1f'):>9}{ratio_text:>10}{bar:5.0f}x"
                f"{'' if met else '  MISSED'}{'  ours did not reach it' if b.is_bound else ''}"
            )
            passed &= met
    if bounds:
        print("> a lower bound: the original did not reach it before its limit")
    return passed


def print_courses(courses: list[Course]) -> None:
    """Prints the result of each training, and the fonts that each side misread."""
    print(
        f"\n{'':10}{'parameters':>11}{'to goal s':>11}{'on white':>10}{'whole s':>9}{'waiting':>9}{'lines':>9}"
        f"{'best exact':>12}{'on white':>10}   ended at"
    )
    for c in courses:
        times = "".join(
            f"{'not' if t is None else format(t, '.1f'):>{w}}" for t, w in ((c.to_goal_s, 11), (c.to_goal_white_s, 10))
        )
        print(
            f"{c.name:10}{c.parameters:11,}{times}{c.seconds:9.1f}{c.waiting_s / c.seconds:9.0%}"
            f"{c.looks[-1].lines:9,}{c.best:12.1%}{c.best_white:10.1%}   {c.ended}"
        )
    for name in dict.fromkeys(course.name for course in courses):
        misses = sum((Counter(c.misses_by_font) for c in courses if c.name == name), Counter())
        worst = ", ".join(f"{font} {number}" for font, number in misses.most_common(8))
        print(f"{name}: fonts misread most often at the end: {worst or 'none'}")


def print_networks(rates: dict[str, list[float]], ours: list[Course], theirs: list[Course]) -> bool:
    """Prints the networks' speed; True if the bar is reached without a loss of accuracy."""
    medians = [statistics.median(rates[name]) for name in ("original", "ours")]
    ratio = statistics.median(b / a for a, b in zip(rates["original"], rates["ours"], strict=True))
    best = [statistics.median(course.best for course in side) for side in (theirs, ours)]
    as_good = best[1] >= best[0]
    print(f"\ntraining steps alone, median of {len(rates['ours'])} rounds; accuracy as trained above")
    print(f"{'':32}{'original':>10}{'ours':>9}{'ratio':>10}{'bar':>6}")
    print(
        f"{'lines/s':32}{medians[0]:10,.0f}{medians[1]:9,.0f}{ratio:9.1f}x{NETWORK_BAR:5.0f}x"
        f"{'' if ratio >= NETWORK_BAR else '  MISSED'}"
    )
    print(f"{'best exact':32}{best[0]:10.1%}{best[1]:9.1%}{'':10}{'>=':>6}{'' if as_good else '  MISSED'}")
    return ratio >= NETWORK_BAR and as_good


def write_results(results: dict[str, Any]) -> None:
    """Writes the results so far, so that a run that is stopped keeps them."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=3, help="of each side, in turn (default 3)")
    parser.add_argument("--limit-minutes", type=float, default=30, help="of one training (default 30)")
    parser.add_argument("--strings", type=int, default=1000, help="fresh strings that both sides read (default 1,000)")
    parser.add_argument("--rounds", type=int, default=5, help="of the networks alone (default 5)")
    parser.add_argument("--lines", type=int, default=24_000, help="of our dataset (default 24,000)")
    parser.add_argument("--epochs", type=int, default=1, help="of our training (default 1)")
    parser.add_argument(
        "--batch", type=int, default=32, help="lines in one of our batches of average width (default 32)"
    )
    parser.add_argument("--rate", type=float, default=6e-3, help="our highest learning rate (default 0.006)")
    arguments = parser.parse_args()
    limit_s = 60 * arguments.limit_minutes
    schedule = Schedule(lines=arguments.lines, epochs=arguments.epochs, batch=arguments.batch, rate=arguments.rate)

    strings = draw_strings(arguments.strings)
    results: dict[str, Any] = {"goal": GOAL, "cores": os.cpu_count(), "arguments": vars(arguments)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        making_s = results["making_s"] = make_shards(folder, schedule.lines)
        say(f"dataset of {schedule.lines:,} lines made in {making_s:.1f} s")
        dataset = folder / "digits"
        rates = results["networks_lines_per_s"] = networks_alone(dataset, arguments.rounds)
        ours: list[Course] = []
        theirs: list[Course] = []
        for seed in range(1, arguments.trainings + 1):
            ours.append(train("ours", partial(start_ours, dataset, schedule, seed), strings, limit_s, to_the_end=True))
            write_results(results | {"ours": [asdict(c) for c in ours], "original": [asdict(c) for c in theirs]})
            theirs.append(train("original", partial(start_original, seed), strings, limit_s, to_the_end=False))
            write_results(results | {"ours": [asdict(c) for c in ours], "original": [asdict(c) for c in theirs]})

    print(f"{os.cpu_count()} cores; ours: {schedule.lines:,} lines made in {making_s:.1f} s, {schedule}")
    passed = [print_times(ours, theirs, making_s), print_networks(rates, ours, theirs)]
    print_courses([*theirs, *ours])
    print(f"written to {RESULTS.relative_to(ROOT)}")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
