"""Misread lines as a list and as a picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import ReadLine
from ocrlib.evaluation.misses import draw_sheet, evenly, write_misses
from ocrlib.evaluation.report import report_on_dataset, report_on_folder
from ocrlib.pictures.opening import cut_line_image
from tests.evaluation.scripted import ScriptedReader
from tests.training_fixtures import draw_line, write_dataset

TRUTHS = ["12", "345", "6789", "01234"]
SCRIPT = {"345": ("344", 0.4), "01234": ("O1234", 0.7)}


def line(name: str, truth: str = "1", text: str = "2", confidence: float = 0.5) -> ReadLine:
    return ReadLine(name=name, truth=truth, text=text, confidence=confidence, width_px=20, sureness=confidence)


def contains(sheet: Image.Image, image: np.ndarray) -> bool:
    """Whether the sheet shows the image, pixel for pixel."""
    gray = np.asarray(sheet.convert("L"))
    windows = np.lib.stride_tricks.sliding_window_view(gray, image.shape)
    return bool((windows[:, :, 15] == image[15]).all(axis=2).any()) and any(
        np.array_equal(gray[y : y + image.shape[0], x : x + image.shape[1]], image)
        for y, x in np.argwhere((windows[:, :, 15] == image[15]).all(axis=2))
    )


@pytest.fixture
def reader() -> ScriptedReader:
    return ScriptedReader(TRUTHS, SCRIPT)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "d", {"test": TRUTHS})


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for truth in TRUTHS:
        Image.fromarray(draw_line(truth)).save(folder / f"{truth}.png")
        (folder / f"{truth}.gt.txt").write_text(truth)
    return folder


def test_the_misses_of_a_dataset(reader: ScriptedReader, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lines = report_on_dataset(reader, dataset, "test").lines
    assert write_misses(lines, reader, dataset, "test", out) == 2
    assert (out / "misses.tsv").read_text() == (
        "name\ttruth\tread\tconfidence\ntest-000000003\t01234\tO1234\t0.7000\ntest-000000001\t345\t344\t0.4000\n"
    )
    sheet = Image.open(out / "misses.png")
    assert contains(sheet, draw_line("345"))
    assert contains(sheet, draw_line("01234"))
    assert not contains(sheet, draw_line("6789"))
    assert sorted(path.name for path in out.iterdir()) == ["misses.png", "misses.tsv"]


def test_the_misses_of_a_folder_of_pairs(reader: ScriptedReader, pairs: Path, tmp_path: Path) -> None:
    lines = report_on_folder(reader, pairs).lines
    assert write_misses(lines, reader, pairs, None, tmp_path / "out") == 2
    rows = (tmp_path / "out" / "misses.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[0] for row in rows] == ["01234.png", "345.png"]
    line = cut_line_image(draw_line("345"), 32, 1)
    assert contains(Image.open(tmp_path / "out" / "misses.png"), line[:, :, 0])


def test_a_tab_in_a_name_does_not_break_its_row(reader: ScriptedReader, pairs: Path, tmp_path: Path) -> None:
    for ending in (".png", ".gt.txt"):
        (pairs / f"345{ending}").rename(pairs / f"3\t45{ending}")
    write_misses(report_on_folder(reader, pairs).lines, reader, pairs, None, tmp_path / "out")
    rows = (tmp_path / "out" / "misses.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[0] for row in rows] == ["01234.png", "3\\t45.png"]


def test_without_misses_a_picture_of_before_is_gone(dataset: Path, tmp_path: Path) -> None:
    bad, good = ScriptedReader(TRUTHS, SCRIPT), ScriptedReader(TRUTHS, {})
    write_misses(report_on_dataset(bad, dataset, "test").lines, bad, dataset, "test", tmp_path / "out")
    assert write_misses(report_on_dataset(good, dataset, "test").lines, good, dataset, "test", tmp_path / "out") == 0
    assert (tmp_path / "out" / "misses.tsv").read_text() == "name\ttruth\tread\tconfidence\n"
    assert not (tmp_path / "out" / "misses.png").exists()


def test_a_folder_that_cannot_be_written_is_named(reader: ScriptedReader, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lines = report_on_dataset(reader, dataset, "test").lines
    with pytest.raises(UserError, match="file: cannot be written: File exists"):
        write_misses(lines, reader, dataset, "test", tmp_path / "file")


@pytest.mark.parametrize(
    ("lines", "most", "expected"),
    [(3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (10, 5, [0, 2, 4, 6, 8]), (7, 3, [0, 2, 4]), (0, 5, [])],
)
def test_lines_to_draw_are_spread_evenly(lines: int, most: int, expected: list[int]) -> None:
    chosen = evenly([line(str(i)) for i in range(lines)], most)
    assert [int(each.name) for each in chosen] == expected


def test_all_misses_are_listed_where_not_all_are_drawn(
    reader: ScriptedReader, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocrlib.evaluation.misses.MAX_DRAWN", 1)
    lines = report_on_dataset(reader, dataset, "test").lines
    assert write_misses(lines, reader, dataset, "test", tmp_path / "out") == 2
    assert len((tmp_path / "out" / "misses.tsv").read_text().splitlines()) == 3
    sheet = Image.open(tmp_path / "out" / "misses.png")
    assert contains(sheet, draw_line("01234"))  # the more confident one
    assert not contains(sheet, draw_line("345"))


def test_narrow_lines_stand_in_columns_and_wide_ones_do_not() -> None:
    image = draw_line("1").reshape(32, -1, 1)
    narrow = draw_sheet([line("a")] * 16, [image] * 16)
    single = draw_sheet([line("a")], [image])
    assert narrow.width <= 1600
    assert narrow.height == 2 * single.height  # eight columns of two
    wide = draw_sheet([line("a", truth="1" * 120)] * 3, [image] * 3)
    assert wide.height == 3 * single.height
    one = draw_sheet([line("a", truth="1" * 300)], [image])
    assert one.width > 300 * 8  # wider than a sheet should be, but whole


def test_low_lines_are_enlarged_and_high_ones_are_not() -> None:
    low = draw_line("1", height=12)
    assert contains(draw_sheet([line("a")], [low[..., None]]), low.repeat(3, 0).repeat(3, 1))
    high = draw_line("1", height=48)
    assert contains(draw_sheet([line("a")], [high[..., None]]), high)


def test_a_split_without_a_test_name_is_read_again_by_its_name(reader: ScriptedReader, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": TRUTHS, "test": ["12"]})
    assert json.loads((folder / "manifest.json").read_text())["splits"]["train"]["samples"] == 4
    lines = report_on_dataset(reader, folder, "train").lines
    assert write_misses(lines, reader, folder, "train", tmp_path / "out") == 2
    assert contains(Image.open(tmp_path / "out" / "misses.png"), draw_line("345"))
