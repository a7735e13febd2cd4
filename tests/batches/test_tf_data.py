"""Batches as a tf.data.Dataset: the same as the loader's, epoch by epoch."""

from pathlib import Path

import numpy as np
import pytest

from ocrlib.backend import tf
from ocrlib.batches.tf_data import to_tf_dataset
from tests.batches.samples import assert_same, load
from tests.training_fixtures import numbers, write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 lines for training in 5 shards, 30 for validation in 2."""
    splits = {"train": numbers(110, seed=1), "val": numbers(30, seed=2)}
    return write_dataset(tmp_path_factory.mktemp("tf_data") / "digits", splits)


def test_tf_data_gives_the_same_batches_and_goes_on_epoch_by_epoch(dataset: Path) -> None:
    loader = load(dataset)
    batches = to_tf_dataset(loader, seed=1, epoch=2, skip=3)
    for epoch, skip in ((2, 3), (3, 0), (4, 0)):
        got = [{name: value.numpy() for name, value in batch.items()} for batch in batches]
        for batch in got:
            batch["id"] = np.array([name.decode() for name in batch["id"]], object)
        assert_same(got, list(loader.batches(1, epoch, skip)))


def test_tf_data_of_a_validation_repeats_itself(dataset: Path) -> None:
    batches = to_tf_dataset(load(dataset, "val"))
    first, second = ([batch["id"].numpy().tolist() for batch in batches] for _ in range(2))
    assert first == second


def test_an_error_of_the_loader_shows_in_tf_data(dataset: Path) -> None:
    with pytest.raises(tf.errors.OpError, match=r"UserError: .*sample train-\d{9}: the charset lacks"):
        list(to_tf_dataset(load(dataset, characters="01234"), seed=1))
