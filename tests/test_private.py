"""Every command is traced: it speaks to no other machine, and leaves nothing under the home folder."""

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from ocrlib.private import _without_postscript
from tests.generating import TINY
from tests.programs import ROOT, program, run_code, run_program
from tests.training_fixtures import draw_line, numbers, write_dataset

# All commands of a user, one after the other in one process, so that TensorFlow starts once.
COMMANDS = """
import http.client, os, runpy, signal, socket, sys, threading, time
from pathlib import Path
from ocrlib.cli import main

def run(*arguments):
    sys.argv = ["ocrlib", *arguments]
    assert main() == 0, arguments
    done.add(arguments[0])

def script(name, *arguments):
    sys.argv = [name, *arguments]
    runpy.run_path(str(Path({root!r}) / name))["main"]()

def served(*arguments):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threading.Thread(target=interrupt, args=(port,), daemon=True).start()
    run(*arguments, "--port", str(port))

def interrupt(port):
    # Ctrl-C, as soon as the server answers.
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/")
            connection.getresponse().read()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

done = set()
if __name__ == "__main__":
    run("recipes")
    run("predict", "--model", "numeric", "line.png")
    run("predict", "--page", "--model", "numeric", "line.png")
    run("evaluate", "--model", "numeric", "digits")
    run("verify", "digits")
    run("card", "digits")
    script("generate_data.py", "tiny.toml", "--workers", "1")
    script("train_from_records.py", "digits", "--run", "run", "--init", "none", "--train.epochs", "1", "--model.filters", "0.25", "--model.stride", "4")
    run("export", "--model", "run", "--out", "model.onnx")
    run("predict", "--model", "model.onnx", "line.png")
    run("report", "run")
    run("compare", "numeric", "model.onnx", "--on", "digits", "--html", "compare.html")
    run("advise", "model.onnx", "--recipe", "tiny.toml", "--out", "more.toml", "--on", "digits")
    run("unpack", "digits", "--layout", "pairs", "--out", "pairs")
    run("import", "pairs", "--out", "again", "--workers", "1")
    served("browse", "digits", "--model", "model.onnx")
    served("review", "pairs", "--model", "model.onnx")
    Path("done").write_text(" ".join(sorted(done)))
"""
_SPEAKS = re.compile(r"(connect|sendto|sendmsg|sendmmsg)\(.*sa_family=AF_INET6?\b.*")


def spoken_to(trace: Path) -> list[str]:
    """The lines of a trace in which a program speaks to another machine."""
    lines = [line for line in trace.read_text().splitlines() if _SPEAKS.search(line)]
    return [line for line in lines if '"127.0.0.1"' not in line and '"::1"' not in line]


def trace(code: Path, folder: Path, environment: dict[str, str]) -> Path:
    """Runs a Python program with every call that can speak to another machine written down."""
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    written = folder / "trace.txt"
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", calls, "-o", str(written), *program(code)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return written


def needs_strace() -> None:
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-qq", "true"], capture_output=True).returncode:
        pytest.skip("strace is not installed, or may not trace here")


def test_no_command_speaks_to_another_machine_or_writes_under_the_home_folder(tmp_path: Path) -> None:
    needs_strace()
    (tmp_path / "home").mkdir()
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "commands.py").write_text(COMMANDS.format(root=str(ROOT)))
    Image.fromarray(draw_line("123")).save(tmp_path / "line.png")
    write_dataset(tmp_path / "digits", {s: numbers(20, seed=i) for i, s in enumerate(("train", "val", "test"))})
    kept = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "CI", "GITHUB_ACTIONS")}
    # Another backend than TensorFlow may be set up for other programs.
    environment = {**kept, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    written = trace(tmp_path / "commands.py", tmp_path, environment)
    assert spoken_to(written) == []
    assert list((tmp_path / "home").rglob("*")) == []
    by_script = {"data", "train"}
    assert set((tmp_path / "done").read_text().split()) | by_script == commands_of_the_program()


def commands_of_the_program() -> set[str]:
    """The commands that `python -m ocrlib` has, by what its help lists."""
    return set(re.findall(r"^    (\w+) ", run_program("-m", "ocrlib", "--help").stdout, re.MULTILINE))


def test_the_trace_sees_a_program_that_speaks(tmp_path: Path) -> None:
    needs_strace()
    (tmp_path / "speaks.py").write_text(
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.2', 9))"
    )
    assert len(spoken_to(trace(tmp_path / "speaks.py", tmp_path, dict(os.environ)))) == 1


def test_telemetry_is_off_before_anything_of_ours_is_used() -> None:
    code = "import os, ocrlib; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run_code(code) == "1\n"


def test_tables_of_postscript_fonts_are_refused_while_fonts_are_listed(tmp_path):
    (tmp_path / "a.afm").write_text("StartFontMetrics 2.0")
    module = importlib.import_module("matplotlib._afm")
    parser = module.AFM
    with (
        open(tmp_path / "a.afm") as file,
        _without_postscript(module.__name__),
        pytest.raises(OSError, match="left out"),
    ):
        module.AFM(file)
    assert module.AFM is parser
    with _without_postscript("matplotlib.of_another_version"), _without_postscript("matplotlib.scale"):
        pass
