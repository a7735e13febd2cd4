"""render_line gives stock trdg's bytes for random options, and differs only in the cases listed here."""

import pickle
import random
from collections import Counter
from dataclasses import fields, replace
from random import Random
from typing import get_args

import numpy as np
import pytest

from ocrlib.factory.render import ink as ink_module
from ocrlib.factory.render import line
from ocrlib.factory.render.glyphs import GlyphCache
from ocrlib.factory.render.ink import render_ink, split_text
from ocrlib.factory.render.line import RenderError, render_line
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.settings.render import Background, Distortion, DistortionAxis
from tests.factory.render.samples import draw_digits, draw_sentence, matplotlib_fonts, trdg_fonts, trdg_pictures
from tests.programs import run_code
from tests.stock_trdg import stock_line

NUM_CHUNKS, CASES_PER_CHUNK = 20, 40
ACCENTS = "ÀÉÎÕÜàéîõüçñßøåÅ€ -.'"
FONT = trdg_fonts()[0]


def draw_text(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return draw_digits(rng)
    if kind < 0.8:
        return draw_sentence(rng)
    return rng.choice(ACCENTS[:-4]) + "".join(rng.choices(ACCENTS, k=rng.randint(0, 20)))


def draw_color(rng: Random) -> str:
    def one() -> str:
        levels = [rng.randrange(256)] * 3 if rng.random() < 0.5 else [rng.randrange(256) for _ in range(3)]
        return "#" + bytes(levels).hex()

    return rng.choice(["#282828", "#000000", one(), f"{one()},{one()}"])


def draw_options(rng: Random) -> LineOptions:
    # Few quasicrystals: stock trdg takes a tenth of a second for each.
    background = rng.choices(["gaussian_noise", "plain_white", "quasicrystal", "image"], [6, 8, 1, 4])[0]
    return LineOptions(
        height=rng.choice([20, 32, 32, 48, 64]),
        channels=rng.choice([1, 3]),
        skew_deg=rng.choice([0, 0, 1, 5, 30, 90]),
        random_skew=rng.random() < 0.5,
        blur=rng.choice([0, 0, 0.3, 1, 2.5]),
        random_blur=rng.random() < 0.5,
        background=background,
        image_dir=trdg_pictures() if background == "image" else None,
        distortion=rng.choice(["none", "none", "sine", "cosine", "random"]),
        distortion_axis=rng.choice(["vertical", "horizontal", "both"]),
        text_color=draw_color(rng),
        stroke_width=rng.choice([0, 0, 1, 3]),
        stroke_fill=draw_color(rng),
        space_width=rng.choice([1.0, 0.0, 0.6, 2.5]),
        character_spacing=rng.choice([0, 0, 1, 7, -1]),
        word_split=rng.random() < 0.25,
        margins=rng.choice([(5, 5, 5, 5), (0, 0, 0, 0), (1, 12, 4, 3)]),
        fit=rng.random() < 0.4,
        width=rng.choice([-1, -1, 60, 400]),
        alignment=rng.choice(["left", "center", "right"]),
    )


def draw_cases(chunk: int) -> list[tuple[str, str, LineOptions, int]]:
    rng = Random(chunk)
    fonts = trdg_fonts() + 4 * matplotlib_fonts()
    return [
        (draw_text(rng), rng.choice(fonts), draw_options(rng), rng.getrandbits(rng.choice([16, 63])))
        for _ in range(CASES_PER_CHUNK)
    ]


def cut_as_trdg_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switches off what keeps lines whole; all else must be trdg's."""
    monkeypatch.setattr(ink_module, "_whole", lambda glyphs, starts, size: ((0, 0), size))
    monkeypatch.setattr(line, "_refuse_what_is_cut", lambda printed, x, width: None)


def draw_or_reason(case: tuple[str, str, LineOptions, int]) -> np.ndarray:
    """The image, or the reason why there is none, as an array."""
    try:
        return render_line(*case).image
    except RenderError as error:
        return np.array(error.reason)


def is_cut(text: str, font_path: str, options: LineOptions) -> bool:
    """Whether trdg's picture, which is as wide as the advances, leaves some ink out."""
    font = GlyphCache().glyphs(font_path, options.height, options.stroke_width)
    pieces = split_text(text, options.word_split)
    space = int(font[" "].advance * options.space_width)
    x, left, top, right, bottom = 0, 0, 0, 0, 0
    for piece in pieces:
        ink = font[piece].ink
        left, top = min(left, x + ink[0]), min(top, ink[1])
        right, bottom = max(right, x + ink[2]), max(bottom, ink[3])
        x += space if piece == " " else font[piece].advance
        x += 0 if options.word_split else options.character_spacing
    width = x - (0 if options.word_split else options.character_spacing)
    return left < 0 or top < 0 or right > width or bottom > max(font[piece].bottom for piece in pieces)


@pytest.mark.parametrize("chunk", range(NUM_CHUNKS))
def test_same_bytes_as_stock_for_random_options(chunk, monkeypatch):
    cut_as_trdg_does(monkeypatch)
    num_equal = 0
    for case in draw_cases(chunk):
        try:
            expected = stock_line(*case)
        except Exception as error:  # trdg raises all kinds of exceptions
            with pytest.raises(RenderError):
                render_line(*case)
                pytest.fail(f"stock raised {error!r}, render_line drew {case}")
            continue
        drawn = render_line(*case).image
        assert drawn.dtype == np.uint8
        assert drawn.shape[2:] == (() if case[2].channels == 1 else (3,))
        if expected is not None:
            np.testing.assert_array_equal(drawn, expected, err_msg=repr(case))
            num_equal += 1
    assert num_equal >= 0.75 * CASES_PER_CHUNK  # 20 x 30 and more in all


def test_lines_that_trdg_does_not_cut_are_the_same_with_and_without_the_cut(monkeypatch):
    cases = [case for chunk in range(8) for case in draw_cases(chunk) if not is_cut(*case[:3]) and case[2].width == -1]
    whole = [draw_or_reason(case) for case in cases]
    cut_as_trdg_does(monkeypatch)
    for case, image in zip(cases, whole, strict=True):
        np.testing.assert_array_equal(image, draw_or_reason(case), err_msg=repr(case))
    assert len(cases) > 40


def test_random_options_reach_every_kind():
    seen = Counter()
    for chunk in range(NUM_CHUNKS):
        for _, _, options, _ in draw_cases(chunk):
            for field in fields(options):
                if "color" not in field.name and field.name not in ("stroke_fill", "image_dir"):
                    seen[field.name, getattr(options, field.name)] += 1
            seen["pair", options.distortion, options.distortion_axis] += 1
            seen["paper", options.background, options.channels] += 1
    assert all(
        seen["pair", distortion, axis] > 20 for distortion in get_args(Distortion) for axis in get_args(DistortionAxis)
    )
    assert all(seen["paper", background, channels] > 10 for background in get_args(Background) for channels in (1, 3))
    assert min(seen.values()) > 10


OPTIONS = LineOptions()
REFUSED = {
    "empty text": ("", FONT, OPTIONS, "empty-text"),
    "empty text by word": ("", FONT, replace(OPTIONS, word_split=True), "empty-text"),
    "newline": ("a\nb", FONT, OPTIONS, "newline"),
    "newline by word": ("a\nb", FONT, replace(OPTIONS, word_split=True), "newline"),
    "spaces of no width": ("  ", FONT, replace(OPTIONS, space_width=0.0), "zero-width"),
    "negative spacing": ("iiiiii", FONT, replace(OPTIONS, character_spacing=-60), "zero-width"),
    "too narrow to scale": ("i", FONT, replace(OPTIONS, height=64, margins=(31, 0, 32, 0)), "zero-width"),
    "margins as high as the line": ("1", FONT, replace(OPTIONS, height=10), "zero-height"),
    "no such font": ("1", "no-such-font.ttf", OPTIONS, "font"),
    "no such colour": ("1", FONT, replace(OPTIONS, text_color="#12"), "color"),
    "crystal one pixel wide": ("1", FONT, replace(OPTIONS, background="quasicrystal", width=1), "background"),
    "no such folder": ("1", FONT, replace(OPTIONS, background="image", image_dir="/no/such"), "background"),
    "no folder": ("1", FONT, replace(OPTIONS, background="image"), "background"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_stock_raises_for(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without an image_dir stock lists the current folder
    text, font, options, reason = REFUSED[name]
    with pytest.raises(Exception):  # noqa: B017 - stock raises anything
        assert stock_line(text, font, options, 1) is not None
    with pytest.raises(RenderError) as caught:
        render_line(text, font, options, 1)
    assert caught.value.reason == reason


@pytest.mark.parametrize("word_split", [False, True])
def test_refuses_spaces_of_which_stock_gives_bare_paper(word_split):
    options = replace(OPTIONS, word_split=word_split)
    assert np.all(stock_line("   ", FONT, options, 1) == 255)
    with pytest.raises(RenderError) as caught:
        render_line("   ", FONT, options, 1)
    assert caught.value.reason == "nothing-drawn"


def test_draws_where_stock_finds_too_little_contrast():
    # trdg computes (255 + 255) / 3 = 170 for white text, so it refuses a photograph with that mean.
    options = replace(OPTIONS, background="image", image_dir=trdg_pictures(), text_color="#ffffff")
    refused = [seed for seed in range(40) if stock_line("Hello", FONT, options, seed) is None]
    assert refused
    for seed in refused:
        assert render_line("Hello", FONT, options, seed).image.shape[0] == 32


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(RenderError("newline", "expected a single line")))
    assert (type(error), error.reason, error.detail) == (RenderError, "newline", "expected a single line")
    assert str(error) == "newline: expected a single line"


def test_provenance_says_what_was_done():
    options = LineOptions(skew_deg=9, random_skew=True, blur=2.0, random_blur=True, text_color="#000000,#f00000")
    for seed in range(10):
        drawn = render_line("12:30", FONT, options, seed)
        assert -9 <= drawn.skew_deg <= 9 and 0 <= drawn.blur < 2
        assert drawn.stroke_color is None and drawn.background_picture is None
        settled = LineOptions(
            skew_deg=drawn.skew_deg % 360, blur=drawn.blur, text_color="#" + bytes(drawn.text_color).hex()
        )
        np.testing.assert_array_equal(render_line("12:30", FONT, settled, 0).image, drawn.image)


def test_provenance_names_the_picture_and_the_stroke():
    options = replace(OPTIONS, background="image", image_dir=trdg_pictures(), stroke_width=1, stroke_fill="#ff0000")
    drawn = [render_line("1", FONT, options, seed) for seed in range(30)]
    names = {one.background_picture for one in drawn}
    assert names == {"bricks.jpg", "city.jpg", "containers.jpg", "water.jpg"}
    assert {one.stroke_color for one in drawn} == {(255, 0, 0)}


def test_a_small_cache_draws_the_same(monkeypatch):
    cases = draw_cases(0)
    expected = [draw_or_reason(case) for case in cases]
    monkeypatch.setattr(line, "_GLYPHS", GlyphCache(max_bytes=1, max_fonts=1))
    for case, image in zip(cases, expected, strict=True):
        np.testing.assert_array_equal(draw_or_reason(case), image)


def test_the_random_states_of_python_and_numpy_stay_unchanged():
    random.seed(5)
    np.random.seed(5)
    options = LineOptions(background="gaussian_noise", distortion="sine", distortion_axis="both", alignment="center")
    render_line("Hello", FONT, options, 3)
    assert random.random() == Random(5).random()
    assert np.random.random_sample() == np.random.RandomState(5).random_sample()


def test_import_brings_in_neither_trdg_nor_heavy_libraries():
    code = (
        "import sys, ocrlib.factory.render.line\n"
        "print(*sorted({'trdg', 'tensorflow', 'keras', 'matplotlib', 'h5py'} & set(sys.modules)))"
    )
    assert run_code(code) == "\n"


@pytest.mark.parametrize("text, stroke_width", [("j", 0), ("jf", 0), ("\u201df\u201d", 0), ("8", 3), ("10,5", 4)])
def test_ink_beyond_the_advances_is_drawn_whole(text, stroke_width):
    """On paper with room on all sides, a line has the ink of its glyphs drawn one by one, and none at its edges."""
    italic = next(path for path in matplotlib_fonts() if path.endswith("STIXGeneralItalic.ttf"))
    options = LineOptions(height=64, margins=(0, 0, 0, 0), stroke_width=stroke_width, text_color="#000000")
    options = replace(options, stroke_fill="#000000", character_spacing=40)  # no two glyphs overlap
    font = GlyphCache().glyphs(italic, options.height, stroke_width)
    ink = render_ink(text, italic, options, GlyphCache(), (0, 0, 0), (0, 0, 0))
    total = sum(int(font.array(sign).sum(dtype=int)) for sign in text)
    assert int(np.asarray(ink).sum(dtype=int)) == total


@pytest.mark.parametrize("alignment", ["left", "center", "right"])
def test_a_text_that_a_fixed_width_cuts_is_refused(alignment):
    options = LineOptions(width=60, alignment=alignment)
    with pytest.raises(RenderError) as error:
        render_line("1234567890", FONT, options, 1)
    assert error.value.reason == "too-wide"
    assert render_line("12", FONT, options, 1).image.shape == (32, 60)
