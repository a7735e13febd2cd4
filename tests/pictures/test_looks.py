"""Pictures that are no line are told by their look, and lines are not taken for such."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.pictures.looks import LINES, NOTHING, PAGE, UPRIGHT, WARNINGS, look_of
from ocrlib.pictures.paper import find_line
from tests.training_fixtures import draw_line

TEXTS = ["12345678", "90817263", "55501234", "80092736", "27364544", "11223344", "99887766"]


def look(picture: np.ndarray) -> str | None:
    return look_of(picture, find_line(picture))


def stacked(texts: list[str], gap: int = 6) -> np.ndarray:
    """Lines one below the other, gray levels."""
    lines = [draw_line(text) for text in texts]
    width = max(line.shape[1] for line in lines)
    return np.vstack(
        [np.pad(line, ((gap, gap), (8, 8 + width - line.shape[1])), constant_values=255) for line in lines]
    )


@pytest.mark.parametrize("text", ["1", "11", "7", "12345", "0" * 30])
@pytest.mark.parametrize("paper", [0, 40])
def test_a_line_looks_like_one(text: str, paper: int) -> None:
    assert look(np.pad(draw_line(text), paper, constant_values=255)) is None


def test_a_smear_in_which_no_row_has_ink_looks_like_a_line() -> None:
    smear = np.full((40, 200), 255, np.uint8)
    smear[10:30, 20:180] = np.linspace(255, 120, 160).astype(np.uint8)
    smear[18:22, 40:160] = 90
    assert find_line(smear) is not None
    assert look(smear) is None


@pytest.mark.filterwarnings("error")
def test_pictures_of_chance_have_a_look_or_none() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        picture = np.full(rng.integers(1, (80, 300)), 255, np.uint8)
        for _ in range(rng.integers(8)):
            row, column = rng.integers(picture.shape)
            picture[row : row + rng.integers(1, 20), column : column + rng.integers(1, 60)] = rng.integers(256)
        assert look(picture) in (None, *WARNINGS)


def test_several_lines_and_a_page_are_told() -> None:
    assert look(stacked(TEXTS[:2])) == LINES
    assert look(stacked(TEXTS[:3])) == LINES
    assert look(stacked(TEXTS)) == PAGE
    assert look(255 - stacked(TEXTS[:3])) == LINES


@pytest.mark.parametrize("texts", [["5.71", "0.77"], ["71", "38"], ["123.45", "7.99"], ["12", "99887766"]])
def test_two_short_lines_are_told(texts: list[str]) -> None:
    assert look(stacked(texts)) == LINES
    assert look(255 - stacked(texts)) == LINES


@pytest.mark.parametrize("text", ["::", "1:1", "12:30", ":", "10"])
def test_a_short_line_is_not_several(text: str) -> None:
    assert look(stacked([text])) is None


def test_digits_of_segments_with_a_gap_in_the_middle_are_not_several_lines() -> None:
    picture = np.full((60, 50), 255, np.uint8)
    for column in (15, 30):
        picture[10:28, column : column + 4] = picture[31:49, column : column + 4] = 0
    assert look(picture) is None


def test_pieces_of_the_lines_above_and_below_do_not_make_several() -> None:
    picture = stacked(TEXTS[:3])
    third = len(picture) // 3
    assert look(picture[third - 14 : 2 * third + 14]) is None


@pytest.mark.parametrize("text", [TEXTS[0], "5.71", "0.11", "123", "21:23"])
@pytest.mark.parametrize("turn", [1, 3])
def test_upright_text_is_told(text: str, turn: int) -> None:
    assert look(np.rot90(stacked([text]), turn).copy()) == UPRIGHT


def test_upright_text_with_a_narrow_1_is_told() -> None:
    with Image.open(Path(__file__).parents[2] / "examples" / "line-1.png") as picture:
        line = np.asarray(picture.convert("L"))
    assert look(np.rot90(line).copy()) == UPRIGHT


def test_nothing_is_told() -> None:
    assert look(np.full((40, 300), 240, np.uint8)) == NOTHING


@pytest.mark.parametrize("marks", [[(8, 11), (16, 19)], [(5, 8), (12, 15), (19, 22)]])
def test_an_equals_sign_is_not_several_lines(marks: list[tuple[int, int]]) -> None:
    picture = np.full((28, 40), 255, np.uint8)
    for start, stop in marks:
        picture[start:stop, 10:30] = 0
    assert look(picture) is None


def test_each_look_has_a_warning() -> None:
    assert set(WARNINGS) == {NOTHING, LINES, PAGE, UPRIGHT}
