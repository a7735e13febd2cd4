"""Which split a line goes into: pages by name, shares, groups that stay together, and nothing that ever moves."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrlib.imports import ledger, splits
from ocrlib.imports.line import split_of_folder
from ocrlib.imports.settings import ImportSplits


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("receipt.png", "receipt"),
        ("scan7_l03.png", "scan7"),
        ("scan7-line-03.png", "scan7"),
        ("scan 7_12.png", "scan 7"),
        ("EHRI-BF_EN_01_0ca47ce0.png", "EHRI-BF_EN_01"),
        ("book/0003/01000a.bin.png", "book/0003/"),
        ("book/0003/line_12.nrm.png", "book/0003/"),
        ("0001.png", ""),
        ("water005_82_jpg.png", "water005_82_jpg"),
        ("photo_cafe.png", "photo_cafe"),
        ("a/b.png", "a/b"),
    ],
)
def test_the_page_that_a_name_tells_of(name, page):
    assert splits.page_of(name) == page


def ledger_of(lines: list[tuple[str, str]], digests: list[int] | None = None) -> sqlite3.Connection:
    """A ledger of (name, label), all prepared."""
    base = sqlite3.connect(":memory:")
    base.executescript(ledger._SCHEMA)
    for row, (name, label) in enumerate(lines):
        digest = row if digests is None else digests[row]
        base.execute(
            "INSERT INTO lines (row, name, source, place, stamp, label, page, given, digest, width) "
            "VALUES (?, ?, 0, '', '', ?, ?, ?, ?, 10)",
            (row, name, label, splits.page_of(name), split_of_folder(name), digest),
        )
    return base


def arranged(base: sqlite3.Connection, explicit: bool = False, **asked: object) -> dict[str, str]:
    """{name: split} after the lines are shared out."""
    splits.arrange(base, ImportSplits(**asked), explicit)  # type: ignore[arg-type]
    return dict(base.execute("SELECT name, split FROM lines ORDER BY row"))


def test_pages_stay_together_and_the_shares_are_met():
    lines = [(f"p{page:02d}_{i}.png", f"{page * 10 + i}") for page in range(40) for i in range(10)]
    found = arranged(ledger_of(lines), val=0.1, test=0.2)
    pages = {(splits.page_of(name), split) for name, split in found.items()}
    assert len(pages) == 40
    assert [list(found.values()).count(split) for split in ("train", "val", "test")] == [280, 40, 80]


def test_lines_of_one_page_are_split_one_by_one_but_equal_texts_together():
    found = arranged(ledger_of([(f"{i}.png", f"{i // 4}") for i in range(400)]), val=0.2)
    assert list(found.values()).count("val") == 80
    assert len({(int(name[:-4]) // 4, split) for name, split in found.items()}) == 100


def test_the_work_grows_with_the_lines_and_not_with_their_square():
    """Counted in SQLite's own steps, which are the same on every machine."""

    def steps(pages: int) -> int:
        base, counted = ledger_of([(f"p{page:04d}_{i}.png", f"{page}.{i}") for page in range(pages) for i in "ab"]), [0]

        def count() -> None:
            counted[0] += 1

        base.set_progress_handler(count, 100)
        arranged(base, val=0.1)
        return counted[0]

    assert steps(1600) < 6 * steps(400)


def test_groups_by_a_regular_expression():
    lines = [(f"{writer}-{i}.png", f"{i}x{writer}") for i in range(30) for writer in "abcdefghij"]
    found = arranged(ledger_of(lines), group=r"^(\w)-", val=0.1)
    assert len({(name[0], split) for name, split in found.items()}) == 10
    assert list(found.values()).count("val") == 30


def test_groups_that_share_a_text_of_a_page_or_a_picture_are_one():
    base = ledger_of(
        [("p_1a.png", "same"), ("p_1b.png", "Same."), ("p_2a.png", "x"), ("q_2b.png", "y"), ("r_3.png", "z")],
        digests=[1, 2, 7, 7, 9],
    )
    splits.arrange(base, ImportSplits(group=r"\d\w?(?=\.)", val=0.4), False)
    groups = dict(base.execute("SELECT name, grp FROM lines"))
    assert groups["p_1a.png"] == groups["p_1b.png"]
    assert groups["p_2a.png"] == groups["q_2b.png"]
    assert len(set(groups.values())) == 3


@pytest.mark.parametrize(
    ("count", "expected"), [(1, {"train": 1}), (2, {"train": 1, "val": 1}), (3, {"train": 1, "val": 1, "test": 1})]
)
def test_of_few_lines_one_stays_for_each(count, expected):
    found = list(arranged(ledger_of([(f"a{i}.png", f"{i}") for i in range(count)]), val=0.1, test=0.1).values())
    assert {split: found.count(split) for split in set(found)} == expected


def test_the_sources_own_splits_count_unless_shares_are_asked_for():
    lines = [(f"{split}/p{i}_1.png", f"{i}{split}") for split in ("train", "val", "test") for i in range(20)]
    assert all(name.startswith(split) for name, split in arranged(ledger_of(lines)).items())
    asked = arranged(ledger_of(lines), explicit=True, val=0.1, test=0.1)
    assert not all(name.startswith(split) for name, split in asked.items())


def test_a_source_that_names_one_split_only_has_none():
    lines = [(f"train/p{i}_1.png", f"{i}") for i in range(20)]
    assert list(arranged(ledger_of(lines), val=0.1).values()).count("val") == 2


@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=30),
    st.lists(st.integers(1, 12), max_size=20),
    st.sampled_from([(0.1, 0.0), (0.1, 0.1), (0.3, 0.3), (0.0, 0.2)]),
)
def test_what_is_added_later_moves_nothing(first, later, shares):
    """Sizes of pages of a first import, and of pages that come later, some of them more lines of the first."""

    def lines(sizes: list[int], start: int) -> list[tuple[str, str]]:
        return [
            (f"p{page:02d}_{start + i}.png", f"{page}.{start + i}") for page, n in enumerate(sizes) for i in range(n)
        ]

    val, test = shares
    base = ledger_of(lines(first, 0))
    decided = splits.arrange(base, ImportSplits(val=val, test=test), False)
    before = list(base.execute("SELECT name, label, digest, split, idx FROM lines"))
    assert len({row[3:] for row in before}) == len(before)
    grown = ledger_of(sorted([*lines(first, 0), *lines(later, 100)]))
    grown.executemany("INSERT INTO before VALUES (?, ?, ?, ?, ?)", before)
    splits.arrange(grown, decided, False)
    places = {name: (split, idx) for name, split, idx in grown.execute("SELECT name, split, idx FROM lines")}
    assert all(places[name] == (split, idx) for name, _, _, split, idx in before)
    assert len(set(places.values())) == len(places)
    for split in ("train", "val", "test"):  # places count up without a hole
        taken = sorted(idx for of, idx in places.values() if of == split)
        assert taken == list(range(len(taken)))
    assert len({(splits.page_of(name), split) for name, (split, _) in places.items()}) == len(
        {splits.page_of(name) for name in places}
    )
