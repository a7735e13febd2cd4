"""Check digits and the like: what a text must add up to, by name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from ocrlib.errors import UserError


@dataclass(frozen=True)
class Check:
    """A rule that a text passes or not.

    Attributes:
      name: what the user calls it.
      shape: a regular expression that every text that passes matches; None: any text may.
      passes: the rule.
    """

    name: str
    shape: str | None
    passes: Callable[[str], bool]


_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin_passes(text: str) -> bool:
    """Whether the ninth character of a vehicle's number is the check digit of the others (49 CFR 565.15)."""
    values = [int(c) if c.isdecimal() else _VIN_VALUES.get(c, -1) for c in text]
    if len(text) != 17 or min(values) < 0:
        return False
    rest = sum(weight * value for weight, value in zip(_VIN_WEIGHTS, values, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def mrz_digit(field: str) -> str:
    """Returns the check digit of a field of a machine-readable zone (ICAO 9303-3, 4.9): weights 7, 3, 1, modulo 10."""
    values = [int(c) if c.isdecimal() else 0 if c == "<" else ord(c) - ord("A") + 10 for c in field]
    return str(sum(value * (7, 3, 1)[i % 3] for i, value in enumerate(values)) % 10)


# Each kind of line that has check digits of its own: its form, and its fields as (parts, place of their digit).
# ICAO 9303-4 (passport, second line), -6 (card of two lines, the second), -5 (card of three, the first, the second;
# the digit over both of its lines cannot be seen from one). Names have no check digit.
_DATES = "[0-9<]{6}[0-9][MFX<][0-9]{7}"
_MRZ = {
    f"[A-Z0-9<]{{9}}[0-9][A-Z<]{{3}}{_DATES}[A-Z0-9<]{{14}}[0-9<][0-9]": (
        (((0, 9),), 9),
        (((13, 19),), 19),
        (((21, 27),), 27),
        (((28, 42),), 42),
        (((0, 10), (13, 20), (21, 43)), 43),
    ),
    f"[A-Z0-9<]{{9}}[0-9][A-Z<]{{3}}{_DATES}[A-Z0-9<]{{7}}[0-9]": (
        (((0, 9),), 9),
        (((13, 19),), 19),
        (((21, 27),), 27),
        (((0, 10), (13, 20), (21, 35)), 35),
    ),
    "[ACI][A-Z<]{4}[A-Z0-9<]{9}[0-9][A-Z0-9<]{15}": ((((5, 14),), 14),),
    f"{_DATES}[A-Z<]{{3}}[A-Z0-9<]{{11}}[0-9]": ((((0, 6),), 6), (((8, 14),), 14)),
}


def mrz_passes(text: str) -> bool:
    """Whether a line of a machine-readable zone has the right check digits, all that a line of its kind has."""
    for form, fields in _MRZ.items():
        if re.fullmatch(form, text):
            return all(
                mrz_digit("".join(text[start:stop] for start, stop in parts)) == text[place].replace("<", "0")
                for parts, place in fields
            )
    return False


def _luhn(text: str) -> bool:
    return _of_stdnum("luhn")(text.replace(" ", "").replace("-", ""))


def _of_stdnum(name: str) -> Callable[[str], bool]:
    """The rule of a module of python-stdnum, such as `iban` or `de.idnr`."""
    module = import_module(f"stdnum.{name}")
    return module.is_valid


def _ean13(text: str) -> bool:
    return _of_stdnum("ean")(text)


_OWN: dict[str, tuple[str, Callable[[str], bool]]] = {
    "luhn": ("[0-9][0-9 -]*[0-9]", _luhn),
    "ean13": ("[0-9]( ?[0-9]){12}", _ean13),
    "vin": ("[A-HJ-NPR-Z0-9]{17}", vin_passes),
    "mrz": ("|".join(_MRZ), mrz_passes),
}
_SHAPES = {
    "iban": "[A-Z]{2}[0-9]{2}( ?[A-Z0-9]){11,30}",
    "isbn": "[0-9]([ -]?[0-9]){8}[ -]?[0-9X]|[0-9]([ -]?[0-9]){12}",
    "iso6346": "[A-Z]{3}[JRUZ] ?[0-9]{6} ?[0-9]",
}
NAMES = ("luhn", "ean13", "iban", "isbn", "vin", "mrz", "iso6346")


def check_named(name: str) -> Check:
    """Returns the check of one of NAMES, or of any module of python-stdnum by its name, such as `us.ssn`.

    Raises:
      UserError: there is none.
    """
    if name in _OWN:
        return Check(name, *_OWN[name])
    if re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", name):
        try:
            return Check(name, _SHAPES.get(name), _of_stdnum(name))
        except (ImportError, AttributeError):
            pass
    raise UserError(
        f"check {name!r}: there is none of that name; expected {', '.join(NAMES)}, or a module of python-stdnum "
        "with is_valid, such as us.ssn"
    )
