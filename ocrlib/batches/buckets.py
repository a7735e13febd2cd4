"""Which lines share a batch: lines of similar width fall into one bucket; the buckets are planned from all widths."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ocrlib.batches.padding import padded_width

NUM_BUCKETS = 24  # with as many, padding stays under 5% of the pixels of both recipes' datasets
_BATCHES = 2  # full ones, that a bucket should have on average


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Lines up to width_px wide, but too wide for the bucket before; batch_size of them make a batch."""

    width_px: int
    batch_size: int


def num_buckets_for(num_lines: int, batch_size: int) -> int:
    """Returns how many buckets fill their batches: 100 lines in 24 buckets would make batches of 4 lines."""
    return max(1, min(NUM_BUCKETS, num_lines // (_BATCHES * batch_size)))


def plan_buckets(widths: Mapping[int, int], batch_size: int, num_buckets: int = NUM_BUCKETS) -> list[Bucket]:
    """Returns the buckets, narrowest first, that waste the fewest pixels on padding.

    Args:
      widths: {width in pixels: lines}, at least one.
      batch_size: lines in a batch of average width. Buckets of wider lines get fewer of them, so that every batch has
        about the same area and takes about the same time.
      num_buckets: the most buckets there may be.
    """
    multiples: dict[int, list[int]] = {}  # bucket width -> [lines, their pixels of width]
    for width, lines in widths.items():
        entry = multiples.setdefault(padded_width(width), [0, 0])
        entry[0] += lines
        entry[1] += lines * width
    edges = sorted(multiples)
    lines_to = np.concatenate([[0], np.cumsum([multiples[edge][0] for edge in edges])])
    # best[j]: the fewest padded pixels for the first j edges; each round allows one more bucket. padded[j - 1, i]:
    # those for j edges whose last bucket begins at edge i.
    padding = np.array(edges)[:, None] * (lines_to[1:, None] - lines_to[:-1])
    best, choices = np.array([0.0] + [math.inf] * len(edges)), []
    for _ in range(min(num_buckets, len(edges))):
        padded = np.where(np.tri(len(edges), dtype=bool), best[:-1] + padding, math.inf)
        choices.append(padded.argmin(axis=1))
        best = np.concatenate([[0.0], padded.min(axis=1)])
    cuts, j = [], len(edges)
    for choice in reversed(choices):
        if j == 0:
            break
        cuts.append(edges[j - 1])
        j = int(choice[j - 1])
    mean_width = sum(pixels for _, pixels in multiples.values()) / lines_to[-1]
    return [Bucket(width_px=width, batch_size=max(1, round(batch_size * mean_width / width))) for width in sorted(cuts)]
