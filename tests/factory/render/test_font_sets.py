"""Where font files come from: parts of a set, the system's sets, and held-out fonts that only `test` uses."""

import errno
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from ocrlib.errors import UserError
from ocrlib.factory.render import font_sets
from ocrlib.factory.render.font_sets import find_fonts
from ocrlib.factory.render.fonts import load_faces
from ocrlib.factory.render.renderer import Renderer, split_faces
from ocrlib.factory.settings.render import FontSet, Render
from ocrlib.factory.text.source import DrawnText

DIGITS = "0123456789"
SANS = FontSet(source="matplotlib", only=("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf"))


class Numbers:
    """A TextSource of one number."""

    def __init__(self) -> None:
        self.inputs: dict[str, str] = {}

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        return DrawnText("31415", "test")


def names(**settings: object) -> list[str]:
    return [path.name for path in find_fonts(FontSet(**settings))]  # type: ignore[arg-type]


def test_only_and_without_pick_among_the_files_of_a_set():
    everything = names(source="matplotlib")
    serif = names(source="matplotlib", only=("DejaVuSerif*",))
    assert serif == [name for name in everything if name.startswith("DejaVuSerif")]
    assert names(source="matplotlib", only=("DejaVuSerif*",), without=("*Bold*", "*Display*")) == [
        "DejaVuSerif-Italic.ttf",
        "DejaVuSerif.ttf",
    ]
    assert names(source="matplotlib", without=("*",), optional=True) == []


def test_a_set_of_the_system_is_what_is_there_of_its_families(tmp_path, monkeypatch):
    monkeypatch.setattr(font_sets, "_SYSTEM_FOLDERS", (str(tmp_path / "fonts"), str(tmp_path / "more")))
    assert names(source="system:serif", optional=True) == []
    with pytest.raises(UserError, match="fonts 'system:serif': none of them is installed; `make fonts`"):
        names(source="system:serif")
    (source,) = find_fonts(FontSet(source="matplotlib", only=("DejaVuSerif.ttf",)))
    for folder, name in (("fonts", "FreeSerif.ttf"), ("more", "FreeSerif.ttf"), ("more", "FreeMono.ttf")):
        path = tmp_path / folder / "deep" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
    assert names(source="system:serif") == ["FreeSerif.ttf"]
    assert names(source="system:typewriter") == ["FreeMono.ttf"]


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder with a font, and in it a folder that nobody may list; root may list every one."""
    folder = tmp_path / "fonts"
    (folder / "closed").mkdir(parents=True)
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return folder


def test_a_folder_that_may_not_be_listed_is_told(closed, monkeypatch):
    with pytest.raises(UserError, match=f"{closed / 'closed'} cannot be read: Permission denied"):
        names(source=str(closed))
    monkeypatch.setattr(
        font_sets, "_SYSTEM_FOLDERS", (str(closed), str(closed / "absent"), "~nobody-of-that-name/fonts")
    )
    with pytest.raises(
        UserError, match=f"none of them is installed .{closed / 'closed'} cannot be read.; `make fonts`"
    ):
        names(source="system:serif")
    shutil.copy(find_fonts(FontSet(source="matplotlib", only=("DejaVuSans.ttf",)))[0], closed / "FreeSerif.ttf")
    assert names(source="system:serif") == ["FreeSerif.ttf"]


def test_a_face_in_two_sets_weighs_for_both():
    both = [
        FontSet(source="matplotlib", only=("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), weight=4),
        FontSet(source="matplotlib", only=("DejaVuSans.ttf",), weight=3),
    ]
    faces, _ = load_faces(both, DIGITS, 1.0)
    assert {face.name: face.weight for face in faces} == {"DejaVuSans.ttf": 5.0, "DejaVuSans-Bold.ttf": 2.0}


def test_held_out_faces_draw_their_share_of_test_and_nothing_else():
    render = Render(fonts=[SANS], heldout_fonts=("DejaVuSans-Bold*",), heldout_share=0.5)  # type: ignore[arg-type]
    faces, _ = load_faces([SANS], DIGITS, 1.0)
    renderer = Renderer(render, 1, faces, Numbers())
    drawn = {
        split: Counter(str(renderer.render(split, i)[0].provenance["font"]) for i in range(200))
        for split in ("train", "val", "test")
    }
    assert set(drawn["train"]) == set(drawn["val"]) == {"DejaVuSans.ttf", "DejaVuSansMono.ttf"}
    assert 70 < drawn["test"]["DejaVuSans-Bold.ttf"] < 130


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("Deja-Vu*",), "no usable face has a name like 'Deja-Vu\\*'"),
        (("DejaVu*",), "holds out every face"),
    ],
)
def test_a_held_out_set_that_cannot_be(patterns, message):
    faces, _ = load_faces([SANS], DIGITS, 1.0)
    with pytest.raises(UserError, match=message):
        split_faces(Render(fonts=[SANS], heldout_fonts=patterns), faces)  # type: ignore[arg-type]


def test_a_held_out_face_that_lacks_a_character_is_told_so():
    held_out = Render(fonts=[SANS], heldout_fonts=("cmtt10*",))  # type: ignore[arg-type]
    faces, _ = load_faces([SANS], DIGITS, 1.0)
    with pytest.raises(UserError, match=r"has a name like 'cmtt10\*'; cmtt10.ttf lacks €$"):
        split_faces(held_out, faces, {"cmtt10.ttf": "lacks €"})


def test_the_files_of_a_set_are_there():
    assert all(isinstance(path, Path) and path.is_file() for path in find_fonts(FontSet(source="trdg:latin")))
