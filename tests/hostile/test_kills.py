"""A training that is killed at moments drawn by chance, and whose disk is full: it always goes on, and loses nothing."""

from tests.programs import run_program


def test_a_disturbed_training_ends_as_an_unbroken_one() -> None:
    """Each fault costs seconds; `make hostile` tries 30 kills and 5 full disks."""
    outcome = run_program("-m", "tests.hostile.kills", "--kills", 3, "--full", 2)
    assert outcome.code == 0, outcome.stdout + outcome.stderr
    assert outcome.stdout.startswith("5 faults in ")
