"""Readers that are compared: each one's figures on the same lines, its speed, and what is known of its training."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.dataset.manifest import FILE_NAME
from ocrlib.dataset.store import is_address
from ocrlib.errors import UserError
from ocrlib.evaluation.breakdown import LineErrors
from ocrlib.evaluation.compare import Comparison, compare
from ocrlib.evaluation.report import ErrorReport, chosen_split, report_on
from ocrlib.network.run_files import read_run_file
from ocrlib.reading.recognizer import Reading, Recognizer


class TimedRecognizer(Recognizer):
    """A recognizer that measures its own speed, from its second batch on: in the first, libraries get ready."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._batches, self._lines, self._seconds = 0, 0, 0.0

    def read_batch(self, image: np.ndarray, width: np.ndarray) -> list[Reading]:
        """Returns what `Recognizer.read_batch` does."""
        begin = time.perf_counter()
        readings = super().read_batch(image, width)
        self._batches += 1
        if self._batches > 1:
            self._lines += len(readings)
            self._seconds += time.perf_counter() - begin
        return readings

    @property
    def lines_per_second(self) -> float | None:
        """How many lines were read in a second; None after one batch."""
        return self._lines / self._seconds if self._seconds else None


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A reader that was measured.

    Attributes:
      name: what the user calls it.
      recognizer: that read.
      report: its figures.
      lines_per_second: on this machine, whatever else ran on it; without opening pictures.
      config: of its training, as config.json has it; empty for a model that is no run.
      minutes: of its training; None where that is not known.
    """

    name: str
    recognizer: Recognizer
    report: ErrorReport
    lines_per_second: float | None
    config: Mapping[str, Any] = field(default_factory=dict)
    minutes: float | None = None

    @property
    def parameters(self) -> int | None:
        """How many numbers its network learned; None where that is not known."""
        return (self.config.get("network") or {}).get("parameters")

    @property
    def errors(self) -> LineErrors:
        """Line by line."""
        lines = self.report.lines
        return LineErrors([line.truth for line in lines], [line.text for line in lines])


def default_data(models: Sequence[str], trust: bool = False) -> Path | str:
    """Returns the dataset that the first of some runs was trained on.

    Args:
      models: what the user calls them.
      trust: it may be an address, which in the run folder of somebody else's would be theirs.

    Raises:
      UserError: none of them is a run whose dataset is there.
    """
    for model in models:
        for dataset in (read_run_file(Path(model), "config.json") or {}).get("datasets", ()):
            if is_address(dataset["folder"]):
                if trust:
                    return str(dataset["folder"])
                raise UserError(f"{model}: learned from {dataset['folder']}; --trust opens that address, or give --on")
            folder = Path(dataset["folder"])
            if os.path.exists(folder / FILE_NAME):  # unlike Path.exists, whatever the name is
                return folder
    raise UserError(f"{', '.join(models)}: no dataset of these runs is there; give one, or a folder of pairs, by --on")


def measure_all(models: Sequence[str], data: Path, split: str | None, trust: bool = False) -> list[Contestant]:
    """Returns each of the models measured on the same lines.

    Args:
      models: as `Recognizer.load` takes them.
      data: a dataset, or a folder of pairs.
      split: of the dataset; None for test.
      trust: import the module of a network that a user built.

    Raises:
      UserError: no such model, data or split, or data that a model cannot read.
    """
    chosen = chosen_split(data, split)
    contestants = []
    for model in models:
        recognizer = TimedRecognizer.load(model, trust=trust)
        report = report_on(recognizer, data, chosen)
        seconds = (read_run_file(Path(model), "metrics.json") or {}).get("training_seconds")
        contestants.append(
            Contestant(
                name=model,
                recognizer=recognizer,
                report=report,
                lines_per_second=recognizer.lines_per_second,
                config=read_run_file(Path(model), "config.json") or {},
                minutes=None if seconds is None else seconds / 60,
            )
        )
    return contestants


def compare_with_first(contestants: Sequence[Contestant]) -> list[Comparison]:
    """Returns a comparison with the first one for each of the others."""
    first = contestants[0]
    names = [line.name for line in first.report.lines]
    for other in contestants[1:]:
        assert [line.name for line in other.report.lines] == names, "the same data is read in the same order"
    return [compare(other.errors, first.errors, first.report.groupings) for other in contestants[1:]]


def what_differs(contestants: Sequence[Contestant]) -> list[tuple[str, list[str]]]:
    """Returns (key, a value for each contestant) for each setting and dataset in which runs differ."""
    flat = [_flat(_told(contestant.config)) for contestant in contestants]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    rows = [(key, [each.get(key, "-") for each in flat]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _told(config: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: config[key] for key in ("init", "replay", "config", "network", "precision") if key in config}
    for number, dataset in enumerate(config.get("datasets", ())):
        told[f"dataset {number + 1}"] = {key: dataset.get(key) for key in ("folder", "fingerprint", "weight", "lines")}
    return told


def _flat(value: Any, name: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        inside = [_flat(item, f"{name}.{key}".lstrip(".")) for key, item in value.items()]
        return {key: text for each in inside for key, text in each.items()}
    return {name: str(value)}
