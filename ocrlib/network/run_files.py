"""What a run folder tells of itself, config.json and metrics.json: checked where it is read, for folders are passed on.

Only what is used is checked, and anything may be missing: runs of earlier versions tell less.
"""

from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.errors import UserError
from ocrlib.files import read_json

_TOLERANT = ConfigDict(extra="ignore", allow_inf_nan=False)
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0, lt=2**63)]


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Dataset:
    """A dataset that was learned from."""

    folder: str
    fingerprint: str = ""
    weight: float | None = None


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Replay:
    """What the start model was not to forget."""

    share: _Share = 0.0
    datasets: tuple[_Dataset, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Network:
    """The network that was built."""

    parameters: _Count | None = None


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Plan:
    """How much is learned."""

    epochs: Annotated[int, Field(ge=1, lt=2**63)]
    epoch_batches: _Count | None = None


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Config:
    """config.json."""

    datasets: tuple[_Dataset, ...] = ()
    config: dict[str, dict[str, Any]] = field(default_factory=dict)
    init: str | None = None
    why: str = ""
    replay: _Replay | None = None
    plan: _Plan | None = None
    network: _Network | None = None
    precision: Literal["float32", "bfloat16"] | None = None


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Figures:
    """How well a dataset is read."""

    exact_match: float
    cer: float
    lines: _Count


@dataclass(frozen=True, kw_only=True, config=_TOLERANT)
class _Metrics:
    """metrics.json."""

    split: str = ""
    training_seconds: float | None = None
    datasets: dict[str, _Figures] = field(default_factory=dict)


_SHAPES = {"config.json": _Config, "metrics.json": _Metrics}


def read_run_file(run: Path, name: Literal["config.json", "metrics.json"]) -> dict[str, Any] | None:
    """Returns what a file of a run holds, all of its keys; None if there is no such file.

    Raises:
      UserError: it cannot be read, or what is used of it has another form than ours.
    """
    path = run / name
    try:
        values = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: is no {name.removesuffix('.json')} of a run")
    config.build(_SHAPES[name], values, {}, str(path))
    return values
