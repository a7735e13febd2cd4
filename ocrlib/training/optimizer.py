"""The optimizer of a run, and how its learning rate rises and falls."""

from typing import Any

from ocrlib.backend import keras
from ocrlib.training.plan import FROM_NOTHING_RATE
from ocrlib.training.settings import TrainConfig

_MEAN_AGE = 1 / 6  # of all steps, as the average of the last third has it


def make_optimizer(settings: TrainConfig, num_steps: int, *, averages: bool = False) -> keras.optimizers.Optimizer:
    """Returns the optimizer, its rate scheduled over `num_steps` steps.

    Args:
      settings: the schedule.
      num_steps: of the whole training.
      averages: it keeps a moving average of the weights beside them, which `averages.AveragedWeights` puts to use.
    """
    rate: Any = settings.learning_rate or FROM_NOTHING_RATE
    if settings.schedule == "cosine":
        warmup = round(settings.warmup * num_steps)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 20 if warmup else rate,
            decay_steps=max(1, num_steps - warmup),
            alpha=0.0,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    kept = max(0.0, 1 - 1 / (_MEAN_AGE * num_steps))
    clip = settings.clip_norm or None
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=0.9, nesterov=True, global_clipnorm=clip, use_ema=averages, ema_momentum=kept
        )
    kind = keras.optimizers.AdamW if settings.optimizer == "adamw" else keras.optimizers.Adam
    return kind(rate, global_clipnorm=clip, use_ema=averages, ema_momentum=kept)
