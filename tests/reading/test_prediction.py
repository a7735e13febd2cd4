"""Rows for pictures: in order, window by window, in files that appear only when they are complete."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.network.open import Network
from ocrlib.reading import prediction
from ocrlib.reading.prediction import Doubts, json_row, open_rows, read_pictures, tsv_row
from ocrlib.reading.recognizer import Reading, Recognizer


class WidthReader(Recognizer):
    """ "Reads" a picture's width in pixels, and records how many pictures it got at a time."""

    def __init__(self) -> None:
        def run(image: np.ndarray, width: np.ndarray) -> np.ndarray:
            raise AssertionError("no network is asked")

        super().__init__(Network(charset=Charset("0"), height=8, channels=1, width_stride=4, run=run))
        self.windows: list[int] = []

    def read_lines(self, images: Sequence[np.ndarray]) -> list[Reading]:
        self.windows.append(len(images))
        return [Reading(text=str(image.shape[1]), confidence=1.0, characters=None) for image in images]


def write_pictures(folder: Path, widths: Sequence[int]) -> list[tuple[str, Path]]:
    """A picture of each width; 0 writes one that is damaged."""
    pictures = []
    for number, width in enumerate(widths):
        path = folder / f"{number}.png"
        if width:
            Image.new("L", (width, 8), "white").save(path)
        else:
            path.write_bytes(b"not a picture")
        pictures.append((path.name, path))
    return pictures


@pytest.mark.parametrize(
    ("widths", "windows"),
    [
        ([], []),
        ([5], [1]),
        ([9, 5, 7], [3]),
        ([9, 5, 7, 3, 2, 6, 8], [3, 3, 1]),
        ([0, 5, 0, 0, 0, 0, 8, 9, 0], [1, 0, 2]),
    ],
)
def test_rows_come_in_order_and_windows_are_bounded(
    widths: list[int], windows: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "WINDOW", 3)
    reader = WidthReader()
    pictures = write_pictures(tmp_path, widths)
    rows = list(read_pictures(reader, pictures))
    assert [name for name, _ in rows] == [name for name, _ in pictures]
    assert reader.windows == windows
    for width, (name, reading) in zip(widths, rows, strict=True):
        if width:
            assert isinstance(reading, Reading)
            assert reading.text == str(width)
        else:
            assert str(reading).startswith(f"{tmp_path / name}: cannot be read as a picture")


