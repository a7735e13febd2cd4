"""What lies around the print within the cut: paper, parts of other lines, rules, frames.

These degradations change no label, and none of them covers print: what is added lies beside it, or is thinner than a
point.
"""

import cv2
import numpy as np

from ocrlib.factory.render.marks import dark_on_light, inked, paper_of
from ocrlib.factory.render.pixels import Array, Random


def room(image: Array, strength: float, random: Random) -> Array:
    """More paper on all sides: up to 90% of the height above and below, up to three heights left and right."""
    height = image.shape[0]
    above, below = (round(height * 0.9 * strength * random.uniform()) for _ in range(2))
    far = 3.0 * strength * random.uniform() * height
    before = round(far * random.uniform())
    padded = _with_paper(image, above, below, before, round(far) - before)
    return _as_high(padded, height)


def lines_beside(image: Array, strength: float, random: Random) -> Array:
    """Parts of the line above, the line below or both, of up to 40% of the height each, cut by the box.

    They are parts of this very line, moved along it, a hair to a tenth of the height away from it.
    """
    height, width = image.shape[:2]
    rows = np.flatnonzero(inked(image).any(axis=1))
    if not len(rows):
        return image
    which = random.choice(3, p=(0.4, 0.4, 0.2))  # above, below, both
    strips = []
    for above in (True, False):
        if which == (1 if above else 0):
            continue
        reach = max(2, round(height * strength * random.uniform(0.1, 0.4)))
        gap = random.randint(1, 2 + height // 10)
        other = np.roll(image, random.randint(1, max(2, width)), axis=1)
        if random.uniform() < 0.3:  # the other line begins later, or ends sooner
            start, length = random.randint(width), random.randint(1, width + 1)
            other = other.copy()
            other[:, start : start + length] = np.uint8(paper_of(image))
        part = other[max(0, rows[-1] + 1 - reach) : rows[-1] + 1] if above else other[rows[0] : rows[0] + reach]
        paper = np.full((gap, *image.shape[1:]), np.uint8(paper_of(image)))
        strips.append((above, [part, paper] if above else [paper, part]))
    # What the box leaves free above and below the print belongs to the gaps.
    parts = [image[max(0, rows[0] - 1) : rows[-1] + 2]]
    for above, strip in strips:
        parts = [*strip, *parts] if above else [*parts, *strip]
    if which == 0:
        parts.insert(0, image[: max(0, rows[0] - 1)])
    if which == 1:
        parts.append(image[rows[-1] + 2 :])
    return _as_high(np.concatenate(parts, axis=0), height)


def rules(image: Array, strength: float, random: Random) -> Array:
    """One to three ruled lines as dark as the print: below it, so near that they touch; above; at its sides; or, a
    pixel thin, through it. A fifth are dashed or dotted; at strength 1 they are up to a tenth of the height thick.
    """
    height, width = image.shape[:2]
    mask = inked(image)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return image
    most = max(1.0, 0.1 * height * strength)
    dark = dark_on_light(image)
    ink = (image.min() if dark else image.max()).astype(np.float32)
    ink = np.uint8(ink + (paper_of(image) - ink) * random.uniform(0.0, 0.5)) if image.ndim == 2 else np.uint8(ink)
    out, over = image.copy(), np.minimum if dark else np.maximum
    for kind in random.choice(5, 1 + random.randint(3), p=(0.45, 0.2, 0.15, 0.15, 0.05)):
        thick = round(random.uniform(1.0, most))
        if kind in (0, 1, 4):
            where = {
                0: rows[-1] + 1 + random.randint(0, 3),  # touches, or just does not
                1: rows[0] - thick - random.randint(0, 3),
                4: rows[0] + round((rows[-1] - rows[0]) * random.uniform(0.2, 0.7)),
            }[kind]
            out, where = _room_for(out, where, thick)
            stripe = out[where : where + (1 if kind == 4 else thick)]
            drawn = over(stripe, ink)
            out[where : where + len(stripe)] = np.where(_dashes(stripe.shape, random), drawn, stripe)
        else:
            at_left = kind == 2
            gap = round(height * random.uniform(0.0, 0.3))
            where = columns[0] - gap - thick if at_left else columns[-1] + 1 + gap
            if where < 0 or where + thick > width:  # beyond the cut: at its edge, with a little paper
                wide = thick + max(1, gap)
                out = _with_paper(out, 0, 0, wide if at_left else 0, 0 if at_left else wide)
                where = random.randint(0, 2) if at_left else out.shape[1] - thick - random.randint(0, 2)
                columns = columns + (wide if at_left else 0)
                width = out.shape[1]
            out[:, where : where + thick] = over(out[:, where : where + thick], ink)
    return _as_high(out, height)


def edges(image: Array, strength: float, random: Random) -> Array:
    """At one to four edges what lies beyond the paper: up to three bands, one outside the other, as a frame of a
    display has them; each 3% to 25% of the height wide, of any gray level, sharp or soft.
    """
    height = image.shape[0]
    for _ in range(1 + (random.uniform() < 0.4) + (random.uniform() < 0.2)):
        image = _banded(image, height, strength, random)
    return _as_high(image, height)


def _banded(image: Array, height: int, strength: float, random: Random) -> Array:
    """The image, higher and wider by a band at one to four of its edges."""
    wide = [round(height * (0.03 + 0.22 * strength * random.uniform())) for _ in range(4)]
    there = [random.uniform() < 0.45 for _ in range(4)]
    if not any(there):
        there[random.randint(4)] = True
    sizes = [max(1, size) if is_there else 0 for size, is_there in zip(wide, there, strict=True)]
    level = np.uint8(random.choice([random.randint(0, 60), random.randint(0, 256)]))
    top, bottom, left, right = sizes
    framed = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=[int(level)] * 3)
    if random.uniform() < 0.5:  # soft: only the frame and its rim are blurred
        rim = max(1, height // 16)
        soft = cv2.GaussianBlur(framed, (0, 0), height / 24)
        rows = slice(top + rim * (top > 0), framed.shape[0] - bottom - rim * (bottom > 0))
        columns = slice(left + rim * (left > 0), framed.shape[1] - right - rim * (right > 0))
        soft[rows, columns] = framed[rows, columns]
        framed = soft
    return framed


def _with_paper(image: Array, above: int, below: int, before: int, after: int) -> Array:
    paper = [float(value) for value in np.atleast_1d(paper_of(image))]
    return cv2.copyMakeBorder(image, above, below, before, after, cv2.BORDER_CONSTANT, value=paper)


def _room_for(image: Array, where: int, thick: int) -> tuple[Array, int]:
    """The image with paper above or below, so that rows from `where` on lie within it; and where they lie then."""
    above, below = max(0, -where), max(0, where + thick - image.shape[0])
    return (_with_paper(image, above, below, 0, 0) if above or below else image), where + above


def _dashes(shape: tuple[int, ...], random: Random) -> Array:
    """(h, W, ...) bool: True where a rule of that shape has ink."""
    there = np.ones(shape[1], bool)
    if random.uniform() < 0.2:
        dash = random.randint(1, 10)
        there = np.arange(shape[1]) // dash % 2 == 0
    return np.broadcast_to(there.reshape(1, -1, *([1] * (len(shape) - 2))), shape)


def _as_high(image: Array, height: int) -> Array:
    """The image scaled to `height` pixels, its proportions kept."""
    if image.shape[0] == height:
        return image
    width = max(4, round(image.shape[1] * height / image.shape[0]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
