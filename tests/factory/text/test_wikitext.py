"""Markup in, prose out: what remains of each construct of a real article."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.factory.text.cleaning import GAP
from ocrlib.factory.text.prose import flaw
from ocrlib.factory.text.wikitext import cut_nested, paragraphs


def plain(wikitext):
    return list(paragraphs(wikitext, Counter(), frozenset({"datei", "kategorie"})))


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''Foo''' is ''very'' old.", "Foo is very old."),
        ("A [[city]] in [[Bar (place)|the Bar]].", "A city in the Bar."),
        ("See [[Star Wars: A New Hope|the film]].", "See the film."),
        ("The [[:Category:Cities|cities]] stay.", "The cities stay."),
        ("AT&amp;T &ndash; 3,000&nbsp;years.", "AT&T – 3,000 years."),
        ("A note.<ref name=a>{{cite|t=[[x]]}}</ref> More.<ref name=a />", "A note. More."),
        ("Now<!-- {{ hidden --> seen.", "Now seen."),
        ("It grew.{{sfn|Smith|2001}} It fell.{{efn|A {{nested}} note.}}", "It grew. It fell."),
        ("A [[city]]{{efn|note}} here.", "A city here."),
        ("It has {{convert|5|km}} of road.", f"It has {GAP} of road."),
        ("The value <math>x^2 {{</math> grows.", f"The value {GAP} grows."),
        ("Here <nowiki>[[no link]]</nowiki> is.", f"Here {GAP} is."),
        ("See [http://example.org the site].", "See the site."),
        ("One<br/>two.", "One two."),
        ("H<sub>2</sub>O and <small>small</small>.", "H2O and small."),
        ("{{a|}} and {{b|c=|}}.", f"{GAP} and {GAP}."),
        ("A bar left | of a table. Then prose.", f"A bar left {GAP} of a table. Then prose."),
    ],
)
def test_one_paragraph(wikitext, text):
    assert plain(wikitext) == [text]


@pytest.mark.parametrize(
    "wikitext",
    [
        "{{Infobox city\n| name = Foo {{lang|fr|Fou}}\n| img = [[File:A.jpg|x]]\n|}}\n",
        "{{Short description|x}}{{Use dmy dates}}\n",
        '{| class="x"\n! A\n|-\n| a || {{b|}} || [[c]]\n{| nested\n| z\n|}\n|}',
        "== History ==\n=== More ===",
        "* item [[a]]\n# number\n: indented\n; term\n preformatted",
        "[[File:A.jpg|thumb|200px|The [[old]] town.]]",
        "[[Datei:A.jpg|mini|Die [[alte]] Stadt.]]\n[[Kategorie:Orte]]\n[[Category:Places]]",
        "[[de:Ort]]\n[[zh-yue:X]]\n[[simple:Place]]",
        "<gallery>\nFile:A.jpg|Caption.\n</gallery>",
        "<ref>never closed. The rest of the page is lost.",
        "{{never closed\n\nThe rest is lost.",
        "__NOTOC__",
        "<references />",
    ],
)
def test_leaves_nothing(wikitext):
    assert plain(wikitext) == []


def test_text_after_an_infobox_is_read():
    assert plain("{{Infobox\n| a = b\n}}'''Foo''' is here.\n\nAnd there.") == ["Foo is here.", "And there."]


def test_a_table_ends_a_line():
    assert plain("Before.\n{|\n| a\n|}\nAfter.") == ["Before.", "After."]


def test_overlong_lines_are_counted():
    counts = Counter()
    assert list(paragraphs("x" * 20_000 + "\nShort.", counts)) == ["Short."]
    assert counts == {"overlong lines": 1}


@given(
    st.lists(st.sampled_from(["{{", "}}", "{|", "|}", "<ref>", "</ref>", "<ref/>", "<!--", "-->", "[[", "]]", "a b. "]))
)
def test_any_nested_markup_is_removed_completely(pieces):
    assert not any(mark in cut_nested("".join(pieces)) for mark in ("{{", "<ref", "<!--"))


@given(st.text(alphabet="aA .[]{}|<>'=&\n", max_size=80))
def test_markup_is_never_accepted_as_a_sentence(text):
    for paragraph in plain(text):
        assert flaw(paragraph) or not any(mark in paragraph for mark in ("[[", "]]", "{{", "}}", "{|", "|}"))


@pytest.mark.parametrize("piece", ["{{a", "[[a|''b <i> &amp; ", "<ref>", "'''A''' [[b|c]] d.<ref>x</ref> {{y|z}} e.\n"])
def test_megabytes_take_linear_time(piece):
    start = time.process_time()
    sum(1 for _ in paragraphs(piece * (2_000_000 // len(piece)), Counter()))
    assert time.process_time() - start < 10  # quadratic would be an hour; linear is half a second
