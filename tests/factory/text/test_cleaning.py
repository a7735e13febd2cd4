"""Unicode form, spaces, invisible characters, folding."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.charset import ASCII
from ocrlib.factory.text.cleaning import fold, normalise, spaced


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\u00a0b\u2009c\u3000d", "a b c d"),
        ("  a  b \t c\n", "a b c"),
        (
            "soft\u00adhyphen zero\u200bwidth word\u2060joiner \ufeffbom",
            "softhyphen zerowidth wordjoiner bom",
        ),
        ("e\u0301\u200d", "é"),
        ("non\u2011breaking", "non-breaking"),
        ("bell\x07", "bell"),
        ("heart\u2764\ufe0f", "heart\u2764"),
        ("\u200b", ""),
    ],
)
def test_normalise(text, clean):
    assert normalise(text) == clean


def test_spaced_keeps_runs_of_spaces_because_they_show_what_is_missing():
    assert spaced("denoted by\u00a0 or , is") == "denoted by  or , is"


@given(st.text())
def test_normalise_is_printable_nfc_and_stable(text):
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once and "\n" not in once and once == once.strip()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Tōkyō “quoted” – dash…", 'Tokyo "quoted" - dash...'),
        ("Łódź Straße Ærø", "Lodz Strasse AEro"),
        ("½ × 3 €", "1/2 x 3 EUR"),
        ("Ελλάς", "Ελλας"),  # no ASCII form: the sentence is skipped afterwards
    ],
)
def test_fold(text, folded):
    assert fold(text, frozenset(ASCII)) == folded


def test_fold_leaves_what_the_charset_has():
    assert fold("é ō", frozenset("é ")) == "é o"
