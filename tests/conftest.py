"""Fixtures of the whole suite: one tiny dataset, made once by the script itself."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from tests.generating import TINY, generate
from tests.training_fixtures import TrainedRun, train_by_heart

settings.register_profile("ocrlib", deadline=None)  # a busy machine is no bug of ours
settings.load_profile("ocrlib")


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished dataset of 120 numeric lines in 6 shards and both formats. Not to be changed: see `tiny_copy`."""
    folder = tmp_path_factory.mktemp("datasets")
    (folder / "tiny.toml").write_text(TINY)
    outcome = generate(folder / "tiny.toml", "--workers", 2)
    assert outcome.code == 0, outcome.stderr
    return folder / "tiny"


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
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """A finished training whose reader knows 16 lines of digits by heart. Not to be changed."""
    return train_by_heart(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that holds no more than two small shards in memory at once."""
    monkeypatch.setattr("ocrlib.batches.loader.WINDOW_BYTES", 120_000)
