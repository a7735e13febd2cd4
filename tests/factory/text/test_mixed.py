"""Mixed lines have the charset and length asked for, and contain what prose lacks."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.charset import NAMED
from ocrlib.factory.text.mixed import MixedLines, fill_line


@given(
    st.integers(0, 10_000),
    st.sampled_from([NAMED["ascii"], NAMED["latin-basic"], "abc ", "0123456789", "é"]),
    st.integers(1, 40),
    st.integers(0, 60),
)
def test_lines_fit(seed, charset, min_length, more):
    drawn = MixedLines(charset, min_length, min_length + more).draw(Random(seed), lambda: "word")
    if drawn:
        assert min_length <= len(drawn[0]) <= min_length + more
        assert set(drawn[0]) <= set(charset)


def draw_many(character=""):
    lines = MixedLines(NAMED["latin-basic"], 20, 80)
    rng = Random(1)
    return [drawn for _ in range(2000) if (drawn := lines.draw(rng, lambda: rng.choice(["giga", "max"]), character))]


def test_each_kind_of_mixed_line_has_its_form():
    text = {
        kind: " ".join(line for line, k in draw_many() if k == kind) for kind in ("numbers", "capitals", "brackets")
    }
    assert re.search(r"\[\d+\]", text["brackets"]) and re.search(r"\(\d+\)", text["brackets"])
    assert "GigaMax" in text["capitals"] and "GIGA" in text["capitals"]
    assert re.search(r"\d,\d{3}\b", text["numbers"]) and re.search(r"\d%", text["numbers"])


def test_every_character_comes():
    seen = set("".join(line for line, _ in draw_many()))
    assert seen == set(NAMED["latin-basic"])


def test_a_requested_character_is_in_the_line():
    drawn = draw_many("Ÿ".lower())
    assert len(drawn) > 1000 and all("ÿ" in line and kind == "characters" for line, kind in drawn)


@pytest.mark.parametrize(("token", "line"), [("abc", "abc abc"), ("abcdefghij", None)])
def test_fill_line(token, line):
    assert fill_line(Random(1), lambda: token, 7, 9) == line
