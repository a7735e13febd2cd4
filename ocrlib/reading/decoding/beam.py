"""The text that a picture and a language model together hold for the most probable: a prefix beam.

The beam holds the most promising beginnings of a text while it goes through the time steps. What a beginning has is the
probability of all its paths, times that of the language model to the power of its weight. Beginnings with the same end
differ in nothing that is still to come, so the better one stands for both: soon after a doubtful character one is left,
and a line costs as much as its doubtful places.

Letters: T time steps, C classes, the last of them the blank.
Source: Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent
DNNs". That one beginning stands for others is known as hypothesis recombination.
"""

import math

import numpy as np

from ocrlib.reading.decoding.ngram import NGram

_WIDTH = 10  # beginnings that are kept
_LEAST = 1e-3  # probability of a class that is looked at
_LEAST_SHARE = 1e-3  # of what the best beginning has, that another one needs
_IMPROBABLE = 1e-9  # but not impossible
_MOST_FACTORS = 200_000  # that are remembered

# What a beginning has: of paths that end in a blank, of those that end in its last character, of those it stands for.
_Beginning = list[float]


class Beam:
    """Reads lines, one after the other.

    Args:
      ngram: of the characters that the classes stand for.
    """

    def __init__(self, ngram: NGram) -> None:
        self._ngram = ngram
        self._factors: dict[tuple[int, int], float] = {}

    def read(self, probs: np.ndarray) -> tuple[list[int], float]:
        """Returns the classes of the best text of a line, and its share of what all texts have that were held.

        Args:
          probs: (T, C), the softmax of each time step.
        """
        texts = _Texts(self._ngram)
        beam: dict[int, _Beginning] = {texts.EMPTY: [1.0, 0.0, 0.0]}
        characters = probs[:, :-1]
        # Where no class has as much, the most probable one is looked at.
        rows, columns = np.nonzero(characters >= np.minimum(_LEAST, probs.max(axis=1, keepdims=True)))
        ends = np.searchsorted(rows, np.arange(1, len(probs) + 1)).tolist()
        classes, chances = columns.tolist(), characters[rows, columns].tolist()
        start = 0
        for blank, end in zip(np.maximum(probs[:, -1], _IMPROBABLE).tolist(), ends, strict=True):
            if start == end and len(beam) == 1:
                ((only, (waits, wrote, besides)),) = beam.items()
                beam = {only: [waits + wrote, 0.0, besides]}
            else:
                beam = self._best(self._grown(beam, texts, blank, classes[start:end], chances[start:end]), texts)
            start = end
        text = next(iter(beam))  # the best one is the first
        total = math.fsum(value for beginning in beam.values() for value in beginning)
        return texts.classes(text), (beam[text][0] + beam[text][1]) / total

    def _grown(
        self, beam: dict[int, _Beginning], texts: "_Texts", blank: float, classes: list[int], chances: list[float]
    ) -> dict[int, _Beginning]:
        """What the beginnings, and those that are longer by a character, have one time step later."""
        grown: dict[int, _Beginning] = {}
        for text, (waits, wrote, besides) in beam.items():
            total = waits + wrote
            carried = besides / total  # what it stands for fares as it does
            last, context = texts.last[text], texts.context[text]
            stays = total * blank
            kept = grown.setdefault(text, [0.0, 0.0, 0.0])
            kept[0] += stays
            for each, chance in zip(classes, chances, strict=True):
                coming = total
                if each == last:
                    kept[1] += wrote * chance
                    stays += wrote * chance
                    coming = waits
                if coming:
                    gained = coming * chance * self._factor(context, each)
                    longer = grown.setdefault(texts.longer(text, each), [0.0, 0.0, 0.0])
                    longer[1] += gained
                    longer[2] += carried * gained
            kept[2] += carried * stays
        return grown

    def _best(self, grown: dict[int, _Beginning], texts: "_Texts") -> dict[int, _Beginning]:
        """The best beginnings, the best one first and scaled to 1, each standing for those that end alike."""
        ranked = sorted(((waits + wrote, text) for text, (waits, wrote, _) in grown.items()), reverse=True)
        scale = ranked[0][0] or 1.0
        kept: dict[int, _Beginning] = {}
        by_end: dict[int, _Beginning] = {}
        for total, text in ranked:
            if total < _LEAST_SHARE * scale and kept:
                break
            waits, wrote, besides = grown[text]
            better = by_end.get(texts.context[text])
            if better is not None:
                better[2] += (total + besides) / scale
            elif len(kept) < _WIDTH:
                beginning = [waits / scale, wrote / scale, besides / scale]
                kept[text] = by_end[texts.context[text]] = beginning
        return kept

    def _factor(self, context: int, character: int) -> float:
        """What a beginning is multiplied by when it grows by a character."""
        factor = self._factors.get((context, character))
        if factor is None:
            if len(self._factors) >= _MOST_FACTORS:
                self._factors.clear()
            chance = self._ngram.probability(context, character)
            factor = self._factors[context, character] = chance**self._ngram.weight * math.exp(self._ngram.bonus)
        return factor


class _Texts:
    """Beginnings of texts as numbers: each has one that it grew from, a last class, and a context of the n-gram.

    Attributes:
      last: of each, its last class; -1 of the empty one.
      context: of each, the code of its end.
    """

    EMPTY = 0

    def __init__(self, ngram: NGram) -> None:
        self._ngram = ngram
        self._parent, self.last, self.context = [self.EMPTY], [-1], [ngram.beginning]
        self._longer: dict[tuple[int, int], int] = {}

    def longer(self, text: int, character: int) -> int:
        """Returns the text that has a character more."""
        found = self._longer.get((text, character))
        if found is None:
            found = self._longer[text, character] = len(self.last)
            self._parent.append(text)
            self.last.append(character)
            self.context.append(self._ngram.after(self.context[text], character))
        return found

    def classes(self, text: int) -> list[int]:
        """Returns the classes of a text."""
        backwards = []
        while text != self.EMPTY:
            backwards.append(self.last[text])
            text = self._parent[text]
        return backwards[::-1]
