"""Changes to images in training: a function of the seed, around each line's own centre, and none by default."""

import numpy as np
import pytest

from ocrlib.backend import tf
from ocrlib.batches.padding import padded_width
from ocrlib.training.augment import augment
from ocrlib.training.settings import AugmentConfig
from tests.training_fixtures import draw_line

EVERYTHING = AugmentConfig(
    rotation_deg=2, shift_px=3, shear_deg=4, zoom=0.1, brightness=10, contrast=0.2, blur=0.5, noise=4
)


def batch(*texts: str) -> tuple[np.ndarray, np.ndarray]:
    """(B, 32, W, 1) uint8 padded with white, (B,) int32."""
    lines = [draw_line(text) for text in texts]
    widths = np.array([line.shape[1] for line in lines], np.int32)
    image = np.full((len(lines), 32, padded_width(widths.max()), 1), 255, np.uint8)
    for i, line in enumerate(lines):
        image[i, :, : widths[i], 0] = line
    return image, widths


def run(image: np.ndarray, width: np.ndarray, settings: AugmentConfig, seed: tuple[int, int] = (3, 5)) -> np.ndarray:
    return augment(image, width, np.array(seed, np.int32), settings).numpy()


def test_without_settings_a_line_is_not_changed():
    image, width = batch("0123456789", "42")
    changed = run(image, width, AugmentConfig())
    for before, after, own in zip(image, changed, width, strict=True):
        assert np.array_equal(before[:, :own], after[:, :own])


def test_the_same_seed_gives_the_same_and_another_does_not():
    image, width = batch("0123456789", "42")
    first = run(image, width, EVERYTHING)
    assert first.dtype == np.uint8
    assert first.shape == image.shape
    assert np.array_equal(first, run(image, width, EVERYTHING))
    assert not np.array_equal(first, run(image, width, EVERYTHING, (3, 6)))
    assert not np.array_equal(first, run(image, width, EVERYTHING, (4, 5)))


def test_the_height_stays_known_in_a_graph_for_any_width():
    """The network divides its features into rows, and needs their number."""
    image = tf.TensorSpec((None, 32, None, 1), tf.uint8)
    seed = tf.constant((3, 5))
    graph = tf.function(lambda image, width: augment(image, width, seed, EVERYTHING))
    traced = graph.get_concrete_function(image, tf.TensorSpec((None,), tf.int32))
    assert traced.structured_outputs.shape.as_list() == [None, 32, None, 1]


def test_each_line_is_changed_differently():
    image, width = batch("77777", "77777")
    first, second = run(image, width, EVERYTHING)
    assert not np.array_equal(first, second)


def test_the_padding_does_not_change_how_a_line_moves():
    image, width = batch("0123456789", "42")
    narrow = image[1:, :, : padded_width(width[1])]
    moving = AugmentConfig(rotation_deg=10, shift_px=5, shear_deg=10, zoom=0.2, contrast=0.2, blur=0.5)
    alone = run(narrow, width[1:], moving)
    wide = np.full((1, 32, image.shape[2], 1), 255, np.uint8)
    wide[:, :, : narrow.shape[2]] = narrow
    assert np.array_equal(alone[0, :, : width[1]], run(wide, width[1:], moving)[0, :, : width[1]])


@pytest.mark.parametrize("paper", [255, 180])
def test_the_space_left_by_a_move_has_the_colour_of_the_lines_paper(paper):
    image = np.full((1, 32, 64, 1), paper, np.uint8)
    image[:, 8:24, 20:44] = 30
    moved = run(image, np.array([64], np.int32), AugmentConfig(rotation_deg=20, shift_px=8, zoom=0.2))
    assert abs(int(moved[0, 0, 0, 0]) - paper) <= 1
    assert abs(int(moved.max()) - paper) <= 1
    assert moved.min() == 30


def test_a_shift_moves_the_ink_by_at_most_as_much():
    image = np.full((8, 32, 64, 1), 255, np.uint8)
    image[:, 14:18, 30:34] = 0
    moved = run(image, np.full(8, 64, np.int32), AugmentConfig(shift_px=4))
    ink = 255.0 - moved[:, :, :, 0]
    x = (ink.sum(axis=1) * np.arange(64)).sum(axis=1) / ink.sum(axis=(1, 2))
    y = (ink.sum(axis=2) * np.arange(32)).sum(axis=1) / ink.sum(axis=(1, 2))
    assert np.abs(x - 31.5).max() <= 4.05
    assert np.abs(y - 15.5).max() <= 4.05
    assert np.ptp(x) > 1
