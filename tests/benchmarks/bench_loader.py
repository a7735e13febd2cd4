"""How fast shards become batches, from the bytes on disk to what a network is fed.

Run as `python -m tests.benchmarks.bench_loader`. Makes 50,000 numeric lines in runs/bench/ once. Each row is the
median of several rounds, and the rows take turns; the files are in the operating system's cache, as in a training
from its second epoch on. `by processor` is per second of processor time, which other programs disturb less. Then come padding and shapes for the datasets of both recipes, and with `--memory` the memory
needed to stream a million lines.
"""

import argparse
import os
import random
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from ocrlib.backend import tf
from ocrlib.batches.loader import Loader
from ocrlib.batches.split import SplitLines
from ocrlib.batches.tf_data import to_tf_dataset
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import FileFormat, SplitEntry, read_manifest, write_manifest
from ocrlib.factory.make import make_dataset
from ocrlib.factory.recipe import Output, Recipe, Splits, load_recipe
from ocrlib.factory.render.options import LineOptions
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.prepare import new_network
from ocrlib.training.settings import ModelConfig, TrainConfig
from tests.factory.render.samples import draw_digits, trdg_fonts
from tests.stock_trdg import stock_line

LINES = 50_000
STRIDE = 4  # of the network that would learn from the batches
# Lines/s on two cores; less where the bytes themselves come slower: 70% of "copied into padded arrays".
BARS = {"TFRecord to batches": 60_000, "HDF5 to batches": 100_000}
CEILINGS = {"TFRecord to batches": "TFRecord bytes, padded", "HDF5 to batches": "HDF5 bytes, padded"}
SHARE_OF_CEILING = 0.7
NETWORK, ORIGINAL = "numeric CRNN, training steps", "trdg on the fly (the original)"


def numeric_dataset(folder: Path, encoding: str = "raw") -> Path:
    """Returns the folder of 50,000 numeric lines; makes it if it does not exist."""
    recipe = load_recipe(Path("datasets/numeric.toml"))
    splits = Splits(train=LINES, val=1)
    recipe = Recipe(
        name=f"bench-{encoding}",
        seed=recipe.seed,
        text=recipe.text,
        render=recipe.render,
        splits=splits,
        output=Output(encoding=encoding, shard_samples=5000),  # type: ignore[arg-type]
    )
    make_dataset(recipe, folder / recipe.name, os.cpu_count() or 1)
    return folder / recipe.name


def charset_of(folder: Path) -> Charset:
    """The dataset's own."""
    return Charset(read_manifest(folder).charset)


def pad_bytes(folder: Path, file_format: FileFormat) -> int:
    """The upper limit: the same bytes, read (from HDF5 with checksums) and copied into padded arrays, nothing else."""
    lines, room = 0, np.empty(0, np.uint8)
    entry = read_manifest(folder)
    for shard in entry.splits["train"].shards:
        file = shard.files[file_format]
        room = room if len(room) >= file.bytes else np.empty(file.bytes, np.uint8)
        if file_format == "hdf5":
            with h5py.File(folder / file.name) as columns:
                columns["pixels"].read_direct(room[: columns["pixels"].size])
        else:
            with open(folder / file.name, "rb") as stream:
                stream.readinto(memoryview(room))  # where the images lie in it does not matter for the time
        widths = np.repeat(list(shard.widths), list(shard.widths.values()))
        starts = np.concatenate([[0], np.cumsum(widths * entry.image.height)])
        for first in range(0, len(widths), 64):
            batch = np.full((64, entry.image.height, widths[first : first + 64].max()), 255, np.uint8)
            for line, row in enumerate(range(first, min(first + 64, len(widths)))):
                image = room[starts[row] : starts[row + 1]]
                batch[line, :, : widths[row]] = image.reshape(entry.image.height, -1)
        lines += len(widths)
    return lines


def load(folder: Path, file_format: FileFormat, through_tf: bool) -> int:
    """Loads every line once: shuffled, padded, encoded."""
    source = Loader(SplitLines(folder, "train", charset_of(folder), file_format=file_format), STRIDE)
    batches = to_tf_dataset(source, seed=1) if through_tf else source.batches(seed=1)
    return sum(len(batch["width"]) for batch in batches)


def original(lines: int) -> int:
    """The way of the original: trdg draws each line when it is needed."""
    rng, fonts = random.Random(1), trdg_fonts()
    for seed in range(lines):
        options = replace(LineOptions(), background="gaussian_noise", channels=3)
        stock_line(draw_digits(rng), rng.choice(fonts), options, seed)
    return lines


def training(folder: Path, batches: int = 60) -> Callable[[], int]:
    """Returns a function that trains the numeric CRNN on batches that are already in memory."""
    charset = charset_of(folder)
    loader = Loader(SplitLines(folder, "train", charset), STRIDE)
    model = CTCModel(new_network([read_manifest(folder)], charset, ModelConfig()), charset)
    model.compile(optimizer=make_optimizer(TrainConfig(), 1000), jit_compile=False)
    step = tf.function(model.train_step, reduce_retracing=True)
    data = [b for b, _ in zip(to_tf_dataset(loader, seed=1), range(batches), strict=False)]

    def run() -> int:
        for batch in data:
            step(batch)
        return sum(len(batch["width"]) for batch in data)

    run()
    return run


