"""Which lines share a batch: buckets of like width, planned from the widths that a dataset has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ocrlib.batches.padding import padded_width

NUM_BUCKETS = 24  # padding of both recipes' datasets stays under 5% from here on


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Lines no wider than width_px (and wider than the bucket before allows), batch_size at a time."""

    width_px: int
    batch_size: int


def plan_buckets(widths: Mapping[int, int], batch_size: int, num_buckets: int = NUM_BUCKETS) -> list[Bucket]:
    """Returns the buckets, narrowest first, that waste the fewest pixels on padding.

    Args:
      widths: {width in pixels: lines}, at least one.
      batch_size: lines in a batch of average width; wider buckets get fewer, narrower more, so that every
        batch has about the same area and costs about the same.
      num_buckets: how many at most.
    """
    multiples: dict[int, list[int]] = {}  # bucket width -> [lines, their pixels of width]
    for width, lines in widths.items():
        entry = multiples.setdefault(padded_width(width), [0, 0])
        entry[0] += lines
        entry[1] += lines * width
    edges = sorted(multiples)
    lines_to = np.concatenate([[0], np.cumsum([multiples[edge][0] for edge in edges])])
    # best[j]: fewest padded pixels for the first j edges; each round allows one bucket more.
    best, choices = [0.0] + [math.inf] * len(edges), []
    for _ in range(min(num_buckets, len(edges))):
        padded = [
            [best[i] + edges[j - 1] * (lines_to[j] - lines_to[i]) for i in range(j)] for j in range(1, len(edges) + 1)
        ]
        choices.append([int(np.argmin(row)) for row in padded])
        best = [0.0] + [min(row) for row in padded]
    cuts, j = [], len(edges)
    for choice in reversed(choices):
        if j == 0:
            break
        cuts.append(edges[j - 1])
        j = choice[j - 1]
    mean_width = sum(pixels for _, pixels in multiples.values()) / lines_to[-1]
    return [Bucket(width_px=width, batch_size=max(1, round(batch_size * mean_width / width))) for width in sorted(cuts)]
