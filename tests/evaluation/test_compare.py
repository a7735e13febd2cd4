"""Readers on the same lines: what differs, and whether it is chance."""

import json
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from ocrlib import cli
from ocrlib.errors import UserError
from ocrlib.evaluation.breakdown import LineErrors
from ocrlib.evaluation.compare import DRAWS, compare, exact_difference
from ocrlib.evaluation.compare_text import compare_figures, compare_text, difference_text
from ocrlib.evaluation.contestants import Contestant, compare_with_first, default_data, what_differs
from ocrlib.evaluation.groups import Grouping
from ocrlib.evaluation.report import report_on_dataset
from tests.dataset.stores import put
from tests.evaluation.scripted import ScriptedReader
from tests.training_fixtures import numbers, write_dataset

TRUTHS = sorted({text for text in numbers(200, seed=5) if len(text) > 2})[:80]


def errors(wrong: int, lines: int = 100) -> LineErrors:
    """Of lines of ten characters, of which the first `wrong` have one error."""
    truths = ["0123456789"] * lines
    return LineErrors(truths, ["0123456780" if i < wrong else truth for i, truth in enumerate(truths)])


def test_a_difference_and_what_chance_alone_would_do() -> None:
    comparison = compare(errors(10), errors(40), [])
    assert comparison.cer.value == pytest.approx(-0.03)
    assert -0.045 < comparison.cer.low < -0.035 < -0.025 < comparison.cer.high < -0.015
    assert not comparison.cer.may_be_chance
    assert comparison.exact_match.value == pytest.approx(0.3)
    assert comparison.gained == list(range(10, 40))
    assert comparison.lost == []


def test_a_small_difference_may_be_chance_and_none_is_none() -> None:
    assert compare(errors(11), errors(10), []).cer.may_be_chance
    same = compare(errors(10), errors(10), [])
    assert (same.cer.value, same.cer.low, same.cer.high) == (0, 0, 0)


def test_the_interval_is_that_of_lines_drawn_one_by_one() -> None:
    random = np.random.RandomState(2)
    first, other = errors(0, 60), errors(0, 60)
    first.exact[:] = random.rand(60) < 0.7
    other.exact[:] = random.rand(60) < 0.8
    gains = other.exact.astype(int) - first.exact.astype(int)
    drawn = gains[random.randint(0, 60, size=(DRAWS, 60))].mean(axis=1)
    difference = exact_difference(other, first)
    assert difference.value == pytest.approx(gains.mean())
    assert difference.low == pytest.approx(np.quantile(drawn, 0.025), abs=0.02)
    assert difference.high == pytest.approx(np.quantile(drawn, 0.975), abs=0.02)


def test_groups_of_thirty_lines_or_more_are_compared_the_largest_difference_first() -> None:
    names = [("few",)] * 20 + [("a",)] * 40 + [("b",)] * 40
    groups = compare(errors(30), errors(0), [Grouping(kind="font", of_line=names)]).groups
    assert [(group.name, group.lines, group.cer, group.cer_before) for group in groups] == [
        ("a", 40, 0.025, 0.0),
        ("b", 40, 0.0, 0.0),
    ]
    assert compare(errors(30), errors(0), [Grouping(kind="font", of_line=[("all",)] * 100)]).groups == []


# Readers that were measured


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("compare") / "digits", {"test": TRUTHS})


@pytest.fixture(scope="module")
def contestants(dataset: Path) -> list[Contestant]:
    """The second misreads one line that the first reads, the first forty that the second reads."""
    wrong = [dict.fromkeys(TRUTHS[:40], ("", 0.5)), {TRUTHS[70]: ("<b>1</b>", 0.6)}]
    configs: list[dict[str, Any]] = [
        {"config": {"train": {"seed": seed, "epochs": 2}}, "network": {"parameters": 1000 * seed}, "datasets": []}
        for seed in (1, 2)
    ]
    readers: list[Any] = [ScriptedReader(TRUTHS, script) for script in wrong]
    return [
        Contestant(
            name=f"runs/{name}",
            recognizer=reader,
            report=report_on_dataset(reader, dataset, "test"),
            lines_per_second=speed,
            config=config,
            minutes=3.0,
        )
        for name, reader, speed, config in zip("ab", readers, (None, 1234.5), configs, strict=True)
    ]


