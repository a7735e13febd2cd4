"""Lines that are made of others: headings, entries of lists, notes, and running text of single words."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.charset import Charset
from ocrlib.dataset.split_keys import check_split_separation, key_hash, split_of
from ocrlib.factory.settings.text import FileText, LineText, WordsText
from ocrlib.factory.text import open_text
from ocrlib.factory.text.running import running_text
from ocrlib.factory.text.variations import as_entry, draw_variation, in_capitals, with_note

LINE = "Evening at the lake, seen from the straße."
LATIN = Charset.named("latin").characters


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))


def test_capitals_change_words_whole_and_belong_to_the_same_split():
    varied = {in_capitals(LINE, Random(seed)) for seed in range(200)}
    assert "EVENING AT THE LAKE, SEEN FROM THE STRASSE." in varied
    assert len(varied) > 10
    for line in varied:
        assert all(word.isupper() or word in LINE.split(" ") for word in line.split(" "))
        assert key_hash(line) == key_hash(LINE)


def test_an_entry_has_a_number_before_a_few_words_or_behind_them():
    entries = [as_entry(LINE, Random(seed)) for seed in range(300)]
    assert all(re.search(r"\d|^[—*]", entry) for entry in entries)
    assert sum(bool(re.match(r"\d+\. ", entry)) for entry in entries) > 20
    assert sum(bool(re.search(r"\d(\.—|%| fr\.)?$", entry)) for entry in entries) > 100
    assert all("  " not in entry and entry == entry.strip() for entry in entries)


def test_a_note_stands_behind_a_word_and_changes_nothing_else():
    for seed in range(100):
        line = with_note(LINE, Random(seed))
        assert re.sub(r"(?<=[^\W\d_])([.,]?)(\d{1,2}|\*)", r"\1", line) == LINE != line
    assert with_note("12 345", Random(1)) == "12 345"


def test_variations_have_the_shares_of_the_recipe():
    settings = LineText(capitals=0.2, entries=0.1, notes=0.05)
    drawn = [draw_variation(settings, Random(seed)) for seed in range(4000)]
    for variation, share in ((in_capitals, 0.2), (as_entry, 0.1), (with_note, 0.05), (None, 0.65)):
        assert abs(drawn.count(variation) / 4000 - share) < 0.03


def test_varied_lines_stay_in_their_split_fit_the_charset_and_keep_their_shares(tmp_path):
    rng = Random(1)
    words = ["lake", "evening", "house", "river", "morning", "tower", "garden", "bridge", "winter", "summer"]
    lines = {" ".join(rng.choice(words) for _ in range(6)) for _ in range(3000)}
    (tmp_path / "lines.txt").write_text("\n".join(sorted(lines)), encoding="utf-8")
    keys = {"charset": "ascii", "max_length": 60, "entries": 0.3, "notes": 0.3}
    source = open_text(FileText(source="file", path=str(tmp_path / "lines.txt"), **keys), 1)
    drawn = {split: [source.draw(split, i, 0).text for i in range(150)] for split in ("train", "val", "test")}
    assert check_split_separation(drawn) == []
    for split, texts in drawn.items():
        assert 0.4 < sum(text not in lines for text in texts) / 150 < 0.8, split
        assert all(text.isascii() and len(text) <= 60 and split_of(key_hash(text)) == split for text in texts)


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(0, 60), st.sampled_from(["de", "fr", "pl"]))
def test_running_text_fits_its_lengths(seed, shortest, more, language):
    words = ["Haus", "gehen", "Überlandleitung", "schön", "ab"]
    rng = Random(seed)
    line = running_text(rng, lambda: rng.choice(words), language, shortest, shortest + more)
    if line is not None:
        assert shortest <= len(line) <= shortest + more
        assert line == line.strip() and "  " not in line


def test_german_running_text_has_what_prose_has_and_a_dictionary_lacks():
    keys = {"language": "de", "charset": LATIN, "min_length": 10, "max_length": 70, "case": "prose"}
    config = WordsText(source="words", **keys)
    source = open_text(config, 1)
    text = "\n".join(source.draw("train", i, 0).text for i in range(600))
    for sign in '.,!?:;()„“"-§%äöüßÜ0123456789':
        assert sign in text, sign
    assert len(re.findall(r"\b(der|die|und)\b", text)) > 20
    assert len(re.findall(r"[.!?] [A-ZÄÖÜ]", text)) > 50
    assert len(re.findall(r"[a-zäöü]-$", text, re.MULTILINE)) > 20
    texts = {split: [source.draw(split, i, 0).text for i in range(100)] for split in ("train", "val", "test")}
    assert check_split_separation(texts) == []
