"""The network: the padding and the other lines of a batch must not change what is read in a line."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.network import crnn, layers
from ocrlib.network.crnn import STRIDES, build_crnn, width_stride
from ocrlib.training.ctc_model import CTCModel

NUM_CLASSES = 11
WIDTHS = [5, 8, 31, 33, 64, 97]  # odd and even; multiples of the stride and others


def build(seed: int = 0, **settings: object) -> keras.Model:
    """A network with large random weights and statistics, so that a mistake in a mask changes the output."""
    network = build_crnn(**{"height": 32, "num_classes": NUM_CLASSES, "stride": 4, **settings})  # type: ignore[arg-type]
    rng = np.random.RandomState(seed)
    for variable in network.trainable_variables + network.non_trainable_variables:
        name = variable.path.rsplit("/", 1)[-1]
        value = rng.normal(0, 0.3, variable.shape)
        if name == "gamma":
            value = rng.uniform(0.5, 1.5, variable.shape)
        elif name == "moving_variance":
            value = rng.uniform(0.2, 2.0, variable.shape)
        elif name == "kernel":  # keeps the outputs in range through all layers
            value = rng.normal(0, 1.5 / np.sqrt(np.prod(variable.shape[:-1])), variable.shape)
        if variable.dtype == "float32":
            variable.assign(value.astype(np.float32))
    # Residual sums grow with depth. They are scaled so that no class is near probability 1, which would hide a difference.
    characters = network.get_layer("characters")
    _, height, _, channels = network.inputs[0].shape
    batch = pad([noise(64, height, channels)], 64)
    features = keras.Model(network.inputs, characters.input)({k: tf.constant(v) for k, v in batch.items()})
    characters.dense.kernel.assign(characters.dense.kernel / float(tf.math.reduce_std(features)))
    return network


def noise(width: int, height: int = 32, channels: int = 1) -> np.ndarray:
    """(height, width, channels) uint8."""
    return np.random.RandomState(width).randint(0, 256, (height, width, channels)).astype(np.uint8)


def pad(images: list[np.ndarray], width: int, fill: int = 255) -> dict[str, np.ndarray]:
    """A batch as the loader makes it."""
    batch = np.full((len(images), images[0].shape[0], width, images[0].shape[2]), fill, np.uint8)
    for row, image in zip(batch, images, strict=True):
        row[:, : image.shape[1]] = image
    return {"image": batch, "width": np.array([image.shape[1] for image in images], np.int32)}


@cache
def graph(network: keras.Model) -> Callable[[dict[str, tf.Tensor]], tf.Tensor]:
    """The network as one graph for all shapes, as the reader runs it; without a graph an LSTM takes seconds."""
    image = tf.TensorSpec((None, *network.inputs[0].shape[1:]), tf.uint8)
    signature = {"image": image, "width": tf.TensorSpec((None,), tf.int32)}
    return tf.function(lambda inputs: network(inputs, training=False), input_signature=[signature])


def probabilities(network: keras.Model, batch: dict[str, np.ndarray]) -> np.ndarray:
    """(B, T, C) float32, dropout off."""
    return graph(network)({name: tf.constant(value) for name, value in batch.items()}).numpy()


def largest_difference(network: keras.Model, batch_width: int, fill: int = 255) -> float:
    """The largest difference between the output of a line in a batch and of the same line alone."""
    images = [noise(width) for width in WIDTHS]
    together = probabilities(network, pad(images, batch_width, fill))
    differences = []
    for row, image in enumerate(images):
        alone = probabilities(network, pad([image], image.shape[1]))[0]
        assert len(alone) == time_steps(image.shape[1], width_stride(network))
        differences.append(np.abs(alone - together[row, : len(alone)]).max())
    return float(max(differences))


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_a_line_reads_the_same_alone_and_in_a_batch(encoder: str, stride: int) -> None:
    network = build(encoder=encoder, stride=stride)
    for batch_width, fill in ((97, 255), (104, 255), (131, 255), (104, 0)):  # with white and with black padding
        assert largest_difference(network, batch_width, fill) < 1e-5  # without a mask it is above 1e-3


@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_the_network_tells_the_lines_of_that_batch_apart(encoder: str) -> None:
    """Otherwise a network with one answer for everything would pass the test above."""
    probs = probabilities(build(encoder=encoder), pad([noise(64), noise(97)], 104))
    assert np.abs(probs[0, :16] - probs[1, :16]).max() > 0.05
    assert probs.std(axis=1).max() > 0.01


@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_without_its_masks_the_network_sees_the_padding(encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers.MaskColumns, "call", lambda self, features, width: features)
    assert largest_difference(build(encoder=encoder), 104) > 1e-3


def test_without_its_mask_the_lstm_sees_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers.MaskedBidirectionalLSTM, "call", lambda self, features, width: self.lstm(features))
    assert largest_difference(build(encoder="lstm"), 104) > 1e-3


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_the_loss_of_a_line_is_the_same_alone_and_in_a_batch(encoder: str, stride: int) -> None:
    model = CTCModel(build(encoder=encoder, stride=stride), Charset("0123456789"))
    images = [noise(width) for width in WIDTHS]
    labels = [[3], [1, 2], [4, 4], [9, 8, 7, 6], [0, 0, 0], [1, 2, 3, 4, 5, 6]]

    def losses(rows: list[int], batch_width: int, label_width: int) -> np.ndarray:
        label = np.full((len(rows), label_width), -1, np.int32)
        for line, row in zip(label, rows, strict=True):
            line[: len(labels[row])] = labels[row]
        batch = {
            **pad([images[row] for row in rows], batch_width),
            "label": label,
            "label_length": np.array([len(labels[row]) for row in rows], np.int32),
            "id": np.array([str(row) for row in rows], object),
        }
        return model._ctc_losses({name: tf.constant(value) for name, value in batch.items()}, training=False)[0].numpy()

    together = losses(list(range(len(images))), 104, 9)
    alone = [losses([row], images[row].shape[1], len(labels[row]))[0] for row in range(len(images))]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5)
    assert len(set(np.round(together, 3))) == len(images)


@pytest.mark.parametrize("stride", STRIDES)
def test_time_steps_is_the_length_of_the_output(stride: int) -> None:
    network = build(stride=stride)
    for width in [*range(1, 20), 63, 64, 65, 255, 801]:
        assert probabilities(network, pad([noise(width)], width)).shape == (1, time_steps(width, stride), NUM_CLASSES)


@pytest.mark.parametrize("height", [8, 9, 16, 31, 32, 48, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_height_and_both_numbers_of_channels(height: int, channels: int) -> None:
    network = build(height=height, channels=channels)
    probs = probabilities(network, pad([noise(40, height, channels), noise(21, height, channels)], 40))
    assert probs.shape == (2, 10, NUM_CLASSES)
    np.testing.assert_allclose(probs.sum(axis=2), 1.0, atol=1e-5)


@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_the_output_is_float32_under_mixed_precision(encoder: str) -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        network = build(encoder=encoder)
        assert network.get_layer("conv1").compute_dtype == "float16"
        probs = probabilities(network, pad([noise(40)], 40))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(axis=2), 1.0, atol=1e-5)  # float16 could not


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_a_saved_network_answers_the_same_and_knows_charset_and_stride(
    encoder: str, stride: int, tmp_path: Path
) -> None:
    charset = "012€éß’5 -"
    network = build(encoder=encoder, stride=stride, charset=charset)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    batch = pad([noise(width) for width in WIDTHS], 104)
    assert np.array_equal(probabilities(network, batch), probabilities(loaded, batch))
    assert loaded.get_layer("characters").charset == charset
    assert width_stride(loaded) == stride


def test_an_old_file_without_a_stride_has_stride_4() -> None:
    network = build()
    settings = network.get_config()
    for layer in settings["layers"]:
        if layer["class_name"] in ("Ink", "CharacterProbabilities"):
            del layer["config"]["stride"]
    older = keras.Model.from_config(settings)
    older.set_weights(network.get_weights())
    assert width_stride(older) == 4
    batch = pad([noise(width) for width in WIDTHS], 97)
    assert np.array_equal(probabilities(older, batch), probabilities(network, batch))


def test_paper_is_zero_ink_and_black_is_one() -> None:
    image = np.array([[[[255], [0], [51], [0], [0]]]], np.uint8)  # (1, 1, 5, 1)
    ink = layers.Ink(4)(tf.constant(image), tf.constant([4]))
    assert np.asarray(ink)[0, 0, :, 0].tolist() == pytest.approx([0.0, 1.0, 0.8, 1.0, 0.0, 0.0, 0.0, 0.0])


def test_columns_right_of_the_true_width_become_zero() -> None:
    masked = layers.MaskColumns(4)(tf.ones((3, 2, 4, 1)), tf.constant([1, 8, 13]))
    assert np.asarray(masked)[:, 0, :, 0].tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]


def test_only_encoders_and_strides_that_there_are() -> None:
    with pytest.raises(ValueError, match="expected encoder among conv, wide, lstm, dilated, got 'gru'"):
        build_crnn(32, 11, encoder="gru", stride=4)
    for stride in (0, 1, 3, 8):
        with pytest.raises(ValueError, match=f"expected stride 2 or 4, got {stride}"):
            build_crnn(32, 11, stride=stride)


def test_columns_equal_a_transposition() -> None:
    features = np.random.RandomState(1).standard_normal((2, 3, 5, 4)).astype(np.float32)  # (B, h, W, f)
    expected = features.transpose(0, 2, 1, 3).reshape(2, 5, 12)
    np.testing.assert_array_equal(layers.Columns()(features), expected)
    assert layers.Columns().compute_output_shape((None, 3, None, 4)) == (None, None, 12)


def test_more_filters_make_a_larger_network() -> None:
    sizes = [build_crnn(32, 11, stride=4, filters=filters).count_params() for filters in (0.5, 1.0, 1.5)]
    assert 2.5 * sizes[0] < sizes[1] < sizes[2] / 2
