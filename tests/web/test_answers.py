"""What a person says that lines say, on disk."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.errors import UserError
from ocrlib.pictures.pairs import Pair, read_truth
from ocrlib.web.answers import DIARY, NOTHING, Answers, ChangedMeanwhile, clean_text
from ocrlib.web.folder import Lines
from tests.web.labelling import draw_folder


@pytest.fixture
def line(tmp_path: Path) -> Pair:
    """One picture in a folder of its own."""
    draw_folder(tmp_path / "lines", ["12"])
    lines = Lines(tmp_path / "lines")
    assert lines.labelled == [False]
    return lines[0]


def opened(line: Pair) -> Answers:
    return Answers(line.picture.parent, copies=False)


def test_an_answer_lies_beside_its_picture_and_is_the_only_new_file(line: Pair) -> None:
    opened(line).give(line, "text", " 12 ", "13", NOTHING)
    assert line.text.read_text() == "12\n"
    assert sorted(os.listdir(line.text.parent)) == ["00.gt.txt", "00.png", DIARY]


def test_a_new_start_knows_what_was_said(line: Pair) -> None:
    opened(line).give(line, "unreadable", "", "13", NOTHING)
    assert opened(line).kinds == {"00.png": "unreadable"}
    assert not line.text.exists()


def test_what_the_model_had_read_is_counted_and_taken_back(line: Pair) -> None:
    answers = opened(line)
    version = answers.give(line, "text", "12", "13", NOTHING)
    assert (answers.counts.lines, answers.counts.character_edits) == (1, 1)
    assert opened(line).counts == answers.counts
    answers.take_back(line, version)
    assert answers.counts.lines == opened(line).counts.lines == 0
    assert len((line.text.parent / DIARY).read_bytes().split(b"\n")) == 3  # a line each, and nothing behind the last
    assert not line.text.exists()


def test_a_text_that_appears_meanwhile_stays(line: Pair) -> None:
    answers = opened(line)
    line.text.write_text("another hand\n")
    with pytest.raises(ChangedMeanwhile):
        answers.give(line, "text", "12", "13", NOTHING)
    assert line.text.read_text() == "another hand\n"


def test_a_text_that_appears_between_the_look_and_the_writing_stays(
    line: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = opened(line)
    link = os.link

    def late(source: Path, target: Path) -> None:
        target.write_text("another hand\n")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(ChangedMeanwhile):
        answers.give(line, "text", "12", "13", NOTHING)
    assert line.text.read_text() == "another hand\n"
    assert sorted(os.listdir(line.text.parent)) == ["00.gt.txt", "00.png"]


@pytest.mark.parametrize("kind", ["text", "unreadable"])
def test_a_text_that_changes_meanwhile_stays(line: Pair, kind: str) -> None:
    answers = opened(line)
    version = answers.give(line, "text", "12", "13", NOTHING)
    line.text.write_text("another hand\n")
    with pytest.raises(ChangedMeanwhile):
        answers.give(line, kind, "14", "13", version)  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhile):
        answers.take_back(line, version)
    assert line.text.read_text() == "another hand\n"


def test_taking_back_restores_the_text_and_the_reason_of_before(line: Pair) -> None:
    answers = opened(line)
    line.text.write_text("7\n")
    version = answers.give(line, "not_one_line", "", "13", answers.look(line)[0])
    assert not line.text.exists()
    answers.take_back(line, version)
    assert line.text.read_text() == "7\n"
    assert opened(line).kinds == {}
    with pytest.raises(UserError, match="no answer that can be taken back"):
        answers.take_back(line, answers.look(line)[0])


def test_a_diary_that_was_cut_short_loses_its_last_line_alone(line: Pair) -> None:
    opened(line).give(line, "text", "12", "13", NOTHING)
    diary = line.text.parent / DIARY
    with open(diary, "ab") as file:
        file.write(b'{"name": "00.png", "ki')
    answers = opened(line)
    assert (answers.damaged, answers.counts.lines) == (1, 1)
    answers.give(line, "unreadable", "", "13", answers.look(line)[0])
    assert opened(line).kinds == {"00.png": "unreadable"}
    assert len(diary.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("row", ["[]", "7", "null", '{"kind": "text"}', '{"name": "00.png", "kind": 1}', '"\\ud800"'])
def test_a_foreign_diary_is_read_as_far_as_it_goes(line: Pair, row: str) -> None:
    (line.text.parent / DIARY).write_text(f"{row}\n")
    answers = opened(line)
    assert answers.damaged == 1
    assert answers.give(line, "text", "12", None, NOTHING)


def test_a_link_in_the_place_of_a_text_or_the_diary_is_not_followed(line: Pair, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("secret")
    line.text.symlink_to(other)
    with pytest.raises(UserError, match="symbolic link"):
        opened(line).look(line)
    line.text.unlink()
    (line.text.parent / DIARY).symlink_to(other)
    with pytest.raises(UserError, match="symbolic link"):
        opened(line)
    assert other.read_text() == "secret"


def test_another_folder_gets_texts_with_their_pictures(line: Pair, tmp_path: Path) -> None:
    answers = Answers(tmp_path / "out", copies=True)
    answers.give(line, "text", "12", "13", NOTHING)
    assert sorted(os.listdir(tmp_path / "out")) == ["00.gt.txt", "00.png", DIARY]
    assert (tmp_path / "out" / "00.png").read_bytes() == line.picture.read_bytes()
    assert os.listdir(line.picture.parent) == ["00.png"]
    lines = Lines(tmp_path / "out")
    assert lines.labelled == [True]
    assert read_truth(lines[0].text) == "12"


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\0", "\x1b[2J", "a\u2028b", "\ud800", "x" * (1 << 16)])
def test_what_no_line_shows_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        clean_text(text)


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
def test_a_text_comes_back_as_it_was_written(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except UserError:
        assert not text.strip()
        return
    assert clean_text(cleaned) == cleaned
    assert json.loads(json.dumps(cleaned)) == cleaned
