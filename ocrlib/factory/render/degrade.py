"""What happens to print between the press and the file: which of it befalls a line, how strongly, in which order.

Each degradation of `press.py`, `scissors.py` and `camera.py` takes a (H, W) or (H, W, 3) uint8 image, a strength in
[0, 1] and a source of chance, and returns an image of the same height. Strength 1 is what a person can still read;
their numbers are chosen for lines of 32 pixels and scale with the height where that matters.
"""

from collections.abc import Callable
from random import Random as PythonRandom

from ocrlib.factory.recipe import Degradation, Degrade
from ocrlib.factory.render.camera import (
    binarise,
    camera_noise,
    defocus,
    jpeg,
    low_resolution,
    motion_blur,
    perspective,
    specks,
    uneven_light,
)
from ocrlib.factory.render.pixels import Array, Random
from ocrlib.factory.render.press import broken_dots, ink_spread, printer_dots, show_through, stretch, thermal_fade
from ocrlib.factory.render.scissors import crop, neighbours, sliver, slope

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
