"""Advice on what to draw more of, for recipes written out here."""

import tomllib
from typing import Any

import pytest

from ocrlib import config
from ocrlib.evaluation.advice import Advice, draw_more, font_entries
from ocrlib.evaluation.breakdown import Row, Table
from ocrlib.factory.settings.render import FontSet

RECIPE: dict[str, Any] = {
    "text": {
        "source": "numeric",
        "patterns": [{"name": "amount", "regex": "x", "weight": 4.0}, {"name": "date", "regex": "x", "weight": 0.5}],
    },
    "render": {
        "fonts": [{"source": "trdg:latin"}, {"source": "matplotlib"}],
        "background": [["gaussian_noise", 1.0], ["plain_white", 3.0]],
        "degrade": {"clean": 0.3, "crop": {"share": 0.5, "strength": [0.1, 0.8]}, "jpeg": {"share": 0.2}},
    },
}


def row(name: str, *, of_lines: float = 0.1, of_errors: float = 0.2, fails: bool = True) -> Row:
    """A row of a table; only its shares and whether it fails matter here."""
    return Row(
        name=name,
        lines=100,
        exact=50,
        characters=1000,
        character_edits=50,
        cer=0.05,
        exact_match=0.5,
        cer_others=0.01,
        share_of_lines=of_lines,
        share_of_errors=of_errors,
        few_lines=False,
        beyond_chance=fails,
    )


def table(kind: str, *rows: Row) -> Table:
    return Table(kind=kind, rows=rows, ordered=False, apart=None)


@pytest.mark.parametrize(
    ("kind", "name", "key", "now", "then"),
    [
        ("source", "numeric:amount", "text.patterns 'amount' weight", 4.0, 8.0),
        ("source", "numeric:date", "text.patterns 'date' weight", 0.5, 1.0),
        ("background", "plain_white", "render.background 'plain_white'", 3.0, 6.0),
        ("degradation", "crop", "render.degrade.crop.share", 0.5, 0.667),  # 1 : 1 becomes 2 : 1
        ("degradation", "jpeg", "render.degrade.jpeg.share", 0.2, 0.333),  # 1 : 4 becomes 2 : 4
        ("font", "Some.ttf", "render.fonts", None, None),
    ],
)
def test_the_odds_of_what_fails_are_doubled(
    kind: str, name: str, key: str, now: float | None, then: float | None
) -> None:
    found = draw_more([table(kind, row(name))], RECIPE, [])
    assert found == [
        Advice(kind=kind, names=(name,), share_of_lines=0.1, share_of_errors=0.2, key=key, now=now, then=then)
    ]


def test_a_mixed_line_stands_for_the_share_of_them_all_and_only_once() -> None:
    recipe = {"text": {"source": "wikipedia", "mixed_share": 0.25}, "render": {}}
    found = draw_more([table("source", row("mixed:number"), row("mixed:word", of_errors=0.3))], recipe, [])
    assert [(each.names, each.key, each.now, each.then) for each in found] == [
        (("mixed:word",), "text.mixed_share", 0.25, 0.4)
    ]


@pytest.mark.parametrize(
    ("kind", "row_of_it"),
    [
        ("font", row("Some.ttf", fails=False)),
        ("font", row("Heldout.ttf")),  # a held-out font must not be drawn in training
        ("degradation", row("nothing")),
        ("degradation", row("unknown")),
        ("background", row("image:paper.png")),  # one picture of many has no weight
        ("source", row("wikipedia:en")),
        ("length", row("9-16")),
    ],
)
def test_no_advice_without_a_weight_or_without_failures(kind: str, row_of_it: Row) -> None:
    assert draw_more([table(kind, row_of_it)], RECIPE, ["Heldout.ttf"]) == []


def test_faces_that_fail_are_one_piece_of_advice() -> None:
    fonts = table("font", row("A.ttf", of_lines=0.01, of_errors=0.02), row("B.ttf", of_lines=0.02, of_errors=0.08))
    (found,) = draw_more([fonts], RECIPE, [])
    assert (found.names, found.key) == (("B.ttf", "A.ttf"), "render.fonts")
    assert found.share_of_lines == pytest.approx(0.03)
    assert found.share_of_errors == pytest.approx(0.1)


