"""A language model of characters: its probabilities against a dictionary, its file, other charsets."""

import io
import math
import os
import random
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.reading.decoding import ngram as module
from ocrlib.reading.decoding.ngram import NGram, learn_ngram

CHARSET = Charset("abc ")
BEGINNING = "^"
texts_of = st.lists(st.text("abc ", min_size=1, max_size=8), min_size=1, max_size=6)
contexts = st.text("abc ", max_size=6)


def near(count: int) -> int:
    """A count as it is kept: in steps of a quarter of a doubling."""
    return round(2 ** (round(4 * math.log2(count)) / 4))


class WittenBell:
    """The same model, counted in a dictionary and smoothed as the formula says.

    Attributes:
      counts: of each n-gram, exact.
    """

    def __init__(self, texts: list[str], characters: str, order: int) -> None:
        self.characters, self.order = characters, order
        self.counts: Counter[str] = Counter()
        for text in texts:
            line = BEGINNING * (order - 1) + text
            for end in range(order - 1, len(line)):
                self.counts.update(line[start : end + 1] for start in range(end - order + 1, end + 1))

    def probability(self, before: str, character: str) -> float:
        padded = BEGINNING * (self.order - 1) + before
        return self._after(padded[len(padded) - self.order + 1 :], character)

    def _after(self, context: str, character: str) -> float:
        shorter = self._after(context[1:], character) if context else 1 / len(self.characters)
        behind = [self.near_count(context + each) for each in self.characters]
        types = sum(count > 0 for count in behind)
        if not types:
            return shorter
        return (self.near_count(context + character) + types * shorter) / (sum(behind) + types)

    def near_count(self, text: str) -> int:
        return near(self.counts[text]) if text in self.counts else 0

    def by_code(self, length: int) -> dict[int, int]:
        """Exact counts of the n-grams of a length by their codes, in their order."""
        digits = {character: digit for digit, character in enumerate(self.characters + BEGINNING)}
        base = len(digits)
        found = {
            sum(digits[each] * base**place for place, each in enumerate(reversed(text))): count
            for text, count in self.counts.items()
            if len(text) == length
        }
        return dict(sorted(found.items()))


def context_of(model: NGram, before: str) -> int:
    """The code of what stands before the next character, where a line has begun with a text."""
    context = model.beginning
    for character in before:
        context = model.after(context, model.charset.characters.index(character))
    return context


def probability(model: NGram, before: str, character: str) -> float:
    return model.probability(context_of(model, before), model.charset.characters.index(character))


def parts_of(model: NGram, path: Path) -> dict[str, np.ndarray]:
    """The arrays in the file of a model."""
    model.save(path)
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


# Probabilities


@settings(max_examples=100)
@given(texts=texts_of, order=st.integers(1, 5), before=contexts)
def test_probabilities_are_those_of_the_formula_and_sum_to_1(texts: list[str], order: int, before: str) -> None:
    model, left_out = learn_ngram(texts, CHARSET, order)
    naive = WittenBell(texts, CHARSET.characters, order)
    assert (model.order, left_out) == (order, 0)
    found = [probability(model, before, character) for character in CHARSET.characters]
    assert found == pytest.approx([naive.probability(before, character) for character in CHARSET.characters])
    assert sum(found) == pytest.approx(1.0)


def test_the_beginning_of_a_line_is_a_context_of_its_own() -> None:
    model, _ = learn_ngram(["ab", "ab", "cb"], CHARSET, order=3)
    assert probability(model, "", "a") > probability(model, "b", "a")
    assert probability(model, "", "b") < probability(model, "a", "b")
    codes, _ = model.counts[2]
    assert model.beginning * model.base + CHARSET.encode("a")[0] in codes.tolist()
    # After two characters nothing of the beginning is left.
    assert context_of(model, "ab") == model.after(model.after(0, 0), 1)


def test_a_context_of_one_character_is_no_context() -> None:
    model, _ = learn_ngram(["ab"], CHARSET, order=1)
    assert (model.beginning, model.after(0, 2)) == (0, 0)
    assert probability(model, "abc", "a") == probability(model, "", "a") == pytest.approx((1 + 2 / 4) / 4)


# Learning


