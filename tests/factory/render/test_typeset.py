"""Signs set otherwise than trdg sets them: what the pixels show, what the provenance says, which lines are left alone."""

import numpy as np
import pytest

from ocrlib.factory.render.cells import digit_box, join, row_of
from ocrlib.factory.render.glyphs import GlyphCache
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.pixels import random_from
from ocrlib.factory.render.segments import LIT, segments
from ocrlib.factory.render.signs import figures, points, raised_points, zeros
from ocrlib.factory.render.typeset import typeset_ink
from ocrlib.factory.render.wheels import MOST_TURNED, wheels
from tests.factory.render.test_renderer import SANS, draw, make_renderer

FACE = GlyphCache().glyphs(SANS, 32, 0)
CHARSET = "0123456789.,-:"


def row(text: str):
    return row_of(text, FACE, 32)


def ink(text: str, name: str, strength: float = 1.0, seed: int = 0, **options) -> np.ndarray:
    """(h, W) uint8 coverage of a line set in one way."""
    settings = LineOptions(typeset=((name, strength),), **options)
    return np.asarray(typeset_ink(text, FACE, settings, seed))


def samples(name: str, regex: str, count: int = 40, share: float = 1.0):
    renderer = make_renderer(regex, CHARSET, typeset={name: {"share": share, "strength": 0.7}})
    return draw(renderer, count)[0]


@pytest.mark.parametrize(
    "name, regex",
    [
        ("segments", r"[0-9]{2}\.[0-9]{2}"),
        ("figures", "[1-9]{3}"),
        ("zeros", "[1-9]0[1-9]"),
        ("points", r"[0-9],[0-9]{2}"),
        ("raised_points", r"[0-9]\.[0-9]{2}"),
        ("wheels", "[0-9]{5}"),
        ("stray", "[0-9]{3}"),
    ],
)
def test_each_way_changes_the_pixels_and_stands_in_the_provenance(name, regex):
    plain, changed = samples(name, regex, share=0.0), samples(name, regex)
    for before, after in zip(plain, changed, strict=True):
        assert before.text == after.text
        assert before.provenance["degradation"] == ""
        assert after.provenance["degradation"] == f"{name}=0.7"
        assert before.image.shape != after.image.shape or not np.array_equal(before.image, after.image)


@pytest.mark.parametrize(
    "name, regex", [("raised_points", "[0-9]{3},[0-9]"), ("zeros", "[1-9]{4}"), ("wheels", r"[0-9]\.[0-9]")]
)
def test_a_line_without_such_a_sign_is_left_as_it_is(name, regex):
    for before, after in zip(samples(name, regex, share=0.0), samples(name, regex), strict=True):
        assert after.provenance["degradation"] == ""
        assert np.array_equal(before.image, after.image)


def test_the_share_is_one_of_the_lines_that_have_such_a_sign():
    drawn = samples("zeros", "0[0-9]{3}", 400, share=0.25)
    assert 0.17 < np.mean([sample.provenance["degradation"] != "" for sample in drawn]) < 0.33


def test_a_raised_point_stands_at_mid_height_and_only_it_moves():
    for seed in range(20):
        line = row("3.71")
        before = [cell.ink.copy() for cell in line.cells]
        raised_points(line, 1.0, random_from(seed))
        top, bottom, _, _ = line.cells[1].box()
        first, last = digit_box(line.cells)
        assert abs((top + bottom) / 2 - (first + last) / 2) < 0.12 * (last - first)
        assert line.cells[1].ink.sum() == before[1].sum()
        assert all(np.array_equal(line.cells[i].ink, before[i]) for i in (0, 2, 3))


def test_a_point_is_never_as_long_as_a_comma_and_both_stand_free():
    for seed in range(60):
        strength = (seed % 5) / 4
        line = row("1.2,3")
        points(line, strength, random_from(seed))
        first, last = digit_box(line.cells)
        below = [cell.box()[1] - last for cell in (line.cells[1], line.cells[3])]
        assert below[0] < 0.12 * (last - first) + 1.5
        assert below[1] > below[0] + 1
        for place in (1, 3):
            cell = line.cells[place]
            _, _, left, right = cell.box()
            assert right - left >= 2
            assert cell.advance >= right - left or cell.sign == ","