def test_no_more_than_the_ten_worst_faces_are_named() -> None:
    (found,) = draw_more([table("font", *(row(f"{i}.ttf", of_errors=0.9 - i / 100) for i in range(12)))], RECIPE, [])
    assert found.names == tuple(f"{i}.ttf" for i in range(10))


def test_the_five_with_the_most_errors_above_their_lines_come_first() -> None:
    above = {"d0": 0.01, "d1": 0.06, "d2": 0.03, "d3": 0.05, "d4": 0.02}
    degradations = table("degradation", *(row(name, of_lines=0.1, of_errors=0.1 + x) for name, x in above.items()))
    recipe = {"text": RECIPE["text"], "render": {"degrade": {name: {"share": 0.1} for name in above}}}
    patterns = table("source", row("numeric:date", of_lines=0.5, of_errors=0.515))
    fonts = table("font", row("A.ttf", of_lines=0.0, of_errors=0.025), row("B.ttf", of_lines=0.0, of_errors=0.02))
    found = draw_more([fonts, degradations, patterns], recipe, [])
    assert [each.names[0] for each in found] == ["d1", "d3", "A.ttf", "d2", "d4"]


def test_a_face_that_one_set_alone_can_have_gets_an_entry_of_that_set() -> None:
    recipe = {
        "render": {
            "fonts": [
                {"source": "trdg:latin", "only": [], "without": ["A*"], "weight": None},
                {"source": "matplotlib", "only": ["A*"], "without": [], "weight": None},
            ]
        }
    }
    entries = font_entries(["A.ttf", "B.ttf", "C.ttf"], recipe)
    assert entries == [
        '{ source = "trdg:latin", only = ["B.ttf", "C.ttf"] }',
        '{ source = "matplotlib", only = ["A.ttf"] }',
    ]


def test_a_face_that_several_sets_may_have_is_asked_of_each() -> None:
    assert font_entries(["A.ttf"], RECIPE) == [
        '{ source = "trdg:latin", only = ["A.ttf"], optional = true }',
        '{ source = "matplotlib", only = ["A.ttf"], optional = true }',
    ]


def test_an_entry_is_what_a_recipe_can_read() -> None:
    entry = tomllib.loads(f"fonts = [\n{font_entries(['A b.ttf'], RECIPE)[0]},\n]")["fonts"][0]
    read = config.build(FontSet, entry, {}, "the test")
    assert (read.source, read.only, read.optional, read.weight) == ("trdg:latin", ("A b.ttf",), True, None)


def test_a_set_with_a_weight_gets_no_new_entry() -> None:
    recipe = {"render": {"fonts": [{"source": "trdg:latin"}, {"source": "matplotlib", "weight": 3.0}]}}
    assert font_entries(["A.ttf"], recipe) == []
    assert font_entries([], RECIPE) == []


def test_in_a_recipe_of_parts_and_looks_the_key_is_that_of_the_part_or_look_with_most_such_lines() -> None:
    recipe = {
        "text": {
            "source": "mix",
            "parts": [
                {"weight": 2.0, "text": {"source": "wikipedia", "mixed_share": 0.1}},
                {"weight": 1.0, "text": {"source": "numeric", "patterns": RECIPE["text"]["patterns"]}},
            ],
        },
        "render": {
            "looks": {
                "book": {"weight": 3.0, "degrade": {"crop": {"share": 0.2}}},
                "fax": {"weight": 1.0, "degrade": {"crop": {"share": 0.5}}, "typeset": {"gaps": {"share": 0.1}}},
            }
        },
    }
    tables = [
        table("source", row("numeric:date"), row("mixed:numbers")),
        table("degradation", row("crop"), row("gaps")),
    ]
    assert {advice.key: advice.now for advice in draw_more(tables, recipe, ())} == {
        "text.parts.1.text.patterns 'date' weight": 0.5,
        "text.parts.0.text.mixed_share": 0.1,
        "render.looks.book.degrade.crop.share": 0.2,
        "render.looks.fax.typeset.gaps.share": 0.1,
    }