def test_no_more_than_two_windows_of_pictures_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "WINDOW", 3)
    decoded = []

    def read_pages(path: Path) -> Iterator[tuple[str, Image.Image | UserError]]:
        decoded.append(path)
        yield "", UserError("damaged") if path.name == "7.png" else Image.new("L", (8, 8))

    monkeypatch.setattr(prediction, "read_pages", read_pages)
    pictures = [(f"{i}.png", Path(f"{i}.png")) for i in range(30)]
    for number, _ in enumerate(read_pictures(WidthReader(), pictures)):
        assert len(decoded) <= (number // 3 + 2) * 3
    assert len(decoded) == 30


READING = Reading(text="1,5", confidence=0.87654321, characters=(1.0, 0.98765, 0.9))


def test_a_row_of_tabs_has_three_columns_whatever_the_name() -> None:
    assert tsv_row("a/b é.png", READING) == "a/b é.png\t1,5\t0.8765\n"
    assert tsv_row("a\tb\nc\udcff.png", READING) == "a\\tb\\nc\\udcff.png\t1,5\t0.8765\n"


def test_a_row_of_json_has_the_confidence_of_each_character() -> None:
    characters = [
        {"text": "1", "confidence": 1.0},
        {"text": ",", "confidence": 0.9877},
        {"text": "5", "confidence": 0.9},
    ]
    row = json_row("é.png", READING)
    assert json.loads(row) == {"name": "é.png", "text": "1,5", "confidence": 0.8765, "characters": characters}
    assert row.startswith('{"name": "é.png"')
    assert row.count("\n") == 1
    beam = Reading(text="15", confidence=0.5, characters=None)
    assert json.loads(json_row("a\n\udcff", beam)) == {"name": "a\n\udcff", "text": "15", "confidence": 0.5}
    json_row("a\n\udcff", beam).encode()  # such a name can be encoded


SEARCHED = Reading(
    text="15",
    confidence=0.5,
    characters=None,
    probability=0.25,
    language=1.23456e-9,
    others=(("1,5", 0.125, 0.25), ("", 1e-20, 0.0)),
    is_proven=False,
)


def test_a_row_of_more_texts_goes_on_with_each_and_its_confidence() -> None:
    assert tsv_row("a.png", SEARCHED) == "a.png\t15\t0.5000\t1,5\t0.2500\t\t0.0000\n"
    assert json.loads(json_row("a.png", SEARCHED)) == {
        "name": "a.png",
        "text": "15",
        "confidence": 0.5,
        "probability": 0.25,
        "language": 1.235e-09,
        "proven": False,
        "nbest": [
            {"text": "15", "probability": 0.25, "confidence": 0.5},
            {"text": "1,5", "probability": 0.125, "confidence": 0.25},
            {"text": "", "probability": 1e-20, "confidence": 0.0},
        ],
    }


def test_what_is_less_sure_is_not_answered_and_the_guess_stands_aside() -> None:
    assert tsv_row("a.png", READING, 0.8) == "a.png\t1,5\t0.8765\t\n"
    assert tsv_row("a.png", READING, 0.9) == "a.png\t\t0.8765\t1,5\n"
    assert tsv_row("a.png", SEARCHED, 0.9) == "a.png\t\t0.5000\t15\t1,5\t0.2500\t\t0.0000\n"
    sure, unsure = (json.loads(json_row("a.png", READING, least)) for least in (0.8, 0.9))
    assert (sure["text"], "guess" in sure) == ("1,5", False)
    assert (unsure["text"], unsure["guess"], unsure["confidence"]) == ("", "1,5", 0.8765)


def test_a_line_of_another_kind_is_not_answered_however_sure_the_text_is_among_those_it_can_be() -> None:
    sure = replace(SEARCHED, confidence=1.0, language=0.0099)
    assert (tsv_row("a.png", sure)[:9], tsv_row("a.png", sure, 0.1)[:9]) == ("a.png\t15\t", "a.png\t\t1.")
    assert tsv_row("a.png", replace(sure, language=0.01), 0.1).startswith("a.png\t15\t")
    assert tsv_row("a.png", replace(sure, language=None), 0.1).startswith("a.png\t15\t")


def test_doubts_are_counted_by_kind() -> None:
    doubts = Doubts(0.6)
    assert str(doubts) == ""
    likely = replace(SEARCHED, language=0.5)
    for reading in (READING, likely, likely, replace(SEARCHED, is_found=False), replace(SEARCHED, confidence=0.99)):
        doubts.add(reading)
    assert str(doubts) == (
        "2 not answered, below 0.6, 4 searched in part, their texts the best found, 1 without a text that they may be, "
        "1 not answered, of another kind"
    )
    doubts = Doubts(None)
    doubts.add(replace(SEARCHED, is_proven=True))
    assert str(doubts) == ""


def test_a_file_of_rows_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "rows.tsv"
    out.write_text("of before")
    with pytest.raises(KeyboardInterrupt), open_rows(out) as rows:
        rows.write("half")
        raise KeyboardInterrupt
    assert out.read_text() == "of before"
    with open_rows(out) as rows:
        rows.write("é\n")
        rows.flush()
        assert out.read_text() == "of before"
    assert out.read_text(encoding="utf-8") == "é\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.tsv"]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    with open_rows(Path("/dev/null")) as rows:
        rows.write("gone\n")
    assert Path("/dev/null").is_char_device()
