"""Loaders with small batches, and a comparison of batches pixel by pixel."""

from pathlib import Path

import numpy as np

from ocrlib.batches.loader import Batch, Loader
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from tests.training_fixtures import DIGITS


def load(
    folder: Path,
    split: str = "train",
    characters: str = DIGITS,
    *,
    stride: int | None = 4,
    batch_size: int = 8,
    short_first: bool = False,
    **of_lines: object,
) -> Loader:
    """A loader as a training opens it, with small batches; `of_lines` are arguments of `SplitLines`."""
    lines = SplitLines(folder, split, Charset(characters), **of_lines)  # type: ignore[arg-type]
    return Loader(lines, stride, batch_size, short_first=short_first)


def ids(batches: list[Batch]) -> list[list[str]]:
    """The sample ids of each batch."""
    return [batch["id"].tolist() for batch in batches]


def assert_same(left: list[Batch], right: list[Batch]) -> None:
    """Checks that both have the same batches, pixel by pixel, in the same order."""
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype, name
            assert np.array_equal(a[name], b[name]), name
