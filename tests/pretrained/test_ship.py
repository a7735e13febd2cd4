"""A finished run becomes a shipped model: two files that read the same, and a card whose figures come from files."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.files import write_json
from ocrlib.network.export import export_model
from ocrlib.network.open import open_network
from ocrlib.pretrained.ship import ship
from ocrlib.pretrained.smaller import compress_keras, halve_weights
from ocrlib.reading.decoding.ngram import learn_ngram
from ocrlib.reading.recognizer import Recognizer
from tests.training_fixtures import TrainedRun, draw_line


def test_a_run_becomes_a_model_and_its_card(trained_run: TrainedRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained_run.run, tmp_path / "run"))
    write_json(run / "receipts.json", {"lines": 3, "exact_match": 0.5, "cer": 0.25, "confusions": [1, 2]})
    models = tmp_path / "models"
    models.mkdir()
    (models / "digits.onnx").write_text("an older one")
    card = ship(run, "digits", models)
    assert sorted(path.name for path in models.iterdir()) == ["digits.json", "digits.keras", "digits.onnx"]
    assert json.loads((models / "digits.json").read_text()) == card
    manifest = read_manifest(trained_run.dataset)
    (dataset,) = card["datasets"]
    assert (dataset["fingerprint"], dataset["recipe"]) == (manifest.fingerprint, manifest.recipe)
    assert card["figures"] == {"receipts": {"lines": 3, "exact_match": 0.5, "cer": 0.25}}
    assert card["bytes"]["onnx"] == (models / "digits.onnx").stat().st_size
    images = [draw_line(text)[:, :, None] for text in trained_run.texts]
    for ending in (".keras", ".onnx"):
        readings = Recognizer(open_network(str(models / f"digits{ending}"))).read_lines(images)
        assert [reading.text for reading in readings] == trained_run.texts


def test_in_whole_numbers_a_model_reads_the_same_and_its_file_is_smaller(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    float16 = ship(trained_run.run, "digits", models)["bytes"]["onnx"]
    assert ship(trained_run.run, "digits", models, int8=True)["bytes"]["onnx"] < 0.9 * float16
    expected, network = (open_network(str(models / f"digits{ending}")) for ending in (".keras", ".onnx"))
    images = [draw_line(text)[:, :, None] for text in trained_run.texts]
    assert [each.text for each in Recognizer(network).read_lines(images)] == trained_run.texts
    assert (network.margins, network.charset, network.patterns) == (
        expected.margins,
        expected.charset,
        expected.patterns,
    )
    graph = onnx.load(models / "digits.onnx").graph
    made_by = {name: node for node in graph.node for name in node.output}
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    weights = [node.input[1] for node in graph.node if node.op_type == "Conv"]
    whole = [name in made_by and made_by[name].op_type == "DequantizeLinear" for name in weights]
    assert whole == [False] * 3 + [True] * (len(weights) - 3)
    for name in weights[3:]:
        values, scales = (stored[part] for part in made_by[name].input[:2])
        assert values.dtype == np.int8 and np.abs(values).max() <= 64
        assert scales.shape == (len(values),)
    width = images[0].shape[1]
    batch = np.full((2, len(images[0]), width + 24, 1), 255, np.uint8)
    batch[:, :, :width] = images[0]
    together = network.run(batch, np.array([width, width], np.int32))
    alone = network.run(images[0][None], np.array([width], np.int32))
    np.testing.assert_allclose(together[0, : alone.shape[1]], alone[0], atol=1e-2)  # a last bit may round the other way


def test_the_card_tells_of_the_run_that_a_run_started_from(
    trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocrlib.pretrained.ship.export_model", lambda model, file_format, out: out.touch())  # seconds
    monkeypatch.setattr("ocrlib.pretrained.ship.halve_weights", lambda path: None)
    first, second = (Path(shutil.copytree(trained_run.run, tmp_path / name)) for name in ("first", "second"))
    config = json.loads((first / "config.json").read_text())
    write_json(first / "metrics.json", {"epochs": 5, "training_seconds": 3600.0})
    write_json(second / "metrics.json", {"epochs": 7, "training_seconds": 5400.0})
    (tmp_path / "models").mkdir()
    for init in (first, first / "best.keras"):
        write_json(second / "config.json", config | {"init": str(init)})
        card = ship(second, "digits", tmp_path / "models")
        assert [training["run"] for training in card["trainings"]] == [str(first), str(second)]
        assert [training["init"] for training in card["trainings"]] == [None, str(init)]
        assert [training["epochs"] for training in card["trainings"]] == [5, 7]
        assert card["training_hours"] == 2.5
    shutil.rmtree(first)
    with pytest.raises(UserError, match=r"config\.json: is not there"):
        ship(second, "digits", tmp_path / "models")


def test_the_language_model_of_a_run_is_shipped_and_an_older_one_is_removed_with_it(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    run, models = Path(shutil.copytree(trained_run.run, tmp_path / "run")), tmp_path / "models"
    models.mkdir()
    learn_ngram(trained_run.texts, Charset("0123456789"))[0].save(run / "best.ngram")
    shipped = models / "digits.ngram"
    shipped.write_text("an older one")
    card = ship(run, "digits", models)
    assert shipped.read_bytes() == (run / "best.ngram").read_bytes()
    assert set(card["bytes"]) == {"keras", "onnx", "ngram"}
    assert card["bytes"]["ngram"] == shipped.stat().st_size
    (run / "best.ngram").unlink()
    card = ship(run, "digits", models)
    assert set(card["bytes"]) == {"keras", "onnx"}
    assert sorted(path.name for path in models.iterdir()) == ["digits.json", "digits.keras", "digits.onnx"]


def test_a_run_that_has_not_ended_is_not_shipped(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json: is not there; ship a run that has ended"):
        ship(tmp_path, "digits", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_half_the_bytes_read_the_same(trained_run: TrainedRun, tmp_path: Path) -> None:
    keras_file, onnx_file = tmp_path / "digits.keras", tmp_path / "digits.onnx"
    shutil.copyfile(trained_run.run / "best.keras", keras_file)
    export_model(str(keras_file), "onnx", onnx_file)
    before = [path.stat().st_size for path in (keras_file, onnx_file)]
    images = [draw_line(text)[:, :, None] for text in trained_run.texts]
    expected = [Recognizer(open_network(str(path))).read_lines(images) for path in (keras_file, onnx_file)]
    compress_keras(keras_file)
    halve_weights(onnx_file)
    after = [path.stat().st_size for path in (keras_file, onnx_file)]
    assert after[0] < 0.7 * before[0] and after[1] < 0.7 * before[1]
    for path, before_that in zip((keras_file, onnx_file), expected, strict=True):
        readings = Recognizer(open_network(str(path))).read_lines(images)
        assert [reading.text for reading in readings] == trained_run.texts
        for reading, was in zip(readings, before_that, strict=True):
            assert reading.confidence == pytest.approx(was.confidence, abs=0.01)
