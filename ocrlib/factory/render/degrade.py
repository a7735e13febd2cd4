"""Applies degradations to a drawn line: which of them, and how strongly, is drawn by chance.

Their names and their order are the rows of `settings/degrade.py`; their functions lie in `press.py`, `scissors.py`,
`surroundings.py`, `paper.py` and `camera.py`. Each function takes a (H, W) or (H, W, 3) uint8 image, a strength in
[0, 1] and a source of chance, and returns an image of the same height. At strength 1 a person can still read the line;
the functions' numbers are chosen for lines of 32 pixels and scale with the height where that matters.
"""

from collections.abc import Callable
from dataclasses import fields
from operator import itemgetter
from random import Random as PythonRandom

from ocrlib.factory.render import camera, paper, press, scissors, surroundings
from ocrlib.factory.render.pixels import Array, Random, random_from
from ocrlib.factory.settings.degrade import Degradation, Degrade

DegradationFunction = Callable[[Array, float, Random], Array]


_MODULES = (press, scissors, surroundings, paper, camera)


def _function_named(name: str) -> DegradationFunction:
    """Returns the function of that name out of the modules."""
    written = [getattr(module, name) for module in _MODULES if hasattr(module, name)]
    assert len(written) == 1, f"expected one function {name} in {[m.__name__ for m in _MODULES]}, found {len(written)}"
    return written[0]


DEGRADATIONS: dict[str, DegradationFunction] = {
    row.name: _function_named(row.name) for row in fields(Degrade) if row.type is Degradation
}


# Those that leave only ink and paper: of digits on grounds of several colours they would leave blocks.
TWO_LEVELS = frozenset(("printer_dots", "fax", "binarise"))


# These are drawn after all others, though not applied after them: a recipe without them keeps its bytes.
_NEWER = ("carbon", "dropouts", "flush")
_place = itemgetter(0)
_DRAWN = (*(name for name in DEGRADATIONS if name not in _NEWER), *_NEWER)


# Place in the table, name, share, lowest and highest strength.
Rows = tuple[tuple[int, str, float, float, float], ...]


def rows_of(settings: Degrade) -> Rows:
    """Returns the degradations of a recipe in the order in which they are drawn; none if none is ever applied."""
    table = list(DEGRADATIONS)
    rows = [(name, getattr(settings, name)) for name in _DRAWN]
    if not any(row.share for _, row in rows):
        return ()
    return tuple((table.index(name), name, row.share, *row.strength) for name, row in rows)


def draw_degradations(rows: Rows, clean: float, rng: PythonRandom) -> list[tuple[str, float]]:
    """Returns the degradations of one line and their strengths, in the order in which they are applied.

    Every degradation takes two draws from `rng`, applied or not, so that the share of one does not change the others.

    Args:
      rows: those of the recipe, which `rows_of` returns once.
      clean: the share of lines that nothing is done to.
    """
    if not rows:
        return []  # the draws can be left out: nothing else is drawn from rng after this
    draw = rng.random
    is_clean = draw() < clean
    drawn = [(place, name, low, high, draw() < share, draw()) for place, name, share, low, high in rows]
    if is_clean:
        return []
    used = sorted((row for row in drawn if row[4]), key=_place)
    return [(name, round(low + (high - low) * x, 2)) for _, name, low, high, _, x in used]


def degrade(image: Array, drawn: list[tuple[str, float]], seed: int) -> Array:
    """Returns the image after the drawn degradations, applied one after the other; seed in [0, 2**32)."""
    if not drawn:
        return image
    random = random_from(seed)
    for name, strength in drawn:
        image = DEGRADATIONS[name](image, strength, random)
        image.flags.writeable = False  # so that what is counted in it once stays true: `marks.histogram`
    return image
