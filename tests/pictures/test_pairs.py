"""Which pictures belong to which texts: a table of folders, and what is said of each file in them."""

import os
from pathlib import Path

import pytest

from ocrlib.errors import UserError
from ocrlib.pictures.pairs import Pair, find_pairs, read_truth

FOLDERS = {
    "pairs, below too": (
        ["b.png", "b.gt.txt", "a.JPG", "a.gt.txt", "deep/er/c.tif", "deep/er/c.gt.txt"],
        ["a.JPG + a.gt.txt", "b.png + b.gt.txt", "deep/er/c.tif + c.gt.txt"],
    ),
    "forms of a line, ocropy and kraken": (
        ["p.bin.png", "p.nrm.png", "p.png", "p.gt.txt", "q.bin.png", "q.nrm.png", "q.gt.txt", "r.bin.png", "r.gt.txt"],
        [
            "p.png + p.gt.txt",
            "p.nrm.png: another form of a line (p.png is taken)",
            "p.bin.png: another form of a line (p.png is taken)",
            "q.nrm.png + q.gt.txt",
            "q.bin.png: another form of a line (q.nrm.png is taken)",
            "r.bin.png + r.gt.txt",
        ],
    ),
    "a text named after its form": (["s.bin.png", "s.bin.gt.txt"], ["s.bin.png + s.bin.gt.txt"]),
    "half pairs": (
        ["alone.png", "sole.gt.txt"],
        ["alone.png: no text (expected alone.gt.txt)", "sole.gt.txt: no picture (expected sole.png or the like)"],
    ),
    "kinds that Pillow does not read": (
        ["x.heic", "x.gt.txt", "y.svg", "notes.txt", "labels.json"],
        ["x.gt.txt: no picture (x.heic is of a kind that is not read)", "y.svg: kind of picture that is not read"],
    ),
    "two pictures of one name": (
        ["t.jpg", "t.png", "t.gt.txt"],
        ["t.jpg + t.gt.txt", "t.png: another form of a line (t.jpg is taken)"],
    ),
    "points in the name": (["v1.2.png", "v1.2.gt.txt", "v1.png", "v1.gt.txt"], ["v1.png + v1.gt.txt", "v1.2.png + v1.2.gt.txt"]),
    "nothing": ([], []),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_each_file_is_in_a_pair_or_named(tmp_path, case):
    names, expected = FOLDERS[case]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [f"{f.name} + {f.text.name}" if isinstance(f, Pair) else str(f) for f in find_pairs(tmp_path)]
    assert found == expected
    assert all(f.picture.exists() and f.text.exists() for f in find_pairs(tmp_path) if isinstance(f, Pair))


def test_a_link_to_a_folder_is_named_and_not_followed(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list(map(str, find_pairs(tmp_path))) == ["loop: link to a folder"]


def test_a_name_that_is_not_unicode_is_found(tmp_path):
    for ending in (b".png", b".gt.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9" + ending)).touch()
    (pair,) = find_pairs(tmp_path)
    assert isinstance(pair, Pair) and pair.picture.exists()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbf12.50\r\n", "12.50"),
        ("  naïve \n".encode(), "naïve"),
        (b"", ""),
        (b"one\ntwo\n", "one\ntwo"),
    ],
)
def test_a_text_is_read_without_what_an_editor_puts_around_it(tmp_path, data, text):
    (tmp_path / "a.gt.txt").write_bytes(data)
    assert read_truth(tmp_path / "a.gt.txt") == text


def test_another_encoding_is_named_with_the_file(tmp_path):
    (tmp_path / "a.gt.txt").write_bytes("café".encode("cp1252"))
    with pytest.raises(UserError, match=r"a\.gt\.txt: is not UTF-8: byte 0xe9"):
        read_truth(tmp_path / "a.gt.txt")
    assert read_truth(tmp_path / "a.gt.txt", "cp1252") == "café"
