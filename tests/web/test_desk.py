"""Which line comes next."""

from pathlib import Path

import pytest

from ocrlib.web.desk import Desk
from tests.training_fixtures import draw_line
from tests.web.labelling import DeskReader, draw_folder

TEXTS = ["1", "22", "333", "4444", "55555"]
SURE = {text: (text, sure) for text, sure in zip(TEXTS, (0.5, 0.9, 0.2, 0.7, 0.8), strict=True)}


def opened(folder: Path, **settings: object) -> Desk:
    desk = Desk(DeskReader(TEXTS, SURE), folder, model="numeric", **settings)  # type: ignore[arg-type]
    desk.start()
    return desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "lines", TEXTS)


def answer_all(desk: Desk) -> list[int]:
    numbers = []
    while (number := desk.next("a")) is not None:
        numbers.append(number)
        desk.answer(number, "text", TEXTS[number], "")
    return numbers


def test_the_least_sure_line_comes_first(folder: Path) -> None:
    assert answer_all(opened(folder)) == [2, 0, 3, 4, 1]


def test_by_name_they_come_as_they_are(folder: Path) -> None:
    assert answer_all(opened(folder, order="name")) == [0, 1, 2, 3, 4]


def test_what_does_not_fit_comes_before_what_is_less_sure(folder: Path) -> None:
    assert answer_all(opened(folder, fits=lambda text: len(text) != 4)) == [3, 2, 0, 4, 1]


def test_a_restart_goes_on_where_it_stood(folder: Path) -> None:
    desk = opened(folder)
    for _ in range(2):
        number = desk.next("a")
        assert number is not None
        desk.answer(number, "unreadable" if number else "text", TEXTS[number], "")
    again = opened(folder)
    assert answer_all(again) == [3, 4, 1]
    assert again.progress()["answered"] == 5
    assert again.progress()["unreadable"] == 1


def test_a_line_that_a_tab_holds_goes_to_another_only_when_nothing_else_is_left(folder: Path) -> None:
    desk = opened(folder)
    assert desk.next("a") == 2
    assert [desk.next("b") for _ in range(2)] == [0, 0]
    for number in (0, 1, 3, 4):
        desk.answer(number, "text", TEXTS[number], "")
    assert desk.next("b") == 2


def test_damaged_pictures_are_told_of_and_never_come(folder: Path) -> None:
    (folder / "02.png").write_bytes(b"no picture")
    desk = opened(folder)
    assert answer_all(desk) == [0, 3, 4, 1]
    progress = desk.progress()
    assert (progress["num_damaged"], progress["answered"], progress["open"]) == (1, 4, 0)
    assert "02.png" in progress["damaged"][0]


def test_the_drawn_lines_differ() -> None:
    """The reader of these tests knows them by their pixels."""
    assert len({draw_line(text).tobytes() for text in TEXTS}) == len(TEXTS)
