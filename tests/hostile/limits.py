"""Runs a part of ocrlib in a forked process with limits on memory, time and output, and tells how it ended.

A process that has imported everything forks one for each case, because the imports take seconds and a case some
hundredths of one. TensorFlow must not have worked before the fork: its threads are not in the forked process.
"""

import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ocrlib.arguments import run_main

MEMORY_BYTES = 2 << 30  # beyond what the imports take; threads and TensorFlow's own pools take half of it
CPU_S = 20  # twice what `network.trial` gives a network that never ends
WALL_S = 120  # many programs share the cores
FILE_BYTES = 64 << 20
RESIDENT_BYTES = 3 << 29  # that are really filled, beyond the imports; a column of a parquet file may have 1 << 30
TOLD_BYTES = 100_000  # of standard output and error together


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a case ended.

    Attributes:
      code: the exit code, or minus the signal.
      stdout, stderr: what was said.
      memory_bytes: the most that was in memory at once, beyond what a process has that does nothing.
    """

    code: int
    stdout: str
    stderr: str
    memory_bytes: int = 0


def run_limited(main: Callable[[], int | None], arguments: list[str], folder: Path) -> Ended:
    """Runs a program's `main` in a forked process, in `folder`, with the limits above."""
    told = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]  # noqa: SIM115 - closed below
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.chdir(folder)
            for number, file in enumerate(told, 1):
                os.dup2(file.fileno(), number)
            # Made anew: the objects remember whether what they wrote to before was a file.
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
            _limit()
            _run(main, arguments)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(99)
    _, status, used = os.wait4(pid, 0)
    _end_group(pid)
    texts = []
    for file in told:
        file.seek(0)
        texts.append(file.read(2 * TOLD_BYTES).decode(errors="replace"))
        file.close()
    memory_bytes = max(0, used.ru_maxrss * 1024 - _resting_bytes())
    return Ended(code=os.waitstatus_to_exitcode(status), stdout=texts[0], stderr=texts[1], memory_bytes=memory_bytes)


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + MEMORY_BYTES,
        resource.RLIMIT_CPU: CPU_S,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))
    signal.alarm(WALL_S)


@cache
def _resting_bytes() -> int:
    """What a forked process that does nothing has in memory."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.wait4(pid, 0)[2].ru_maxrss * 1024


def _run(main: Callable[[], int | None], arguments: list[str]) -> None:
    sys.argv = arguments
    try:
        run_main(main, "run it again")
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))


def _end_group(pid: int) -> None:
    """Ends what the case started and left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def emptied(folder: Path) -> Path:
    """Returns the folder, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
