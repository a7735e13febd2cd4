"""Finds the faces that a recipe draws with, and the characters that each of them really draws.

Some fonts map a character to a blank or to their "missing glyph" box, or draw `a` as `A`. Such a picture would have a
wrong label. The character map does not tell, so the glyphs themselves are drawn and compared.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_lowercase

import numpy as np
from PIL import Image, ImageFont

from ocrlib.errors import UserError
from ocrlib.factory.render.font_sets import find_fonts
from ocrlib.factory.settings.render import FontSet

# Faces whose character map is wrong: their glyphs are other signs. Found by looking at them once.
_SIGNS = "its letters and digits are signs"
_NOT_TEXT = {
    "cmex10.ttf": _SIGNS,
    "cmsy10.ttf": _SIGNS,
    "cmmi10.ttf": "its punctuation is mathematical signs",
    "LastResortHE-Regular.ttf": "it draws code points, not characters",
    "D050000L.otf": _SIGNS,
    "StandardSymbolsPS.otf": _SIGNS,
    "LinBiolinum_K.otf": _SIGNS,
    "LinLibertine_I.otf": _SIGNS,
}
_TEX = '"<>\\^_`{|}~'  # drawn as other signs by fonts in TeX's text encoding
_MISDRAWN = {
    "cmr10.ttf": _TEX,
    "cmb10.ttf": _TEX,
    "cmss10.ttf": _TEX,
    "cmti10.ttf": _TEX + "$",
    "cmtt10.ttf": "^`~",
    # Their small letters are capitals, drawn a second time by hand: a reader sees capitals, but the shapes differ.
    "Amatic-Bold.ttf": ascii_lowercase,
    "AmaticSC-Regular.ttf": ascii_lowercase,
}
UNOPENED = "cannot be opened"  # how the reason begins why a broken face is left out
_PROBE_PX = 48  # size at which glyphs are compared
_UNASSIGNED = "\U0010fffe"  # no font has this character, so the .notdef glyph is drawn
_CASE_TELLING = "abdeghnqrt"  # letters whose two cases differ in shape, not only in size
_SAME_SHAPE = 24.0  # mean difference in gray levels below which two glyphs, scaled to one size, count as one shape


@dataclass(frozen=True, kw_only=True)
class Face:
    """A font file and what it may be asked to draw.

    Attributes:
      name: its file name, as kept in the provenance.
      path: where it lies.
      sha256: of the file, hex.
      weight: how often it is drawn, relative to the others.
      supported: the characters of the charset that it draws correctly.
    """

    name: str
    path: str
    sha256: str
    weight: float
    supported: frozenset[str]


def load_faces(sets: Sequence[FontSet], charset: str, coverage: float) -> tuple[list[Face], dict[str, str]]:
    """Returns the usable faces in order of name, and {file name: why it was left out} for the others.

    Args:
      sets: the recipe's.
      charset: the characters of the texts; the space is not checked.
      coverage: the share of the charset that a face must draw to be used. It must draw all ASCII letters and digits
        of the charset, whatever this share is.

    Raises:
      UserError: an unknown set or file, a single named file that lacks characters or is not for text, or no face left.
    """
    faces: dict[str, Face] = {}
    left_out: dict[str, str] = {}
    wanted = charset.replace(" ", "")
    for font_set in sets:
        paths = find_fonts(font_set)
        usable = []
        for path in paths:
            try:
                supported = supported_characters(path, wanted)
                why = _why_not(path.name, supported, wanted, coverage)
            except (OSError, ValueError) as error:
                supported, why = frozenset(), f"{UNOPENED}: {error}"
            if why and path == Path(font_set.source) and not why.startswith(UNOPENED):
                raise UserError(f"[render] font {path} {why}; choose another, or lower render.font_coverage")
            if why:
                left_out[path.name] = why
            else:
                usable.append((path, supported | ({" "} & set(charset))))
        of_set: dict[str, Face] = {}
        for path, supported in usable:
            weight = 1.0 if font_set.weight is None else font_set.weight / len(usable)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            of_set.setdefault(
                digest, Face(name=path.name, path=str(path), sha256=digest, weight=weight, supported=supported)
            )
        for digest, face in of_set.items():
            before = faces[digest].weight if digest in faces else 0.0  # a face in two sets has the weight of both
            faces[digest] = replace(face, weight=before + face.weight)
    if not faces:
        some = "; ".join(f"{name} {why}" for name, why in list(left_out.items())[:3])
        raise UserError(f"[render] no font of {len(left_out)} draws the charset ({some}); add fonts to render.fonts")
    return sorted(faces.values(), key=lambda face: (face.name, face.sha256)), left_out


def _why_not(name: str, supported: frozenset[str], wanted: str, coverage: float) -> str:
    """Why a face cannot be used for a charset, or an empty string."""
    if name in _NOT_TEXT:
        return f"is no text face: {_NOT_TEXT[name]}"
    lacks = "".join(c for c in wanted if c not in supported)
    lacks_core = any(c.isascii() and c.isalnum() for c in lacks)
    return f"lacks {lacks}" if lacks_core or len(supported) < coverage * len(wanted) else ""


def supported_characters(path: Path, characters: str) -> frozenset[str]:
    """Returns the `characters` that the face draws: not blank, not .notdef, and no capital for a small letter.

    The face's own glyph is looked at first: that takes a fifth of the time of shaping the character. What the face has
    no glyph for, the shaper may still draw as a letter and an accent.
    """
    font = ImageFont.truetype(str(path), _PROBE_PX, layout_engine=ImageFont.Layout.BASIC)
    notdef = _glyph(font, _UNASSIGNED)
    drawn = {c for c in characters if _is_drawn(font, c, notdef)}
    if len(drawn) < len(characters):
        shaper = ImageFont.truetype(str(path), _PROBE_PX)
        notdef = _glyph(shaper, _UNASSIGNED)
        drawn |= {c for c in characters if c not in drawn and _is_drawn(shaper, c, notdef)}
    if _draws_capitals(font, [c for c in _CASE_TELLING if c in drawn or c.upper() in drawn]):
        drawn -= {c for c in drawn if c.lower() == c != c.upper()}
    return frozenset(drawn - set(_MISDRAWN.get(path.name, "")))


def _draws_capitals(font: ImageFont.FreeTypeFont, letters: list[str]) -> bool:
    """Whether most of these small letters look like their capitals: then the others are not trusted either."""
    same, different = 0, 0
    for letter in letters:
        if _same_shape(_glyph(font, letter), _glyph(font, letter.upper())):
            same += 1
        else:
            different += 1
        if 2 * different >= len(letters):  # in nearly all faces, after the first half of the letters
            return False
    return 2 * same > len(letters)


def _is_drawn(font: ImageFont.FreeTypeFont, character: str, notdef: np.ndarray | None) -> bool:
    """Whether a character has ink, and other ink than the face's .notdef glyph.

    Sizes are compared first: they settle nearly all, and to make arrays of all glyphs took half of a short run's time.
    """
    mask = font.getmask(character)
    box = None if 0 in mask.size else mask.getbbox()
    if box is None:
        return False
    if notdef is None or notdef.shape != (box[3] - box[1], box[2] - box[0]):
        return True
    glyph = _glyph(font, character)
    return glyph is not None and not np.array_equal(glyph, notdef)


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray | None:
    """The ink of a character, cut to its edges, (h, w) uint8; None if nothing is drawn."""
    mask = font.getmask(character)
    if 0 in mask.size:
        return None
    image = Image.new("L", mask.size)
    image.im.paste(mask, (0, 0, *mask.size))  # numpy would read the mask pixel by pixel
    ink = np.asarray(image)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return None
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _same_shape(left: np.ndarray | None, right: np.ndarray | None) -> bool:
    if left is None or right is None:
        return False
    small, large = (np.asarray(Image.fromarray(g).resize((24, 24)), np.float32) for g in (left, right))
    return float(np.abs(small - large).mean()) < _SAME_SHAPE
