"""The first layer: any paper, contrast and polarity gives the same ink, in any batch, whatever lies at the edges."""

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.network.levels import Levels
from tests.training_fixtures import draw_line

LINE = draw_line("31.75 20")


def ink_of(*images: np.ndarray, stride: int = 2, width: int | None = None) -> list[np.ndarray]:
    """The layer's output for each (H, W) uint8 image, in one batch padded with `width` columns or as many as needed."""
    widths = [image.shape[1] for image in images]
    batch = np.full((len(images), images[0].shape[0], width or max(widths), 1), 255, np.uint8)
    for place, image in enumerate(images):
        batch[place, :, : image.shape[1], 0] = image
    out = np.asarray(Levels(stride)(batch, np.array(widths, np.int32)))
    for place, own in enumerate(widths):
        assert not out[place, :, own:].any()
    return [out[place, :, :own, 0] for place, own in enumerate(widths)]


def changed(image: np.ndarray, a: float, b: float) -> np.ndarray:
    return np.rint(a + b * image.astype(float)).astype(np.uint8)


@pytest.mark.parametrize("a, b", [(255, -1), (100, 0.6), (20, 0.2), (220, -0.3), (30, 0.1)])
def test_a_line_and_its_copy_of_other_paper_contrast_or_polarity_give_the_same_ink(a, b):
    plain, copy = ink_of(LINE)[0], ink_of(changed(LINE, a, b))[0]
    # A copy of few gray levels is rounded: by half a level of its contrast.
    assert np.abs(plain - copy).max() < 1.5 / abs(255 * b)


def test_paper_is_0_and_print_is_about_1():
    ink = ink_of(LINE)[0]
    assert np.abs(ink[LINE == 255]).max() < 0.05
    assert 0.7 < np.median(ink[LINE < 40]) < 1.3


def test_a_line_is_the_same_alone_and_in_any_batch():
    other = np.random.RandomState(0).randint(0, 256, (32, 301)).astype(np.uint8)
    alone = ink_of(LINE)[0]
    assert np.abs(ink_of(LINE, other, LINE[:, :5].copy())[0] - alone).max() < 1e-4
    assert np.abs(ink_of(LINE, width=999)[0] - alone).max() < 1e-4


@pytest.mark.parametrize("stride", [2, 4])
def test_the_width_is_brought_to_a_multiple_of_the_stride(stride):
    batch = np.full((1, 32, 101, 1), 255, np.uint8)
    assert Levels(stride)(batch, np.array([101], np.int32)).shape == (1, 32, 104 if stride == 4 else 102, 1)


def beside(part: np.ndarray) -> np.ndarray:
    return np.concatenate([LINE, part], axis=1)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(beside(np.zeros((32, 12), np.uint8)), id="a dark edge"),
        pytest.param(
            beside(np.random.RandomState(1).randint(0, 256, (32, LINE.shape[1])).astype(np.uint8)), id="half noise"
        ),
        pytest.param(beside(np.full((32, 700), 255, np.uint8)), id="a nearly empty line"),
        pytest.param(beside(np.full((32, 60), 90, np.uint8)), id="a shadow"),
    ],
)
@pytest.mark.parametrize("inverted", [False, True])
def test_what_lies_at_one_end_leaves_the_print_at_the_other_as_it_is(image, inverted):
    here = ink_of(255 - image if inverted else image)[0][:, : LINE.shape[1] - 33]
    there = ink_of(LINE)[0][:, : LINE.shape[1] - 33]
    assert np.abs(here - there).mean() < 0.02
    assert (here > 0.5).mean() == pytest.approx((there > 0.5).mean(), abs=0.01)


def test_a_frame_all_around_leaves_print_and_paper_apart():
    framed = np.pad(LINE[2:-2, 2:-2], 2, constant_values=0)
    ink = ink_of(framed)[0][3:-3, 3:-3]
    inside = framed[3:-3, 3:-3]
    assert np.median(ink[inside < 40]) > 0.6 > 0.2 > np.median(ink[inside == 255])


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_line_is_paper(level):
    assert np.abs(ink_of(np.full((32, 50), level, np.uint8))[0]).max() < 1e-3


def test_the_layer_is_in_a_file_and_has_no_weights(tmp_path):
    layer = Levels(4)
    assert Levels.from_config(layer.get_config()).stride == 4
    assert keras.saving.get_registered_name(Levels) == "ocrlib>Levels" and not layer.weights


def test_colour_images_keep_their_channels():
    batch = np.repeat(LINE[None, :, :, None], 3, axis=3)
    out = np.asarray(Levels(2)(batch, np.array([LINE.shape[1]], np.int32)))
    assert out.shape[3] == 3
    assert np.abs(out[0, :, : LINE.shape[1], 1] - ink_of(LINE)[0]).max() < 1e-5
