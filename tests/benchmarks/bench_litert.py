"""Does a LiteRT file read what the Keras model reads? On pictures of your own, with 32-bit weights and with 8-bit ones.

Run as `python -m tests.benchmarks.bench_litert FOLDER [--model numeric]`; the folder holds NAME.png with NAME.gt.txt.
Each line is cut and padded as docs/formats.md says, and decoded by the best path. Exit code 1 if a text of the 32-bit
file differs.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ocrlib.network.export import export_model
from ocrlib.network.open import find_model, open_network
from ocrlib.pictures.opening import cut_line_image, read_picture
from ocrlib.pictures.pairs import Pair, find_pairs
from ocrlib.reading.decoding.paths import best_paths
from ocrlib.reading.recognizer import Recognizer


def read_with(path: Path, reader: Recognizer, lines: list[np.ndarray]) -> list[str]:
    """The texts that a LiteRT file reads in lines of (height, W, channels) uint8."""
    about = json.loads(path.with_suffix(".json").read_text())
    run = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    texts = []
    for line in lines:
        image = np.full((1, reader.height, about["width"], reader.channels), 255, np.uint8)
        image[0, :, : line.shape[1]] = line
        (probs,) = run(image=image, width=np.array([line.shape[1]], np.int32)).values()
        steps = np.array([-(-line.shape[1] // about["width_stride"])])
        texts.append(reader.charset.decode(best_paths(probs, steps).classes[0]))
    return texts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="numeric", help="a run folder or a shipped model (default numeric)")
    arguments = parser.parse_args()
    reader = Recognizer(open_network(str(find_model(arguments.model, (".keras",)))))
    pairs = [each for each in find_pairs(arguments.folder) if isinstance(each, Pair)]
    pictures = [read_picture(pair.picture, pair.picture.name) for pair in pairs]
    lines = [cut_line_image(each, reader.height, reader.channels, reader.margins) for each in pictures]
    truths = [pair.text.read_text(encoding="utf-8").strip() for pair in pairs]
    expected = [reading.text for reading in reader.read_lines(lines)]
    width_px = max(line.shape[1] for line in lines)
    same = {}
    for int8 in (False, True):
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "model.tflite"
            export_model(arguments.model, "litert", path, width_px=width_px, int8=int8)
            texts = read_with(path, reader, lines)
            same[int8] = sum(map(str.__eq__, texts, expected))
            print(
                f"{'8' if int8 else '32'}-bit weights, {path.stat().st_size / 1e6:.1f} MB: {same[int8]} of {len(lines)} "
                f"texts as Keras reads them, {sum(map(str.__eq__, texts, truths))} right"
            )
    print(f"Keras: {sum(map(str.__eq__, expected, truths))} right")
    return 0 if same[False] == len(lines) else 1


if __name__ == "__main__":
    sys.exit(main())
