"""A trained reader, asked to read: one line, many lines, and things that are none."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.errors import UserError
from ocrlib.recognizer import BATCH_PIXELS, Recognizer, _batches_by_width
from tests.training_fixtures import TrainedRun, draw_line


@pytest.fixture(scope="module")
def recognizer(trained_run: TrainedRun) -> Recognizer:
    """The reader that knows its 16 lines."""
    return Recognizer.load(str(trained_run.run))


def images_of(texts: list[str]) -> list[np.ndarray]:
    """(32, W, 1) uint8 each."""
    return [draw_line(text)[:, :, None] for text in texts]


# Reading


def test_lines_come_back_in_the_order_they_were_given(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    texts = trained_run.texts * 15  # widths mixed, and more than one batch
    assert sum(image.shape[1] for image in images_of(texts)) > BATCH_PIXELS
    assert [reading.text for reading in recognizer.read(images_of(texts))] == texts


def test_a_line_reads_the_same_alone_and_among_others(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    images = images_of(trained_run.texts)
    together = recognizer.read(images)
    for image, reading in zip(images, together, strict=True):
        (alone,) = recognizer.read([image])
        assert alone.text == reading.text
        assert alone.confidence == pytest.approx(reading.confidence, rel=1e-3)


def test_confidence_is_high_on_what_it_knows_and_low_on_noise(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    known = recognizer.read(images_of(trained_run.texts))
    noise = np.random.RandomState(0).randint(0, 256, (32, 120, 1)).astype(np.uint8)
    (unknown,) = recognizer.read([noise])
    assert all(0 < reading.confidence <= 1 for reading in [*known, unknown])
    assert min(reading.confidence for reading in known) > unknown.confidence


@pytest.mark.parametrize("width", [1, 3, 5, 2001])
def test_any_width_can_be_read(width: int, recognizer: Recognizer) -> None:
    (reading,) = recognizer.read([np.full((32, width, 1), 255, np.uint8)])
    assert set(reading.text) <= set("0123456789")


def test_nothing_reads_as_nothing(recognizer: Recognizer) -> None:
    assert recognizer.read([]) == []


@pytest.mark.parametrize(
    ("widths", "batches"),
    [
        ([], []),
        ([30], [[0]]),
        ([50_000], [[0]]),  # one line alone, however wide
        ([40, 20, 30], [[1, 2, 0]]),  # sorted by width
        ([5000, 100, 5000, 100], [[1, 3], [0, 2]]),
        ([6000, 100, 6000, 100], [[1, 3], [0], [2]]),
    ],
)
def test_batches_hold_lines_of_like_width(widths: list[int], batches: list[list[int]]) -> None:
    assert list(_batches_by_width(widths)) == batches


# Models that are none


def test_a_model_is_a_run_folder_or_its_file(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    other = Recognizer.load(str(trained_run.run / "best.keras"))
    assert (other.height, other.channels, other.charset.characters) == (32, 1, "0123456789")
    images = images_of(trained_run.texts[:3])
    assert other.read(images) == recognizer.read(images)


def test_what_is_no_model_is_an_error_of_one_line(tmp_path: Path, trained_run: TrainedRun) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.keras").write_text("not a network\n")
    shutil.copy(trained_run.run / "best.keras", tmp_path / "cut.keras")
    with open(tmp_path / "cut.keras", "r+b") as file:
        file.truncate(10_000)
    stranger = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="characters")])
    stranger.save(tmp_path / "stranger.keras")
    nobody = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    nobody.save(tmp_path / "nobody.keras")
    for name, message in {
        "absent": "no such run folder or .keras file",
        "empty": "expected a run folder with best.keras in it",
        "text.keras": "is not a network of ocrlib's",
        "cut.keras": "is not a network of ocrlib's",
        "stranger.keras": "is not a network of ocrlib's",
        "nobody.keras": "is not a network of ocrlib's",
    }.items():
        with pytest.raises(UserError) as raised:
            Recognizer.load(str(tmp_path / name))
        assert str(raised.value).startswith(f"{tmp_path / name}: {message}")
        assert "\n" not in str(raised.value)
