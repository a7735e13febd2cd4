"""Which group a line falls into."""

import pytest

from ocrlib.evaluation.groups import Grouping, group_by_look, group_by_making, text_kind


def grouping(kind: str, groupings: list[Grouping]) -> Grouping:
    """The grouping of that kind."""
    return next(each for each in groupings if each.kind == kind)


def made(**columns: list[object]) -> list[Grouping]:
    """Groupings of lines; a column that is not given has one value for all lines."""
    lines = len(next(iter(columns.values())))
    plain: dict[str, list] = {
        "font": ["A.ttf"] * lines,
        "degradation": [""] * lines,
        "source": ["numeric:a"] * lines,
        "background": ["plain_white"] * lines,
        "skew_deg": [0] * lines,
        "blur_px": [0.0] * lines,
    }
    return group_by_making(plain | columns)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", "digits"),
        ("12 345", "digits"),
        ("١٢", "digits"),
        ("0.5", "amounts"),
        ("1,234.50", "amounts"),
        ("1 234,50", "amounts"),
        (".5", "amounts"),
        ("...", "other signs"),
        ("-3.20", "other signs"),
        ("$3.20", "other signs"),
        ("31/12/1999", "other signs"),
        ("12:30", "other signs"),
        ("12a", "letters"),
        ("Größe", "letters"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_the_kind_of_a_text(text: str, kind: str) -> None:
    assert text_kind(text) == kind


def test_look_groups_by_text_length_and_width() -> None:
    groupings = group_by_look(["", "12", "12.5", "123456789", "1" * 65], [1, 16, 17, 512, 513])
    assert [each.kind for each in groupings] == ["text", "length", "width_px"]
    assert grouping("text", groupings).of_line == [("empty",), ("digits",), ("amounts",), ("digits",), ("digits",)]
    assert grouping("length", groupings).of_line == [("0",), ("1-2",), ("3-4",), ("9-16",), ("beyond 64",)]
    assert grouping("width_px", groupings).of_line == [
        ("to 16",),
        ("to 16",),
        ("17-32",),
        ("257-512",),
        ("beyond 512",),
    ]


def test_making_groups_by_name() -> None:
    groupings = made(
        font=["A.ttf", "B.ttf"], source=["numeric:a", "numeric:b"], background=["plain_white", "image:x.png"]
    )
    assert grouping("font", groupings).of_line == [("A.ttf",), ("B.ttf",)]
    assert grouping("source", groupings).of_line == [("numeric:a",), ("numeric:b",)]
    assert grouping("background", groupings).of_line == [("plain_white",), ("image:x.png",)]
    assert {each.order for each in groupings if each.kind in ("font", "source", "background")} == {None}


def test_skew_counts_to_either_side_and_blur_by_its_radius() -> None:
    groupings = made(skew_deg=[-1, 1, 0, -3, 45], blur_px=[0.0, 0.25, 0.3, 4.0, 4.5])
    assert grouping("skew_deg", groupings).of_line == [("1",), ("1",), ("0",), ("3-4",), ("beyond 16",)]
    assert grouping("blur_px", groupings).of_line == [
        ("0",),
        ("0 to 0.25",),
        ("0.25 to 0.5",),
        ("2 to 4",),
        ("beyond 4",),
    ]
    order = grouping("skew_deg", groupings).order
    assert order == ("0", "1", "2", "3-4", "5-8", "9-16", "beyond 16")


def test_a_line_counts_under_each_of_its_degradations() -> None:
    groupings = made(degradation=["crop=0.4 jpeg=0.7", "", "jpeg=0.1"])
    assert grouping("degradation", groupings).of_line == [("crop", "jpeg"), ("nothing",), ("jpeg",)]
    assert grouping("degradation", groupings).apart == "nothing"


def test_strengths_fall_into_thirds_named_by_their_ends() -> None:
    drawn = [f"jpeg={percent / 100}" for percent in (12, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6)] + ["", "crop=0.4"]
    of_line = grouping("strength", made(degradation=drawn)).of_line
    low, middle, high = ("jpeg 0.01 to 0.04",), ("jpeg 0.05 to 0.08",), ("jpeg 0.09 to 0.12",)
    assert of_line[:12] == [high, low, high, low, high, low, high, low, middle, middle, middle, middle]
    assert of_line[12:] == [("nothing",), ("crop 0.4 to 0.4",)]
