"""Arrays as programs hold them, each against the same line in plain 8-bit gray."""

import numpy as np
import pytest

from ocrlib.errors import UserError
from ocrlib.pictures.levels import from_array, upright_pixels
from tests.training_fixtures import draw_line

LINE = draw_line("20471")  # (32, W) uint8

KINDS = {
    "uint8": LINE,
    "one channel": LINE[:, :, None],
    "three channels": np.repeat(LINE[:, :, None], 3, axis=2),
    "opaque": np.dstack([LINE, LINE, LINE, np.full_like(LINE, 255)]),
    "float, 0 to 1": LINE / 255,
    "float, 0 to 255": LINE.astype(np.float32),
    "int64": LINE.astype(np.int64),
    "16 bits": LINE.astype(np.uint16) * 257,
    "12 bits": (LINE.astype(np.int32) * 4095 + 254) // 255,
    "32 bits": LINE.astype(np.int64) * 16843009,
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_any_kind_is_the_same_picture(kind: str) -> None:
    for channels in (1, 3):
        pixels = upright_pixels(KINDS[kind], channels).astype(int)
        assert pixels.shape == LINE.shape + (3,) * (channels == 3)
        assert np.abs(pixels - (LINE if channels == 1 else LINE[:, :, None])).max() <= 1


def test_truth_values_are_black_and_white() -> None:
    assert np.array_equal(upright_pixels(LINE > 128, 1), np.where(LINE > 128, 255, 0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((32,), np.uint8), "expected an array"),
        (np.zeros((32, 10, 2), np.uint8), "expected an array"),
        (np.zeros((2, 32, 10, 3), np.uint8), "expected an array"),
        (np.zeros((0, 10), np.uint8), "expected an array"),
        (np.zeros((32, 10), complex), "array of numbers"),
        (np.full((32, 10), np.nan), "not finite"),
    ],
)
def test_an_array_that_is_no_picture_is_refused_in_one_line(values: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        from_array(values)
    assert "\n" not in str(raised.value)
