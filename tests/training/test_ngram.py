"""The language model of a start: taken over where validation lines are read no worse with it, else left out."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ocrlib import config
from ocrlib.batches.selection import SelectionConfig
from ocrlib.charset import Charset
from ocrlib.network.crnn import build_crnn
from ocrlib.reading.decoding.ngram import NGram, learn_ngram
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training import ngram as module
from ocrlib.training.checkpoint import save_network
from ocrlib.training.ngram import take_over_ngram
from ocrlib.training.settings import RunConfig
from ocrlib.training.trainer import train
from tests.training_fixtures import numbers, write_dataset

SELECTION = SelectionConfig()


def ngram(texts: list[str], charset: str = "0123456789") -> NGram:
    return learn_ngram(texts, Charset(charset))[0]


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A run folder as far as its language model goes."""
    folder = tmp_path / "start"
    folder.mkdir()
    (folder / "best.keras").touch()
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with an untrained network of three digits."""
    folder = tmp_path / "run"
    folder.mkdir()
    save_network(build_crnn(32, 4, stride=2, filters=0.1, charset="210"), folder / "best.keras")
    return folder


@pytest.fixture
def edits(monkeypatch: pytest.MonkeyPatch) -> dict[bool, int]:
    """The edits that lines of 100 characters need, read with a language model and without; to be set."""
    given: dict[bool, int] = {}

    def evaluated(recognizer: Recognizer, folder: Path, split: str, selection: SelectionConfig) -> dict[str, Any]:
        assert (split, selection) == ("val", SELECTION)
        return {"character_edits": given[recognizer._decoder._beam is not None], "characters": 100}

    monkeypatch.setattr(module, "evaluate_dataset", evaluated)
    return given


@pytest.mark.parametrize(("with_it", "kept"), [(3, True), (5, True), (6, False)])
def test_it_is_taken_over_where_lines_are_read_no_worse(
    with_it: int, kept: bool, start: Path, run: Path, edits: dict[bool, int], capsys: pytest.CaptureFixture[str]
) -> None:
    ngram(["012", "907", "210"]).save(start / "best.ngram")
    edits |= {True: with_it, False: 5}
    for _ in range(2):  # a second call does the same
        told = take_over_ngram(run, str(start), [Path("one"), Path("other")], SELECTION)
        assert told == {"kept": kept, "cer": with_it / 100, "cer_without": 0.05}
        assert (run / "best.ngram").exists() is kept
    if kept:
        assert NGram.load(run / "best.ngram").charset == Charset("210")  # of the network that it lies beside
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"language model of {start}: CER of the validation lines {with_it:.2f}% with it, 5.00% without; "
        + ("taken over" if kept else "left out")
    )


def test_one_that_was_taken_over_before_is_removed_where_it_is_worse(
    start: Path, run: Path, edits: dict[bool, int]
) -> None:
    for path in (start / "best.ngram", run / "best.ngram"):
        ngram(["012"]).save(path)
    edits |= {True: 9, False: 5}
    told = take_over_ngram(run, str(start), [Path("one")], SELECTION)
    assert told is not None and told["kept"] is False
    assert not (run / "best.ngram").exists()


def test_a_start_without_one_has_none_to_take_over(start: Path, run: Path, edits: dict[bool, int]) -> None:
    assert take_over_ngram(run, str(start), [Path("one")], SELECTION) is None
    assert not (run / "best.ngram").exists()


def test_a_training_does_not_fail_for_one_that_cannot_be_used(
    start: Path, run: Path, edits: dict[bool, int], capsys: pytest.CaptureFixture[str]
) -> None:
    (start / "best.ngram").write_text("none")
    assert take_over_ngram(run, str(start), [Path("one")], SELECTION) is None
    assert "left out; " in capsys.readouterr().out
    ngram(["abc"], "abc").save(start / "best.ngram")  # the network was given other characters
    assert take_over_ngram(run, str(start), [Path("one")], SELECTION) is None
    assert "knows none of the characters" in capsys.readouterr().out
    shutil.rmtree(start)  # while the training went on
    assert take_over_ngram(run, str(start), [Path("one")], SELECTION) is None
    assert "left out; " in capsys.readouterr().out
    assert not (run / "best.ngram").exists()


def test_a_whole_training_takes_over_the_one_of_its_start(start: Path, tmp_path: Path) -> None:
    save_network(build_crnn(32, 11, stride=4, filters=0.1, charset="0123456789"), start / "best.keras")
    ngram(numbers(20, seed=3)).save(start / "best.ngram")
    dataset = write_dataset(tmp_path / "d", {"train": numbers(8, seed=1), "val": numbers(2, seed=2)})
    asked = config.build(RunConfig, {"data": {"batch_size": 4}, "train": {"epochs": 1}}, {}, "the test")
    metrics = train([dataset], tmp_path / "run", asked, init=str(start))
    told = metrics["language_model"]
    assert set(told) == {"kept", "cer", "cer_without"}
    assert told["kept"] is (told["cer"] <= told["cer_without"])
    assert (tmp_path / "run" / "best.ngram").exists() is told["kept"]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["language_model"] == told
