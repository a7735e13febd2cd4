"""Which places each kind of line gets, and that every sentence comes once in each pass."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrlib.errors import UserError
from ocrlib.factory.text.schedule import BLOCK, Schedule, permuted, plan_rare


@given(st.integers(1, 300), st.text(max_size=5))
def test_permuted_is_a_permutation(size, key):
    assert sorted(permuted(position, size, key) for position in range(size)) == list(range(size))


def test_permutations_differ_by_key_and_do_not_keep_neighbours():
    first = [permuted(position, 1000, "1/train/pass/0") for position in range(1000)]
    second = [permuted(position, 1000, "1/train/pass/1") for position in range(1000)]
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 10
    assert sum(b - a == 1 for a, b in pairwise(first)) < 10


def test_a_large_permutation_needs_no_table():
    assert permuted(0, 10**9, "k") != permuted(1, 10**9, "k") < 10**9


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 3000), st.sampled_from(["", "é", "éß"]), st.integers(1, 500), st.integers(0, 5))
def test_a_block_has_its_shares_exactly(num_mixed, rare, per_character, block):
    schedule = Schedule(1, "train", num_mixed, rare, per_character)
    places = [schedule.place(block * BLOCK + index) for index in range(BLOCK)]
    kinds = Counter(place.kind for place in places)
    assert kinds["mixed"] == num_mixed
    assert kinds["rare"] == len(rare) * per_character
    for character in rare:
        ordinals = [place.ordinal for place in places if place.character == character]
        assert ordinals == list(range(block * per_character, (block + 1) * per_character))
    plain = [place.ordinal for place in places if place.kind == "sentence"]
    assert plain == list(range(block * len(plain), (block + 1) * len(plain)))


def test_places_are_spread_and_differ_by_seed_split_and_block():
    def mixed(seed, split, block):
        schedule = Schedule(seed, split, 1000, "", 0)
        return [index for index in range(BLOCK) if schedule.place(block * BLOCK + index).kind == "mixed"]

    tenths = Counter(index // 1000 for index in mixed(1, "train", 0))
    assert all(70 < tenths[tenth] < 130 for tenth in range(10))
    assert len({tuple(mixed(*key)) for key in [(1, "train", 0), (2, "train", 0), (1, "val", 0), (1, "train", 1)]}) == 4


@pytest.mark.parametrize(
    ("lines_with", "min_per_char", "rare"),
    [
        ({"e": 900, "z": 300}, 10, ""),
        ({"e": 900, "z": 1, "é": 0}, 10, "zé"),  # z: 1 line in 1,000 is 10 of 10,000, fewer by chance
        ({"e": 900, "z": 1}, 20, "z"),
        ({"e": 900, "z": 0}, 0, ""),
    ],
)
def test_plan_rare(lines_with, min_per_char, rare):
    assert plan_rare(lines_with, 1000, 0, min_per_char) == rare


def test_plan_rare_does_not_fit():
    lines_with = dict.fromkeys("abcdefghij", 0)
    with pytest.raises(UserError, match=r"min_per_char = 901 would fill more .* up to 900 always fits"):
        plan_rare(lines_with, 1000, 1000, 901)
    assert plan_rare(lines_with, 1000, 1000, 900) == "abcdefghij"
