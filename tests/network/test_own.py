"""A network of the user's own, the one of docs/own-network.md: trained, read with, exported; and what is refused."""

import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import ocrlib
from ocrlib.errors import UserError
from ocrlib.network.own import build_own
from tests.programs import ROOT, run_program
from tests.training_fixtures import draw_line, numbers, write_dataset

PAGE = (ROOT / "docs" / "own-network.md").read_text(encoding="utf-8")
TEXTS = numbers(16, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's example as attention.py."""
    made = tmp_path_factory.mktemp("own")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (made / "attention.py").write_text(code)
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A run folder whose network is the page's, trained for as long as it takes to see that it is."""
    dataset = write_dataset(folder / "digits", {"train": TEXTS, "val": TEXTS, "test": TEXTS})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = {"model.build": "attention:build", "train.epochs": 1, "data.batch_size": 8}
        assert ocrlib.train(dataset, folder / "run", settings=settings)["datasets"][str(dataset)]["lines"] == 16
    return folder / "run"


def test_the_attention_network_is_trained_read_with_measured_and_exported(run: Path, tmp_path: Path) -> None:
    from ocrlib.network.export import export_model

    reader = ocrlib.Reader(run)  # its module is imported: the training did that
    assert ocrlib.evaluate(reader, run.parent / "digits")["lines"] == 16
    assert "within" in export_model(str(run), "onnx", tmp_path / "attention.onnx")
    images = [draw_line(text) for text in TEXTS]
    exported = [reading.text for reading in ocrlib.Reader(tmp_path / "attention.onnx").read_many(images)]
    assert exported == [reading.text for reading in reader.read_many(images)]


def test_its_run_can_be_trained_further_with_its_own_charset_alone(run: Path, tmp_path: Path) -> None:
    from ocrlib.charset import Charset
    from ocrlib.network.warm_start import start_from

    start = start_from(str(run), Charset("0123456789"), 32, 1)
    known = ocrlib.Reader(run).recognizer
    image, width = np.full((1, 32, 40, 1), 255, np.uint8), np.array([40], np.int32)
    image[:, 8:24, 10:14] = 0
    probs = np.asarray(start.network({"image": image, "width": width}, training=False))
    assert np.allclose(probs, known._network.run(image, width), atol=1e-5)
    with pytest.raises(UserError, match="only be trained further with its own charset, '0123456789'"):
        start_from(str(run), Charset("01234"), 32, 1)


def test_the_module_in_a_file_is_imported_only_if_it_is_trusted(run: Path, tmp_path: Path) -> None:
    picture = ROOT / "examples" / "line-1.png"
    command = ("-m", "ocrlib", "predict", "--model", "run", picture)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; sys.argv[0] = 'ocrlib'; "
    code += "runpy.run_module('ocrlib', run_name='__main__')"
    refused = run_program("-c", code, *command[2:], folder=run.parent)
    assert (refused.code, refused.stdout) == (2, "")
    assert "its network comes from attention:build; give --trust if that is code of your own" in refused.stderr
    trusted = run_program("-c", code, *command[2:], "--trust", folder=run.parent)
    assert (trusted.code, trusted.stderr) == (0, "")
    assert trusted.stdout.startswith("line-1.png\t")


# What is refused


NETWORKS = """
import keras
from ocrlib.network.levels import Levels

def build(height, num_classes, channels):
    image = keras.Input((height, None, channels), name="image", dtype="uint8")
    width = keras.Input((), name="width", dtype="int32")
    x = keras.ops.squeeze(keras.layers.MaxPooling2D((height, 4))(Levels(4)(image, width)), 1)
    {body}

def other(height, num_classes, channels):
    return 3

def raises(height, num_classes, channels):
    image = keras.Input((height, 10, channels), name="image", dtype="uint8")
    width = keras.Input((), name="width", dtype="int32")
    return keras.Model({{"image": image, "width": width}}, image)

number = 3
"""
SOFTMAX = 'keras.layers.Dense(num_classes, activation="softmax")'


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("build", f'return keras.Model({{"image": image, "width": width}}, {SOFTMAX}(x))', None),
        (
            "build",
            f'return keras.Model([image, width, keras.Input((), name="third")], {SOFTMAX}(x))',
            r"got inputs \['image', 'width', 'third'\]",
        ),
        (
            "build",
            'return keras.Model({"image": image, "width": width}, keras.layers.Dense(num_classes)(x))',
            "that add up to 1",
        ),
        (
            "build",
            'return keras.Model({"image": image, "width": width}, keras.layers.Dense(3, activation="softmax")(x))',
            r"expected probabilities \(B, T, 11\), got float32",
        ),
        (
            "build",
            "x = x + keras.ops.mean(x, axis=1, keepdims=True)\n"
            f'    return keras.Model({{"image": image, "width": width}}, {SOFTMAX}(9 * x))',
            "pixels wide reads otherwise when it is padded to 128",
        ),
        (
            "build",
            "x = keras.ops.pad(x, [[0, 0], [3, 3], [0, 0]])\n"
            f'    return keras.Model({{"image": image, "width": width}}, {SOFTMAX}(x))',
            r"expected ceil\(width / stride\) time steps; 128 pixels give 38, 96 give 30",
        ),
        ("other", "pass", "expected a function .* got 3"),
        ("raises", "pass", r"fails on \(4, 32, 128, 1\) uint8: "),
        ("number", "pass", "has no function 'number'"),
        ("nothing", "pass", "has no function 'nothing'"),
    ],
)
def test_a_network_that_breaks_the_contract_is_refused_with_what_was_expected(
    name: str, body: str, message: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks.py").write_text(textwrap.dedent(NETWORKS).format(body=body))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "networks", raising=False)
    if message is None:
        assert build_own(f"networks:{name}", 32, 1, "0123456789").get_layer("characters").stride == 4
        return
    with pytest.raises(UserError, match=message):
        build_own(f"networks:{name}", 32, 1, "0123456789")


@pytest.mark.parametrize(
    ("maker", "message"),
    [
        ("attention", "attention: expected module:function"),
        ("no_such_module:build", "no_such_module:build: cannot be imported: No module named"),
    ],
)
def test_a_name_of_nothing_is_refused(maker: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_own(maker, 32, 1, "01")


def test_the_other_keys_of_the_model_are_refused_beside_it(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "digits", {"train": TEXTS, "val": TEXTS})
    settings = {"model.build": "attention:build", "model.filters": 2}
    with pytest.raises(UserError, match="build brings its own network"):
        ocrlib.train(dataset, tmp_path / "run", settings=settings)
