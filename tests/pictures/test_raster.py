"""What numpy does in place of OpenCV gives the same pixels, and so the same lines are found."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from ocrlib.pictures import paper, raster
from tests.programs import ROOT

cv2 = pytest.importorskip("cv2")
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=24)
GRAYS = arrays.arrays(np.uint8, SHAPES)


@pytest.fixture(autouse=True)
def without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "cv2", None)


@given(gray=GRAYS)
def test_the_change_of_levels_is_that_of_opencv(gray: np.ndarray) -> None:
    expected = cv2.morphologyEx(cv2.blur(gray, (3, 3)), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    assert np.array_equal(raster.change_of(gray), expected)


def _between(gray: np.ndarray, level: float) -> float:
    """The variance between the two classes that a level parts; the best level makes it largest."""
    values, above = gray.astype(np.float64), gray > level
    share = above.mean()
    return 0.0 if share in (0.0, 1.0) else share * (1 - share) * (values[above].mean() - values[~above].mean()) ** 2


@given(gray=GRAYS, levels=st.integers(2, 256))
@example(gray=np.array([[0, 1, 2]], np.uint8), levels=256)  # 0 and 1 are equally good
def test_the_best_threshold_is_that_of_opencv(gray: np.ndarray, levels: int) -> None:
    gray = (gray % np.uint16(levels)).astype(np.uint8)
    level, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    ours = raster.best_threshold(gray)
    # Between two levels that no pixel has, each parts them alike. Two that part them otherwise may be equally good.
    if not np.array_equal(gray > ours, gray > level):
        assert _between(gray, ours) == pytest.approx(_between(gray, level), rel=1e-12)


@given(mask=arrays.arrays(np.bool_, SHAPES))
def test_the_marks_are_those_of_opencv(mask: np.ndarray) -> None:
    expected = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2][1:]
    assert sorted(raster.marks_of(mask).tolist()) == sorted(expected.tolist())


def test_a_spiral_is_one_mark() -> None:
    spiral = np.zeros((41, 41), bool)
    top, left, bottom, right = 0, 0, 40, 40
    while top < bottom:
        spiral[top, left : right + 1] = spiral[top : bottom + 1, right] = True
        spiral[bottom, left + 2 : right + 1] = spiral[top + 4 : bottom + 1, left + 2] = True
        spiral[top + 4, left + 2 : left + 5] = True
        top, left, bottom, right = top + 4, left + 4, bottom - 4, right - 4
    expected = cv2.connectedComponentsWithStats(spiral.astype(np.uint8), connectivity=8)[2][1:]
    assert sorted(raster.marks_of(spiral).tolist()) == sorted(expected.tolist())


def test_paper_is_put_around_a_picture() -> None:
    gray = np.array([[1, 2], [3, 4]], np.uint8)
    assert raster.framed(gray, 1, 0, 0, 2, None).tolist() == [[1, 2, 2, 2], [1, 2, 2, 2], [3, 4, 4, 4]]
    assert raster.framed(gray, 0, 1, 1, 0, 9).tolist() == [[9, 1, 2], [9, 3, 4], [9, 9, 9]]
    colour = np.zeros((1, 1, 3), np.uint8)
    assert raster.framed(colour, 0, 0, 0, 1, [7, 8, 9]).tolist() == [[[0, 0, 0], [7, 8, 9]]]


def test_lines_are_found_at_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [
        np.asarray(Image.open(path).convert("L")) for path in sorted((ROOT / "docs" / "pictures").glob("*.png"))
    ]
    pictures += [np.asarray(Image.open(path).convert("L")) for path in sorted((ROOT / "examples").glob("*.png"))]
    ours = [paper.find_line(gray) for gray in pictures]
    monkeypatch.setattr(raster, "cv2", cv2)
    assert len(pictures) >= 10
    assert [paper.find_line(gray) for gray in pictures] == ours
