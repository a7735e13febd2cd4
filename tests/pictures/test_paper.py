"""The box of a line: the same however much paper, and of what kind, stands around it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocrlib.pictures.paper import MARGINS, cut_line, find_line, has_ink, measure_margins
from tests.training_fixtures import draw_line, texts_by_heart

LINE = draw_line("20471")
ROWS, COLUMNS = np.flatnonzero((LINE < 128).any(axis=1)), np.flatnonzero((LINE < 128).any(axis=0))
INK = LINE[ROWS[0] : ROWS[-1] + 1, COLUMNS[0] : COLUMNS[-1] + 1]  # (h, w) uint8, black on white, cut tightly
HEIGHT, WIDTH = INK.shape


def surrounded(ink: np.ndarray, sides: tuple[int, int, int, int], paper: int = 255) -> np.ndarray:
    """Ink with so many pixels of paper above, below, to the left and to the right."""
    return np.pad(ink, (sides[:2], sides[2:]), constant_values=paper)


def near(box: tuple[int, int, int, int] | None, top: int, left: int, pixels: int = 3) -> bool:
    """Whether a box is that of INK with its corner there, the blurred rim of the ink allowed for."""
    expected = (top, left, top + HEIGHT, left + WIDTH)
    return box is not None and all(abs(a - b) <= pixels for a, b in zip(box, expected, strict=True))


ROOMY = st.tuples(*[st.integers(HEIGHT // 2, 3 * HEIGHT)] * 4)
SIDES = st.tuples(*[st.integers(0, 3 * HEIGHT)] * 4)


@settings(max_examples=100, deadline=None)
@given(sides=SIDES, paper=st.integers(60, 255), inverted=st.booleans())
def test_the_line_is_found_wherever_it_stands_on_even_paper(
    sides: tuple[int, int, int, int], paper: int, inverted: bool
) -> None:
    picture = surrounded(np.where(INK < 128, 0, paper).astype(np.uint8), sides, paper)
    picture = 255 - picture if inverted else picture
    assert near(find_line(picture), sides[0], sides[2])


@settings(max_examples=50, deadline=None)
@given(sides=ROOMY, paper=st.integers(140, 240), grain=st.floats(0, 8), seed=st.integers(0, 999))
def test_the_line_is_found_on_grained_paper_under_uneven_light(
    sides: tuple[int, int, int, int], paper: int, grain: float, seed: int
) -> None:
    picture = surrounded(np.where(INK < 128, 0, paper).astype(np.uint8), sides, paper).astype(float)
    height, width = picture.shape
    light = np.linspace(1, 0.6, width)[None, :] * np.linspace(1, 0.9, height)[:, None]
    noisy = picture * light + np.random.RandomState(seed).normal(0, grain, picture.shape)
    assert near(find_line(np.clip(noisy, 0, 255).astype(np.uint8)), sides[0], sides[2], pixels=4)


MARGIN = round(MARGINS.top * HEIGHT)
LITTLE = round(0.3 * HEIGHT)  # more than the margin, and still no loose picture
SHORT_OR_LOOSE = st.one_of(st.integers(1, MARGIN), st.integers(HEIGHT // 2 + 1, 3 * HEIGHT))


@settings(max_examples=50, deadline=None)
@given(some=st.tuples(*[SHORT_OR_LOOSE] * 4), others=st.tuples(*[SHORT_OR_LOOSE] * 4))
def test_a_line_is_cut_to_the_same_pixels_whatever_paper_is_around_it(
    some: tuple[int, int, int, int], others: tuple[int, int, int, int]
) -> None:
    cut, again = (cut_line(picture, find_line(picture)) for picture in (surrounded(INK, some), surrounded(INK, others)))
    assert np.array_equal(cut, again)
    assert cut.shape == (HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)


@settings(max_examples=50, deadline=None)
@given(sides=st.permutations([0, 1, MARGIN, LITTLE]), paper=st.integers(60, 255))
def test_a_tight_crop_stays_as_it_is(sides: list[int], paper: int) -> None:
    top, bottom, left, right = sides
    picture = surrounded(np.where(INK < 128, 0, paper).astype(np.uint8), (top, bottom, left, right), paper)
    assert np.array_equal(cut_line(picture, find_line(picture)), picture)


@settings(max_examples=100, deadline=None)
@given(sides=SIDES)
def test_no_side_of_a_cut_line_has_much_paper(sides: tuple[int, int, int, int]) -> None:
    picture = surrounded(INK, sides)
    height, width = cut_line(picture, find_line(picture)).shape
    most = MARGIN + 0.2 * HEIGHT, MARGIN + 0.35 * HEIGHT
    assert HEIGHT <= height <= HEIGHT + 2 * most[0]
    assert WIDTH <= width <= WIDTH + 2 * most[1]


def test_a_network_that_is_used_to_much_paper_gets_it() -> None:
    loose = MARGINS._replace(top=0.5, bottom=0.5)
    assert cut_line(INK, find_line(INK), loose).shape[0] == HEIGHT + 2 * round(0.5 * HEIGHT)


def test_margins_are_measured_and_given_back() -> None:
    images = [surrounded(INK, sides) for sides in ((5, 2, 9, 3), (6, 2, 9, 3), (7, 2, 1, 30))]
    margins = measure_margins([*images, np.full((32, 80), 255, np.uint8)])
    assert margins == pytest.approx((6 / HEIGHT, 9 / HEIGHT, 2 / HEIGHT, 3 / HEIGHT), abs=0.02)
    loose = surrounded(INK, (50, 50, 50, 50))
    assert np.array_equal(cut_line(loose, find_line(loose), margins), images[1])
    assert measure_margins([]) == MARGINS


def test_a_cut_line_has_its_margin_on_all_sides() -> None:
    picture = surrounded(INK, (1, 1, 1, 1))
    cut = cut_line(picture, find_line(picture))
    for edge in (cut[:MARGIN], cut[-MARGIN:], cut[:, :MARGIN], cut[:, -MARGIN:]):
        assert (edge == 255).all()
    assert cut.shape[0] == HEIGHT + 2 * MARGIN


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right", "all"])
@pytest.mark.parametrize("width", [2, 8])
def test_a_dark_edge_is_cut_off(side: str, width: int) -> None:
    picture = surrounded(INK, (16, 16, 24, 24))
    if side in ("top", "all"):
        picture[:width] = 0
    if side in ("bottom", "all"):
        picture[-width:] = 0
    if side in ("left", "all"):
        picture[:, :width] = 0
    if side in ("right", "all"):
        picture[:, -width:] = 0
    assert near(find_line(picture), 16, 24)


@pytest.mark.parametrize("text", ["1", "11", "1.1", "17", "71", "111111"])
def test_a_1_at_the_end_of_a_tight_cut_is_no_edge(text: str) -> None:
    line = draw_line(text)
    rows, columns = np.flatnonzero((line < 128).any(axis=1)), np.flatnonzero((line < 128).any(axis=0))
    tight = line[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = find_line(tight)
    assert box is not None
    assert box.left <= 2
    assert box.right >= tight.shape[1] - 2


def test_specks_far_from_the_line_are_no_part_of_it_and_a_point_beside_it_is() -> None:
    picture = surrounded(INK, (60, 60, 60, 60))
    picture[5, 5] = picture[-9, 30] = picture[10, -20] = 0
    assert near(find_line(picture), 60, 60)
    picture[60 + HEIGHT - 3 : 60 + HEIGHT, 60 + WIDTH + 4 : 60 + WIDTH + 7] = 0
    box = find_line(picture)
    assert box is not None
    assert box.right >= 60 + WIDTH + 7


def test_a_lone_dash_is_not_made_as_high_as_a_line() -> None:
    dash = np.full((40, 60), 255, np.uint8)
    dash[19:22, 20:34] = 0
    cut = cut_line(dash, find_line(dash))
    assert cut.shape[0] >= 5 * 3
    assert (cut < 128).sum() == (dash < 128).sum()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3), (32, 200), (700, 900)])
def test_paper_alone_has_no_line(shape: tuple[int, int]) -> None:
    random = np.random.RandomState(0)
    for picture in (
        np.full(shape, 255, np.uint8),
        np.zeros(shape, np.uint8),
        np.clip(random.normal(180, 8, shape), 0, 255).astype(np.uint8),
        np.tile(np.linspace(90, 200, shape[1]).astype(np.uint8), (shape[0], 1)) if shape[1] > 100 else None,
    ):
        if picture is not None:
            assert find_line(picture) is None
            assert not has_ink(picture)
            assert cut_line(picture, None) is picture


def test_a_large_picture_is_looked_at_in_a_smaller_copy() -> None:
    large = surrounded(np.kron(INK, np.ones((20, 20), np.uint8)), (900, 900, 500, 500))
    assert large.size > 4 << 20
    box = find_line(large)
    assert box is not None
    for found, expected in zip(box, (900, 500, 900 + 20 * HEIGHT, 500 + 20 * WIDTH), strict=True):
        assert abs(found - expected) <= 30


@pytest.mark.parametrize("text", [*texts_by_heart(), "1", "11", "17", "171", "1111111"])
def test_no_dark_pixel_of_a_line_lies_outside_the_box(text: str) -> None:
    """A 1 at the end of a line is as straight and as high as a dark edge, and is none."""
    image = draw_line(text)
    box = find_line(image)
    assert box is not None
    dark = image < 128
    assert dark[box.top : box.bottom, box.left : box.right].sum() == dark.sum()


def test_small_print_keeps_its_blurred_rim() -> None:
    """Its margin as a share of its height is less than a pixel, and the pixel beside the ink is half of a character."""
    thin = MARGINS._replace(top=0.04, bottom=0.03, left=0.05, right=0.05)
    small = np.asarray(
        Image.fromarray(surrounded(INK, (40, 40, 40, 40))).resize(((WIDTH + 80) // 4, (HEIGHT + 80) // 4))
    )
    line = find_line(small)
    assert line is not None
    assert cut_line(small, line, thin).shape == (line.bottom - line.top + 2, line.right - line.left + 2)
