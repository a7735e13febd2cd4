"""The decoder against brute force over all texts: which text, its probability, that of the language, the next ones."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocrlib.charset import Charset
from ocrlib.reading.decoding import active as active_module
from ocrlib.reading.decoding import decoder as decoder_module
from ocrlib.reading.decoding.beam import Beam
from ocrlib.reading.decoding.decoder import Decoded, Decoder
from ocrlib.reading.decoding.language import Known, build_language
from ocrlib.reading.decoding.ngram import NGram, learn_ngram
from ocrlib.reading.decoding.paths import certainties
from tests.reading.decoding.brute_force import all_chances, draw_probs

CHARSET = Charset("ab1")
PATTERNS = [
    "[ab]*1?",
    "aa|bb",  # nothing but doubled characters
    "(a|b)\\1+",
    "a?b?1?",  # all of it optional, nothing at all allowed
    ".*",  # everything
    "a{2}",
    "[ab]{1,3}1",
    "a+b|1",
    "bbbbbbb",  # longer than any of the lines below
]


def decode(patterns: list[str], probs: np.ndarray, lengths: np.ndarray, **settings: object) -> list[Decoded]:
    language = build_language(Known(patterns=tuple(patterns)), CHARSET)
    return Decoder(CHARSET, language, **settings).decode(probs, lengths)


def expected(patterns: list[str], probs: np.ndarray) -> list[tuple[str, float]]:
    """The texts that match and are possible, the most probable first."""
    chances = {CHARSET.decode(text): chance for text, chance in all_chances(probs).items()}
    found = [(t, c) for t, c in chances.items() if any(re.fullmatch(p, t) for p in patterns) and c > 0]
    return sorted(found, key=lambda item: -item[1])


@settings(max_examples=100)
@given(
    patterns=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
    num_texts=st.integers(1, 4),
    length=st.integers(1, 6),
    seed=st.integers(0, 10**6),
    large=st.booleans(),
)
@example(patterns=["aa|bb"], num_texts=1, length=1, seed=254, large=True)  # a blank of 1e-13 between two characters
def test_texts_and_probabilities_are_those_of_all_paths(
    patterns: list[str], num_texts: int, length: int, seed: int, large: bool
) -> None:
    probs = draw_probs(np.random.RandomState(seed), 3, 6, 4)
    lengths = np.array([length, 6, 3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_module, "_LARGE", 0 if large else 10**9)  # by the active part, or all of the automaton
        found = decode(patterns, probs, lengths, num_texts=num_texts)
    for row, each in enumerate(found):
        matching = expected(patterns, probs[row, : lengths[row]])
        total = sum(chance for _, chance in matching)
        assert each.language == pytest.approx(total, rel=1e-5, abs=1e-12)
        assert each.is_found == bool(matching)
        assert each.is_proven or (large and len(matching) < num_texts)
        texts = [(each.classes, each.probability, each.confidence), *each.others] if each.is_found else []
        assert len(texts) == min(num_texts, len(matching))
        for (classes, probability, confidence), (_, chance) in zip(texts, matching, strict=False):
            text = CHARSET.decode(classes)
            assert probability == pytest.approx(chance, rel=1e-4)
            assert dict(matching)[text] == pytest.approx(chance, rel=1e-4)  # of two equal ones either
            assert confidence == pytest.approx(chance / total, rel=1e-4)


@settings(max_examples=60)
@given(num_texts=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_without_a_language_the_most_probable_of_all_texts_is_found(num_texts: int, seed: int) -> None:
    probs = draw_probs(np.random.RandomState(seed), 2, 5, 4)
    found = Decoder(CHARSET, None, num_texts, searches=True).decode(probs, np.array([5, 4]))
    for row, each in enumerate(found):
        matching = expected([".*"], probs[row, : 5 - row])
        assert each.probability == pytest.approx(matching[0][1], rel=1e-4)
        assert [p for _, p, _ in each.others] == pytest.approx([c for _, c in matching[1:num_texts]], rel=1e-4)
        assert each.language == pytest.approx(1.0)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), num_texts=st.integers(1, 3))
def test_the_most_probable_text_that_passes_is_found_and_what_was_refused_is_ruled_out(
    seed: int, num_texts: int
) -> None:
    def passes(text: str) -> bool:
        return text.count("a") % 2 == 1

    probs = draw_probs(np.random.RandomState(seed), 1, 5, 4)
    language = build_language(Known(patterns=("[ab]+",), check=passes), CHARSET)
    (found,) = Decoder(CHARSET, language, num_texts).decode(probs, np.array([5]))
    matching = expected(["[ab]+"], probs[0])
    passing = [(text, chance) for text, chance in matching if passes(text)]
    assert found.probability == pytest.approx(passing[0][1], rel=1e-4)
    assert [p for _, p, _ in found.others] == pytest.approx([c for _, c in passing[1:num_texts]], rel=1e-4)
    assert passing[0][1] / sum(c for _, c in matching) <= found.confidence * (1 + 1e-4)
    assert found.confidence <= passing[0][1] / sum(c for _, c in passing) * (1 + 1e-4)


@settings(max_examples=30)
@given(pattern=st.sampled_from(PATTERNS), most=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_where_too_many_states_are_cut_an_answer_is_proven_only_if_it_is_the_best(
    pattern: str, most: int, seed: int
) -> None:
    probs = draw_probs(np.random.RandomState(seed), 3, 6, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_module, "_LARGE", 0)
        patch.setattr(active_module, "MAX_KEPT", most)
        found = decode([pattern], probs, np.array([6, 6, 6]))
    for each, sample in zip(found, probs, strict=True):
        matching = expected([pattern], sample)
        if each.is_proven and matching:
            assert each.probability == pytest.approx(matching[0][1], rel=1e-4)
        elif each.is_found:
            assert dict(matching)[CHARSET.decode(each.classes)] == pytest.approx(each.probability, rel=1e-4)
        total = sum(chance for _, chance in matching)
        assert each.language <= total * (1 + 1e-5)
        assert each.confidence * total <= each.probability * (1 + 1e-5) or total == 0


def test_a_line_far_from_its_language_is_still_read_as_one_of_its_texts() -> None:
    """Its probability is 1e-1605, far below the smallest number that there is."""
    probs = np.tile(np.array([1.0, 1e-9, 1e-9, 1e-4], np.float32), (1, 400, 1))  # an "a" at every step
    (found,) = decode(["b+1?"], probs, np.array([400]))
    assert CHARSET.decode(found.classes) == "b"
    assert (found.probability, found.language) == (0.0, 0.0)
    assert 0.99 < found.confidence < 1.0
    assert found.is_proven
    probs[:, :, 1:3] = 0.0  # what the softmax has as nothing at all
    (found,) = decode(["b+1?"], probs, np.array([400]))
    assert (CHARSET.decode(found.classes), found.is_found) == ("b", True)


def test_a_line_too_short_for_its_language_has_no_text() -> None:
    probs = draw_probs(np.random.RandomState(0), 1, 2, 4)
    (found,) = decode(["aa"], probs, np.array([2]))  # three steps at least
    assert (found.classes, found.is_found, found.confidence, found.language) == ([], False, 0.0, 0.0)
    assert decode(["aa"], probs[:0], np.zeros(0, np.int32)) == []
    with pytest.raises(ValueError, match="input_length 3 exceeds the 2 time steps"):
        decode(["aa"], probs, np.array([3]))


def test_a_text_spread_over_many_paths_wins_against_the_best_path() -> None:
    probs = np.array([[[0.4, 0.0, 0.0, 0.6]] * 2], np.float32)  # nothing: 0.36; "a" by three paths: 0.64
    (path,) = Decoder(CHARSET).decode(probs, np.array([2]))
    (text,) = Decoder(CHARSET, searches=True).decode(probs, np.array([2]))
    assert (path.classes, path.characters) == ([], [])
    assert (text.classes, text.characters) == ([0], None)
    assert text.confidence == pytest.approx(0.64)


def test_where_the_work_comes_to_its_bound_a_good_text_is_answered_and_not_called_proven() -> None:
    probs = draw_probs(np.random.RandomState(4), 1, 40, 4)
    probs = 0.5 * probs + 0.125  # much doubt everywhere
    lengths = np.array([40])
    (bounded,) = decode([".*"], probs, lengths, max_work=3)
    greedy = Decoder(CHARSET).decode(probs, lengths)[0]
    assert bounded.is_found
    assert bounded.probability >= greedy.probability
    language = build_language(Known(check=lambda text: False), CHARSET)
    (nothing,) = Decoder(CHARSET, language, max_work=50).decode(probs, lengths)
    assert (nothing.is_found, nothing.is_proven, nothing.classes) == (False, False, [])


def test_no_language_is_the_best_path_with_the_confidence_of_its_text() -> None:
    probs = draw_probs(np.random.RandomState(1), 1, 5, 4)
    (found,) = Decoder(CHARSET).decode(probs, np.array([5]))
    chances = all_chances(probs[0])
    assert found.confidence == found.probability == pytest.approx(chances[tuple(found.classes)], rel=1e-5)
    assert found.language == 1.0


# With a language model of characters


def ngram(weight: float = 1.0) -> NGram:
    """A model that likes "b1" and has never met "a1"."""
    return learn_ngram(["b1", "b1", "b1b1", "ba"], CHARSET, weight=weight)[0]


def test_a_doubtful_line_is_changed_and_its_characters_have_a_confidence_each() -> None:
    probs = np.array([[[0.6, 0.4, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.9, 0.1]]], np.float32)
    (plain,) = Decoder(CHARSET).decode(probs, np.array([3]))
    (found,) = Decoder(CHARSET, ngram=ngram()).decode(probs, np.array([3]))
    assert (CHARSET.decode(plain.classes), CHARSET.decode(found.classes)) == ("a1", "b1")
    assert found.characters == pytest.approx([0.4, 0.9])
    assert found.confidence == Beam(ngram()).read(probs[0])[1]
    assert 0.5 < found.confidence < 1


def test_the_text_of_the_best_path_stays_and_its_confidence_is_the_share() -> None:
    probs = np.array([[[0.4, 0.6, 0.0, 0.0], [0.0, 0.0, 0.9, 0.1]]], np.float32)
    (plain,) = Decoder(CHARSET).decode(probs, np.array([2]))
    (found,) = Decoder(CHARSET, ngram=ngram()).decode(probs, np.array([2]))
    assert (found.classes, found.characters) == (plain.classes, plain.characters)
    assert found.confidence == Beam(ngram()).read(probs[0])[1] > plain.confidence


def test_a_language_model_has_no_say_where_nothing_is_in_doubt() -> None:
    against = ngram(weight=10.0)
    for sure, changed in ((0.89, True), (0.91, False)):
        probs = np.array([[[sure, 1 - sure, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]], np.float32)
        (plain,) = Decoder(CHARSET).decode(probs, np.array([2]))
        (found,) = Decoder(CHARSET, ngram=against).decode(probs, np.array([2]))
        assert (CHARSET.decode(found.classes), found == plain) == ("b1" if changed else "a1", not changed)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), length=st.integers(0, 6))
def test_each_line_is_that_of_the_beam_or_of_the_best_path(seed: int, length: int) -> None:
    probs, lengths = draw_probs(np.random.RandomState(seed), 3, 6, 4), np.array([length, 6, 3])
    probs[0, length:] = 0.7  # padding is not read
    found = Decoder(CHARSET, ngram=ngram()).decode(probs, lengths)
    for each, plain, steps, number in zip(found, Decoder(CHARSET).decode(probs, lengths), probs, lengths, strict=True):
        if plain.probability > 0.9:
            assert each == plain
            continue
        assert (each.classes, each.confidence) == Beam(ngram()).read(steps[:number])
        assert each.characters == pytest.approx(certainties(steps[:number], each.classes))
        assert (each.is_found, each.is_proven, each.others) == (True, True, ())


@pytest.mark.parametrize("how", [{"num_texts": 2}, {"searches": True}, {"language": "[ab]1"}])
def test_it_has_no_say_where_texts_are_searched(how: dict[str, object]) -> None:
    probs, lengths = draw_probs(np.random.RandomState(3), 6, 5, 4), np.full(6, 5)
    if "language" in how:
        how = {"language": build_language(Known(patterns=(str(how["language"]),)), CHARSET)}
    told, plain = Decoder(CHARSET, **how, ngram=ngram(weight=10.0)), Decoder(CHARSET, **how)
    assert told.decode(probs, lengths) == plain.decode(probs, lengths)
