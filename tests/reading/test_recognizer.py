"""A trained reader reads one line, many lines, and refuses what is not a model."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.network.open import Network
from ocrlib.reading.decoding.language import Known
from ocrlib.reading.decoding.ngram import NGram, learn_ngram
from ocrlib.reading.recognizer import BATCH_PIXELS, Reading, Recognizer, _batches_by_width
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
    # `read_lines`, here and below: this reader knows its lines by heart, to the pixel, and `read` may move them by one.
    texts = trained_run.texts * 15  # widths mixed, and more than one batch
    assert sum(image.shape[1] for image in images_of(texts)) > BATCH_PIXELS
    assert [reading.text for reading in recognizer.read_lines(images_of(texts))] == texts


def test_a_line_reads_the_same_alone_and_among_others(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    images = images_of(trained_run.texts)
    together = recognizer.read(images)
    for image, reading in zip(images, together, strict=True):
        (alone,) = recognizer.read([image])
        assert alone.text == reading.text
        assert alone.confidence == pytest.approx(reading.confidence, rel=1e-3)


def test_confidence_is_lower_where_digits_are_printed_over_each_other(
    recognizer: Recognizer, trained_run: TrainedRun
) -> None:
    images = images_of(trained_run.texts)
    clean = recognizer.read_lines(images)
    blurred = recognizer.read_lines([np.minimum(image, np.roll(image, 8, axis=1)) for image in images])
    assert all(0 < reading.confidence <= 1 for reading in clean)
    # A picture with ink that reads as nothing has no confidence at all; every other reading has some.
    assert all(0 <= reading.confidence <= 1 for reading in blurred)
    assert all((reading.confidence == 0) == (reading.text == "") for reading in blurred)
    # The geometric mean, because a line's confidence is a product. Both depend on how long the training was.
    certainty, doubt = (
        np.mean(np.log([max(reading.confidence, 1e-9) for reading in lines])) for lines in (clean, blurred)
    )
    assert certainty > doubt
    assert sum(b.confidence < c.confidence for b, c in zip(blurred, clean, strict=True)) > len(images) / 2


def test_each_character_has_a_confidence_of_its_own(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    for reading in recognizer.read(images_of(trained_run.texts)):
        assert reading.characters is not None
        assert len(reading.characters) == len(reading.text)
        assert 0 < min(reading.characters) <= max(reading.characters) <= 1


def test_a_beam_reads_the_same_as_the_best_path_on_clear_lines(trained_run: TrainedRun) -> None:
    images = images_of(trained_run.texts)
    model = str(trained_run.run)
    greedy, beam = Recognizer.load(model).read_lines(images), Recognizer.load(model, searches=True).read_lines(images)
    assert [reading.text for reading in beam] == [reading.text for reading in greedy] == trained_run.texts
    for best_path, all_paths in zip(greedy, beam, strict=True):
        assert all_paths.characters is None
        assert all_paths.confidence == pytest.approx(
            best_path.confidence, rel=1e-3
        )  # both are the probability of the text


# Any network will do


def fixed_network(probs: np.ndarray, stride: int = 4) -> Network:
    """A network that answers every line with the first of these time steps: (T, C)."""

    def run(image: np.ndarray, width: np.ndarray) -> np.ndarray:
        assert (image.dtype, width.dtype) == (np.uint8, np.int32)
        return np.repeat(probs[None, : -(-image.shape[2] // stride)], len(image), axis=0).astype(np.float32)

    return Network(charset=Charset("ab"), height=32, channels=1, width_stride=stride, run=run)


def test_the_width_stride_is_the_networks_own() -> None:
    probs = np.eye(3)[[0, 2, 1, 2, 0, 2, 0, 2] * 4]
    images = [np.full((32, width, 1), 255, np.uint8) for width in (8, 20, 24)]
    texts = {stride: [r.text for r in Recognizer(fixed_network(probs, stride)).read(images)] for stride in (4, 8)}
    assert texts == {4: ["a", "aba", "aba"], 8: ["a", "ab", "ab"]}


def test_a_beam_finds_a_text_whose_probability_is_spread_over_paths() -> None:
    probs = np.array([[0.4, 0.0, 0.6], [0.4, 0.0, 0.6]])  # blank, blank: 0.36; "a" by three paths: 0.64
    image = np.full((32, 8, 1), 255, np.uint8)
    (greedy,) = Recognizer(fixed_network(probs)).read([image])
    (beam,) = Recognizer(fixed_network(probs), searches=True).read([image])
    assert (greedy.text, beam.text) == ("", "a")
    assert greedy.confidence == pytest.approx(0.36)  # the empty text has one path
    assert beam.confidence == pytest.approx(0.64)


@pytest.mark.parametrize("width", [1, 3, 5, 2001])
def test_any_width_can_be_read(width: int, recognizer: Recognizer) -> None:
    (reading,) = recognizer.read([np.full((32, width, 1), 255, np.uint8)])
    assert set(reading.text) <= set("0123456789")


def test_no_images_give_no_readings(recognizer: Recognizer) -> None:
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
def test_batches_have_lines_of_similar_width(widths: list[int], batches: list[list[int]]) -> None:
    assert list(_batches_by_width(widths)) == batches


# With a language model


DIGITS = Charset("0123456789")


def of_one_digit(digit: str) -> NGram:
    """A language model that nothing outweighs but a line beyond doubt: all is one digit."""
    return learn_ngram([digit * 20], DIGITS, weight=10.0)[0]


def test_the_language_model_beside_a_model_is_used_unless_another_one_or_none_is_named(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other.ngram"
    run.mkdir()
    shutil.copy(trained_run.run / "best.keras", run)
    blurred = [np.minimum(image, np.roll(image, 8, axis=1)) for image in images_of(trained_run.texts)]

    def read(**how: object) -> list[Reading]:
        return Recognizer.load(str(run), **how).read_lines(blurred)

    of_one_digit("7").save(other)
    plain = Recognizer.load(str(run))  # none is beside it
    without, with_sevens, with_ones = (
        recognizer.read_lines(blurred)
        for recognizer in (plain, plain.with_ngram(of_one_digit("7")), plain.with_ngram(of_one_digit("1")))
    )
    of_one_digit("1").save(run / "best.ngram")
    assert [each.text for each in with_ones] != [each.text for each in without]
    assert with_ones != with_sevens
    assert read() == with_ones
    assert read(language_model="none") == without
    assert read(language_model=str(other)) == with_sevens
    for reading, was in zip(with_ones, without, strict=True):
        assert reading == was or was.confidence <= 0.9
        assert reading.characters is not None and len(reading.characters) == len(reading.text)
    # Where patterns say what a line can be, the one beside it has no say.
    known = Known(patterns=("[0-9]*",))
    assert read(known=known) == Recognizer(plain._network, known).read_lines(blurred)


@pytest.mark.parametrize(
    "how",
    [{"known": Known(patterns=("[0-9]+",))}, {"known": Known(check="luhn")}, {"num_texts": 2}, {"searches": True}],
)
def test_a_language_model_that_would_have_no_say_is_refused(how: dict[str, object], tmp_path: Path) -> None:
    of_one_digit("7").save(tmp_path / "sevens.ngram")
    with pytest.raises(UserError, match="language model: is not used where a pattern, lexicon"):
        Recognizer.load("numeric", **how, language_model=str(tmp_path / "sevens.ngram"))
    Recognizer.load("numeric", **how, language_model="none")


def test_a_language_model_that_is_none_or_of_other_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.ngram: cannot be read as a language model"):
        Recognizer.load("numeric", language_model=str(tmp_path / "absent.ngram"))
    learn_ngram(["abc"], Charset("abc"))[0].save(tmp_path / "letters.ngram")
    with pytest.raises(UserError, match="the model knows none of the characters of the language model"):
        Recognizer.load("numeric", language_model=str(tmp_path / "letters.ngram"))


def test_a_reader_can_be_told_a_language_model_and_stays_as_it_was() -> None:
    doubt = np.array([[0.55, 0.45, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    image = np.full((32, 12, 1), 255, np.uint8)
    plain = Recognizer(fixed_network(doubt))
    model, _ = learn_ngram(["bb", "bbb", "ba"], Charset("xab"))  # in another order, and an "x" more
    (told,), (before,) = plain.with_ngram(model).read([image]), plain.read([image])
    assert (told.text, before.text) == ("bb", "ab")
    assert told.characters == pytest.approx([0.45, 1.0])
    assert 0.5 < told.confidence < 1
    with pytest.raises(UserError, match="knows none of the characters"):
        plain.with_ngram(learn_ngram(["xy"], Charset("xy"))[0])


# What is not a model


def test_a_model_is_a_run_folder_or_its_file(recognizer: Recognizer, trained_run: TrainedRun) -> None:
    other = Recognizer.load(str(trained_run.run / "best.keras"))
    assert (other.height, other.channels, other.charset.characters) == (32, 1, "0123456789")
    images = images_of(trained_run.texts[:3])
    assert other.read(images) == recognizer.read(images)


def test_a_file_that_is_not_a_model_is_an_error_of_one_line(tmp_path: Path, trained_run: TrainedRun) -> None:
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
        "absent": "no such run folder, .keras or .onnx file",
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
