"""Which fonts can draw which characters: found out from drawn glyphs, because character maps are sometimes wrong."""

import shutil
from pathlib import Path

import pytest

from ocrlib.charset import ASCII, Charset
from ocrlib.errors import UserError
from ocrlib.factory.render.fonts import load_faces, supported_characters
from ocrlib.factory.settings.render import FontSet
from tests.factory.render.samples import package_folder

TRDG = package_folder("trdg") / "fonts" / "latin"
MATPLOTLIB = package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf"
DIGITS = "0123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def faces_of(*sets, charset=DIGITS, coverage=1.0):
    return load_faces([FontSet(source=str(source)) for source in sets], charset, coverage)


def message_of(*sets, **kwargs):
    with pytest.raises(UserError) as caught:
        faces_of(*sets, **kwargs)
    message = str(caught.value)
    assert "\n" not in message and message.startswith("[render] ")
    return message.removeprefix("[render] ")


@pytest.mark.parametrize(
    "name",
    ["BEBAS___.ttf", "Capture_it.ttf", "Capture_it_2.ttf", "SEASRN__.ttf", "AmaticSC-Regular.ttf", "Amatic-Bold.ttf"],
)
def test_a_face_that_draws_small_letters_as_capitals_draws_no_small_letters(name):
    supported = supported_characters(TRDG / name, LETTERS + LETTERS.upper() + DIGITS)
    assert supported.isdisjoint(LETTERS)
    assert supported.issuperset(LETTERS.upper() + DIGITS)


@pytest.mark.parametrize("name", ["Aller_Bd.ttf", "Raleway-Black.ttf", "Lato-Light.ttf", "Walkway_Bold.ttf"])
def test_a_face_with_both_cases_draws_both(name):
    assert supported_characters(TRDG / name, LETTERS + LETTERS.upper()) == set(LETTERS + LETTERS.upper())


def test_glyphs_that_are_mapped_but_blank_do_not_count():
    """SEASRN__ has these in its character map, so a check of the map alone would accept them."""
    blank = "#%+<=>[\\]^{|}~"
    assert supported_characters(TRDG / "SEASRN__.ttf", blank + "ABC0123") == set("ABC0123")


def test_the_missing_glyph_box_does_not_count():
    walkways = sorted(TRDG.glob("Walkway_*.ttf"))
    assert len(walkways) == 9
    for path in walkways:
        assert supported_characters(path, "a1€") == {"a", "1"}
    assert supported_characters(MATPLOTLIB / "DejaVuSans.ttf", "a1€中\U0010fffd") == {"a", "1", "€"}


@pytest.mark.parametrize(
    ("name", "characters", "supported"),
    [
        ("cmr10.ttf", 'ab12"<>\\^_`{|}~', "ab12"),
        ("cmtt10.ttf", "ab12^`~{}", "ab12{}"),
        ("cmti10.ttf", "ab12$", "ab12"),
    ],
)
def test_tex_fonts_do_not_draw_what_their_encoding_moved(name, characters, supported):
    assert supported_characters(MATPLOTLIB / name, characters) == set(supported)


def test_symbol_fonts_are_left_out_and_it_says_why():
    faces, left_out = faces_of("matplotlib", charset=ASCII)
    names = {face.name for face in faces}
    assert {"DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf", "STIXGeneral.ttf"} <= names
    for name in ("cmsy10.ttf", "cmex10.ttf"):
        assert left_out[name] == "is no text face: its letters and digits are signs"
    assert "STIXNonUni.ttf" in left_out
    assert names.isdisjoint(left_out)


def test_trdgs_fonts_over_the_digits():
    faces, left_out = faces_of("trdg:latin")
    assert len(faces) + len(left_out) == 100
    assert len(faces) >= 95
    assert all(face.supported == set(DIGITS) for face in faces)


def test_each_face_is_hashed_named_and_ordered():
    faces, _ = faces_of("matplotlib")
    assert [face.name for face in faces] == sorted(face.name for face in faces)
    assert all(len(face.sha256) == 64 and Path(face.path).name == face.name for face in faces)


def test_the_same_file_under_two_names_is_drawn_once(tmp_path):
    for name in ("a.ttf", "b.ttf"):
        shutil.copy(MATPLOTLIB / "DejaVuSans.ttf", tmp_path / name)
    shutil.copy(MATPLOTLIB / "DejaVuSerif.ttf", tmp_path / "c.ttf")
    faces, _ = faces_of(tmp_path)
    assert [face.name for face in faces] == ["a.ttf", "c.ttf"]


