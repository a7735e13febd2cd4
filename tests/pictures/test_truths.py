"""What becomes of a text: a label, or a reason."""

import pytest

from ocrlib.charset import Charset
from ocrlib.pictures.truths import label_of


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("20471", "20471"),
        ("  a b \n", "a b"),
        ("a\tb", "a b"),
        ("12\u00a0500 €", "12 500 €"),  # a fixed space prints as a space
        ("soft\u00adhyphen\u200b", "softhyphen"),
        ("e\u0301te\u0301", "été"),  # NFC
    ],
)
def test_a_text_becomes_a_label(text, label):
    assert label_of(text, None) == (label, "", "")


@pytest.mark.parametrize(
    ("text", "charset", "reason", "detail"),
    [
        ("", None, "empty text", ""),
        (" \u200b ", None, "empty text", ""),
        ("one\ntwo", None, "two lines of text", "'one\\ntwo'"),
        ("one\u2028two", None, "two lines of text", "'one\\u2028two'"),
        ("12x", "0123456789", "character outside the charset", "x in '12x'"),
        ("a\x07", None, "character that cannot be learned", "a control character in 'a\\x07'"),
        ("שלום", None, "character that cannot be learned", "right-to-left scripts are not supported yet; the charset has 'ש'"),
        ("q\u0301", None, "character that cannot be learned", "a charset holds whole characters, not the combining mark U+0301"),
    ],
)  # fmt: skip
def test_or_there_is_a_reason(text, charset, reason, detail):
    assert label_of(text, charset and Charset(charset)) == ("", reason, detail)
