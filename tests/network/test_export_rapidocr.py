"""A model in RapidOCR's form, loaded by RapidOCR itself with nothing else set, reads what ours reads."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from ocrlib.network import export_rapidocr
from ocrlib.network.export import export_model
from ocrlib.network.export_rapidocr import prepared
from ocrlib.reading.recognizer import Recognizer
from tests.network.test_export import save
from tests.training_fixtures import TrainedRun, draw_line

rapidocr = pytest.importorskip("rapidocr")


@pytest.fixture(scope="module")
def exported(trained_run: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader that knows its lines by heart, in RapidOCR's form."""
    path = tmp_path_factory.mktemp("rapidocr") / "digits.onnx"
    export_model(str(trained_run.run), "rapidocr", path)
    return path


def test_rapidocr_reads_the_same_lines_with_nothing_but_the_path_set(exported: Path, trained_run: TrainedRun) -> None:
    engine = rapidocr.RapidOCR(params={"Rec.model_path": str(exported), "Global.log_level": "error"})
    # Drawn at 48 px, which RapidOCR does not scale; the graph scales them to the network's 32.
    lines = [np.stack([draw_line(text, 48)] * 3, axis=-1) for text in trained_run.texts]
    ours = Recognizer.load(str(trained_run.run)).read([draw_line(text) for text in trained_run.texts])
    read = [engine(line, use_det=False, use_cls=False).txts for line in lines]
    same = sum(texts is not None and texts[0] == reading.text for texts, reading in zip(read, ours, strict=True))
    assert same >= 12  # of 16: it knows its lines to the pixel, and these are others


def test_the_form_is_the_one_that_rapidocr_wants(exported: Path) -> None:
    model = onnx.load(exported)
    (only,), (answer,) = model.graph.input, model.graph.output
    sizes = [d.dim_value or d.dim_param for d in only.type.tensor_type.shape.dim]
    assert sizes == ["batch", 3, 48, "pixels"]
    assert [d.dim_value or d.dim_param for d in answer.type.tensor_type.shape.dim] == ["batch", "steps", 12]
    about = {each.key: each.value for each in model.metadata_props}
    assert about["character"].splitlines() == list("0123456789")


@pytest.mark.parametrize(
    ("settings", "num_classes"),
    [({"channels": 3}, 11), ({"stride": 2, "height": 48}, 11)],
    ids=["colour", "48 px, stride 2"],
)
def test_the_padding_ends_every_line_and_the_space_is_last(
    settings: dict[str, int], num_classes: int, tmp_path: Path
) -> None:
    import onnxruntime as ort

    network, path = save(tmp_path, **settings)  # its charset has a space
    export_model(str(path), "rapidocr", tmp_path / "net.onnx")
    session = ort.InferenceSession(tmp_path / "net.onnx")
    channels = settings.get("channels", 1)
    image = np.random.RandomState(0).randint(0, 256, (2, 48, 120, channels)).astype(np.uint8)
    (probs,) = session.run(None, {"x": prepared(image, np.array([60, 120]))})
    assert probs.shape == (2, -(-120 * network.inputs[0].shape[1] // 48 // settings.get("stride", 4)), num_classes)
    half = probs.shape[1] // 2
    assert np.array_equal(probs[0, half:], np.eye(num_classes, dtype=np.float32)[[0] * (probs.shape[1] - half)])
    assert np.allclose(probs.sum(axis=2), 1, atol=1e-5)
    (alone,) = session.run(None, {"x": prepared(image[:1, :, :60], np.array([60]))})
    if settings.get("height") == 48:  # nothing is scaled, which would look beyond the line's end
        assert np.allclose(alone[0], probs[0, : alone.shape[1]], atol=1e-5)


def test_a_graph_with_other_answers_is_not_written(
    trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_the_left(image: np.ndarray, width: np.ndarray) -> np.ndarray:
        return np.roll(prepared(image, width), -3, axis=3)

    monkeypatch.setattr(export_rapidocr, "prepared", to_the_left)
    with pytest.raises(FloatingPointError, match="not written"):
        export_model(str(trained_run.run), "rapidocr", tmp_path / "digits.onnx")
    assert not list(tmp_path.iterdir())
