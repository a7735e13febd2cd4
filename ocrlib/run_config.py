"""The settings of a training, checked before TensorFlow is up: a typo should not cost seconds."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrlib import config


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class DataConfig:
    """`--data.*`: charset None takes the datasets' own; batch_size counts lines of average width."""

    charset: str | None = None
    batch_size: Annotated[int, Field(ge=1)] = 64
    format: Literal["auto", "tfrecord", "hdf5"] = "auto"


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ModelConfig:
    """`--model.*`: use_lstm None means True unless the text is numeric strings."""

    use_lstm: bool | None = None


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class TrainConfig:
    """`--train.*`.

    Attributes:
      epochs: passes over the data. patience: epochs without a better validation CER before it stops early.
      optimizer, learning_rate: the peak; schedule: cosine falls to 0, constant stays.
      warmup: share of all steps in which the rate climbs to its peak.
      clip_norm: largest norm of the gradient of all weights together; 0 leaves it as it is.
      seed: of weights, dropout and shuffle. save_minutes: between two places to resume from.
    """

    epochs: Annotated[int, Field(ge=1)] = 5
    patience: Annotated[int, Field(ge=1)] = 5
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    clip_norm: Annotated[float, Field(ge=0)] = 5.0
    seed: Annotated[int, Field(ge=0)] = 1
    save_minutes: Annotated[float, Field(gt=0)] = 5.0


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class RunConfig:
    """All that decides a training, but for the datasets."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
