"""Degradations of print while it is made and as it ages: presses, printers, ink, the back of the sheet."""

import cv2
import numpy as np

from ocrlib.factory.render.marks import contrast, dark_on_light, keep_marks, paper_of
from ocrlib.factory.render.pixels import Array, Random, noise_field, per_channel, rounded


def stretch(image: Array, strength: float, random: Random) -> Array:
    """Condensed down to 60% of its width or spread up to 170%, as printers do with one font."""
    height, width = image.shape[:2]
    factor = 1.0 + 0.7 * strength if random.uniform() < 0.5 else 1.0 - 0.4 * strength
    how = cv2.INTER_CUBIC if factor > 1.0 else cv2.INTER_AREA
    return cv2.resize(image, (max(4, round(width * factor)), height), interpolation=how)


def double_width(image: Array, strength: float, random: Random) -> Array:
    """Spread to 140% of its width or, at strength 1, to 220%, as tills and printers set what matters."""
    height, width = image.shape[:2]
    return cv2.resize(image, (round(width * (1.4 + 0.8 * strength)), height), interpolation=cv2.INTER_CUBIC)


def printer_dots(image: Array, strength: float, random: Random) -> Array:
    """Set in dots, as by a thermal head or a dot-matrix printer: from 30 rows of dots per line down to 13.

    A dot is printed or not, nothing in between. It is round, and smaller than its cell (with gaps) or larger (dots run
    together).
    """
    height, width = image.shape[:2]
    rows = 30.0 - 17.0 * strength
    size = (max(4, round(width * rows / height)), round(rows))
    paper = paper_of(image)
    difference = image.astype(np.float32) - paper
    gray = difference if image.ndim == 2 else difference.mean(axis=2)
    most = gray.argmin() if dark_on_light(image) else gray.argmax()
    ink = difference.reshape(height * width, -1)[most]  # (1,) or (3,)
    if not ink.mean():
        return image
    cover = cv2.resize(gray / ink.mean(), size, interpolation=cv2.INTER_AREA)
    touched = cover[cover > 0.1]
    full = float(np.quantile(touched, 0.9)) if touched.size else 1.0  # below 1 where strokes are thinner than a dot
    dots = (cover > full * random.uniform(0.3, 0.5)).astype(np.uint8)
    if random.uniform() < 0.15:  # a dead heating element leaves a streak, a dead needle a row
        across = random.uniform() < 0.5
        dead = random.randint(dots.shape[0 if across else 1], size=1 if across else 1 + dots.shape[1] // 60)
        if across:
            dots[dead] = 0
        else:
            dots[:, dead] = 0
    cell = 6  # pixels that a dot is drawn with
    spots = np.zeros((dots.shape[0] * cell, dots.shape[1] * cell), np.uint8)  # bytes: a quarter of the time of floats
    spots[cell // 2 :: cell, cell // 2 :: cell] = dots
    diameter = 2 * round(cell * random.uniform(0.75, 1.5) / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    covered = cv2.resize(cv2.dilate(spots, disc).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return keep_marks(image, rounded(paper + (ink * covered[:, :, None]).reshape(image.shape)), image)


def ink_spread(image: Array, strength: float, random: Random) -> Array:
    """Strokes swell or shrink by up to half a pixel in a line 32 pixels high, as on soft paper or by a worn ribbon."""
    grow = random.uniform() < 0.5
    kernel = np.ones((2, 2) if image.shape[0] < 48 else (3, 3), np.uint8)
    changed = (cv2.erode if grow == dark_on_light(image) else cv2.dilate)(image, kernel)
    out = cv2.addWeighted(changed, 0.7 * strength, image, 1.0 - 0.7 * strength, 0.0)
    return keep_marks(image, out, image)


def broken_dots(image: Array, strength: float, random: Random) -> Array:
    """Small specks of ink are missing, as from a dry printer: up to a quarter of the ink, never a whole mark."""
    height = image.shape[0]
    specks = noise_field(image.shape, height / random.uniform(10.0, 24.0), random)
    lost = np.clip((specks - (1.0 - 0.4 * strength)) * 8.0, 0.0, 1.0)
    out = rounded(image + (paper_of(image) - image.astype(np.float32)) * per_channel(lost, image))
    return keep_marks(image, out, image)


def thermal_fade(image: Array, strength: float, random: Random) -> Array:
    """Ink pales in broad bands, as on thermal paper: down to a third of its contrast, but not below 45 gray levels."""
    field = noise_field(image.shape, image.shape[0] * random.uniform(1.0, 4.0), random)
    fade = strength * random.uniform(0.3, 0.65) * (0.5 + 0.5 * field)
    fade = np.minimum(fade, max(0.0, 1.0 - 45.0 / max(1.0, contrast(image))))
    paper = paper_of(image)
    return rounded(paper + (image.astype(np.float32) - paper) * (1.0 - per_channel(fade, image)))


def carbon(image: Array, strength: float, random: Random) -> Array:
    """A carbon copy: strokes swollen and soft by up to 5% of the height, filled unevenly, and down to half as dark, but
    not below 45 gray levels.
    """
    height = image.shape[0]
    paper = paper_of(image)
    off = image.astype(np.float32) - paper
    soft = cv2.GaussianBlur(off, (0, 0), height * (0.015 + 0.035 * strength * random.uniform()))
    mottle = noise_field(image.shape, height * random.uniform(0.06, 0.3), random)
    kept = 1.0 - 0.5 * strength * random.uniform()
    kept = max(kept, min(1.0, 45.0 / max(1.0, contrast(image))))
    inked_off = 1.3 * kept * soft * per_channel(1.0 - 0.5 * strength * mottle, image)
    return keep_marks(image, rounded(paper + inked_off), image)


def dropouts(image: Array, strength: float, random: Random) -> Array:
    """Worn type: thin strokes all but vanish, or streaks of ink are missing; never a whole mark."""
    height, width = image.shape[:2]
    paper = paper_of(image)
    if random.uniform() < 0.5:
        across = random.uniform() < 0.5
        kernel = np.ones((2, 1) if across else (1, 2), np.uint8) if height < 48 else np.ones((3, 3), np.uint8)
        thick = cv2.morphologyEx(image, cv2.MORPH_CLOSE if dark_on_light(image) else cv2.MORPH_OPEN, kernel)
        kept = per_channel(noise_field(image.shape, height * random.uniform(0.5, 3.0), random), image)
        lost = np.clip(strength * (1.5 - kept), 0.0, 0.9)
        out = rounded(image + lost * (thick.astype(np.float32) - image))
    else:
        rows = max(2, round(height / random.uniform(1.0, 2.5)))
        columns = max(2, round(width / (height * random.uniform(0.3, 2.0))))
        streaks = cv2.resize(random.uniform(0.0, 1.0, (rows, columns)).astype(np.float32), (width, height))
        lost = np.clip((streaks - (1.0 - 0.35 * strength)) * 5.0, 0.0, 1.0)
        out = rounded(image + per_channel(lost, image) * (paper - image.astype(np.float32)))
    return keep_marks(image, out, image)


def show_through(image: Array, strength: float, random: Random) -> Array:
    """The print on the back of the sheet: mirrored, blurred by the paper, and up to a sixth as dark."""
    height, width = image.shape[:2]
    shift = (random.randint(-height // 2, height // 2 + 1), random.randint(width))
    back = cv2.GaussianBlur(np.roll(image[:, ::-1], shift, axis=(0, 1)), (0, 0), height / 32)
    return rounded(image + strength / 6 * (back.astype(np.float32) - paper_of(image)))
