"""`ocrlib language-model`: texts, datasets and recipes become a file, and what cannot be used is refused in a line."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from PIL import Image

from ocrlib import cli
from ocrlib.charset import Charset
from ocrlib.invocation import command
from ocrlib.reading.decoding.ngram import NGram, learn_ngram
from tests.generating import TINY
from tests.hostile.material import tiny_onnx
from tests.programs import Outcome
from tests.training_fixtures import draw_line, write_dataset

CHARACTERS = "abcéü 0123456789.,-"
Command = Callable[..., Outcome]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of these characters, whose answers mean nothing."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    onnx.save(tiny_onnx(charset=CHARACTERS), path)
    return path


@pytest.fixture
def learn(run_here: Callable[..., Outcome], model: Path, tmp_path: Path) -> Command:
    """Runs the command in this process; its file is out.ngram, unless `out` says otherwise."""

    def run(*arguments: object, out: object = tmp_path / "out.ngram") -> Outcome:
        return run_here(cli.main, "ocrlib", "language-model", *arguments, "--model", model, "--out", out)

    return run


def said(outcome: Outcome) -> list[str]:
    """The lines of standard error, without the progress bar, which has no end to count to."""
    return [line for line in outcome.messages if not line.strip().startswith("texts: ")]


def same_counts(path: Path, texts: list[str]) -> bool:
    """Whether a file is that of these texts."""
    found, expected = NGram.load(path), learn_ngram(texts, Charset(CHARACTERS))[0]
    return found.charset == expected.charset and [(c.tolist(), t.tolist()) for c, t in found.counts] == [
        (c.tolist(), t.tolist()) for c, t in expected.counts
    ]


def test_a_text_file_is_read_as_editors_of_all_systems_write_it(learn: Command, model: Path, tmp_path: Path) -> None:
    lines = ["a\u00e9 bc", unicodedata.normalize("NFD", "\u00fcb"), "  ab ", "", "   ", "\u00e4 c", "ab"]
    (tmp_path / "text.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    done = learn(tmp_path / "text.txt")
    out = tmp_path / "out.ngram"
    assert (done.code, said(done)) == (0, []), done.stderr
    assert same_counts(out, ["a\u00e9 bc", "\u00fcb", "ab"])  # "ab" once
    how = command("predict", "--model", model, "--language-model", out, "PATH")
    assert done.stdout == (
        f"{out}: 0.0 MB, of 3 different lines, 1 more left out, which have other characters; go on with `{how}`\n"
    )


def test_a_text_without_other_characters_leaves_nothing_out(learn: Command, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("ab\ncab")
    done = learn(tmp_path / "text.txt")
    assert "of 2 different lines; go on with" in done.stdout


def test_a_dataset_gives_its_training_lines(learn: Command, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": ["12", "345", "12"], "val": ["678"], "test": ["9"]})
    done = learn(folder)
    assert done.code == 0, done.stderr
    assert same_counts(tmp_path / "out.ngram", ["12", "345"])


def test_a_recipe_is_drawn_from_without_pictures(learn: Command, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    done = learn(tmp_path / "tiny.toml", "--lines", 40)
    assert done.code == 0, done.stderr
    few = NGram.load(tmp_path / "out.ngram")
    starts = few.counts[-1][0] // few.base == few.beginning
    assert 0 < few.counts[-1][1][starts].sum() <= 40
    assert learn(tmp_path / "tiny.toml", "--lines", 80).code == 0
    many = NGram.load(tmp_path / "out.ngram")  # in place of the one that was there
    assert many.counts[0][1].sum() > few.counts[0][1].sum()
    assert not (tmp_path / "tiny").exists()


def test_several_sources_are_counted_together_and_the_file_is_as_small_as_asked(learn: Command, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("abc\nab")
    (tmp_path / "other.txt").write_text("ab\ncc")
    folder = write_dataset(tmp_path / "d", {"train": ["12"]})
    done = learn(tmp_path / "one.txt", tmp_path / "other.txt", folder, "--megabytes", 1)
    assert done.code == 0, done.stderr
    assert same_counts(tmp_path / "out.ngram", ["abc", "ab", "cc", "12"])


def test_what_cannot_be_used_is_refused_in_a_line(learn: Command, tmp_path: Path) -> None:
    (tmp_path / "sound.txt").write_text("abc\n")
    (tmp_path / "latin1.txt").write_bytes("ab\n\u00fc".encode("latin-1"))
    (tmp_path / "greek.txt").write_text("\u03b1\u03b2\n", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.toml").write_text("[text")
    untrained = write_dataset(tmp_path / "d", {"test": ["12"]})
    for source, message in {
        "absent.txt": f"{tmp_path / 'absent.txt'}: cannot be read: No such file or directory",
        "absent.toml": "absent.toml: ",
        "latin1.txt": f"{tmp_path / 'latin1.txt'}: expected UTF-8, but byte 3 is none; convert it first",
        "greek.txt": "no line consists of the model's characters alone, so nothing can be learned",
        "empty.txt": "no line consists of the model's characters alone, so nothing can be learned",
        "empty": f"{tmp_path / 'empty'}",
        "broken.toml": "broken.toml: ",
        "d": f"{untrained}: has no training split to learn from",
    }.items():
        beside = [] if message.startswith("no line consists") else [tmp_path / "sound.txt"]
        done = learn(*beside, tmp_path / source)
        assert (done.code, len(said(done))) == (2, 1), (source, done.stderr)
        assert message in said(done)[0]
    assert not (tmp_path / "out.ngram").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("out.txt", "out.txt: expected a name that ends in .ngram"),
        ("out", "out: expected a name that ends in .ngram"),
        ("absent/out.ngram", "cannot be written: expected a file in a folder that is there"),
        ("folder.ngram", "cannot be written: expected a file in a folder that is there"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(out: str, message: str, learn: Command, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("abc\n")
    (tmp_path / "folder.ngram").mkdir()
    done = learn(tmp_path / "text.txt", out=tmp_path / out)
    assert (done.code, len(said(done))) == (2, 1), done.stderr
    assert message in said(done)[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.ngram", "text.txt"]


@pytest.mark.parametrize("option", [("--lines", 0), ("--megabytes", 0), ("--megabytes", 61), ("--lines", "many")])
def test_a_number_that_cannot_be_is_refused(option: tuple[str, object], learn: Command, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("abc\n")
    done = learn(tmp_path / "text.txt", *option)
    assert (done.code, len(said(done))) == (2, 1), done.stderr
    assert option[0] in said(done)[0]


def test_predict_is_told_a_language_model_by_its_option(
    learn: Command, run_here: Callable[..., Outcome], model: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("abc\n")
    assert learn(tmp_path / "text.txt").code == 0
    Image.fromarray(draw_line("12")).save(tmp_path / "line.png")

    def predict(*options: object) -> Outcome:
        return run_here(cli.main, "ocrlib", "predict", "--model", model, tmp_path / "line.png", *options)

    told, plain = predict("--language-model", tmp_path / "out.ngram"), predict()
    assert (told.code, plain.code, predict("--language-model", "none").stdout) == (0, 0, plain.stdout)
    assert told.stdout != plain.stdout
    refused = predict("--language-model", tmp_path / "out.ngram", "--nbest", 2)
    assert (refused.code, len(refused.messages)) == (2, 1)
    assert "language model: is not used where a pattern, lexicon, charset or check is given" in refused.stderr
