"""Sentences, lines of a file and random words as a TextSource, drawn from a sentence file."""

import re
from functools import partial
from random import Random
from typing import Any

from ocrlib.dataset.split_keys import SHARES, key_hash, split_of
from ocrlib.errors import UserError
from ocrlib.factory.settings.text import FileText, WikipediaText, WordsText
from ocrlib.factory.text.build import open_sentences
from ocrlib.factory.text.corpus import SentenceConfig
from ocrlib.factory.text.mixed import MixedLines, fill_line
from ocrlib.factory.text.outside import check_outside, outside_of
from ocrlib.factory.text.running import running_text
from ocrlib.factory.text.schedule import BLOCK, Place, Schedule, permuted, plan_rare
from ocrlib.factory.text.source import DrawnText, sample_rng
from ocrlib.factory.text.variations import draw_variation

_MIXED_TRIES = 2000  # val owns 5% of the hash space: it takes 20 draws on average, and practically never 2000
_VARIED_TRIES = 100
_EDGES = re.compile(r"^\W+|\W+$")
_CUT_SHORTEST = 5  # letters of the shortest word that a line break may cut; each side keeps at least two


class SentenceText:
    """A TextSource over `[text] source = "wikipedia"`, "file" or "words".

    Every sentence of a split comes once before any comes twice. The attempt after a rejected line takes the next line
    of the file; the file is sorted by hash, so this is an unrelated sentence.

    Args:
      config: the recipe's `[text]`.
      seed: the recipe's.

    Attributes:
      inputs: the sentence file's SHA-256.
      outside: lines left out for characters that the charset lacks.
      about: the sentence file's JSON: source, licence, attribution, filters, counts.

    Raises:
      UserError: the corpus cannot be read, or cannot provide what the recipe asks for.
    """

    def __init__(self, config: SentenceConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._file = open_sentences(config)
        self.about: dict[str, Any] = self._file.about
        self.inputs = {"corpus": self.about["sha256"]}
        self.outside = outside_of(self.about["counts"])
        check_outside(self.outside, self.about["source"], config.charset, config.max_outside)
        self._charset = frozenset(config.charset)
        # First line and number of lines of each split; a closed list is the same in all of them.
        self._whole = isinstance(config, FileText) and config.whole
        self._start = dict.fromkeys(SHARES, 0) if self._whole else self._file.start
        self._num_lines = dict.fromkeys(SHARES, len(self._file)) if self._whole else self._file.num_lines
        self._mixed = MixedLines(config.charset, config.min_length, config.max_length)
        self._schedules = {} if isinstance(config, WordsText) else {s: self._plan(config, s) for s in SHARES}
        self._rare_lines: dict[tuple[str, str], list[int]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return SentenceText, (self._config, self._seed)  # a worker opens the file itself

    def check_split(self, split: str) -> None:
        """Refuses a split that has no line.

        Raises:
          UserError: none of the lines falls into it.
        """
        if not isinstance(self._config, WordsText) and not self._num_lines[split]:
            shares = ", ".join(f"{number} {name}" for name, number in self._num_lines.items())
            lists = ", or set text.whole to use every line in every split" if isinstance(self._config, FileText) else ""
            raise UserError(
                f"{self.about['source']}: none of its {len(self._file):,} lines falls into the split '{split}' "
                f"({SHARES[split]}% by hash; it has {shares}); give it more lines, set splits.{split} to 0{lists}"
            )

    def draw(self, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the line of sample `index` of `split`; always the same for the same arguments.

        Raises:
          UserError: the corpus is so small that the split has no line.
        """
        if isinstance(self._config, WordsText):
            return self._draw_words(self._config, split, index, attempt)
        place = self._schedules[split].place(index)
        if place.kind == "mixed":
            return self._draw_mixed(split, index, attempt) or self._draw_sentence(split, index, attempt)
        if place.kind == "rare":
            return self._draw_rare(split, index, attempt, place)
        drawn = self._hyphenated(self._draw_sentence(split, place.ordinal, attempt), split, index, attempt)
        return self._varied(self._config, drawn, split, index, attempt)

    def _plan(self, config: WikipediaText | FileText, split: str) -> Schedule:
        num_mixed = round(config.mixed_share * BLOCK)
        counts = self.about["lines_with_character"]
        splits = SHARES if self._whole else (split,)
        with_character = {c: sum(counts[each].get(c, 0) for each in splits) for c in config.charset}
        if not num_mixed:  # characters that no sentence has can come from mixed lines only
            with_character = {character: lines for character, lines in with_character.items() if lines}
        num_lines = self._num_lines[split]
        rare = plan_rare(with_character, num_lines, num_mixed, config.min_per_char) if num_lines else ""
        return Schedule(self._seed, split, num_mixed, rare, config.min_per_char)

    def _draw_sentence(self, split: str, ordinal: int, attempt: int) -> DrawnText:
        self.check_split(split)
        num_lines = self._num_lines[split]
        past, position = divmod(ordinal, num_lines)
        line = permuted(position, num_lines, f"{self._seed}/{split}/pass/{past}")
        return self._line(self._start[split] + (line + attempt) % num_lines)

    def _hyphenated(self, drawn: DrawnText, split: str, index: int, attempt: int) -> DrawnText:
        """Returns the line, or, for the recipe's share of lines, its part before or after a break within a word."""
        if not isinstance(self._config, WikipediaText) or not self._config.hyphenated or "-" not in self._charset:
            return drawn
        rng = sample_rng(self._seed, split, index, attempt, "hyphen")
        if rng.random() >= self._config.hyphenated:
            return drawn
        cut = cut_last_word(drawn.text, rng) if rng.random() < 0.5 else cut_first_word(drawn.text, rng)
        # The part must belong to the split too, because it may be another line of the corpus.
        fits = len(cut) >= self._config.min_length and split_of(key_hash(cut)) == split
        return drawn._replace(text=cut) if fits else drawn

    def _varied(
        self, config: WikipediaText | FileText, drawn: DrawnText, split: str, index: int, attempt: int
    ) -> DrawnText:
        """Returns the line, or, for the recipe's share of lines, a heading or an entry of a list made of it."""
        if not (config.capitals or config.entries or config.notes):
            return drawn
        rng = sample_rng(self._seed, split, index, attempt, "varied")
        variation = draw_variation(config, rng)
        if variation is None:
            return drawn
        for _ in range(_VARIED_TRIES):
            varied = variation(drawn.text, rng)
            fits = len(varied) <= config.max_length and self._charset.issuperset(varied)
            if fits and split_of(key_hash(varied)) == split:
                return drawn._replace(text=varied)
        return drawn

    def _draw_rare(self, split: str, index: int, attempt: int, place: Place) -> DrawnText:
        """Returns a line with the place's character; after some rejected attempts, any line."""
        lines = self._lines_with(place.character, split)
        if attempt < min(8, len(lines)):
            past, position = divmod(place.ordinal, len(lines))
            key = f"{self._seed}/{split}/{ord(place.character)}/{past}"
            return self._line(lines[(permuted(position, len(lines), key) + attempt) % len(lines)])
        drawn = self._draw_mixed(split, index, attempt, place.character) if not lines else None
        return drawn or self._draw_sentence(split, index, attempt)

    def _lines_with(self, character: str, split: str) -> list[int]:
        if (character, split) not in self._rare_lines:
            splits = SHARES if self._whole else (split,)
            found = [line for each in splits for line in self._file.lines_with(character, each)]
            self._rare_lines[character, split] = found
        return self._rare_lines[character, split]

    def _draw_mixed(self, split: str, index: int, attempt: int, character: str = "") -> DrawnText | None:
        """Returns a mixed line that belongs to the split by its hash, as sentences do."""
        rng = sample_rng(self._seed, split, index, attempt, "mixed")
        for _ in range(_MIXED_TRIES):
            drawn = self._mixed.draw(rng, lambda: self._word(rng), character)
            if drawn and (self._whole or split_of(key_hash(drawn[0])) == split):
                return DrawnText(drawn[0], f"mixed:{drawn[1]}")
        return None  # charset and lengths allow hardly any line

    def _draw_words(self, config: WordsText, split: str, index: int, attempt: int) -> DrawnText:
        rng = sample_rng(self._seed, split, index, attempt, "words")
        names, weights = zip(*config.case, strict=True)
        space = " " if " " in self._charset else ""
        for _ in range(_MIXED_TRIES):
            case = rng.choices(names, weights)[0]
            word = partial(self._cased_word, rng, "lower" if case == "prose" else case)
            if case == "prose":
                line = running_text(rng, word, config.language, config.min_length, config.max_length)
            else:
                line = fill_line(rng, word, config.min_length, config.max_length, space)
            if line and self._charset.issuperset(line) and split_of(key_hash(line)) == split:
                return DrawnText(line, f"words:{config.language}")
        raise UserError(
            f"[text] {self.about['source']}: its {len(self._file):,} words make no line of "
            f"{config.min_length} to {config.max_length} characters for the split '{split}'; change these lengths"
        )

    def _cased_word(self, rng: Random, case: str) -> str:
        word = self._file[rng.randrange(len(self._file))]
        cased = {"lower": word, "title": word.capitalize(), "upper": word.upper()}[case]
        return cased if self._charset.issuperset(cased) else word

    def _word(self, rng: Random) -> str:
        """Returns a random word of the corpus without the punctuation around it; it may be empty."""
        return _EDGES.sub("", rng.choice(self._file[rng.randrange(len(self._file))].split(" ")))

    def _line(self, number: int) -> DrawnText:
        return DrawnText(self._file[number], self._provenance)

    @property
    def _provenance(self) -> str:
        if isinstance(self._config, FileText):
            return f"file:{self.about['source']}"
        return f"{self._config.source}:{self._config.language}"


def cut_last_word(line: str, rng: Random) -> str:
    """Returns the line cut within its last word, with a hyphen; unchanged if that word is short or not all letters."""
    word = line[line.rfind(" ") + 1 :].rstrip(".,;:")
    if len(word) < _CUT_SHORTEST or not word.isalpha():
        return line
    return line[: line.rfind(" ") + 1 + rng.randint(2, len(word) - 2)] + "-"


def cut_first_word(line: str, rng: Random) -> str:
    """Returns the line from within its first word on; unchanged if that word is short or not all letters."""
    word = line.partition(" ")[0]
    if len(word) < _CUT_SHORTEST or not word.isalpha():
        return line
    return line[rng.randint(2, len(word) - 2) :]
