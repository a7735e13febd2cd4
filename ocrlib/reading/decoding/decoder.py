"""From probabilities to texts: the best path, that with a language model, or the most probable text of a set.

Where one text has more than half of its language's probability, no other can have as much, and nothing is searched:
that is so for most lines. For the others `backward` gives bounds and `search` the texts.

Letters: B samples, T time steps, C classes, S as in `automaton`. Class C - 1 is the blank.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocrlib.charset import Charset
from ocrlib.reading.decoding.active import ActiveParts, active_parts
from ocrlib.reading.decoding.automaton import CTCStates, every_text
from ocrlib.reading.decoding.backward import LOGS, PLAIN, Numbers, best_text_bounds, language_probability
from ocrlib.reading.decoding.beam import Beam
from ocrlib.reading.decoding.language import Language
from ocrlib.reading.decoding.ngram import NGram
from ocrlib.reading.decoding.paths import best_paths, certainties, text_probability
from ocrlib.reading.decoding.search import MAX_WORK, BestFirst, Found

_LARGE = 2_000  # edges beyond which a line gets the active part of the automaton to itself
_FIRST_SHARE = 1e-9  # of `active_part`; then less, until what it leaves out does not matter
_LAST_SHARE = 1e-72  # of a line so far from its language that this is not enough, no text is proven
_TOLERATED = 1e-6  # of a language's probability, that its active part may leave out
_TOO_SMALL = 1e-250  # below it, logarithms: nothing that a double cannot hold may have been lost
_SMALLEST = 1e-45  # what a float32 cannot hold counts as this, where all else is as improbable
_CHUNK_NUMBERS = 80_000  # of edges times samples, that stay in the processor's cache
_KEPT_NUMBERS = 8_000_000  # of bounds in memory
# Above it the best path's text is taken, and no language model is asked; from 0.8 to 0.98 the errors were the same.
_BEYOND_DOUBT = 0.9


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a decoder says of a sample.

    Attributes:
      classes: of the text; empty also where no text was found.
      probability: of the text, all its paths added up, 0 to 1.
      language: the total probability of all texts that the line can be, 0 to 1; 1 if it can be any.
      confidence: the text's probability among the texts that the line can be, less those that the check refused; where
        not all of them were looked at, the least that it can be; with an n-gram, its share among the texts that the
        beam met.
      characters: the confidence of each character; None where no single path was followed.
      others: (classes, probability, confidence) of the next most probable texts.
      is_found: whether there is a text.
      is_proven: whether no other text is more probable; else the work came to its bound first.
    """

    classes: list[int]
    probability: float
    language: float
    confidence: float
    characters: list[float] | None = None
    others: tuple[tuple[list[int], float, float], ...] = ()
    is_found: bool = True
    is_proven: bool = True


