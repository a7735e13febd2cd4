"""SentenceText: the texts that a dataset draws."""

import pickle
import re
import string
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from ocrlib.charset import NAMED
from ocrlib.dataset.split_keys import check_split_separation, key_hash, split_of
from ocrlib.errors import UserError
from ocrlib.factory.recipe import load_recipe
from ocrlib.factory.settings.text import FileText, WikipediaText, WordsText
from ocrlib.factory.text import open_text
from ocrlib.factory.text.sentences import SentenceText, cut_first_word, cut_last_word
from tests.factory.text.samples import sentence

SPLITS = ("train", "val", "test")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def lines(tmp_path):
    """A thousand lines; two of them have an é, three a Z."""
    rng = Random(1)
    text = [sentence(rng) for _ in range(1000)]
    for number, character in [(10, "é"), (500, "é"), (20, "Z"), (700, "Z"), (900, "Z")]:
        text[number] += f" {character}."
    (tmp_path / "lines.txt").write_text("\n".join(text), encoding="utf-8")
    return tmp_path / "lines.txt"


def file_text(path, **keys):
    return FileText(source="file", path=str(path), **keys)


def draw_all(source, split, number, attempt=0):
    return [source.draw(split, index, attempt) for index in range(number)]


def test_each_sentence_once_a_pass(lines):
    source = SentenceText(file_text(lines), seed=1)
    num_train = source.about["splits"]["train"]
    texts = [drawn.text for drawn in draw_all(source, "train", 2 * num_train)]
    assert len(set(texts[:num_train])) == num_train
    assert set(texts[:num_train]) == set(texts[num_train:])
    assert texts[:num_train] != texts[num_train:]


def test_draws_depend_on_their_arguments_alone(lines):
    config = file_text(lines, mixed_share=0.3, min_per_char=20, charset="ascii")
    source = SentenceText(config, seed=1)
    forward = draw_all(source, "train", 300)
    again = SentenceText(config, seed=1)
    assert [again.draw("train", index, 0) for index in reversed(range(300))] == forward[::-1]
    assert draw_all(pickle.loads(pickle.dumps(source)), "train", 300) == forward
    assert draw_all(SentenceText(config, seed=2), "train", 300) != forward


def test_another_attempt_is_another_line(lines):
    source = SentenceText(file_text(lines), seed=1)
    for split in SPLITS:
        num_lines = source.about["splits"][split]
        texts = [source.draw(split, 7, attempt).text for attempt in range(num_lines)]
        assert len(set(texts)) == num_lines


def test_splits_are_apart(lines):
    source = SentenceText(file_text(lines, mixed_share=0.5, min_per_char=5, charset="ascii"), seed=1)
    texts = {split: [text for text, _ in draw_all(source, split, 600)] for split in SPLITS}
    assert check_split_separation(texts) == []


def test_a_line_break_cuts_words(lines):
    keys = {"source": "wikipedia", "corpus": str(lines), "min_length": 5, "max_length": 200}
    whole = SentenceText(WikipediaText(**keys), seed=1)
    cut = SentenceText(WikipediaText(**keys, hyphenated=0.5), seed=1)
    pairs = [(whole.draw("train", i, 0).text, cut.draw("train", i, 0).text) for i in range(400)]
    kinds = Counter(
        "same"
        if a == b
        else "last"
        if b.endswith("-") and a.startswith(b[:-1])
        else "first"
        if a.endswith(b)
        else "other"
        for a, b in pairs
    )
    assert set(kinds) == {"same", "last", "first"}
    assert min(kinds["last"], kinds["first"]) > 30  # a quarter each, if the word is long enough
    texts = {split: [text for text, _ in draw_all(cut, split, 300)] for split in SPLITS}
    assert all(split_of(key_hash(text)) == split for split in SPLITS for text in texts[split])
    without = SentenceText(WikipediaText(**keys, hyphenated=0.5, charset=string.ascii_letters + "é ."), seed=1)
    assert not any("-" in without.draw("train", i, 0).text for i in range(200))


