"""An exported network gives the probabilities of the original, for all widths and batches."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.errors import UserError
from ocrlib.invocation import command
from ocrlib.network import crnn, export, layers
from ocrlib.network.export import export_model
from ocrlib.reading.decoding.ngram import learn_ngram
from tests.network.test_crnn import build, noise, pad, probabilities
from tests.programs import run_program

CHARSET = "012345€éß "
BATCHES = [
    [5],
    [64],
    [1, 2, 3],
    [5, 8, 31, 33, 64, 97],
    [97] * 3,
]  # single lines and batches; multiples of the stride and others
LSTM = pytest.param({"encoder": "lstm"}, id="lstm")
SHAPES = [
    pytest.param({}, id="convolutions"),
    LSTM,
    pytest.param({"encoder": "dilated", "filters": 0.5}, id="dilated"),
    pytest.param({"height": 21, "channels": 3}, id="height 21, colour"),
    pytest.param({"stride": 2}, id="stride 2"),
    pytest.param({"stride": 2, "encoder": "wide"}, id="stride 2, wide"),
    pytest.param({"stride": 2, "encoder": "lstm"}, id="stride 2, LSTM"),
]


def save(folder: Path, **settings: object) -> tuple[keras.Model, Path]:
    """A network in which a mistake in a mask changes the output, and its file."""
    network = build(charset=CHARSET, **settings)
    network.save(folder / "net.keras")
    return network, folder / "net.keras"


@pytest.fixture(scope="module", params=SHAPES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    """A network and its ONNX file."""
    folder = tmp_path_factory.mktemp("exported")
    network, path = save(folder, **request.param)
    export_model(str(path), "onnx", folder / "net.onnx")
    return network, folder / "net.onnx"


def batches(network: keras.Model) -> list[dict[str, np.ndarray]]:
    """Batches with different widths of padding; not all are a multiple of the stride."""
    _, height, _, channels = network.inputs[0].shape
    return [
        pad([noise(width, height, channels) for width in widths], max(widths) + more)
        for widths in BATCHES
        for more in (0, 1, 7, 40)
    ]


def largest_difference(network: keras.Model, answer: object) -> float:
    """The largest difference of a probability, over all time steps that belong to a line."""
    worst = 0.0
    for batch in batches(network):
        expected, given = probabilities(network, batch), answer(batch)  # type: ignore[operator]
        assert given.shape == expected.shape
        for row, width in enumerate(batch["width"]):
            steps = time_steps(int(width), crnn.width_stride(network))
            worst = max(worst, float(np.abs(expected[row, :steps] - given[row, :steps]).max()))
    return worst


# ONNX


def test_onnx_answers_as_keras_does(exported: tuple[keras.Model, Path]) -> None:
    network, path = exported
    session = ort.InferenceSession(path)
    assert largest_difference(network, lambda batch: session.run(["probs"], batch)[0]) < 1e-5


def test_onnx_tells_what_it_wants_and_gives(exported: tuple[keras.Model, Path]) -> None:
    network, path = exported
    _, height, _, channels = network.inputs[0].shape
    session = ort.InferenceSession(path)
    about = session.get_modelmeta().custom_metadata_map
    assert {key: about[key] for key in about if key not in ("preprocessing", "ocrlib_version")} == {
        "format": "ocrlib-onnx/1",
        "charset": CHARSET,
        "height": str(height),
        "channels": str(channels),
        "width_stride": str(crnn.width_stride(network)),
        "margins": "0.14 0.14 0.14 0.14",
        "patterns": "[]",
    }
    for word in ("uint8", "Lanczos", "right with 255", "blank"):
        assert word in about["preprocessing"]
    inputs = {tensor.name: (tensor.shape, tensor.type) for tensor in session.get_inputs()}
    assert inputs == {
        "image": (["batch", height, "pixels", channels], "tensor(uint8)"),
        "width": (["batch"], "tensor(int32)"),
    }
    (output,) = session.get_outputs()
    assert (output.name, output.shape, output.type) == ("probs", ["batch", "steps", 11], "tensor(float)")


def test_each_convolution_is_one_operation_with_its_normalisation_in_its_weights(
    exported: tuple[keras.Model, Path],
) -> None:
    network, path = exported
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    convolutions = [each for each in network.layers if isinstance(each, (keras.layers.Conv1D, keras.layers.Conv2D))]
    assert (kinds.count("Conv"), kinds.count("BatchNormalization")) == (len(convolutions), 0)


def test_a_network_of_an_early_version_is_exported_as_it_is(tmp_path: Path) -> None:
    image = keras.Input((32, None, 1), name="image", dtype="uint8")
    width = keras.Input((), name="width", dtype="int32")
    x = keras.layers.Conv2D(8, (8, 4), strides=(8, 4))(layers.Ink(4)(image, width))
    x = layers.MaskColumns(4)(layers.Columns(name="columns")(x), width)
    x = keras.layers.BatchNormalization()(keras.layers.Conv1D(8, 3, padding="same", dilation_rate=2)(x))
    probs = layers.CharacterProbabilities(len(CHARSET) + 1, CHARSET, 4, name="characters")(x)
    network = keras.Model({"image": image, "width": width}, probs)
    network.save(tmp_path / "net.keras")
    export_model(str(tmp_path / "net.keras"), "onnx", tmp_path / "net.onnx")
    session = ort.InferenceSession(tmp_path / "net.onnx")
    assert largest_difference(network, lambda batch: session.run(["probs"], batch)[0]) < 1e-5


def test_a_network_whose_columns_are_joined_in_two_steps_is_exported(tmp_path: Path) -> None:
    export_model("wikipedia", "onnx", tmp_path / "net.onnx")  # compares the answers
    kinds = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert (kinds.count("Conv"), kinds.count("BatchNormalization")) == (15, 0)


@pytest.mark.parametrize("exported", [LSTM], indirect=True)
def test_an_lstm_is_written_as_lstms_not_as_loops(exported: tuple[keras.Model, Path]) -> None:
    kinds = [node.op_type for node in onnx.load(exported[1]).graph.node]
    assert (kinds.count("LSTM"), kinds.count("Loop")) == (2, 0)


def test_the_lstm_without_a_mask_equals_one_with_a_mask() -> None:
    width = np.array([5, 8, 31, 64], np.int32)
    features = np.random.RandomState(0).normal(size=(4, 16, 6)).astype(np.float32)
    layer = layers.MaskedBidirectionalLSTM(7, stride=4)
    given = layer(features, width).numpy()
    masked = keras.layers.Bidirectional(keras.layers.LSTM(7, return_sequences=True))
    steps = time_steps(width, layer.stride)
    mask = np.arange(16) < steps[:, None]
    masked(features, mask=mask)
    masked.set_weights(layer.lstm.get_weights())
    np.testing.assert_allclose(given[mask], masked(features, mask=mask).numpy()[mask], atol=1e-6)


def test_an_export_with_other_answers_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tf2onnx 1.17 changes the answers in two ways; the test brings each of them back."""
    _, path = save(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(export, "_round_divisions_down", lambda model: None)
        with pytest.raises(FloatingPointError, match=r"net\.onnx: not written: "):
            export_model(str(path), "onnx", tmp_path / "net.onnx")

    def with_reverse_sequence(self: layers.MaskedBidirectionalLSTM, features: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
        steps = time_steps(width, self.stride)
        backward = self.lstm.backward_layer(tf.reverse_sequence(features, steps, seq_axis=1))
        backward = tf.reverse_sequence(backward, steps, seq_axis=1)
        return tf.concat([self.lstm.forward_layer(features), backward], axis=-1)

    _, path = save(tmp_path, encoder="lstm")
    monkeypatch.setattr(layers.MaskedBidirectionalLSTM, "call", with_reverse_sequence)
    with pytest.raises(FloatingPointError, match=r"net\.onnx: not written: its probabilities differ"):
        export_model(str(path), "onnx", tmp_path / "net.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["net.keras"]


def test_the_language_model_beside_a_network_is_copied_beside_the_onnx_file(tmp_path: Path) -> None:
    _, path = save(tmp_path)
    learn_ngram(["01 23"], Charset(CHARSET))[0].save(tmp_path / "net.ngram")
    told = export_model(str(path), "onnx", tmp_path / "other.onnx")
    assert (tmp_path / "other.ngram").read_bytes() == (tmp_path / "net.ngram").read_bytes()
    assert ", and other.ngram with its language model; go on with `" in told


# SavedModel


@pytest.mark.parametrize("encoder", ["conv", "lstm"])
def test_a_saved_model_answers_as_keras_does_and_has_its_charset_beside_it(encoder: str, tmp_path: Path) -> None:
    network, path = save(tmp_path, encoder=encoder)
    export_model(str(path), "saved_model", tmp_path / "saved")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))

    def answer(batch: dict[str, np.ndarray]) -> np.ndarray:
        return loaded.serve({name: tf.constant(value) for name, value in batch.items()}).numpy()

    assert largest_difference(network, answer) < 1e-5
    about = json.loads((tmp_path / "saved" / "assets.extra" / "ocrlib.json").read_text(encoding="utf-8"))
    assert (about["charset"], about["height"], about["channels"], about["width_stride"]) == (CHARSET, 32, 1, 4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.keras", "saved"]


def test_a_saved_model_with_other_answers_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = save(tmp_path)
    monkeypatch.setattr(export, "_MAX_DIFFERENCE", -1.0)
    with pytest.raises(FloatingPointError, match=r"saved: not written: its probabilities differ"):
        export_model(str(path), "saved_model", tmp_path / "saved")
    assert [file.name for file in tmp_path.iterdir()] == ["net.keras"]


# As a user sees it


def test_the_command_prints_one_line_and_leaves_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, so that whatever the converters have to say would be seen."""
    _, path = save(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    outcome = run_program("-m", "ocrlib", "export", "--model", path, "--out", tmp_path / "net.onnx")
    assert (outcome.code, outcome.stderr) == (0, "")
    size = (tmp_path / "net.onnx").stat().st_size
    assert 250_000 < size < 350_000
    assert outcome.stdout.startswith(f"{tmp_path / 'net.onnx'}: {size / 1e6:.1f} MB, its probabilities within ")
    assert outcome.stdout.endswith(f"go on with `{command('predict', '--model', tmp_path / 'net.onnx', 'PATH')}`\n")
    assert outcome.stdout.count("\n") == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.keras", "net.onnx", "temporary"]
    assert {path.name for path in temporary.iterdir()} <= {".ses"}  # a file that onnxruntime keeps for itself


@pytest.mark.parametrize(
    ("out", "file_format", "message"),
    [
        ("net.keras", "onnx", "expected a name that ends in .onnx"),
        ("net", "onnx", "expected a name that ends in .onnx"),
        ("net.onnx", "saved_model", "a SavedModel is a folder; expected a name without .onnx"),
        ("there.onnx", "onnx", "is there already; choose another --out"),
        ("there", "saved_model", "is there already; choose another --out"),
        ("absent/net.onnx", "onnx", "cannot be written: expected a folder that is there"),
        ("absent/net", "saved_model", "cannot be written: expected a folder that is there"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_first(
    out: str, file_format: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there.onnx").touch()
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(export, "load_keras", lambda path: pytest.fail("the work was begun"))
    with pytest.raises(UserError) as raised:
        export_model(str(tmp_path / "net.keras"), file_format, tmp_path / out)
    assert str(raised.value).startswith(f"{tmp_path / out}: {message}")


def test_a_language_model_that_is_there_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new.ngram").write_text("mine")
    monkeypatch.setattr(export, "load_keras", lambda path: pytest.fail("the work was begun"))
    with pytest.raises(UserError) as raised:
        export_model(str(tmp_path / "net.keras"), "onnx", tmp_path / "new.onnx")
    assert str(raised.value).startswith(f"{tmp_path / 'new.ngram'}: is there already; choose another --out")
    assert (tmp_path / "new.ngram").read_text() == "mine"


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").touch()
    for model, message in {
        str(
            tmp_path / "net.onnx"
        ): "is an ONNX file, which cannot be trained or exported; name the .keras it was made of",
        str(tmp_path / "absent.keras"): "no such run folder, .keras or .onnx file",
    }.items():
        with pytest.raises(UserError) as raised:
            export_model(model, "onnx", tmp_path / "new.onnx")
        assert str(raised.value).startswith(f"{model}: {message}")
