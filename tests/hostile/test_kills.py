"""A training that is killed at moments drawn by chance, and whose disk is full: it always goes on, and loses nothing."""

import json
from pathlib import Path

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
    told = json.loads(outcome.stdout)
    *disturbed, last = told["broken"]
    for attempt in disturbed:
        assert attempt["status"] == {"kill": -9, "full": 1}[attempt["fault"]], attempt
        assert attempt["epochs"] == list(range(len(attempt["epochs"]))), attempt  # no epoch twice, none left out
        if attempt["fault"] == "full":
            (line,) = attempt["stderr"]
            assert line.endswith("resume it"), line
    for attempt in (last, *told["unbroken"]):
        assert (attempt["status"], attempt["stderr"], attempt["epochs"]) == (0, [], [0, 1, 2])
    unbroken, broken = last_weights(tmp_path / "unbroken"), last_weights(tmp_path / "broken")
    assert unbroken.keys() == broken.keys()
    for name, values in unbroken.items():
        np.testing.assert_allclose(broken[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
    names = {path.name for path in (tmp_path / "broken").iterdir()}
    assert names == {path.name for path in (tmp_path / "unbroken").iterdir()}
    assert not [name for name in names if name.startswith(".")]
