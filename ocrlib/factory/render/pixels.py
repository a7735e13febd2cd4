"""What degradations share: types, smooth noise, and rounding back to bytes."""

import cv2
import numpy as np

Array = np.ndarray
Random = np.random.RandomState  # its sequences are frozen across numpy's versions


def random_from(seed: int) -> Random:
    """A source of chance; seed in [0, 2**32). Of PCG64, which is seeded in a tenth of the Mersenne twister's time."""
    return np.random.RandomState(np.random.PCG64(seed))


def noise_field(shape: tuple[int, ...], cell_px: float, random: Random) -> Array:
    """(H, W) float32 smooth noise in [0, 1], its features about cell_px wide."""
    height, width = shape[:2]
    rows, columns = max(2, int(height / cell_px) + 2), max(2, int(width / cell_px) + 2)
    coarse = random.uniform(0.0, 1.0, (rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0.0, 1.0)


def per_channel(field: Array, image: Array) -> Array:
    """(H, W) as it is for a gray image, (H, W, 1) for a colour image."""
    return field if image.ndim == 2 else field[:, :, None]


def rounded(image: Array) -> Array:
    """uint8: rounded half to even, and cut to 0 to 255."""
    return cv2.add(image, 0.0, dtype=cv2.CV_8U)  # one pass: half the time of numpy's rint, clip and astype
