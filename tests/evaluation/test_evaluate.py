"""A reader is measured on a dataset and on a folder of pairs; anything else is refused."""

from pathlib import Path

import pytest
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import evaluate_dataset, read_pairs, summarise, summary
from ocrlib.evaluation.metrics import ErrorCounts
from ocrlib.files import write_json
from ocrlib.reading.recognizer import Recognizer
from tests.evaluation.scripted import ScriptedReader, samples_made
from tests.training_fixtures import TrainedRun, draw_line, manifest_values, write_dataset


@pytest.fixture(scope="module")
def recognizer(trained_run: TrainedRun) -> Recognizer:
    """The reader that knows its 16 lines."""
    return Recognizer.load(str(trained_run.run))


def write_pairs(folder: Path, texts: dict[str, str]) -> Path:
    """NAME.png that shows the name's number, and NAME.gt.txt that says `text`."""
    folder.mkdir()
    for name, text in texts.items():
        Image.fromarray(draw_line(name)).save(folder / f"{name}.png")
        (folder / f"{name}.gt.txt").write_text(text, encoding="utf-8")
    return folder


def test_a_dataset_is_measured_on_the_split_asked_for(
    recognizer: Recognizer, trained_run: TrainedRun, tmp_path: Path
) -> None:
    right = trained_run.texts[:5]
    folder = write_dataset(tmp_path / "d", {"val": right, "test": right})
    result = evaluate_dataset(recognizer, folder, "test")
    assert (result["lines"], result["exact"], result["cer"], result["exact_match"]) == (5, 5, 0.0, 1.0)
    assert result["characters"] == len("".join(right))
    with pytest.raises(UserError, match="has no samples in split 'train'"):
        evaluate_dataset(recognizer, folder, "train")


def test_characters_that_the_reader_does_not_know_count_as_wrong(recognizer: Recognizer, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"test": ["€€€", "€"]}, charset="€")
    result = evaluate_dataset(recognizer, folder, "test")
    assert (result["lines"], result["exact"], result["characters"]) == (2, 0, 4)
    assert result["character_edits"] >= 4


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"height": 48}, "has images of height 48 and 1 channels, the model reads 32 and 1"),
        ({"channels": 3}, "has images of height 32 and 3 channels, the model reads 32 and 1"),
    ],
)
def test_images_of_another_shape_are_refused(
    shape: dict[str, int], message: str, recognizer: Recognizer, tmp_path: Path
) -> None:
    folder = write_dataset(tmp_path / "d", {"test": ["1"]}, **shape)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=message):
        evaluate_dataset(recognizer, folder, "test")


def test_a_folder_of_pairs_is_measured_folded(recognizer: Recognizer, trained_run: TrainedRun, tmp_path: Path) -> None:
    first, second, third = trained_run.texts[:3]
    pairs = {
        first: f"  {first}\n",
        second: second.translate({ord("0") + i: chr(0xFF10 + i) for i in range(10)}),
        third: third + "7",
    }
    lines, left_out = read_pairs(recognizer, write_pairs(tmp_path / "pairs", pairs))
    assert left_out == []
    assert [(line.name, line.truth) for line in lines] == sorted(
        (f"{name}.png", truth) for name, truth in ((first, first), (second, second), (third, third + "7"))
    )
    result = summarise(lines)
    assert (result["lines"], result["exact"], result["character_edits"]) == (3, 2, 1)


def test_a_folder_without_pairs_is_refused(recognizer: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "alone.png").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"expected pairs of NAME\.png and NAME\.gt\.txt, 1 files .* alone\.png: no text"
    ):
        read_pairs(recognizer, tmp_path)
    (tmp_path / "alone.png").unlink()
    with pytest.raises(UserError, match=r"expected pairs of NAME\.png and NAME\.gt\.txt, found none"):
        read_pairs(recognizer, tmp_path)


def test_pairs_are_found_below_a_folder_and_what_is_none_is_named(
    recognizer: Recognizer, trained_run: TrainedRun, tmp_path: Path
) -> None:
    first, second, third, fourth, fifth = trained_run.texts[:5]
    folder = write_pairs(tmp_path / "pairs", {text: text for text in (first, second, third, fifth)})
    write_pairs(folder / "deep", {fourth: fourth})
    (folder / f"{first}.png").rename(folder / f"{first}.JPG")  # Pillow looks inside
    (folder / f"{second}.png").write_bytes(b"not a picture")
    (folder / f"{third}.gt.txt").write_bytes(b"\xff\xfe1\x002")
    (folder / f"{fifth}.gt.txt").write_text("12\n34\n")
    (folder / "half.gt.txt").write_text("1")
    lines, left_out = read_pairs(recognizer, folder)
    assert {line.name: line.text for line in lines} == {f"{first}.JPG": first, f"deep/{fourth}.png": fourth}
    assert {what.name: what.reason for what in left_out} == {
        f"{second}.png": "broken picture",
        f"{third}.png": "text cannot be read",
        f"{fifth}.png": "two lines of text",
        "half.gt.txt": "no picture",
    }


def test_held_out_faces_are_measured_apart_in_the_test_split_alone(tmp_path: Path) -> None:
    texts = ["12", "345", "6789"]
    made = [(text, {"font": font}) for text, font in zip(texts, ("A.ttf", "B.ttf", "A.ttf"), strict=True)]
    splits = {split: samples_made(split, made) for split in ("val", "test")}
    folder = write_dataset(tmp_path / "d", splits)
    manifest = manifest_values(folder)
    write_json(folder / "manifest.json", manifest | {"fonts": {"heldout": ["B.ttf"]}})
    reader = ScriptedReader(texts, {"345": ("34", 0.5)})
    result = evaluate_dataset(reader, folder, "test")
    assert result["character_edits"] == 1
    assert (result["known_fonts"]["lines"], result["known_fonts"]["character_edits"]) == (2, 0)
    assert (result["heldout_fonts"]["lines"], result["heldout_fonts"]["character_edits"]) == (1, 1)
    assert "known_fonts" not in evaluate_dataset(reader, folder, "val")


def test_a_summary_has_rates_and_counts() -> None:
    counts = ErrorCounts(lines=3, exact=1, characters=7, character_edits=2, words=4, word_edits=3)
    assert summary(counts) == {
        "cer": 0.285714,
        "wer": 0.75,
        "exact_match": 0.333333,
        "lines": 3,
        "exact": 1,
        "characters": 7,
        "character_edits": 2,
        "words": 4,
        "word_edits": 3,
    }
