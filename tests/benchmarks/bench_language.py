"""Whether a character n-gram in the search reads sentences better: a language of the recipe's own training lines.

Run as `python -m tests.benchmarks.bench_language FOLDER ...` with folders of NAME.png and NAME.gt.txt. Counts the
n-grams of the recipe's training lines (Witten-Bell, interpolated, pruned until they are under 4 MB), reads the lines of
the folders and blotted lines with a prefix beam, and adds `alpha` times the log of the n-gram's probability and `beta`
for each character. Both weights are chosen on every second line of all folders; the table is of the other lines and of
the blotted ones. There is no bar: docs/decisions/language-in-the-search.md tells what was decided by it.

Sources: Witten, Bell 1991, "The Zero-Frequency Problem"; Hannun et al. 2014, "First-Pass Large Vocabulary Continuous
Speech Recognition using Bi-Directional Recurrent DNNs", for the beam.
"""

import argparse
import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from ocrlib.batches.padding import blank_images, padded_width
from ocrlib.ctc import time_steps
from ocrlib.evaluation.metrics import count_errors, fold
from ocrlib.factory.recipe import load_recipe
from ocrlib.factory.text import open_text
from ocrlib.network.open import Network, open_network
from ocrlib.pictures.opening import read_line_image
from ocrlib.reading.decoding.paths import best_paths
from tests.benchmarks.bench_encoders import Blot, blot_lines, letters_wrong
from tests.programs import ROOT

MAX_BYTES = 4_000_000
WIDTH = 12  # of the beam
LEAST = 1e-3  # probability of a class that is looked at
ALPHAS, BETAS = (0.1, 0.2, 0.35, 0.5, 0.7), (0.0, 0.5, 1.0)


