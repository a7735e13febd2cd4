"""The place to resume from survives a kill and a signal, and the best network is known by its validation CER."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.errors import UserError
from ocrlib.training import checkpoint
from ocrlib.training.checkpoint import Saver, State, save_network


def tiny_model(units: int = 3) -> Any:
    """An object with a small network and its optimizer."""
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


# The place to resume from


def test_a_saved_place_comes_back_whole_in_a_new_model(tmp_path: Path) -> None:
    model, other = tiny_model(), tiny_model()
    fill(model, 100)
    state = State(epoch=3, batch=17, seconds=4.5, best_cer=0.25, since_best=1, stopped=False)
    state.save(tmp_path / "last", model)
    fill(other, 0)
    assert State.load(tmp_path / "last", other) == state
    assert values(other) == values(model)
    assert len(values(model)) >= 7  # kernel, bias, dropout's seed, and at least four of the optimizer


def test_only_the_newest_weights_are_kept(tmp_path: Path) -> None:
    model = tiny_model()
    (tmp_path / ".weights-0000-0000001.npz.tmp").write_bytes(b"cut off by a kill")
    for batch in (1, 2):
        State(batch=batch).save(tmp_path, model)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "weights-0000-0000002.npz"]


def test_weights_that_a_kill_left_beside_the_newest_are_gone_when_it_goes_on(tmp_path: Path) -> None:
    model = tiny_model()
    State(batch=2).save(tmp_path, model)
    (tmp_path / "weights-0000-0000001.npz").write_bytes(b"the kill came before these were deleted")
    assert State.load(tmp_path, model).batch == 2
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
        patch.setattr(np if step == "savez" else checkpoint, step, kill)
        State(epoch=1, batch=6).save(tmp_path, model)
    assert State.load(tmp_path, model) == before
    assert values(model) == kept


def test_a_run_without_a_saved_place_starts_from_the_beginning(tmp_path: Path) -> None:
    assert State.load(tmp_path / "last", tiny_model()) == State(epoch=0, batch=0)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    State().save(tmp_path, tiny_model(units=3))
    with pytest.raises(UserError, match="it was saved by another version, begin a new run"):
        State.load(tmp_path, tiny_model(units=4))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("{", "state.json: cannot be read: "),
        ("[" * 100_000, "state.json: cannot be read: is nested too deeply"),
        ("[]", "state.json: cannot be read: names no file of weights"),
        ('{"weights": "../../secret.npz"}', "names no file of weights"),
        ('{"weights": 3}', "names no file of weights"),
        ('{"weights": "weights-0001-0000005.npz", "batch": -1}', "batch must be greater than or equal to 0, not -1"),
        ('{"weights": "weights-0001-0000005.npz", "seconds": NaN}', "seconds must be a valid number, not null"),
        ('{"weights": "weights-0001-0000005.npz", "colour": 1}', "has no key 'colour'"),
        ('{"weights": "weights-0009-0000000.npz"}', "weights-0009-0000000.npz: cannot be read: "),
    ],
)
def test_a_place_that_says_anything_else_is_refused_in_a_line(state: str, message: str, tmp_path: Path) -> None:
    model = tiny_model()
    State(epoch=1, batch=5).save(tmp_path, model)
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(UserError) as raised:
        State.load(tmp_path, model)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("damage", ["cut", "flipped", "large", "type", "object"])
def test_damaged_weights_are_refused_in_a_line(damage: str, tmp_path: Path) -> None:
    model = tiny_model()
    State().save(tmp_path, model)
    (path,) = tmp_path.glob("weights-*")
    data = path.read_bytes()
    with np.load(path) as saved:
        arrays = dict(saved)
    first = next(iter(arrays))
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        path.write_bytes(data[:130] + bytes([data[130] ^ 1]) + data[131:])
    elif damage == "large":  # a few kilobytes of file, a gigabyte in memory
        np.savez_compressed(path, **arrays | {first: np.zeros(1 << 20, np.float32)})
    elif damage == "type":
        np.savez(path, **arrays | {first: arrays[first].astype(np.float64)})
    else:
        np.savez(path, **arrays | {first: np.array([{}], object)})
    with pytest.raises(UserError, match=r"weights-\S+: cannot be read: .*; begin a new run") as raised:
        State.load(tmp_path, model)
    assert "\n" not in str(raised.value)


def test_new_weights_are_on_disk_before_the_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(checkpoint, "sync_folder", lambda folder: done.append("synced"))
    monkeypatch.setattr(Path, "unlink", lambda path, **settings: done.append(path.name))
    for batch in (1, 2):
        State(batch=batch).save(tmp_path, tiny_model())
    assert done == ["synced", "synced", "weights-0000-0000001.npz"]


def test_the_place_is_saved_every_few_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    saver = Saver(tmp_path, tiny_model(), minutes=2)
    saved = []
    for minute in (1.0, 1.9, 2.1, 3.0, 4.0, 4.2):
        clock[0] = minute * 60
        saver.save_if_due(State())
        if (tmp_path / "state.json").exists():
            saved.append(minute)
            (tmp_path / "state.json").unlink()
    assert saved == [2.1, 4.2]
    saver.save(State())
    assert (tmp_path / "state.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("method", [Saver.save, Saver.save_if_due])
def test_a_signal_waits_for_the_place_to_be_saved_and_a_second_one_does_not(
    method: Callable[[Saver, State], None], number: signal.Signals, tmp_path: Path
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), Saver(tmp_path, tiny_model(), minutes=60) as saver:
        os.kill(os.getpid(), number)
        assert not (tmp_path / "state.json").exists()
        method(saver, State(batch=4))
        pytest.fail("went on")
    assert json.loads((tmp_path / "state.json").read_text())["batch"] == 4
    assert signal.getsignal(number) is before
    with pytest.raises(KeyboardInterrupt), Saver(tmp_path, tiny_model(), minutes=60):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        pytest.fail("went on")


# The best network


def test_the_best_epoch_is_known_and_patience_runs_out() -> None:
    state = State(batch=3)
    best = []
    for epoch, (cer, loss) in enumerate([(0.5, 3.0), (0.6, 2.5), (0.4, 2.0), (0.4, 1.5), (0.5, 1.0), (0.1, 0.5)]):
        if state.end_epoch(cer, loss, seconds=2.0, patience=2):
            best.append(epoch)
        if state.stopped:
            break
    assert best == [0, 2, 3]  # of equal rates the lower loss; patience asks for a lower rate
    assert state == State(epoch=5, batch=0, seconds=10.0, best_cer=0.4, best_loss=1.5, since_best=2, stopped=True)


def test_a_kill_while_the_best_network_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, path = tiny_model().network, tmp_path / "best.keras"
    save_network(network, path)
    assert [p.name for p in tmp_path.iterdir()] == ["best.keras"]  # no temporary file stays
    before = path.read_bytes()

    def kill(self: keras.Model, where: Path) -> None:
        where.write_bytes(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(network), "save", kill)
        save_network(network, path)
    assert path.read_bytes() == before
