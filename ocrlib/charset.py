"""The characters that a network knows: text to class indices and back, with one convention for the blank.

A CTC network with C classes knows C - 1 characters; the last class, C - 1, is the *blank*, which means "no character
at this time step" (`ocrlib.ctc`). All code that encodes, decodes or counts classes asks this file.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

ASCII = "".join(chr(code) for code in range(0x20, 0x7F))
_TYPOGRAPHIC = "‘’“”«»–—…•°£€§©®×½²ªº¿¡"
_ACCENTED = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽž"

_LOW_QUOTES = "„‚"
# The letters of a language beyond ASCII, loans that its print is full of included.
_POLISH = "ĄĆĘŁŃÓŚŹŻąćęłńóśźż"
_CZECH = "ÁČĎÉĚÍŇÓŘŠŤÚŮÝŽáčďéěíňóřšťúůýž"
_TURKISH = "ÂÇĞÎİÖŞÛÜâçğîıöşûü"
_NORDIC = "ÁÄÅÆÉÍÐÓÖØÚÜÝÞáäåæéíðóöøúüýþ"  # Danish, Finnish, Icelandic, Norwegian, Swedish
# Unicode's Latin Extended-A without the letters that print no longer has (ĸ, ŉ, ſ, Ŀ, Ĳ), and what Romanian and German
# need beyond it.
_EXTENDED = "".join(chr(code) for code in range(0x100, 0x17F) if chr(code) not in "ĸŉſĿŀĲĳ") + "ȘșȚțẞ"


def _with_letters(letters: str) -> str:
    return "".join(dict.fromkeys(ASCII + _TYPOGRAPHIC + _LOW_QUOTES + letters))


# "latin" is for print in English, French, Spanish and German. It lacks ² because a raised figure is read as a figure.
NAMED = {
    "ascii": ASCII,
    "latin-basic": ASCII + _TYPOGRAPHIC + _ACCENTED + _LOW_QUOTES,
    "latin": ASCII + _TYPOGRAPHIC.replace("²", "") + _LOW_QUOTES + _ACCENTED,
    "latin-ext": _with_letters(_ACCENTED + _EXTENDED),
    "polish": _with_letters(_POLISH),
    "czech": _with_letters(_CZECH),
    "turkish": _with_letters(_TURKISH),
    "nordic": _with_letters(_NORDIC),
}
_WORD = re.compile(r"[A-Za-z]+([-_][A-Za-z]+)*")


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
        """Returns the charset of a name in NAMED, or the one made of the characters given.

        Raises:
          ValueError: as the class does; a word that is no name, because few people mean its letters.
        """
        given = name_or_characters
        letters = "".join(sorted(given))
        if given not in NAMED and len(given) > 3 and _WORD.fullmatch(given) and given != letters:
            near = difflib.get_close_matches(given.lower(), NAMED, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"the names are {', '.join(NAMED)}."
            raise ValueError(
                f"a charset {given!r} is not known; {known} If its {len(given)} characters are meant, write them in "
                f"order: {letters!r}"
            )
        return cls(NAMED.get(given, given))

    @staticmethod
    def names_with(characters: Iterable[str]) -> list[str]:
        """Returns the names of the charsets that have all these characters, the smallest first."""
        wanted = set(characters)
        return sorted((name for name in NAMED if wanted <= set(NAMED[name])), key=lambda name: len(NAMED[name]))

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
