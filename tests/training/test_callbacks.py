"""What happens after each training step: the bar, the count of batches, the place that is saved if it is time."""

from types import SimpleNamespace

import pytest

from ocrlib.training import callbacks
from ocrlib.training.callbacks import StepCallback
from ocrlib.training.checkpoint import State


class SaverSpy:
    """Notes the state it is given."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def save_if_due(self, state: State) -> None:
        self.batches.append(state.batch)


def step_callback(state: State, saver: SaverSpy, num_batches: int) -> StepCallback:
    """The callback as `fit` sets it up, beside a model that has learned four lines a batch."""
    steps = StepCallback(state, saver, num_batches, "epoch 1/2")  # type: ignore[arg-type]
    steps._model = SimpleNamespace(num_lines_learned=lambda: 4 * state.batch)
    return steps


def test_batches_are_counted_before_their_place_is_saved_and_after_the_last_none_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    state, saver = State(batch=2), SaverSpy()
    steps = step_callback(state, saver, num_batches=5)
    steps.on_epoch_begin(0)
    for _ in range(3):
        clock[0] += 1.5
        steps.on_train_batch_end(0, {"loss": 1.0})
    clock[0] += 2.0
    logs = {"loss": 1.0}
    steps.on_epoch_end(0, logs)
    assert saver.batches == [3, 4]
    assert (state.batch, state.seconds, steps.validation_seconds) == (5, 4.5, 2.0)
    assert logs["minutes"] == 6.5 / 60


def test_the_bar_shows_lines_a_second_without_the_first_step(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    steps = step_callback(State(), SaverSpy(), num_batches=3)
    steps.on_epoch_begin(0)
    for seconds in (30.0, 0.5, 0.5):  # TensorFlow builds its graph in the first step
        clock[0] += seconds
        steps.on_train_batch_end(0, {"loss": 1.0})
    steps.close()
    assert "batch 3/3 [" in (shown := capfd.readouterr().err)
    assert ", 8 lines/s, loss=1.000]" in shown


def test_a_bar_that_is_left_in_mid_epoch_is_not_drawn_again(capfd: pytest.CaptureFixture[str]) -> None:
    steps = step_callback(State(), SaverSpy(), num_batches=5)
    steps.close()  # before the first epoch there is none
    steps.on_epoch_begin(0)
    steps.on_train_batch_end(0, {"loss": 1.0})
    steps.close()
    assert "epoch 1/2" in capfd.readouterr().err
    steps.close()
    del steps
    assert capfd.readouterr().err == ""
