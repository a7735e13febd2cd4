"""Makes a line printable: Unicode form, spaces, invisible characters, and folding to ASCII."""

import re
import unicodedata

# Stands for something that could not be turned into text, such as a template or a formula. Sentences with it are
# rejected.
GAP = "\ufffc"

# These characters are invisible, so a label must not contain them: soft hyphen, zero-width characters and joiners,
# direction marks, variation selectors, control characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)
_SPACE = re.compile(r"\s")  # any Unicode white space: U+00A0, U+2009, U+3000, line breaks ...
_SPACES = re.compile(r" {2,}")
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})  # both look like "-"

# ASCII forms of characters that Unicode's own decomposition does not turn into ASCII.
_ASCII = {
    **dict.fromkeys("‘’‚‛′ʹʻʼʽʾʿ´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‹", "<"),
    **dict.fromkeys("›", ">"),
    **dict.fromkeys("–‒−", "-"),
    **dict.fromkeys("—―", "--"),
    **{
        "Æ": "AE",
        "æ": "ae",
        "Œ": "OE",
        "œ": "oe",
        "ß": "ss",
        "ẞ": "SS",
        "Ø": "O",
        "ø": "o",
        "Đ": "D",
        "đ": "d",
    },
    **{"Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "Ł": "L", "ł": "l", "ı": "i", "Ħ": "H", "ħ": "h", "ŋ": "ng"},
    **{"×": "x", "•": "*", "·": ".", "⋅": ".", "⁄": "/", "€": "EUR", "£": "GBP", "©": "(c)", "®": "(r)"},
    **{"¿": "?", "¡": "!"},
}


def spaced(text: str) -> str:
    """Returns `text` in NFC, with plain spaces and without invisible characters. Runs of spaces stay."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text).translate(_HYPHENS))
    else:
        text = _INVISIBLE.sub("", text)
    return _SPACE.sub(" ", text)


def normalise(text: str) -> str:
    """Returns `text` as one printed line: `spaced`, with single spaces inside and none at the ends."""
    return _SPACES.sub(" ", spaced(text)).strip(" ")


def fold(text: str, charset: frozenset[str]) -> str:
    """Returns `text` with each character outside `charset` replaced by its ASCII form, if it has one."""
    return "".join(c if c in charset else _fold_character(c) for c in text)


def _fold_character(character: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return bare if bare.isascii() else "".join(_ASCII.get(c, c) for c in bare)
