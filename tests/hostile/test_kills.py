"""A training that is killed at moments drawn by chance, and whose disk is full: it always goes on, and loses nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.programs import run_program

KILLS, FULL = 3, 2  # each costs seconds; `make hostile` tries 30 and 5


def last_weights(run: Path) -> dict[str, np.ndarray]:
    """All variables of the last place: the network's and the optimizer's."""
    (path,) = (run / "last").glob("weights-*")
    with np.load(path) as saved:
        return dict(saved)


def test_a_killed_training_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    outcome = run_program("-m", "tests.hostile.kills", tmp_path, "--kills", KILLS, "--full", FULL)
    assert outcome.code == 0, outcome.stderr
    check_told(json.loads(outcome.stdout), tmp_path)


def check_told(told: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    """What must be true however often a run was disturbed, and when."""
    finished = {attempt["run"] for attempt in told["broken"] if attempt["status"] == 0}
    assert told["broken"][-1]["run"] in finished
    for attempt in [*told["unbroken"], *told["broken"]]:
        assert attempt["epochs"] == list(range(len(attempt["epochs"]))), attempt  # no epoch twice, none left out
        if attempt["status"] == 0:
            assert (attempt["stderr"], attempt["epochs"]) == ([], [0, 1, 2]), attempt
        else:
            assert attempt["status"] == {"kill": -9, "full": 1}[attempt["fault"]], attempt
        if attempt["status"] == 1:
            (line,) = attempt["stderr"]
            assert line.endswith("resume it"), line
    unbroken = last_weights(folder / "unbroken")
    names = {path.name for path in (folder / "unbroken").iterdir()}
    for run in finished - {"unbroken"}:
        broken = last_weights(folder / run)
        assert unbroken.keys() == broken.keys()
        for name, values in unbroken.items():
            np.testing.assert_array_equal(broken[name], values, err_msg=f"{run} {name}")
        assert {path.name for path in (folder / run).iterdir()} == names  # no temporary file, no lock
