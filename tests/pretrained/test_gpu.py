"""The way over a GPU: the same network in Keras, in a file of arrays, and in PyTorch where that is installed."""

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.dataset.manifest import read_manifest
from ocrlib.files import read_json
from ocrlib.network.open import open_network
from ocrlib.pictures.paper import MARGINS
from ocrlib.pretrained.gpu.arrays import from_recipe, read_arrays, write_arrays, write_run
from ocrlib.regex import recipe_patterns
from tests.programs import ROOT

WIDTHS = [96, 71, 40]


@pytest.fixture(scope="module", params=[("wide", 2), ("dilated", 4)], ids=["wide-2", "dilated-4"])
def arrays(request, tmp_path_factory):
    """A file of arrays whose weights are all random, the averages of batch normalisation too."""
    path = tmp_path_factory.mktemp("arrays") / "begun.npz"
    encoder, stride = request.param
    shape, weights = from_recipe(ROOT / "datasets" / "numeric.toml", encoder, stride, 1)
    chance = np.random.default_rng(1)
    for name, values in weights.items():
        if "moving_variance" in name:
            weights[name] = chance.uniform(0.5, 2.0, values.shape).astype(np.float32)
        elif "kernel" not in name:
            weights[name] = chance.normal("gamma" in name, 0.3, values.shape).astype(np.float32)
    write_arrays(path, shape, weights)
    return path


@pytest.fixture(scope="module")
def lines():
    """(3, 32, 96) gray levels."""
    return np.random.default_rng(2).integers(0, 256, (3, 32, 96)).astype(np.uint8)


@pytest.fixture(scope="module")
def answers(arrays, lines, tiny_dataset, tmp_path_factory):
    """What the network says of them after the way through a run folder, (3, T, C)."""
    run = tmp_path_factory.mktemp("run")
    write_run(*read_arrays(arrays), tiny_dataset, run)
    network = keras.models.load_model(run / "best.keras")
    return np.asarray(network({"image": lines[..., None], "width": np.array(WIDTHS, np.int32)}, training=False))


def test_a_file_of_arrays_keeps_every_weight(arrays, tiny_dataset, tmp_path):
    shape, weights = read_arrays(arrays)
    write_run(shape, weights, tiny_dataset, tmp_path)
    network = keras.models.load_model(tmp_path / "best.keras")
    assert [w.shape for w in network.weights] == [values.shape for values in weights.values()]
    for weight, values in zip(network.weights, weights.values(), strict=True):
        assert np.array_equal(weight.numpy(), values), weight.path
    assert network.get_layer("characters").charset == shape.charset


def test_pytorch_gives_the_probabilities_of_keras(arrays, lines, answers):
    torch = pytest.importorskip("torch")
    from ocrlib.pretrained.gpu.network import Crnn

    shape, weights = read_arrays(arrays)
    network = Crnn(shape, weights).eval()
    with torch.no_grad():
        scores = network(torch.from_numpy(lines).float(), torch.tensor(WIDTHS)).exp().permute(1, 0, 2).numpy()
    for row, width in enumerate(WIDTHS):
        steps = -(-width // shape.stride)
        np.testing.assert_allclose(scores[row, :steps], answers[row, :steps], atol=1e-4)
    back = network.weights()
    assert back.keys() == weights.keys()
    assert all(np.array_equal(back[name], weights[name]) for name in weights)


def test_a_run_folder_says_what_was_learned_from_and_how(arrays, tiny_dataset, tmp_path):
    shape, weights = read_arrays(arrays)
    shape.training = {"device": "one", "minutes": 9.5, "lines_drawn": 200, "lines_learned": 500}
    write_run(shape, weights, tiny_dataset, tmp_path)
    manifest = read_manifest(tiny_dataset)
    assert read_json(tmp_path / "config.json") == {
        "datasets": [{"folder": str(tiny_dataset), "fingerprint": manifest.fingerprint, "weight": None}],
        "gpu": {"device": "one", "lines_drawn": 200, "lines_learned": 500},
        "init": None,
    }
    assert read_json(tmp_path / "metrics.json") == {"epochs": 2.5, "training_seconds": 570.0}
    known = open_network(str(tmp_path))
    assert known.patterns == tuple(recipe_patterns([manifest.recipe])) and known.margins != MARGINS