@pytest.mark.parametrize(
    ("line", "last", "first"),
    [
        ("one alphabet", {"one al-", "one alp-", "one alph-", "one alpha-", "one alphab-"}, {"one alphabet"}),
        ("alphabet soup.", {"alphabet soup."}, {"phabet soup.", "habet soup.", "abet soup.", "bet soup.", "et soup."}),
        ("some words,", {"some wo-", "some wor-"}, {"some words,"}),
        ("B2B4B6 x-raying", {"B2B4B6 x-raying"}, {"B2B4B6 x-raying"}),
    ],
)
def test_two_letters_stay_on_either_side_of_a_line_break(line, last, first):
    assert {cut_last_word(line, Random(seed)) for seed in range(200)} == last
    assert {cut_first_word(line, Random(seed)) for seed in range(200)} == first


def test_provenance(lines):
    source = SentenceText(file_text(lines, mixed_share=0.5), seed=1)
    sources = {drawn.source for drawn in draw_all(source, "train", 500)}
    assert sources == {
        "file:lines.txt",
        "mixed:numbers",
        "mixed:capitals",
        "mixed:brackets",
        "mixed:characters",
    }


def test_mixed_share(lines):
    source = SentenceText(file_text(lines, mixed_share=0.2, max_length=60), seed=1)
    drawn = draw_all(source, "val", 2000)
    mixed = [text for text, kind in drawn if kind.startswith("mixed")]
    assert len(mixed) == pytest.approx(400, rel=0.2)
    assert any(re.search(r"\[\d+\]", text) for text in mixed) and any(re.search("[a-z][A-Z]", text) for text in mixed)
    assert all(1 <= len(text) <= 60 for text in mixed)


def test_min_per_char_where_the_corpus_has_it(lines):
    source = SentenceText(file_text(lines, min_per_char=50, charset=string.ascii_letters + " .éÜ"), seed=1)
    counts = Counter(character for text, _ in draw_all(source, "train", 10_000) for character in set(text))
    has = {character for character, number in source.about["lines_with_character"]["train"].items() if number}
    assert {"é", "Z"} <= has and "Ü" not in has
    assert all(counts[character] >= 50 for character in has) and counts["Ü"] == 0


def test_min_per_char_beyond_the_corpus_with_mixed_lines(lines):
    charset = string.ascii_letters + string.digits + " .éÜ€"
    source = SentenceText(file_text(lines, min_per_char=30, mixed_share=0.05, charset=charset, min_length=20), seed=1)
    counts = Counter(character for text, _ in draw_all(source, "train", 10_000) for character in set(text))
    assert all(counts[character] >= 30 for character in charset)


def test_a_rare_line_that_cannot_be_drawn_is_replaced(lines):
    source = SentenceText(file_text(lines, min_per_char=100, charset=string.ascii_letters + " .é"), seed=1)
    index = next(index for index in range(10_000) if "é" in source.draw("train", index, 0).text)
    assert "é" not in source.draw("train", index, 9).text


def test_a_split_without_lines(tmp_path):
    (tmp_path / "a.txt").write_text("One line.\n")
    source = SentenceText(file_text(tmp_path / "a.txt"), seed=1)
    empty = next(split for split in SPLITS if not source.about["splits"][split])
    with pytest.raises(UserError, match=f"none of its 1 lines falls into the split '{empty}'"):
        source.draw(empty, 0, 0)


def test_a_closed_list_can_be_used_whole_in_every_split(tmp_path):
    (tmp_path / "months.txt").write_text("May\nJune\nJuly\n", encoding="utf-8")
    source = SentenceText(file_text(tmp_path / "months.txt", whole=True), seed=1)
    for split in SPLITS:
        source.check_split(split)
        assert {drawn.text for drawn in draw_all(source, split, 3)} == {"May", "June", "July"}
    parted = SentenceText(file_text(tmp_path / "months.txt"), seed=1)
    empty = [split for split in SPLITS if not parted.about["splits"][split]]
    assert empty
    for split in empty:
        with pytest.raises(UserError, match=f"falls into the split '{split}'.*set text.whole to use every line"):
            parted.check_split(split)


