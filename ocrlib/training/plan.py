"""How long a training takes, and what its settings leave open: decided once, when datasets and start are known.

A training is planned in steps, because a pass over 3,000 lines is too short to learn anything and a pass over a million
too long to wait for. It is cut into epochs, each of which ends with a validation: into passes over the data where that
gives 3 to 10 of them, else into 4 or 10 equal parts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ocrlib.rounding import ceil_div
from ocrlib.training.settings import AugmentConfig, RunConfig, TrainConfig

FROM_NOTHING_STEPS = 5_000  # four passes over the 80,000 lines of datasets/numeric.toml
FROM_MODEL_STEPS = 600
OWN_STEPS = 400  # with a replay; docs/own-lines.md
FROM_NOTHING_RATE, _FROM_MODEL_RATE = 3e-3, 2e-3
_MOST_FROM_MODEL_STEPS = 2_500  # of a large dataset, of which each line is then seen once
SMALL_LINES = 1_000
# A line of a small set looks a little different each time. Not zoomed, and hardly rotated: a line of 500 pixels would
# lose its first and its last character.
_SMALL_CHANGES = AugmentConfig(
    rotation_deg=0.2, shift_px=1.0, shear_deg=3.0, brightness=12.0, contrast=0.15, blur=0.3, noise=6.0
)
_FROM_MODEL_BATCH_PX, _FEWEST, _MOST = 8_000, 8, 64  # of width; lines in a batch
_FEWEST_EPOCHS, _FEW_EPOCHS, _MOST_EPOCHS = 3, 4, 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many epochs a training has, and how many batches each of them; None: every line once."""

    epochs: int
    epoch_batches: int | None = None


def settle(settings: RunConfig, *, from_model: bool, imported: bool, num_lines: int) -> RunConfig:
    """Returns the settings with what they leave open decided; steps and the sizes of batches stay open.

    Args:
      settings: as the user gave them.
      from_model: the training starts from a model.
      imported: the lines are pictures that were there, not drawn from a recipe.
      num_lines: to learn from.
    """
    train, augment, model = settings.train, settings.augment, settings.model
    if train.learning_rate is None:
        train = replace(train, learning_rate=_FROM_MODEL_RATE if from_model else FROM_NOTHING_RATE)
    if train.freeze is None:
        train = replace(train, freeze="norms" if from_model else "nothing")
    if from_model and num_lines < SMALL_LINES and augment.small_sets and not augment.any:
        augment = _SMALL_CHANGES
    if from_model and model.charset is None:
        model = replace(model, charset=_charset(settings, imported))
    return replace(settings, train=train, augment=augment, model=model)


def _charset(settings: RunConfig, imported: bool) -> Literal["union", "new"]:
    # A recipe says what its lines can be made of; fifty pictures only happen to lack some characters.
    return "union" if imported and settings.data.charset is None else "new"


def batch_size_for(mean_width: float, asked: int | None, from_model: bool) -> int:
    """Returns the lines in a batch of average width, where `mean_width` is that average in pixels."""
    if asked is not None or not from_model:
        return asked or _MOST
    return max(_FEWEST, min(_MOST, round(_FROM_MODEL_BATCH_PX / mean_width)))


def plan_epochs(
    train: TrainConfig, pass_batches: int, model_steps: int | None, step_seconds: Callable[[], float]
) -> Plan:
    """Returns how many epochs there are, and how long they are.

    Args:
      train: the settings.
      pass_batches: of a pass over the data.
      model_steps: at least, of a training that starts from a model; None of one from nothing.
      step_seconds: measures how long a step takes here; called if `train.minutes` is set.
    """
    if train.epochs is not None:
        return Plan(epochs=train.epochs)
    if train.steps is not None:
        steps = train.steps
    elif train.minutes is not None:
        steps = max(1, round(60 * train.minutes / step_seconds()))
    elif model_steps is not None:
        steps = max(model_steps, min(pass_batches, _MOST_FROM_MODEL_STEPS))
    else:
        steps = FROM_NOTHING_STEPS
    passes = round(steps / pass_batches)
    if train.steps is None and _FEWEST_EPOCHS <= passes <= _MOST_EPOCHS:
        return Plan(epochs=passes)
    epochs = min(steps, _FEW_EPOCHS if passes < _FEWEST_EPOCHS else passes, _MOST_EPOCHS)
    return Plan(epochs=epochs, epoch_batches=ceil_div(steps, epochs))
