"""Degradations: each keeps the height, depends only on its seed, and has the share that the recipe asks for."""

from dataclasses import fields
from inspect import getmembers, isfunction, signature
from io import BytesIO
from random import Random
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from ocrlib.factory.render import camera, paper, press, scissors, surroundings
from ocrlib.factory.render.degrade import DEGRADATIONS, degrade, draw_degradations, rows_of
from ocrlib.factory.render.marks import contrast
from ocrlib.factory.render.pixels import random_from
from ocrlib.factory.settings.degrade import Degradation, Degrade
from tests.training_fixtures import draw_line

LINES = {
    "gray": draw_line("0123456789"),
    "colour": draw_line("314.15", channels=3),
    "white on black": 255 - draw_line("2718"),
    "blank": np.full((32, 60), 240, np.uint8),
    "tall": draw_line("42", height=64),
    "narrow": draw_line("1")[:, :5].copy(),
}


def drawn_by(settings: Degrade, seed: int) -> list[tuple[str, float]]:
    return draw_degradations(rows_of(settings), settings.clean, Random(seed))


def test_every_degradation_that_is_written_has_a_row_in_the_recipe():
    def takes_a_strength(function: Any) -> bool:
        return isfunction(function) and [*signature(function).parameters] == ["image", "strength", "random"]

    written = {
        name
        for module in (press, scissors, surroundings, paper, camera)
        for name, _ in getmembers(module, takes_a_strength)
    }
    assert written == DEGRADATIONS.keys() == {row.name for row in fields(Degrade)} - {"clean"}


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_any_line_stays_a_line_of_its_height(name, line, strength):
    image = LINES[line].copy()
    for seed in range(5):
        out = DEGRADATIONS[name](image, strength, np.random.RandomState(seed))
        assert out.dtype == np.uint8
        assert out.shape[0] == image.shape[0]
        assert out.shape[1] >= 4
        assert out.shape[2:] == image.shape[2:]
    assert np.array_equal(image, LINES[line])  # the input is not changed


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_full_strength_changes_a_line_in_the_same_way_each_time(name):
    image = LINES["gray"]
    first = [DEGRADATIONS[name](image, 1.0, np.random.RandomState(seed)) for seed in range(8)]
    again = [DEGRADATIONS[name](image, 1.0, np.random.RandomState(seed)) for seed in range(8)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(a.shape != image.shape or not np.array_equal(a, image) for a in first)


def test_binarised_lines_have_two_gray_levels():
    out = degrade(LINES["gray"], [("binarise", 0.5)], 3)
    assert set(np.unique(out)) == {0, 255}
    assert 0.05 < (out == 0).mean() < 0.5


@pytest.mark.parametrize("width", [20, 100, 900])
def test_a_slope_makes_no_letter_much_smaller_even_on_a_long_line(width):
    """At full strength a stroke keeps 1 / 1.4 of its height; turned by a degree, 900 pixels would leave it 2 / 3."""
    image = np.full((32, width), 255, np.uint8)
    image[6:26, 2::10] = image[6:26, 3::10] = 0
    for seed in range(4):
        out = degrade(image, [("slope", 1.0)], seed)
        assert (out < 160).sum(axis=0).max() >= 20 / 1.4 - 2
        left, right = (np.flatnonzero((part < 200).any(axis=1)).mean() for part in (out[:, :12], out[:, -12:]))
        assert width == 20 or abs(left - right) > 2  # and it does rise or fall


def test_what_shows_through_is_no_darker_than_a_sixth_of_the_print():
    image = LINES["gray"]
    out = degrade(image, [("show_through", 1.0)], 1)
    paper = int(np.median(image))
    blank = image == paper
    assert paper - 1 / 6 * (paper - int(image.min())) - 1 <= out[blank].min() < paper - 20
    assert out[image == image.min()].max() <= image.min() + 1


def test_coloured_paper_that_lets_print_through_keeps_its_colour():
    image = np.full((32, 200, 3), (250, 240, 200), np.uint8)
    image[8:24, 20:40] = 0
    out = degrade(image, [("show_through", 1.0)], 1)
    assert (out == image).all(axis=2).mean() > 0.7


def test_a_crop_never_removes_a_point():
    """Points lie at the foot of a line, where a tight crop removes nothing."""
    image = np.full((96, 240), 255, np.uint8)
    image[18:78, 30:42] = image[18:78, 180:192] = 0
    image[76:78, 108:117] = 0
    for seed in range(40):
        out = degrade(image, [("crop", 1.0)], seed)
        middle = out[:, out.shape[1] // 3 : 2 * out.shape[1] // 3]
        assert middle.min() < 64


def test_neighbours_of_print_at_the_very_edge():
    image = np.full((32, 60), 255, np.uint8)
    image[:2, 10:50] = 0
    for seed in range(20):
        assert degrade(image, [("neighbours", 1.0)], seed).shape == image.shape


def test_shares_are_kept_and_clean_lines_are_clean():
    settings = Degrade(clean=0.25, crop=Degradation(share=1.0), jpeg=Degradation(share=0.4, strength=[0.2, 0.4]))
    drawn = [drawn_by(settings, seed) for seed in range(2000)]
    assert 0.22 < sum(not each for each in drawn) / 2000 < 0.28
    degraded = [dict(each) for each in drawn if each]
    assert all("crop" in each for each in degraded)
    with_jpeg = [each["jpeg"] for each in degraded if "jpeg" in each]
    assert 0.35 < len(with_jpeg) / len(degraded) < 0.45
    assert 0.2 <= min(with_jpeg) <= max(with_jpeg) <= 0.4
    assert [name for name, _ in drawn_by(settings, 3)] in ([], ["crop"], ["crop", "jpeg"])


def test_without_settings_nothing_is_degraded():
    assert drawn_by(Degrade(), 1) == []
    assert degrade(LINES["gray"], [], 1) is LINES["gray"]


def test_a_flush_cut_leaves_at_most_two_pixels_of_paper_at_an_end():
    ends = set()
    for seed in range(40):
        out = degrade(LINES["gray"], [("flush", seed % 2)], seed)
        columns = np.flatnonzero((out < 128).any(axis=0))
        left, right = columns[0] <= 3, columns[-1] >= out.shape[1] - 4
        assert left or right
        ends.add((bool(left), bool(right)))
    assert ends == {(True, False), (False, True), (True, True)}


def test_a_carbon_copy_is_softer_and_no_paler_than_45_gray_levels():
    image = LINES["gray"]
    for seed in range(20):
        out = degrade(image, [("carbon", 1.0)], seed)
        assert contrast(out) > 40
        assert np.abs(np.diff(out.astype(int), axis=1)).max() < np.abs(np.diff(image.astype(int), axis=1)).max()


def test_worn_type_loses_ink_but_no_mark():
    image = LINES["gray"]
    for seed in range(20):
        out = degrade(image, [("dropouts", 1.0)], seed)
        ink = [(255.0 - picture).clip(min=0).sum() for picture in (image, out)]
        assert 0.35 * ink[0] < ink[1] < ink[0]


def test_newer_degradations_change_no_line_of_a_recipe_without_them():
    older = Degrade(crop=Degradation(share=0.5), specks=Degradation(share=0.5))
    newer = Degrade(crop=older.crop, specks=older.specks, carbon=Degradation(share=1.0))
    for seed in range(50):
        before, after = (drawn_by(settings, seed) for settings in (older, newer))
        assert [each for each in after if each[0] != "carbon"] == before


@pytest.mark.parametrize("shape", [(32, 300), (32, 77, 3), (17, 5)])
@pytest.mark.parametrize("strength", [0.0, 0.37, 1.0])
def test_jpeg_gives_the_pixels_that_pillow_would_decode(shape, strength):
    random = random_from(5)
    image = cv2.GaussianBlur(random.randint(0, 256, shape).astype(np.uint8), (0, 0), 1.0)
    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=round(80 - 68 * strength))
    np.testing.assert_array_equal(camera.jpeg(image, strength, random), np.asarray(Image.open(stream)))