class NGram:
    """Log probabilities of a character after those before it, by Witten-Bell.

    Args:
      lines: the texts to count.
      order: the most characters looked at, the next one included.

    Attributes:
      num_bytes: what its counts take in a compressed file.
      min_count: of an n-gram of more than three characters that was kept.
    """

    def __init__(self, lines: Sequence[str], order: int) -> None:
        self._alphabet = {character: code for code, character in enumerate(sorted(set("".join(lines))), start=1)}
        self._base, self._order, self._known = len(self._alphabet) + 2, order, dict[tuple[str, str], float]()
        codes = np.concatenate([[self._alphabet[c] for c in line] + [0] for line in lines])  # 0 parts the lines
        counted = [self._count(codes, length) for length in range(1, order + 1)]
        self.min_count, self.num_bytes = 1, MAX_BYTES + 1
        while self.num_bytes > MAX_BYTES:
            self.min_count += 1
            kept = [self._kept(*each, length > 3) for length, each in enumerate(counted, start=1)]
            file = io.BytesIO()
            np.savez_compressed(
                file, *[a for codes, counts in kept for a in (np.diff(codes), counts.astype(np.uint32))]
            )
            self.num_bytes = file.tell()
        self._counts = [dict(zip(codes.tolist(), counts.tolist(), strict=True)) for codes, counts in kept]
        self._contexts = [self._sums(codes, counts) for codes, counts in kept]

    def _count(self, codes: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        """(N,) codes of the n-grams of a length within a line, sorted, and how often each is there."""
        windows = np.lib.stride_tricks.sliding_window_view(codes, length)
        windows = windows[(windows > 0).all(axis=1)]
        return np.unique(windows @ self._base ** np.arange(length - 1, -1, -1, dtype=np.int64), return_counts=True)

    def _kept(self, codes: np.ndarray, counts: np.ndarray, is_pruned: bool) -> tuple[np.ndarray, np.ndarray]:
        enough = counts >= (self.min_count if is_pruned else 1)
        return codes[enough], counts[enough]

    def _sums(self, codes: np.ndarray, counts: np.ndarray) -> dict[int, tuple[int, int]]:
        """{code of what stands before: (how often, with how many different characters behind)}."""
        before, first, types = np.unique(codes // self._base, return_index=True, return_counts=True)
        sums = np.add.reduceat(counts, first)
        return dict(zip(before.tolist(), zip(sums.tolist(), types.tolist(), strict=True), strict=True))

    def log_probability(self, before: str, character: str) -> float:
        """Of a character after `before`."""
        before = before[len(before) - self._order + 1 :] if len(before) >= self._order else before
        if (before, character) not in self._known:
            self._known[before, character] = math.log(self._probability(before, character))
        return self._known[before, character]

    def _probability(self, before: str, character: str) -> float:
        probability, context = 1 / self._base, 0
        for length in range(len(before) + 1):
            context = 0
            for each in before[len(before) - length :]:
                context = context * self._base + self._alphabet.get(each, self._base - 1)
            if context not in self._contexts[length]:
                break
            total, types = self._contexts[length][context]
            code = context * self._base + self._alphabet.get(character, self._base - 1)
            probability = (self._counts[length].get(code, 0) + types * probability) / (total + types)
        return probability


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line: what it says, its probabilities (T, C), and what the best path says."""

    truth: str
    probs: np.ndarray
    best: str


def look(network: Network, image: np.ndarray, truth: str) -> Line:
    """Returns a line as the network sees it."""
    batch = blank_images(1, network.height, padded_width(image.shape[1]), network.channels)
    batch[0, :, : image.shape[1]] = image
    width = np.array([image.shape[1]], np.int32)
    steps = time_steps(width, network.width_stride)
    probs = network.run(batch, width)
    return Line(
        truth=truth, probs=probs[0, : steps[0]], best=network.charset.decode(best_paths(probs, steps).classes[0])
    )


def search(line: Line, characters: str, ngram: NGram, alpha: float, beta: float) -> str:
    """Returns the best text of a prefix beam, with an n-gram's weight and that of a character."""
    beams = {"": (1.0, 0.0, 0.0)}  # text: what ends in a blank, what in its last character, log of the n-gram
    for step in line.probs.astype(np.float64):
        grown: dict[str, list[float]] = {}
        classes = np.flatnonzero(step[:-1] >= LEAST).tolist()
        for text, (blank, character, log) in beams.items():
            kept = grown.setdefault(text, [0.0, 0.0, log])
            kept[0] += (blank + character) * step[-1]
            for each in classes:
                name, chance = characters[each], float(step[each])
                coming = blank + character
                if text.endswith(name):
                    kept[1] += character * chance
                    coming = blank
                longer = grown.get(text + name)
                if longer is None:
                    more = log + ngram.log_probability(text, name) if alpha else 0.0
                    longer = grown[text + name] = [0.0, 0.0, more]
                longer[1] += coming * chance
        score = {
            text: math.log(max(b + c, 1e-300)) + alpha * log + beta * len(text) for text, (b, c, log) in grown.items()
        }
        best = sorted(score, key=score.__getitem__)[-WIDTH:]
        scale = max(grown[text][0] + grown[text][1] for text in best)
        beams = {text: (grown[text][0] / scale, grown[text][1] / scale, grown[text][2]) for text in best}
    return best[-1]


def cer(lines: Sequence[Line], texts: Sequence[str]) -> float:
    """Of folded texts."""
    return count_errors([line.truth for line in lines], [fold(text) for text in texts]).cer


def print_table(
    sets: dict[str, list[Line]], blots: list[Blot], blotted: list[Line], characters: str, ngram: NGram
) -> None:
    """Chooses the weights on every second line, and prints what the other lines and the blotted letters are read at."""
    chosen = [line for lines in sets.values() for line in lines[::2]]
    tried = {
        weights: cer(chosen, [search(line, characters, ngram, *weights) for line in chosen])
        for weights in product(ALPHAS, BETAS)
    }
    weights = min(tried, key=tried.__getitem__)
    print(f"chosen on {len(chosen)} lines: alpha {weights[0]}, beta {weights[1]}, CER there {tried[weights]:.2%}")
    print(f"{'':24}{'lines':>6}{'best path':>11}{'beam':>9}{'n-gram':>9}{'change':>9}")
    others = {name: lines[1::2] for name, lines in sets.items()}
    others["together"] = [line for some in others.values() for line in some]
    for name, lines in others.items():
        path = cer(lines, [line.best for line in lines])
        beam = cer(lines, [search(line, characters, ngram, 0.0, 0.0) for line in lines])
        with_ngram = cer(lines, [search(line, characters, ngram, *weights) for line in lines])
        change = with_ngram / path - 1 if path else 0.0
        print(f"{name:24}{len(lines):>6}{path:>11.2%}{beam:>9.2%}{with_ngram:>9.2%}{change:>+9.0%}")
    wrong = letters_wrong(blots, [line.best for line in blotted])
    with_ngram = letters_wrong(blots, [search(line, characters, ngram, *weights) for line in blotted])
    print(f"{'blotted letter wrong':24}{len(blots):>6}{wrong:>11.1%}{'':9}{with_ngram:>9.1%}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="of NAME.png with NAME.gt.txt")
    parser.add_argument("--model", default="wikipedia")
    parser.add_argument("--recipe", type=Path, default=ROOT / "datasets" / "wikipedia.toml")
    parser.add_argument("--lines", type=int, default=60_000, help="training lines to count")
    parser.add_argument("--order", type=int, default=6)
    parser.add_argument("--blots", type=int, default=150)
    arguments = parser.parse_args()
    recipe, network = load_recipe(arguments.recipe), open_network(arguments.model)
    source = open_text(recipe.text, recipe.seed)
    ngram = NGram([source.draw("train", i, 0).text for i in range(arguments.lines)], arguments.order)
    print(f"n-gram of order {arguments.order}: {ngram.num_bytes:,} bytes, seen {ngram.min_count} times or more")
    sets = {}
    for folder in arguments.folders:
        paths = sorted(folder.glob("*.png"))
        truths = [fold(path.with_name(path.stem + ".gt.txt").read_text(encoding="utf-8")) for path in paths]
        images = [read_line_image(path, network.height, network.channels, network.margins) for path in paths]
        sets[folder.name] = [look(network, image, truth) for image, truth in zip(images, truths, strict=True)]
    blots = blot_lines([source.draw("test", i, 0).text for i in range(arguments.blots)], network.height, seed=1)
    blotted = [look(network, blot.blotted, blot.text) for blot in blots]
    print_table(sets, blots, blotted, network.charset.characters, ngram)
    return 0


if __name__ == "__main__":
    sys.exit(main())
