"""`[render.degrade]`: the one table of all degradations: their names, their order, and how often each is applied.

To add a degradation, write its function in one of the modules of `render/` that are named below, and add a row of
the same name here. `render/degrade.py` finds the function by that name.
"""

from typing import Annotated

from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.factory.settings.types import FloatRange, Share, between


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Degradation:
    """How often one degradation is applied, and how strongly."""

    share: Share = 0.0
    """Share of the lines that are not clean."""
    strength: Annotated[FloatRange, between(0, 1)] = (0.0, 1.0)
    """0 changes nothing or next to nothing; 1 leaves as much as a person can still read."""


_NEVER = Degradation()


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Degrade:
    """`[render.degrade]`: what happens to print on its way into a file, applied in this order.

    The share of a degradation counts among the lines that are not clean. Its strength goes from 0, which changes little
    or nothing, to 1, which leaves what a person can still read.
    """

    clean: Share = 0.0
    """Share of lines that no degradation is applied to."""

    # The press and the sheet: render/press.py.
    stretch: Degradation = _NEVER
    """Condensed or spread print."""
    double_width: Degradation = _NEVER
    """Print of one and a half to more than twice its width, as tills set totals."""
    printer_dots: Degradation = _NEVER
    """Set in dots, as by a thermal or a dot-matrix printer."""
    ink_spread: Degradation = _NEVER
    """Strokes that swell or shrink."""
    broken_dots: Degradation = _NEVER
    """Small specks of missing ink."""
    thermal_fade: Degradation = _NEVER
    """Ink that pales in broad bands."""
    carbon: Degradation = _NEVER
    """A carbon copy: soft, uneven and pale."""
    dropouts: Degradation = _NEVER
    """Worn type: thin strokes or streaks of ink are missing."""
    show_through: Degradation = _NEVER
    """The print on the back of the sheet, mirrored and faint."""

    # The cut out of the page: render/scissors.py.
    slope: Degradation = _NEVER
    """A line that rises or falls within its box."""
    neighbours: Degradation = _NEVER
    """Pieces of the line above or below, or a rule, at the edge."""
    crop: Degradation = _NEVER
    """Cut tightly to the ink, a little into it, or loosely."""
    sliver: Degradation = _NEVER
    """The rim of one more character at the left or right edge."""
    flush: Degradation = _NEVER
    """The first or the last character stands at the very edge."""

    # What lies around it within the cut: render/surroundings.py.
    room: Degradation = _NEVER
    """Empty paper on all sides, as a detector leaves it."""
    lines_beside: Degradation = _NEVER
    """Parts of the lines above and below, cut as the box cuts them."""
    rules: Degradation = _NEVER
    """Rules that touch the print, below, above, through it, or at its sides; whole, dashed or dotted."""
    edges: Degradation = _NEVER
    """A frame, a shadow or the table at one or more of the edges."""

    # The paper and what shines on it: render/paper.py.
    halo: Degradation = _NEVER
    """Glow around the print, or ink that bleeds."""
    invert: Degradation = _NEVER
    """Light print on dark ground."""
    toned_paper: Degradation = _NEVER
    """Gray to black paper, toned and mottled, with paler print."""
    reflections: Degradation = _NEVER
    """Patches of light on glass."""

    # The camera, the scanner and the file: render/camera.py.
    perspective: Degradation = _NEVER
    """Seen from the side."""
    uneven_light: Degradation = _NEVER
    """A shadow or a gray cast."""
    defocus: Degradation = _NEVER
    """Out of focus."""
    motion_blur: Degradation = _NEVER
    """A shaken camera."""
    low_resolution: Degradation = _NEVER
    """Scanned small and enlarged again."""
    camera_noise: Degradation = _NEVER
    """The grain of a sensor."""
    fax: Degradation = _NEVER
    """Black and white only, at 100 to 200 dots an inch."""
    binarise: Degradation = _NEVER
    """Black and white only."""
    jpeg: Degradation = _NEVER
    """Saved as JPEG, of good to bad quality."""
    specks: Degradation = _NEVER
    """Dust and pinholes of a scan."""
