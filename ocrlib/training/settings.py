"""The settings of a training, checked before TensorFlow is up: a typo should not cost seconds."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.batches.selection import SelectionConfig
from ocrlib.charset import Charset


def _characters(charset: str | None) -> str | None:
    return None if charset is None else Charset.named(charset).characters


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class DataConfig(SelectionConfig):
    """`--data.*`: what of the datasets is learned from, and how; see also `selection.SelectionConfig`.

    Attributes:
      charset: a name or the characters; None takes those of all the datasets.
      batch_size: lines in a batch of average width; batches of long lines have fewer.
      format: auto takes the faster one that is there.
      verify: what is checked before the run begins: the shards' sizes, or in full their hashes too.
      short_first: begin with short lines, of which CTC learns sooner where characters are; for sentences.
    """

    charset: Annotated[str | None, AfterValidator(_characters)] = None
    batch_size: Annotated[int, Field(ge=1)] = 64
    format: Literal["auto", "tfrecord", "hdf5"] = "auto"
    verify: Literal["sizes", "full"] = "sizes"
    short_first: bool = False


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class AugmentConfig:
    """`--augment.*`: how far each change goes at most; 0 leaves it out. Drawn anew for each line.

    Attributes:
      rotation_deg, shear_deg: degrees, either way. shift_px: pixels, both ways along both axes.
      zoom: share of the size, either way. brightness: gray levels, either way.
      contrast: share, either way. blur: share of a 3 x 3 binomial blur mixed in.
      noise: standard deviation in gray levels.
    """

    rotation_deg: Annotated[float, Field(ge=0, le=45)] = 0.0
    shift_px: Annotated[float, Field(ge=0)] = 0.0
    shear_deg: Annotated[float, Field(ge=0, le=45)] = 0.0
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    brightness: Annotated[float, Field(ge=0, le=255)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    blur: Annotated[float, Field(ge=0, le=1)] = 0.0
    noise: Annotated[float, Field(ge=0, le=255)] = 0.0

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.rotation_deg, self.shift_px, self.shear_deg, self.zoom))

    @property
    def any(self) -> bool:
        """Whether anything is changed at all."""
        return self.moves or any((self.brightness, self.contrast, self.blur, self.noise))


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ModelConfig:
    """`--model.*`; see `crnn.build_crnn`.

    Attributes:
      use_lstm: read lines with an LSTM. None: as encoder says.
      encoder: None goes by use_lstm: lstm with it, else conv.
      stride: pixels of width behind one time step. None: 2 for numeric strings, 4 for others.
      filters: multiple of the usual numbers of filters. None: 1 for numeric strings, 2.5 for others.
    """

    use_lstm: bool | None = None
    encoder: Literal["conv", "wide", "lstm", "dilated"] | None = None
    stride: Literal[2, 4] | None = None
    filters: Annotated[float, Field(gt=0, le=8)] | None = None

    def __post_init__(self) -> None:
        if self.use_lstm is not None and self.encoder is not None and self.use_lstm != (self.encoder == "lstm"):
            raise ValueError(f"use_lstm {str(self.use_lstm).lower()} contradicts encoder {self.encoder!r}; give one")


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

    epochs: Annotated[int, Field(ge=1)] = 4
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
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
