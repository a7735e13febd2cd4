"""Broken fonts and pictures of paper: named by file before the first line is drawn, and left out."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrlib.dataset.manifest import read_manifest
from tests.factory.render.samples import package_folder
from tests.generating import TINY, generate, problems_of

SMALL = ("--splits.train", 12, "--splits.val", 0, "--splits.test", 0, "--workers", 1)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A folder with one good picture of paper, a cut one, a text, a hidden file and a folder."""
    folder = tmp_path / "paper"
    (folder / "more").mkdir(parents=True)
    noise = np.random.RandomState(0).randint(200, 256, (300, 400), np.uint8)
    Image.fromarray(noise).save(folder / "good.png")
    whole = (folder / "good.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden").write_text("")
    return folder


def recipe_on(paper: Path, fonts: str = '["matplotlib"]') -> Path:
    path = paper.parent / "tiny.toml"
    text = re.sub(r"background = .*", f'background = "image"\nbackground_images = "{paper}"', TINY, count=1)
    path.write_text(re.sub(r"fonts = .*", f"fonts = {fonts}", text, count=1))
    return path


def test_broken_pictures_of_paper_are_named_and_the_others_drawn(paper: Path) -> None:
    done = generate(recipe_on(paper), *SMALL)
    assert done.code == 0, done.stderr
    first, *named = done.messages
    assert first == f"[render] background_images '{paper}': left out 3 of 4"
    assert [line.split(":")[0].strip() for line in named] == ["cut.png", "notes.txt", "more"]
    assert named[1].endswith("notes.txt: cannot be read as a picture: not a picture")
    assert named[2].endswith("more: is a folder; only files beside each other are drawn")
    dataset = paper.parent / "tiny"
    assert problems_of(dataset) == []
    assert read_manifest(dataset).rejected["background"] > 0


def test_nothing_left_to_draw_on_is_refused_before_drawing(paper: Path) -> None:
    (paper / "good.png").unlink()
    done = generate(recipe_on(paper), *SMALL)
    assert done.code == 2
    (line,) = done.messages
    assert f"background_images '{paper}': none of its 2 files is usable (cut.png: " in line
    for name in ("cut.png", "notes.txt"):
        (paper / name).unlink()
    (line,) = generate(recipe_on(paper), *SMALL).messages
    assert line == f"[render] background_images '{paper}': expected a folder of pictures, or 'trdg'"


@pytest.mark.parametrize("one_by_one", [False, True], ids=["a folder", "files"])
def test_a_font_that_does_not_open_is_named(paper: Path, one_by_one: bool) -> None:
    fonts = paper.parent / "fonts"
    fonts.mkdir()
    shutil.copy(package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", fonts)
    (fonts / "Broken.ttf").write_bytes(b"no font")
    for name in ("cut.png", "notes.txt"):
        (paper / name).unlink()
    (paper / "more").rmdir()
    sources = f'["{fonts}/Broken.ttf", "{fonts}/DejaVuSans.ttf"]' if one_by_one else f'["{fonts}"]'
    done = generate(recipe_on(paper, sources), *SMALL)
    assert done.code == 0, done.stderr
    assert done.messages[0] == "[render] fonts: left out 1"
    assert done.messages[1].startswith("  Broken.ttf: cannot be opened: ")
    (fonts / "DejaVuSans.ttf").unlink()
    (line,) = generate(recipe_on(paper, f'["{fonts}"]'), "--out", paper.parent / "d", *SMALL).messages
    assert line.startswith("[render] no font of 1 draws the charset (Broken.ttf cannot be opened: ")
