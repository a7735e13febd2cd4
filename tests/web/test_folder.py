"""The lines of a folder, as the desk lists them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrlib.errors import UserError
from ocrlib.pictures.pairs import Pair, find_pairs
from ocrlib.web.folder import Lines
from tests.web.labelling import draw_folder


def test_no_picture_is_opened_to_list_them(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("0.png", "1.png", "below/2.png"):
        (tmp_path / name).touch()
    lines = Lines(tmp_path)
    assert lines.names == ["0.png", "1.png", "below/2.png"]
    assert lines[2].text == tmp_path / "below" / "2.gt.txt"


def test_each_line_is_shown_once_whatever_forms_it_is_kept_in(tmp_path: Path) -> None:
    names = "a.png a.bin.png b.nrm.png b.bin.png b.bin.gt.txt c.jpg c.png d.gt.txt e.txt f.png F.svg g.PNG g.GT.TXT"
    for name in names.split():
        (tmp_path / name).touch()
    lines = Lines(tmp_path)
    assert [(line.name, line.text.name, labelled) for line, labelled in zip(lines, lines.labelled, strict=True)] == [
        ("a.png", "a.gt.txt", False),
        ("b.bin.png", "b.bin.gt.txt", True),
        ("c.jpg", "c.gt.txt", False),
        ("f.png", "f.gt.txt", False),
        ("g.PNG", "g.GT.TXT", True),
    ]
    left = [(each.name, each.reason) for each in lines.left_out]
    assert sorted(left) == [
        ("F.svg", "kind of picture that is not read"),
        ("a.bin.png", "another form of a line"),
        ("b.nrm.png", "another form of a line"),
        ("c.png", "another form of a line"),
        ("d.gt.txt", "no picture"),
    ]


_NAMES = st.sets(st.sampled_from([f"{a}{b}{c}" for a in "pq" for b in ("", ".nrm", ".bin") for c in (".png", ".jpg")]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    pictures=_NAMES.filter(bool), texts=st.dictionaries(st.sampled_from("pq"), st.sampled_from(["", ".nrm", ".bin"]))
)
def test_what_is_labelled_is_what_an_import_takes(
    tmp_path_factory: pytest.TempPathFactory, pictures: set[str], texts: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    for name in [*pictures, *(f"{stem}{form}.gt.txt" for stem, form in texts.items())]:
        (folder / name).touch()
    lines = Lines(folder)
    labelled = [(line.name, line.text) for line, has in zip(lines, lines.labelled, strict=True) if has]
    assert labelled == [(pair.name, pair.text) for pair in find_pairs(folder) if isinstance(pair, Pair)]


@pytest.mark.parametrize(
    ("name", "message"), [("nothing", "no such folder"), ("empty", "has no pictures"), ("set", "is a dataset")]
)
def test_what_is_no_folder_of_lines_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    draw_folder(tmp_path / "set", ["1"])
    (tmp_path / "set" / "manifest.json").touch()
    with pytest.raises(UserError, match=message):
        Lines(tmp_path / name)
