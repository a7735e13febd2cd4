"""Numeric strings: a function of their arguments, matching the pattern they name, within the charset."""

import re
from collections import Counter

import pytest

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.factory.recipe import load_recipe
from ocrlib.factory.settings.text import NumericText, Pattern
from ocrlib.factory.text import open_text
from ocrlib.factory.text.numeric import NumericStrings
from tests.programs import ROOT


def strings(*patterns: tuple[str, str, float], charset: str = "0123456789.,-", seed: int = 1) -> NumericStrings:
    chosen = tuple(Pattern(name=name, regex=regex, weight=weight) for name, regex, weight in patterns)
    return NumericStrings(NumericText(source="numeric", charset=charset, patterns=chosen), seed)


TWO = (("year", "(19|20)[0-9]{2}", 3.0), ("price", r"[1-9][0-9]{0,3}[.,][0-9]{2}", 1.0))


def test_a_draw_is_a_function_of_seed_split_index_and_attempt():
    here, there = strings(*TWO), strings(*TWO)
    places = [("train", i, attempt) for i in range(40) for attempt in range(2)]
    assert [here.draw(*place) for place in places] == [there.draw(*place) for place in reversed(places)][::-1]


def test_seed_split_index_and_attempt_each_change_the_draw():
    source, reseeded = strings(*TWO), strings(*TWO, seed=2)

    def num_equal(other):
        return sum(source.draw("train", i, 0) == other(i) for i in range(0, 40, 2))

    assert num_equal(lambda i: source.draw("train", i, 0)) == 20
    assert num_equal(lambda i: reseeded.draw("train", i, 0)) < 3
    assert num_equal(lambda i: source.draw("val", i, 0)) < 3
    assert num_equal(lambda i: source.draw("train", i, 1)) < 3
    assert num_equal(lambda i: source.draw("train", i + 1, 0)) < 3


def test_literal_draws_do_not_drift():
    """If they did, an old dataset's fingerprint would promise bytes that cannot be made again."""
    source = strings(*TWO)
    assert [source.draw("train", i, 0).text for i in range(5)] == ["93,00", "2052", "2005", "2044", "1907"]


def test_the_provenance_names_the_pattern_and_the_text_matches_it():
    source = strings(*TWO)
    drawn = [source.draw("train", i, 0) for i in range(200)]
    for text, provenance in drawn:
        kind, _, name = provenance.partition(":")
        regex = {name: regex for name, regex, _ in TWO}[name]
        assert kind == "numeric" and re.fullmatch(regex, text)


def test_patterns_are_drawn_by_weight():
    source = strings(*TWO)
    counts = Counter(source.draw("train", i, 0).source for i in range(2000))
    assert 0.70 < counts["numeric:year"] / 2000 < 0.80


def test_the_shipped_recipe_draws_every_kind_within_its_charset():
    config = load_recipe(ROOT / "datasets" / "numeric.toml").text
    source, charset = open_text(config, 1), Charset(config.charset)
    drawn = [source.draw("train", i, 0) for i in range(2000)]
    assert not any(charset.missing(text) for text, _ in drawn)
    assert set("".join(text for text, _ in drawn)) == set(config.charset)
    assert {provenance for _, provenance in drawn} == {f"numeric:{pattern.name}" for pattern in config.patterns}
    integers = [text for text, provenance in drawn if provenance == "numeric:integer"]
    assert {len(text) for text in integers} == set(range(1, 17))
    assert any("11" in text for text in integers)  # repeated characters, between which CTC needs a blank


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("[0-9]+/[0-9]+", "[text] pattern 'bad' drew '.*', but the charset lacks '/'; add it to text.charset"),
        ("[0-9]{1,2}|x{1,2}", "[text] pattern 'bad' drew 'x+', but the charset lacks 'x'; add it to text.charset"),
        ("[0-9]{0,3}", "[text] pattern 'bad' drew an empty string; let it draw at least one character"),
        ("1 2", "[text] pattern 'bad' drew '1 2', but the charset lacks ' '"),
        ("[0-9]++", "[text] pattern 'bad': no string can be drawn from '.*' .'possessive_repeat'."),
        ("1{70000}", "[text] pattern 'bad': no string can be drawn from '1{70000}'"),
    ],
)
def test_a_pattern_that_cannot_be_rendered_stops_before_anything_is_drawn(regex, message):
    with pytest.raises(UserError) as caught:
        strings(("good", "[0-9]", 100.0), ("bad", regex, 0.001))
    assert re.match(message.replace("[text]", r"\[text\]").replace("{70000}", r"\{70000\}"), str(caught.value))
    assert "\n" not in str(caught.value)


def test_texts_come_in_normal_form_c():
    assert strings(("accent", "e\u0301", 1.0), charset="é").draw("train", 0, 0).text == "é"


def test_spaces_at_the_ends_are_in_no_label_and_those_within_are():
    source = strings(("spaced", " {0,2}[0-9] [0-9] {0,2}", 1.0), charset="0123456789 ")
    texts = [source.draw("train", index, 0).text for index in range(40)]
    assert all(re.fullmatch("[0-9] [0-9]", text) for text in texts)
    with pytest.raises(UserError, match="empty string"):
        strings(("blank", " ", 1.0), charset="0123456789 ")
