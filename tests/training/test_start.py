"""Which model a training starts from: a table of datasets, and the shipped models as they are."""

from dataclasses import replace
from pathlib import Path

import pytest

from ocrlib.charset import ASCII
from ocrlib.dataset.manifest import read_manifest, write_manifest
from ocrlib.network.open import open_network
from ocrlib.training.settings import ModelConfig
from ocrlib.training.start import Chosen, choose_start, start_of, wanted_stride
from tests.training_fixtures import numbers, write_dataset


def dataset(folder: Path, charset: str, **shape: int) -> Path:
    """Some lines of digits whose charset is larger."""
    return write_dataset(folder / "d", {"train": numbers(8)}, charset=charset, **shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("charset", ["0123456789", "0123456789.,", ASCII])
def test_auto_takes_a_model_that_knows_all_characters_at_the_stride_of_the_lines(charset: str, tmp_path: Path) -> None:
    chosen = choose_start(None, [dataset(tmp_path, charset)], ModelConfig())
    assert chosen.model is not None
    network = open_network(chosen.model)
    assert set(charset) <= set(network.charset.characters)
    assert network.width_stride == (4 if charset == ASCII else 2)
    assert f"it knows all {len(charset)} characters" in str(chosen)
    assert str(chosen).endswith("--init none starts from nothing")


def test_of_models_that_fit_alike_the_one_that_reads_best_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"numeric": 0.3, "display": 0.1}
    monkeypatch.setattr("ocrlib.training.start.shipped_names", lambda: list(rates))
    names = iter(rates)
    monkeypatch.setattr("ocrlib.training.start._error_rate", lambda model, folder: rates[next(names)])
    chosen = choose_start("auto", [dataset(tmp_path, "0123456789")], ModelConfig())
    assert chosen.model == "display"
    assert "a CER of 10.0% on some of the lines (numeric 30.0%)" in chosen.why


@pytest.mark.parametrize(
    ("charset", "shape", "model", "why"),
    [
        ("абвгд0", {}, ModelConfig(), "no shipped model knows more than 1 of the 6 characters"),
        ("0123456789", {"height": 48}, ModelConfig(), "no shipped model reads images of height 48"),
        ("0123456789", {"channels": 3}, ModelConfig(), "no shipped model reads images of height 32 and 3 channels"),
        ("0123456789", {}, ModelConfig(filters=2), "--model describes a network of its own"),
    ],
)
def test_auto_starts_from_nothing_where_nothing_fits(
    charset: str, shape: dict[str, int], model: ModelConfig, why: str, tmp_path: Path
) -> None:
    chosen = choose_start("auto", [dataset(tmp_path, charset, **shape)], model)
    assert chosen.model is None
    assert chosen.why.startswith(why)


def test_what_the_user_names_is_taken_unseen() -> None:
    assert choose_start("runs/mine", [], ModelConfig()).model == "runs/mine"
    assert choose_start("none", [], ModelConfig()).model is None


def test_lines_too_narrow_for_a_stride_get_no_model_of_it(tmp_path: Path) -> None:
    folder = dataset(tmp_path, ASCII)
    manifest = read_manifest(folder)
    recipe = {"text": {"source": "numeric"}, "render": {"px_per_step": 2}}
    write_manifest(folder, replace(manifest, recipe=recipe))
    assert choose_start("auto", [folder], ModelConfig()).model is None


def test_a_run_that_goes_on_keeps_its_start_unless_another_is_named() -> None:
    begun = {"init": "numeric", "why": "it knows all"}
    assert start_of(begun, None) == start_of(begun, "auto") == Chosen(model="numeric", why="it knows all")
    assert start_of(begun, "none").model is None
    assert start_of(begun, "display").model == "display"


@pytest.mark.parametrize(("charset", "stride"), [("0123456789.-", 2), ("0123456789A", 4)])
def test_imported_lines_without_letters_are_numbers(charset: str, stride: int, tmp_path: Path) -> None:
    manifest = replace(read_manifest(dataset(tmp_path, charset)), recipe={"text": {"source": "import"}})
    assert wanted_stride([manifest], ModelConfig()) == stride
    assert wanted_stride([manifest], ModelConfig(stride=6 - stride)) == 6 - stride  # type: ignore[arg-type]
