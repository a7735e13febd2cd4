"""Lines a second of stock trdg and of `render_line`, which take turns on the same work.

Run as `python -m tests.benchmarks.bench_render`. Time is the processor time of this process, all threads together:
the speed of one core, even on a busy machine. "first" is the pass that fills the glyph cache, "ours" the median of the
passes after it; the ratio compares "ours" with "stock". Two hashes, one for each side, take in the bytes of every line;
a line that one side refused is left out of both and counted. Exit 1 if the hashes differ or a bar is missed.
"""

import argparse
import hashlib
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from ocrlib.factory.render.line import RenderError, render_line
from ocrlib.factory.render.options import LineOptions
from tests.factory.render.samples import draw_digits, draw_sentence, trdg_fonts, trdg_pictures
from tests.stock_trdg import stock_line

Case = tuple[str, str, LineOptions, int]  # text, font path, options, seed


@dataclass(frozen=True)
class Work:
    """A kind of line; `bar` is the ratio to reach, or None without a bar."""

    name: str
    draw_text: Callable[[Random], str]
    options: LineOptions
    bar: float | None = None


PLAIN = LineOptions()
WORKS = [
    Work("digits, white", draw_digits, PLAIN, 10),
    Work("digits, noise", draw_digits, replace(PLAIN, background="gaussian_noise"), 10),
    Work("sentences, white", draw_sentence, PLAIN, 15),
    Work("sentences, noise", draw_sentence, replace(PLAIN, background="gaussian_noise"), 15),
    Work(
        "sentences, noise, skew 5, blur 1.5",
        draw_sentence,
        replace(PLAIN, background="gaussian_noise", skew_deg=5, random_skew=True, blur=1.5, random_blur=True),
        10,
    ),
    Work("digits, quasicrystal", draw_digits, replace(PLAIN, background="quasicrystal")),
    Work("sentences, quasicrystal", draw_sentence, replace(PLAIN, background="quasicrystal")),
    Work("sentences, pictures", draw_sentence, replace(PLAIN, background="image", image_dir=trdg_pictures())),
    Work("sentences, sine, vertical", draw_sentence, replace(PLAIN, distortion="sine", distortion_axis="vertical")),
    Work("sentences, cosine, both", draw_sentence, replace(PLAIN, distortion="cosine", distortion_axis="both")),
    Work(
        "sentences, random, horiz.",
        draw_sentence,
        replace(PLAIN, distortion="random", distortion_axis="horizontal"),
    ),
    Work("sentences, black, RGB", draw_sentence, replace(PLAIN, text_color="#000000", channels=3)),
    Work("sentences, colours, RGB", draw_sentence, replace(PLAIN, text_color="#000000,#8080ff", channels=3)),
    Work("sentences, red stroke", draw_sentence, replace(PLAIN, stroke_width=1, stroke_fill="#c00000")),
    Work("sentences, by word", draw_sentence, replace(PLAIN, word_split=True)),
]


def make_cases(work: Work, num_lines: int) -> list[Case]:
    rng = Random(work.name)
    fonts = trdg_fonts()
    return [(work.draw_text(rng), rng.choice(fonts), work.options, rng.getrandbits(31)) for _ in range(num_lines)]


def draw_ours(*case) -> np.ndarray | None:
    try:
        return render_line(*case).image
    except RenderError:
        return None


def time_pass(draw: Callable[..., np.ndarray | None], cases: list[Case]) -> tuple[float, list[bytes | None]]:
    """Processor seconds to draw `cases`, and each line's hash, None for a refused line."""
    start = time.process_time()
    images = [draw(*case) for case in cases]
    seconds = time.process_time() - start
    return seconds, [
        None if i is None else hashlib.sha256(repr(i.shape).encode() + i.tobytes()).digest() for i in images
    ]


def run(work: Work, num_lines: int, num_rounds: int) -> bool:
    """Draws with both in turn, prints a row; True if the hashes are equal and the bar is reached."""
    cases = make_cases(work, num_lines)
    stock_seconds, our_seconds = [], []
    seconds, ours = time_pass(draw_ours, cases)
    first_seconds = seconds
    stock: list[bytes | None] = []
    for _ in range(num_rounds):
        seconds, stock = time_pass(stock_line, cases)
        stock_seconds.append(seconds)
        for _ in range(3):
            seconds, again = time_pass(draw_ours, cases)
            our_seconds.append(seconds)
            assert again == ours, f"{work.name}: two passes gave different bytes"
    both = [(a, b) for a, b in zip(stock, ours, strict=True) if a is not None and b is not None]
    equal = [hashlib.sha256(b"".join(side)).hexdigest() for side in zip(*both, strict=True)]
    same = equal[0] == equal[1]

    rates = [num_lines / s for s in (statistics.median(stock_seconds), first_seconds, statistics.median(our_seconds))]
    ratio = rates[2] / rates[0]
    bar = "-" if work.bar is None else f"{work.bar:g}x"
    print(
        f"{work.name:35}{rates[0]:9.1f}{rates[1]:9.0f}{rates[2]:9.0f}{ratio:8.1f}x{bar:>6}"
        f"{num_lines - len(both):9}  {'equal' if same else 'DIFFER'} {equal[1][:8]}",
        flush=True,
    )
    return same and ratio >= (work.bar or 0)


def main() -> int:
    parser = argparse.ArgumentParser(description="Stock trdg against render_line, on the same lines in turn.")
    parser.add_argument("--lines", type=int, default=200, help="lines a pass (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each 1 pass of stock and 3 of ours (default 3)")
    parser.add_argument("--only", default="", help="run only the works whose name contains this")
    arguments = parser.parse_args()

    works = [work for work in WORKS if arguments.only in work.name]
    for work in works[:1]:
        run_quietly = make_cases(work, 5)  # imports and opened files of the first line are not measured
        time_pass(stock_line, run_quietly)
    columns = f"{'stock':>9}{'first':>9}{'ours':>9}{'ratio':>9}{'bar':>6}{'refused':>9}  bytes"
    print(f"{'lines/s of one core':35}{columns}")
    passed = [run(work, arguments.lines, arguments.rounds) for work in works]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
