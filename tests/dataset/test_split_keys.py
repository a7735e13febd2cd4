"""Near-duplicates share a key, a key has one split, and `verify` finds near-duplicates in two splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.dataset.split_keys import check_split_separation, key_hash, near_key, split_bounds, split_of


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The cat sat.", "thecatsat"),
        ("THE CAT, SAT!", "thecatsat"),
        ("Straße", "strasse"),
        ("1,234.5", "12345"),
        ("cafe\u0301", "café"),
        ("snake_case", "snakecase"),
        ("?!", "?!"),
    ],
)
def test_near_key(text, key):
    assert near_key(text) == key


def test_the_split_of_a_line_never_changes():
    # Datasets of different years must put the same line into the same split.
    # printf thecatsat | sha256sum | cut -c1-16 is ef2aec1f9ff40986; one bit less, and 93.4% of the way: val.
    assert key_hash("The cat sat.") == key_hash("the CAT sat") == 0xEF2AEC1F9FF40986 >> 1
    assert split_of(key_hash("The cat sat.")) == "val"


def test_bounds_cover_the_space_in_order():
    bounds = list(split_bounds().values())
    assert bounds[0][0] == 0 and bounds[-1][1] == 2**63
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]


def test_shares():
    splits = [split_of(key_hash(f"line {number}")) for number in range(20_000)]
    assert 17_800 < splits.count("train") < 18_200
    assert 900 < splits.count("val") < 1_100
    assert 900 < splits.count("test") < 1_100


@given(st.text(alphabet="abcXYZ019é", min_size=1), st.text(alphabet=" .,!?«»'-"))
def test_case_and_punctuation_do_not_move_a_line(text, marks):
    assert key_hash(text) == key_hash(f"{marks}{text.swapcase()}{marks}")


def test_separation_holds():
    assert check_split_separation({"train": ["One.", "Two.", "One."], "val": ["Three."], "test": []}) == []


def test_separation_broken():
    problems = check_split_separation({"train": ["One.", "Two."], "val": ["three"], "test": iter(["ONE!", "Three"])})
    assert problems == [
        "'ONE!' of test is also in train, but for case and punctuation",
        "'Three' of test is also in val, but for case and punctuation",
    ]


def test_separation_says_how_many_more():
    lines = [str(number) for number in range(50)]
    problems = check_split_separation({"train": lines, "val": lines})
    assert len(problems) == 21 and problems[-1] == "and 30 more texts are in two splits"
