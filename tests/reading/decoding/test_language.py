"""What the user knows, as one set of texts; and what leaves none."""

from pathlib import Path

import pytest

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.reading.decoding.language import Known, Language, build_language

CHARSET = Charset("0123456789.-ABX ")


def texts_of(language: Language) -> set[str]:
    """All texts of a small language, a check's refusals left out."""
    texts = language.automaton.all_texts(10_000)
    assert texts is not None
    return {text for text in map(CHARSET.decode, texts) if language.passes is None or language.passes(text)}


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "words.txt").write_text(text, encoding="utf-8")
    return tmp_path / "words.txt"


def test_all_that_is_known_holds_together(tmp_path: Path) -> None:
    def even(text: str) -> bool:
        return int(text) % 2 == 0

    assert texts_of(build_language(Known(patterns=("[1-3]", "A")), CHARSET)) == {"1", "2", "3", "A"}
    assert texts_of(build_language(Known(patterns=("[1-3]",), characters="2-3"), CHARSET)) == {"2", "3"}
    assert texts_of(build_language(Known(patterns=("[1-3]",), check=even), CHARSET)) == {"2"}
    words = write(tmp_path, "12\r\nAB\n\n12\n7\nX")
    assert texts_of(build_language(Known(lexicon=words), CHARSET)) == {"12", "AB", "7", "X"}
    assert texts_of(build_language(Known(lexicon=words, patterns=("\\d+",)), CHARSET)) == {"12", "7"}
    assert texts_of(build_language(Known(lexicon=words, characters="AB7"), CHARSET)) == {"AB", "7"}
    assert texts_of(build_language(Known(lexicon=words, patterns=("\\d+",), check=even), CHARSET)) == {"12"}


def test_the_characters_alone_are_any_text_of_them() -> None:
    automaton = build_language(Known(characters="-12"), CHARSET).automaton
    assert automaton.accepts(CHARSET.encode("2-11"))
    assert automaton.accepts([])
    assert not automaton.accepts(CHARSET.encode("3"))


def test_a_check_has_the_form_of_its_texts() -> None:
    language = build_language(Known(check="ean13"), CHARSET)
    assert language.passes is not None
    assert language.automaton.accepts(CHARSET.encode("4006381333931"))
    assert not language.automaton.accepts(CHARSET.encode("400638133393"))
    few = build_language(Known(check="ean13", patterns=("40063813339[0-9]{2}",)), CHARSET)
    assert few.passes is None  # held against the check beforehand
    assert texts_of(few) == {f"40063813339{d}" for d in ("00", "17", "24", "31", "48", "55", "62", "79", "86", "93")}


def test_a_pattern_of_recipe_is_those_of_the_recipe() -> None:
    assert texts_of(build_language(Known(patterns=("recipe", "X")), CHARSET, ("[12]", "3"))) == {"1", "2", "3", "X"}
    assert Known().is_nothing
    assert not Known(patterns=("recipe",)).is_nothing


def test_entries_that_the_model_cannot_write_are_counted(tmp_path: Path) -> None:
    words = write(tmp_path, "12\nZ1\n\u00dc\n")
    language = build_language(Known(lexicon=words), CHARSET)
    assert texts_of(language) == {"12"}
    assert language.notes == (
        f"{words}: 2 of 3 entries have characters that the model does not know, and are never read: Z\u00dc",
    )


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (Known(patterns=("",)), "pattern '': no text of one character or more, in characters of the model, matches"),
        (Known(patterns=("1",), characters="2"), "pattern '1' and charset '2': no text of one character or more"),
        (Known(characters=""), "charset '': has no characters"),
        (Known(characters="12\u20ac"), "charset '12\u20ac': has characters that the model does not know: \u20ac"),
        (Known(patterns=("recipe",)), "pattern 'recipe': the model carries no patterns"),
        (Known(check="lun"), "check 'lun': there is none of that name"),
        (Known(check="ean13", patterns=("[0-9]{5}",)), "check 'ean13': no text that the model can write and the "),
        (
            Known(check="luhn", patterns=("1234", "5")),
            "check 'luhn': no text that the model can write and the patterns",
        ),
        (Known(check="iban", characters="1"), "check 'iban': no text that the model can write"),
        (Known(check="luhn", characters="A"), "check 'luhn': no text that the model can write"),
    ],
)
def test_what_leaves_no_text_is_refused(known: Known, message: str) -> None:
    with pytest.raises(UserError) as raised:
        build_language(known, CHARSET)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "known", "message"),
    [
        ("", {}, "has no entries; expected a line for each text that there is"),
        ("\n\n", {}, "has no entries"),
        ("Z\nY", {}, "2 of 2 entries have characters that the model does not know: YZ"),
        ("12", {"patterns": ("A",)}, "no entries match a pattern"),
        ("12", {"characters": "A"}, "no entries are made of 'A'"),
        ("12", {"check": "ean13"}, "no entries pass the check 'ean13'"),
    ],
)
def test_a_list_that_leaves_no_text_is_refused(
    text: str, known: dict[str, object], message: str, tmp_path: Path
) -> None:
    words = write(tmp_path, text)
    with pytest.raises(UserError) as raised:
        build_language(Known(lexicon=words, **known), CHARSET)  # type: ignore[arg-type]
    assert str(raised.value).startswith(f"{words}: {message}")


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin1.txt").write_bytes("\u00dc".encode("latin-1"))
    for path, message in (
        (tmp_path / "absent", "cannot be read as a UTF-8 text of a line for each entry"),
        (tmp_path, "cannot be read as a UTF-8 text of a line for each entry"),
        (tmp_path / "latin1.txt", "cannot be read as a UTF-8 text of a line for each entry"),
    ):
        with pytest.raises(UserError) as raised:
            build_language(Known(lexicon=path), CHARSET)
        assert str(raised.value).startswith(f"{path}: {message}")


def test_more_entries_than_a_million_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocrlib.reading.decoding.language.MAX_ENTRIES", 2)
    with pytest.raises(UserError, match="has 3 entries; expected no more than 2"):
        build_language(Known(lexicon=write(tmp_path, "1\n2\n3\n")), CHARSET)
