"""The paper's tone and what shines on it. Degradations; they change gray levels, not places."""

import cv2
import numpy as np

from ocrlib.factory.render.marks import contrast, paper_of
from ocrlib.factory.render.pixels import Array, Random, noise_field, per_channel, rounded

_LEAST_CONTRAST = 30.0  # gray levels that toned paper leaves of the print, if there were as many


def halo(image: Array, strength: float, random: Random) -> Array:
    """Around the print a glow, or ink that bleeds: up to 60% as strong as the print, a tenth of the height wide."""
    off = image.astype(np.float32) - paper_of(image)
    around = cv2.GaussianBlur(off, (0, 0), image.shape[0] * random.uniform(0.03, 0.12))
    return rounded(paper_of(image) + off + 0.6 * strength * around * (1.0 - np.abs(off) / 255.0))


def invert(image: Array, strength: float, random: Random) -> Array:
    """Light print on dark ground; the stronger, the more contrast of the two is kept: half of it at strength 0."""
    kept = 0.5 + 0.5 * strength
    ground = (1.0 - kept) * 255.0 * random.uniform()
    return rounded(ground + kept * (255.0 - image))


def toned_paper(image: Array, strength: float, random: Random) -> Array:
    """Paper as dark as 40 of 255 at strength 1, the print paler by as much and more, and both a little mottled."""
    light = 255.0 - 215.0 * strength * random.uniform()
    most = max(1.0, contrast(image))
    kept = max(light / 255.0 * random.uniform(0.3, 1.0), min(1.0, _LEAST_CONTRAST / most))
    lifted = random.uniform(0.0, 1.0) * max(0.0, light - 255.0 * kept)  # where black ends up
    out = lifted + kept * image.astype(np.float32)
    if random.uniform() < 0.5:
        field = noise_field(image.shape, image.shape[0] * random.uniform(0.1, 3.0), random)
        out += per_channel((field - 0.5) * 0.3 * most * kept * strength, image)
    return rounded(out)


def reflections(image: Array, strength: float, random: Random) -> Array:
    """One to three patches of light, round or with straight edges, soft or sharp: halfway to white at strength 1."""
    height, width = image.shape[:2]
    light = np.zeros((height, width), np.float32)
    for _ in range(random.randint(1, 4)):
        patch = np.zeros((height, width), np.float32)
        x, size = random.randint(width), height * random.uniform(0.3, 2.5)
        if random.uniform() < 0.5:
            axes = (max(2, round(size)), max(2, round(height * random.uniform(0.1, 0.8))))
            cv2.ellipse(patch, (x, random.randint(height)), axes, random.uniform(0.0, 180.0), 0, 360, 1.0, -1)
        else:
            corners = [(x, 0), (x + size, 0), (x + size * random.uniform(-0.5, 1.5), height), (x - size / 3, height)]
            cv2.fillPoly(patch, [np.rint(corners).astype(np.int32)], 1.0)
        soft = height * random.choice((0.01, 0.1, 0.5)) + 0.3
        light = np.maximum(light, cv2.GaussianBlur(patch, (0, 0), soft) * random.uniform(0.2, 1.0))
    gray = image.astype(np.float32)
    return rounded(gray + (255.0 - gray) * per_channel(0.5 * strength * light, image))
