"""The reference: stock trdg runs, and changes nothing else in the process."""

import random

import numpy as np

from ocrlib.factory.render.options import LineOptions
from tests.factory.render.samples import trdg_fonts
from tests.programs import run_code
from tests.stock_trdg import stock_line

NOISY = LineOptions(background="gaussian_noise", skew_deg=5, random_skew=True)


def test_same_seed_same_bytes_and_another_seed_others():
    first, again, other = (stock_line("12:30", trdg_fonts()[0], NOISY, seed) for seed in (1, 1, 2))
    assert first is not None and other is not None
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


def test_the_global_random_states_are_restored():
    random.seed(5)
    np.random.seed(5)
    stock_line("12:30", trdg_fonts()[0], NOISY, 1)
    assert random.random() == random.Random(5).random()
    assert np.random.random_sample() == np.random.RandomState(5).random_sample()


def test_import_is_quiet_and_leaves_pillow_and_handwriting_alone():
    code = (
        "import sys, tests.stock_trdg, PIL.ImageFont, os\n"
        "assert 'tensorflow' not in sys.modules and 'trdg.handwritten_text_generator' not in sys.modules\n"
        "assert not hasattr(PIL.ImageFont.FreeTypeFont, 'getsize')"
    )
    assert run_code(code) == ""
