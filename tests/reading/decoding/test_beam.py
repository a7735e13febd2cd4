"""The beam against all texts written out, and where it lets texts go that end alike."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrlib.charset import Charset
from ocrlib.reading.decoding import beam as module
from ocrlib.reading.decoding.beam import Beam
from ocrlib.reading.decoding.ngram import NGram, learn_ngram
from ocrlib.reading.decoding.paths import text_probability
from tests.reading.decoding.brute_force import Text, all_chances, draw_probs

CHARSET = Charset("abc")
BLANK = 3
TEXTS = ["abc", "cab", "aab", "bca", "abab", "c"]


def ngram(order: int = 6, weight: float = 0.2, bonus: float = 0.3, texts: list[str] = TEXTS) -> NGram:
    return learn_ngram(texts, CHARSET, order, weight=weight, bonus=bonus)[0]


def weighed(probs: np.ndarray, model: NGram) -> dict[Text, float]:
    """What picture and language model give to every text of a line (T, C)."""
    found = {}
    for text, chance in all_chances(probs).items():
        context, value = model.beginning, chance
        for character in text:
            value *= model.probability(context, character) ** model.weight * math.exp(model.bonus)
            context = model.after(context, character)
        found[text] = value
    return found


def step(**chances: float) -> list[float]:
    """The probabilities of a time step; what the characters leave goes to the blank."""
    row = [chances.get(character, 0.0) for character in CHARSET.characters]
    return [*row, 1 - sum(row)]


def read_all(model: NGram, probs: np.ndarray) -> tuple[list[int], float]:
    """What a beam reads that lets nothing go."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_WIDTH", 10**9), ("_LEAST_SHARE", 0.0), ("_LEAST", 0.0)):
            patch.setattr(module, name, value)
        return Beam(model).read(probs)


@pytest.fixture
def few_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FACTORS", 3)


@settings(max_examples=100)
@given(length=st.integers(1, 5), seed=st.integers(0, 10**6), weight=st.floats(0, 2), bonus=st.floats(-1, 1))
def test_the_best_of_all_texts_is_found_and_its_share(length: int, seed: int, weight: float, bonus: float) -> None:
    model = ngram(weight=weight, bonus=bonus)
    probs = draw_probs(np.random.RandomState(seed), 1, length, 4)[0].astype(np.float64)
    classes, share = read_all(model, probs)
    expected = weighed(probs, model)
    best = max(expected.values())
    assert expected[tuple(classes)] == pytest.approx(best)  # of two equal ones either
    assert share == pytest.approx(best / sum(expected.values()))


