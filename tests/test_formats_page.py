"""The readers of docs/formats.md, taken from the page, read what ocrlib writes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.shards import read_samples
from ocrlib.network.export import export_model
from ocrlib.network.open import PRETRAINED
from ocrlib.pictures.opening import cut_line_image, read_picture
from ocrlib.reading.recognizer import Recognizer
from tests.programs import ROOT
from tests.training_fixtures import TrainedRun, draw_line


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The names that the page's blocks of Python define."""
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "formats.md").read_text(), re.DOTALL):
        exec(code, names)
    return names


def test_both_shards_of_a_dataset_are_read_by_the_page(page: dict[str, Any], tiny_dataset: Path) -> None:
    manifest = read_manifest(tiny_dataset)
    entry = manifest.splits["train"].shards[0]
    samples = list(read_samples(tiny_dataset, entry, "tfrecord", manifest.image))
    records = list(page["read_tfrecord"](tiny_dataset / f"{entry.stem}.tfrecord"))
    columns = list(page["read_hdf5"](tiny_dataset / f"{entry.stem}.h5", 32))
    assert len(samples) == len(records) == len(columns) == 25
    for sample, record, (name, text, image) in zip(samples, records, columns, strict=True):
        assert (name, text) == (sample.id, sample.text)
        assert np.array_equal(image[:, :, 0], sample.image)
        assert record["id"] == [sample.id.encode()]
        assert record["text"] == [sample.text.encode()]
        assert record["width"] == [sample.image.shape[1]]
        assert record["image"] == [sample.image.tobytes()]
        for key, value in sample.provenance.items():
            (stored,) = record[key]
            expected = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            assert (stored.decode() if isinstance(stored, bytes) else stored) == expected


def test_the_shipped_onnx_file_is_read_by_the_page(page: dict[str, Any]) -> None:
    read = page["open_onnx"](PRETRAINED / "numeric.onnx")
    margins = Recognizer.load("numeric").margins
    for path in sorted((ROOT / "examples").glob("*.png")):
        line = cut_line_image(read_picture(path, path.name), 32, 1, margins)[:, :, 0]
        assert read(line) == path.with_suffix(".gt.txt").read_text().strip()


@pytest.fixture(scope="module")
def for_phones(trained_run: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The reader that knows its lines by heart as a LiteRT file, and what was said about it."""
    path = tmp_path_factory.mktemp("litert") / "digits.tflite"
    return path, export_model(str(trained_run.run), "litert", path, width_px=200)


def test_a_litert_file_is_read_by_the_page_and_reads_as_keras_does(
    page: dict[str, Any], for_phones: tuple[Path, str], trained_run: TrainedRun
) -> None:
    path, said = for_phones
    assert "within" in said
    assert said.endswith("digits.json beside it; go on with `the reader in docs/formats.md`")
    read = page["open_litert"](path)
    lines = [draw_line(text) for text in trained_run.texts]
    ours = Recognizer.load(str(trained_run.run)).read_lines([line[:, :, None] for line in lines])
    assert [read(line) for line in lines] == [reading.text for reading in ours] == trained_run.texts
    with pytest.raises(Exception, match=r"digits\.tflite: is there already"):
        export_model(str(trained_run.run), "litert", path)


def test_weights_of_8_bits_are_smaller_and_read_the_same(
    for_phones: tuple[Path, str], trained_run: TrainedRun, tmp_path: Path
) -> None:
    said = export_model(str(trained_run.run), "litert", tmp_path / "small.tflite", width_px=200, int8=True)
    assert "drawn lines read the same" in said
    assert (tmp_path / "small.tflite").stat().st_size < 0.5 * for_phones[0].stat().st_size


def test_other_answers_are_not_written(
    trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocrlib.network.export._MAX_DIFFERENCE", 1e-12)
    with pytest.raises(FloatingPointError, match="not written"):
        export_model(str(trained_run.run), "litert", tmp_path / "digits.tflite", width_px=64)
    assert not list(tmp_path.iterdir())
