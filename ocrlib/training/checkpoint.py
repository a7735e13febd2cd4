"""How far a run has come, and how that is saved, so that a stopped run can go on with the next batch."""

import math
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.backend import keras
from ocrlib.errors import UserError
from ocrlib.files import open_whole, read_json, whole_path, write_json


@dataclass
class State:
    """How far a run has come. Only `end_batch` and `end_epoch` change it.

    Attributes:
      epoch, batch: the next batch to learn from, counted from 0.
      seconds: of training and validation so far.
      best_cer, since_best: the lowest validation CER, and the epochs since then.
      stopped: the training ended early, because the validation CER did not fall any more.
    """

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best_cer: float = math.inf
    since_best: int = 0
    stopped: bool = False

    def end_batch(self, seconds: float) -> None:
        """Counts a batch that was learned in so many seconds."""
        self.batch += 1
        self.seconds += seconds

    def end_epoch(self, cer: float, seconds: float, patience: int) -> bool:
        """Counts an epoch and its validation, and returns whether its network is the best so far.

        Args:
          cer: of the validation.
          seconds: since the last batch of the epoch.
          patience: epochs without a better CER after which the training stops.
        """
        self.epoch, self.batch = self.epoch + 1, 0
        self.seconds += seconds
        if cer < self.best_cer:
            self.best_cer, self.since_best = cer, 0
            return True
        self.since_best += 1
        self.stopped = self.since_best >= patience
        return False

    def save(self, folder: Path, model: keras.Model) -> None:
        """Writes the weights and the optimizer, then the state with the name of their file, and deletes older files."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"weights-{self.epoch:04d}-{self.batch:07d}.npz"
        arrays: dict[str, Any] = {key: np.asarray(variable) for key, variable in _variables(model).items()}
        with open_whole(folder / name, "wb") as file:
            np.savez(file, **arrays)
        write_json(folder / "state.json", {**asdict(self), "weights": name})
        for path in folder.glob("*weights-*"):
            if path.name != name:
                path.unlink()

    @classmethod
    def load(cls, folder: Path, model: keras.Model) -> "State":
        """Returns the state saved in `folder` after giving the model its weights and optimizer; a new one if none.

        Raises:
          UserError: the weights are those of another network.
        """
        try:
            values = read_json(folder / "state.json")
        except FileNotFoundError:
            return cls()
        if values["best_cer"] is None:  # JSON has no form for an infinite number
            values["best_cer"] = math.inf
        saved = np.load(folder / values.pop("weights"))
        for key, variable in _variables(model).items():
            if key not in saved:
                raise UserError(f"{folder}: lacks {key}; it was saved by another version, begin a new run")
            variable.assign(saved[key])
        return cls(**values)


def _variables(model: keras.Model) -> dict[str, Any]:
    """{key in the file: variable}, of the network and of the optimizer.

    A key is made of position and shape, because Keras numbers the names of layers through a whole process: the second
    network of a process has other names than the first.
    """
    keyed = {}
    for owner, variables in (("model", model.network.variables), ("optimizer", model.optimizer.variables)):
        for position, variable in enumerate(variables):
            keyed[f"{owner}/{position}/{'x'.join(map(str, variable.shape))}"] = variable
    return keyed


def save_network(network: keras.Model, path: Path) -> None:
    """Writes a network as a `.keras` file; a kill leaves the file that was there before."""
    with whole_path(path, ending=".keras") as temporary:
        network.save(temporary)


class Saver:
    """Saves the place to resume from: when asked to, every few minutes, and when the run is interrupted.

    As a context manager it holds SIGINT and SIGTERM back until the current batch is learned (the last batch of an
    epoch: until it is validated, too) and the place is saved, and then raises KeyboardInterrupt. A second signal does
    not wait.

    Args:
      folder: where the place is saved.
      model: whose weights and optimizer are saved.
      minutes: between two places within an epoch.
    """

    def __init__(self, folder: Path, model: keras.Model, minutes: float) -> None:
        self._folder, self._model, self._seconds = folder, model, minutes * 60
        self._saved_at = time.monotonic()
        self._interrupted = False

    def __enter__(self) -> "Saver":
        self._handlers = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: Any) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def save(self, state: State) -> None:
        """Saves the place.

        Raises:
          KeyboardInterrupt: a signal came before or while it was saved.
        """
        state.save(self._folder, self._model)
        self._saved_at = time.monotonic()
        if self._interrupted:
            raise KeyboardInterrupt

    def save_if_due(self, state: State) -> None:
        """Saves the place if the minutes are over or a signal came; raises as `save` does."""
        if self._interrupted or time.monotonic() - self._saved_at > self._seconds:
            self.save(state)