def test_texts_with_other_characters_are_left_out_and_counted() -> None:
    with_others, left_out = learn_ngram(["ab", "aé", "", "c", "xyz"], CHARSET)
    without, _ = learn_ngram(["ab", "c"], CHARSET)
    assert left_out == 3
    for (codes, times), (same_codes, same_times) in zip(with_others.counts, without.counts, strict=True):
        assert (codes.tolist(), times.tolist()) == (same_codes.tolist(), same_times.tolist())


@pytest.mark.parametrize("texts", [[], [""], ["é", "xyz"]])
def test_no_usable_text_is_an_error_of_one_line(texts: list[str]) -> None:
    with pytest.raises(UserError, match="no line consists of the model's characters alone, so nothing can be learned"):
        learn_ngram(texts, CHARSET)


def drawn_texts(count: int) -> list[str]:
    rng = random.Random(0)
    return ["".join(rng.choices("abc ", (8, 4, 2, 1), k=30)) for _ in range(count)]


def test_of_the_longer_ngrams_the_rare_ones_are_left_out_until_the_file_is_small_enough(tmp_path: Path) -> None:
    texts = drawn_texts(200)
    whole, _ = learn_ngram(texts, CHARSET)
    whole.save(tmp_path / "whole.ngram")
    most = (tmp_path / "whole.ngram").stat().st_size // 2
    small, _ = learn_ngram(texts, CHARSET, max_bytes=most)
    small.save(tmp_path / "small.ngram")
    assert (tmp_path / "small.ngram").stat().st_size <= most
    exact = WittenBell(texts, CHARSET.characters, whole.order)
    left_out = []
    for length, (codes, times) in enumerate(small.counts, start=1):
        counts = exact.by_code(length)
        kept = {code: counts[code] for code in codes.tolist()}
        assert times.tolist() == [near(count) for count in kept.values()]
        left_out.append(len(counts) - len(kept))
        if left_out[-1]:  # the rare ones
            assert min(kept.values()) > max(count for code, count in counts.items() if code not in kept)
    assert left_out[:2] == [0, 0]
    assert left_out[-1] > 0
    for before in ("", "a", "abca", "  cc"):
        assert sum(probability(small, before, each) for each in CHARSET.characters) == pytest.approx(1.0)


def test_where_nothing_is_small_enough_one_and_two_characters_are_kept() -> None:
    model, _ = learn_ngram(drawn_texts(20), CHARSET, max_bytes=1)
    assert model.order == 2
    assert sum(probability(model, "ab", each) for each in CHARSET.characters) == pytest.approx(1.0)


# Many characters


def test_with_very_many_characters_the_ngrams_are_shorter() -> None:
    many = Charset("".join(chr(code) for code in range(0x4E00, 0x4E00 + 20_000)))
    text = many.characters[19_990:] + many.characters[19_990:]
    model, _ = learn_ngram([text], many)
    assert model.order == 4
    naive = WittenBell([text], many.characters, 4)
    for before, character in ((text[:3], text[3]), (text[:9], text[9]), ("", text[0]), (text[5], text[0])):
        assert probability(model, before, character) == pytest.approx(naive.probability(before, character))
    assert all(codes.min() >= 0 for codes, _ in model.counts)


def test_a_model_for_a_charset_of_very_many_characters_has_shorter_ngrams() -> None:
    texts = ["abcab", "cab ba"]
    model, _ = learn_ngram(texts, CHARSET)
    many = Charset("".join(chr(code) for code in range(0x4E00, 0x4E00 + 20_000)) + "abc ")
    moved = model.for_charset(many)
    assert (model.order, moved.order) == (6, 4)
    naive = WittenBell(texts, many.characters, 4)
    for before, character in (("abc", "a"), ("", "c"), ("cab ", "b"), ("bb", "a")):
        assert probability(moved, before, character) == pytest.approx(naive.probability(before, character))


# Other charsets


@settings(max_examples=60)
@given(texts=texts_of, order=st.integers(1, 5), before=contexts, data=st.data())
def test_the_order_of_a_charset_does_not_matter(texts: list[str], order: int, before: str, data: st.DataObject) -> None:
    model, _ = learn_ngram(texts, CHARSET, order)
    moved = model.for_charset(Charset("".join(data.draw(st.permutations(CHARSET.characters)))))
    for character in CHARSET.characters:
        assert probability(moved, before, character) == pytest.approx(probability(model, before, character))


