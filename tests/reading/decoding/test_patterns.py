"""Automata of regular expressions, held against Python's own matcher."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.reading.decoding.automaton import CTCStates
from ocrlib.reading.decoding.patterns import compile_language, matcher

CHARSET = Charset("ab1")
TEXTS = ["".join(text) for length in range(6) for text in itertools.product("ab1", repeat=length)]

REGEXES = [
    "a*",
    "(a|b)*1",
    "(a)b\\1",
    "((a)b|1)\\1",
    "((a|b)1\\2)+",
    "(?:(a|b)1?\\1)+",
    "(a|)b\\1",
    "(a|b)(\\1|1)\\2",
    "(?P<x>[ab])1(?P=x)",
    "(a(b|1))\\2\\1",
    "a{0,2}b{2,}",
    "[^a]+\\d",
    "[^a]|\\D1",
    "(?i)AB",
    "(?i:A)b|1(?i:B)",
    "(?i)[A-B]1",
    "\\w\\d?.",
    "(a*)*b",
    "(a?){3}",
    "(a*b?)*?1",
    "(a|(b))+",
    "^ab$|^1",
    "(^a|b$)",
    "\\Aa.\\Z",
    "a|b|",
]


@pytest.mark.parametrize("regex", REGEXES)
def test_an_automaton_accepts_what_the_pattern_matches(regex: str) -> None:
    automaton = compile_language([regex], CHARSET)
    with_re = {text for text in TEXTS if re.fullmatch(regex, text)}
    assert {text for text in TEXTS if automaton.accepts(CHARSET.encode(text))} == with_re


pieces = st.recursive(
    st.sampled_from(["a", "b", "1", "[ab]", "[^b]", ".", "\\d"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=8,
)


@given(first=pieces, second=pieces, also=pieces)
def test_any_pattern_of_these_pieces(first: str, second: str, also: str) -> None:
    automaton = compile_language([first, second], CHARSET, [also])
    expected = {t for t in TEXTS if (re.fullmatch(first, t) or re.fullmatch(second, t)) and re.fullmatch(also, t)}
    assert {text for text in TEXTS if automaton.accepts(CHARSET.encode(text))} == expected
    matches = matcher([first, second])
    assert {text for text in TEXTS if matches(text) and re.fullmatch(also, text)} == expected


@pytest.mark.parametrize(
    ("regex", "num_states"),
    [("[ab]{1,200}", 201), ("(a|b)*", 1), ("ab|a1", 3), ("(aa|ba)1", 4), ("a{0,16}", 17), ("(a|b)*a(a|b){9}", 1024)],
)
def test_states_with_the_same_future_are_one(regex: str, num_states: int) -> None:
    assert compile_language([regex], CHARSET).num_states == num_states


def test_characters_follow_the_charset_in_any_script() -> None:
    charset = Charset("aÄäß-é")
    automaton = compile_language(["[à-ö]{1,2}|ß"], Charset("àáâãäåæçèéêëìíîïðñòóôõöß"))
    assert len(automaton.classes) == 2 * 23 + 1
    automaton = compile_language(["\\w(?i:Ä)"], charset)
    assert [text for text in ("aä", "éÄ", "-ä") if automaton.accepts(charset.encode(text))] == ["aä", "éÄ"]


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("a(?=b)", "'look-around'"),
        ("a(?<!b)", "'look-around'"),
        ("\\ba", r"'\b'"),
        ("a++", "'possessive_repeat'"),
        ("(?>a)", "'atomic_group'"),
        ("(a)?(?(1)b|1)", "'groupref_exists'"),
        ("[0-", "unterminated character set at position 0"),
        ("(a", "missing ), unterminated subpattern at position 0"),
        ("a{3,2}", "min repeat greater than max repeat"),
        ("a{99999999999}", "the repetition number is too large"),
        ("x1", "names characters that the model does not know: x"),
        ("[a-f]1", "names characters that the model does not know: cdef"),
        ("[A-Z0-9]", "names characters that the model does not know: ABCDEFGHIJKLMNOPQRST..."),
        ("(?i)X", "names characters that the model does not know: X"),
        ("a^b", "'^' and '$' stand for the ends of the line; write \\^ and \\$ for the characters"),
        ("(a$)+", "'^' and '$' stand for the ends of the line"),
        ("(a)?\\1", "\\1 refers to a group that may be left out"),
        ("((a)|b)\\2", "\\2 refers to a group that may be left out"),
        ("(a){2}\\1", "\\1 refers to a group that may be left out, or is repeated without it"),
        ("(a*)\\1", "a group that is referred to can be any number of texts"),
        ("([ab1]{9})\\1", "a group that is referred to can be more than 1000 texts"),
        ("(a$)\\1", "'^' or '$' in a group that is referred to"),
        ("(?:a{70000}){70000}", "more than 100,000 places; use smaller repeats, or * and +"),
        ("(a|b)*a(a|b){20}", "more than 20,000 states, or too much work to find them; use smaller repeats, or * and +"),
        ("(" * 500 + "a" + ")" * 500, "nested too deeply"),
    ],
)
def test_what_cannot_be_compiled_is_refused_in_a_line_that_names_it(regex: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        compile_language([regex], CHARSET)
    assert str(raised.value).startswith(f"pattern {regex!r}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_of_several_patterns_too_large_together_one_is_named() -> None:
    with pytest.raises(
        UserError, match=r"pattern '\(a\|b\)\*a\(a\|b\)\{20\}' and the 1 others: more than 20,000 states"
    ):
        compile_language(["a", "(a|b)*a(a|b){20}"], CHARSET)


def test_a_language_of_nothing_has_no_edges() -> None:
    assert len(compile_language(["", "a{0}"], CHARSET).classes) == 0
    assert len(compile_language(["a"], CHARSET, ["b"]).classes) == 0
    assert len(compile_language(["\\s"], CHARSET).classes) == 0
    assert CTCStates(compile_language(["\\s"], CHARSET)).num_states == 0
