"""A mix of sources: exact shares, every line of a part once before any twice, and no line in two splits."""

import pickle
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib import config
from ocrlib.dataset.split_keys import check_split_separation
from ocrlib.errors import UserError
from ocrlib.factory.settings.text import FileText, MixText, NumericText, Part, Pattern
from ocrlib.factory.text import open_text
from ocrlib.factory.text.parts import BLOCK, TextParts, lines_of_parts
from tests.factory.text.samples import sentence


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLIB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mix(tmp_path) -> MixText:
    """Three parts: lines of one file, of which there are 400, lines of another, and numbers."""
    rng = Random(1)
    for name in ("first", "second"):
        text = "\n".join(f"{sentence(rng)} {name}" for _ in range(400))
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    pattern = Pattern(name="integer", regex="[0-9]{5}")
    return MixText(
        source="mix",
        parts=(
            Part(weight=3, text=FileText(source="file", path=str(tmp_path / "first.txt"))),
            Part(weight=1, text=FileText(source="file", path=str(tmp_path / "second.txt"))),
            Part(weight=1, text=NumericText(source="numeric", charset="0123456789", patterns=(pattern,))),
        ),
    )


def sources(parts: TextParts, indices, split="train") -> list[str]:
    return [parts.draw(split, index, 0).source for index in indices]


def test_every_block_has_the_shares_that_the_weights_say(mix):
    parts = open_text(mix, 1)
    for block in (0, 3):
        counts = Counter(sources(parts, range(block * BLOCK, (block + 1) * BLOCK)))
        assert counts == {"file:first.txt": 600, "file:second.txt": 200, "numeric:integer": 200}
    assert sources(parts, range(60)) != sources(parts, range(BLOCK, BLOCK + 60))


def test_every_line_of_a_part_comes_once_before_any_comes_twice(mix):
    parts = open_text(mix, 1)
    drawn = [parts.draw("train", index, 0) for index in range(3 * BLOCK)]
    texts = [text for text, source in drawn if source == "file:second.txt"]
    assert len(texts) == 600
    num_lines = len(set(texts))
    assert 340 < num_lines < 380  # 90% of 400
    assert len(set(texts[:num_lines])) == num_lines


def test_no_line_is_in_two_splits(mix):
    parts = open_text(mix, 1)
    texts = {
        split: [text for text, source in (parts.draw(split, i, 0) for i in range(BLOCK)) if source.startswith("file")]
        for split in ("train", "val", "test")
    }
    assert check_split_separation(texts) == []


def test_a_worker_draws_the_same_lines_and_a_rejected_line_stays_in_its_part(mix):
    parts = open_text(mix, 1)
    there = pickle.loads(pickle.dumps(parts))
    for index in range(50):
        assert parts.draw("train", index, 0) == there.draw("train", index, 0)
        assert parts.draw("train", index, 0).source == parts.draw("train", index, 7).source
    assert set(parts.inputs) == {"part 0: corpus", "part 1: corpus", "part 2: rstr"}


def test_a_part_may_not_have_characters_that_the_mix_lacks(mix):
    values = config.to_dict(mix) | {"charset": "0123456789"}
    with pytest.raises(UserError, match=r"^x: charset lacks ' .* of part 1 \(file\); add it"):
        config.build(MixText, values, {}, "x")
    assert config.build(MixText, config.to_dict(mix), {}, "x") == mix


@given(st.lists(st.floats(0.001, 1000.0), min_size=1, max_size=20))
def test_a_block_is_full_and_no_part_is_without_a_line(weights):
    lines = lines_of_parts(weights)
    assert sum(lines) == BLOCK and min(lines) >= 1
    for weight, number in zip(weights, lines, strict=True):
        assert abs(number - BLOCK * weight / sum(weights)) <= 1 + len(weights)