@settings(max_examples=60)
@given(texts=texts_of, order=st.integers(1, 5), before=contexts, more=st.sampled_from(["bxac y", "éb cza"]))
def test_with_other_characters_it_is_as_if_it_had_been_learned_with_them(
    texts: list[str], order: int, before: str, more: str
) -> None:
    larger = Charset(more)
    moved = learn_ngram(texts, CHARSET, order)[0].for_charset(larger)
    learned, _ = learn_ngram(texts, larger, order)
    for character in larger.characters:
        assert probability(moved, before, character) == pytest.approx(probability(learned, before, character))


@settings(max_examples=60)
@given(texts=texts_of, order=st.integers(1, 5), before=st.text("ab", max_size=4))
def test_what_has_a_character_that_is_not_known_is_left_out(texts: list[str], order: int, before: str) -> None:
    model, _ = learn_ngram([*texts, "a"], CHARSET, order)
    fewer = Charset("xba")
    moved = model.for_charset(fewer)
    assert moved.charset == fewer
    exact = WittenBell([*texts, "a"], fewer.characters, order)
    for text in list(exact.counts):
        if not set(text) <= set("ab" + BEGINNING):
            del exact.counts[text]
    for length, (codes, times) in enumerate(moved.counts, start=1):
        counts = exact.by_code(length)
        assert codes.tolist() == list(counts)
        assert times.tolist() == [near(count) for count in counts.values()]
    assert not exact.by_code(moved.order + 1)
    assert sum(probability(moved, before, each) for each in fewer.characters) == pytest.approx(1.0)
    assert probability(moved, before, "x") > 0


def test_where_no_longer_ngram_is_left_the_shorter_ones_still_count() -> None:
    model, _ = learn_ngram(["ab", "ab"], CHARSET)
    moved = model.for_charset(Charset("bx"))  # a "b" stood behind nothing but an "a"
    assert moved.order == 1
    assert probability(moved, "", "b") > probability(moved, "", "x")


def test_a_charset_with_none_of_the_characters_is_refused() -> None:
    model, _ = learn_ngram(["ab"], CHARSET)
    with pytest.raises(UserError, match="knows none of the characters of the language model"):
        model.for_charset(Charset("xyz"))
    with pytest.raises(UserError, match="knows none of the characters of the language model"):
        model.for_charset(Charset("xyzc"))  # which is in its charset, but was never met


def test_for_its_own_charset_a_model_stays_as_it_is() -> None:
    model, _ = learn_ngram(["ab"], CHARSET)
    assert model.for_charset(Charset("abc ")) is model


# The file


@settings(max_examples=30)
@given(texts=texts_of, order=st.integers(1, 5), weight=st.floats(0, 10), bonus=st.floats(-10, 10))
def test_a_model_is_loaded_as_it_was_saved(
    texts: list[str], order: int, weight: float, bonus: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "same.ngram"
    model, _ = learn_ngram(texts, CHARSET, order, weight=weight, bonus=bonus)
    model.save(path)
    loaded, saved = NGram.load(path), path.read_bytes()
    assert (loaded.charset, loaded.order, loaded.weight, loaded.bonus) == (CHARSET, order, weight, bonus)
    for (codes, times), (same_codes, same_times) in zip(model.counts, loaded.counts, strict=True):
        assert codes.tolist() == same_codes.tolist()
        assert times.tolist() == same_times.tolist()
    for before in ("", "a", "cab "):
        for character in CHARSET.characters:
            assert probability(loaded, before, character) == probability(model, before, character)
    loaded.save(path)
    assert parts_equal(path.read_bytes(), saved)


def test_counts_of_every_size_are_kept_to_within_a_tenth_and_the_small_ones_as_they_are(tmp_path: Path) -> None:
    many = Charset("".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000)))
    times = np.unique(np.concatenate([np.arange(1, 2000), np.geomspace(2000, 1e12, 1000).astype(np.int64)]))[:2999]
    NGram(many, [(np.arange(len(times)), times)]).save(tmp_path / "all.ngram")
    ((codes, loaded),) = NGram.load(tmp_path / "all.ngram").counts
    assert codes.tolist() == list(range(len(times)))
    assert (np.abs(loaded - times) <= 0.1 * times + 0.5).all()
    assert loaded[:8].tolist() == list(range(1, 9))


def refused(path: Path) -> str:
    """Why a file cannot be loaded, one line."""
    with pytest.raises(UserError) as raised:
        NGram.load(path)
    message = str(raised.value)
    start = f"{path}: cannot be read as a language model of `ocrlib language-model`: "
    assert message.startswith(start)
    assert "\n" not in message
    return message.removeprefix(start)