@settings(max_examples=60)
@given(length=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_with_no_weight_and_no_bonus_it_is_the_most_probable_text(length: int, seed: int) -> None:
    probs = draw_probs(np.random.RandomState(seed), 1, length, 4)[0].astype(np.float64)
    classes, share = read_all(ngram(weight=0.0, bonus=0.0), probs)
    chances = all_chances(probs)
    best = max(chances.values())
    assert chances[tuple(classes)] == pytest.approx(best)
    assert share == pytest.approx(best, rel=1e-5)  # the rows are rounded to float32


def test_a_larger_weight_lets_the_language_model_decide() -> None:
    probs = np.array([step(a=1.0), step(b=0.3, c=0.7)])  # "ac" stands nowhere in the texts
    assert Beam(ngram(weight=0.0)).read(probs)[0] == [0, 2]
    assert Beam(ngram(weight=2.0)).read(probs)[0] == [0, 1]


def test_a_larger_bonus_makes_texts_longer() -> None:
    probs = np.array([step(a=1.0), step(b=0.4)])
    assert Beam(ngram(weight=0.0, bonus=0.0)).read(probs)[0] == [0]
    assert Beam(ngram(weight=0.0, bonus=1.0)).read(probs)[0] == [0, 1]


def test_a_doubtful_character_is_decided_by_what_follows_and_its_share_is_kept_behind_it() -> None:
    """After "c" both beginnings end alike: one is left, which stands for the other one too."""
    model = ngram(order=2, weight=1.0, bonus=0.0, texts=["bc", "bc", "bc", "aa"])
    first = [step(a=0.6, b=0.4), step(), step(c=1.0)]
    classes, share = Beam(model).read(np.array(first))
    expected = weighed(np.array(first), model)
    assert classes == [1, 2]
    assert {text for text, value in expected.items() if value > 0} == {(0, 2), (1, 2)}
    assert share == pytest.approx(expected[1, 2] / sum(expected.values()))
    # The same after many sure steps, and a second doubt divides the share.
    again = np.array([*first, *[step()] * 40, step(a=0.5, b=0.5)])
    classes, share_of_both = Beam(model).read(again)
    last = {each: model.probability(2, each) * 0.5 for each in (0, 1)}
    assert classes[:2] == [1, 2]
    assert share_of_both == pytest.approx(share * max(last.values()) / sum(last.values()))


def test_of_beginnings_that_end_alike_one_is_left_and_ten_doubts_in_a_row_are_no_work() -> None:
    model = ngram(order=1, weight=0.0, bonus=0.0)
    doubts = np.array([step(a=0.6, b=0.4), step()] * 10)
    classes, share = Beam(model).read(doubts)
    assert classes == [0] * 10
    assert share == pytest.approx(0.6**10)  # what it stands for counts in the sum


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([step(a=1.0)], "a"),
        ([step()], ""),
        ([step(a=0.4, b=0.6)], "b"),
        ([step(a=1.0), step(a=1.0)], "a"),  # no blank between them, whose probability is 0
        ([step(a=1.0), step(), step(a=1.0)], "aa"),
        ([step(a=0.9), step(a=0.1), step(a=0.9)], "aa"),
        ([step(a=0.9), step(a=0.9), step(a=0.9)], "a"),
        ([step(a=1.0), step(b=1.0), step(a=1.0), step(a=1.0)], "aba"),
        ([step(a=0.5, b=0.25, c=0.25)], "a"),  # nothing left for the blank
    ],
)
def test_what_stands_there_without_a_language_model(rows: list[list[float]], text: str) -> None:
    classes, share = Beam(ngram(weight=0.0, bonus=0.0)).read(np.array(rows))
    assert CHARSET.decode(classes) == text
    assert share == pytest.approx(all_chances(np.array(rows))[tuple(classes)], abs=1e-3)


def test_no_time_steps_are_no_text() -> None:
    assert Beam(ngram()).read(np.zeros((0, 4), np.float32)) == ([], 1.0)


def test_where_all_of_very_many_classes_are_improbable_the_most_probable_one_is_still_read() -> None:
    many = Charset("".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000)))
    model, _ = learn_ngram([many.characters[:9]], many, weight=0.0, bonus=0.0)
    flat = np.full(3001, 1 / 4001, np.float32)
    flat[1700] = 3 * flat[0]
    flat /= flat.sum()
    sure = np.eye(3001, dtype=np.float32)
    classes, share = Beam(model).read(np.array([sure[5], flat, sure[7]]))
    assert classes == [5, 1700, 7]
    assert 0 < share <= 1


@pytest.mark.usefixtures("few_factors")
def test_a_beam_that_forgets_factors_reads_the_same() -> None:
    probs = draw_probs(np.random.RandomState(0), 4, 12, 4)
    beam = Beam(ngram())
    assert [beam.read(each) for each in probs] == [Beam(ngram()).read(each) for each in probs]
    assert len(beam._factors) <= 3


@settings(max_examples=60)
@given(length=st.integers(1, 40), seed=st.integers(0, 10**6), order=st.integers(1, 6))
def test_a_longer_line_has_a_text_that_is_possible_and_a_share(length: int, seed: int, order: int) -> None:
    probs = draw_probs(np.random.RandomState(seed), 1, length, 4)
    classes, share = Beam(ngram(order)).read(probs[0])
    assert 0 < share <= 1
    assert set(classes) <= {0, 1, 2}
    assert text_probability(probs, np.array([length]), [classes])[0] > 0
