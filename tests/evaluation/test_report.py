"""The figures of an evaluation, for lines whose readings are prepared."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ocrlib.evaluation.report import report_on_dataset, report_on_folder
from ocrlib.files import write_json
from tests.evaluation.scripted import ScriptedReader, samples_made
from tests.training_fixtures import draw_line, manifest_values, write_dataset

# What each line says, how it was made, what is read for it and how sure the reader is.
LINES: list[tuple[str, dict[str, object], str, float]] = [
    ("12", {"font": "A.ttf", "degradation": "crop=0.1 jpeg=0.5", "skew_deg": -1}, "12", 0.95),
    ("345", {"font": "A.ttf", "degradation": "crop=0.4", "skew_deg": 1}, "349", 0.65),
    ("6.78", {"font": "B.ttf", "blur_px": 0.5}, "678", 0.15),
    ("90123", {"font": "B.ttf", "blur_px": 0.1, "background": "plain_white"}, "90123", 0.85),
]
TRUTHS = [truth for truth, _, _, _ in LINES]


@pytest.fixture
def reader() -> ScriptedReader:
    return ScriptedReader(TRUTHS, {truth: (text, confidence) for truth, _, text, confidence in LINES})


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A test split of LINES, B.ttf held out."""
    samples = samples_made("test", [(truth, made) for truth, made, _, _ in LINES])
    folder = write_dataset(tmp_path / "d", {"test": samples}, charset="0123456789.", shard_samples=3)
    manifest = manifest_values(folder)
    write_json(folder / "manifest.json", manifest | {"fonts": {"heldout": ["B.ttf"]}})
    return folder


def rows(figures: dict[str, Any], kind: str, *names: str) -> dict[str, tuple]:
    """{row: the named figures of it}."""
    return {row["name"]: tuple(row[name] for name in names) for row in figures["errors_by"][kind]}


def test_the_figures_of_a_dataset(reader: ScriptedReader, dataset: Path) -> None:
    report = report_on_dataset(reader, dataset, "test")
    figures = json.loads(json.dumps(report.figures()))
    assert (figures["lines"], figures["exact"], figures["characters"], figures["character_edits"]) == (4, 2, 14, 2)
    assert figures["cer"] == round(2 / 14, 6)
    assert (figures["known_fonts"]["lines"], figures["known_fonts"]["character_edits"]) == (2, 1)
    assert (figures["heldout_fonts"]["lines"], figures["heldout_fonts"]["characters"]) == (2, 9)
    assert rows(figures, "font", "lines", "cer", "cer_others", "share_of_errors") == {
        "A.ttf": (2, 0.2, round(1 / 9, 6), 0.5),
        "B.ttf": (2, round(1 / 9, 6), 0.2, 0.5),
    }
    assert rows(figures, "degradation", "lines", "cer", "cer_others") == {
        "crop": (2, 0.2, None),  # every degraded line has it
        "jpeg": (1, 0.0, round(1 / 3, 6)),
        "nothing": (2, round(1 / 9, 6), 0.2),
    }
    assert rows(figures, "strength", "lines") == {
        "crop 0.1 to 0.1": (1,),
        "crop 0.4 to 0.4": (1,),
        "jpeg 0.5 to 0.5": (1,),
        "nothing": (2,),
    }
    assert rows(figures, "text", "lines", "exact_match") == {"digits": (3, round(2 / 3, 6)), "amounts": (1, 0.0)}
    assert rows(figures, "length", "lines") == {"1-2": (1,), "3-4": (2,), "5-8": (1,)}
    assert rows(figures, "skew_deg", "lines") == {"0": (2,), "1": (2,)}
    assert rows(figures, "blur_px", "lines") == {"0": (2,), "0 to 0.25": (1,), "0.25 to 0.5": (1,)}
    assert rows(figures, "background", "lines") == {"": (3,), "plain_white": (1,)}
    assert list(figures["errors_by"]["width_px"][0]) == list(figures["errors_by"]["font"][0])
    assert figures["confusions"] == [
        {"true": ".", "read": "", "count": 1},
        {"true": "5", "read": "9", "count": 1},
    ]
    assert figures["reliability"]["set_aside"] == 1
    assert figures["reliability"]["wrong_set_aside"] == 0.5  # the one at 0.15
    # |0.95 - 1|, |0.65 - 0|, |0.15 - 0|, |0.85 - 1|, each a line of four
    assert figures["reliability"]["expected_calibration_error"] == 0.25
    assert figures["draw_more"] == []


def test_lines_are_kept_with_what_was_read(reader: ScriptedReader, dataset: Path) -> None:
    lines = {line.truth: line for line in report_on_dataset(reader, dataset, "test").lines}
    assert [(lines[t].name, lines[t].text, lines[t].confidence) for t in TRUTHS] == [
        ("test-000000000", "12", 0.95),
        ("test-000000001", "349", 0.65),
        ("test-000000002", "678", 0.15),
        ("test-000000003", "90123", 0.85),
    ]
    assert lines["12"].width_px == draw_line("12").shape[1]


def test_a_face_that_fails_is_to_be_drawn_more_and_a_held_out_one_is_not(tmp_path: Path) -> None:
    texts = [f"{i:03d}" for i in range(300)]
    made = [(text, {"font": "ABC"[i % 3] + ".ttf"}) for i, text in enumerate(texts)]
    folder = write_dataset(tmp_path / "d", {"test": samples_made("test", made)})
    manifest = manifest_values(folder)
    write_json(folder / "manifest.json", manifest | {"fonts": {"heldout": ["C.ttf"]}})
    wrong = {text: ("", 0.5) for i, text in enumerate(texts) if i % 3 and i % 2}
    report = report_on_dataset(ScriptedReader(texts, wrong), folder, "test")
    fails = {row.name for table in report.tables if table.kind == "font" for row in table.rows if row.beyond_chance}
    assert fails == {"B.ttf", "C.ttf"}
    assert [advice.names for advice in report.advice] == [("B.ttf",)]
    assert [each["key"] for each in report.figures()["draw_more"]] == ["render.fonts"]


def test_the_figures_of_a_folder_of_pairs(reader: ScriptedReader, tmp_path: Path) -> None:
    for truth in TRUTHS:
        Image.fromarray(draw_line(truth)).save(tmp_path / f"{truth}.png")
        (tmp_path / f"{truth}.gt.txt").write_text(f"{truth}\n")
    report = report_on_folder(reader, tmp_path)
    figures = json.loads(json.dumps(report.figures()))
    assert (figures["lines"], figures["exact"], figures["character_edits"]) == (4, 2, 2)
    assert list(figures["errors_by"]) == ["text", "length", "width_px"]
    assert rows(figures, "text", "lines", "exact_match") == {"digits": (3, round(2 / 3, 6)), "amounts": (1, 0.0)}
    assert [line.name for line in report.lines] == ["12.png", "345.png", "6.78.png", "90123.png"]
    assert figures["draw_more"] == []
    assert report.recipe == {}


def test_pictures_are_held_in_memory_a_few_at_a_time(
    reader: ScriptedReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocrlib.evaluation.evaluate.PICTURES_AT_ONCE", 3)
    for truth in TRUTHS:
        Image.fromarray(draw_line(truth)).save(tmp_path / f"{truth}.png")
        (tmp_path / f"{truth}.gt.txt").write_text(truth)
    assert report_on_folder(reader, tmp_path).overall["lines"] == 4
    assert reader.sizes == [3, 1]
