"""The optimizer of a run, and how its learning rate rises and falls."""

from typing import Any

from ocrlib.backend import keras
from ocrlib.training.plan import FROM_NOTHING_RATE
from ocrlib.training.settings import TrainConfig


def make_optimizer(settings: TrainConfig, num_steps: int) -> keras.optimizers.Optimizer:
    """Returns the optimizer, its rate scheduled over `num_steps` steps."""
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
    clip = settings.clip_norm or None
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, global_clipnorm=clip)
    kind = keras.optimizers.AdamW if settings.optimizer == "adamw" else keras.optimizers.Adam
    return kind(rate, global_clipnorm=clip)
