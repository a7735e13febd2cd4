"""The characters that a network knows: text to class indices and back, with one convention for the blank.

A CTC network with C classes knows C - 1 characters; the last class, C - 1, is the *blank*, which means "no character
at this time step" (`ocrlib.ctc`). All code that encodes, decodes or counts classes asks this file.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

ASCII = "".join(chr(code) for code in range(0x20, 0x7F))
_TYPOGRAPHIC = "‘’“”«»–—…•°£€§©®×½²ªº¿¡"
_ACCENTED = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽž"

_LOW_QUOTES = "„‚"

# "latin" is for print in English, French, Spanish and German. It lacks ² because a raised figure is read as a figure.
NAMED = {
    "ascii": ASCII,
    "latin-basic": ASCII + _TYPOGRAPHIC + _ACCENTED,
    "latin": ASCII + _TYPOGRAPHIC.replace("²", "") + _LOW_QUOTES + _ACCENTED,
}


@dataclass(frozen=True)
class Charset:
    """An ordered set of single characters (NFC code points).

    Attributes:
      characters: the characters in the order of their classes, each once.

    Raises:
      ValueError: empty, a repeated character, a control character, or one that is not NFC.
    """

    characters: str

    def __post_init__(self) -> None:
        if not self.characters:
            raise ValueError("a charset needs at least one character")
        if unicodedata.normalize("NFC", self.characters) != self.characters:
            raise ValueError("a charset must be in Unicode normal form NFC")
        repeated = sorted({c for c in self.characters if self.characters.count(c) > 1})
        if repeated:
            raise ValueError(f"a charset names each character once; repeated: {' '.join(map(repr, repeated))}")
        control = [c for c in self.characters if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        if control:
            raise ValueError(f"a charset holds printable characters only, not {control[0]!r}")
        combining = [c for c in self.characters if unicodedata.combining(c)]
        if combining:
            raise ValueError(f"a charset holds whole characters, not the combining mark U+{ord(combining[0]):04X}")
        right_to_left = [c for c in self.characters if unicodedata.bidirectional(c) in ("R", "AL", "AN")]
        if right_to_left:
            raise ValueError(f"right-to-left scripts are not supported yet; the charset has {right_to_left[0]!r}")

    @classmethod
    def named(cls, name_or_characters: str) -> "Charset":
        """Returns the charset called `ascii`, `latin-basic` or `latin`, or the one made of the characters given."""
        return cls(NAMED.get(name_or_characters, name_or_characters))

    @property
    def num_classes(self) -> int:
        """C: the characters and the blank."""
        return len(self.characters) + 1

    @property
    def blank(self) -> int:
        """The blank's class, C - 1."""
        return len(self.characters)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {character: index for index, character in enumerate(self.characters)}

    def missing(self, text: str) -> str:
        """Returns the characters of `text` (after NFC) that the charset lacks, each once, in order."""
        return "".join(dict.fromkeys(c for c in unicodedata.normalize("NFC", text) if c not in self._index))

    def encode(self, text: str) -> list[int]:
        """Returns the class indices, each in [0, C - 2], of `text` after NFC.

        Raises:
          ValueError: names the characters that the charset lacks.
        """
        try:
            return [self._index[c] for c in unicodedata.normalize("NFC", text)]
        except KeyError:
            lacking = " ".join(f"{c!r} (U+{ord(c):04X})" for c in self.missing(text))
            raise ValueError(f"the charset lacks {lacking} of {text!r}") from None

    def decode(self, indices: Iterable[int]) -> str:
        """Returns the text of class indices, among which there are no blanks and no padding (-1).

        Raises:
          ValueError: an index outside [0, C - 2].
        """
        text = []
        for index in indices:
            if not 0 <= index < self.blank:
                raise ValueError(f"class {index} is no character; expected 0 to {self.blank - 1}")
            text.append(self.characters[index])
        return "".join(text)
