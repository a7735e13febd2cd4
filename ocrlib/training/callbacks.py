"""What happens around the training step and Keras lacks: a bar in lines/s, a place to resume from, pictures."""

import math
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ocrlib.backend import keras
from ocrlib.batches.mixture import Mixture
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.evaluation.strip import draw_strip
from ocrlib.files import open_whole, read_json, whole_path, write_json
from ocrlib.training.curve import draw_curve


@dataclass
class State:
    """How far a run has come.

    Attributes:
      epoch, batch: the next batch to learn from.
      seconds: of training so far, validation included.
      best_cer, since_best: the lowest validation CER, and the epochs since then.
      stopped: early, for want of progress.
    """

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best_cer: float = math.inf
    since_best: int = 0
    stopped: bool = False

    def save(self, folder: Path, model: keras.Model) -> None:
        """Writes weights, optimizer and place; the place is written last and names the weights it belongs to."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"weights-{self.epoch:04d}-{self.batch:07d}.npz"
        variables = {
            **_by_place("model", model.network.variables),
            **_by_place("optimizer", model.optimizer.variables),
        }
        with open_whole(folder / name, "wb") as file:
            np.savez(file, **variables)
        write_json(folder / "state.json", {**asdict(self), "weights": name})
        for path in folder.glob("*weights-*"):
            if path.name != name:
                path.unlink()

    @classmethod
    def load(cls, folder: Path, model: keras.Model) -> "State":
        """Returns the state saved in `folder` after giving the model its weights and optimizer; new if none."""
        try:
            values = read_json(folder / "state.json")
        except FileNotFoundError:
            return cls()
        saved = np.load(folder / values.pop("weights"))
        for prefix, variables in (
            ("model", model.network.variables),
            ("optimizer", model.optimizer.variables),
        ):
            for name, variable in zip(_by_place(prefix, variables), variables, strict=True):
                if name not in saved:
                    raise UserError(f"{folder}: lacks {name}; it was saved by another version, begin a new run")
                variable.assign(saved[name])
        return cls(**values)


def _by_place(prefix: str, variables: list[Any]) -> dict[str, Any]:
    # By place and shape: the names that Keras gives count up with every network that a process makes.
    shapes = ["x".join(map(str, variable.shape)) for variable in variables]
    return {f"{prefix}/{i}/{shapes[i]}": np.asarray(variable) for i, variable in enumerate(variables)}


class Progress(keras.callbacks.Callback):
    """A bar of lines over each epoch, and a line of figures after it. Keeps `state` up to date."""

    def __init__(self, training: Mixture, seed: int, epochs: int, state: State) -> None:
        super().__init__()
        self._training, self._seed, self._epochs, self._state = training, seed, epochs, state
        self._bar = tqdm(disable=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        total = self._training.count(self._seed, epoch)
        self._bar = tqdm(total=total, initial=self._state.batch, unit="batch", desc=f"epoch {epoch + 1}/{self._epochs}")
        self._last = self._begin = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.monotonic()
        self._state.seconds += now - self._last
        self._last = now
        self._state.batch += 1
        self._bar.update()
        self._bar.set_postfix(loss=f"{(logs or {}).get('loss', math.nan):.3f}", refresh=False)

    def close(self) -> None:
        """Leaves the bar as it is: one that is open when the program ends is drawn once more, below its last line."""
        self._bar.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs if logs is not None else {}
        now = time.monotonic()
        self._state.seconds += now - self._last
        self._state.epoch, self._state.batch = epoch + 1, 0
        self._bar.close()
        logs["minutes"] = self._state.seconds / 60
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        print(
            f"epoch {epoch + 1}: loss {logs['loss']:.3f}, validation loss {logs['val_loss']:.3f}, "
            f"CER {logs['val_cer']:.2%}, WER {logs['val_wer']:.2%}, exact {logs['val_exact_match']:.2%}, "
            f"{logs['minutes']:.1f} min",
            flush=True,
        )


class KeepBest(keras.callbacks.Callback):
    """Saves the network whenever the validation CER falls, and ends the training when it no longer does."""

    def __init__(self, network: keras.Model, path: Path, state: State, patience: int) -> None:
        super().__init__()
        self._network, self._path, self._state, self._patience = network, path, state, patience

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        cer = (logs or {})["val_cer"]
        if cer < self._state.best_cer:
            self._state.best_cer, self._state.since_best = float(cer), 0
            with whole_path(self._path, ending=".keras") as temporary:
                self._network.save(temporary)
            return
        self._state.since_best += 1
        if self._state.since_best >= self._patience:
            print(f"no better CER than {self._state.best_cer:.2%} for {self._patience} epochs: stopping early")
            self._state.stopped = True
            self.model.stop_training = True


class KeepPlace(keras.callbacks.Callback):
    """Saves the place to resume from: after each epoch, every few minutes, and when the run is interrupted.

    As a context manager it holds SIGINT and SIGTERM back until the batch at hand is learned (the last one of an
    epoch: until it is validated too) and the place is saved, and then raises KeyboardInterrupt. A second
    signal does not wait.
    """

    def __init__(self, folder: Path, state: State, minutes: float) -> None:
        super().__init__()
        self._folder, self._state, self._seconds = folder, state, minutes * 60
        self._saved = time.monotonic()
        self._interrupted = False

    def __enter__(self) -> None:
        self._handlers = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: Any) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch + 1 == self.params["steps"]:
            return  # nothing would be left to resume but the validation, and Keras does not run an epoch of no steps
        if self._interrupted or time.monotonic() - self._saved > self._seconds:
            self._save()
        self._stop_if_interrupted()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._save()
        self._stop_if_interrupted()

    def _stop_if_interrupted(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    def _save(self) -> None:
        self._state.save(self._folder, self.model)
        self._saved = time.monotonic()


class PredictionStrip(keras.callbacks.Callback):
    """After each epoch a picture of validation lines with truth and prediction, wrong characters in red.

    Args:
      read: (H, W, C) images -> their texts, by the network as it is then.
      images, truths: the lines, the same in every epoch.
      folder: for `epoch-001.png` and so on.
    """

    def __init__(
        self,
        read: Callable[[list[np.ndarray]], list[str]],
        images: list[np.ndarray],
        truths: list[str],
        folder: Path,
    ) -> None:
        super().__init__()
        self._read, self._images, self._truths, self._folder = read, images, truths, folder

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        strip = draw_strip(self._images, self._truths, self._read(self._images))
        self._folder.mkdir(parents=True, exist_ok=True)
        strip.save(self._folder / f"epoch-{epoch + 1:03d}.png")


class LearningCurve(keras.callbacks.Callback):
    """After each epoch a picture of the run's history so far, which must be written before: `training.curve`."""

    def __init__(self, history: Path, out: Path) -> None:
        super().__init__()
        self._history, self._out = history, out

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        draw_curve(self._history, self._out)


def pick_lines(validation: Mixture, charset: Charset, num_lines: int = 16) -> tuple[list[np.ndarray], list[str]]:
    """Returns (H, W, C) images and their texts, taken evenly from the batches, so from all widths."""
    lines = [(batch, row) for batch in validation.batches() for row in range(len(batch["width"]))]
    num_lines = min(num_lines, len(lines))
    images, truths = [], []
    for i in range(num_lines):
        batch, row = lines[i * len(lines) // num_lines]
        images.append(batch["image"][row, :, : batch["width"][row]])
        truths.append(charset.decode(batch["label"][row, : batch["label_length"][row]].tolist()))
    return images, truths
