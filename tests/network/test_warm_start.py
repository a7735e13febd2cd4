"""A training that starts from a network: what carries over, what starts fresh, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from ocrlib import config
from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.network import crnn
from ocrlib.network.crnn import width_stride
from ocrlib.network.open import load_keras
from ocrlib.network.warm_start import Frozen, freeze, start_from
from ocrlib.training.settings import RunConfig
from ocrlib.training.trainer import train
from tests.network.test_crnn import build, noise, pad, probabilities
from tests.training_fixtures import TrainedRun, write_dataset


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for the characters "abc1", with large random weights."""
    path = tmp_path_factory.mktemp("initial") / "abc1.keras"
    build(num_classes=5, charset="abc1").save(path)
    return path


@pytest.mark.parametrize("encoder", crnn.ENCODERS)
def test_the_same_charset_gives_the_same_network(encoder: str, tmp_path: Path) -> None:
    source = build(num_classes=4, charset="abc", encoder=encoder, filters=0.5, stride=4)
    source.save(tmp_path / "net.keras")
    start = start_from(str(tmp_path / "net.keras"), Charset("abc"), 32, 1)
    batch = pad([noise(64), noise(97)], 104)
    np.testing.assert_allclose(probabilities(start.network, batch), probabilities(source, batch), atol=1e-6)
    assert str(start) == "stride 4, 3 characters carry over"


def test_shared_characters_carry_over_and_the_others_start_fresh(saved: Path) -> None:
    start = start_from(str(saved), Charset("1xa"), 32, 1)
    assert str(start) == "stride 4, 2 characters carry over, 1 start fresh (x), 2 are dropped (bc)"
    old, new = build(num_classes=5, charset="abc1").get_layer("characters"), start.network.get_layer("characters")
    assert (new.charset, new.num_classes) == ("1xa", 4)
    for before, after in zip(old.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_array_equal(after[..., [0, 2, 3]], before[..., [3, 0, 4]])  # 1, a and the blank
        assert not np.isin(after[..., 1], before).any() or not after[..., 1].any()
    batch = pad([noise(64)], 64)
    assert probabilities(start.network, batch).shape == (1, 16, 4)


def test_the_characters_of_the_start_can_be_kept(saved: Path) -> None:
    start = start_from(str(saved), Charset("1xa"), 32, 1, keep=True)
    assert start.charset.characters == "abc1x"
    assert str(start) == "stride 4, 4 characters carry over, 1 start fresh (x)"
    old = build(num_classes=5, charset="abc1").get_layer("characters").get_weights()
    for before, after in zip(old, start.network.get_layer("characters").get_weights(), strict=True):
        np.testing.assert_array_equal(after[..., [0, 1, 2, 3, 5]], before)


@pytest.mark.parametrize(
    ("what", "still"),
    [
        ("nothing", set()),
        ("norms", {"block1 averages", "line averages"}),
        ("columns", {"conv1", "block1", "block1 averages", "line averages"}),
    ],
)
def test_what_is_frozen_stays_as_it_is_in_a_training_step(what: Frozen, still: set[str]) -> None:
    network = build(num_classes=4, charset="abc", filters=0.5, stride=4)
    freeze(network, "columns")
    freeze(network, what)
    block, line = network.get_layer("block1_norm"), network.get_layer("line_block_norm")
    watched = {
        "conv1": network.get_layer("conv1").kernel,
        "block1": block.beta,
        "block1 averages": block.moving_mean,
        "line": line.beta,
        "line averages": line.moving_variance,
        "characters": network.get_layer("characters").dense.kernel,
    }
    before = {name: variable.numpy() for name, variable in watched.items()}
    batch = pad([noise(64), noise(97)], 104)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(batch, training=True)[..., 0])
    keras.optimizers.SGD(0.1).apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
    changed = {name for name, variable in watched.items() if (variable.numpy() != before[name]).any()}
    assert changed == set(watched) - still


def test_a_start_from_a_frozen_network_can_learn(tmp_path: Path) -> None:
    network = build(num_classes=4, charset="abc", filters=0.5, stride=4)
    freeze(network, "columns")
    network.save(tmp_path / "net.keras")
    assert all(
        layer.trainable for layer in start_from(str(tmp_path / "net.keras"), Charset("abc"), 32, 1).network.layers
    )


@pytest.mark.parametrize("stride", [2, 4])
def test_a_training_goes_on_at_the_stride_of_its_start(stride: int, tmp_path: Path) -> None:
    build(num_classes=11, charset="0123456789", filters=0.5, stride=stride).save(tmp_path / "net.keras")
    dataset = write_dataset(tmp_path / "d", {split: ["12", "345"] for split in ("train", "val", "test")})
    train([dataset], tmp_path / "run", settings(), init=str(tmp_path / "net.keras"))
    assert width_stride(load_keras(tmp_path / "run" / "best.keras")[0]) == stride


def test_a_network_for_other_images_is_refused(saved: Path) -> None:
    for height, channels in ((48, 1), (32, 3)):
        with pytest.raises(UserError, match=rf"the dataset has {height} and {channels}; start from another model"):
            start_from(str(saved), Charset("abc1"), height, channels)


def settings(**more: dict[str, object]) -> RunConfig:
    return config.build(RunConfig, {"train": {"epochs": 1, "learning_rate": 1e-6}, **more}, {}, "the test")


def test_a_training_goes_on_from_another_run(
    trained_run: TrainedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_dataset(tmp_path / "d", dict.fromkeys(("train", "val", "test"), trained_run.texts))
    metrics = train([dataset], tmp_path / "run", settings(), init=str(trained_run.run))
    assert (
        metrics["datasets"][str(dataset)]["exact_match"] == 1.0
    )  # with a learning rate near zero, nothing is forgotten
    assert f"starts from {trained_run.run}: stride 2, 10 characters carry over\n" in capsys.readouterr().out
    with pytest.raises(UserError, match="was begun with other init"):
        train([dataset], tmp_path / "run", settings(), resume=True)
    again = train([dataset], tmp_path / "run", settings(), resume=True, init=str(trained_run.run))
    assert again["datasets"] == metrics["datasets"]


def test_a_start_brings_its_own_network(trained_run: TrainedRun, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="brings its own network; leave out --model"):
        train([trained_run.dataset], tmp_path / "r", settings(model={"use_lstm": True}), init="numeric")
    with pytest.raises(UserError, match="no such run folder"):
        train([trained_run.dataset], tmp_path / "r", settings(), init="absent")
    assert not (tmp_path / "r").exists()
