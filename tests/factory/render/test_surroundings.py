"""What is added around a line leaves the print there, and looks like what it is named for."""

import numpy as np
import pytest

from ocrlib.factory.render.camera import fax
from ocrlib.factory.render.degrade import DEGRADATIONS
from ocrlib.factory.render.marks import contrast, inked, paper_of
from ocrlib.factory.render.paper import halo, invert, reflections, toned_paper
from ocrlib.factory.render.pixels import random_from
from ocrlib.factory.render.press import double_width
from ocrlib.factory.render.surroundings import edges, lines_beside, room, rules
from tests.factory.render.test_renderer import draw, make_renderer
from tests.training_fixtures import draw_line

LINE = draw_line("31.75")
SEEDS = range(25)


def ink_rows(image: np.ndarray) -> int:
    return int(inked(image).any(axis=1).sum())


@pytest.mark.parametrize(
    "name",
    ["double_width", "room", "lines_beside", "rules", "edges", "halo", "invert", "toned_paper", "reflections", "fax"],
)
def test_each_one_stands_in_the_provenance_and_in_the_pixels(name):
    assert name in DEGRADATIONS
    plain = draw(make_renderer(), 15)[0]
    changed = draw(make_renderer(min_contrast=10, degrade={name: {"share": 1.0, "strength": 0.9}}), 15)[0]
    for before, after in zip(plain, changed, strict=True):
        assert after.provenance["degradation"] == f"{name}=0.9"
        assert before.text == after.text
        assert before.image.shape != after.image.shape or not np.array_equal(before.image, after.image)


def test_room_makes_the_print_smaller_and_keeps_all_of_it():
    for seed in SEEDS:
        out = room(LINE, 1.0, random_from(seed))
        assert ink_rows(out) <= ink_rows(LINE)
        assert not inked(out)[[0, -1]].any() or ink_rows(out) == ink_rows(LINE)
        assert inked(out).sum() > 0.1 * inked(LINE).sum()


def test_lines_beside_are_cut_by_the_box_and_do_not_touch_the_print():
    for seed in SEEDS:
        out = lines_beside(LINE, 1.0, random_from(seed))
        rows = inked(out).any(axis=1)
        gaps = np.flatnonzero(~rows)
        assert rows[:3].any() or rows[-3:].any() or len(gaps)
        # The largest block of rows with ink is the line itself: at least 1 / 2.2 of its height is left.
        blocks = np.split(rows, np.flatnonzero(np.diff(rows.astype(int))) + 1)
        assert max(len(block) for block in blocks if block[0]) >= ink_rows(LINE) / 2.2 - 1


def test_a_rule_runs_along_the_whole_line():
    kinds = {"across": 0, "upright": 0}
    for seed in range(60):
        out = rules(LINE, 1.0, random_from(seed))
        mask = inked(out)
        kinds["across"] += bool((mask.mean(axis=1) > 0.95).any())
        kinds["upright"] += bool((mask.mean(axis=0) > 0.95).any())
    assert kinds["across"] > 20 and kinds["upright"] > 5


def test_rules_leave_the_print_as_it_was_but_for_a_hair():
    """Without the lines that go through it, no pixel of the print becomes paler."""
    for seed in SEEDS:
        out = rules(LINE, 0.0, random_from(seed))
        if out.shape == LINE.shape:
            assert (out.astype(int) <= LINE.astype(int)).all()


def test_edges_lie_around_the_print():
    changed = 0
    for seed in SEEDS:
        out = edges(LINE, 1.0, random_from(seed))
        rim = np.concatenate([out[0], out[-1], out[:, 0], out[:, -1]]).astype(int)
        changed += bool((np.abs(rim - paper_of(LINE)) > 30).any())
    assert changed > 15


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_inverted_print_is_lighter_than_its_ground(strength):
    for seed in SEEDS:
        out = invert(LINE, strength, random_from(seed))
        assert paper_of(out) < 128
        assert out.max() > paper_of(out) + 100


def test_toned_paper_may_be_nearly_black_and_its_print_can_still_be_seen():
    papers, contrasts = [], []
    for seed in range(200):
        out = toned_paper(LINE, 1.0, random_from(seed))
        papers.append(paper_of(out))
        contrasts.append(contrast(out))
    assert min(papers) < 70 and max(papers) > 220
    assert min(contrasts) > 20 and max(contrasts) > 150


def test_a_halo_lies_around_the_print_and_reflections_only_brighten():
    for seed in SEEDS:
        out = halo(LINE, 1.0, random_from(seed))
        assert (out.astype(int) <= LINE.astype(int) + 1).all() and out.sum() < LINE.sum()
        dark = (LINE // 2).astype(np.uint8)
        lit = reflections(dark, 1.0, random_from(seed))
        assert (lit >= dark).all() and lit.sum() > dark.sum()


def test_a_fax_has_two_levels_and_keeps_the_point():
    for seed in SEEDS:
        out = fax(LINE, 1.0, random_from(seed))
        assert np.isin(out, (0, 255)).mean() > 0.5
        low = out[20:30]  # where the point and the feet of the digits lie
        columns = inked(low).any(axis=0).astype(int)
        assert (np.diff(columns) == 1).sum() + columns[0] >= 4  # 3, 1, the point, and 7 and 5


def test_double_width_is_wide():
    assert double_width(LINE, 1.0, random_from(0)).shape[1] == round(2.2 * LINE.shape[1])
