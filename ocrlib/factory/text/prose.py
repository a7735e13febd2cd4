"""From paragraphs to lines to print, sentence by sentence; each rejected piece is counted by its reason."""

import random
import re
from collections import Counter
from collections.abc import Iterator

from sentencex import segment

from ocrlib.errors import UserError
from ocrlib.factory.settings.text import LineText, WikipediaText
from ocrlib.factory.text.cleaning import GAP, fold, normalise, spaced

_ENDS = tuple(".!?…。！？।")
_CLOSING = " \"'”’»)]"
_OPENING = " \"'“‘«([¿¡"
_GLUED = re.compile(r"[a-zà-öø-ÿ\-–,;:.)º]")  # no sentence begins like this: sentencex has cut one at an abbreviation
_MARKUP = re.compile(r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}|\|\||==|<[a-z/!]|&[a-z]{2,8};|://|__[A-Z]|''")
# Places where something was lost before: "denoted by  or , is", "( born 1970)", "(; listen)".
_HOLE = re.compile(r"  |\(\s*[,;:)]|[\[(]\s|\s[\])]|\s[,.](\s|$)|,\s*,")
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"))


def split_sentences(paragraph: str, language: str) -> Iterator[str]:
    """Yields the sentences of one paragraph, `spaced`, with their closing punctuation.

    A piece that cannot begin a sentence is joined to the piece before it ("et mort en 278 av. J." + "-C.").
    """
    sentence = ""
    for piece in segment(language, spaced(paragraph)):
        if sentence and not _GLUED.match(piece):
            yield sentence
            sentence = ""
        sentence += piece
    if sentence:
        yield sentence


def flaw(sentence: str) -> str | None:
    """Returns why a `spaced` sentence is not clean prose ("fragment", "gap" or "markup"), or None."""
    text = sentence.strip(" ")
    if GAP in text or _HOLE.search(text) or any(text.count(a) != text.count(b) for a, b in _PAIRS):
        return "gap"
    if _MARKUP.search(text):
        return "markup"
    begin, end = text.lstrip(_OPENING), text.rstrip(_CLOSING)
    if not begin or begin[0].islower() or not begin[0].isalnum() or not end.endswith(_ENDS):
        return "fragment"
    return None


def wrap(sentence: str, min_length: int, max_length: int) -> list[str]:
    """Cuts a sentence at spaces into lines of min_length to max_length characters, as on a page.

    The length of each line is drawn from that range, with the sentence as seed: lines of equal length would teach a
    network only that length. A rest too short for a line is left out, and so is the text around a very long word.
    """
    rng = random.Random(sentence)
    lines, rest = [], sentence
    while len(rest) > max_length:
        # The rest should still fill a line. If it cannot, aim at the shortest line.
        aim = rng.randint(min_length, max(min_length, min(max_length, len(rest) - min_length - 1)))
        cut = rest.rfind(" ", 0, aim + 1)
        if cut < min_length:
            cut = rest.find(" ", min_length)
        if min_length <= cut <= max_length:
            lines.append(rest[:cut])
        elif cut < 0:
            return lines
        rest = rest[cut + 1 :]
    return [*lines, rest] if len(rest) >= min_length else lines


class LineFilter:
    """Turns paragraphs, or sentences that are lines already, into lines to print.

    Args:
      config: charset, lengths, and what to do with lines outside them.

    Attributes:
      num_sentences: sentences seen.
      rejected: {reason: sentences, or lines of a wrapped one}; "remainder" counts wrapped sentences of which some text
        was left over.
      folded: lines that folding brought into the charset.
      outside: {character outside the charset: lines left out that have it}.
      num_lines: lines looked at, whole sentences or parts of them.
    """

    def __init__(self, config: LineText) -> None:
        self._config = config
        self._wikipedia = config if isinstance(config, WikipediaText) else None
        self._charset = frozenset(config.charset)
        self.rejected: Counter[str] = Counter()
        self.folded = 0
        self.outside: Counter[str] = Counter()
        self.num_lines = 0
        self.num_sentences = 0

    def paragraph(self, text: str) -> Iterator[str]:
        """Yields the lines of a paragraph of prose; a line break ends a paragraph."""
        assert self._wikipedia is not None
        for part in text.split("\n"):
            for sentence in split_sentences(part, self._wikipedia.language):
                if reason := flaw(sentence):
                    self.num_sentences += 1
                    self.rejected[reason] += 1
                else:
                    yield from self.sentence(sentence)

    def sentence(self, text: str) -> Iterator[str]:
        """Yields the line of a sentence, or the lines that it wraps into, or nothing."""
        self.num_sentences += 1
        line = normalise(text)
        if not line:
            self.rejected["empty"] += 1
            return
        lines = [line]
        if len(line) > self._config.max_length and self._wikipedia and self._wikipedia.long_sentences == "wrap":
            lines = wrap(line, self._config.min_length, self._config.max_length)
            if sum(map(len, lines)) + len(lines) - 1 < len(line):
                self.rejected["remainder"] += 1
        for line in lines:
            self.num_lines += 1
            fitted = self._fit_charset(line)
            if fitted is None:
                self.rejected["outside_charset"] += 1
                self.outside.update(sorted(set(line) - self._charset))
            elif len(fitted) < self._config.min_length:
                self.rejected["too_short"] += 1
            elif len(fitted) > self._config.max_length:
                self.rejected["too_long"] += 1
            else:
                yield fitted

    def _fit_charset(self, line: str) -> str | None:
        if self._charset.issuperset(line):
            return line
        if self._config.outside == "stop":
            lacking = "".join(dict.fromkeys(c for c in line if c not in self._charset))
            raise UserError(
                f"[text] charset lacks {lacking!r} of the line {line!r}; add it to text.charset, or set "
                'text.outside to "skip" or "fold"'
            )
        if self._config.outside == "fold":
            folded = normalise(fold(line, self._charset))
            if self._charset.issuperset(folded):
                self.folded += 1
                return folded
        return None
