"""`[render.typeset]`: the one table of all ways to set a line: their names, their order, and how often each is used.

To add one, write its function in `render/signs.py`, `letters.py`, `impression.py`, `segments.py` or `wheels.py`, and
add a row of the same name here.
"""

from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.factory.settings.degrade import Degradation

_NEVER = Degradation()


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Typeset:
    """`[render.typeset]`: how the signs of a line are drawn and laid side by side, applied in this order.

    The share is one of the lines that have such a sign at all: a line without a point has none to raise.
    """

    # The whole line in another kind of sign: render/segments.py.
    segments: Degradation = _NEVER
    """Seven-segment digits: slanted, with gaps, with the segments that are off showing faintly."""

    # Single signs: render/signs.py.
    figures: Degradation = _NEVER
    """Old-style figures: 0, 1, 2 as low as small letters, 3, 4, 5, 7, 9 reach below the line."""
    zeros: Degradation = _NEVER
    """Zeros with a dot, a slash or a bar."""
    points: Degradation = _NEVER
    """Points and commas drawn anew: round, square, tailed, thick or fine."""
    raised_points: Degradation = _NEVER
    """Decimal points at mid-height; the label keeps its point."""

    # Words: render/letters.py.
    small_size: Degradation = _NEVER
    """The face at 19 pixels an em down to 11, scaled up to the line's height afterwards."""
    small_capitals: Degradation = _NEVER
    """Words in capitals at 70% to 90% of their height; the label keeps its capitals."""
    raised_figures: Degradation = _NEVER
    """Figures behind a word, such as the mark of a note, raised and small; the label keeps them as figures."""
    letterspacing: Degradation = _NEVER
    """Letters apart, in some words or all."""
    gaps: Degradation = _NEVER
    """Spaces as wide as 3 to 30; the label keeps one."""
    underline: Degradation = _NEVER
    """A rule under some words or all, which touches the letters that reach down."""

    # How type meets paper: render/impression.py.
    impression: Degradation = _NEVER
    """The hits of a typewriter: each letter with its own height, weight and smear; uneven ribbons."""

    # What stands between and around the signs: render/wheels.py.
    wheels: Degradation = _NEVER
    """One cell a digit: counter wheels, boxes, comb fields; bars between them, some turned half, one of another
    colour."""
    stray: Degradation = _NEVER
    """A currency sign or a letter beside the number, which the label leaves out."""
