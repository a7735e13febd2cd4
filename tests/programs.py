"""Starts programs of this repository as a user does, each in its own process, and tells how they ended."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 300  # TensorFlow alone takes minutes to start where ten programs share a core
_PROGRESS_BAR = re.compile(r"\d+/\d+ \[\d\d:\d\d")  # 35/120 [00:02<00:05, 16.20img/s]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[str]:
        """The lines of standard error, without progress bars and empty lines."""
        return [line for line in self.stderr.splitlines() if line.strip() and not _PROGRESS_BAR.search(line)]


def program(*arguments: object) -> list[str]:
    """The command line of a Python program: `program(ROOT / "train_from_records.py", dataset)`."""
    return [sys.executable, *map(str, arguments)]


def run_program(*arguments: object, folder: Path = ROOT, max_file_bytes: int | None = None) -> Outcome:
    """Runs a Python program to its end.

    Args:
      arguments: as for `program`.
      folder: the program's working directory.
      max_file_bytes: the program cannot write a file larger than this.
    """

    def limit_files() -> None:
        assert max_file_bytes is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))

    done = subprocess.run(
        program(*arguments),
        capture_output=True,
        timeout=TIMEOUT_S,
        cwd=folder,
        preexec_fn=None if max_file_bytes is None else limit_files,
    )
    return Outcome(code=done.returncode, stdout=done.stdout.decode(), stderr=done.stderr.decode())


def run_code(code: str, *arguments: object) -> str:
    """What Python code prints in a fresh process, where it must end well and without a warning."""
    outcome = run_program("-c", code, *arguments)
    assert (outcome.code, outcome.stderr) == (0, ""), outcome.stderr
    return outcome.stdout


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Waits until a condition holds, which another process makes true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain"
        time.sleep(0.01)
