"""The recipe that draws more of what fails."""

import tomllib
from typing import Any

import pytest

from ocrlib.errors import UserError
from ocrlib.evaluation.advice import Advice
from ocrlib.evaluation.evaluate import ReadLine
from ocrlib.evaluation.new_recipe import change_recipe, failing_characters
from ocrlib.evaluation.report import ErrorReport, make_report
from ocrlib.factory.recipe import recipe_from_dict
from tests.evaluation.test_advice import row, table

OLD = """\
# our numbers
name = "numbers"  # of the folder
seed = 1

[text]
source = "numeric"
charset = "0123456789"
patterns = [
    { name = "short", regex = '[0-9]', weight = 2 },  # meters
    { name = "long", regex = '[0-9]{9}' },
]

[render]
height = 32
fonts = [
    { source = "trdg:latin", weight = 3 },
    { source = "matplotlib", only = ["DejaVu*"], weight = 1 },  # with serifs
]
background = ["plain_white", "gaussian_noise"]

[render.degrade]
crop = { share = 0.5, strength = [0.1, 0.7] }  # scissors
jpeg = { share = 0.2, strength = [0.1, 0.8] }

[splits]
train = 10
val = 2
test = 2
"""


def report_with(advice: list[Advice], **changes: Any) -> ErrorReport:
    """A report with this advice, on a dataset of the old recipe."""
    from dataclasses import replace

    lines = [ReadLine(name="a", truth="1", text="1", confidence=0.9, sureness=0.9, width_px=20)]
    return replace(make_report(lines, []), advice=advice, recipe=tomllib.loads(OLD), **changes)


def piece(kind: str, *names: str, key: str = "a key") -> Advice:
    return Advice(kind=kind, names=names, share_of_lines=0.1, share_of_errors=0.3, key=key, now=None, then=None)


@pytest.mark.parametrize(
    ("advice", "before", "after", "told"),
    [
        (piece("source", "numeric:short"), "'[0-9]', weight = 2 }", "'[0-9]', weight = 4 }", "2 -> 4"),
        (piece("source", "numeric:long"), "'[0-9]{9}' }", "'[0-9]{9}' , weight = 2}", "1 -> 2"),
        (piece("degradation", "jpeg"), "share = 0.2,", "share = 0.333,", "0.2 -> 0.333"),
        (piece("degradation", "crop"), "share = 0.5,", "share = 0.667,", "0.5 -> 0.667"),
        (
            piece("background", "plain_white"),
            '["plain_white", "gaussian_noise"]',
            "{plain_white = 2, gaussian_noise = 1}",
            "1 -> 2",
        ),
    ],
)
def test_a_weight_is_changed_in_its_place_and_all_else_stays(
    advice: Advice, before: str, after: str, told: str
) -> None:
    text, changes, left = change_recipe(OLD, "old.toml", "numbers-2", report_with([advice]))
    (change,) = changes
    assert left == []
    assert f"{told}: 10.0% of the lines, 30.0% of the errors" in change
    head, _, rest = text.partition("\n\n")
    assert head.splitlines() == [
        "# Changed by `ocrlib advise`, which drew more of what a model misread:",
        f"# {change}",
    ]
    expected = OLD.replace('"numbers"', '"numbers-2"').replace(before, after)
    assert rest.replace(" }", "}").replace(" ,", ",") == expected.replace(" }", "}").replace(" ,", ",")
    recipe_from_dict(tomllib.loads(text), "new.toml")


def test_faces_get_a_set_of_their_own_that_doubles_their_odds() -> None:
    advice = piece("font", "DejaVuSans.ttf", "Amatic.ttf")
    text, changes, _ = change_recipe(OLD, "old.toml", "numbers-2", report_with([advice]))
    assert changes == [
        "render.fonts: DejaVuSans.ttf, Amatic.ttf drawn twice as often: 10.0% of the lines, 30.0% of the errors"
    ]
    assert "# with serifs" in text
    fonts = tomllib.loads(text)["render"]["fonts"]
    assert fonts[:2] == tomllib.loads(OLD)["render"]["fonts"]
    added = fonts[2:]
    assert [each["only"] for each in added] == [["DejaVuSans.ttf", "Amatic.ttf"]]  # the first set may have both
    share = added[0]["weight"] / (4 + added[0]["weight"]) + 0.1 * 4 / (4 + added[0]["weight"])
    assert share / (1 - share) == pytest.approx(2 * 0.1 / 0.9, rel=0.01)
    recipe_from_dict(tomllib.loads(text), "new.toml")


def test_what_the_file_does_not_have_and_what_has_no_weight_is_told() -> None:
    tables = [table("length", row("5-8"), row("9-16", fails=False))]
    report = report_with([piece("degradation", "halo", key="render.degrade.halo.share")], tables=tables)
    text, changes, left = change_recipe(OLD, "old.toml", "numbers-2", report)
    assert (text, changes) == (OLD, [])
    assert left == [
        "length 5-8: CER 5.00%, others 1.00%; a recipe has no weight for it",
        "render.degrade.halo.share: is not in old.toml",
    ]


def test_rare_characters_that_fail_are_asked_for_more_often() -> None:
    lines = [ReadLine(name="a", truth="a" * 50, text="a" * 50, confidence=0.9, sureness=0.9, width_px=20)] * 400
    lines += [ReadLine(name="b", truth="é", text="e", confidence=0.9, sureness=0.9, width_px=20)] * 8
    report = make_report(lines, [])
    assert failing_characters(report) == ["é"]
    prose = '[text]\nsource = "wikipedia"\nmin_per_char = 4\n'
    text, changes, _ = change_recipe(prose, "old.toml", "new", report)
    assert changes == ["text.min_per_char: 4 -> 8: é are rare and often misread"]
    assert tomllib.loads(text)["text"]["min_per_char"] == 8


def test_a_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(UserError, match=r"^old\.toml: is not TOML"):
        change_recipe("[text", "old.toml", "new", report_with([]))
