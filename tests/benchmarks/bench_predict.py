"""How soon `predict` answers, and how many pictures it reads a second, with the Keras model and with the ONNX file.

Run as `python -m tests.benchmarks.bench_predict`. Draws lines of the numeric recipe as PNGs of 32 px. Each
measurement is a new process, from the start of the command to its end; the two models take turns, and figures are
medians of the rounds. Start-up is the time for a single picture; lines/s counts the other pictures and the time beyond
start-up. Without --model it uses the shipped numeric model, or an untrained network of its shape, which is as fast.
Exit 1 if a bar is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ocrlib.dataset.arrays import read_hdf5
from ocrlib.factory.make import make_dataset
from ocrlib.factory.recipe import Output, Splits, load_recipe
from ocrlib.network.export import export_model
from ocrlib.network.open import PRETRAINED, find_model
from tests.programs import ROOT

STARTUP_BARS_S = {"Keras": 6.0, "ONNX": 1.0}
SPEED_BARS = {"Keras": 600, "ONNX": 1000}  # lines/s after start-up


def draw_pictures(folder: Path, num_lines: int) -> Path:
    """Makes a dataset of the numeric recipe and returns a folder of its lines as PNG files."""
    output = Output(formats=("hdf5",), encoding="png", shard_samples=5000)
    recipe = load_recipe(ROOT / "datasets" / "numeric.toml")
    recipe = replace(recipe, name="bench-predict", splits=Splits(train=num_lines), output=output)
    make_dataset(recipe, folder / "dataset", os.cpu_count() or 1)
    lines = read_hdf5(folder / "dataset", "train")
    pictures = folder / "pictures"
    pictures.mkdir()
    for i, name in enumerate(lines["id"]):  # the dataset stores PNG, so these bytes are files
        data = lines["pixels"][lines["offsets"][i] : lines["offsets"][i + 1]]
        (pictures / f"{name.decode() if isinstance(name, bytes) else name}.png").write_bytes(data.tobytes())
    return pictures


def choose_models(model: str | None, folder: Path) -> dict[str, Path]:
    """Returns the files to measure, {"Keras": .keras, "ONNX": .onnx}; a missing one is made in `folder`."""
    shipped = {ending: PRETRAINED / f"numeric{ending}" for ending in (".keras", ".onnx")}
    if model is not None:
        keras_file = find_model(model, (".keras",))
    elif shipped[".keras"].exists():
        keras_file = shipped[".keras"]
    else:
        from ocrlib.charset import Charset
        from ocrlib.network.crnn import build_crnn

        charset = Charset("0123456789.,-/:")
        keras_file = folder / "untrained.keras"
        build_crnn(32, charset.num_classes, stride=2, filters=2.0, charset=charset.characters).save(keras_file)
    if model is None and shipped[".onnx"].exists():
        return {"Keras": keras_file, "ONNX": shipped[".onnx"]}
    onnx_file = folder / "exported.onnx"
    print(export_model(str(keras_file), "onnx", onnx_file))
    return {"Keras": keras_file, "ONNX": onnx_file}


def run_predict(model: Path, pictures: Path, num_lines: int, folder: Path) -> float:
    """Returns the wall-clock seconds of `python -m ocrlib predict`; checks that it read every line."""
    out = folder / "rows.tsv"
    command = [sys.executable, "-m", "ocrlib", "predict", "--model", str(model), str(pictures), "--out", str(out)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    seconds = time.perf_counter() - start
    if done.returncode or len(out.read_text(encoding="utf-8").splitlines()) != num_lines:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a run folder or a .keras file (default: the shipped numeric model)")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = draw_pictures(folder, arguments.lines)
        first = min(pictures.iterdir())
        models = choose_models(arguments.model, folder)
        one: dict[str, list[float]] = {kind: [] for kind in models}
        all_: dict[str, list[float]] = {kind: [] for kind in models}
        for _ in range(arguments.rounds):
            for kind, model in models.items():
                one[kind].append(run_predict(model, first, 1, folder))
                all_[kind].append(run_predict(model, pictures, arguments.lines, folder))
    missed = 0
    print(f"\n{arguments.lines:,} pictures, {os.cpu_count()} cores, medians of {arguments.rounds} rounds")
    print(f"{'':8}{'start-up':>10}{'bar':>8}{'lines/s':>12}{'bar':>8}{'whole command':>16}")
    for kind in models:
        startup, whole = statistics.median(one[kind]), statistics.median(all_[kind])
        speed = (arguments.lines - 1) / max(whole - startup, 1e-9)
        missed += (startup >= STARTUP_BARS_S[kind]) + (speed < SPEED_BARS[kind])
        bars = STARTUP_BARS_S[kind], SPEED_BARS[kind]
        print(f"{kind:8}{startup:>8.2f} s{bars[0]:>6.1f} s{speed:>12,.0f}{bars[1]:>8,}{whole:>14.2f} s")
    print(f"{missed} bars missed" if missed else "all bars reached")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
