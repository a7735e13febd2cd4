"""Check digits: examples of the standards that define them, and the same with one character changed."""

import pytest

from ocrlib.errors import UserError
from ocrlib.reading.decoding.checks import NAMES, check_named, mrz_digit

# Specimens printed in the standards or commonly used as examples: ISO/IEC 7812, GS1, ISO 13616, ISO 2108,
# 49 CFR 565, ICAO 9303 parts 4 to 6, ISO 6346.
PASSING = {
    "luhn": ["4111111111111111", "79927398713", "4111 1111 1111 1111", "4111-1111-1111-1111"],
    "ean13": ["4006381333931", "4 006381 333931"],
    "iban": ["GB82WEST12345698765432", "DE89 3704 0044 0532 0130 00"],
    "isbn": ["0306406152", "0-8044-2957-X", "978-0-306-40615-7", "9780306406157"],
    "vin": ["1M8GDM9AXKP042788", "11111111111111111"],
    "mrz": [
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        "D231458907UTO7408122F1204159<<<<<<<6",
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
    ],
    "iso6346": ["CSQU3054383", "TASU 117000 0"],
}


def test_every_named_check_has_examples() -> None:
    assert set(PASSING) == set(NAMES)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in PASSING.items() for text in texts])
def test_an_example_passes_and_not_with_another_digit_anywhere_in_it(name: str, text: str) -> None:
    check = check_named(name)
    assert check.passes(text)
    checked = [i for i, c in enumerate(text) if c.isdecimal()]
    if name == "mrz" and text.startswith("7408"):
        checked.remove(29)  # its last digit is over both lines
    for place in checked:
        wrong = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
        assert not check.passes(wrong), wrong


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "0", "x", "12345", "é" * 13, "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"])
def test_other_texts_do_not_pass(name: str, text: str) -> None:
    passes = check_named(name).passes(text)
    assert not passes or (name, text) == ("luhn", "0")


def test_the_digit_of_a_field_is_that_of_the_standard() -> None:
    assert [mrz_digit(field) for field in ("520727", "AB2134<<<", "L898902C3", "<<<")] == ["3", "5", "6", "0"]


def test_any_module_of_stdnum_is_a_check() -> None:
    assert check_named("us.ssn").passes("536-90-4399")
    assert check_named("imei").shape is None


@pytest.mark.parametrize("name", ["lun", "stdnum.luhn", "de", "exceptions", "..os", "util", ""])
def test_a_name_that_is_none_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(UserError, match=f"check '{name}': there is none of that name; expected luhn, ean13, iban"):
        check_named(name)
