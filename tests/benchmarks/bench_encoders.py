"""Which encoder reads best: three kinds of convolutions and an LSTM, trained for the same time on the same shards.

Run as `python -m tests.benchmarks.bench_encoders DATASET [--minutes 10]`. Each network is trained for the given minutes
on the training split, with a learning rate that warms up and falls to zero in that time, and then reads the test split.
A second test checks the claim that an encoder learns language ("tha_k you"): in clean lines of the test split's texts
one letter is blotted out, and we count how often it is read correctly. Prints a table and writes it to
runs/bench/encoders.json. There is no bar; the default encoder for sentences was chosen by this table.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocrlib.backend import keras
from ocrlib.batches.loader import Loader
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.evaluation.evaluate import evaluate_dataset
from ocrlib.network.crnn import ENCODERS, STRIDES, build_crnn
from ocrlib.reading.recognizer import Recognizer
from tests.benchmarks.for_minutes import train_for
from tests.programs import ROOT

RESULTS = ROOT / "runs" / "bench" / "encoders.json"
FILTERS = 2.5  # the trainer's default for sentences


@dataclass(frozen=True, kw_only=True)
class Row:
    """The result of one encoder.

    Attributes:
      trained_per_s: training lines a second, without start-up and validation; read_per_s: lines a second when reading the test split.
      cer, exact: of the test split; cer_averaged: the same with the weights averaged over about the last 500 steps.
      blotted_wrong, clean_wrong: share of the hidden letters that were not read, with the blot and without it.
      kilobytes: of the .keras file.
    """

    encoder: str
    parameters: int
    kilobytes: int
    lines: int
    trained_per_s: float
    read_per_s: float
    cer: float
    exact: float
    cer_averaged: float
    blotted_wrong: float
    clean_wrong: float


@dataclass(frozen=True, kw_only=True)
class Blot:
    """A line with one hidden letter: text, the letter's position, (height, W, 1) with the blot and without."""

    text: str
    position: int
    blotted: np.ndarray
    clean: np.ndarray


def blot_lines(texts: list[str], height: int, seed: int) -> list[Blot]:
    """Returns a line for each text that has a letter inside a word, at least two letters from the word's ends."""
    from matplotlib import get_data_path

    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"), round(height * 0.7))
    rng = Random(seed)
    blots = []
    for text in texts:
        inner = [
            i
            for i in range(2, len(text) - 2)
            if text[i - 2 : i + 3].isalpha() and text[i - 2 : i + 3].isascii() and text[i].islower()
        ]
        if not inner:
            continue
        position = rng.choice(inner)
        picture = Image.new("L", (int(font.getlength(text)) + 12, height), 255)
        ImageDraw.Draw(picture).text((6, height * 0.06), text, font=font, fill=20)
        clean = np.asarray(picture)[:, :, None]
        left, right = 6 + font.getlength(text[:position]), 6 + font.getlength(text[: position + 1])
        ImageDraw.Draw(picture).rectangle((round(left), 0, round(right) - 1, height), fill=128)
        blots.append(Blot(text=text, position=position, blotted=np.asarray(picture)[:, :, None], clean=clean))
    return blots


def letters_wrong(blots: list[Blot], read: list[str]) -> float:
    """Returns the share of the hidden letters that were not read; NaN without letters."""
    wrong = 0
    for blot, reading in zip(blots, read, strict=True):
        common = SequenceMatcher(None, blot.text, reading, autojunk=False).get_matching_blocks()
        wrong += not any(part.a <= blot.position < part.a + part.size for part in common)
    return wrong / len(blots) if blots else float("nan")


def measure(folder: Path, charset: Charset, encoder: str, arguments: argparse.Namespace) -> Row:
    """Trains one encoder and returns its result."""
    keras.utils.set_random_seed(1)
    height = read_manifest(folder).image.height
    network = build_crnn(
        height,
        charset.num_classes,
        encoder=encoder,
        stride=arguments.stride,
        filters=FILTERS,
        charset=charset.characters,
    )
    trained = train_for(
        network, folder, charset, 60 * arguments.minutes, arguments.batch, arguments.rate, short_first=True
    )
    recognizer = Recognizer.of_keras(network, charset)
    begun = time.perf_counter()
    result = evaluate_dataset(recognizer, folder, "test")
    reading_s = time.perf_counter() - begun
    test = Loader(SplitLines(folder, "test", charset), stride=None)
    texts = [
        charset.decode(row[:n].tolist())
        for data in test.batches()
        for row, n in zip(data["label"], data["label_length"], strict=True)
    ]
    blots = blot_lines(texts, recognizer.height, seed=1)
    blotted = [reading.text for reading in recognizer.read_lines([blot.blotted for blot in blots])]
    clean = [reading.text for reading in recognizer.read_lines([blot.clean for blot in blots])]
    with TemporaryDirectory() as name:
        network.save(Path(name) / "network.keras")
        kilobytes = (Path(name) / "network.keras").stat().st_size // 1000
    trained.average_weights()
    averaged = evaluate_dataset(recognizer, folder, "test")
    return Row(
        encoder=encoder,
        parameters=network.count_params(),
        kilobytes=kilobytes,
        lines=trained.lines,
        trained_per_s=trained.lines / trained.seconds,
        read_per_s=result["lines"] / reading_s,
        cer=result["cer"],
        exact=result["exact_match"],
        cer_averaged=averaged["cer"],
        blotted_wrong=letters_wrong(blots, blotted),
        clean_wrong=letters_wrong(blots, clean),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--minutes", type=float, default=10, help="of training each (default 10)")
    parser.add_argument("--batch", type=int, default=24, help="lines in a batch of average width (default 24)")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate (default 0.002)")
    parser.add_argument("--stride", type=int, choices=STRIDES, default=4, help="pixels behind a time step (default 4)")
    parser.add_argument("--encoders", nargs="+", choices=list(ENCODERS), default=list(ENCODERS))
    arguments = parser.parse_args()
    charset = Charset(read_manifest(arguments.dataset).charset)
    rows = []
    for encoder in arguments.encoders:
        rows.append(measure(arguments.dataset, charset, encoder, arguments))
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=1))
        print(f"{rows[-1]}", file=sys.stderr, flush=True)
    print(f"\n{arguments.minutes:g} minutes of training each, stride {arguments.stride}, {arguments.dataset}")
    print(f"{'':9}{'parameters':>11}{'kB':>7}{'trained/s':>11}{'read/s':>9}{'CER':>8}{'averaged':>10}{'exact':>8}"
          f"{'blotted letter wrong':>22}{'without blot':>14}")  # fmt: skip
    for r in rows:
        print(f"{r.encoder:9}{r.parameters:11,}{r.kilobytes:7,}{r.trained_per_s:11.0f}{r.read_per_s:9.0f}{r.cer:8.2%}"
              f"{r.cer_averaged:10.2%}{r.exact:8.1%}{r.blotted_wrong:22.1%}{r.clean_wrong:14.1%}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
