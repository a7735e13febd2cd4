"""Sorting and deduplicating on disk, and reading by index."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrlib.dataset.split_keys import key_hash, split_of
from ocrlib.errors import UserError
from ocrlib.factory.text.sentence_file import SentenceFile, SentenceSorter, write_sentences


def write(folder, lines, near_duplicates=False):
    folder.mkdir(exist_ok=True)
    sorter = SentenceSorter(folder / "lines.sqlite", near_duplicates)
    reasons = [sorter.add(line) for line in lines]
    write_sentences(folder, sorter.sorted(), {"source": "test"})
    sorter.close()
    return reasons


def test_the_sorter_counts_what_it_leaves_out(tmp_path):
    lines = ["One.", "Two.", "One.", "ONE!", "15", "1.5"]
    assert write(tmp_path / "drop", lines) == [
        None,
        None,
        "duplicate",
        "near_duplicate",
        None,
        "near_duplicate",
    ]
    assert write(tmp_path / "keep", lines, near_duplicates=True) == [
        None,
        None,
        "duplicate",
        None,
        None,
        None,
    ]
    assert len(SentenceFile(tmp_path / "drop")) == 3
    assert len(SentenceFile(tmp_path / "keep")) == 5


def test_file_on_disk(tmp_path):
    write(tmp_path, ["Zwei.", "Éins.", "Drei."])
    expected = sorted(["Zwei.", "Éins.", "Drei."], key=key_hash)
    assert (tmp_path / "sentences.txt").read_text(encoding="utf-8") == "".join(f"{line}\n" for line in expected)
    file = SentenceFile(tmp_path)
    assert [file[i] for i in range(len(file))] == expected
    assert file.about["source"] == "test"


def test_order_of_arrival_does_not_matter(tmp_path):
    lines = [f"Line number {number}." for number in range(500)]
    write(tmp_path / "a", lines)
    random.Random(1).shuffle(lines)
    write(tmp_path / "b", lines)
    for name in ("sentences.txt", "sentences.json", "offsets.npy"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@settings(max_examples=15, deadline=None)
@given(st.sets(st.text(alphabet="abcdefgé ", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=60))
def test_splits_are_runs_and_characters_are_found(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("sentences")
    write(folder, lines, near_duplicates=True)
    file = SentenceFile(folder)
    for split, start in file.start.items():
        own = range(start, start + file.num_lines[split])
        assert all(split_of(key_hash(file[index])) == split for index in own)
        counts = Counter(character for index in own for character in set(file[index]))
        assert counts == file.about["lines_with_character"][split]
        for character in "aé":
            assert file.lines_with(character, split) == [index for index in own if character in file[index]]


@pytest.mark.parametrize("name", ["sentences.txt", "offsets.npy", "sentences.json"])
def test_a_changed_cache_is_refused(tmp_path, name):
    write(tmp_path, ["One.", "Two."])
    data = bytearray((tmp_path / name).read_bytes())
    data[-3] ^= 1
    (tmp_path / name).write_bytes(data[:-9] if name == "sentences.json" else data)
    with pytest.raises(UserError, match="delete it to have it built again"):
        SentenceFile(tmp_path)


@pytest.mark.parametrize("name", ["sentences.txt", "offsets.npy", "sentences.json"])
def test_every_flipped_bit_of_the_cache_is_found(tmp_path, name):
    """One in an offset gave other lines under the same fingerprint."""
    write(tmp_path, ["One.", "Two.", "Three.", "Four."])
    sound = (tmp_path / name).read_bytes()
    lines = [SentenceFile(tmp_path)[i] for i in range(4)]
    silent = []
    for bit in range(0, 8 * len(sound), 1 if name == "sentences.txt" else 7):
        data = bytearray(sound)
        data[bit // 8] ^= 1 << bit % 8
        (tmp_path / name).write_bytes(data)
        try:
            file = SentenceFile(tmp_path)
        except UserError:
            continue
        # A space of a header, or of the layout of JSON, may change: the lines stay the same.
        silent += [bit] if [file[i] for i in range(len(file))] != lines else []
    assert silent == []


def test_a_cache_of_an_earlier_version_is_read(tmp_path):
    write(tmp_path, ["One.", "Two."])
    values = json.loads((tmp_path / "sentences.json").read_text())
    del values["checksum"]
    (tmp_path / "sentences.json").write_text(json.dumps(values))
    assert len(SentenceFile(tmp_path)) == 2


def test_a_missing_file_is_refused(tmp_path):
    write(tmp_path, ["One.", "Two."])
    (tmp_path / "offsets.npy").unlink()
    with pytest.raises(UserError, match="delete it to have it built again"):
        SentenceFile(tmp_path)
