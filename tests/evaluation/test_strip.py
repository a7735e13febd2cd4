"""Strips: lines drawn together with what was read."""

from typing import Any

import numpy as np
import pytest
from matplotlib.ft2font import FT2Font

from ocrlib.evaluation.strip import _MISSING, _label_font, draw_strip, strip_width
from tests.training_fixtures import draw_line


def is_red(strip: Any) -> np.ndarray:
    """(H, W) bool: pixels that are clearly red."""
    pixels = np.asarray(strip).astype(int)
    return (pixels[:, :, 0] > 200) & (pixels[:, :, 1] < 100) & (pixels[:, :, 2] < 100)


@pytest.mark.parametrize("channels", [1, 3])
def test_wrong_characters_are_red_and_right_ones_are_not(channels: int) -> None:
    lines = ["1234", "567", "89"]
    images = [
        draw_line(text, channels=channels) if channels == 1 else np.repeat(draw_line(text)[..., None], 3, 2)
        for text in lines
    ]
    images = [image.reshape(*image.shape[:2], channels) for image in images]
    right = draw_strip(images, lines, lines)
    assert not is_red(right).any()
    wrong = draw_strip(images, lines, ["1234", "597", "8"])
    rows = np.flatnonzero(is_red(wrong).any(axis=1)) * len(lines) // wrong.height
    assert set(rows) == {1, 2}  # the 9 that was read instead of a 6, and the mark for the missing last 9
    columns = [
        np.flatnonzero(is_red(draw_strip(images[:1], ["1234"], [read])).any(axis=0)) for read in ("9234", "1239")
    ]
    assert columns[0].max() < columns[1].min()
    top = np.asarray(right.convert("L"))[4 : 4 + 32, 10 : 10 + images[0].shape[1]]
    assert np.array_equal(top, images[0][:, :, 0])  # the line itself stands above its texts


def test_a_strip_is_wide_enough_for_the_longest_text_the_mark_behind_it_and_the_captions() -> None:
    image = draw_line("1").reshape(32, -1, 1)
    assert draw_strip([image], ["1"], ["1" * 200]).width > 200 * 8
    assert draw_strip([image], ["1"], ["1"], ["1" * 400]).width > 400 * 6
    assert is_red(draw_strip([image], ["1" * 9], ["1" * 8])).any(axis=0)[:-10].any()
    assert strip_width([image], ["1"], ["1"]) == draw_strip([image], ["1"], ["1"]).width


def test_captions_stand_below_their_line_and_take_no_space_if_there_are_none() -> None:
    images = [draw_line("1").reshape(32, -1, 1)] * 2
    plain, captioned = (
        draw_strip(images, ["1", "1"], ["1", "1"]),
        draw_strip(images, ["1", "1"], ["1", "1"], ["", "#" * 9]),
    )
    added = (captioned.height - plain.height) // 2
    assert added > 8
    ink = np.asarray(captioned.convert("L")) < 200
    assert not ink[plain.height // 2 : captioned.height // 2].any()  # the first caption is empty
    assert ink[-added:].any()


def test_the_mark_for_a_missing_character_is_not_an_empty_box() -> None:
    assert ord(_MISSING) in FT2Font(str(_label_font(14).path)).get_charmap()


@pytest.mark.parametrize("text", ["a" * 60_000, "\x1b[2J", "\u202eabc\u0661", "\ud800", "a\nb", "\0"])
def test_every_text_can_be_drawn(text: str) -> None:
    """A truth of 64 KB would make a picture of half a million pixels; some texts cannot be laid out at all."""
    picture = draw_strip([np.full((32, 40, 1), 255, np.uint8)] * 2, [text, "1"], ["1", text], [text, "c"])
    assert picture.width < 8000
    assert (np.asarray(picture) < 128).any()