def gaps(*values: int) -> np.ndarray:
    """Gaps between codes as a file has them: the lowest byte of each, then the next one of each."""
    return np.array(values, "<i8").view(np.uint8).reshape(-1, 8).T.ravel()


# What each part may be in place of what it is.
WRONG_PARTS: list[tuple[str, Callable[[np.ndarray], Any], str]] = [
    ("about", lambda old: np.array(["ocrlib-ngram/2", "abc "]), "expected the format ocrlib-ngram/1"),
    ("about", lambda old: np.array(["ocrlib-ngram/1", "aab"]), "names each character once"),
    ("about", lambda old: np.array(["ocrlib-ngram/1", ""]), "at least one character"),
    ("about", lambda old: np.array(["ocrlib-ngram/1"]), ""),
    ("about", lambda old: np.array("ocrlib-ngram/1"), ""),
    ("about", lambda old: np.array([1, 2]), ""),
    ("about", lambda old: old.astype(object), ""),
    ("about", lambda old: None, "about"),
    ("weights", lambda old: np.array([np.nan, 0.0]), "weights within 10"),
    ("weights", lambda old: np.array([0.2, np.inf]), "weights within 10"),
    ("weights", lambda old: np.array([-0.1, 0.0]), "weights within 10"),
    ("weights", lambda old: np.array([11.0, 0.0]), "weights within 10"),
    ("weights", lambda old: np.array([1j, 2j]), ""),
    ("weights", lambda old: np.ones((2, 2)), ""),
    ("weights", lambda old: np.ones(3), ""),
    ("weights", lambda old: np.array(["a", "b"]), ""),
    ("weights", lambda old: None, "weights"),
    ("gaps1", lambda old: old.astype(float), "gaps1"),
    ("gaps1", lambda old: old.astype(bool), "gaps1"),
    ("gaps1", lambda old: old.astype(np.int64), "gaps1"),
    ("gaps1", lambda old: old.astype(np.uint16), "gaps1"),
    ("gaps1", lambda old: old[:, None], "gaps1"),
    ("gaps1", lambda old: old[:7], "cannot reshape"),
    ("gaps1", lambda old: gaps(0), "do not belong together"),
    ("gaps1", lambda old: gaps(), "do not belong together"),
    ("gaps1", lambda old: gaps(-1, 2, 1, 1), "do not belong together"),
    ("gaps1", lambda old: gaps(2, -1, 1, 1), "do not belong together"),
    ("gaps1", lambda old: gaps(0, 0, 1, 1), "do not belong together"),
    ("gaps1", lambda old: gaps(0, 1, 1, 5**3), "do not belong together"),
    ("gaps1", lambda old: gaps(2, 2**63 - 1, 2**63 - 1, 1), "do not belong together"),  # falls, and comes round
    ("gaps2", lambda old: None, "gaps2"),
    ("steps1", lambda old: old.astype(np.int64), "steps1"),
    ("steps1", lambda old: old.astype(np.uint64), "steps1"),
    ("steps1", lambda old: old * 0 + 161, "larger than any text"),
    ("steps1", lambda old: old * 0 + 255, "larger than any text"),
    ("steps1", lambda old: old[1:], "do not belong together"),
    ("steps3", lambda old: None, "steps3"),
]


