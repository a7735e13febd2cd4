"""plan_shards: which samples are in which shard, as literal tables and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.dataset.plan import Shard, plan_shards

SIZES = st.dictionaries(st.sampled_from(["train", "val", "test"]), st.integers(0, 500))


@pytest.mark.parametrize(
    ("splits", "shard_samples", "expected"),
    [
        ({"train": 10}, 10, [("train-00000-of-00001", 0, 10)]),
        ({"train": 1}, 10, [("train-00000-of-00001", 0, 1)]),
        ({"train": 11}, 10, [("train-00000-of-00002", 0, 10), ("train-00001-of-00002", 10, 11)]),
        ({"train": 3}, 1, [(f"train-0000{i}-of-00003", i, i + 1) for i in range(3)]),
        ({"train": 0}, 10, []),
        ({}, 10, []),
        (
            {"train": 5, "val": 0, "test": 2},
            3,
            [("train-00000-of-00002", 0, 3), ("train-00001-of-00002", 3, 5), ("test-00000-of-00001", 0, 2)],
        ),
    ],
)
def test_plan(splits, shard_samples, expected):
    assert [(shard.stem, shard.start, shard.stop) for shard in plan_shards(splits, shard_samples)] == expected


@given(SIZES, st.integers(1, 60))
def test_every_sample_lies_in_one_shard_and_in_order(splits, shard_samples):
    shards = plan_shards(splits, shard_samples)
    planned = [(shard.split, i) for shard in shards for i in range(shard.start, shard.stop)]
    assert planned == [(split, i) for split, samples in splits.items() for i in range(samples)]


@given(SIZES, st.integers(1, 60))
def test_all_but_the_last_shard_of_a_split_are_full(splits, shard_samples):
    for shard in plan_shards(splits, shard_samples):
        last = shard.index == shard.num_shards - 1
        assert 1 <= shard.num_samples <= shard_samples
        assert last or shard.num_samples == shard_samples


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 60))
def test_growing_keeps_every_full_shard(samples, more, shard_samples):
    before = plan_shards({"train": samples}, shard_samples)
    after = {shard.key: (shard.start, shard.stop) for shard in plan_shards({"train": samples + more}, shard_samples)}
    for shard in before:
        if shard.num_samples == shard_samples:
            assert after[shard.key] == (shard.start, shard.stop)


@given(SIZES, st.integers(1, 60))
def test_no_two_shards_share_a_file_name_or_a_key(splits, shard_samples):
    shards = plan_shards(splits, shard_samples)
    assert len({shard.stem for shard in shards}) == len({shard.key for shard in shards}) == len(shards)


def test_a_shard_is_called_by_its_stem_and_its_content_by_its_key():
    shard = Shard(split="val", index=2, num_shards=12, start=10, stop=15)
    assert (str(shard), shard.stem, shard.key) == ("val-00002-of-00012", "val-00002-of-00012", "val-00002:5")