def test_a_zero_has_ink_in_its_middle_and_other_digits_are_as_before():
    kinds = set()
    for seed in range(20):
        line = row("108")
        before = [cell.ink.copy() for cell in line.cells]
        zeros(line, 0.5, random_from(seed))
        top, bottom, left, right = line.cells[1].box()
        middle = line.cells[1].ink[(top + bottom) // 2, (left + right) // 2]
        assert middle > 100 and before[1][(top + bottom) // 2, (left + right) // 2] == 0
        assert np.array_equal(line.cells[0].ink, before[0]) and np.array_equal(line.cells[2].ink, before[2])
        kinds.add(line.cells[1].ink.tobytes())
    assert len(kinds) == 3


def test_old_style_figures_shrink_or_sink():
    line = row("0123456789")
    first, last = digit_box(line.cells)
    figures(line, 1.0, random_from(0))
    for cell in line.cells:
        top, bottom, _, _ = cell.box()
        if cell.sign in "012":
            assert top > first + 0.2 * (last - first) and abs(bottom - last) <= 1
        elif cell.sign in "34579":
            assert bottom > last + 0.2 * (last - first)
        else:
            assert abs(top - first) <= 1 and abs(bottom - last) <= 1


def test_each_digit_of_a_display_has_its_own_segments():
    assert len({frozenset(lit) for lit in LIT.values()}) == len(LIT)
    line = row("18")
    segments(line, 0.0, random_from(3))
    one, eight = [cell for cell in line.cells if cell.sign != " "]
    assert 0 < (one.ink > 200).sum() < 0.5 * (eight.ink > 200).sum()


def test_segments_that_are_off_are_fainter_than_those_that_are_lit():
    levels = set()
    for seed in range(40):
        line = row("1")
        segments(line, 1.0, random_from(seed))
        inside = line.cells[-1].ink
        levels |= set(np.unique(inside[(inside > 20)]).tolist())
        dark = (inside > 0) & (inside <= 0.4 * 255)
        assert inside.max() == 255
        assert dark.sum() == 0 or inside[dark].max() <= 103
    assert any(40 < level < 103 for level in levels)


def test_wheels_are_all_as_wide_and_a_turned_digit_is_seen_more_than_its_neighbour():
    for seed in range(60):
        line = row("4711")
        height = np.subtract(*digit_box(line.cells)[::-1])
        wheels(line, 1.0, random_from(seed))
        assert len({cell.advance for cell in line.cells}) == 1
        assert all(cell.ink.shape[1] == cell.advance for cell in line.cells)
        assert [cell.sign for cell in line.cells] == list("4711")
    assert MOST_TURNED < 0.5 and height > 0


def test_the_ground_of_a_wheel_is_darker_at_its_ends_and_never_hides_the_digit():
    shaded = 0
    for seed in range(80):
        line = row("1111")
        first, last = digit_box(line.cells)
        wheels(line, 0.0, random_from(seed))
        for cell in line.cells:
            middle = cell.ink[(first + last) // 2]
            ground = np.median(middle)
            grounds = np.median(cell.ink[first + 6 : last - 4], axis=1)  # of rows in which a 1 is a bare stroke
            shaded += grounds.max() - grounds.min() > 5
            assert ground > 100 or middle.max() - ground > 100  # light digits on dark wheels, or dark on light
    assert shaded > 40


def test_what_is_set_sign_by_sign_is_whole():
    """Ink beyond a glyph's advance is there, at the first and at the last sign."""
    line = row("7j1")
    for cell in (line.cells[0], line.cells[-1]):
        cell.left, cell.advance = -5, max(1, cell.ink.shape[1] - 10)
    joined = join(line, 40)  # far enough apart that no two signs overlap
    assert joined.sum(dtype=int) == sum(int(cell.ink.sum(dtype=int)) for cell in line.cells)


@pytest.mark.parametrize("name", ["segments", "points", "wheels", "stray"])
def test_a_line_is_the_same_for_the_same_seed_and_fits_its_ink(name):
    for seed in range(10):
        first, again = (ink("10.25" if name != "wheels" else "1025", name, seed=seed, fit=True) for _ in range(2))
        assert np.array_equal(first, again)
        assert first[0].any() and first[-1].any() and first[:, 0].any() and first[:, -1].any()


def test_a_stray_sign_stands_apart_from_the_number():
    for seed in range(20):
        plain = ink("305", "zeros", 0.5, seed=seed, fit=True)
        with_stray = ink("305", "stray", 1.0, seed=seed, fit=True)
        assert with_stray.shape[1] > plain.shape[1] + 0.15 * 32
