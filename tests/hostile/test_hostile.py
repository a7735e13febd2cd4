"""Every case of the table comes out as it must: a line, an exit code, bounded memory and time, and nothing lost or told."""

import json
from pathlib import Path

import pytest

from tests.hostile.case import FAULTY, READ, REFUSED, Case, fault_of
from tests.hostile.limits import Ended
from tests.hostile.material import SECRET
from tests.programs import run_program

LEAST_CASES = 300


def test_no_case_of_the_table_comes_out_wrong(tmp_path: Path) -> None:
    """Every fourth case, which takes about a minute; `make hostile` tries all, and mutations."""
    outcome = run_program("-m", "tests.hostile", "--every", 4, "--json", tmp_path / "told.json")
    assert outcome.code == 0, outcome.stdout
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["faults"] == 0
    assert sum(told["tried"].values()) >= LEAST_CASES
    assert len(told["tried"]) > 20  # kinds


def case(codes: tuple[int, ...], says: str = "") -> Case:
    return Case(kind="k", how="h", make=lambda folder, material: [], codes=codes, says=says)


@pytest.mark.parametrize(
    ("tried", "ended", "fault"),
    [
        (case((READ,)), Ended(code=0, stdout="a\n", stderr=""), None),
        (case((REFUSED,)), Ended(code=2, stdout="", stderr="x: is none\n"), None),
        (case((REFUSED,)), Ended(code=2, stdout="", stderr=" 50%|##  | 1/2 [00:01<00:01]\nx: is none\n"), None),
        (case((REFUSED,)), Ended(code=2, stdout="", stderr="pattern '9 [': unterminated set\n"), None),
        (case((REFUSED,)), Ended(code=2, stdout="", stderr="7line [00:00, ?line/s\rx: is none\n"), None),
        (case((REFUSED,)), Ended(code=0, stdout="", stderr=""), "exit code 0"),
        (case((REFUSED,)), Ended(code=2, stdout="", stderr="a\nb\n"), "2 lines"),
        (case((REFUSED,)), Ended(code=2, stdout="", stderr=""), "0 lines"),
        (case((FAULTY,)), Ended(code=-11, stdout="", stderr=""), "died of signal 11"),
        (case((FAULTY,)), Ended(code=1, stdout="", stderr="Traceback (most recent call last)\n"), "nobody caught"),
        (case((FAULTY,)), Ended(code=1, stdout="", stderr="an error that ocrlib does not expect\n"), "nobody caught"),
        (case((READ,)), Ended(code=0, stdout="\x1b[2J", stderr=""), "terminal"),
        (case((READ,)), Ended(code=0, stdout=SECRET, stderr=""), "another file"),
        (case((READ,)), Ended(code=0, stdout="", stderr="", memory_bytes=3 << 30), "takes 3072 MB"),
        (case((READ,)), Ended(code=0, stdout="a" * 200_000, stderr=""), "200000"),
        (case((REFUSED,), "none"), Ended(code=2, stdout="", stderr="x\n"), "does not say"),
    ],
)
def test_what_is_a_fault(tried: Case, ended: Ended, fault: str | None) -> None:
    found = fault_of(tried, ended)
    assert found is None if fault is None else fault in str(found)
