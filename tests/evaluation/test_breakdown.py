"""Errors of groups, compared with counts made by hand; chance, compared with all possible draws."""

from dataclasses import astuple
from itertools import combinations

import pytest

from ocrlib.evaluation.breakdown import LineErrors, Row, break_down, chance_of
from ocrlib.evaluation.groups import Grouping


def by(*names: str, order: tuple[str, ...] | None = None, apart: str | None = None) -> Grouping:
    """Lines by names, one a line; several parted by a space."""
    return Grouping(kind="font", of_line=[tuple(name.split()) for name in names], order=order, apart=apart)


def lines(*runs: tuple[int, str, str]) -> LineErrors:
    """So many lines of a truth and what was read for it, one run after the other."""
    return LineErrors([t for n, t, _ in runs for _ in range(n)], [r for n, _, r in runs for _ in range(n)])


def rows_of(errors: LineErrors, *groupings: Grouping) -> dict[str, Row]:
    return {row.name: row for table in break_down(errors, groupings) for row in table.rows}


def test_a_row_counts_its_lines_and_those_of_the_others() -> None:
    errors = lines((1, "12", "12"), (1, "1234", "1294"), (1, "5", ""), (1, "678", "678"))
    rows = rows_of(errors, by("A", "A", "B", "B"))
    #                               lines exact chars edits cer  exact others lines errors few fails
    assert astuple(rows["A"]) == ("A", 2, 1, 6, 1, 1 / 6, 0.5, 0.25, 0.5, 0.5, True, False)
    assert astuple(rows["B"]) == ("B", 2, 1, 4, 1, 0.25, 0.5, 1 / 6, 0.5, 0.5, True, False)


def test_a_row_of_all_lines_has_no_others_to_compare_with() -> None:
    row = rows_of(lines((2, "12", "1")), by("A", "A"))["A"]
    assert (row.cer, row.cer_others, row.share_of_lines, row.share_of_errors) == (0.5, None, 1.0, 1.0)


def test_without_errors_every_share_is_zero() -> None:
    row = rows_of(lines((2, "12", "12")), by("A", "B"))["A"]
    assert (row.cer, row.share_of_errors, row.beyond_chance) == (0.0, 0.0, False)


def test_rows_come_by_errors_above_the_average_or_in_their_natural_order() -> None:
    # CER 4/12. A: 1 edit in 2 characters, 1/3 above the average. B: 2 in 4, 2/3 above. C: 1 in 6, 1 below.
    errors = lines((1, "12", "1"), (1, "1234", "12"), (1, "123456", "12345"))
    tables = break_down(errors, [by("A", "B", "C"), by("A", "B", "C", order=("C", "A", "X", "B"))])
    assert [[row.name for row in table.rows] for table in tables] == [["B", "A", "C"], ["C", "A", "B"]]
    assert [table.ordered for table in tables] == [False, True]


def test_a_line_with_several_names_counts_under_each() -> None:
    rows = rows_of(lines((1, "12", "1"), (1, "34", "34")), by("crop jpeg", "jpeg"))
    assert (rows["crop"].lines, rows["jpeg"].lines) == (1, 2)
    assert (rows["crop"].share_of_errors, rows["jpeg"].share_of_errors) == (1.0, 1.0)
    assert rows["crop"].cer_others == 0.0


def test_the_group_apart_does_not_count_among_the_others() -> None:
    """Compared with undegraded lines, a harmless degradation that often comes with a harmful one looks harmful too."""
    errors = lines((60, "12", "12"), (40, "12", "1"), (40, "12", "1"))
    names = ["nothing"] * 60 + ["jpeg"] * 40 + ["crop"] * 40
    rows = rows_of(errors, by(*names, apart="nothing"))
    assert (rows["jpeg"].cer, rows["jpeg"].cer_others, rows["jpeg"].beyond_chance) == (0.5, 0.5, False)
    assert (rows["nothing"].cer, rows["nothing"].cer_others) == (0.0, 0.5)
    plain = rows_of(errors, by(*names))
    assert (plain["jpeg"].cer_others, plain["jpeg"].beyond_chance) == (pytest.approx(0.2), True)


@pytest.mark.parametrize(
    ("wrong", "lines_of_group", "beyond"),
    [
        (9, 40, True),
        (4, 40, False),  # 1 in 10, the others 1 in 20: chance gives this or more once in 6
        (6, 6, True),  # few lines, but every one of them wrong
        (1, 1, False),  # 21 in 401
    ],
)
def test_a_group_fails_if_chance_does_not_explain_it(wrong: int, lines_of_group: int, beyond: bool) -> None:
    right = lines_of_group - wrong
    errors = lines((wrong, "12", "1"), (right, "12", "12"), (20, "12", "1"), (380, "12", "12"))
    row = rows_of(errors, by(*["A"] * lines_of_group, *["B"] * 400))["A"]
    assert (row.beyond_chance, row.few_lines) == (beyond, lines_of_group < 30)


def test_with_more_groups_a_group_needs_stronger_evidence() -> None:
    # 7 of 40 wrong, 20 of 400: chance 0.7%. Enough for 2 groups (2.5% each), not for 12 (0.42%).
    errors = lines((7, "12", "1"), (33, "12", "12"), (20, "12", "1"), (380, "12", "12"))
    assert chance_of(7, 40, 27, 440) == pytest.approx(0.0068, abs=0.00005)
    fonts = by(*["A"] * 40, *["B"] * 400)
    assert rows_of(errors, fonts)["A"].beyond_chance
    more = Grouping(kind="length", of_line=[(str(i % 10),) for i in range(440)])
    assert not rows_of(errors, fonts, more)["A"].beyond_chance


def test_long_lines_do_not_fail_because_they_are_long() -> None:
    errors = lines((50, "1" * 20, "1" * 19), (450, "1", "1"), (50, "1", ""))
    row = rows_of(errors, by(*["long"] * 50, *["short"] * 500))["long"]
    assert row.exact_match == 0.0  # beyond any chance, but
    assert (row.cer, row.cer_others) == (0.05, 0.1)
    assert not row.beyond_chance


@pytest.mark.parametrize(
    ("wrong", "drawn", "all_wrong", "num_all", "expected"),
    [
        (3, 5, 4, 10, (4 * 15 + 1 * 6) / 252),
        (0, 5, 4, 10, 1.0),
        (1, 1, 4, 10, 0.4),
        (4, 5, 4, 10, 6 / 252),
        (5, 5, 4, 10, 0.0),  # more than there are
        (2, 9, 4, 10, 1.0),  # nine of ten cannot miss more than one
        (0, 3, 0, 10, 1.0),
    ],
)
def test_chance_of_so_many_wrong_lines(wrong: int, drawn: int, all_wrong: int, num_all: int, expected: float) -> None:
    assert chance_of(wrong, drawn, all_wrong, num_all) == pytest.approx(expected)
    draws = list(combinations([1] * all_wrong + [0] * (num_all - all_wrong), drawn))
    assert sum(sum(draw) >= wrong for draw in draws) / len(draws) == pytest.approx(expected)


def test_chance_of_large_numbers_does_not_overflow() -> None:
    assert chance_of(300, 2000, 5000, 50_000) < 1e-9
    assert chance_of(200, 2000, 5000, 50_000) == pytest.approx(0.5, abs=0.03)
