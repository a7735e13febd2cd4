"""A training on a dataset in an object store: it reads a mirror, and remembers the address."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsspec
import pytest

import ocrlib
from ocrlib.dataset.manifest import read_manifest
from ocrlib.files import write_json
from ocrlib.training import trainer
from ocrlib.training.record import dataset_entry
from tests.dataset.stores import put


def test_a_training_reads_a_mirror_and_goes_on_from_the_address(
    tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address, run, cache = "memory://trained/tiny", tmp_path / "run", tmp_path / "cache"
    put(tiny_dataset, address)
    trained: list[Sequence[Path]] = []

    def train(datasets: Sequence[Path], *arguments: Any, **settings: Any) -> dict[str, Any]:
        trained.append(datasets)
        return {}

    monkeypatch.setattr(trainer, "train", train)
    ocrlib.train(address, run, init="none", cache=cache, settings={"data.format": "tfrecord"})
    ((folder,),) = trained
    assert {path.suffix for path in folder.iterdir()} == {".json", ".tfrecord"}
    entry = dataset_entry(folder, read_manifest(folder), None)
    assert entry["folder"] == address
    run.mkdir()
    write_json(run / "config.json", {"datasets": [entry], "config": {"data": {"format": "tfrecord"}}})
    ocrlib.train([], run, resume=True, cache=cache)
    assert trained[1] == trained[0]
    fsspec.filesystem("memory").rm("/trained", recursive=True)