def test_inputs_follow_the_lines_not_the_path(lines, tmp_path):
    before = SentenceText(file_text(lines), seed=1).inputs
    other = tmp_path / "other.txt"
    other.write_text("\n".join(reversed(lines.read_text(encoding="utf-8").split("\n"))), encoding="utf-8")
    assert SentenceText(file_text(other), seed=1).inputs == before
    other.write_text("Something else.\n")
    assert SentenceText(file_text(other), seed=1).inputs != before


def test_words():
    config = WordsText(source="words", language="de", charset="ascii", min_length=5, max_length=30)
    source = open_text(config, 1)
    drawn = {split: draw_all(source, split, 300) for split in SPLITS}
    texts = {split: [text for text, _ in lines] for split, lines in drawn.items()}
    assert check_split_separation(texts) == []
    assert all(5 <= len(text) <= 30 for lines in texts.values() for text in lines)
    assert {source for _, source in drawn["train"]} == {"words:de"}
    assert any(text.isupper() for text in texts["train"]) and any(text.islower() for text in texts["train"])
    assert pickle.loads(pickle.dumps(source)).draw("val", 3, 1) == source.draw("val", 3, 1)


def test_words_that_make_one_line_only():
    source = SentenceText(
        WordsText(source="words", language="fr", charset="a", min_length=60, max_length=60, max_outside=1.0), 1
    )
    (owner,) = [split for split in SPLITS if split_of(key_hash("a" * 60)) == split]
    assert source.draw(owner, 0, 0).text == "a" * 60
    other = next(split for split in SPLITS if split != owner)
    with pytest.raises(UserError, match=f"words make no line of 60 to 60 characters for the split '{other}'"):
        source.draw(other, 0, 0)


def test_the_shipped_recipe_has_lines_enough():
    recipe = load_recipe(Path(__file__).parents[3] / "datasets" / "wikipedia.toml")
    assert isinstance(recipe.text, WikipediaText)
    source = open_text(recipe.text, recipe.seed)
    assert recipe.splits.train >= 40_000 and source.about["splits"]["train"] > recipe.splits.train
    texts = {split: [text for text, _ in draw_all(source, split, 1500)] for split in SPLITS}
    assert check_split_separation(texts) == []
    low, high = recipe.text.min_length, recipe.text.max_length
    assert all(low <= len(text) <= high for lines in texts.values() for text in lines)
    assert all(set(text) <= set(recipe.text.charset) for lines in texts.values() for text in lines)


def polish(tmp_path, share, **keys):
    """A hundred lines, of which a share has a letter that latin-basic lacks."""
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"Wiersz numer {i} {'łączy' if i < 100 * share else 'plain'}\n" for i in range(100)))
    return SentenceText(FileText(source="file", path=str(path), **keys), 1)


def test_what_the_charset_lacks_is_counted(tmp_path):
    outside = polish(tmp_path, 0.3).outside
    assert (outside.lines, outside.of, outside.characters) == (30, 100, {"ł": 30, "ą": 30})
    assert polish(tmp_path, 0.0).outside is None


def test_too_much_outside_the_charset_is_refused(tmp_path):
    with pytest.raises(UserError) as refused:
        polish(tmp_path, 0.31)
    assert str(refused.value) == (
        "lines.txt: text.charset lacks characters of 31 of its 100 lines, more than the share "
        "text.max_outside = 0.3: ą 31, ł 31; add them to text.charset, or name a larger charset (latin-ext), "
        'set text.outside = "fold", or raise text.max_outside'
    )
    assert polish(tmp_path, 0.31, max_outside=0.5).outside.lines == 31
    assert polish(tmp_path, 0.9, charset=NAMED["polish"]).outside is None
    with pytest.raises(UserError, match=r"nothing is left .* outside_charset took 100 \(characters outside: "):
        polish(tmp_path, 1.0)
