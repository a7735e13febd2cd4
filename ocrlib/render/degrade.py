"""What happens to print between the press and the file: ink, paper, crop, camera, compression.

`renderer.py` draws for each line which of these befall it and how strongly, and lets them happen in the
order in which they do on real paper (the order of DEGRADATIONS). Each takes a (H, W) or (H, W, 3) uint8
image, a strength in [0, 1] and a source of chance, and returns an image of the same height.

Strength 1 is what a person can still read; the numbers below are chosen for lines of 32 pixels and scale
with the height where that matters. RandomState is used because its sequences are frozen across numpy's
versions.
"""

from collections.abc import Callable
from io import BytesIO
from random import Random as PythonRandom

import cv2
import numpy as np
from PIL import Image

from ocrlib.recipe import Degradation, Degrade
from ocrlib.render.marks import contrast, distance, inked, keep_marks, paper_level

Array = np.ndarray
Random = np.random.RandomState


def _noise_field(shape: tuple[int, ...], cell_px: float, random: Random) -> Array:
    """(H, W) float32 smooth noise in [0, 1], its features about cell_px wide."""
    height, width = shape[:2]
    rows, columns = max(2, int(height / cell_px) + 2), max(2, int(width / cell_px) + 2)
    coarse = random.uniform(0.0, 1.0, (rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0.0, 1.0)


def _per_channel(field: Array, image: Array) -> Array:
    return field if image.ndim == 2 else field[:, :, None]


def _rounded(image: Array) -> Array:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def ink_spread(image: Array, strength: float, random: Random) -> Array:
    """Strokes swell or shrink by up to half a pixel at 32 pixels' height, as on soft paper or a worn ribbon."""
    grow = random.uniform() < 0.5
    dark_ink = paper_level(image) > 127
    kernel = np.ones((2, 2) if image.shape[0] < 48 else (3, 3), np.uint8)
    changed = (cv2.erode if grow == dark_ink else cv2.dilate)(image, kernel)
    out = cv2.addWeighted(changed, 0.7 * strength, image, 1.0 - 0.7 * strength, 0.0)
    return keep_marks(image, out, image)


def stretch(image: Array, strength: float, random: Random) -> Array:
    """Condensed to 60% of its width or spread to 170%, as printers do with one and the same face."""
    height, width = image.shape[:2]
    factor = 1.0 + 0.7 * strength if random.uniform() < 0.5 else 1.0 - 0.4 * strength
    how = cv2.INTER_CUBIC if factor > 1.0 else cv2.INTER_AREA
    return cv2.resize(image, (max(4, round(width * factor)), height), interpolation=how)


def printer_dots(image: Array, strength: float, random: Random) -> Array:
    """Set in dots by a thermal head or a dot-matrix printer: 30 rows of them to a line down to 13.

    A dot is there or it is not; it is round, and smaller than its cell (gaps show) or larger (dots run together).
    """
    height, width = image.shape[:2]
    rows = 30.0 - 17.0 * strength
    size = (max(4, round(width * rows / height)), round(rows))
    paper = paper_level(image)
    difference = image.astype(np.float32) - paper
    gray = difference if image.ndim == 2 else difference.mean(axis=2)
    ink = difference.reshape(height * width, -1)[(gray.argmin if paper > 127 else gray.argmax)()]  # (1,) or (3,)
    if not ink.mean():
        return image
    cover = cv2.resize(gray / ink.mean(), size, interpolation=cv2.INTER_AREA)
    touched = cover[cover > 0.1]
    full = float(np.quantile(touched, 0.9)) if touched.size else 1.0  # less than 1 where strokes are finer than a dot
    dots = (cover > full * random.uniform(0.3, 0.5)).astype(np.float32)
    if random.uniform() < 0.15:  # a dead heating element leaves a streak, a dead needle a row
        across = random.uniform() < 0.5
        dead = random.randint(dots.shape[0 if across else 1], size=1 if across else 1 + dots.shape[1] // 60)
        if across:
            dots[dead] = 0.0
        else:
            dots[:, dead] = 0.0
    cell = 6  # pixels a dot is drawn with
    spots = np.zeros((dots.shape[0] * cell, dots.shape[1] * cell), np.float32)
    spots[cell // 2 :: cell, cell // 2 :: cell] = dots
    diameter = 2 * round(cell * random.uniform(0.75, 1.5) / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    covered = cv2.resize(cv2.dilate(spots, disc), (width, height), interpolation=cv2.INTER_AREA)
    return keep_marks(image, _rounded(paper + (ink * covered[:, :, None]).reshape(image.shape)), image)


def broken_dots(image: Array, strength: float, random: Random) -> Array:
    """Specks of ink go missing, as from a dot-matrix or a dry printer: up to a quarter of it, never a whole mark."""
    height = image.shape[0]
    specks = _noise_field(image.shape, height / random.uniform(10.0, 24.0), random)
    lost = np.clip((specks - (1.0 - 0.4 * strength)) * 8.0, 0.0, 1.0)
    out = _rounded(image + (paper_level(image) - image.astype(np.float32)) * _per_channel(lost, image))
    return keep_marks(image, out, image)


def thermal_fade(image: Array, strength: float, random: Random) -> Array:
    """Ink pales in broad bands, as on thermal paper: to no less than a third of its contrast, or 45 gray levels."""
    field = _noise_field(image.shape, image.shape[0] * random.uniform(1.0, 4.0), random)
    fade = strength * random.uniform(0.3, 0.65) * (0.5 + 0.5 * field)
    fade = np.minimum(fade, max(0.0, 1.0 - 45.0 / max(1.0, contrast(image))))
    paper = paper_level(image)
    return _rounded(paper + (image.astype(np.float32) - paper) * (1.0 - _per_channel(fade, image)))


def show_through(image: Array, strength: float, random: Random) -> Array:
    """What is printed on the back of the sheet, mirrored, blurred by the paper and faint: up to a quarter as dark."""
    height, width = image.shape[:2]
    shift = (random.randint(-height // 2, height // 2 + 1), random.randint(width))
    back = cv2.GaussianBlur(np.roll(image[:, ::-1], shift, axis=(0, 1)), (0, 0), height / 32)
    return _rounded(image + 0.25 * strength * (back.astype(np.float32) - np.median(image, axis=(0, 1))))


def slope(image: Array, strength: float, random: Random) -> Array:
    """Rises or falls along the line, which is then cut out along its box: by 40% of the height or 3 degrees at most,
    whichever is less.

    A turn by an angle, trdg's skew, leaves of a long line nothing but a hair in a high box.
    """
    height, width = image.shape[:2]
    rise = strength * min(0.4 * height, np.tan(np.radians(3.0)) * width)
    falls = random.uniform() < 0.5
    box = height + int(np.ceil(rise))
    matrix = np.array([[1.0, 0.0, 0.0], [(rise if falls else -rise) / width, 1.0, 0.0 if falls else rise]], np.float32)
    turned = cv2.warpAffine(image, matrix, (width, box), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(turned, (max(4, round(width * height / box)), height), interpolation=cv2.INTER_AREA)


def neighbours(image: Array, strength: float, random: Random) -> Array:
    """Pieces of the line above or below, or a ruled line, at the edge that a crop left them on."""
    height, width = image.shape[:2]
    out = image.copy()
    reach = max(1, round(height * 0.14 * strength))
    dark_ink = paper_level(image) > 127
    ink = out.min() if dark_ink else out.max()
    at_top = random.uniform() < 0.5
    if random.uniform() < 0.5:  # a rule, now and then dashed
        y = random.randint(0, reach) if at_top else height - 1 - random.randint(0, reach)
        thickness = random.randint(1, 3)
        dash = random.randint(3, 12) if random.uniform() < 0.4 else width
        for x in range(0, width, 2 * dash):
            out[max(0, y) : y + thickness, x : x + dash] = ink
        return out
    # The feet of some text above or the heads of some below: a piece of this very line, displaced.
    rows = np.flatnonzero((distance(image) > 60).any(axis=1))
    if not len(rows):
        return out
    piece = np.roll(image, random.randint(0, width), axis=1)
    over = np.minimum if dark_ink else np.maximum
    if at_top:
        bottom = rows[-1] + 1
        out[:reach] = over(out[:reach], piece[bottom - min(reach, bottom) : bottom][:reach])
    else:
        top = rows[0]
        taken = piece[top : top + reach]
        out[height - len(taken) :] = over(out[height - len(taken) :], taken)
    return out


def crop(image: Array, strength: float, random: Random) -> Array:
    """Cut tightly to the ink, or even into it, or set loosely into more paper; back to its height.

    A tight cut may take up to a quarter of the first and of the last character, and 4% above; below it takes nothing,
    for there lie the points.
    """
    height, width = image.shape[:2]
    ink = inked(image)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return image
    size = rows[-1] + 1 - rows[0]
    # Margins as shares of the ink's height: from 4% lost above to 60% added above and below, to 80% at the sides.
    loose = random.uniform() < 0.5
    above_it, below_it = ((0.0, 0.6 * strength),) * 2 if loose else ((-0.04 * strength, 0.12), (0.0, 0.12))
    top, bottom = (round(size * random.uniform(*span)) for span in (above_it, below_it))
    sides = (0.0, 0.8 * strength) if loose else (0.0, 0.12)
    left, right = (round(size * random.uniform(*sides)) for _ in range(2))
    if not loose and random.uniform() < 0.3:
        gaps = np.flatnonzero(
            np.diff(columns) > 1
        )  # characters that touch count as one: hence at most half as wide as high
        first, last = (gaps[0] + 1, len(columns) - 1 - gaps[-1]) if len(gaps) else (len(columns), len(columns))
        left, right = (-round(0.25 * strength * random.uniform() * min(wide, size / 2)) for wide in (first, last))
    edges = (rows[0] - top, rows[-1] + 1 + bottom, columns[0] - left, columns[-1] + 1 + right)
    outside = [max(0, -edges[0]), max(0, edges[1] - height), max(0, -edges[2]), max(0, edges[3] - width)]
    above, below, before, after = outside
    padded = cv2.copyMakeBorder(image, above, below, before, after, cv2.BORDER_REPLICATE)
    cut = padded[edges[0] + outside[0] : edges[1] + outside[0], edges[2] + outside[2] : edges[3] + outside[2]]
    if cut.shape[0] < 4 or cut.shape[1] < 4:
        return image
    new_width = max(4, round(cut.shape[1] * height / cut.shape[0]))
    shrink = cut.shape[0] > height
    return cv2.resize(cut, (new_width, height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)


def sliver(image: Array, strength: float, random: Random) -> Array:
    """At the left or right edge the rim of a further character, cut off by the crop: at most a fifth of the height."""
    height, width = image.shape[:2]
    wide = max(1, round(height * (0.04 + 0.14 * strength)))
    ink = np.logical_or.reduce(inked(image), axis=0)
    at_left = random.uniform() < 0.5
    # The rim of a character is where ink begins (for the right edge) or ends (for the left one).
    turns = np.flatnonzero(ink[:-1] & ~ink[1:]) + 1 - wide if at_left else np.flatnonzero(~ink[:-1] & ink[1:]) + 1
    turns = turns[(turns >= 0) & (turns + wide <= width)]
    if not len(turns):
        return image
    start = int(turns[random.randint(len(turns))])
    rim = image[:, start : start + wide]
    gap = max(2, round(height * random.uniform(0.08, 0.2)))
    paper = np.full((height, gap, *image.shape[2:]), np.uint8(paper_level(image)))
    return np.concatenate([rim, paper, image] if at_left else [image, paper, rim], axis=1)


def perspective(image: Array, strength: float, random: Random) -> Array:
    """Seen from the side: the corners move by up to 8% of the height, the edges repeat."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    moved = corners + (random.uniform(-0.08, 0.08, (4, 2)) * height * strength).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def uneven_light(image: Array, strength: float, random: Random) -> Array:
    """A shadow or a gray cast: paper as dark as half its brightness, in a slope or in broad clouds."""
    height, width = image.shape[:2]
    if random.uniform() < 0.5:
        ramp = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :].repeat(height, axis=0)
        field = ramp if random.uniform() < 0.5 else ramp[:, ::-1]
    else:
        field = _noise_field(image.shape, height * random.uniform(1.5, 5.0), random)
    light = 1.0 - strength * (random.uniform(0.0, 0.25) + 0.3 * field)
    return _rounded(image * _per_channel(light, image))


def defocus(image: Array, strength: float, random: Random) -> Array:
    """Out of focus: a Gaussian of up to 1.6 pixels at 32 pixels' height."""
    sigma = (0.3 + 1.3 * strength) * image.shape[0] / 32
    return cv2.GaussianBlur(image, (0, 0), sigma)


def motion_blur(image: Array, strength: float, random: Random) -> Array:
    """A shaken camera: a streak of up to 5 pixels at 32 pixels' height, in any direction."""
    length = 1.0 + 4.0 * strength * image.shape[0] / 32
    size = 2 * int(np.ceil(length / 2)) + 1
    angle = random.uniform(0.0, np.pi)
    dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    kernel = np.zeros((size, size), np.float32)
    for t in np.linspace(-1.0, 1.0, 4 * size):
        kernel[round(size // 2 + t * dy), round(size // 2 + t * dx)] += 1.0
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def low_resolution(image: Array, strength: float, random: Random) -> Array:
    """Scanned small and blown up again: down to 12 pixels of 32, but to no less than 10 pixels for the ink itself."""
    height, width = image.shape[:2]
    rows = np.flatnonzero(inked(image).any(axis=1))
    ink_height = rows[-1] + 1 - rows[0] if len(rows) else height
    scale = max(1.0 - 0.62 * strength, min(1.0, 10.0 / ink_height))
    small = (max(2, round(width * scale)), max(2, round(height * scale)))
    ways = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    down = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(down, (width, height), interpolation=ways[random.randint(len(ways))])


def camera_noise(image: Array, strength: float, random: Random) -> Array:
    """Grain, fine or a little clotted: a standard deviation of up to 18 gray levels or a quarter of the contrast."""
    grain = random.standard_normal(image.shape).astype(np.float32)
    if random.uniform() < 0.4:
        grain = cv2.GaussianBlur(grain, (3, 3), 0) * 2.0
    return _rounded(image + min(18.0 * strength, contrast(image) / 4.0) * grain)


def binarise(image: Array, strength: float, random: Random) -> Array:
    """Black and white at Otsu's threshold, or up to half way from there to the ink or to the paper.

    Shadows are taken out before, as programs for scanners do: in a dark corner no print would be left.
    """
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    paper = paper_level(gray)
    if dark_ink := paper > 127:
        size = image.shape[0] // 2 | 1  # more than a stroke is wide, so that of the print nothing is left
        light = cv2.GaussianBlur(cv2.dilate(gray, np.ones((size, size), np.uint8)), (0, 0), size / 2)
        gray = _rounded(gray * (paper / np.maximum(light, 1.0)))
        paper = paper_level(gray)
    middle, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    # Less far towards the ink: thin strokes, which never are as dark as thick ones, would go altogether.
    threshold = middle + (paper - middle) * strength * random.uniform(-0.25, 0.5)
    black_white = np.where(gray > threshold, np.uint8(255), np.uint8(0))
    black_white = keep_marks(gray, black_white, 0 if dark_ink else 255)
    return black_white if image.ndim == 2 else np.repeat(black_white[:, :, None], 3, axis=2)


def jpeg(image: Array, strength: float, random: Random) -> Array:
    """Saved as JPEG, quality 80 down to 12."""
    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=round(80 - 68 * strength))
    return np.asarray(Image.open(stream))


def specks(image: Array, strength: float, random: Random) -> Array:
    """Dust and pinholes of a scan: up to 12 specks of ink or of paper to a square of the line's height."""
    height, width = image.shape[:2]
    out = image.copy()
    paper = paper_level(image)
    ink = int(image.min()) if paper > 127 else int(image.max())
    largest = max(1, round(height / 16))
    for _ in range(random.poisson(12.0 * strength * width / height)):
        x, y, size = random.randint(width), random.randint(height), random.randint(1, largest + 1)
        out[y : y + size, x : x + random.randint(1, largest + 1)] = ink if random.uniform() < 0.6 else int(paper)
    return out


# In the order in which they befall a line: press, paper, scissors, camera, file.
DEGRADATIONS: dict[str, Callable[[Array, float, Random], Array]] = {
    "stretch": stretch,
    "printer_dots": printer_dots,
    "ink_spread": ink_spread,
    "broken_dots": broken_dots,
    "thermal_fade": thermal_fade,
    "show_through": show_through,
    "slope": slope,
    "neighbours": neighbours,
    "crop": crop,
    "sliver": sliver,
    "perspective": perspective,
    "uneven_light": uneven_light,
    "defocus": defocus,
    "motion_blur": motion_blur,
    "low_resolution": low_resolution,
    "camera_noise": camera_noise,
    "binarise": binarise,
    "jpeg": jpeg,
    "specks": specks,
}


def draw_degradations(settings: Degrade, rng: PythonRandom) -> list[tuple[str, float]]:
    """Returns what befalls one line and how strongly, in order; two draws for each, befallen or not."""
    drawn: list[tuple[str, float]] = []
    if not any(getattr(settings, name).share for name in DEGRADATIONS):
        return drawn  # nothing else is drawn from rng after this: nobody misses the draws
    clean = rng.random() < settings.clean
    for name in DEGRADATIONS:
        setting: Degradation = getattr(settings, name)
        befalls, strength = rng.random() < setting.share, round(rng.uniform(*setting.strength), 2)
        if befalls and not clean:
            drawn.append((name, strength))
    return drawn


def degrade(image: Array, drawn: list[tuple[str, float]], seed: int) -> Array:
    """Returns the image after all that was drawn has befallen it; seed in [0, 2**32)."""
    if not drawn:
        return image  # a RandomState takes 140 us to seed, nearly as long as a line takes to draw
    random = Random(seed)
    for name, strength in drawn:
        image = DEGRADATIONS[name](image, strength, random)
    return image
