"""A training step in bfloat16: what is rounded, and what stays in float32."""

import numpy as np
import pytest

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.network.crnn import build_crnn
from ocrlib.training import precision as module
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.precision import choose_precision, computing_in, has_bfloat16, without_spoiled

DIGITS = Charset("0123456789")


@pytest.fixture
def network() -> keras.Model:
    return build_crnn(32, DIGITS.num_classes, stride=2, filters=2, charset=DIGITS.characters)


@pytest.fixture
def batch() -> dict[str, tf.Tensor]:
    random = np.random.RandomState(0)
    return {
        "image": tf.constant(random.randint(0, 256, (4, 32, 48, 1)).astype(np.uint8)),
        "width": tf.constant([48, 40, 32, 47]),
        "label": tf.constant(random.randint(0, 10, (4, 5)).astype(np.int32)),
        "label_length": tf.constant([5, 4, 3, 5]),
        "id": tf.constant(["a", "b", "c", "d"]),
    }


def loss_of(network: keras.Model, batch: dict[str, tf.Tensor], precision: module.Precision) -> float:
    model = CTCModel(network, DIGITS, precision)
    model.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    return float(tf.function(model.train_step, autograph=False)(batch)["loss"])


def test_the_loss_in_bfloat16_is_that_of_float32_but_for_rounding(network, batch):
    keras.utils.set_random_seed(1)
    network.get_layer("dropout").rate = network.get_layer("last_dropout").rate = 0.0
    exact, rounded = (loss_of(network, batch, precision) for precision in ("float32", "bfloat16"))
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.05)


def test_convolutions_compute_in_bfloat16_and_probabilities_in_float32(network, batch):
    seen = {}
    for name in ("conv2", "line", "characters"):
        layer = network.get_layer(name)
        kept = layer.call
        layer.call = lambda *args, _name=name, _kept=kept: seen.setdefault(_name, _kept(*args))
    with computing_in(network, "bfloat16"):
        probs = network({"image": batch["image"], "width": batch["width"]})
    assert {name: found.dtype.name for name, found in seen.items()} == {
        "conv2": "bfloat16",
        "line": "bfloat16",
        "characters": "float32",
    }
    assert probs.dtype == "float32"


def test_weights_and_what_is_saved_stay_in_float32(network, batch, tmp_path):
    loss_of(network, batch, "bfloat16")
    assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}
    network.save(tmp_path / "network.keras")
    opened = keras.saving.load_model(tmp_path / "network.keras")
    assert opened.get_layer("conv1").compute_dtype == "float32"


def test_a_network_keeps_its_precision_when_a_step_fails(network):
    with pytest.raises(RuntimeError), computing_in(network, "bfloat16"):
        raise RuntimeError
    assert network.get_layer("conv1").compute_dtype == "float32"


@pytest.mark.parametrize(
    ("setting", "steps", "hardware", "seconds", "expected"),
    [
        ("float32", 9999, True, {"float32": 2.0, "bfloat16": 1.0}, "float32"),
        ("bfloat16", 1, False, {}, "bfloat16"),
        ("auto", 9999, True, {"float32": 2.0, "bfloat16": 1.0}, "bfloat16"),
        ("auto", 9999, True, {"float32": 1.0, "bfloat16": 2.0}, "float32"),
        ("auto", 9999, False, {}, "float32"),
        ("auto", 10, True, {}, "float32"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it_and_is_faster(
    monkeypatch, network, setting, steps, hardware, seconds, expected
):
    monkeypatch.setattr(module, "has_bfloat16", lambda: hardware)
    monkeypatch.setattr(module, "_make_step", lambda network, precision: precision)
    monkeypatch.setattr(module, "_fastest", lambda precision: seconds[precision])
    assert choose_precision(setting, network, steps) == expected


def test_the_check_runs_both_steps_and_leaves_the_network_as_it_was(network):
    before = [variable.numpy().copy() for variable in network.variables]
    for precision in ("float32", "bfloat16"):
        assert module._fastest(module._make_step(network, precision)) > 0
    assert all(np.array_equal(a, b) for a, b in zip(before, network.variables, strict=True))


def test_the_processor_is_asked_by_its_flags(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("model name : X\nflags : fpu amx_bf16 amx_tile\n")
    assert has_bfloat16(file)
    file.write_text("model name : amx_bf16\nflags : fpu avx2\n")
    assert not has_bfloat16(file)
    assert not has_bfloat16(tmp_path / "missing")


def _gradients(network: keras.Model, batch: dict[str, tf.Tensor]) -> tuple[CTCModel, tf.Tensor, list[tf.Tensor]]:
    """A model in bfloat16, its loss over a batch, and the gradients of its weights."""
    model = CTCModel(network, DIGITS, "bfloat16")
    model.compile(optimizer=keras.optimizers.SGD(1e-3, global_clipnorm=1.0), jit_compile=False)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model._ctc_losses(batch, training=True)[0])
    return model, loss, tape.gradient(loss, model.trainable_variables)


def test_a_tile_of_nan_in_the_gradient_of_one_convolution_is_left_out_and_counted(network, batch):
    model, loss, gradients = _gradients(network, batch)
    names = [weight.path for weight in model.trainable_variables]
    spoiled = names.index("conv3/kernel")
    hole = np.zeros(gradients[spoiled].shape, bool)
    hole[0, 1, :32, :16] = True
    gradients[spoiled] = tf.where(hole, float("nan"), gradients[spoiled])
    gradients[names.index("conv4/kernel")] = gradients[names.index("line_block_norm/beta")] = None
    before = [weight.numpy() for weight in model.trainable_variables]
    figures = [model.learn_from(loss, gradients, tf.constant(4)) for _ in range(2)][-1]
    assert float(figures["spoiled_steps"]) == 2.0
    after = [weight.numpy() for weight in model.trainable_variables]
    assert all(np.isfinite(weights).all() for weights in after)
    assert np.array_equal(after[spoiled][hole], before[spoiled][hole])
    assert (after[spoiled][~hole] != before[spoiled][~hole]).mean() > 0.9
    assert (after[names.index("conv2/kernel")] != before[names.index("conv2/kernel")]).mean() > 0.9


def test_a_training_that_fails_keeps_its_nan(network, batch):
    model, loss, gradients = _gradients(network, batch)
    names = [weight.path for weight in model.trainable_variables]
    for name in ("conv3/kernel", "block3_norm/gamma"):
        gradients[names.index(name)] *= float("nan")
    figures = model.learn_from(loss, gradients, tf.constant(4))
    assert float(figures["spoiled_steps"]) == 0.0
    assert not any(np.isfinite(weight.numpy()).all() for weight in model.trainable_variables)  # by their common norm


def test_without_other_weights_nothing_is_taken_for_spoiled():
    kernel, nan = tf.Variable(tf.ones((3, 3, 1, 2))), tf.fill((3, 3, 1, 2), float("nan"))
    mended, spoiled = without_spoiled([nan, None], [kernel, tf.Variable([1.0])])
    assert not bool(spoiled)
    assert np.isnan(mended[0].numpy()).all()
    assert mended[1] is None
