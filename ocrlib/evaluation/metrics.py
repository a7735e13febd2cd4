"""How often texts are read wrong: CER, WER, exact match, and which characters are taken for which."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

_FOLDED = str.maketrans({**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″", '"'), **dict.fromkeys("‐‑‒–—―−", "-")})


@dataclass(frozen=True, kw_only=True)
class ErrorCounts:
    """Errors over some lines, and the sizes that they are divided by.

    Attributes:
      lines, exact: lines read, and lines read without an error.
      characters: of the truths.
      character_edits: fewest insertions, deletions and substitutions that turn the truths into what was read.
      words, word_edits: the same for words, which white space separates.
    """

    lines: int = 0
    exact: int = 0
    characters: int = 0
    character_edits: int = 0
    words: int = 0
    word_edits: int = 0

    @property
    def cer(self) -> float:
        """Character error rate: edits per character of truth; may exceed 1."""
        return self.character_edits / max(1, self.characters)

    @property
    def wer(self) -> float:
        """Word error rate: edits per word of truth; may exceed 1."""
        return self.word_edits / max(1, self.words)

    @property
    def exact_match(self) -> float:
        """Share of lines read without an error, 0 to 1."""
        return self.exact / max(1, self.lines)


def count_errors(truths: Sequence[str], predictions: Sequence[str]) -> ErrorCounts:
    """Returns the counts over pairs of truth and prediction, line by line.

    Raises:
      ValueError: if there are not as many predictions as truths.
    """
    pairs = list(zip(truths, predictions, strict=True))
    return ErrorCounts(
        lines=len(pairs),
        exact=sum(truth == prediction for truth, prediction in pairs),
        characters=sum(len(truth) for truth, _ in pairs),
        character_edits=sum(Levenshtein.distance(truth, prediction) for truth, prediction in pairs),
        words=sum(len(truth.split()) for truth, _ in pairs),
        word_edits=sum(Levenshtein.distance(truth.split(), prediction.split()) for truth, prediction in pairs),
    )


def confusions(truths: Sequence[str], predictions: Sequence[str]) -> Counter[tuple[str, str]]:
    """Returns how often each (true, read) pair of characters occurs; an empty string means no character."""
    found: Counter[tuple[str, str]] = Counter()
    for truth, prediction in zip(truths, predictions, strict=True):
        for edit in Levenshtein.editops(truth, prediction):
            true = "" if edit.tag == "insert" else truth[edit.src_pos]
            read = "" if edit.tag == "delete" else prediction[edit.dest_pos]
            found[true, read] += 1
    return found


def wrong_positions(truth: str, prediction: str) -> set[int]:
    """Returns the positions in `prediction` that an edit touches; a missing character marks the position behind it."""
    return {edit.dest_pos for edit in Levenshtein.editops(truth, prediction)}


def fold(text: str) -> str:
    """Returns text as it is compared with transcripts of other people: NFKC, plain quotes and dashes, single spaces.

    Some transcripts, such as those of UW-III, write `` and '' for a double quote.
    """
    text = unicodedata.normalize("NFKC", text.replace("``", '"').replace("''", '"')).translate(_FOLDED)
    return " ".join(text.replace("''", '"').split())