def test_a_folder_is_searched_to_its_depth_for_font_files_only(tmp_path):
    (tmp_path / "deep").mkdir()
    shutil.copy(MATPLOTLIB / "DejaVuSans.ttf", tmp_path / "deep" / "Sans.TTF")
    shutil.copy(MATPLOTLIB / "DejaVuSerif.ttf", tmp_path / "Serif.ttf")
    (tmp_path / "README.txt").write_text("fonts")
    faces, left_out = faces_of(tmp_path)
    assert ([face.name for face in faces], left_out) == (["Sans.TTF", "Serif.ttf"], {})


def test_a_damaged_font_of_a_folder_is_left_out_with_its_reason(tmp_path):
    shutil.copy(MATPLOTLIB / "DejaVuSans.ttf", tmp_path)
    (tmp_path / "Broken.ttf").write_text("no font")
    faces, left_out = faces_of(tmp_path)
    assert [face.name for face in faces] == ["DejaVuSans.ttf"]
    assert left_out["Broken.ttf"].startswith("cannot be opened: ")


def test_a_sets_weight_is_shared_by_its_faces_and_one_without_weighs_one_each():
    sans = str(MATPLOTLIB / "DejaVuSans.ttf")
    faces, _ = load_faces([FontSet(source=sans), FontSet(source="trdg:latin", weight=2.0)], DIGITS, 1.0)
    weights = {face.name: face.weight for face in faces}
    assert weights.pop("DejaVuSans.ttf") == 1.0
    assert sum(weights.values()) == pytest.approx(2.0)
    assert len(set(weights.values())) == 1


def test_the_space_is_drawable_where_the_charset_has_it():
    path = MATPLOTLIB / "DejaVuSans.ttf"
    assert faces_of(path, charset="a b")[0][0].supported == {"a", " ", "b"}
    assert faces_of(path, charset="ab")[0][0].supported == {"a", "b"}


def test_coverage_admits_a_face_that_lacks_signs_but_never_letters_or_digits():
    charset = Charset.named("latin-basic").characters
    walkway, seasrn = TRDG / "Walkway_Bold.ttf", TRDG / "SEASRN__.ttf"
    assert "lacks" in message_of(walkway, charset=charset)
    (face,), _ = faces_of(walkway, charset=charset, coverage=0.8)
    assert "€" not in face.supported and "é" in face.supported
    assert "lacks abcdefghijklmnopqrstuvwxyz" in message_of(seasrn, charset=LETTERS + LETTERS.upper(), coverage=0.1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("matplotib", "fonts 'matplotib': no such set, folder or file; did you mean 'matplotlib'?"),
        ("trdg:latn", "fonts 'trdg:latn': no such set, folder or file; did you mean 'trdg:latin'?"),
        ("trdg", "fonts 'trdg': no such set, folder or file; did you mean 'trdg:latin'?"),
        (
            "/no/such.ttf",
            "fonts '/no/such.ttf': no such set, folder or file; sets are trdg:latin, matplotlib, system:serif, system:sans, system:typewriter, system:machine, system:display",
        ),
    ],
)
def test_an_unknown_set_names_the_nearest(source, message):
    assert message_of(source) == message


def test_a_folder_without_fonts(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    assert message_of(tmp_path) == f"fonts '{tmp_path}': holds no .ttf, .otf, .ttc file"


def test_a_file_that_is_no_font(tmp_path):
    path = tmp_path / "a.ttf"
    path.write_text("no font")
    assert message_of(path).startswith("no font of 1 draws the charset (a.ttf cannot be opened: ")


def test_a_file_that_is_no_font_is_left_out_where_another_is_left(tmp_path):
    broken = tmp_path / "a.ttf"
    broken.write_text("no font")
    sets = [FontSet(source=str(path)) for path in (broken, MATPLOTLIB / "DejaVuSans.ttf")]
    faces, left_out = load_faces(sets, DIGITS, 1.0)
    assert [face.name for face in faces] == ["DejaVuSans.ttf"]
    assert left_out["a.ttf"].startswith("cannot be opened: ")


def test_a_font_named_by_itself_that_lacks_the_charset():
    path = MATPLOTLIB / "DejaVuSans.ttf"
    assert message_of(path, charset="12中") == f"font {path} lacks 中; choose another, or lower render.font_coverage"


def test_no_face_left_shows_some_reasons():
    message = message_of("matplotlib", charset="中文字")
    assert message.startswith("no font of ")
    assert "lacks 中文字" in message and "add fonts to render.fonts" in message
    assert len(message) < 400
