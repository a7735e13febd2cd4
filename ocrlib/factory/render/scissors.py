"""Degradations of a line when it is cut out of a page: its slope, its neighbours, and how tight the cut is."""

import cv2
import numpy as np

from ocrlib.factory.render.marks import dark_on_light, inked, off_paper, paper_of
from ocrlib.factory.render.pixels import Array, Random


def slope(image: Array, strength: float, random: Random) -> Array:
    """The line rises or falls, and is cut out along its box: by at most 40% of the height or 3 degrees, whichever is
    less.

    trdg's skew turns by an angle instead: a long line then becomes very small in a high box.
    """
    height, width = image.shape[:2]
    rise = strength * min(0.4 * height, np.tan(np.radians(3.0)) * width)
    falls = random.uniform() < 0.5
    box = height + int(np.ceil(rise))
    matrix = np.array([[1.0, 0.0, 0.0], [(rise if falls else -rise) / width, 1.0, 0.0 if falls else rise]], np.float32)
    turned = cv2.warpAffine(image, matrix, (width, box), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(turned, (max(4, round(width * height / box)), height), interpolation=cv2.INTER_AREA)


def neighbours(image: Array, strength: float, random: Random) -> Array:
    """Pieces of the line above or below, or a rule, which a crop left at the edge."""
    height, width = image.shape[:2]
    out = image.copy()
    reach = max(1, round(height * 0.14 * strength))
    dark_ink = dark_on_light(image)
    ink = out.min() if dark_ink else out.max()
    at_top = random.uniform() < 0.5
    if random.uniform() < 0.5:  # a rule, sometimes dashed
        y = random.randint(0, reach) if at_top else height - 1 - random.randint(0, reach)
        thickness = random.randint(1, 3)
        dash = random.randint(3, 12) if random.uniform() < 0.4 else width
        for x in range(0, width, 2 * dash):
            out[max(0, y) : y + thickness, x : x + dash] = ink
        return out
    # The lower ends of the text above, or the upper ends of the text below: a piece of this same line, moved.
    rows = np.flatnonzero((off_paper(image) > 60).any(axis=1))
    if not len(rows):
        return out
    piece = np.roll(image, random.randint(0, width), axis=1)
    over = np.minimum if dark_ink else np.maximum
    if at_top:
        bottom = rows[-1] + 1
        taken = piece[max(0, bottom - reach) : bottom]
        out[: len(taken)] = over(out[: len(taken)], taken)
    else:
        top = rows[0]
        taken = piece[top : top + reach]
        out[height - len(taken) :] = over(out[height - len(taken) :], taken)
    return out


def crop(image: Array, strength: float, random: Random) -> Array:
    """Cut tightly to the ink, or a little into it, or loosely with more paper around; then scaled back to its height.

    A tight cut may take up to a quarter of the first and the last character, and 4% of the ink at the top. It takes
    nothing at the bottom, because points stand there.
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
        # Characters that touch have no gap between them, so a character counts as at most half as wide as it is high.
        gaps = np.flatnonzero(np.diff(columns) > 1)
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


def flush(image: Array, strength: float, random: Random) -> Array:
    """Cut where the print begins, where it ends, or both: 2 pixels of paper are left there or, at strength 1, none."""
    columns = np.flatnonzero(inked(image).any(axis=0))
    which = random.choice(3, p=(0.25, 0.45, 0.3))  # left, right, both
    left, right = (round(random.uniform(0.0, 2.0) * (1.0 - strength * random.uniform())) for _ in range(2))
    if len(columns) < 4:
        return image
    start = 0 if which == 1 else max(0, columns[0] - left)
    end = image.shape[1] if which == 0 else columns[-1] + 1 + right
    return image[:, start:end].copy() if end - start >= 4 else image


def sliver(image: Array, strength: float, random: Random) -> Array:
    """The edge of one more character at the left or right, as a crop leaves it: at most a fifth of the height wide."""
    height, width = image.shape[:2]
    wide = max(1, round(height * (0.04 + 0.14 * strength)))
    ink = np.logical_or.reduce(inked(image), axis=0)
    at_left = random.uniform() < 0.5
    # Take the rim of a character where ink begins (for the right edge) or where it ends (for the left edge).
    turns = np.flatnonzero(ink[:-1] & ~ink[1:]) + 1 - wide if at_left else np.flatnonzero(~ink[:-1] & ink[1:]) + 1
    turns = turns[(turns >= 0) & (turns + wide <= width)]
    if not len(turns):
        return image
    start = int(turns[random.randint(len(turns))])
    rim = image[:, start : start + wide]
    gap = max(2, round(height * random.uniform(0.08, 0.2)))
    paper = np.full((height, gap, *image.shape[2:]), np.uint8(paper_of(image)))
    return np.concatenate([rim, paper, image] if at_left else [image, paper, rim], axis=1)
