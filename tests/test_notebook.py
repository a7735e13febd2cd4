"""The notebook runs whole, with few lines, and is kept without outputs."""

import json
from pathlib import Path

import pytest

from tests.programs import ROOT

NOTEBOOK = ROOT / "notebooks" / "ocrlib.ipynb"


def test_the_notebook_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("OCRLIB_NOTEBOOK_LINES", "16")
    monkeypatch.setenv("OCRLIB_NOTEBOOK_FOLDER", str(tmp_path / "work"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    printed = ["".join(out.get("text", "") for out in cell.get("outputs", [])) for cell in notebook.cells]
    assert any("10 lines of your own: CER" in text for text in printed)
    assert "line-9.png:" in printed[-1]
    assert (tmp_path / "work" / "mine" / "manifest.json").exists()
    assert len(list((tmp_path / "work" / "run" / "predictions").glob("*.png"))) == 2
