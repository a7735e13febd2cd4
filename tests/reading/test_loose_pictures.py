"""A line reads the same whatever paper stands around it: the shipped reader of numbers on plain lines."""

from collections.abc import Callable

import numpy as np
import pytest

from ocrlib.evaluation.calibration import measure_reliability
from ocrlib.factory.ingredients import gather
from ocrlib.factory.recipe import recipe_from_dict
from ocrlib.factory.render.renderer import Renderer
from ocrlib.reading.recognizer import Reading, Recognizer

NUM_LINES = 200
RECIPE = {
    "name": "lines",
    "seed": 14,
    "text": {
        "source": "numeric",
        "charset": "0123456789.,-/:",
        "patterns": [
            {"name": "integer", "regex": "[0-9]{1,12}"},
            {"name": "amount", "regex": r"[1-9][0-9]{0,3}\.[0-9]{2}"},
            {"name": "time", "regex": "[0-2][0-9]:[0-5][0-9]"},
        ],
    },
    "render": {
        "fonts": ["matplotlib"],
        "background": {"gaussian_noise": 1, "plain_white": 1},
        "text_color": "#000000,#606060",
        "blur": [0.0, 0.8],
        "fit": 0.5,
        "character_spacing": [0, 2],
        "margins": [[1, 5], [1, 8], [1, 5], [1, 8]],
    },
    "splits": {"train": NUM_LINES, "val": 1, "test": 1},
}
Line = tuple[np.ndarray, str]  # (32, W) uint8, and what it says


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """Plain lines on white and on noisy paper, in the faces that come with the packages."""
    recipe = recipe_from_dict(RECIPE, "lines")
    found = gather(recipe)
    renderer = Renderer(recipe.render, recipe.seed, found.faces, found.texts)
    samples = [renderer.render("train", index)[0] for index in range(NUM_LINES)]
    return [(sample.image, sample.text) for sample in samples]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load("numeric")


def surrounded(
    image: np.ndarray, heights: tuple[float, ...], grain: float, random: np.random.RandomState
) -> np.ndarray:
    """A line in the middle of so many heights of its paper above, below, to the left and to the right."""
    above, below, left, right = (round(share * len(image)) for share in heights)
    level = float(np.median(np.concatenate([image[0], image[-1]])))
    paper = random.normal(level, grain, (len(image) + above + below, image.shape[1] + left + right))
    picture = np.clip(paper, 0, 255).astype(np.uint8)
    picture[above : above + len(image), left : left + image.shape[1]] = image
    return picture


def read(recognizer: Recognizer, lines: list[Line], change: Callable[[np.ndarray], np.ndarray]) -> list[Reading]:
    return recognizer.read([change(image) for image, _ in lines])


@pytest.mark.parametrize("grain", [0, 5])
def test_paper_around_a_line_changes_neither_text_nor_confidence(
    grain: float, lines: list[Line], recognizer: Recognizer
) -> None:
    random = np.random.RandomState(0)
    tight = read(recognizer, lines, lambda image: image)
    loose = read(
        recognizer, lines, lambda image: surrounded(image, tuple(random.choice([0, 0.5, 1, 2, 3], 4)), grain, random)
    )
    assert [reading.text for reading in loose] == [reading.text for reading in tight]
    assert max(abs(a.confidence - b.confidence) for a, b in zip(tight, loose, strict=True)) <= 0.02
    assert np.mean([reading.text == text for reading, (_, text) in zip(tight, lines, strict=True)]) >= 0.99


def test_confidence_on_loose_crops_is_what_it_says(lines: list[Line], recognizer: Recognizer) -> None:
    random = np.random.RandomState(1)
    some = lines[:30]
    loose = read(recognizer, some, lambda image: surrounded(image, tuple(random.uniform(0, 3, 4)), 3, random))
    right = [reading.text == text for reading, (_, text) in zip(loose, some, strict=True)]
    reliability = measure_reliability([reading.confidence for reading in loose], right)
    assert reliability.expected_calibration_error <= 0.05


def test_floats_from_0_to_1_read_as_gray_levels_do(lines: list[Line], recognizer: Recognizer) -> None:
    some = lines[:20]
    assert read(recognizer, some, lambda image: image / 255) == pytest.approx(
        read(recognizer, some, lambda image: image)
    )


def test_nothing_is_read_on_paper_alone_and_the_look_says_so(recognizer: Recognizer) -> None:
    (reading,) = recognizer.read([np.full((40, 200), 235, np.uint8)])
    assert (reading.text, reading.look) == ("", "nothing")


def test_an_empty_reading_of_a_picture_with_ink_is_not_trusted(recognizer: Recognizer) -> None:
    smear = np.full((40, 200), 255, np.uint8)
    smear[10:30, 20:180] = np.linspace(255, 120, 160).astype(np.uint8)
    smear[18:22, 40:160] = 90
    (reading,) = recognizer.read([smear])
    if not reading.text:
        assert reading.confidence == 0
    assert reading.confidence < 0.9
