"""What the text of a picture becomes: a label, or a reason why it cannot be one; for importing and for measuring."""

import unicodedata
from functools import lru_cache

from ocrlib.charset import Charset

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u2060\ufeff"))  # no printer prints them
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"


def label_of(text: str, charset: Charset | None) -> tuple[str, str, str]:
    """Returns (label, reason, detail); the reason is empty if the text can be a label.

    A label is in NFC, has plain spaces in place of tabs and fixed spaces, and none at its ends.

    Args:
      text: as the source has it.
      charset: what it may hold; None: all that a charset can.
    """
    if text.isascii() and text.isprintable():  # most texts: nothing in them stands for something else
        label = text.strip()
    else:
        text = unicodedata.normalize("NFC", text).translate(_INVISIBLE).strip()
        if any(end in text for end in _LINE_ENDS):
            return "", "two lines of text", repr(text[:60])
        label = "".join(" " if c == "\t" or unicodedata.category(c) == "Zs" else c for c in text).strip()
    if not label:
        return "", "empty text", ""
    if charset is not None and (missing := charset.missing(label)):
        return "", "character outside the charset", f"{missing} in {label!r}"
    if charset is None and not label.isascii():
        for character in dict.fromkeys(label):
            if problem := _refused(character):
                return "", "character that cannot be learned", problem
    elif charset is None and not label.isprintable():
        return "", "character that cannot be learned", f"a control character in {label!r}"
    return label, "", ""


@lru_cache(maxsize=4096)
def _refused(character: str) -> str:
    """Why no charset may hold the character; empty if one may."""
    try:
        Charset(character)
    except ValueError as error:
        return str(error)
    return ""
