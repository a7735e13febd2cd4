"""Fixtures of the whole suite: one tiny dataset and one trained reader, each made once, however many processes test."""

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ocrlib.arguments import run_main
from tests.dataset.stores import Faults, s3_server
from tests.generating import TINY, generate
from tests.programs import ROOT, Outcome
from tests.training_fixtures import TrainedRun, train_by_heart

settings.register_profile("ocrlib", deadline=None)  # a busy machine is no error
settings.load_profile("ocrlib")

# Programs that tests start share matplotlib's list of fonts, which each would make again.
os.environ.setdefault("MPLCONFIGDIR", str(ROOT / ".pytest_cache" / "matplotlib"))

# Testing processes that run at once share the cores. TensorFlow reads this when it is imported, later than here, and
# the programs that tests start inherit it.
NUM_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if NUM_PROCESSES > 1:
    threads = max(1, len(os.sched_getaffinity(0)) // NUM_PROCESSES)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """`make_once(name, make)`: a folder that `make` filled in one testing process, and that all of them use."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if NUM_PROCESSES > 1 else own  # pytest-xdist puts the folders of its processes side by side

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def tiny_dataset(make_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A finished dataset of 120 numeric lines in 6 shards and both formats. Not to be changed: see `tiny_copy`."""

    def make(folder: Path) -> None:
        (folder / "tiny.toml").write_text(TINY)
        outcome = generate(folder / "tiny.toml", "--workers", 2)
        assert outcome.code == 0, outcome.stderr

    return make_once("tiny_dataset", make) / "tiny"


@pytest.fixture
def tiny_copy(tiny_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the tiny dataset that a test may damage."""
    return Path(shutil.copytree(tiny_dataset, tmp_path / "tiny"))


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Path:
    """The tiny recipe as a file; its dataset goes to `tiny` beside it."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def trained_run(make_once: Callable[[str, Callable[[Path], None]], Path]) -> TrainedRun:
    """A finished training whose reader knows 16 lines of digits by heart. Not to be changed."""
    return TrainedRun.of(make_once("trained_run", train_by_heart))


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`run_here(main, "generate_data.py", recipe)`: a program in this process, which has imported everything already."""

    def run(main: Callable[[], None], name: str, *arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        handler = signal.getsignal(signal.SIGTERM)
        capfd.readouterr()
        with pytest.raises(SystemExit) as raised:
            run_main(main, "run it again")
        signal.signal(signal.SIGTERM, handler)
        printed = capfd.readouterr()
        return Outcome(code=int(raised.value.code or 0), stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture(scope="session")
def _s3() -> Iterator[Faults]:
    with s3_server() as faults:
        yield faults


@pytest.fixture
def s3_faults(_s3: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """An S3 server with a bucket called `bucket`, which spoils nothing until a test says so."""
    monkeypatch.setattr("ocrlib.dataset.store._PAUSE_S", 0.0)
    _s3.requests.clear()
    yield _s3
    _s3.spoil = lambda method, path: None


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that holds no more than two small shards in memory at once."""
    monkeypatch.setattr("ocrlib.batches.loader.WINDOW_BYTES", 120_000)
