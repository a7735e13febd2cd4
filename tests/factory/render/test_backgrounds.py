"""Backgrounds, compared with trdg's own functions, and the edge cases of pictures."""

import math
import random
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest
from PIL import Image

from ocrlib.factory.render import backgrounds
from ocrlib.factory.render.line import render_line
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.render_error import RenderError
from tests.factory.render.samples import trdg_fonts, trdg_pictures
from tests.stock_trdg import background_generator, stock_line


def stock_quasicrystal(height, width, seed):
    random.seed(seed)
    return np.asarray(background_generator.quasicrystal(height, width).convert("L"))


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_trdgs(seed):
    cv2.setRNGSeed(seed)
    expected = np.asarray(background_generator.gaussian_noise(48, 1001).convert("L"))
    np.testing.assert_array_equal(np.asarray(backgrounds.gaussian_noise(48, 1001, seed)), expected)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (3, 2), (2, 90), (32, 57), (48, 120), (24, 700)])
def test_quasicrystal_is_trdgs(height, width):
    for seed in range(2):
        drawn = np.asarray(backgrounds.quasicrystal(height, width, Random(seed)))
        np.testing.assert_array_equal(drawn, stock_quasicrystal(height, width, seed))


def test_an_uncertain_quasicrystal_pixel_is_computed_by_trdgs_formula(monkeypatch):
    monkeypatch.setattr(backgrounds, "_ROUNDING_DOUBT", 1.0)  # every pixel is uncertain
    monkeypatch.setattr(np, "rint", np.zeros_like)  # and the fast formula is wrong
    drawn = np.asarray(backgrounds.quasicrystal(20, 31, Random(4)))
    np.testing.assert_array_equal(drawn, stock_quasicrystal(20, 31, 4))


def test_quick_sum_stays_far_within_the_doubt():
    for seed in range(5):
        rng = Random(seed)
        frequency, phase, num = rng.random() * 30 + 20, rng.random() * 2 * math.pi, rng.randint(10, 20)
        for x, y in [
            (rng.uniform(-2 * math.pi, 2 * math.pi), rng.uniform(-2 * math.pi, 2 * math.pi)) for _ in range(50)
        ]:
            quick = 0.0
            for i in range(num):
                turn = i * 2 * math.pi / num
                u, v = y * math.cos(turn) * frequency + phase, x * math.sin(turn) * frequency
                quick += math.cos(u) * math.cos(v) - math.sin(u) * math.sin(v)
            exact = backgrounds._quasicrystal_sum(y, x, frequency, phase, num)
            assert abs(255 * (quick - exact) / num) < backgrounds._ROUNDING_DOUBT / 100


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
@pytest.mark.parametrize("color", ["#282828", "#2040f0"])
def test_pictures_of_any_mode_are_pasted_as_trdg_does(mode, color, tmp_path):
    source = Image.open(Path(trdg_pictures()) / "bricks.jpg").resize((60, 40))  # too small: it is enlarged
    source.convert(mode).save(tmp_path / "picture.tif", compression="raw")
    for channels in (1, 3):
        options = LineOptions(
            background="image", image_dir=str(tmp_path), text_color=color, channels=channels, height=48
        )
        expected = stock_line("Hello", trdg_fonts()[3], options, 4)
        drawn = render_line("Hello", trdg_fonts()[3], options, 4).image
        assert drawn.shape[0] == 48
        if expected is not None:
            np.testing.assert_array_equal(drawn, expected)


def test_a_file_that_is_not_a_picture_is_refused(tmp_path):
    with pytest.raises(RenderError, match="is empty"):
        backgrounds.picture(10, 10, str(tmp_path), Random(1))
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(RenderError, match=r"notes\.txt"):
        backgrounds.picture(10, 10, str(tmp_path), Random(1))


def test_a_picture_cut_short_is_refused(tmp_path):
    whole = (Path(trdg_pictures()) / "bricks.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RenderError, match=r"cut\.jpg"):
        backgrounds.picture(10, 10, str(tmp_path), Random(1))


def test_kept_pictures_are_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(backgrounds, "_pictures", type(backgrounds._pictures)())
    monkeypatch.setattr(backgrounds, "PICTURE_BYTES", 2 * 4 * 960 * 720)
    rng = Random(1)
    for _ in range(40):
        backgrounds.picture(32, 100, trdg_pictures(), rng)
    assert len(backgrounds._pictures) == 2
