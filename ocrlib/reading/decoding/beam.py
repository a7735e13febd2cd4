"""The text that a picture and a language model together hold for the most probable: a prefix beam, shallow fusion.

The beam holds the most promising prefixes of texts while it goes through the time steps. What a prefix has is the
probability of all its paths, times that of the language model to the power of its weight. Prefixes that end in the same
characters get the same factors from then on, so the better one stands for both (they may differ a little in what ends
in a blank). Soon after a doubtful character one prefix is left, and a line costs as much as its doubtful places.

Letters: T time steps, C classes, the last of them the blank.
Source: Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent
DNNs". That one prefix stands for others is known as hypothesis recombination.
"""

import math

import numpy as np

from ocrlib.reading.decoding.ngram import NGram

_WIDTH = 10  # prefixes that are kept
_LEAST = 1e-3  # probability of a class that is looked at
_CLASSES = 16  # of a time step that are looked at; on a picture of something else, all are improbable alike
_LEAST_SHARE = 1e-3  # of what the best prefix has, that another one needs
_IMPROBABLE = 1e-9  # but not impossible
_MOST_FACTORS = 200_000  # that are remembered

# What a prefix has: of paths that end in a blank, of those that end in its last character, of the texts it stands for.
_Prefix = list[float]


class Beam:
    """Reads lines, one after the other.

    Args:
      ngram: of the characters that the classes stand for.
    """

    def __init__(self, ngram: NGram) -> None:
        self._ngram = ngram
        self._factors: dict[tuple[int, int], float] = {}

    def read(self, probs: np.ndarray) -> tuple[list[int], float]:
        """Returns the classes of the best text of a line, and its share of what all texts have that were met.

        Args:
          probs: (T, C), the softmax of each time step.
        """
        texts = _Texts(self._ngram)
        beam: dict[int, _Prefix] = {texts.EMPTY: [1.0, 0.0, 0.0]}
        characters = probs[:, :-1]
        # Where no class has as much, the most probable one is looked at.
        least = np.minimum(_LEAST, probs.max(axis=1, keepdims=True))
        if characters.shape[1] > _CLASSES:
            least = np.maximum(least, np.partition(characters, -_CLASSES, axis=1)[:, -_CLASSES, None])
        rows, columns = np.nonzero(characters >= least)
        ends = np.searchsorted(rows, np.arange(1, len(probs) + 1)).tolist()
        classes, chances = columns.tolist(), characters[rows, columns].tolist()
        start = 0
        for blank, end in zip(np.maximum(probs[:, -1], _IMPROBABLE).tolist(), ends, strict=True):
            if start == end and len(beam) == 1:
                ((only, (waits, wrote, merged)),) = beam.items()
                beam = {only: [waits + wrote, 0.0, merged]}
            else:
                beam = self._pruned(self._extended(beam, texts, blank, classes[start:end], chances[start:end]), texts)
            start = end
        text = next(iter(beam))  # the best one is the first
        total = math.fsum(value for prefix in beam.values() for value in prefix)
        return texts.classes(text), (beam[text][0] + beam[text][1]) / total

    def _extended(
        self, beam: dict[int, _Prefix], texts: "_Texts", blank: float, classes: list[int], chances: list[float]
    ) -> dict[int, _Prefix]:
        """What the prefixes, and those that are longer by a character, have one time step later."""
        extended: dict[int, _Prefix] = {}
        for text, (waits, wrote, merged) in beam.items():
            total = waits + wrote
            carried = merged / total  # what it stands for fares as it does
            last, context = texts.last[text], texts.context[text]
            stays = total * blank
            kept = extended.setdefault(text, [0.0, 0.0, 0.0])
            kept[0] += stays
            for each, chance in zip(classes, chances, strict=True):
                coming = total
                if each == last:
                    kept[1] += wrote * chance
                    stays += wrote * chance
                    coming = waits
                if coming:
                    gained = coming * chance * self._factor(context, each)
                    longer = extended.setdefault(texts.longer(text, each), [0.0, 0.0, 0.0])
                    longer[1] += gained
                    longer[2] += carried * gained
            kept[2] += carried * stays
        return extended

    def _pruned(self, extended: dict[int, _Prefix], texts: "_Texts") -> dict[int, _Prefix]:
        """The best prefixes, the best one first and scaled to 1, each standing for those that end alike."""
        ranked = sorted(((waits + wrote, text) for text, (waits, wrote, _) in extended.items()), reverse=True)
        scale = ranked[0][0]
        kept: dict[int, _Prefix] = {}
        by_end: dict[tuple[int, int], _Prefix] = {}
        for total, text in ranked:
            if total < _LEAST_SHARE * scale:
                break
            waits, wrote, merged = extended[text]
            end = texts.context[text], texts.last[text]
            better = by_end.get(end)
            if better is not None:
                better[2] += (total + merged) / scale
            elif len(kept) < _WIDTH:
                kept[text] = by_end[end] = [waits / scale, wrote / scale, merged / scale]
        return kept

    def _factor(self, context: int, character: int) -> float:
        """What a prefix is multiplied by when a character is added to it."""
        factor = self._factors.get((context, character))
        if factor is None:
            if len(self._factors) >= _MOST_FACTORS:
                self._factors.clear()
            chance = self._ngram.probability(context, character)
            factor = self._factors[context, character] = chance**self._ngram.weight * math.exp(self._ngram.bonus)
        return factor


class _Texts:
    """Prefixes as numbers: each has one that it is longer than by a character, a last class, and an n-gram's context.

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