def padding_row(folder: Path) -> str:
    """Padding and shapes, and the padding of random batches for comparison."""
    loader = Loader(SplitLines(folder, "train", charset_of(folder)), STRIDE)
    widths = np.concatenate([np.repeat(list(part.widths), list(part.widths.values())) for part in loader.lines.parts])
    shuffled = np.random.RandomState(1).permutation(widths)[: len(widths) // 64 * 64].reshape(-1, 64)
    at_random = 1 - shuffled.sum() / (shuffled.max(axis=1) * 64).sum()
    shapes, traces = len(loader.buckets), count_traces(loader)
    return f"{folder}: {loader.padding_share:.1%} (at random {at_random:.1%}), {shapes} widths, {traces} traces"


def count_traces(loader: Loader, batches: int = 40) -> int:
    """How often TensorFlow traced the training step for batches of many shapes."""
    model = CTCModel(new_network([loader.lines.manifest], loader.lines.charset, ModelConfig()), loader.lines.charset)
    model.compile(optimizer=make_optimizer(TrainConfig(), 1000), jit_compile=False)
    traces = 0
    inner = model.train_step

    def counted(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        nonlocal traces
        traces += 1
        return inner(batch)

    model.train_step = counted
    model.fit(to_tf_dataset(loader, seed=1).take(batches), epochs=1, verbose=0)
    return traces


def stream_a_million(folder: Path) -> str:
    """Repeats the shards under other names until they have a million lines, and reads all of them once."""
    manifest = read_manifest(folder)
    million = folder.parent / "million"
    million.mkdir(exist_ok=True)
    entries = []
    for turn in range(1_000_000 // LINES):
        for shard in manifest.splits["train"].shards:
            files = {}
            for name, file in shard.files.items():
                link = million / f"{turn:03d}-{file.name}"
                if not link.exists():
                    os.link(folder / file.name, link)
                files[name] = replace(file, name=link.name)
            entries.append(replace(shard, stem=f"{turn:03d}-{shard.stem}", files=files))
    train = SplitEntry(samples=1_000_000, shards=tuple(entries))
    write_manifest(million, replace(manifest, splits={"train": train}))
    start = time.perf_counter()
    lines = load(million, "hdf5", True)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return f"{lines:,} lines streamed in {seconds:.0f} s, peak memory {peak:.2f} GiB, TensorFlow included"


def measure(rows: dict[str, Callable[[], int]], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the median lines/s of each row, by the clock and by the processor's time of all its threads."""
    speeds: dict[str, list[float]] = {name: [] for name in rows}
    by_processor: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, run in rows.items():
            start, used = time.perf_counter(), time.process_time()
            lines = run()
            speeds[name].append(lines / (time.perf_counter() - start))
            by_processor[name].append(lines / (time.process_time() - used))
    return tuple({name: statistics.median(each) for name, each in found.items()} for found in (speeds, by_processor))  # type: ignore[return-value]


def print_speeds(medians: dict[str, float], by_processor: dict[str, float]) -> None:
    """Prints a row each; a bar is held against the clock, so on a busy machine against the ceiling of the same run."""
    print(f"{'':34}{'lines/s':>10}{'by processor':>14}{'x network':>11}{'x original':>12}   bar")
    for name, speed in medians.items():
        told = ""
        if name in BARS:
            ceiling = medians[CEILINGS[name]]
            bar = min(BARS[name], SHARE_OF_CEILING * ceiling)
            told = (
                f"{bar:,.0f} {'met' if speed >= bar else 'MISSED'} ({speed / ceiling:.0%} of the ceiling, by processor "
                f"{by_processor[name] / by_processor[CEILINGS[name]]:.0%})"
            )
        compared = [f"{speed / medians[other]:.1f}" if other in medians else "" for other in (NETWORK, ORIGINAL)]
        print(f"{name:34}{speed:>10,.0f}{by_processor[name]:>14,.0f}{compared[0]:>11}{compared[1]:>12}   {told}")


def loader_rows(folder: Path) -> dict[str, Callable[[], int]]:
    """The loader on a dataset that has both formats, stored raw, each with its ceiling."""
    return {
        "TFRecord bytes, padded": lambda: pad_bytes(folder, "tfrecord"),
        "TFRecord to batches": lambda: load(folder, "tfrecord", False),
        "TFRecord to tf.data batches": lambda: load(folder, "tfrecord", True),
        "HDF5 bytes, padded": lambda: pad_bytes(folder, "hdf5"),
        "HDF5 to batches": lambda: load(folder, "hdf5", False),
        "HDF5 to tf.data batches": lambda: load(folder, "hdf5", True),
    }


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench"))
    parser.add_argument("--data", type=Path, help="only the loader, on this dataset")
    parser.add_argument("--memory", action="store_true", help="only the streaming of a million lines")
    arguments = parser.parse_args()
    if arguments.data is not None:
        print_speeds(*measure(loader_rows(arguments.data), arguments.rounds))
        return
    folder = numeric_dataset(arguments.folder)
    if arguments.memory:
        print(stream_a_million(folder))
        return
    png = numeric_dataset(arguments.folder, "png")
    rows = loader_rows(folder) | {
        "HDF5 (png) to batches": lambda: load(png, "hdf5", False),
        NETWORK: training(folder),
        ORIGINAL: lambda: original(300),
    }
    print_speeds(*measure(rows, arguments.rounds))
    for name, path in (("raw", folder), ("png", png)):
        for ending in ("tfrecord", "h5"):
            size = sum(file.stat().st_size for file in path.glob(f"train-*.{ending}"))
            print(f"on disk, {name}, {ending}: {size / LINES:,.0f} bytes a line")
    for dataset in (Path("datasets/numeric"), Path("datasets/wikipedia")):
        if (dataset / "manifest.json").exists():
            print(f"padding of {padding_row(dataset)}")


if __name__ == "__main__":
    main()
