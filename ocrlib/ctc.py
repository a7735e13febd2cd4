"""Connectionist temporal classification (CTC): how a text is written into time steps. Both halves ask this file.

A network looks at a line through T narrow windows from left to right, the *time steps*. At each of them it gives a
probability to each of C classes: the C - 1 characters of the charset, and the *blank*, class C - 1, which means "no
character here". Nobody tells it where a character begins. A sequence of one class for each time step is a *path*, and
many paths say the same text. A path is read by two rules, in this order:
  1. neighbours that are equal become one:  8 8 - 8 7 7  ->  8 - 8 7
  2. blanks (-) are dropped:                8 - 8 7      ->  8 8 7
In the other order doubled characters would be lost: 8 8 - 8 7 7 -> 8 8 8 7 7 -> 8 7.
The loss adds up the probabilities of all paths that say the label (`training.ctc_model`); a reader looks for the most
probable path, or text (`reading`).

Two things follow that making data, training and reading must agree on: how many time steps a line has, and how many
its label needs.

Source: Graves, Fernandez, Gomez, Schmidhuber 2006, "Connectionist Temporal Classification", ICML.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ocrlib.rounding import ceil_div


def time_steps(width_px: Any, stride: int) -> Any:
    """Returns T, the time steps that a network has for a line: one for each `stride` pixels, and one for the rest.

    Args:
      width_px: the line's own width, without padding; an int, or an array or a tensor of ints, as is the answer.
      stride: pixels of width behind one time step.
    """
    return ceil_div(width_px, stride)


def ctc_steps(label: str | Sequence[int]) -> int:
    """Returns the fewest time steps into which CTC can write `label` (a text or class indices).

    One step for each character, and one more between equal neighbours: without a blank between them rule 1 would make
    "1" of "11" (Graves et al. 2006, section 3.1).
    """
    return len(label) + sum(a == b for a, b in pairwise(label))
