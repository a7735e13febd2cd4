"""What counts as ink, and that no small mark of a line is lost."""

import cv2
import numpy as np
import pytest

from ocrlib.factory.render.degrade import DEGRADATIONS, degrade
from ocrlib.factory.render.marks import inked, keep_marks


def line_with_a_point(paper: int = 255, digit: int = 0, point: int = 0) -> np.ndarray:
    """Two strokes with a point of 2 x 2 pixels between them, at their foot."""
    image = np.full((32, 60), paper, np.uint8)
    image[6:26, 10:14] = image[6:26, 40:44] = digit
    image[24:26, 26:28] = point
    return image


def point_is_there(image: np.ndarray) -> bool:
    """Whether a pixel in the middle third of the width differs from the paper by 30 gray levels."""
    middle = image[:, image.shape[1] // 3 : image.shape[1] * 3 // 5]
    return bool((np.abs(middle - np.median(image, axis=(0, 1))) > 30).any())


@pytest.mark.parametrize(
    ("paper", "digit", "point", "num_inked"),
    [
        pytest.param(255, 0, 0, 164, id="dark on light"),
        pytest.param(255, 0, 190, 164, id="a pale point"),
        pytest.param(255, 0, 215, 160, id="paler than what may show through"),
        pytest.param(255, 235, 235, 0, id="nothing but shades of the paper"),
        pytest.param(0, 255, 255, 164, id="light on dark"),
        pytest.param(60, 20, 35, 164, id="dark on dark"),
    ],
)
def test_ink_is_what_differs_from_the_paper(paper, digit, point, num_inked):
    image = line_with_a_point(paper, digit, point)
    ink = inked(image)
    assert ink.sum() == num_inked
    assert not ink[image == paper].any()
    assert np.array_equal(inked(np.repeat(image[:, :, None], 3, axis=2)), ink)


@pytest.mark.parametrize("paper", [(250, 240, 200), (255, 230, 120), (20, 40, 90)])
def test_paper_may_have_a_colour(paper):
    gray = line_with_a_point()
    image = np.where(gray[:, :, None] == 255, np.array(paper, np.uint8), np.uint8(130))
    assert np.array_equal(inked(image), gray != 255)
    for name in ("printer_dots", "broken_dots"):
        for seed in range(10):
            out = degrade(image, [(name, 1.0)], seed)
            assert point_is_there(out)
            assert (np.median(out, axis=(0, 1)) == paper).all()


def test_the_grain_of_the_paper_does_not_count_as_ink():
    image = line_with_a_point(235).astype(float) + np.random.RandomState(1).standard_normal((32, 60)) * 8
    ink = inked(np.clip(image, 0, 255).astype(np.uint8))
    assert ink[6:26, 10:14].all()
    assert ink[24:26, 26:28].all()
    assert ink.sum() < 20 * 8 + 4 + 5


def test_pale_ink_is_ink_beside_heavy_print():
    """Heavy, soft print covers nearly half of the paper, so its contrast does not measure the paper's grain."""
    image = np.full((32, 80), 225.0)
    image[3:29, 20:58] = np.where(np.arange(38) % 8 < 4, 90, 180)  # strokes that blur into each other
    image[8:24, 4:12] = 150  # and a faded character
    ink = inked((image + np.random.RandomState(1).standard_normal(image.shape) * 7).astype(np.uint8))
    assert ink[8:24, 4:12].all()
    assert not ink[:, :4].any()


def test_a_lost_mark_is_put_back_and_nothing_else_is():
    before = line_with_a_point()
    after = before.copy()
    after[24:26, 26:28] = 255  # the point is gone
    after[6:12, 10:14] = 255  # and some of the first stroke
    out = keep_marks(before, after, before)
    assert (out[24:26, 26:28] == 0).all()
    assert (out[6:12, 10:14] == 255).all()
    assert (keep_marks(before, after, 40)[24:26, 26:28] == 40).all()
    assert keep_marks(before, before, 40) is before
    blank = np.full((32, 60), 255, np.uint8)
    assert keep_marks(blank, blank, 40) is blank


@pytest.mark.parametrize("name", ["printer_dots", "broken_dots", "binarise"])
@pytest.mark.parametrize("point", [0, 130, 170])
@pytest.mark.parametrize("dark", [True, False])
def test_no_degradation_removes_a_point(name, point, dark):
    """Without the point the label would be wrong, and the picture would not show it."""
    image = line_with_a_point(255, 0, point)
    for seed in range(40):
        assert point_is_there(degrade(image if dark else 255 - image, [(name, 1.0)], seed))


def test_strokes_that_shrink_leave_a_point_of_one_pixel():
    image = line_with_a_point()
    image[24:26, 26:28] = 255
    image[25, 27] = 0
    shrunk = [degrade(image, [("ink_spread", 1.0)], seed)[22:28, 24:30].min() for seed in range(20)]
    assert max(shrunk) < 255 * (1 - 0.35)


def test_what_shows_through_does_not_turn_into_ink():
    image = line_with_a_point()
    for seed in range(20):
        out = degrade(image, [("show_through", 1.0), ("binarise", 0.3)], seed)
        assert (out == 0).sum() <= 164 + 10


def test_a_pale_point_is_not_cropped_away():
    image = line_with_a_point(255, 0, 190)
    image[24:28, 26:30] = 190  # and hangs below the digits
    for seed in range(40):
        out = degrade(image, [("crop", 1.0)], seed)
        assert cv2.connectedComponents(inked(out).astype(np.uint8))[0] - 1 == 3  # two strokes and the point


def test_a_shadow_does_not_turn_into_ink():
    """A single threshold would make the dark end of the line all black."""
    image = line_with_a_point().astype(float)
    shaded = (image * np.linspace(1.0, 0.3, 60)[None, :]).astype(np.uint8)
    for seed in range(10):
        out = DEGRADATIONS["binarise"](shaded, 0.5, np.random.RandomState(seed))
        assert (out == 0).mean() < 1.7 * (image == 0).mean()
        assert (out[6:26, 40:44] == 0).mean() > 0.8


def test_small_print_is_not_scanned_smaller_still():
    image = np.full((32, 80), 255, np.uint8)
    cv2.putText(image, "80", (10, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0)
    out = DEGRADATIONS["low_resolution"](image, 1.0, np.random.RandomState(1))
    assert np.array_equal(out, image)  # 10 pixels high, as small as print may be


def test_pieces_of_other_lines_are_as_bright_as_bright_print():
    image = 255 - line_with_a_point()
    changed = [degrade(image, [("neighbours", 1.0)], seed) for seed in range(10)]
    assert all((out >= image).all() for out in changed)
    assert sum((out > image).any() for out in changed) >= 8
