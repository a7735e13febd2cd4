"""lock: one holder at a time, named to the next one, and nothing left behind or overwritten."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ocrlib.dataset.manifest import WORK_DIR
from ocrlib.errors import UserError
from ocrlib.factory.lock import lock_folder
from tests.programs import ROOT

HOLD = """
import sys, time
from pathlib import Path
from ocrlib.factory.lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the folder `out`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "out"], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate(timeout=60)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_process_is_told_who_holds_the_folder(holder, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError) as caught, lock_folder(out):
        pass
    assert str(caught.value) == (
        f"{out}: process {holder.pid} on {socket.gethostname()} is making this dataset; "
        "wait for it, or choose another --out"
    )


def test_a_killed_holder_holds_no_longer(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(timeout=60)
    with lock_folder(tmp_path / "out"):
        pass
    assert names(tmp_path / "out") == []


def test_what_was_begun_stays_and_what_was_not_leaves_no_trace(tmp_path):
    out = tmp_path / "out"
    with lock_folder(out):
        assert (out / WORK_DIR).is_dir()
    assert names(out) == []
    with lock_folder(out):
        (out / WORK_DIR / "state.json").write_text("{}")
    assert names(out) == [WORK_DIR]


def test_a_folder_can_be_held_again_after_its_work_folder_was_removed(tmp_path):
    for _ in range(2):
        with lock_folder(tmp_path):
            for path in (tmp_path / WORK_DIR).iterdir():
                path.unlink()
            (tmp_path / WORK_DIR).rmdir()
        assert names(tmp_path) == []


def test_a_symbolic_link_is_refused_and_its_target_left_alone(tmp_path):
    (tmp_path / "precious").write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    (out / ".lock").symlink_to(tmp_path / "precious")
    with (
        pytest.raises(UserError, match="is a symbolic link, which a lock file must not be; delete it"),
        lock_folder(out),
    ):
        pass
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_hard_linked_file_is_not_written_to(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    out = tmp_path / "out"
    (out / WORK_DIR).mkdir(parents=True)
    os.link(precious, out / ".lock")
    os.link(precious, out / WORK_DIR / "holder")
    with lock_folder(out):
        assert (out / WORK_DIR / "holder").read_text().startswith("process ")
    assert precious.read_text() == "precious"
