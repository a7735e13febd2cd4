"""What surrounds the training step: a place that survives a kill, the best network, pictures of what is read."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.batches.loader import Loader
from ocrlib.batches.mixture import Mixture
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.training import callbacks
from ocrlib.training.callbacks import KeepBest, KeepPlace, Progress, State, pick_lines
from tests.training_fixtures import DIGITS, draw_line, numbers, write_dataset


def tiny_model(units: int = 3) -> Any:
    """Something with a network and an optimizer whose variables are all different."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dropout(0.5)])
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(network.trainable_variables)
    return SimpleNamespace(network=network, optimizer=optimizer)


def fill(model: Any, value: int) -> None:
    """Gives every variable a value of its own."""
    for number, variable in enumerate([*model.network.variables, *model.optimizer.variables]):
        variable.assign(np.full(variable.shape, value + number))


def values(model: Any) -> list[float]:
    """One number of each variable."""
    variables = [*model.network.variables, *model.optimizer.variables]
    return [float(np.asarray(variable).ravel()[0]) for variable in variables]


def test_a_bar_that_is_left_in_mid_epoch_is_not_drawn_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write_dataset(tmp_path / "d", {"train": numbers(20)})
    training = Mixture([Loader(folder, "train", Charset(DIGITS), None, 4)])
    progress = Progress(training, 1, 2, State())
    progress.close()  # before the first epoch there is none
    progress.on_epoch_begin(0)
    progress.on_train_batch_end(0, {"loss": 1.0})
    progress.close()
    assert "epoch 1/2" in capfd.readouterr().err
    progress.close()
    del progress
    assert capfd.readouterr().err == ""


# The place to resume from


def test_a_saved_place_comes_back_whole_in_a_new_model(tmp_path: Path) -> None:
    model, other = tiny_model(), tiny_model()
    fill(model, 100)
    state = State(epoch=3, batch=17, seconds=4.5, best_cer=0.25, since_best=1, stopped=False)
    state.save(tmp_path / "last", model)
    fill(other, 0)
    assert State.load(tmp_path / "last", other) == state
    assert values(other) == values(model)
    assert len(values(model)) >= 7  # kernel, bias, dropout's seed, and four of the optimizer at least


def test_only_the_newest_weights_are_kept(tmp_path: Path) -> None:
    model = tiny_model()
    (tmp_path / ".weights-0000-0000001.npz.tmp").write_bytes(b"cut off by a kill")
    for batch in (1, 2):
        State(batch=batch).save(tmp_path, model)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "weights-0000-0000002.npz"]


@pytest.mark.parametrize("step", ["savez", "write_json"])
def test_a_kill_while_saving_leaves_the_place_before(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model()
    fill(model, 100)
    before = State(epoch=1, batch=5)
    before.save(tmp_path, model)
    kept = values(model)

    def kill(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    fill(model, 500)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(np if step == "savez" else callbacks, step, kill)
        State(epoch=1, batch=6).save(tmp_path, model)
    assert State.load(tmp_path, model) == before
    assert values(model) == kept


def test_a_run_without_a_place_begins_at_the_beginning(tmp_path: Path) -> None:
    assert State.load(tmp_path / "last", tiny_model()) == State(epoch=0, batch=0)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    State().save(tmp_path, tiny_model(units=3))
    with pytest.raises(UserError, match="it was saved by another version, begin a new run"):
        State.load(tmp_path, tiny_model(units=4))


def keep_place(folder: Path, minutes: float, steps: int = 100) -> KeepPlace:
    """The callback as `fit` sets it up."""
    place = KeepPlace(folder, State(), minutes)
    place.set_params({"steps": steps})
    place._model = tiny_model()
    return place


def test_the_place_is_saved_every_few_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    place = keep_place(tmp_path, minutes=2)
    saved = []
    for minute in (1.0, 1.9, 2.1, 3.0, 4.0, 4.2):
        clock[0] = minute * 60
        place.on_train_batch_end(int(minute))
        if (tmp_path / "state.json").exists():
            saved.append(minute)
            (tmp_path / "state.json").unlink()
    assert saved == [2.1, 4.2]
    place.on_epoch_end(0)
    assert (tmp_path / "state.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_batch_and_a_second_one_does_not(number: signal.Signals, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    place = keep_place(tmp_path, minutes=60)
    with pytest.raises(KeyboardInterrupt), place:
        os.kill(os.getpid(), number)
        assert not (tmp_path / "state.json").exists()
        place.on_train_batch_end(3)
        pytest.fail("went on")
    assert (tmp_path / "state.json").exists()
    assert signal.getsignal(number) is before
    place = keep_place(tmp_path, minutes=60)
    with pytest.raises(KeyboardInterrupt), place:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        pytest.fail("went on")


def test_after_the_last_batch_of_an_epoch_a_signal_waits_for_the_validation(tmp_path: Path) -> None:
    place = keep_place(tmp_path, minutes=60, steps=4)
    validated = False
    with pytest.raises(KeyboardInterrupt), place:
        os.kill(os.getpid(), signal.SIGTERM)
        place.on_train_batch_end(3)
        validated = not (tmp_path / "state.json").exists()
        place.on_epoch_end(0)
        pytest.fail("went on")
    assert validated
    assert (tmp_path / "state.json").exists()


# The best network


def test_the_best_network_is_kept_and_patience_runs_out(tmp_path: Path) -> None:
    state = State()
    network = tiny_model().network
    path = tmp_path / "best.keras"
    best = KeepBest(network, path, state, patience=2)
    best._model = SimpleNamespace(stop_training=False)
    written = []
    for epoch, cer in enumerate([0.5, 0.6, 0.4, 0.4, 0.5, 0.1]):
        best.on_epoch_end(epoch, {"val_cer": cer})
        if path.exists():
            written.append(epoch)
            path.unlink()
        if best.model.stop_training:
            break
    assert written == [0, 2]  # as good as the best is not better
    assert (state.best_cer, state.since_best, state.stopped) == (0.4, 2, True)
    assert epoch == 4
    assert list(tmp_path.iterdir()) == []  # no temporary file stays


# Pictures


@pytest.mark.parametrize(
    ("num_validation", "batch_size", "expected"), [(40, 4, 16), (40, 100, 16), (20, 6, 16), (5, 4, 5), (1, 4, 1)]
)
def test_lines_for_the_strip_are_all_different(
    num_validation: int, batch_size: int, expected: int, tmp_path: Path
) -> None:
    texts = list(dict.fromkeys(numbers(200, longest=6)))[:num_validation]
    folder = write_dataset(tmp_path / "d", {"val": texts})
    charset = Charset(DIGITS)
    images, truths = pick_lines(Mixture([Loader(folder, "val", charset, None, batch_size)]), charset)
    assert len(truths) == len(set(truths)) == expected
    assert set(truths) <= set(texts)
    for image, truth in zip(images, truths, strict=True):
        assert np.array_equal(image[:, :, 0], draw_line(truth))
    if num_validation == 40:  # from narrow to wide
        widths = [image.shape[1] for image in images]
        assert min(widths) < 35
        assert max(widths) > 80
