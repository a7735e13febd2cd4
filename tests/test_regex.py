"""The one parser of regular expressions, and the patterns that a recipe has."""

import warnings

import pytest

from ocrlib.regex import parse_regex, recipe_patterns


def test_a_pattern_with_two_readings_is_read_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(parse_regex("[[a]b")) == 2


@pytest.mark.parametrize("regex", ["(", "a**", "[b-a]", "x(?=y)", "a{99999999999}", "(" * 3000 + ")" * 3000])
def test_what_is_no_pattern_is_a_value_error(regex: str) -> None:
    with pytest.raises(ValueError):
        parse_regex(regex)


def test_the_patterns_of_recipes_are_those_of_numeric_ones() -> None:
    numeric = {"text": {"source": "numeric", "patterns": [{"regex": "1"}, {"regex": "2"}, {"regex": "1"}]}}
    assert recipe_patterns([numeric]) == ("1", "2")
    assert recipe_patterns([numeric, {"text": {"source": "numeric", "patterns": [{"regex": "3"}]}}]) == ("1", "2", "3")
    assert recipe_patterns([numeric, {"text": {"source": "wikipedia"}}]) == ()  # its sentences match none of them
    assert recipe_patterns([{}]) == ()
