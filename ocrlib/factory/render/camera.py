"""Degradations between the paper and the file: lens, light, sensor, scanner, compression."""

import cv2
import numpy as np

from ocrlib.factory.render.marks import contrast, dark_on_light, inked, keep_marks, paper_of
from ocrlib.factory.render.pixels import Array, Random, noise_field, per_channel, rounded

_AT_LEAST_1 = np.arange(256.0).clip(1.0)  # the gray levels, as divisors


def perspective(image: Array, strength: float, random: Random) -> Array:
    """Seen from the side: the corners move by up to 8% of the height; pixels at the edge are repeated."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    moved = corners + (random.uniform(-0.08, 0.08, (4, 2)) * height * strength).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def uneven_light(image: Array, strength: float, random: Random) -> Array:
    """A shadow or a gray cast, as a slope or as broad clouds: the paper becomes up to half as bright."""
    height, width = image.shape[:2]
    if random.uniform() < 0.5:
        ramp = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :].repeat(height, axis=0)
        field = ramp if random.uniform() < 0.5 else ramp[:, ::-1]
    else:
        field = noise_field(image.shape, height * random.uniform(1.5, 5.0), random)
    light = 1.0 - strength * (random.uniform(0.0, 0.25) + 0.3 * field)
    return rounded(image * per_channel(light, image))


def defocus(image: Array, strength: float, random: Random) -> Array:
    """Out of focus: a Gaussian blur of up to 1.6 pixels in a line 32 pixels high."""
    sigma = (0.3 + 1.3 * strength) * image.shape[0] / 32
    return cv2.GaussianBlur(image, (0, 0), sigma)


def motion_blur(image: Array, strength: float, random: Random) -> Array:
    """A shaken camera: a streak of up to 5 pixels in a line 32 pixels high, in any direction."""
    length = 1.0 + 4.0 * strength * image.shape[0] / 32
    size = 2 * int(np.ceil(length / 2)) + 1
    angle = random.uniform(0.0, np.pi)
    dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    kernel = np.zeros((size, size), np.float32)
    for t in np.linspace(-1.0, 1.0, 4 * size):
        kernel[round(size // 2 + t * dy), round(size // 2 + t * dx)] += 1.0
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def low_resolution(image: Array, strength: float, random: Random) -> Array:
    """Scanned small and enlarged again: 32 pixels become at least 12, and the ink stays 10 pixels high."""
    height, width = image.shape[:2]
    rows = np.flatnonzero(inked(image).any(axis=1))
    ink_height = rows[-1] + 1 - rows[0] if len(rows) else height
    scale = max(1.0 - 0.62 * strength, min(1.0, 10.0 / ink_height))
    small = (max(2, round(width * scale)), max(2, round(height * scale)))
    ways = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    down = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(down, (width, height), interpolation=ways[random.randint(len(ways))])


def camera_noise(image: Array, strength: float, random: Random) -> Array:
    """Fine or slightly coarse grain, with a standard deviation of up to 18 gray levels or a quarter of the contrast,
    whichever is less.
    """
    grain = random.standard_normal(image.shape).astype(np.float32)
    if random.uniform() < 0.4:
        grain = cv2.GaussianBlur(grain, (3, 3), 0) * 2.0
    return rounded(image + min(18.0 * strength, contrast(image) / 4.0) * grain)


def fax(image: Array, strength: float, random: Random) -> Array:
    """Sent by fax: two levels, at 200 dots an inch or, at strength 1, at 100, and enlarged again.

    A line of 32 pixels is taken for one sixth of an inch; all that is ink keeps 11 rows or more.
    """
    height, width = image.shape[:2]
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    rows = np.flatnonzero(inked(gray).any(axis=1))
    ink_height = rows[-1] + 1 - rows[0] if len(rows) else height
    scale = min(1.0, max((33.0 - 16.0 * strength) / 32.0, 11.0 / ink_height))
    small = (max(4, round(width * scale)), max(4, round(height * scale)))
    down = cv2.resize(gray, small, interpolation=cv2.INTER_AREA)
    middle, _ = cv2.threshold(down, 0, 255, cv2.THRESH_OTSU)
    paper, dark_ink = paper_of(gray), dark_on_light(gray)
    threshold = middle + (paper - middle) * random.uniform(-0.1, 0.4)
    two = keep_marks(down, np.where(down > threshold, np.uint8(255), np.uint8(0)), 0 if dark_ink else 255)
    how = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[random.randint(3)]
    out = cv2.resize(two, (width, height), interpolation=how)
    return out if image.ndim == 2 else np.repeat(out[:, :, None], 3, axis=2)


def binarise(image: Array, strength: float, random: Random) -> Array:
    """Black and white at Otsu's threshold, or at one shifted up to half way to the paper or a quarter to the ink.

    Shadows on bright paper are removed first, as scanner programs do. Otherwise a dark corner would become all black.
    """
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    paper = paper_of(gray)
    if dark_ink := dark_on_light(gray):
        size = image.shape[0] // 2 | 1  # wider than a stroke, so that no print is left in it
        light = cv2.GaussianBlur(cv2.dilate(gray, np.ones((size, size), np.uint8)), (0, 0), size / 2)
        gray = rounded(gray * cv2.LUT(light, paper / _AT_LEAST_1))
        paper = paper_of(gray)
    middle, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    # Not as far towards the ink: thin strokes are never as dark as thick ones, and would disappear.
    threshold = middle + (paper - middle) * strength * random.uniform(-0.25, 0.5)
    black_white = np.where(gray > threshold, np.uint8(255), np.uint8(0))
    black_white = keep_marks(gray, black_white, 0 if dark_ink else 255)
    return black_white if image.ndim == 2 else np.repeat(black_white[:, :, None], 3, axis=2)


def jpeg(image: Array, strength: float, random: Random) -> Array:
    """Saved as JPEG, with a quality from 80 down to 12."""
    in_colour = image.ndim == 3
    # The bytes that Pillow would decode (a test compares them), in a fifth to a half of its time.
    given = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if in_colour else image
    _, stored = cv2.imencode(".jpg", given, (cv2.IMWRITE_JPEG_QUALITY, round(80 - 68 * strength)))
    out = cv2.imdecode(stored, cv2.IMREAD_UNCHANGED)
    assert out is not None
    return cv2.cvtColor(out, cv2.COLOR_BGR2RGB) if in_colour else out


def specks(image: Array, strength: float, random: Random) -> Array:
    """Dust and pinholes of a scan: up to 12 specks of ink or paper per square of the line's height."""
    height, width = image.shape[:2]
    out = image.copy()
    paper = np.uint8(paper_of(image))
    ink = image.min() if dark_on_light(image) else image.max()
    largest = max(1, round(height / 16))
    for _ in range(random.poisson(12.0 * strength * width / height)):
        x, y, size = random.randint(width), random.randint(height), random.randint(1, largest + 1)
        out[y : y + size, x : x + random.randint(1, largest + 1)] = ink if random.uniform() < 0.6 else paper
    return out
