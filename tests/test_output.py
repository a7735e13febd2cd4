"""What is printed: it never stops work, and is nothing but text."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from ocrlib.output import shown
from tests.programs import ROOT, program
from tests.training_fixtures import draw_line

PRINTS = """
import sys
from ocrlib.arguments import run_main

def main():
    for number in range(20000):
        print("a line of text", number, flush=number % 100 == 0)
    open("done", "w").write("all of the work")

run_main(main, "run it again")
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\n", "a\tb\n"),
        ("ä€ ½", "ä€ ½"),
        ("\x1b[2Jx", "\\x1b[2Jx"),
        ("a\rb", "a\\rb"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\ud800", "\\ud800"),
        ("\x7f\x00\x07", "\\x7f\\x00\\x07"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_only_visible_characters_are_shown(text: str, expected: str) -> None:
    assert shown(text) == expected


def run_shell(command: str, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell command in which PROGRAM is a Python program of that code."""
    (folder / "prints.py").write_text(code)
    started = " ".join(program(folder / "prints.py"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shell = command.replace("PROGRAM", started)
    return subprocess.run(
        ["bash", "-c", shell], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("PROGRAM | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("PROGRAM > /dev/full", 1, "standard output: No space left on device; all else is done\n"),
        ("PROGRAM >&-", 0, ""),
        ("PROGRAM 2>&- > /dev/null", 0, ""),
        ("PROGRAM <&- >&- 2>&-", 0, ""),
        ("PROGRAM 2> /dev/full > /dev/null", 0, ""),
    ],
)
def test_work_is_done_whatever_becomes_of_what_is_printed(
    tmp_path: Path, command: str, code: int, message: str
) -> None:
    done = run_shell(command, tmp_path, PRINTS)
    assert (done.returncode, done.stderr) == (code, message)
    assert (tmp_path / "done").read_text() == "all of the work"


def test_a_closed_file_number_is_not_given_to_the_next_file(tmp_path: Path) -> None:
    """A library that prints to file 1 would write into it."""
    writes = "import os\nfrom ocrlib.arguments import run_main\n" + (
        "def main():\n    with open('data', 'wb') as file:\n        os.write(1, b'noise')\n        file.write(b'data')\n"
        "run_main(main, 'again')\n"
    )
    assert run_shell("PROGRAM >&-", tmp_path, writes).returncode == 0
    assert (tmp_path / "data").read_bytes() == b"data"


@pytest.mark.parametrize(
    ("raised", "line", "code"),
    [
        ("ocrlib.errors.UserError('a\\x1b[31m\\nb')", "a\\x1b[31m b", 2),
        (
            "ocrlib.errors.WorkerError('shard 1: Traceback (most recent call last):\\n  File x\\nKeyError: 3')",
            "shard 1: KeyError: 3; the same command with --traceback tells more",
            1,
        ),
        ("ocrlib.errors.WorkerError('shard 1: its worker died')", "shard 1: its worker died", 1),
        ("MemoryError()", "not enough memory; run it again", 1),
        ("ImportError('x.so: failed to map segment from shared object')", "not enough memory; run it again", 1),
        ("PermissionError(13, 'Permission denied', 'x')", "x: Permission denied; run it again", 1),
        ("OSError(36, 'File name too long', 'aaa')", "aaa: File name too long", 2),
        ("RecursionError('deep')", "something is nested too deeply; run it again", 1),
        (
            "ZeroDivisionError('zero')",
            "an error that ocrlib does not expect: ZeroDivisionError: zero; the same command",
            1,
        ),
        ("'\\udce9'.encode()", "an error that ocrlib does not expect: UnicodeEncodeError: ", 1),
    ],
)
def test_every_error_is_one_line(tmp_path: Path, raised: str, line: str, code: int) -> None:
    raising = "import ocrlib.errors\nfrom ocrlib.arguments import run_main\n" + (
        f"def main():\n    error = {raised}\n    raise error\nrun_main(main, 'run it again')\n"
    )
    done = run_shell("PROGRAM", tmp_path, raising)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(line)
    if "does not expect" in line:
        assert "Traceback" in run_shell("PROGRAM --traceback", tmp_path, raising).stderr


# Python runs it before the program.
INTERRUPTS = """
import os, signal, sys
sys.addaudithook(lambda event, about: event == "import" and about[0] == {name!r} and os.kill(os.getpid(), signal.SIGINT))
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (("-m", "ocrlib", "verify", "."), "ocrlib.private"),
        (("-m", "ocrlib", "verify", "."), "ocrlib.cli"),
        (("-m", "ocrlib", "verify", "."), "tqdm"),
        ((ROOT / "generate_data.py", "x"), "ocrlib"),
        ((ROOT / "generate_data.py", "x"), "textwrap"),
        ((ROOT / "train_from_records.py", "x", "--run", "r"), "ocrlib.commands.train"),
    ],
)
def test_an_interrupt_while_the_program_is_still_imported_gives_no_traceback(
    tmp_path: Path, arguments: tuple[object, ...], imported: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS.format(name=imported))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(
        program(*arguments), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_program_that_imports_ocrlib_keeps_its_own_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("import ocrlib")
    (tmp_path / "mine" / "__main__.py").write_text("import signal; print(signal.getsignal(signal.SIGINT).__name__)")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(program("-m", "mine"), cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("default_int_handler\n", "")


def run_ocrlib(*arguments: object, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of ours in a shell, after what the shell does `before`."""
    started = shlex.join(program("-m", "ocrlib", *arguments))
    return subprocess.run(
        ["bash", "-c", f"{before}\n{started}"], capture_output=True, text=True, cwd=ROOT, env=os.environ | environment
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A drawn line."""
    Image.fromarray(draw_line("123")).save(tmp_path / "123.png")
    return tmp_path / "123.png"


def test_without_docstrings_and_assertions_the_same_is_read(picture: Path) -> None:
    reading = ("predict", "--model", "numeric", picture)
    plain, optimised = run_ocrlib(*reading), run_ocrlib(*reading, PYTHONOPTIMIZE="2")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert (optimised.returncode, optimised.stdout, optimised.stderr) == (0, plain.stdout, "")
    for command in ("predict", "data", "train"):
        assert run_ocrlib(command, "--help", PYTHONOPTIMIZE="2").returncode == 0


@pytest.mark.parametrize("megabytes", [200, 450])  # too little to import ONNX Runtime, and too little for its threads
def test_too_little_memory_is_one_line(picture: Path, megabytes: int) -> None:
    few_threads = {"OPENBLAS_NUM_THREADS": "1"}  # whose memory depends on the processor
    done = run_ocrlib("predict", "--model", "numeric", picture, before=f"ulimit -v {megabytes << 10}", **few_threads)
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert "not enough memory" in line or f"`ulimit -v` allows {megabytes} MB" in line
