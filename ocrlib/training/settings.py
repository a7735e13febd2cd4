"""The settings of a training, checked before TensorFlow is up: a typo should not cost seconds.

A setting that is None is decided when the datasets and the start are known: `plan.settle` does.
"""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.batches.selection import SelectionConfig
from ocrlib.charset import Charset


def _devices(value: object) -> object:
    if value != "all" and (type(value) is not int or value < 1):
        raise ValueError("must be a whole number from 1 on, or all")
    return value


def _characters(charset: str | None) -> str | None:
    return None if charset is None else Charset.named(charset).characters


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class DataConfig(SelectionConfig):
    """`--data.*`: which lines are learned from, and how they are read."""

    charset: Annotated[str | None, AfterValidator(_characters)] = None
    """A name (latin-basic, ascii) or the characters; without it, those of all the datasets together."""
    batch_size: Annotated[int, Field(ge=1)] | None = None
    """Lines in a batch of average width; batches of longer lines have fewer. Without it: 64 from nothing; from a model
    so many that the batch is about 8,000 pixels wide, 8 to 64."""
    format: Literal["auto", "tfrecord", "hdf5"] = "auto"
    """File format to read; auto takes the faster one that is there."""
    verify: Literal["sizes", "full"] = "sizes"
    """What is checked before the run begins: the sizes of the shards, or in full their hashes too."""
    short_first: bool = False
    """Begin with short lines, on which CTC learns sooner where characters are; for sentences."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class AugmentConfig:
    """`--augment.*`: the largest change of each kind, drawn anew for each line; 0 leaves it out."""

    small_sets: bool = True
    """Where a model goes on with fewer than 1,000 lines and nothing below is set, change the lines a little."""
    rotation_deg: Annotated[float, Field(ge=0, le=45)] = 0.0
    """Degrees, either way."""
    shift_px: Annotated[float, Field(ge=0)] = 0.0
    """Pixels, both ways along both axes."""
    shear_deg: Annotated[float, Field(ge=0, le=45)] = 0.0
    """Degrees, either way."""
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the size, either way."""
    brightness: Annotated[float, Field(ge=0, le=255)] = 0.0
    """Gray levels, either way."""
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the contrast, either way."""
    blur: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of a 3 x 3 binomial blur that is mixed in."""
    noise: Annotated[float, Field(ge=0, le=255)] = 0.0
    """Standard deviation in gray levels."""

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
    """`--model.*`: the network, see `crnn.build_crnn`."""

    use_lstm: bool | None = None
    """true reads lines with an LSTM, false without; without it, encoder decides."""
    encoder: Literal["conv", "wide", "lstm", "dilated"] | None = None
    """What reads along the line; without it, lstm if use_lstm is true, else conv."""
    stride: Literal[2, 4] | None = None
    """Pixels of width per time step; without it, 2 for numeric strings and 4 for others."""
    filters: Annotated[float, Field(gt=0, le=8)] | None = None
    """Multiple of the usual numbers of filters; without it, 1 for numeric strings and 2.5 for others."""
    build: str | None = None
    """A function of your own that builds the network, as mypackage:build (docs/own-network.md)."""
    charset: Literal["union", "new"] | None = None
    """Of a training that starts from a model: union keeps the characters that the model knows beside those of the
    datasets, new drops them; without it, union for imported lines and new for drawn ones."""

    def __post_init__(self) -> None:
        if self.use_lstm is not None and self.encoder is not None and self.use_lstm != (self.encoder == "lstm"):
            raise ValueError(f"use_lstm {str(self.use_lstm).lower()} contradicts encoder {self.encoder!r}; give one")
        others = (self.use_lstm, self.encoder, self.stride, self.filters)
        if self.build is not None and any(value is not None for value in others):
            raise ValueError("build brings its own network; leave out the other keys of the model")

    @property
    def chosen_encoder(self) -> str:
        """The encoder that is meant, whichever of the two keys says so."""
        return self.encoder or ("lstm" if self.use_lstm else "conv")

    @property
    def asks_for_network(self) -> bool:
        """Whether a network is described, which a model that the training starts from would bring along."""
        keys = (self.use_lstm, self.encoder, self.stride, self.filters, self.build)
        return any(value is not None for value in keys)


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class TrainConfig:
    """`--train.*`: how long, and in what steps."""

    steps: Annotated[int, Field(ge=1)] | None = None
    """Batches to learn from, about. Without steps, minutes and epochs: 5,000 from nothing, 600 or more from a model,
    400 or more with a replay."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """As many steps as this machine makes in so many minutes, by the first ones; these are then written down."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Passes over the data, in place of steps."""
    patience: Annotated[int, Field(ge=1)] = 5
    """Epochs without a better validation CER before it stops early."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """What turns gradients into steps."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """The peak of the learning rate; without it, 0.003 from nothing and 0.002 from a model."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """After the warmup: cosine falls to 0, constant stays at the peak."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of all steps in which the rate climbs to its peak."""
    clip_norm: Annotated[float, Field(ge=0)] = 5.0
    """Largest norm of the gradient of all weights together; 0 does not clip."""
    freeze: Literal["nothing", "norms", "columns"] | None = None
    """What stays as it is: the averages of the batch normalisations, or beside them the convolutions before the line is
    read along. Without it, norms from a model and nothing from nothing."""
    forget: Annotated[float, Field(ge=1)] = 1.3
    """With a replay: the most edits on lines of before, as a multiple of those before the training. With more, the
    network goes back towards the start, half of the way at most."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the training step; auto takes bfloat16 where the processor has it and is faster with it."""
    devices: Annotated[int | Literal["all"], BeforeValidator(_devices)] = 1
    """GPUs of each machine, without a GPU logical CPUs, that learn from a part of each batch; all takes those that are
    there. Several machines train together where TF_CONFIG names them (docs/scale.md)."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Of weights, dropout and shuffling."""
    save_minutes: Annotated[float, Field(gt=0)] = 5.0
    """Minutes between two places to resume from."""

    def __post_init__(self) -> None:
        given = [name for name in ("steps", "minutes", "epochs") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} each say how long; give one")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class RunConfig:
    """Everything that decides a training except the datasets."""

    data: DataConfig = field(default_factory=DataConfig)
    """Which lines are learned from."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """How they are varied."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """The schedule."""
