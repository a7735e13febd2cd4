"""What a user can name as a model, and that an ONNX file is read without TensorFlow."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.network import open as networks
from ocrlib.network.crnn import build_crnn
from ocrlib.network.export import export_model
from ocrlib.network.open import find_model, open_network
from tests.programs import run_code
from tests.training_fixtures import draw_line

DIGITS = "0123456789"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained network as a `.keras` and as an `.onnx` file."""
    folder = tmp_path_factory.mktemp("networks")
    build_crnn(32, len(DIGITS) + 1, stride=4, charset=DIGITS).save(folder / "net.keras")
    export_model(str(folder / "net.keras"), "onnx", folder / "net.onnx")
    return {ending: folder / f"net{ending}" for ending in (".keras", ".onnx")}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for that of the shipped models, and an empty working directory."""
    folder = tmp_path / "pretrained"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(networks, "PRETRAINED", folder)
    return folder


# Finding a model


def test_a_shipped_name_is_found_as_the_preferred_file(shipped: Path) -> None:
    for name in ("meters.onnx", "meters.keras", "plates.keras"):
        (shipped / name).touch()
    assert networks.shipped_names() == ["meters", "plates"]
    assert find_model("meters") == shipped / "meters.onnx"
    assert find_model("meters", (".keras",)) == shipped / "meters.keras"
    assert find_model("plates") == shipped / "plates.keras"
    with pytest.raises(UserError, match=r"^plates: is shipped, but not as a \.onnx file$"):
        find_model("plates", (".onnx",))
    with pytest.raises(UserError, match=r"^plaids: .* no shipped model of that name \(meters, plates\)$"):
        find_model("plaids")


def test_a_path_wins_over_a_shipped_name_where_it_exists(shipped: Path) -> None:
    (shipped / "meters.onnx").touch()
    Path("meters").mkdir()
    with pytest.raises(UserError, match=r"^meters: expected a run folder .* hides the shipped model 'meters'"):
        find_model("meters")
    Path("meters/best.keras").touch()
    assert find_model("meters") == Path("meters/best.keras")
    Path("meters/best.keras").unlink()
    Path("meters").rmdir()
    Path("meters").touch()
    assert find_model("meters") == Path("meters")


# Opening it


def test_both_files_of_a_network_have_the_same_metadata_and_answers(files: dict[str, Path]) -> None:
    in_keras, in_onnx = (open_network(str(files[ending])) for ending in (".keras", ".onnx"))
    for network in (in_keras, in_onnx):
        assert network.charset == Charset(DIGITS)
        assert (network.height, network.channels, network.width_stride) == (32, 1, 4)
    image = np.random.RandomState(0).randint(0, 256, (3, 32, 61, 1)).astype(np.uint8)
    width = np.array([61, 30, 7], np.int32)
    answers = [network.run(image, width) for network in (in_keras, in_onnx)]
    assert answers[0].shape == answers[1].shape == (3, 16, 11)
    assert answers[0].dtype == answers[1].dtype == np.float32
    for line, steps in enumerate((16, 8, 2)):
        np.testing.assert_allclose(answers[0][line, :steps], answers[1][line, :steps], atol=1e-5)


def change_metadata(path: Path, out: Path, **changes: str) -> Path:
    """Writes a copy of an ONNX file with other metadata; an empty text takes a key away."""
    model = onnx.load(path)
    values = {entry.key: entry.value for entry in model.metadata_props} | changes
    onnx.helper.set_model_props(model, {key: value for key, value in values.items() if value})
    onnx.save(model, out)
    return out


def test_another_programs_onnx_file_is_an_error_of_one_line(files: dict[str, Path], tmp_path: Path) -> None:
    good = files[".onnx"]
    (tmp_path / "text.onnx").write_text("not a network")
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:10_000])
    change_metadata(good, tmp_path / "stranger.onnx", format="")
    change_metadata(good, tmp_path / "later.onnx", format="ocrlib-onnx/2")
    change_metadata(good, tmp_path / "nameless.onnx", charset="")
    change_metadata(good, tmp_path / "crooked.onnx", height="tall")
    for name, message in {
        "text.onnx": "is not a network of ocrlib's",
        "empty.onnx": "is not a network of ocrlib's",
        "cut.onnx": "is not a network of ocrlib's",
        "stranger.onnx": "expected format 'ocrlib-onnx/1' in its metadata, not None",
        "later.onnx": "expected format 'ocrlib-onnx/1' in its metadata, not 'ocrlib-onnx/2'",
        "nameless.onnx": "is not a network of ocrlib's: 'charset'",
        "crooked.onnx": "is not a network of ocrlib's: invalid literal",
    }.items():
        with pytest.raises(UserError) as raised:
            open_network(str(tmp_path / name))
        assert str(raised.value).startswith(f"{tmp_path / name}: {message}")
        assert "\n" not in str(raised.value)


# Without TensorFlow


PREDICT = """
import sys
from ocrlib import cli
code = cli.main()
print(code, [name for name in ("tensorflow", "keras", "tf2onnx", "onnx") if name in sys.modules])
"""


def test_an_onnx_file_is_read_without_tensorflow(files: dict[str, Path], tmp_path: Path) -> None:
    Image.fromarray(draw_line("42")).save(tmp_path / "a.png")
    printed = run_code(PREDICT, "predict", "--model", files[".onnx"], tmp_path).splitlines()
    assert printed[0].startswith("a.png\t")
    assert printed[1] == "0 []"
    printed = run_code(PREDICT, "predict", "--model", files[".keras"], tmp_path).splitlines()
    assert printed[1] == "0 ['tensorflow', 'keras']"  # otherwise the check above could not fail


def test_a_recognizer_can_be_imported_without_any_framework() -> None:
    names = ["tensorflow", "keras", "onnxruntime", "onnx"]
    code = (
        f"import sys, ocrlib.reading.recognizer, ocrlib.network.export; print([n for n in {names} if n in sys.modules])"
    )
    assert run_code(code) == "[]\n"


# The models that come with ocrlib


@pytest.mark.skipif(not (networks.PRETRAINED / "numeric.onnx").exists(), reason="numeric.onnx is not in the tree yet")
def test_the_shipped_numeric_model_reads_numbers(tmp_path: Path) -> None:
    texts = ["0123456789", "12.50", "2024-01-31", "12:45", "870011"]
    for text in texts:
        Image.fromarray(draw_line(text)).save(tmp_path / f"{texts.index(text)}.png")
    printed = run_code(PREDICT, "predict", "--model", "numeric", tmp_path).splitlines()
    assert [row.split("\t")[:2] for row in printed[:-1]] == [[f"{i}.png", text] for i, text in enumerate(texts)]
    assert printed[-1] == "0 []"