@pytest.mark.parametrize(("name", "change", "why"), WRONG_PARTS)
def test_a_file_whose_parts_are_wrong_is_refused(
    name: str, change: Callable[[np.ndarray], Any], why: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.ngram"
    model, _ = learn_ngram(["abc ", "ab ac"], CHARSET, order=3)
    parts = parts_of(model, path)
    parts[name] = change(parts[name])
    write_parts(path, {part: values for part, values in parts.items() if values is not None})
    assert why in refused(path)


def test_more_lengths_than_a_number_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.ngram"
    parts = parts_of(learn_ngram(["abc"], CHARSET)[0], path)
    more = {f"{name}{n}": parts[f"{name}1"] for n in range(7, 30) for name in ("gaps", "steps")}
    write_parts(path, parts | more)
    assert "do not belong together" in refused(path)


@pytest.mark.parametrize("bound", ["_MAX_FILE_BYTES", "_MAX_PARTS_BYTES"])
def test_a_file_that_is_too_large_is_refused(bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.ngram"
    learn_ngram(drawn_texts(20), CHARSET)[0].save(path)
    NGram.load(path)
    monkeypatch.setattr(module, bound, 1000)
    assert "bytes" in refused(path)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"hello", id="no array"),
        pytest.param(b"", id="nothing"),
        *(
            pytest.param(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(32), id=name)
            for name, header in {
                "a petabyte": b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000,)}",
                "10**30 numbers": b"{'descr': '<i8', 'fortran_order': False, 'shape': (1" + b"0" * 30 + b",)}",
                "-4 numbers": b"{'descr': '<i8', 'fortran_order': False, 'shape': (-4,)}",
                "no shape": b"{'descr': '<i8', 'fortran_order': False}",
                "objects": b"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}",
                "no Python": b"{'descr': " + b"(" * 2000,
                "a long header": b"{'descr': '<i8', 'fortran_order': False, 'shape': (4,)}" + b" " * 20_000,
            }.items()
        ),
    ],
)
def test_an_array_that_is_none_is_refused(part: bytes, tmp_path: Path) -> None:
    path = tmp_path / "crafted.ngram"
    write_zip(path, {**sound_parts(), "gaps1.npy": part})
    assert refused(path)


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.ngram") == "No such file or directory"
    assert refused(tmp_path) == "Is a directory"
    (tmp_path / "empty.ngram").touch()
    assert "not a zip file" in refused(tmp_path / "empty.ngram")
    with open(tmp_path / "array.ngram", "wb") as file:
        np.save(file, np.arange(4))
    assert "not a zip file" in refused(tmp_path / "array.ngram")
    with open(tmp_path / "arrays.ngram", "wb") as file:
        np.savez(file, w=np.arange(4))
    assert "about" in refused(tmp_path / "arrays.ngram")
    os.mkfifo(tmp_path / "pipe.ngram")
    assert refused(tmp_path / "pipe.ngram") == "is not a regular file"


@cache
def sound_parts() -> dict[str, bytes]:
    """The parts of the file of a small model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.ngram"
        learn_ngram(["abc", "ab ac"], CHARSET)[0].save(path)
        return read_zip(path)


@cache
def sound_bytes(packed: int) -> bytes:
    """That file, its parts packed in a way of `zipfile`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.ngram"
        write_zip(path, sound_parts(), packed)
        NGram.load(path)
        return path.read_bytes()


@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_is_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.ngram"
    whole = sound_bytes(zipfile.ZIP_DEFLATED)
    path.write_bytes(whole[: int(share * len(whole))])
    assert refused(path)


@settings(max_examples=200)
@given(
    packed=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_a_file_with_changed_bytes_is_loaded_or_refused(
    packed: int, changes: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.ngram"
    data = bytearray(sound_bytes(packed))
    for place, change in changes:
        data[int(place * len(data))] ^= change
    path.write_bytes(data)
    load_or_refuse(path)


@settings(max_examples=200)
@given(
    name=st.sampled_from(["about", "weights", "gaps1", "steps1", "gaps6", "steps6"]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_a_part_with_changed_bytes_whose_checksum_is_right_is_loaded_or_refused(
    name: str, changes: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "part.ngram"
    data = bytearray(sound_parts()[f"{name}.npy"])
    for place, change in changes:
        data[int(place * len(data))] ^= change
    write_zip(path, {**sound_parts(), f"{name}.npy": bytes(data)})
    load_or_refuse(path)


def load_or_refuse(path: Path) -> None:
    """A model that can be asked, or a line that says why there is none."""
    try:
        model = NGram.load(path)
    except UserError as error:
        assert "\n" not in str(error)
        return
    for context in (model.beginning, 0, model.after(0, 0)):
        assert np.isfinite(model.probability(context, 0))


def parts_equal(one: bytes, other: bytes) -> bool:
    """Whether two files hold the same, whenever they were written."""
    with zipfile.ZipFile(io.BytesIO(one)) as left, zipfile.ZipFile(io.BytesIO(other)) as right:
        return {name: left.read(name) for name in left.namelist()} == {
            name: right.read(name) for name in right.namelist()
        }


def write_parts(path: Path, parts: dict[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        np.savez_compressed(file, **parts)  # type: ignore[arg-type]


def read_zip(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write_zip(path: Path, parts: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", packed) as file:
        for name, data in parts.items():
            file.writestr(name, data)
