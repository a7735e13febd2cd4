"""How many new digit strings of stock trdg a model reads without an error: all 100 latin fonts, on white and on noise.

Run as `python -m tests.benchmarks.bench_fresh [--model numeric]`. Stock trdg draws the strings, from seeds that no
recipe uses. Exit code 1 if the bar is missed.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from ocrlib.evaluation.evaluate import summary
from ocrlib.evaluation.metrics import count_errors
from ocrlib.files import write_json
from ocrlib.reading.recognizer import Recognizer
from tests.benchmarks.to_goal import draw_strings

BAR = 0.995


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="numeric", help="a run folder, a file, or a shipped model (default numeric)")
    parser.add_argument("--strings", type=int, default=4000)
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    arguments = parser.parse_args()
    strings = draw_strings(arguments.strings)
    recognizer = Recognizer.load(arguments.model)
    if recognizer.channels != 1 or recognizer.height != 32:
        raise SystemExit(f"{arguments.model}: expected a reader of gray lines of 32 pixels")
    texts = [reading.text for reading in recognizer.read_lines(strings.images)]
    right = np.array([text == truth for text, truth in zip(texts, strings.texts, strict=True)])
    counts = count_errors(strings.texts, texts)
    passed = counts.exact_match >= BAR
    print(
        f"{arguments.model}: {counts.lines} fresh strings of stock trdg: exact {counts.exact_match:.2%} "
        f"(bar {BAR:.1%}{'' if passed else ', MISSED'}), CER {counts.cer:.2%}; "
        f"white {right[strings.on_white].mean():.2%}, noise {right[~strings.on_white].mean():.2%}"
    )
    worst = Counter(strings.fonts[i] for i in np.flatnonzero(~right)).most_common(8)
    print(f"misread most often: {', '.join(f'{font} {number}' for font, number in worst) or 'none'}")
    if arguments.out is not None:
        write_json(arguments.out, {"model": arguments.model, "data": "fresh strings of stock trdg", **summary(counts)})
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
