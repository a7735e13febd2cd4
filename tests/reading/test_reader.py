"""`ocrlib.Reader`: every kind of picture reads the same, by several threads too; it pickles, closes and refuses."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

import ocrlib
from ocrlib.charset import Charset
from ocrlib.network.open import PRETRAINED
from ocrlib.pictures.opening import list_pictures
from ocrlib.reading import prediction
from ocrlib.reading.decoding.ngram import learn_ngram
from tests.programs import ROOT, run_code

EXAMPLES = {path: path.with_suffix(".gt.txt").read_text().strip() for path in sorted((ROOT / "examples").glob("*.png"))}
PICTURE, TEXT = next(iter(EXAMPLES.items()))


@pytest.fixture(scope="module")
def reader() -> ocrlib.Reader:
    return ocrlib.Reader("numeric")


def forms_of(path: Path) -> dict[str, object]:
    """A picture of a line in every form that a reader takes."""
    gray = np.asarray(Image.open(path).convert("L"))
    return {
        "text of a path": str(path),
        "path": path,
        "PIL": Image.open(path),
        "bytes": path.read_bytes(),
        "memoryview": memoryview(path.read_bytes()),
        "gray": gray,
        "one channel": gray[:, :, None],
        "RGB": np.stack([gray] * 3, axis=-1),
        "RGBA": np.dstack([np.stack([gray] * 3, axis=-1), np.full_like(gray, 255)]),
        "floats to 1": gray / 255.0,
        "floats to 255": gray.astype(np.float32),
        "16 bits": gray.astype(np.uint16) * 257,
        "twice as high": np.asarray(Image.fromarray(gray).resize((gray.shape[1] * 2, gray.shape[0] * 2))),
    }


@pytest.mark.parametrize("form", forms_of(PICTURE))
def test_every_form_of_a_picture_reads_the_same(form: str, reader: ocrlib.Reader) -> None:
    reading = reader.read(forms_of(PICTURE)[form])
    assert reading.text == TEXT
    assert 0 < reading.confidence <= 1
    assert reading.characters is not None
    assert len(reading.characters) == len(TEXT)


def test_many_pictures_read_as_one_by_one_and_as_predict(
    reader: ocrlib.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "WINDOW", 3)
    forms = [*EXAMPLES, *forms_of(PICTURE).values()]
    many = list(reader.read_many(form for form in forms))
    assert [reading.text for reading in many] == [reader.read(form).text for form in forms]
    rows = prediction.read_pictures(reader.recognizer, list_pictures([ROOT / "examples"]))
    assert [reading.text for _, reading in rows] == [reading.text for reading in many[: len(EXAMPLES)]]
    assert list(reader.read_many([])) == []


def test_a_picture_that_cannot_be_read_is_raised_or_yielded(reader: ocrlib.Reader) -> None:
    forms = [PICTURE, b"nothing", PICTURE, "no such file.png"]
    got = list(reader.read_many(forms, errors=True))
    assert [getattr(each, "text", None) for each in got] == [TEXT, None, TEXT, None]
    assert str(got[1]) == "picture 1: cannot be read as a picture: not a picture"
    assert str(got[3]).startswith("no such file.png: cannot be read as a picture: ")
    with pytest.raises(ocrlib.UserError, match="picture 1"):
        list(reader.read_many(forms))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"nothing", "the picture: cannot be read as a picture"),
        ("no such file.png", "no such file.png: cannot be read as a picture"),
        (np.zeros((0, 4), np.uint8), r"the picture: .*not \(0, 4\)"),
        (np.full((32, 90), np.nan), "not finite"),
        (17, "the picture: expected a path, a PIL image, an array or bytes, not int"),
    ],
)
def test_what_is_no_picture_is_refused(picture: object, message: str, reader: ocrlib.Reader) -> None:
    with pytest.raises(ocrlib.UserError, match=message):
        reader.read(picture)


def test_a_file_of_several_pages_is_refused_and_its_pages_can_be_read(tmp_path: Path, reader: ocrlib.Reader) -> None:
    pages = [Image.open(path).convert("L") for path in EXAMPLES]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ocrlib.UserError, match=r"pages\.tif: has several pages"):
        reader.read(tmp_path / "pages.tif")
    with Image.open(tmp_path / "pages.tif") as opened:
        for number, text in enumerate(EXAMPLES.values()):
            opened.seek(number)
            assert reader.read(opened).text == text


def test_what_changes_after_it_was_given_is_read_as_it_was(tmp_path: Path, reader: ocrlib.Reader) -> None:
    """Frames of a file are one object, and a camera fills the same memory again: all were read as the last one."""
    pages = [Image.open(path).convert("L") for path in EXAMPLES]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with Image.open(tmp_path / "pages.tif") as opened:
        frames = list(reader.read_many(ImageSequence.Iterator(opened)))
    assert [reading.text for reading in frames] == list(EXAMPLES.values())

    def refilled() -> Iterator[np.ndarray]:
        memory = np.empty((max(page.height for page in pages), max(page.width for page in pages)), np.uint8)
        for page in pages:
            memory[...] = 255
            memory[: page.height, : page.width] = page
            yield memory

    def refilled_bytes() -> Iterator[bytearray]:
        data = bytearray()
        for path in EXAMPLES:
            data[:] = path.read_bytes()
            yield data

    for pictures in (refilled(), refilled_bytes()):
        assert [reading.text for reading in reader.read_many(pictures)] == list(EXAMPLES.values())


def test_a_picture_that_threads_would_open_at_once_is_opened_once(reader: ocrlib.Reader) -> None:
    with Image.open(PICTURE) as opened:
        readings = list(reader.read_many([opened] * 64))
    assert {reading.text for reading in readings} == {TEXT}


def test_pictures_in_memory_are_not_taken_beyond_a_bound(
    reader: ocrlib.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    array, taken = np.asarray(Image.open(PICTURE).convert("L")), []
    monkeypatch.setattr(prediction, "WINDOW_BYTES", array.nbytes)

    def endless() -> Iterator[np.ndarray]:
        while True:
            taken.append(1)
            yield array

    assert next(reader.read_many(endless())).text == TEXT
    assert len(taken) == 4  # two windows of two


# What is known about the lines


def test_a_pattern_a_lexicon_and_a_check_hold_for_every_text() -> None:
    assert ocrlib.Reader(pattern="[0-9]{3}").read(PICTURE).text.isdecimal()
    assert ocrlib.Reader(pattern=["[-,]", "[0-9]{2}"], charset="12").read(PICTURE).text in {"11", "12", "21", "22"}
    assert ocrlib.Reader(lexicon=["1.00", TEXT, "2.00"]).read(PICTURE).text == TEXT
    assert ocrlib.Reader(lexicon=["17", "18"], check=lambda text: text == "18").read(PICTURE).text == "18"


def test_a_lexicon_can_be_a_file_and_notes_tell_of_it(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(f"{TEXT}\nÄ\n")
    reader = ocrlib.Reader(lexicon=tmp_path / "texts.txt")
    assert reader.read(PICTURE).text == TEXT
    assert "1 of 2 entries have characters that the model does not know" in reader.notes[0]
    assert ocrlib.Reader(lexicon=[TEXT, "Ä"]).notes[0].startswith("lexicon: 1 of 2 entries")


def test_several_texts_of_a_line() -> None:
    reading = ocrlib.Reader(nbest=3).read(PICTURE)
    assert reading.text == TEXT
    assert len(reading.others) == 2


def test_a_doubtful_text_is_put_aside_as_a_guess() -> None:
    sure, unsure = ocrlib.Reader(min_confidence=0.0), ocrlib.Reader(min_confidence=1.0)
    noise = np.random.default_rng(0).integers(0, 256, (32, 90)).astype(np.uint8)
    assert sure.read(PICTURE).text == TEXT
    assert sure.read(PICTURE).guess is None
    reading, same = unsure.read(noise), sure.read(noise)
    assert (reading.text, reading.guess) == ("", same.text)


LIST = [f"{day:02}-{month:02}-{year}" for day in range(1, 29) for month in range(1, 13) for year in range(1990, 2020)]
NOTHING = {
    "white": np.full((32, 200), 255, np.uint8),
    "grey": np.full((40, 60), 128, np.uint8),
    "black": np.zeros((32, 100), np.uint8),
    "a pixel": np.zeros((1, 1), np.uint8),
    "white paper, gray noise": np.random.default_rng(0).integers(200, 256, (32, 120)).astype(np.uint8),
}


@pytest.fixture(scope="module", params=["pattern", "list"])
def for_dates(request: pytest.FixtureRequest) -> ocrlib.Reader:
    """A reader of dates, by a small automaton and by one of 10,000 states."""
    if request.param == "pattern":
        return ocrlib.Reader(pattern="[0-9]{2}-[0-9]{2}-[0-9]{4}", min_confidence=1e-9)
    return ocrlib.Reader(lexicon=LIST, min_confidence=1e-9)


@pytest.mark.parametrize("picture", [*NOTHING, "another kind"])
def test_where_no_such_text_stands_the_language_is_small_and_nothing_is_answered(
    for_dates: ocrlib.Reader, picture: str
) -> None:
    reading = for_dates.read(NOTHING.get(picture, PICTURE))
    assert (reading.text, reading.is_of_kind) == ("", False)
    assert reading.language is not None
    assert reading.language < 1e-6
    assert reading.guess in ("", *LIST) or len(reading.guess or "") == 10


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": "numbers"}, "numbers: no such run folder"),
        ({"nbest": 0}, "nbest: expected"),
        ({"min_confidence": 2}, "min_confidence: expected"),
        ({"min_confidence": float("nan")}, "min_confidence: expected"),
        ({"pattern": "[a"}, "pattern"),
        ({"pattern": "[a-z]+"}, "characters that the model does not know"),
        ({"check": "sum"}, "check 'sum'"),
        ({"lexicon": []}, "lexicon: has no entries"),
        ({"lexicon": "no such file"}, "no such file"),
    ],
)
def test_what_cannot_be_is_refused_at_once(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ocrlib.UserError, match=message):
        ocrlib.Reader(**wrong)


# A language model of characters

NOISE = np.random.default_rng(0).integers(0, 256, (32, 90)).astype(np.uint8)


def test_a_language_model_is_told_to_a_reader_and_to_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: ocrlib.Reader
) -> None:
    model, _ = learn_ngram(["7" * 20], Charset("0123456789"), weight=10.0)
    model.save(tmp_path / "sevens.ngram")
    monkeypatch.chdir(tmp_path)
    told = ocrlib.Reader("numeric", language_model="sevens.ngram")
    assert told.read(NOISE).text != reader.read(NOISE).text
    assert set(told.read(NOISE).text) <= {"7"}
    assert told.read(PICTURE) == reader.read(PICTURE)  # which is beyond doubt
    monkeypatch.chdir(ROOT)
    copy = pickle.loads(pickle.dumps(told))
    assert copy.read(NOISE) == told.read(NOISE)


def test_the_language_model_beside_a_model_is_used_unless_the_user_says_none(
    tmp_path: Path, reader: ocrlib.Reader
) -> None:
    (tmp_path / "mine.onnx").write_bytes((PRETRAINED / "numeric.onnx").read_bytes())
    learn_ngram(["7" * 20], Charset("0123456789"), weight=10.0)[0].save(tmp_path / "mine.ngram")
    told, untold = (ocrlib.Reader(tmp_path / "mine.onnx", language_model=how) for how in ("auto", "none"))
    assert set(told.read(NOISE).text) <= {"7"}
    assert untold.read(NOISE) == reader.read(NOISE)
    assert pickle.loads(pickle.dumps(untold)).read(NOISE) == untold.read(NOISE)
    with pytest.raises(ocrlib.UserError, match="language model: is not used"):
        ocrlib.Reader("numeric", nbest=2, language_model=tmp_path / "mine.ngram")


# Threads, processes, ends


def test_threads_share_a_reader(reader: ocrlib.Reader) -> None:
    patterned = ocrlib.Reader(pattern="[-0-9.,/:]+", nbest=2)
    for each in (reader, patterned):
        expected = [each.read(path) for path in EXAMPLES] * 10
        with ThreadPoolExecutor(8) as pool:
            assert [r.text for r in pool.map(each.read, [*EXAMPLES] * 10)] == [r.text for r in expected]


def test_a_copy_in_another_process_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(EXAMPLES.values()))
    reader = ocrlib.Reader("numeric", lexicon=tmp_path / "texts.txt", nbest=2, min_confidence=0.01)
    (tmp_path / "reader.pickle").write_bytes(pickle.dumps(reader))
    code = f"import pickle; print(pickle.load(open('reader.pickle', 'rb')).read({str(PICTURE)!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == f"{reader.read(PICTURE)}\n", done.stderr


def test_a_closed_reader_says_so() -> None:
    with ocrlib.Reader() as reader:
        assert reader.read(PICTURE).text == TEXT
    reader.close()
    assert repr(reader) == "Reader('numeric', closed)"
    with pytest.raises(ocrlib.UserError, match="the reader is closed"):
        reader.read(PICTURE)
    with pytest.raises(ocrlib.UserError, match="the reader is closed"):
        reader.read_many([PICTURE])


def test_importing_ocrlib_imports_nothing_else_and_reading_imports_no_tensorflow() -> None:
    heavy = ["numpy", "PIL", "onnxruntime", "tensorflow", "keras", "pydantic", "h5py", "matplotlib"]
    code = f"""
import sys, ocrlib
print([name for name in {heavy} if name in sys.modules])
print(ocrlib.Reader("numeric", pattern="[0-9.,-]+").read({str(PICTURE)!r}).text)
print([name for name in {heavy} if name in sys.modules])
"""
    assert run_code(code) == f"[]\n{TEXT}\n['numpy', 'PIL', 'onnxruntime']\n"
