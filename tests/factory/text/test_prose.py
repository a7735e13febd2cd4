"""Sentences: what makes one unusable, wrapping, and the counts of rejected ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.errors import UserError
from ocrlib.factory.settings.text import FileText, WikipediaText
from ocrlib.factory.text.cleaning import GAP
from ocrlib.factory.text.prose import LineFilter, flaw, split_sentences, wrap


def wikipedia(**keys):
    return WikipediaText(source="wikipedia", **{"min_length": 5, "max_length": 40, **keys})


@pytest.mark.parametrize(
    ("language", "paragraph", "sentences"),
    [
        ("en", "It works. Does it? Yes!", ["It works. ", "Does it? ", "Yes!"]),
        ("en", 'He said "no." She left.', ['He said "no." ', "She left."]),
        ("en", "It costs 3.50 today. Mr. Fox pays.", ["It costs 3.50 today. ", "Mr. Fox pays."]),
        ("fr", "Il meurt en 278 av. J.-C. à Rome.", ["Il meurt en 278 av. J.-C. à Rome."]),
        ("en", "One\u00a0day. Two.", ["One day. ", "Two."]),
        ("en", "", []),
    ],
)
def test_split_sentences(language, paragraph, sentences):
    assert list(split_sentences(paragraph, language)) == sentences


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("A plain sentence.", None),
        ("“Quoted,” he said (twice).", None),
        ("« Canard » est un mot. ", None),
        ("¿Quién es?", None),
        ("1066 was a year.", None),
        ("No end", "fragment"),
        ("For example:", "fragment"),
        ("and so it ends.", "fragment"),
        ("• GOSE.", "fragment"),
        ("It is denoted by  or zero.", "gap"),
        ("He (; born 1970) lives.", "gap"),
        ("It ( KY-tin) is long.", "gap"),
        ("Here is () nothing.", "gap"),
        ("An open (bracket.", "gap"),
        ("A comma , alone.", "gap"),
        (f"It has {GAP} of road.", "gap"),
        ("See [[the link]] here.", "markup"),
        ("A {{template}} here.", "markup"),
        ("At http://x.org it is.", "markup"),
        ("So <ref>it</ref> is.", "markup"),
        ("Some &nbsp; entity.", "markup"),
        ("A ''style'' here.", "markup"),
    ],
)
def test_flaw(sentence, reason):
    assert flaw(sentence) == reason


def test_wrap_by_hand():
    # Lines of 4 to 9 characters; with every random length, words stay whole and in order.
    lines = wrap("one two three four five six seven", 4, 9)
    assert " ".join(lines) == "one two three four five six seven"
    assert all(4 <= len(line) <= 9 for line in lines)


def test_wrap_leaves_out_a_word_that_is_too_long():
    lines = wrap("before it " + "x" * 50 + " after it", 4, 9)
    assert lines[0] in ("before", "before it") and lines[1:] == ["after it"]


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=60), st.integers(1, 20))
def test_wrapped_lines_are_runs_of_the_sentence(words, min_length):
    sentence, max_length = " ".join(words), min_length + 20
    lines = wrap(sentence, min_length, max_length)
    assert lines == wrap(sentence, min_length, max_length)
    at = 0
    for line in lines:
        assert min_length <= len(line) <= max_length
        at = sentence.index(line, at) + len(line)


def test_rejects_are_counted_by_reason():
    lines = LineFilter(wikipedia(charset="ascii"))
    text = "Short. Four. This one is good. This sentence is far too long to be kept in here."
    text += " A café is out.\nA heading"
    assert list(lines.paragraph(text)) == ["Short.", "Four.", "This one is good."]
    assert lines.rejected == {"too_long": 1, "outside_charset": 1, "fragment": 1}
    assert lines.num_sentences == 6


def test_short_lines_and_empty_ones():
    lines = LineFilter(wikipedia())
    assert list(lines.sentence("abc")) == list(lines.sentence(" \u200b ")) == []
    assert lines.rejected == {"too_short": 1, "empty": 1}


def test_wrapped_long_sentences():
    lines = LineFilter(wikipedia(long_sentences="wrap"))
    sentence = "A sentence that is longer than forty characters is wrapped at its spaces."
    assert " ".join(lines.sentence(sentence)) == sentence
    assert lines.rejected == {}


def test_fold_brings_lines_into_the_charset():
    lines = LineFilter(wikipedia(charset="ascii", outside="fold"))
    assert list(lines.sentence("A café in Łódź.")) == ["A cafe in Lodz."]
    assert list(lines.sentence("Αθήνα is out.")) == []
    assert lines.folded == 1 and lines.rejected == {"outside_charset": 1}


def test_stop_names_character_and_line():
    lines = LineFilter(FileText(source="file", path="x", charset="ascii", outside="stop"))
    with pytest.raises(UserError, match=r"charset lacks 'é' of the line 'A café\.'"):
        list(lines.sentence("A café."))
