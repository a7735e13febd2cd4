"""Words set otherwise and the hits of a typewriter: what the pixels show, and that the label can still be read."""

import numpy as np
import pytest

from ocrlib.factory.render.cells import baseline_of, join, row_of
from ocrlib.factory.render.glyphs import GlyphCache
from ocrlib.factory.render.impression import impression
from ocrlib.factory.render.letters import gaps, letterspacing, raised_figures, small_capitals, underline
from ocrlib.factory.render.options import LineOptions
from ocrlib.factory.render.pixels import random_from
from ocrlib.factory.render.typeset import em_of, typeset_ink
from tests.factory.render.test_renderer import SANS, draw, make_renderer

FACE = GlyphCache().glyphs(SANS, 32, 0)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,"


def row(text: str):
    return row_of(text, FACE, 32)


@pytest.mark.parametrize(
    "name, regex",
    [
        ("small_size", "[a-z]{4} [a-z]{5}"),
        ("small_capitals", "[A-Z]{4} [a-z]{5}"),
        ("raised_figures", "[a-z]{4},[1-9]{2} [a-z]{5}"),
        ("letterspacing", "[a-z]{4} [a-z]{5}"),
        ("gaps", r"[a-z]{4} [0-9]{3}\.[0-9]{2}"),
        ("underline", "[a-z]{4} [a-z]{5}"),
        ("impression", "[a-z]{4} [a-z]{5}"),
    ],
)
def test_each_way_changes_the_pixels_and_stands_in_the_provenance(name, regex):
    for strength in (0.3, 1.0):
        plain, changed = (
            draw(make_renderer(regex, LETTERS, typeset={name: {"share": share, "strength": strength}}), 30)[0]
            for share in (0.0, 1.0)
        )
        for before, after in zip(plain, changed, strict=True):
            assert before.text == after.text
            assert after.provenance["degradation"] == f"{name}={strength}"
            assert before.image.shape != after.image.shape or not np.array_equal(before.image, after.image)


@pytest.mark.parametrize(
    "name, regex", [("small_capitals", "[a-z]{5}"), ("raised_figures", r"[1-9]\.[0-9]{2}"), ("gaps", "[a-z]{6}")]
)
def test_a_line_without_such_words_is_left_as_it_is(name, regex):
    renderer = make_renderer(regex, LETTERS, typeset={name: {"share": 1.0}})
    assert all(sample.provenance["degradation"] == "" for sample in draw(renderer, 20)[0])


def test_a_gap_is_3_to_30_spaces_wide():
    space = row("a b").cells[1].advance
    widths = []
    for seed in range(80):
        line = row("Fr. 600")
        gaps(line, 1.0, random_from(seed))
        widths.append(line.cells[3].advance / space)
    assert 2.9 <= min(widths) < 6 and 15 < max(widths) <= 30.1


def test_small_capitals_are_lower_and_stand_on_the_same_line():
    for seed in range(20):
        line = row("Das HAUS am See")
        before = [cell.box() for cell in line.cells]
        baseline = baseline_of(line)
        small_capitals(line, 1.0, random_from(seed))
        for place, cell in enumerate(line.cells):
            if cell.sign in "AUS" and 5 <= place <= 7:
                top, bottom, _, _ = cell.box()
                assert top > before[place][0] and abs(bottom - baseline) <= 1
            elif not 4 <= place <= 7:
                assert cell.box() == before[place]


def test_figures_behind_a_word_are_raised_and_other_figures_are_not():
    raised = 0
    for seed in range(40):
        line = row("services,55 in 1975 at 7.374")
        before = [cell.box() for cell in line.cells]
        raised_figures(line, 0.5, random_from(seed))
        for place in (9, 10):
            top, bottom, _, _ = line.cells[place].box()
            assert bottom - top < 0.75 * (before[place][1] - before[place][0])
            raised += bottom < before[place][1] - 3
        assert all(line.cells[place].box() == before[place] for place in range(11, len(line.cells)))
    assert 60 <= raised < 80  # some are lowered


def test_letters_are_apart_and_the_words_still_further():
    for seed in range(30):
        plain, line = row("zu weit weg"), row("zu weit weg")
        letterspacing(line, 1.0, random_from(seed))
        more = [after.advance - before.advance for before, after in zip(plain.cells, line.cells, strict=True)]
        assert min(more) == 0 < max(more) <= 2 * 0.4 * 32 + 1
        if more[3] and more[0]:  # both words
            assert more[2] == 2 * more[3]


def test_a_rule_lies_under_the_words_and_covers_no_foot():
    for seed in range(40):
        plain, line = row("on time"), row("on time")
        baseline = baseline_of(plain)
        underline(line, 1.0, random_from(seed))
        before, after = join(plain, 0), join(line, 0)
        added = after[:, : before.shape[1]] != before[:, : after.shape[1]]
        rows = np.flatnonzero(added.any(axis=1))
        assert rows[0] > baseline and rows[-1] < baseline + 16
        assert (after[rows[0]] == 255).sum() >= 20


def test_a_machine_prints_the_same_letter_at_the_same_height_but_for_a_jump():
    line = row("nnnnnnnnnnnnnnnnnnnn")
    impression(line, 1.0, random_from(4))
    bottoms = [cell.box()[1] for cell in line.cells]
    assert max(bottoms) - min(bottoms) <= 3
    other = row("nonono")
    impression(other, 1.0, random_from(4))
    assert len({cell.ink.tobytes() for cell in line.cells}) > 10  # no two hits are alike


def test_no_letter_vanishes_in_an_impression_and_points_stay_dark():
    for seed in range(60):
        plain, line = row("Il est, ici."), row("Il est, ici.")
        impression(line, 1.0, random_from(seed))
        for before, after in zip(plain.cells, line.cells, strict=True):
            if before.sign == " ":
                continue
            assert after.ink.sum() > 0.12 * before.ink.sum(), (seed, before.sign)
            if before.sign in ".,":
                assert after.ink.max() > 150


@pytest.mark.parametrize("strength, em", [(0.0, 19), (0.5, 15), (1.0, 11)])
def test_small_print_is_drawn_small(strength, em):
    options = LineOptions(typeset=(("small_size", strength),))
    assert em_of(options) == em
    ink = typeset_ink("Haus", GlyphCache().glyphs(SANS, em, 0), options, 1)
    assert ink.height <= 2 * em
    assert em_of(LineOptions()) == 32
