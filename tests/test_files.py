"""Files that are written whole or not at all."""

import errno
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrlib.files import give_name, open_whole, read_json, whole_path, write_bytes, write_json, write_output


def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new")
    assert json.loads(path.read_text()) == {"old": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_json_is_written_in_utf8_and_ends_with_a_line_break(tmp_path):
    write_json(tmp_path / "a.json", {"ä": "€"})
    assert (tmp_path / "a.json").read_bytes() == '{\n "ä": "€"\n}\n'.encode()


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    with open_whole(path, "w", encoding="utf-8") as file:
        file.write("é")
        (name,) = os.listdir(tmp_path)
        assert re.fullmatch(rf"\.a\.txt\.{os.getpid()}\.[0-9a-f]{{16}}\.tmp", name)
    assert path.read_bytes() == "é".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_output(tmp_path / "pipe", b"abc")
    assert os.read(reader, 10) == b"abc"
    os.close(reader)
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("what", ["pipe", "link to a pipe", "link to a file"])
def test_nothing_is_written_through_what_a_stranger_put_in_the_place_of_a_file_of_ours(tmp_path, what):
    there, place = tmp_path / "there", tmp_path / "manifest.json"
    there.write_text("old") if what == "link to a file" else os.mkfifo(place if what == "pipe" else there)
    if what != "pipe":
        place.symlink_to(there)
    write_json(place, {"new": 1})  # waited for a reader of the pipe
    assert not place.is_symlink() and json.loads(place.read_text()) == {"new": 1}
    assert what != "link to a file" or there.read_text() == "old"


@pytest.mark.parametrize("fails", [False, True])
def test_a_library_that_opens_its_file_itself_gets_a_temporary_name(tmp_path, fails):
    path = tmp_path / "best.keras"
    path.write_text("old")
    try:
        with whole_path(path, ending=".keras") as temporary:
            assert temporary.parent == tmp_path and temporary.suffix == ".keras"
            temporary.write_text("new")
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    assert path.read_text() == ("old" if fails else "new")
    assert os.listdir(tmp_path) == ["best.keras"]


def test_a_temporary_file_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if somebody knew the name: a link is never opened for writing."""
    monkeypatch.setattr("secrets.token_hex", lambda num_bytes: "known")
    (tmp_path / "precious").write_text("kept")
    (tmp_path / f".a.json.{os.getpid()}.known.tmp").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write_json(tmp_path / "a.json", {})
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize(
    "answer", [None, errno.EPERM, errno.ENOSYS], ids=["with hard links", "FAT", "without the call"]
)
def test_a_second_name_is_a_link_or_else_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int | None
) -> None:
    (tmp_path / "a").write_bytes(b"shard")
    (tmp_path / "b").write_bytes(b"another, which is outgrown")
    if answer is not None:
        monkeypatch.setattr("os.link", refusing(answer))
    give_name(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"shard"
    assert os.path.samefile(tmp_path / "a", tmp_path / "b") == (answer is None)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_second_name_fails_for_any_other_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"shard")
    monkeypatch.setattr("os.link", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        give_name(tmp_path / "a", tmp_path / "b")


def refusing(number: int) -> Callable[[Path, Path], None]:
    def link(source: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    return link


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("é" * 127), b"x")
    assert (tmp_path / ("é" * 127)).read_bytes() == b"x"


def test_a_number_that_json_has_no_form_for_becomes_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [float("nan"), 1.5], "b": (float("inf"),)})
    assert read_json(tmp_path / "a.json") == {"a": [None, 1.5], "b": [None]}
    (tmp_path / "a.json").write_text("[NaN, Infinity]")
    assert read_json(tmp_path / "a.json") == [None, None]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
def test_json_is_read_from_a_regular_file_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("ocrlib.files.MAX_JSON_BYTES", 10)
    path = tmp_path / "a.json"
    if kind == "link":
        (tmp_path / "b.json").write_text("{}")
        path.symlink_to(tmp_path / "b.json")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("[0, 0, 0, 0]")
    with pytest.raises(OSError):
        read_json(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 5000, b'"\\ud800"'],
    ids=["empty", "cut", "no UTF-8", "deep", "digits", "half a pair"],
)
def test_what_is_not_json_is_a_value_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "a.json")
