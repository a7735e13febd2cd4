"""Applies degradations to a drawn line: which of them, and how strongly, is drawn by chance.

Their names and their order are the rows of `settings/degrade.py`; their functions lie in `press.py`, `scissors.py` and
`camera.py`. Each function takes a (H, W) or (H, W, 3) uint8 image, a strength in [0, 1] and a source of chance, and
returns an image of the same height. At strength 1 a person can still read the line; the functions' numbers are chosen
for lines of 32 pixels and scale with the height where that matters.
"""

from collections.abc import Callable
from dataclasses import fields
from random import Random as PythonRandom

from ocrlib.factory.render import camera, press, scissors
from ocrlib.factory.render.pixels import Array, Random
from ocrlib.factory.settings.degrade import Degradation, Degrade

DegradationFunction = Callable[[Array, float, Random], Array]


def _function_named(name: str) -> DegradationFunction:
    """Returns the function of that name out of the three modules."""
    written = [getattr(module, name) for module in (press, scissors, camera) if hasattr(module, name)]
    assert len(written) == 1, f"expected one function {name} in press, scissors and camera, found {len(written)}"
    return written[0]


DEGRADATIONS: dict[str, DegradationFunction] = {
    row.name: _function_named(row.name) for row in fields(Degrade) if row.type is Degradation
}


def draw_degradations(settings: Degrade, rng: PythonRandom) -> list[tuple[str, float]]:
    """Returns the degradations of one line and their strengths, in order.

    Every degradation takes two draws from `rng`, applied or not, so that the share of one does not change the others.
    """
    drawn: list[tuple[str, float]] = []
    if not any(getattr(settings, name).share for name in DEGRADATIONS):
        return drawn  # the draws can be left out: nothing else is drawn from rng after this
    clean = rng.random() < settings.clean
    for name in DEGRADATIONS:
        setting: Degradation = getattr(settings, name)
        applied, strength = rng.random() < setting.share, round(rng.uniform(*setting.strength), 2)
        if applied and not clean:
            drawn.append((name, strength))
    return drawn


def degrade(image: Array, drawn: list[tuple[str, float]], seed: int) -> Array:
    """Returns the image after the drawn degradations, applied one after the other; seed in [0, 2**32)."""
    if not drawn:
        return image  # seeding a RandomState takes 140 us, nearly as long as drawing the line
    random = Random(seed)
    for name, strength in drawn:
        image = DEGRADATIONS[name](image, strength, random)
    return image