def test_the_text_has_every_figure(contestants: list[Contestant]) -> None:
    text = compare_text(contestants, compare_with_first(contestants))
    lines = text.splitlines()
    assert lines[0].split() == ["exact", "CER", "WER", "ECE", "lines/s", "parameters", "minutes"]
    assert lines[1].split()[:2] == ["runs/a", "50.00%"]
    assert lines[1].split()[-3:] == ["-", "1,000", "3.0"]
    assert lines[2].split()[:2] == ["runs/b", "98.75%"]
    assert lines[2].split()[-3:] == ["1,234", "2,000", "3.0"]
    assert "  40 lines that only it reads, 1 that only runs/a does" in lines
    assert "is not chance" in text
    assert "  config.train.seed: 1 | 2" in lines
    assert "epochs" not in text


def test_the_figures_are_json_with_the_names_of_the_lines(contestants: list[Contestant]) -> None:
    figures = json.loads(json.dumps(compare_figures(contestants, compare_with_first(contestants))))
    assert figures["readers"][1]["exact_match"] == pytest.approx(0.9875)
    (against,) = figures["against_first"]
    assert against["only_the_first_reads"] == [
        contestants[0].report.lines[i].name for i in compare_with_first(contestants)[0].lost
    ]
    assert len(against["only_it_reads"]) == 40
    assert figures["what_differs"]["network.parameters"] == ["1000", "2000"]


def test_runs_that_differ_in_nothing_differ_in_nothing(contestants: list[Contestant]) -> None:
    assert what_differs([contestants[0], contestants[0]]) == []


def test_the_page_shows_the_lines_that_only_one_reads(contestants: list[Contestant], dataset: Path) -> None:
    from ocrlib.web.comparison import comparison_page

    page = comparison_page(contestants, compare_with_first(contestants), dataset, "test")
    assert "Only runs/b reads, 30 of 40" in page
    assert "Only runs/a reads" in page
    assert "<b>1</b>" not in page
    assert page.count("data:image/png") == 31
    assert len(page) < 3_000_000
    assert difference_text(compare_with_first(contestants)[0].cer) in page


def test_the_first_run_whose_dataset_is_there_says_on_what(tmp_path: Path, dataset: Path) -> None:
    for name, folder in (("a", tmp_path / "gone"), ("b", dataset)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"datasets": [{"folder": str(folder)}]}))
    assert default_data([str(tmp_path / "a"), str(tmp_path / "b")]) == dataset
    with pytest.raises(UserError, match="give one, or a folder of pairs, by --on"):
        default_data(["numeric", str(tmp_path / "a")])
    (tmp_path / "a" / "config.json").write_text('{"datasets": [{"folder": "memory://there/digits"}]}')
    with pytest.raises(UserError, match="a: learned from memory://there/digits; --trust opens that address"):
        default_data([str(tmp_path / "a")])
    assert default_data([str(tmp_path / "a")], trust=True) == "memory://there/digits"


def test_the_command_compares_models_that_come_with_ocrlib(run_here: Any, tmp_path: Path) -> None:
    arguments = ["numeric", "display", "--on", "examples", "--out", tmp_path / "a.json", "--html", tmp_path / "a.html"]
    outcome = run_here(cli.main, "ocrlib", "compare", *arguments)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("examples: 5 lines\n")
    assert "display against numeric:" in outcome.stdout
    assert json.loads((tmp_path / "a.json").read_text())["readers"][1]["name"] == "display"
    assert "numeric against display" in (tmp_path / "a.html").read_text()


def test_a_stored_dataset_is_called_by_its_address(
    run_here: Any, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))
    address, figures, page = "memory://compared/digits", tmp_path / "a.json", tmp_path / "a.html"
    put(dataset, address)
    arguments = ["numeric", "numeric", "--on", address, "--out", figures, "--html", page]
    outcome = run_here(cli.main, "ocrlib", "compare", *arguments)
    fsspec.filesystem("memory").rm("/compared", recursive=True)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.startswith(f"{address} (test): {len(TRUTHS)} lines\n")
    assert json.loads(figures.read_text())["data"] == address
    assert f"{address} (test)" in page.read_text()
    assert str(tmp_path / "cache") not in outcome.stdout + figures.read_text() + page.read_text()


def test_one_model_cannot_be_compared(run_here: Any) -> None:
    outcome = run_here(cli.main, "ocrlib", "compare", "numeric", "--on", "examples")
    assert (outcome.code, outcome.stderr) == (2, "numeric: expected at least two models to compare\n")