class Decoder:
    """Reads probabilities.

    Args:
      charset: the characters of the classes.
      language: the texts that a line can be; None: any.
      num_texts: the most probable ones of each line.
      searches: take the most probable text, not the best path, where a line can be any text.
      max_work: the bound on the work for a line, see `search.BestFirst`.
      ngram: of the charset; is asked about doubtful lines, where a line can be any text and one is wanted.
    """

    def __init__(
        self,
        charset: Charset,
        language: Language | None = None,
        num_texts: int = 1,
        searches: bool = False,
        max_work: int = MAX_WORK,
        ngram: NGram | None = None,
    ) -> None:
        self._follows_best_path = language is None and num_texts == 1 and not searches
        self._beam = Beam(ngram) if ngram is not None and self._follows_best_path else None
        self._ctc = CTCStates(language.automaton if language else every_text(charset.num_classes))
        self._num_texts, self._max_work = num_texts, max_work
        self._passes: Callable[[Sequence[int]], bool] | None = None
        if language is not None and language.passes is not None:
            passes = language.passes
            self._passes = lambda classes: passes(charset.decode(classes))

    def decode(self, probs: np.ndarray, input_length: np.ndarray) -> list[Decoded]:
        """Returns what each sample says.

        Args:
          probs: (B, T, C) float32, softmax over C.
          input_length: (B,) int32, time steps that belong to the sample; the rest is padding.

        Raises:
          ValueError: if an input_length exceeds T.
        """
        best = best_paths(probs, input_length)
        if self._follows_best_path:
            chances = text_probability(probs, input_length, best.classes).tolist()
            followed = [
                Decoded(classes=text, probability=p, language=1.0, confidence=p, characters=characters)
                for text, p, characters in zip(best.classes, chances, best.characters, strict=True)
            ]
            if self._beam is None:
                return followed
            return [
                each if each.probability > _BEYOND_DOUBT else self._weighed(self._beam, steps[:length], each)
                for each, steps, length in zip(followed, probs, input_length, strict=True)
            ]
        probs = _normalised(probs, np.asarray(input_length))
        chances = text_probability(probs, input_length, best.classes).tolist()
        guesses = [
            (text, chance) if self._is_answer(text) else ([], 0.0)
            for text, chance in zip(best.classes, chances, strict=True)
        ]
        parts = active_parts(self._ctc, probs, _FIRST_SHARE)
        decoded = [self._sure(parts, row, *guess) for row, guess in enumerate(guesses)]
        doubtful = np.array([row for row, each in enumerate(decoded) if each is None], int)
        if len(self._ctc.entered) > _LARGE:
            for row in doubtful:
                decoded[row] = self._decode_large(parts, row, probs[row, : input_length[row]], guesses[row])
        else:
            for chunk in _in_parts(len(doubtful), _CHUNK_NUMBERS // max(1, len(self._ctc.entered))):
                some = doubtful[chunk]
                steps, lengths = probs[some], input_length[some]
                language = language_probability(self._ctc, _values(steps, lengths, PLAIN), PLAIN)
                found = self._decode_some(self._ctc, steps, lengths, [guesses[row] for row in some], language)
                for row, each in zip(some, found, strict=True):
                    decoded[row] = each
        return [each for each in decoded if each is not None]

    def _weighed(self, beam: Beam, steps: np.ndarray, best: Decoded) -> Decoded:
        """A sample (T, C) as picture and language model hold it for most probable; `best` is the best path's text."""
        classes, share = beam.read(steps)
        if classes == best.classes:
            return replace(best, confidence=share)
        (chance,) = text_probability(steps[None], np.array([len(steps)]), [classes]).tolist()
        return replace(
            best, classes=classes, probability=chance, confidence=share, characters=certainties(steps, classes)
        )

    def _is_answer(self, text: list[int]) -> bool:
        return self._ctc.automaton.accepts(text) and (self._passes is None or self._passes(text))

    def _sure(self, parts: ActiveParts, row: int, text: list[int], chance: float) -> Decoded | None:
        """A text that has more than half of what all texts together can have; None: there may be another."""
        language, left_out = float(parts.language[row]), float(parts.left_out[row])
        if self._num_texts > 1 or left_out > _TOLERATED or language <= _TOO_SMALL:
            return None
        if chance <= 0.5 * language * (1 + left_out):
            return None
        total = max(language, chance)
        return Decoded(classes=text, probability=chance, language=min(1.0, total), confidence=chance / total)

    def _decode_large(self, parts: ActiveParts, row: int, steps: np.ndarray, guess: tuple[list[int], float]) -> Decoded:
        """A sample (T, C) of some against a part of the automaton, as large as it takes."""
        share, lengths = _FIRST_SHARE, np.array([len(steps)])
        while True:
            language, left_out = parts.language[row : row + 1], float(parts.left_out[row])
            is_last, tolerated = share <= _LAST_SHARE or bool(parts.is_cut[row]), _TOLERATED
            if left_out <= tolerated or is_last:
                (decoded,) = self._decode_some(CTCStates(parts.part(row)), steps[None], lengths, [guess], language)
                tolerated = min(tolerated, self._least_share(decoded))
                if left_out <= tolerated:
                    return decoded
                if is_last:
                    return _unproven(decoded, left_out)
            # What is left out grows about as the share does; without a bound on it, the digits are doubled.
            share = max(_LAST_SHARE, share * min(0.1, max(share, 0.1 * tolerated / left_out)))
            parts, row = active_parts(self._ctc, steps[None], share), 0

    def _least_share(self, decoded: Decoded) -> float:
        """Of the language, what the last of the texts has; 0 where there are fewer than wanted."""
        texts = [(decoded.probability, decoded.confidence), *((p, confidence) for _, p, confidence in decoded.others)]
        if len(texts) < self._num_texts:
            return 0.0
        chance, confidence = texts[-1]
        return min(confidence, chance / decoded.language) if decoded.language > _TOO_SMALL else confidence

    def _decode_some(
        self,
        ctc: CTCStates,
        probs: np.ndarray,
        input_length: np.ndarray,
        guesses: list[tuple[list[int], float]],
        language: np.ndarray,
    ) -> list[Decoded]:
        """Samples (B, T, C), all at once.

        Args:
          guesses: a text that may be the answer, and its probability; [] and 0 where there is none.
          language: (B,), the probability of all texts of `ctc`.
        """
        decoded: list[Decoded | None] = [None] * len(probs)
        for row, (text, chance) in enumerate(guesses):
            if self._num_texts == 1 and chance > 0.5 * language[row] and language[row] > _TOO_SMALL:
                total = max(float(language[row]), chance)
                decoded[row] = Decoded(
                    classes=text, probability=chance, language=min(1.0, total), confidence=chance / total
                )
        doubtful = np.array([row for row, each in enumerate(decoded) if each is None], int)
        tiny = language[doubtful] <= _TOO_SMALL
        for numbers, rows in ((PLAIN, doubtful[~tiny]), (LOGS, doubtful[tiny])):
            for part in _in_parts(len(rows), _KEPT_NUMBERS // ((probs.shape[1] + 1) * max(1, ctc.num_states))):
                some = rows[part]
                values = _values(probs[some], input_length[some], numbers)
                totals = language[some] if numbers is PLAIN else language_probability(ctc, values, numbers)
                for row, each in zip(some, self._search(ctc, values, totals, numbers), strict=True):
                    decoded[row] = each
        return [each for each in decoded if each is not None]

    def _search(self, ctc: CTCStates, values: np.ndarray, language: np.ndarray, numbers: Numbers) -> list[Decoded]:
        """Samples (T, C, B) in `numbers`, with the probability of the language (B,)."""
        bounds = best_text_bounds(ctc, values, numbers)
        found = BestFirst(ctc, values, bounds, numbers, self._num_texts, self._passes, self._max_work).run()
        return [_as_decoded(each, float(total), numbers) for each, total in zip(found, language, strict=True)]


def _unproven(decoded: Decoded, left_out: float) -> Decoded:
    """What was decoded of a part, beside which other texts may have as much as `left_out` times its language."""
    share = 1 / (1 + left_out)  # of the language, what the part has at least
    others = tuple((text, chance, confidence * share) for text, chance, confidence in decoded.others)
    return replace(decoded, confidence=decoded.confidence * share, others=others, is_proven=False)


def _in_parts(count: int, most: int) -> list[slice]:
    """Slices of about the same length, each no longer than `most`, or than 1."""
    parts = -(-count // max(1, most))
    return [slice(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def _values(probs: np.ndarray, input_length: np.ndarray, numbers: Numbers) -> np.ndarray:
    """(B, T, C) probabilities -> (T, C, B) in `numbers`."""
    values = np.ascontiguousarray(probs.transpose(1, 2, 0))
    if numbers is PLAIN:
        return values
    inside = np.arange(len(values))[:, None, None] < np.asarray(input_length)  # (T, 1, B)
    with np.errstate(divide="ignore"):
        return np.log(np.where(inside, np.maximum(values, _SMALLEST), values))


def _normalised(probs: np.ndarray, input_length: np.ndarray) -> np.ndarray:
    """(B, T, C) float64 whose rows add up to 1, and to a sure blank where a sample has ended."""
    values = probs.astype(np.float64)
    values /= values.sum(axis=2, keepdims=True)
    values[np.arange(probs.shape[1]) >= input_length[:, None]] = np.eye(probs.shape[2])[-1]
    return values


def _as_decoded(found: Found, language: float, numbers: Numbers) -> Decoded:
    """What a search found, with probabilities as they are, and among what is left of the language."""
    if not found.texts:
        total = language if numbers is PLAIN else math.exp(language)
        return Decoded(
            classes=[],
            probability=0.0,
            language=min(1.0, total),
            confidence=0.0,
            is_found=False,
            is_proven=found.proven,
        )
    unit = 0.0 if numbers is PLAIN else language  # logarithms are taken from here, where doubles can hold them

    def plain(value: float) -> float:
        return value if numbers is PLAIN else math.exp(value - unit)

    left = plain(language) - sum(map(plain, found.refused))
    total = max(left, sum(plain(chance) for _, chance in found.texts))
    texts = [(text, plain(chance) * math.exp(unit), plain(chance) / total) for text, chance in found.texts]
    (classes, probability, confidence), *others = texts
    return Decoded(
        classes=classes,
        probability=min(1.0, probability),
        language=min(1.0, plain(language) * math.exp(unit)),
        confidence=confidence,
        others=tuple(others),
        is_proven=found.proven,
    )
