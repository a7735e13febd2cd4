"""What happens after each training step: the step is counted, the bar moves on, the place is saved if it is time."""

import math
import time
from typing import Any

from tqdm import tqdm

from ocrlib.backend import keras
from ocrlib.training.checkpoint import Saver, State

_BAR = "{l_bar}{bar}| batch {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class StepCallback(keras.callbacks.Callback):
    """Runs beside one epoch, which may begin in the middle, and counts its batches in `state`.

    Args:
      state: of the run; the epoch begins at `state.batch`.
      saver: may save the place after each step except the last one. After that only the validation would be left to
        resume, and Keras does not run an epoch without steps.
      num_batches: of the whole epoch.
      title: the text in front of the bar.

    Attributes:
      validation_seconds: from the last step to the end of the epoch.
    """

    def __init__(self, state: State, saver: Saver, num_batches: int, title: str) -> None:
        super().__init__()
        self._state, self._saver = state, saver
        self._num_batches, self._title = num_batches, title
        self._bar = tqdm(disable=True)
        self.validation_seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar = tqdm(total=self._num_batches, initial=self._state.batch, desc=self._title, bar_format=_BAR)
        self._last = time.monotonic()
        self._first_step: tuple[float, float] | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._state.end_batch(self._lap())
        self._bar.update()
        self._bar.set_postfix_str(f"{self._rate()}loss={(logs or {}).get('loss', math.nan):.3f}", refresh=False)
        if self._state.batch < self._num_batches:
            self._saver.save_if_due(self._state)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.validation_seconds = self._lap()
        if logs is not None:
            logs["minutes"] = (self._state.seconds + self.validation_seconds) / 60  # TensorBoard draws it
        self.close()

    def close(self) -> None:
        """Closes the bar where it stands; a bar left open would be drawn once more when the program ends."""
        self._bar.close()

    def _lap(self) -> float:
        """Returns the seconds since the last call, or since the epoch began."""
        before, self._last = self._last, time.monotonic()
        return self._last - before

    def _rate(self) -> str:
        """Returns the mean lines/s since the end of the first step, in which TensorFlow builds the graph."""
        now, lines = time.monotonic(), self.model.num_lines_learned()
        if self._first_step is None:
            self._first_step = now, lines
            return ""
        begin, first_lines = self._first_step
        return f"{(lines - first_lines) / max(now - begin, 1e-9):,.0f} lines/s, "
