"""The report of a run as a page."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from ocrlib.commands import web
from ocrlib.files import write_json
from ocrlib.web.figures import measure
from ocrlib.web.report import write_report
from tests.dataset.card.test_page import Tags
from tests.evaluation.scripted import ScriptedReader
from tests.training_fixtures import numbers, write_dataset
from tests.web.conftest import serious_findings, wait

TRUTHS = [text for text in dict.fromkeys(numbers(30, seed=4)) if len(text) > 2]
WRONG = TRUTHS[3][:-1] + "x"
HISTORY = [
    {"epoch": str(epoch), "minutes": str(1.5 * epoch + 1), "val_cer": str(0.5 / 4**epoch), "loss": "2", "val_loss": "3"}
    for epoch in range(3)
]
EVIL = "</pre><script>alert(1)</script>"


@pytest.fixture
def reader() -> Any:
    return ScriptedReader(TRUTHS, {TRUTHS[3]: (WRONG, 0.97)})


@pytest.fixture
def report(tmp_path: Path, reader: Any) -> Path:
    """Of a run with a strip an epoch."""
    from ocrlib.evaluation.strip import draw_strip
    from tests.training_fixtures import draw_line

    run = tmp_path / "run"
    (run / "predictions").mkdir(parents=True)
    for epoch in range(1, 13):
        strip = draw_strip([draw_line("12")[:, :, None]], ["12"], ["13"])
        strip.save(run / "predictions" / f"epoch-{epoch:03d}.png")
    folder = write_dataset(tmp_path / "digits", {"test": TRUTHS})
    config = {"datasets": [{"folder": EVIL, "fingerprint": "ab" * 32, "weight": None}], "config": {"note": EVIL}}
    config |= {"network": {"parameters": 1234567}}
    return write_report(run, HISTORY, config, {}, [measure(reader, folder, "test")])


def test_a_report_has_its_figures_and_needs_nothing_else(report: Path) -> None:
    page = report.read_text()
    assert len(page) < 3_000_000
    for figure in ("1,234,567", f"{1 - 1 / len(TRUTHS):.2%}", "4.0", f'{WRONG[:-1]}<b class="miss">x</b>', "0.970"):
        assert figure in page
    tags = Tags(page).found
    assert [tag for tag, _ in tags if tag in ("script", "iframe", "object", "form", "base")] == []
    addresses = [value or "" for _, attrs in tags for name, value in attrs.items() if name in ("src", "href")]
    assert [each for each in addresses if not each.startswith("data:")] == []
    assert [summary for summary in ("epoch 001", "epoch 004", "epoch 012", "by length") if summary not in page] == []
    assert "epoch 002" not in page  # five of twelve


def test_a_run_without_its_dataset_shows_what_is_known(tmp_path: Path) -> None:
    metrics = {"datasets": {"gone": {"exact_match": 0.5, "cer": 0.25, "lines": 8}}}
    (tmp_path / "run").mkdir()
    page = write_report(tmp_path / "run", [], {}, metrics, []).read_text()
    assert "exact 50.00 %, CER 25.00 % on 8 lines" in page


def test_a_report_keeps_nobody_out_and_shows_texts_as_texts(page: Any, report: Path) -> None:
    page.on("dialog", lambda *_: pytest.fail("a script ran"))
    page.goto(f"file://{report}")
    for summary in page.query_selector_all("summary"):
        if summary.evaluate("each => !each.parentElement.open"):
            summary.click()
    assert EVIL in page.text_content("main")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious_findings(page) == [], scheme
    page.set_viewport_size({"width": 360, "height": 740})
    wait(page, "() => document.documentElement.scrollWidth <= 360")


def test_a_store_that_has_nothing_is_as_a_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(tmp_path / "config.json", {"datasets": [{"folder": "memory://gone/tiny"}]})
    assert web.report(Namespace(run_folder=tmp_path, trust=True)) == 0
    told = "not measured again: memory://gone/tiny: is no dataset: it has no manifest.json"
    assert capsys.readouterr().out.splitlines()[0] == told
    assert (tmp_path / "report.html").exists()
