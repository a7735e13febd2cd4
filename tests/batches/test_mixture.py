"""Several datasets as one: the order of their batches, and that each line comes."""

import itertools
from collections import Counter
from pathlib import Path

import pytest

from ocrlib.batches.mixture import Mixture
from ocrlib.errors import UserError
from tests.batches.samples import assert_same, ids, load
from tests.training_fixtures import make_samples, numbers, write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 lines in 5 shards."""
    return write_dataset(tmp_path_factory.mktemp("mixture") / "digits", {"train": numbers(110, seed=1)})


@pytest.fixture(scope="module")
def other_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 other lines; their ids begin with `more`."""
    samples = make_samples("more", numbers(60, seed=9))
    return write_dataset(tmp_path_factory.mktemp("loader") / "more", {"train": samples})


def test_a_mixture_has_every_line_of_each_dataset_once(dataset: Path, other_dataset: Path) -> None:
    mixture = Mixture([load(dataset), load(other_dataset)])
    assert mixture.num_samples == 170
    for seed, epoch in ((None, 0), (1, 0), (1, 1)):
        batches = ids(list(mixture.batches(seed, epoch)))
        assert len(batches) == mixture.count(seed, epoch)
        counts = Counter(itertools.chain(*batches))
        assert set(counts.values()) == {1}
        assert Counter(name.split("-")[0] for name in counts) == {"train": 110, "more": 60}


def test_a_mixture_alternates_between_datasets_and_a_seed_repeats_it(dataset: Path, other_dataset: Path) -> None:
    mixture = Mixture([load(dataset), load(other_dataset)])
    owners = {e: "".join(batch[0][0] for batch in ids(list(mixture.batches(1, e)))) for e in (0, 1)}
    assert "mt" in owners[0].strip("m")  # the datasets alternate; one does not follow the other as a whole
    assert owners[0] != owners[1]
    again = Mixture([load(dataset), load(other_dataset)])
    assert_same(list(mixture.batches(1, 0)), list(again.batches(1, 0)))


@pytest.mark.parametrize("weights", [None, [0.3, 0.7]])
@pytest.mark.parametrize("epoch", [0, 2])
@pytest.mark.usefixtures("small_windows")
def test_skip_in_a_mixture_goes_on_with_the_very_next_batch(
    weights: list[float] | None, epoch: int, dataset: Path, other_dataset: Path
) -> None:
    mixture = Mixture([load(dataset), load(other_dataset)], weights)
    for seed in (None, 4):
        whole = list(mixture.batches(seed, epoch))
        for skip in range(0, len(whole) + 1, 5):
            assert_same(list(mixture.batches(seed, epoch, skip)), whole[skip:])


@pytest.mark.parametrize("weights", [[1.0, 1.0], [0.25, 0.75], [8.0, 2.0]])
def test_weights_decide_the_share_of_batches_and_each_dataset_is_repeated(
    weights: list[float], dataset: Path, other_dataset: Path
) -> None:
    loaders = [load(dataset), load(other_dataset)]
    mixture = Mixture(loaders, weights)
    total = sum(loader.count(1, 0) for loader in loaders)
    read: dict[str, list[list[str]]] = {"train": [], "more": []}
    for epoch in range(4):
        batches = ids(list(mixture.batches(1, epoch)))
        assert len(batches) == mixture.count(1, epoch) == total
        for batch in batches:
            read[batch[0].split("-")[0]].append(batch)
    for loader, name, weight in zip(loaders, read, weights, strict=True):
        assert len(read[name]) == pytest.approx(4 * total * weight / sum(weights), abs=4)
        rounds = itertools.chain.from_iterable(ids(list(loader.batches(1, own))) for own in itertools.count())
        assert read[name] == list(itertools.islice(rounds, len(read[name])))


@pytest.mark.parametrize("num_batches", [3, 50])
def test_an_epoch_may_have_any_number_of_batches(num_batches: int, dataset: Path, other_dataset: Path) -> None:
    loaders = [load(dataset), load(other_dataset)]
    mixture = Mixture(loaders, None, num_batches)
    batches = [ids(list(mixture.batches(1, epoch))) for epoch in range(12)]
    assert all(abs(len(epoch) - num_batches) <= 1 for epoch in batches)
    assert all(len(epoch) == mixture.count(1, number) for number, epoch in enumerate(batches))
    mine = [batch for epoch in batches for batch in epoch if batch[0].startswith("train")]
    assert mine[: loaders[0].count(1, 0)] == ids(list(loaders[0].batches(1, 0)))  # each epoch goes on


@pytest.mark.parametrize(("weights", "num_batches"), [(None, None), ([0.3, 0.7], None), (None, 7), ([0.5, 0.5], 30)])
@pytest.mark.usefixtures("small_windows")
def test_the_lines_of_an_epoch_are_known_without_reading_them(
    weights: list[float] | None, num_batches: int | None, dataset: Path, other_dataset: Path
) -> None:
    mixture = Mixture([load(dataset), load(other_dataset, short_first=True)], weights, num_batches)
    for epoch in range(3):
        found = Counter(name.split("-")[0] for batch in ids(list(mixture.batches(5, epoch))) for name in batch)
        assert mixture.lines(5, epoch) == [found["train"], found["more"]]


@pytest.mark.parametrize("odd", [{"height": 48}, {"channels": 3}])
def test_images_of_another_shape_cannot_be_mixed(odd: dict[str, int], dataset: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "odd", {"train": ["1", "2"]}, **odd)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="they cannot be mixed"):
        Mixture([load(dataset), load(other)])
