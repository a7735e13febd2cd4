"""Error rates, compared with counts made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.evaluation.metrics import ErrorCounts, confusions, count_errors, fold, wrong_positions


@pytest.mark.parametrize(
    ("truth", "prediction", "character_edits", "word_edits"),
    [
        ("1234", "1234", 0, 0),
        ("1234", "1243", 2, 1),  # a swap is two substitutions
        ("1234", "", 4, 1),
        ("", "12", 2, 1),
        ("", "", 0, 0),
        ("kitten", "sitting", 3, 1),
        ("a cat sat", "a cat", 4, 1),
        ("a cat sat", "acat sat", 1, 2),
        ("12 34", "34 12", 4, 2),
    ],
)
def test_edits_of_a_line(truth: str, prediction: str, character_edits: int, word_edits: int) -> None:
    counts = count_errors([truth], [prediction])
    assert counts == ErrorCounts(
        lines=1,
        exact=int(truth == prediction),
        characters=len(truth),
        character_edits=character_edits,
        words=len(truth.split()),
        word_edits=word_edits,
    )


def test_rates_are_over_all_lines_together_not_means_of_lines() -> None:
    counts = count_errors(["1", "123456789", "12 34"], ["2", "123456789", "12 3"])
    assert counts == ErrorCounts(lines=3, exact=1, characters=15, character_edits=2, words=4, word_edits=2)
    assert counts.cer == pytest.approx(2 / 15)
    assert counts.wer == pytest.approx(2 / 4)
    assert counts.exact_match == pytest.approx(1 / 3)


def test_many_added_characters_give_a_cer_above_one() -> None:
    assert count_errors(["1"], ["2345"]).cer == 4.0


def test_rates_of_nothing_are_zero() -> None:
    counts = count_errors([], [])
    assert (counts.lines, counts.cer, counts.wer, counts.exact_match) == (0, 0.0, 0.0, 0.0)


def test_truths_and_predictions_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        count_errors(["1", "2"], ["1"])


@given(st.text("0123 ", max_size=12), st.text("0123 ", max_size=12))
def test_character_edits_match_the_textbook_recurrence(truth: str, prediction: str) -> None:
    row = list(range(len(prediction) + 1))
    for i, true in enumerate(truth, 1):
        above, row = row, [i]
        for j, read in enumerate(prediction, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (true != read)))
    assert count_errors([truth], [prediction]).character_edits == row[-1]


def test_confusions_count_what_was_read_for_what() -> None:
    found = confusions(["1771", "12", "5", "0"], ["1111", "123", "", "0"])
    assert found == {("7", "1"): 2, ("", "3"): 1, ("5", ""): 1}


@pytest.mark.parametrize(
    ("truth", "prediction", "positions"),
    [
        ("1234", "1234", set()),
        ("1234", "1294", {2}),
        ("1234", "12345", {4}),
        ("1234", "91294", {0, 3}),  # where it stands in what was read, not in the truth
        ("1234", "134", {1}),  # the missing 2 marks the 3
        ("1234", "123", {3}),  # beyond the end of what was read
        ("", "7", {0}),
        ("7", "", {0}),
    ],
)
def test_wrong_positions_point_into_the_prediction(truth: str, prediction: str, positions: set[int]) -> None:
    assert wrong_positions(truth, prediction) == positions


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("“quoted”", '"quoted"'),
        ("``quoted''", '"quoted"'),
        ("„quoted‟", '"quoted"'),
        ("‘it’s’", "'it's'"),
        ("‘‘quoted’’", '"quoted"'),
        ("5″ and 5′", "5\" and 5'"),
        ("1990–1999 — a decade", "1990-1999 - a decade"),
        ("a‐b‑c−d―e", "a-b-c-d-e"),
        ("ﬁne", "fine"),
        ("ＯＣＲ", "OCR"),
        ("  two\tspaces \n", "two spaces"),
        ("1,234.50", "1,234.50"),
        ("", ""),
    ],
)
def test_fold_makes_typography_plain(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
