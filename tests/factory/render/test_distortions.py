"""Distortions, compared with trdg's own functions, and the faster way to its random numbers."""

import random
from random import Random

import numpy as np
import pytest
from PIL import Image

from ocrlib.factory.render.distortions import _random_integers, distort
from tests.stock_trdg import distorsion_generator

STOCK = {
    "sine": distorsion_generator.sin,
    "cosine": distorsion_generator.cos,
    "random": distorsion_generator.random,
}


@pytest.mark.parametrize("axis", ["vertical", "horizontal", "both"])
@pytest.mark.parametrize("distortion", ["sine", "cosine", "random"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (39, 1500), (40, 100)])
def test_distorts_as_trdg_does(size, distortion, axis):
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 4), np.uint8)
    image = Image.fromarray(pixels)
    random.seed(3)
    stock, _ = STOCK[distortion](
        image, image.convert("RGB"), vertical=axis in ("vertical", "both"), horizontal=axis in ("horizontal", "both")
    )
    rng = Random(3)
    np.testing.assert_array_equal(distort(pixels, distortion, axis, rng), np.asarray(stock))
    assert rng.getstate() == random.getstate()
    np.testing.assert_array_equal(distort(pixels[..., 3], distortion, axis, Random(3)), np.asarray(stock)[..., 3])


def test_no_distortion_gives_the_picture_back():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert distort(pixels, "none", "both", Random(1)) is pixels


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 4, 5, 7, 8, 100])
@pytest.mark.parametrize("count", [0, 1, 17, 1000])
def test_random_integers_are_those_of_randint(highest, count):
    ours, pythons = Random(7), Random(7)
    assert _random_integers(highest, count, ours).tolist() == [pythons.randint(0, highest) for _ in range(count)]
    assert ours.getstate() == pythons.getstate()
