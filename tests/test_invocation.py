"""A command that is printed can be pasted: it is quoted, and begins with a program that the terminal finds."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ocrlib.invocation import command


def started_by(monkeypatch: pytest.MonkeyPatch, folder: Path, argv0: Path, python: Path, search: Path) -> None:
    """As if that Python had been started so, in that folder, by a terminal that looks for programs in `search`."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", [str(argv0)])
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setenv("PATH", str(search))


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """An environment with a Python and the console script."""
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "python3", "ocrlib"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def test_it_begins_as_the_user_began(tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, python = bin_folder / "ocrlib", bin_folder / "python"
    started_by(monkeypatch, tmp_path, script, python, bin_folder)
    assert command("card", "a b") == "ocrlib card 'a b'"
    started_by(monkeypatch, tmp_path, script, python, tmp_path)
    assert command("card") == "'my env/bin/ocrlib' card"
    started_by(monkeypatch, tmp_path, Path("generate_data.py"), python, bin_folder)
    assert command("card") == "python -m ocrlib card"
    started_by(monkeypatch, tmp_path, Path("generate_data.py"), python, tmp_path)
    assert command("card") == "'my env/bin/python' -m ocrlib card"
    started_by(monkeypatch, bin_folder, Path("generate_data.py"), tmp_path / "elsewhere" / "python", bin_folder)
    assert command("card") == f"{tmp_path}/elsewhere/python -m ocrlib card"


def test_a_python_that_only_is_called_python3_is_found(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bin_folder / "python").unlink()
    started_by(monkeypatch, bin_folder.parent, Path("x.py"), bin_folder / "python3", bin_folder)
    assert command("card") == "python3 -m ocrlib card"


@pytest.mark.parametrize("word", ["a b", "$HOME", "it's", "`ls`", "*", "ä;rm", ""])
def test_a_shell_gives_back_each_word(word: str) -> None:
    assert shlex.split(command("card", word))[-2:] == ["card", word]


def test_what_is_printed_here_runs_here() -> None:
    outcome = subprocess.run(["sh", "-c", command("--version")], capture_output=True, text=True)
    assert (outcome.returncode, outcome.stdout[:7]) == (0, "ocrlib "), (sys.executable, outcome.stderr)
