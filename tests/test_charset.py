"""Charset: a class for each character, the blank last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.charset import ASCII, NAMED, Charset

DIGITS = Charset("0123456789")
LATIN = Charset.named("latin-basic")


@pytest.mark.parametrize(
    ("characters", "text", "indices"),
    [
        ("abc", "cab", [2, 0, 1]),
        ("abc", "", []),
        ("0123456789.,", "12.50", [1, 2, 10, 5, 0]),
        ("é", "e\u0301", [0]),  # decomposed text, composed charset
        ("Å", "\u212b", [0]),  # the Ångström sign is Å under NFC
        ("😀a", "a😀", [1, 0]),  # beyond the 16-bit plane, still one class
    ],
)
def test_encode(characters, text, indices):
    assert Charset(characters).encode(text) == indices


def test_the_blank_is_the_last_class():
    assert (DIGITS.num_classes, DIGITS.blank) == (11, 10)
    assert max(DIGITS.encode("9876543210")) == DIGITS.blank - 1


@pytest.mark.parametrize(
    ("name", "num_classes"),
    [("ascii", 96), ("latin-basic", 185), ("0123456789.,-/:", 16), ("acis", 5), ("abcdef", 7)],
)
def test_named_charsets_and_plain_characters(name, num_classes):
    assert Charset.named(name).num_classes == num_classes


def test_ascii_runs_from_space_to_tilde():
    assert (ASCII[0], ASCII[-1], len(ASCII)) == (" ", "~", 95)


@given(st.text(alphabet=LATIN.characters))
def test_decode_undoes_encode(text):
    assert LATIN.decode(LATIN.encode(text)) == text


@given(st.lists(st.integers(0, LATIN.blank - 1)))
def test_encode_undoes_decode(indices):
    assert LATIN.encode(LATIN.decode(indices)) == indices


@pytest.mark.parametrize(
    ("text", "missing"), [("12a3ba", "ab"), ("123", ""), ("e\u0301", "é"), ("€ 5", "€ "), ("", "")]
)
def test_missing_names_each_character_once_in_order(text, missing):
    assert DIGITS.missing(text) == missing


def test_encode_names_what_the_charset_lacks_and_where():
    with pytest.raises(ValueError, match=r"^the charset lacks 'x' \(U\+0078\) '€' \(U\+20AC\) of '1x€x'$"):
        DIGITS.encode("1x€x")


@pytest.mark.parametrize("index", [-1, 10, 11])
def test_decode_refuses_the_blank_and_unknown_classes(index):
    with pytest.raises(ValueError, match=rf"^class {index} is no character; expected 0 to 9$"):
        DIGITS.decode([1, index])


@pytest.mark.parametrize(
    ("characters", "says"),
    [
        ("", "at least one character"),
        ("0120", "each character once; repeated: '0'"),
        ("ab\n", "printable characters only, not '\\\\n'"),
        ("ab\u200b", "printable characters only, not '\\\\u200b'"),
        ("e\u0301", "normal form NFC"),
        ("\u0301", "whole characters, not the combining mark U\\+0301"),
        ("אב", "right-to-left scripts are not supported yet; the charset has 'א'"),
        ("01٣", "right-to-left scripts are not supported yet; the charset has '٣'"),
    ],
)
def test_an_impossible_charset_is_refused(characters, says):
    with pytest.raises(ValueError, match=says):
        Charset(characters)


@pytest.mark.parametrize("name", NAMED)
def test_each_named_charset_is_one(name):
    assert set(ASCII) <= set(Charset.named(name).characters)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("latin-basic", "„Zitat“ ‚so‘"),
        ("polish", "Zażółć gęślą jaźń, „ŻÓŁĆ”"),
        ("czech", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
        ("turkish", "Pijamalı hasta yağız şoföre çabucak güvendi, İSTANBUL"),
        ("nordic", "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa; blåbærsyltetøj, flygande bäckasiner söka"),
        ("latin-ext", "Zażółć, žluťoučký, Árvíztűrő tükörfúrógép, îmbrăcat țară, STRAẞE, ħ, ŵ, ķ"),
    ],
)
def test_a_named_charset_has_the_print_of_its_language(name, text):
    assert Charset.named(name).missing(text) == ""
    assert name in Charset.names_with(text)


def test_a_word_that_is_no_name_is_asked_about():
    with pytest.raises(
        ValueError,
        match="'german' is not known; the names are ascii, .* If its 6 characters are meant, write them in order: 'aegmnr'",
    ):
        Charset.named("german")
    with pytest.raises(ValueError, match="'asci' is not known; did you mean 'ascii'?"):
        Charset.named("asci")
    with pytest.raises(ValueError, match="'polsh' is not known; did you mean 'polish'?"):
        Charset.named("polsh")
    assert Charset.named("aegmnr").num_classes == 7
    assert Charset.named("0123456789ABCDEF").num_classes == 17
