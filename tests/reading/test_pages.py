"""Whole pages, drawn here and found by the real detector: a form, a receipt, turned pages, in every format."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from ocrlib.cli import main
from ocrlib.errors import UserError
from ocrlib.reading.page_formats import FORMATS, Page
from ocrlib.reading.pages import PageLine, PageReader, cut_out, in_reading_order
from ocrlib.reading.recognizer import Reading, Recognizer

FORM = [("1,204.50", "17"), ("88.00", "3"), ("4,715", "260"), ("12.75", "91"), ("9,999.99", "40"), ("300", "5.25")]
RECEIPT = [("2", "3.90", "7.80"), ("1", "12.49", "12.49"), ("6", "0.75", "4.50")]


def font(size_px: int, face: str = "DejaVuSans") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"), size_px)


def draw_form() -> Image.Image:
    page = Image.new("RGB", (800, 600), "white")
    draw = ImageDraw.Draw(page)
    for row, (left, right) in enumerate(FORM):
        draw.rectangle((40, 45 + 80 * row, 360, 110 + 80 * row), outline="#888888")
        draw.text((60, 60 + 80 * row), left, font=font(34), fill="black")
        draw.text((560, 60 + 80 * row), right, font=font(34), fill="#202060")
    return page


def draw_receipt() -> Image.Image:
    page = Image.new("L", (420, 300), 228)
    draw = ImageDraw.Draw(page)
    for row, cells in enumerate(RECEIPT):
        for place, text in zip((30, 150, 290), cells, strict=True):
            draw.text((place, 40 + 70 * row), text, font=font(30, "DejaVuSansMono"), fill=40)
    return page


@pytest.fixture(scope="module")
def reader() -> PageReader:
    pytest.importorskip("rapidocr")
    return PageReader(Recognizer.load("numeric"))


def rows_of(lines: list[PageLine]) -> list[tuple[str, ...]]:
    """The texts of each row."""
    rows: dict[int, list[str]] = {}
    for line in lines:
        rows.setdefault(line.row, []).append(line.reading.text)
    return [tuple(row) for row in rows.values()]


@pytest.mark.parametrize("turn", [0, 4, -6, 90, 180, 270])
def test_a_form_is_read_row_by_row_however_it_lies(turn: int, reader: PageReader) -> None:
    page = draw_form().rotate(turn, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    lines = reader.read(page)
    assert rows_of(lines) == FORM
    begins = np.array([line.corners[0] for line in lines])  # the text begins there, in the pixels of the page
    first, second = begins[0], begins[1]
    direction = np.degrees(np.arctan2(first[1] - second[1], second[0] - first[0]))
    assert abs((direction - turn + 180) % 360 - 180) < 3
    for line in lines:
        left, top, right, bottom = line.box
        assert 0 <= left < right <= page.width
        assert 0 <= top < bottom <= page.height


def test_a_receipt_on_gray_paper_is_read(reader: PageReader) -> None:
    found = [text for row in rows_of(reader.read(draw_receipt())) for text in row]
    expected = [text for row in RECEIPT for text in row]
    assert found[-3:] == expected[-3:]
    assert sum(text in found for text in expected) >= 8  # of 9: a lone digit may not be found


def test_an_empty_page_has_no_lines(reader: PageReader) -> None:
    assert reader.read(Image.new("L", (400, 300), 255)) == []


def test_a_strip_is_put_on_paper_before_lines_are_looked_for(
    reader: PageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(reader, "_detector", lambda pixels: seen.append(pixels.shape) or SimpleNamespace(boxes=None))
    for size in ((1000, 1), (1, 1000), (1000, 60)):
        assert reader.read(Image.new("L", size, 255)) == []
    assert seen == [(50, 1000, 3), (1000, 50, 3), (60, 1000, 3)]  # else the detector takes gigabytes
    with pytest.raises(UserError, match="100000 x 1 pixels are too long a strip"):
        reader.read(Image.new("L", (100_000, 1), 255))
    assert len(seen) == 3


def test_an_error_of_the_detector_is_a_line(reader: PageReader, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(pixels: np.ndarray) -> None:
        raise RuntimeError("odd\npage")

    monkeypatch.setattr(reader, "_detector", fail)
    with pytest.raises(UserError, match="the page: no lines can be looked for: RuntimeError: odd page"):
        reader.read(draw_form())


# The command


def predict(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["ocrlib", "predict", "--model", "numeric", *map(str, arguments)])
    return main()


def test_the_command_writes_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rapidocr")
    draw_form().save(tmp_path / "form.png")
    texts = [text for row in FORM for text in row]
    for file_format in FORMATS:
        out = tmp_path / f"lines.{file_format}"
        assert predict(monkeypatch, "--page", tmp_path / "form.png", "--format", file_format, "--out", out) == 0
        assert capsys.readouterr().out == f"{out}: 12 lines read on 1 pages\n"
    rows = [row.split("\t") for row in (tmp_path / "lines.tsv").read_text().splitlines()]
    assert [row[6] for row in rows] == texts
    assert [row[:2] for row in rows] == [["form.png", str(number)] for number in range(1, 13)]
    objects = [json.loads(row) for row in (tmp_path / "lines.json").read_text().splitlines()]
    assert [(each["text"], each["row"]) for each in objects] == [(text, i // 2) for i, text in enumerate(texts)]
    assert all(len(each["corners"]) == 4 for each in objects)
    page = ElementTree.fromstring((tmp_path / "lines.alto").read_text())
    assert [each.get("CONTENT") for each in page.iter("{http://www.loc.gov/standards/alto/ns-v4#}String")] == texts
    assert (tmp_path / "lines.hocr").read_text().count('class="ocr_line"') == 12


def test_a_page_without_page_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_form().save(tmp_path / "form.png")
    assert predict(monkeypatch, tmp_path / "form.png") == 0
    assert "form.png: looks like a page; --page reads each of its lines" in capsys.readouterr().err
    with pytest.raises(UserError, match="--format hocr: is for whole pages; add --page"):
        predict(monkeypatch, tmp_path / "form.png", "--format", "hocr")


# Order and formats


def boxes_at(places: list[tuple[float, float]], angle: float = 0.0) -> np.ndarray:
    """(N, 4, 2): boxes of 60 x 20 with their upper left corners there, all turned about the origin."""
    corners = np.array([(0, 0), (60, 0), (60, 20), (0, 20)], float)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.array([(np.array(place) + corners) @ turn for place in places])


@given(angle=st.floats(-3.1, 3.1), shuffled=st.permutations(range(12)))
def test_order_is_by_row_and_place_whatever_the_angle(angle: float, shuffled: list[int]) -> None:
    places = [(100.0 * column, 40.0 * row + 3 * column) for row in range(3) for column in range(4)]
    boxes = boxes_at([places[index] for index in shuffled], angle)
    ordered = in_reading_order(boxes)
    assert [shuffled[index] for index, _ in ordered] == list(range(12))
    assert [row for _, row in ordered] == [0] * 4 + [1] * 4 + [2] * 4


def test_what_stands_within_corners_is_made_level() -> None:
    page = Image.new("L", (40, 40), 255)
    page.paste(0, (10, 10, 30, 20))
    level = np.asarray(cut_out(page, np.array([(10, 10), (30, 10), (30, 20), (10, 20)])).convert("L"))
    assert level.shape == (10, 20)
    assert level.max() < 10
    upwards = np.asarray(cut_out(page, np.array([(10, 20), (10, 10), (30, 10), (30, 20)])).convert("L"))
    assert upwards.shape == (20, 10)


def test_documents_hold_any_text_and_leave_out_doubtful_ones() -> None:
    reading = Reading(text='<&"é', confidence=0.5, characters=None)
    line = PageLine(corners=((1, 2), (9, 2), (9, 5), (1, 5)), reading=reading, row=0)
    page = Page(name='a"<b>.png', size=(20, 10), lines=(line,))
    root = ElementTree.fromstring("".join(FORMATS["alto"]([page], None)))
    assert [each.get("CONTENT") for each in root.iter() if each.tag.endswith("String")] == ['<&"é']
    assert '&lt;&amp;"é</span>' in "".join(FORMATS["hocr"]([page], None))
    for file_format in ("alto", "hocr"):
        assert "é" not in "".join(FORMATS[file_format]([page], 0.9))
