"""How long a training takes, and what is decided where the settings leave it open."""

import pytest

from ocrlib.training.plan import FROM_MODEL_STEPS, OWN_STEPS, Plan, batch_size_for, plan_epochs, settle
from ocrlib.training.settings import AugmentConfig, DataConfig, ModelConfig, RunConfig, TrainConfig


def no_clock() -> float:
    raise AssertionError("only minutes need to know how long a step takes")


@pytest.mark.parametrize(
    ("train", "pass_batches", "model_steps", "plan"),
    [
        ({}, 1250, None, Plan(epochs=4)),  # 80,000 lines from nothing: four passes
        ({}, 47, None, Plan(epochs=10, epoch_batches=500)),  # 3,000 lines: many passes, ten validations
        ({}, 15_625, None, Plan(epochs=4, epoch_batches=1250)),  # a million: not even one pass
        ({}, 94, FROM_MODEL_STEPS, Plan(epochs=6)),
        ({}, 6, FROM_MODEL_STEPS, Plan(epochs=10, epoch_batches=60)),
        ({}, 12, OWN_STEPS, Plan(epochs=10, epoch_batches=40)),  # a hundred lines with a replay
        ({}, 1250, FROM_MODEL_STEPS, Plan(epochs=4, epoch_batches=313)),  # every line once
        ({}, 15_625, FROM_MODEL_STEPS, Plan(epochs=4, epoch_batches=625)),
        ({"epochs": 7}, 3, FROM_MODEL_STEPS, Plan(epochs=7)),
        ({"steps": 1000}, 3, FROM_MODEL_STEPS, Plan(epochs=10, epoch_batches=100)),
        ({"steps": 1000}, 250, FROM_MODEL_STEPS, Plan(epochs=4, epoch_batches=250)),
        ({"steps": 3}, 1, FROM_MODEL_STEPS, Plan(epochs=3, epoch_batches=1)),
        ({"steps": 1}, 1000, None, Plan(epochs=1, epoch_batches=1)),
    ],
)
def test_steps_make_epochs(train: dict[str, int], pass_batches: int, model_steps: int | None, plan: Plan) -> None:
    assert plan_epochs(TrainConfig(**train), pass_batches, model_steps, no_clock) == plan  # type: ignore[arg-type]


def test_minutes_make_as_many_steps_as_this_machine_does() -> None:
    plan = plan_epochs(TrainConfig(minutes=2.0), 10, FROM_MODEL_STEPS, lambda: 0.1)
    assert plan == Plan(epochs=10, epoch_batches=120)


@pytest.mark.parametrize(
    ("mean_width", "asked", "from_model", "lines"),
    [
        (100.0, None, False, 64),
        (2000.0, None, False, 64),
        (2000.0, 5, True, 5),
        (100.0, None, True, 64),  # 80 would fit
        (500.0, None, True, 16),
        (9000.0, None, True, 8),
    ],
)
def test_batches_from_a_model_are_about_as_wide(
    mean_width: float, asked: int | None, from_model: bool, lines: int
) -> None:
    assert batch_size_for(mean_width, asked, from_model) == lines


def test_fifty_imported_lines_are_varied_and_change_a_model_little() -> None:
    settled = settle(RunConfig(), from_model=True, imported=True, num_lines=50)
    assert (settled.train.learning_rate, settled.train.freeze, settled.model.charset) == (2e-3, "norms", "union")
    assert settled.augment.any
    assert settle(settled, from_model=True, imported=True, num_lines=50) == settled  # as a resumed run does


def test_drawn_lines_say_by_their_recipe_what_they_consist_of() -> None:
    settled = settle(RunConfig(), from_model=True, imported=False, num_lines=3000)
    assert (settled.model.charset, settled.augment.any) == ("new", False)


def test_from_nothing_all_is_as_it_was() -> None:
    settled = settle(RunConfig(), from_model=False, imported=True, num_lines=50)
    assert (settled.train.learning_rate, settled.train.freeze, settled.model.charset) == (3e-3, "nothing", None)
    assert not settled.augment.any


def test_what_the_user_gave_stays() -> None:
    given = RunConfig(
        data=DataConfig(charset="0123456789"),
        augment=AugmentConfig(noise=2.0),
        model=ModelConfig(charset="union"),
        train=TrainConfig(learning_rate=0.01, freeze="columns"),
    )
    assert settle(given, from_model=True, imported=True, num_lines=50) == given
    own = settle(RunConfig(data=DataConfig(charset="01")), from_model=True, imported=True, num_lines=50)
    assert own.model.charset == "new"  # the characters are named
    still = RunConfig(augment=AugmentConfig(small_sets=False))
    assert not settle(still, from_model=True, imported=True, num_lines=50).augment.any


def test_one_of_three_ways_says_how_long() -> None:
    with pytest.raises(ValueError, match="steps and epochs each say how long; give one"):
        TrainConfig(steps=1, epochs=1)
