"""What a language model's say is worth: lines read by the best path, and by picture and n-gram together.

Run as `python -m tests.benchmarks.bench_language DATA ...` with datasets, whose validation lines are read, and folders of
NAME.png and NAME.gt.txt. For each the CER, the share of lines without an error, and the calibration error of the
confidences, without a language model and by each of the weights; then what decoding takes beside the network, of the
lines of all data together. There is no bar: docs/decisions/language-in-the-search.md tells what was decided by it.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocrlib.batches.padding import blank_images, padded_width
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.dataset.manifest import FILE_NAME
from ocrlib.evaluation.calibration import measure_reliability
from ocrlib.evaluation.evaluate import open_split
from ocrlib.evaluation.metrics import count_errors, fold
from ocrlib.network.open import Network, find_ngram, open_network
from ocrlib.pictures.opening import read_line_image
from ocrlib.pictures.pairs import Pair, find_pairs, read_truth
from ocrlib.reading.decoding.decoder import Decoder
from ocrlib.reading.decoding.ngram import NGram
from ocrlib.reading.recognizer import Recognizer

WEIGHTS = ((0.1, 0.15), (0.15, 0.2), (0.2, 0.3), (0.25, 0.4), (0.3, 0.5))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Lines as the network sees them: (B, T, C) probabilities, (B,) time steps, and what the lines say."""

    probs: np.ndarray
    steps: np.ndarray
    truths: Sequence[str]


def seen(network: Network, data: Path) -> Iterator[Seen]:
    """Yields the lines of a dataset's validation split, or of a folder of pairs."""
    if (data / FILE_NAME).exists():
        loader = open_split(Recognizer(network), data, "val")
        for batch in loader.batches():
            labels = zip(batch["label"], batch["label_length"], strict=True)
            truths = [loader.lines.charset.decode(label[:length].tolist()) for label, length in labels]
            steps = time_steps(batch["width"], network.width_stride)
            yield Seen(probs=network.run(batch["image"], batch["width"]), steps=steps, truths=truths)
        return
    for pair in find_pairs(data):
        if isinstance(pair, Pair):
            image = read_line_image(pair.picture, network.height, network.channels, network.margins)
            width = np.array([image.shape[1]], np.int32)
            padded = blank_images(1, network.height, padded_width(image.shape[1]), network.channels)
            padded[0, :, : image.shape[1]] = image
            steps = time_steps(width, network.width_stride)
            yield Seen(probs=network.run(padded, width), steps=steps, truths=[read_truth(pair.text)])


def figures(decoder: Decoder, charset: Charset, lines: Sequence[Seen]) -> tuple[float, float, float]:
    """CER, the share of lines without an error, and the calibration error."""
    truths = [fold(truth) for batch in lines for truth in batch.truths]
    decoded = [each for batch in lines for each in decoder.decode(batch.probs, batch.steps)]
    texts = [fold(charset.decode(each.classes).strip(" ")) for each in decoded]
    errors = count_errors(truths, texts)
    right = [truth == text for truth, text in zip(truths, texts, strict=True)]
    calibration = measure_reliability([each.confidence for each in decoded], right)
    return errors.cer, errors.exact_match, calibration.expected_calibration_error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path, help="datasets, or folders of NAME.png with NAME.gt.txt")
    parser.add_argument("--model", default="latin")
    parser.add_argument("--language-model", type=Path, help="a file (default: the one that belongs to the model)")
    arguments = parser.parse_args()
    network = open_network(arguments.model)
    file = arguments.language_model or find_ngram(arguments.model)
    if file is None:
        parser.error(f"{arguments.model} has no language model; name one with --language-model")
    ngram = NGram.load(file).for_charset(network.charset)
    by_weight = {
        f"{weight} and {bonus}": Decoder(
            network.charset, ngram=NGram(network.charset, ngram.counts, weight=weight, bonus=bonus)
        )
        for weight, bonus in WEIGHTS
    }
    decoders = {"none": Decoder(network.charset), **by_weight}
    begun = time.process_time()
    data = {folder.name: list(seen(network, folder)) for folder in arguments.data}
    print(f"{'CER / exact / calibration':28}" + "".join(f"{name:>26}" for name in data) + f"{'decoding':>12}")
    looked = time.process_time() - begun
    for name, decoder in decoders.items():
        begun = time.process_time()
        row = [figures(decoder, network.charset, lines) for lines in data.values()]
        share = (time.process_time() - begun) / looked
        cells = "".join(f"{f'{cer:.2%} / {exact:.3f} / {error:.3f}':>26}" for cer, exact, error in row)
        print(f"{name:28}{cells}{share:>12.0%}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
