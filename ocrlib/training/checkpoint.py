"""How far a run has come, and how that is saved, so that a stopped run can go on with the next batch."""

import math
import re
import signal
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.backend import keras
from ocrlib.errors import UserError
from ocrlib.files import NPY_DAMAGES, ZIP_DAMAGES, open_whole, read_json, sync_folder, whole_path, write_json

_WEIGHTS_NAME = re.compile(r"weights-\d{4,}-\d{7,}\.npz")
_NPY_HEADER_BYTES = 4096  # more than numpy writes before the numbers of an array


@dataclass(config=config.STRICT)
class State:
    """How far a run has come. Only `end_batch` and `end_epoch` change it.

    Attributes:
      epoch, batch: the next batch to learn from, counted from 0.
      seconds: of training and validation so far.
      best_cer, best_loss, since_best: the lowest validation CER, the loss there, and the epochs since then.
      stopped: the training ended early, because the validation CER did not fall any more.
    """

    epoch: Annotated[int, Field(ge=0)] = 0
    batch: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0
    best_cer: Annotated[float, Field(ge=0)] = math.inf
    best_loss: float = math.inf
    since_best: Annotated[int, Field(ge=0)] = 0
    stopped: bool = False

    def end_batch(self, seconds: float) -> None:
        """Counts a batch that was learned in so many seconds."""
        self.batch += 1
        self.seconds += seconds

    def end_epoch(self, cer: float, loss: float, seconds: float, patience: int) -> bool:
        """Counts an epoch and its validation, and returns whether its network is the best so far.

        Args:
          cer, loss: of the validation. Of equal rates, which few lines often give, the lower loss is better.
          seconds: since the last batch of the epoch.
          patience: epochs without a better CER after which the training stops.
        """
        self.epoch, self.batch = self.epoch + 1, 0
        self.seconds += seconds
        self.since_best = 0 if cer < self.best_cer else self.since_best + 1
        self.stopped = self.since_best >= patience
        is_best = (cer, loss) < (self.best_cer, self.best_loss)
        if is_best:
            self.best_cer, self.best_loss = cer, loss
        return is_best

    def save(self, folder: Path, model: keras.Model) -> None:
        """Writes the weights and the optimizer, then the state with the name of their file, and deletes older files."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"weights-{self.epoch:04d}-{self.batch:07d}.npz"
        arrays: dict[str, Any] = {key: np.asarray(variable) for key, variable in _variables(model).items()}
        with open_whole(folder / name, "wb") as file:
            np.savez(file, **arrays)
        write_json(folder / "state.json", {**asdict(self), "weights": name})
        sync_folder(folder)  # after a power cut, too, the new state and its weights are there before the old ones go
        _sweep(folder, name)

    @classmethod
    def load(cls, folder: Path, model: keras.Model) -> "State":
        """Returns the state saved in `folder` after giving the model its weights and optimizer; a new one if none.

        Weights that a kill has left beside those of the state are deleted, when the state's have been read.

        Raises:
          UserError: the files cannot be read, or hold the weights of another network.
        """
        path = folder / "state.json"
        try:
            values = read_json(path)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise _lost(path, error) from None
        weights = values.pop("weights", None) if isinstance(values, dict) else None
        if not isinstance(weights, str) or not _WEIGHTS_NAME.fullmatch(weights):
            raise _lost(path, "names no file of weights")
        for name in ("best_cer", "best_loss"):
            if values.get(name, 0) is None:  # JSON has no form for an infinite number
                del values[name]
        state = config.build(cls, values, {}, str(path))
        variables = _variables(model)
        arrays = _read_arrays(folder / weights, variables)
        for key, variable in variables.items():
            variable.assign(arrays[key])
        _sweep(folder, weights)
        return state


def _sweep(folder: Path, kept: str) -> None:
    """Deletes the weights in a folder but those of that name; of several machines, any may come first."""
    for path in folder.glob("*weights-*"):
        if path.name != kept:
            path.unlink(missing_ok=True)


def _read_arrays(path: Path, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns the arrays of a file, those that the variables want; the sizes are looked at before the numbers are read.

    Raises:
      UserError: the file is damaged, or lacks one of them.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as file:
            sizes = {item.filename: item.file_size for item in file.infolist()}
        with np.load(path, allow_pickle=False) as saved:
            for key, variable in variables.items():
                if key not in saved.files:
                    raise UserError(f"{path.parent}: lacks {key}; it was saved by another version, begin a new run")
                wanted = np.asarray(variable)
                if sizes[f"{key}.npy"] > wanted.nbytes + _NPY_HEADER_BYTES:
                    raise ValueError(f"its {key} is larger than the network's")
                arrays[key] = saved[key]
                if (arrays[key].shape, arrays[key].dtype) != (wanted.shape, wanted.dtype):
                    raise ValueError(f"its {key} has another shape or type than the network's")
    except UserError:
        raise
    except (OSError, ValueError, KeyError, EOFError, *ZIP_DAMAGES, *NPY_DAMAGES) as error:
        raise _lost(path, error) from None
    return arrays


def _lost(path: Path, error: object) -> UserError:
    return UserError(f"{path}: cannot be read: {error}; begin a new run, by --init from this one if it has best.keras")


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
