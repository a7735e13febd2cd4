"""A run from its first step to its metrics: what it learns, what it writes, how it stops and resumes."""

import csv
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocrlib import config
from ocrlib.backend import keras, tf
from ocrlib.batches import loader
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest, write_manifest
from ocrlib.errors import UserError
from ocrlib.network.crnn import build_crnn, width_stride
from ocrlib.reading.decoding.paths import BestPaths
from ocrlib.training import ctc_model
from ocrlib.training.ctc_model import CTCModel, add_share, plain_error
from ocrlib.training.lines import Replay
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.prepare import new_network
from ocrlib.training.run_folder import check_new, check_resumable, lock_run, resumed_settings
from ocrlib.training.settings import ModelConfig, RunConfig, TrainConfig
from ocrlib.training.trainer import train
from tests.training_fixtures import TrainedRun, draw_line, flip_byte, manifest_values, numbers, write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 lines for training, 8 for validation and 8 for the test."""
    splits = {"train": numbers(40, seed=1), "val": numbers(8, seed=2), "test": numbers(8, seed=3)}
    return write_dataset(tmp_path_factory.mktemp("trainer") / "digits", splits)


def settings(*, of_a_start: bool = False, **overrides: str) -> RunConfig:
    """Two short epochs of a small network, or of the one that a start brings; `section__key="value"` sets more."""
    base = {
        "data": {"batch_size": 4},
        "model": {} if of_a_start else {"filters": 0.5},
        "train": {"epochs": 2},
        "augment": {"rotation_deg": 2.0, "noise": 8.0},
    }
    return config.build(RunConfig, base, {name.replace("__", "."): v for name, v in overrides.items()}, "the test")


def history(run: Path) -> list[dict[str, str]]:
    """The rows of history.csv."""
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_numbers_get_a_stride_of_2_and_language_a_larger_network_of_4(tmp_path: Path) -> None:
    manifest = read_manifest(write_dataset(tmp_path / "d", {"train": ["12"]}))
    sizes = {}
    for source, stride in (("numeric", 2), ("wikipedia", 4)):
        of_source = replace(manifest, recipe={"text": {"source": source}})
        network = new_network([of_source], Charset("0123456789"), ModelConfig())
        assert (width_stride(network), network.name) == (stride, "crnn_conv")
        sizes[source] = network.count_params()
        network = new_network([of_source], Charset("0123456789"), ModelConfig(stride=6 - stride))
        assert width_stride(network) == 6 - stride
        assert new_network([of_source], Charset("0123456789"), ModelConfig(use_lstm=True)).name == "crnn_lstm"
    assert sizes["wikipedia"] > 3 * sizes["numeric"]


# What it learns


def test_sixteen_lines_are_learned_by_heart_in_two_hundred_steps(trained_run: TrainedRun) -> None:
    (result,) = trained_run.metrics["datasets"].values()
    assert result["exact_match"] == 1.0
    assert (result["lines"], result["exact"], result["cer"]) == (16, 16, 0.0)
    (weights,) = trained_run.run.glob("last/*.npz")
    with np.load(weights) as saved:
        assert 100 < int(saved["optimizer/0/"]) < 200  # the optimizer counts its steps
    losses = [float(row["loss"]) for row in history(trained_run.run)]
    assert losses[-1] < losses[0] / 100


def test_a_training_leaves_everything_it_promises(trained_run: TrainedRun) -> None:
    run = trained_run.run
    events = [path.parent.name for path in run.glob("tensorboard/*/events.out.tfevents.*")]
    assert set(events) == {"train", "validation"}
    assert sorted(path.name for path in (run / "predictions").iterdir()) == [f"epoch-{n:03d}.png" for n in range(1, 9)]
    assert sorted(path.name for path in (run / "last").iterdir()) == ["state.json", "weights-0008-0000000.npz"]
    assert (run / "best.keras").is_file()
    assert Image.open(run / "curve.png").size == (800, 320)
    assert json.loads((run / "metrics.json").read_text()) == trained_run.metrics
    report = (run / "report.html").read_text()
    assert "epoch 008" in report
    assert "by length" in report
    assert not list(run.rglob(".*"))


def test_the_config_has_every_setting_and_the_fingerprints(trained_run: TrainedRun) -> None:
    written = json.loads((trained_run.run / "config.json").read_text())
    manifest = manifest_values(trained_run.dataset)
    folder = str(trained_run.dataset)
    (entry,) = written["datasets"]
    assert (entry["folder"], entry["fingerprint"], entry["weight"]) == (folder, manifest["fingerprint"], None)
    assert (entry["lines"], entry["seen"]) == (320, 8 * 320)
    assert (written["init"], written["replay"]) == (None, None)
    assert written["plan"] == {"steps": 8 * 24, "epochs": 8, "epoch_batches": None}
    assert written["network"]["encoder"] == "conv"
    assert (written["network"]["stride"], written["network"]["filters"]) == (2, 2.0)
    assert written["network"]["parameters"] > 100_000
    assert written["precision"] in ("float32", "bfloat16")
    assert written["machine"]["cores"] >= 1
    assert set(written["versions"]) == {"python", "ocrlib", "tensorflow", "keras", "numpy"}
    assert (written["config"]["train"]["learning_rate"], written["config"]["train"]["freeze"]) == (0.003, "nothing")
    assert written["config"]["train"]["epochs"] == 8
    assert written["config"]["train"]["optimizer"] == "adam"  # a default is written too
    assert written["config"]["data"]["batch_size"] == 16


def test_the_history_has_a_row_an_epoch(trained_run: TrainedRun) -> None:
    rows = history(trained_run.run)
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))  # as the screen counts
    columns = {"epoch", "loss", "val_loss", "val_cer", "val_wer", "val_exact_match", "learning_rate", "minutes"}
    assert set(rows[0]) == columns
    assert float(rows[-1]["val_exact_match"]) == 1.0
    minutes = [float(row["minutes"]) for row in rows]
    assert minutes == sorted(minutes)


# The step


def tiny_model() -> tuple[CTCModel, list[dict[str, Any]]]:
    """A model without dropout and with a learning rate of 0, and two batches of 3 lines and of 1."""
    model = CTCModel(build_crnn(32, 11, stride=4), Charset("0123456789"))
    for layer in model.network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    model.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    batches = []
    for texts in (["12", "3", "456"], ["98765432"]):
        images = [draw_line(text) for text in texts]
        image = np.full((len(texts), 32, 168, 1), 255, np.uint8)
        label = np.full((len(texts), 8), -1, np.int32)
        for row, (text, line) in enumerate(zip(texts, images, strict=True)):
            image[row, :, : line.shape[1], 0] = line
            label[row, : len(text)] = [int(digit) for digit in text]
        batches.append(
            {
                "image": tf.constant(image),
                "width": tf.constant([line.shape[1] for line in images]),
                "label": tf.constant(label),
                "label_length": tf.constant([len(text) for text in texts]),
                "id": tf.constant([f"train-{text}" for text in texts]),
            }
        )
    return model, batches


def test_losses_are_the_mean_over_lines_not_the_last_batch() -> None:
    model, batches = tiny_model()
    losses = [loss for batch in batches for loss in model._ctc_losses(batch, training=False)[0].numpy()]
    for batch in batches:
        logs = model.test_step(batch)
    assert float(logs["loss"]) == pytest.approx(np.mean(losses), rel=1e-5)
    each = []
    for batch in batches:
        model.reset_metrics()
        each.append(float(model.train_step(batch)["loss"]))
    model.reset_metrics()
    for batch in batches:
        logs = model.train_step(batch)
    assert float(logs["loss"]) == pytest.approx((3 * each[0] + each[1]) / 4, rel=1e-5)
    assert each[0] != pytest.approx(each[1], rel=0.01)


def test_validation_counts_errors_over_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batches = tiny_model()
    read = iter([[[1, 2], [], [4, 5, 7]], [[9, 8, 7, 6, 5, 4, 3, 2]]])
    monkeypatch.setattr(
        ctc_model, "best_paths", lambda probs, input_length: BestPaths(classes=next(read), characters=[])
    )
    for batch in batches:
        logs = {name: float(value) for name, value in model.test_step(batch).items()}
    assert logs["cer"] == pytest.approx(2 / 14)
    assert logs["wer"] == pytest.approx(2 / 4)
    assert logs["exact_match"] == pytest.approx(2 / 4)


def test_shares_add_up_and_are_zero_of_nothing() -> None:
    metric = keras.metrics.Mean("cer")
    assert float(metric.result()) == 0.0
    for part, whole in ((1, 2), (2, 10)):
        add_share(metric, tf.constant(part, tf.int64), tf.constant(whole, tf.int64))
    assert float(metric.result()) == 3 / 12
    add_share(metric, tf.constant(27, tf.int64), tf.constant(3, tf.int64))  # a text that is much too long
    assert float(metric.result()) == 30 / 15
    metric.reset_state()
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize(
    ("overrides", "rates"),
    [
        ({"schedule": "constant"}, {0: 0.01, 50: 0.01, 100: 0.01}),
        ({"schedule": "cosine", "warmup": 0.0}, {0: 0.01, 50: 0.005, 100: 0.0}),
        ({"schedule": "cosine", "warmup": 0.1}, {0: 0.0005, 10: 0.01, 55: 0.005, 100: 0.0}),
    ],
)
def test_the_rate_follows_its_schedule(overrides: dict[str, Any], rates: dict[int, float]) -> None:
    optimizer = make_optimizer(TrainConfig(learning_rate=0.01, **overrides), 100)
    rate = optimizer._learning_rate
    for step, expected in rates.items():
        value = rate(step) if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else rate
        assert float(value) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimizer_clips_the_whole_gradient(name: str) -> None:
    optimizer = make_optimizer(TrainConfig(optimizer=name, clip_norm=2.5), 10)  # type: ignore[arg-type]
    assert type(optimizer).__name__.lower() == name
    assert optimizer.global_clipnorm == 2.5
    assert make_optimizer(TrainConfig(clip_norm=0.0), 10).global_clipnorm is None


# Stopping and going on


class Watch:
    """Notes the sample ids of each batch that is learned, and may ask the process to stop after one of them."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.learned: list[list[str]] = []
        self.stop_after = stop_after

    def note(self, ids: np.ndarray) -> np.ndarray:
        self.learned.append([name.decode() for name in ids])
        if len(self.learned) == self.stop_after:
            os.kill(os.getpid(), signal.SIGTERM)
        return np.int32(0)

    def step(self, original: Callable[[CTCModel, Any], Any]) -> Callable[[CTCModel, Any], Any]:
        def watched(model: CTCModel, batch: dict[str, tf.Tensor]) -> Any:
            with tf.control_dependencies([tf.numpy_function(self.note, [batch["id"]], tf.int32)]):
                return original(model, {name: tf.identity(value) for name, value in batch.items()})

        return watched


def watched_train(watch: Watch, *arguments: Any, resume: bool = False) -> dict[str, Any]:
    """`train`, with its steps watched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CTCModel, "train_step", watch.step(CTCModel.train_step))
        return train(*arguments, resume=resume)


def weights(run: Path) -> dict[str, np.ndarray]:
    """All variables saved to resume from: the network's, its dropout's seeds, the optimizer's."""
    (path,) = (run / "last").glob("weights-*.npz")
    with np.load(path) as saved:
        return dict(saved)


@pytest.fixture(scope="module")
def unbroken(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Watch, Path]:
    """Two epochs without a stop."""
    watch, run = Watch(), tmp_path_factory.mktemp("unbroken") / "run"
    watched_train(watch, [dataset], run, settings())
    return watch, run


@pytest.mark.parametrize("stop_after", [5, 13])  # in the middle of an epoch, and with the last batch of the first epoch
def test_a_stopped_run_goes_on_with_the_very_next_batch(
    stop_after: int, dataset: Path, unbroken: tuple[Watch, Path], tmp_path: Path
) -> None:
    whole, whole_run = unbroken
    first, second = Watch(stop_after), Watch()
    with pytest.raises(KeyboardInterrupt):
        watched_train(first, [dataset], tmp_path / "run", settings())
    assert stop_after <= len(first.learned) <= stop_after + 1 < len(whole.learned)
    assert not (tmp_path / "run" / "metrics.json").exists()
    watched_train(second, [dataset], tmp_path / "run", settings(), resume=True)
    assert first.learned + second.learned == whole.learned
    assert [int(row["epoch"]) for row in history(tmp_path / "run")] == [1, 2]
    assert len(list((tmp_path / "run" / "predictions").iterdir())) == 2
    # Not only the same lines: the same augmentation, network, dropout and optimizer.
    left, right = weights(tmp_path / "run"), weights(whole_run)
    assert left.keys() == right.keys()
    assert len([name for name in left if name.startswith("optimizer/")]) > 20
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=0.02, atol=0.02, err_msg=name)


def test_every_line_is_learned_once_an_epoch_and_each_epoch_has_another_order(unbroken: tuple[Watch, Path]) -> None:
    learned = unbroken[0].learned
    epochs = learned[: len(learned) // 2], learned[len(learned) // 2 :]
    for epoch in epochs:
        assert sorted(name for batch in epoch for name in batch) == [f"train-{index:09d}" for index in range(40)]
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"train__learning_rate": "0.1"}, "was begun with other config (train.learning_rate 0.003 then, 0.1 now)"),
        ({"train__epochs": "3", "train__seed": "7"}, "(train.epochs 2 then, 3 now; train.seed 1 then, 7 now)"),
        ({"model__use_lstm": "true"}, "was begun with other config (model.use_lstm None then, True now)"),
    ],
)
def test_a_run_is_not_resumed_with_other_settings(
    overrides: dict[str, str], message: str, dataset: Path, unbroken: tuple[Watch, Path]
) -> None:
    with pytest.raises(UserError) as raised:
        train([dataset], unbroken[1], settings(**overrides), resume=True)
    assert message in str(raised.value)


def test_minutes_become_steps_that_are_written_down(dataset: Path, tmp_path: Path) -> None:
    asked = config.build(RunConfig, {"data": {"batch_size": 4}, "train": {"minutes": 1e-6}}, {}, "the test")
    run = tmp_path / "run"
    train([dataset], run, asked)
    plan = json.loads((run / "config.json").read_text())["plan"]
    assert plan == {"steps": 1, "epochs": 1, "epoch_batches": 1}
    (run / "metrics.json").unlink()
    train([dataset], run, asked, resume=True)  # by the plan of before, not by another measurement
    assert json.loads((run / "config.json").read_text())["plan"] == plan


def test_a_run_goes_on_with_its_settings_and_the_same_data_under_another_path(
    dataset: Path, unbroken: tuple[Watch, Path], tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(dataset, tmp_path / "elsewhere"))
    run = Path(shutil.copytree(unbroken[1], tmp_path / "run"))
    assert resumed_settings(run, {}).train.epochs == 2
    with pytest.raises(UserError, match=r"was begun with other config \(train.patience 5 then, 7 now\)"):
        train([moved], run, resumed_settings(run, {"train.patience": "7"}), resume=True)
    metrics = train([moved], run, resumed_settings(run, {}), resume=True)
    assert list(metrics["datasets"]) == [str(moved)]
    with pytest.raises(UserError, match="has no run to resume"):
        resumed_settings(tmp_path / "absent", {})


def test_lines_of_before_are_mixed_in_counted_and_measured(
    dataset: Path, unbroken: tuple[Watch, Path], tmp_path: Path
) -> None:
    mine = write_dataset(tmp_path / "mine", {"train": ["12a", "3a"], "val": ["4a"]}, charset="1234a")
    run, watch = tmp_path / "run", Watch()
    replay = Replay(folders=(dataset,), share=0.5)
    asked = settings(of_a_start=True, train__epochs="1", model__charset="union")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CTCModel, "train_step", watch.step(CTCModel.train_step))
        metrics = train([mine], run, asked, init=str(unbroken[1]), replay=replay)
    written = json.loads((run / "config.json").read_text())
    assert written["network"]["charset"] == "0123456789a"
    assert (written["replay"]["share"], written["replay"]["datasets"][0]["folder"]) == (0.5, str(dataset))
    learned = [len(batch) for batch in watch.learned]
    assert [written["datasets"][0]["seen"], written["replay"]["datasets"][0]["seen"]] == [2, sum(learned) - 2]
    assert set(metrics["replay"]) == {"before", "after", "kept"}
    assert metrics["replay"]["before"][str(dataset)]["lines"] == 8
    with pytest.raises(UserError, match="lines of before need the characters of before"):
        train(
            [mine],
            tmp_path / "new",
            settings(of_a_start=True, model__charset="new"),
            init=str(unbroken[1]),
            replay=replay,
        )


def test_a_stopped_run_keeps_the_average_of_the_steps_before(
    dataset: Path, unbroken: tuple[Watch, Path], tmp_path: Path
) -> None:
    mine = write_dataset(tmp_path / "mine", {"train": ["12a", "3a"], "val": ["4a"]}, charset="1234a")
    asked = settings(of_a_start=True, train__epochs="5", model__charset="union")
    named = {"init": str(unbroken[1]), "replay": Replay(folders=(dataset,), share=0.5)}
    whole, stopped, watch = tmp_path / "whole", tmp_path / "stopped", Watch(stop_after=7)
    train([mine], whole, asked, **named)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(CTCModel, "train_step", watch.step(CTCModel.train_step))
        train([mine], stopped, asked, **named)  # type: ignore[arg-type]
    train([mine], stopped, asked, resume=True, **named)  # type: ignore[arg-type]
    left, right = weights(stopped), weights(whole)
    shapes = [name.split("/")[2] for name in left if name.startswith("optimizer/")]
    kernel = next(name for name in left if name.startswith("model/0/"))
    assert shapes.count(kernel.split("/")[2]) >= 3  # Adam's two, and the average
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=0.02, atol=0.002, err_msg=name)


def test_a_run_that_learned_nothing_is_to_be_removed_not_resumed(dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(UserError, match="the charset lacks"):
        train([dataset], run, settings(data__charset="01"))
    with pytest.raises(UserError, match="or remove that folder, in which nothing is learned yet$"):
        train([dataset], run, settings(), resume=True)
    (run / "last").mkdir()  # now something is learned, but there is no network for --init
    with pytest.raises(UserError, match="resume with the same, or choose another --run$"):
        train([dataset], run, settings(), resume=True)


def test_a_run_is_not_resumed_on_another_dataset(unbroken: tuple[Watch, Path], tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", {"train": ["1"], "val": ["2"]})
    with pytest.raises(UserError, match="was begun with other datasets"):
        train([other], unbroken[1], settings(), resume=True)


def test_a_folder_in_use_is_not_taken(dataset: Path, unbroken: tuple[Watch, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds a run already; go on with it by --resume"):
        train([dataset], unbroken[1], settings())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is in use for something else"):
        train([dataset], tmp_path, settings())
    with pytest.raises(UserError, match="is in use for something else"):
        train([dataset], tmp_path / "notes.txt", settings())
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(UserError, match="has no run to resume"):
        train([dataset], tmp_path / "absent", settings(), resume=True)
    assert not (tmp_path / "absent").exists()


def test_a_run_is_trained_by_one_process_at_a_time(dataset: Path, unbroken: tuple[Watch, Path], tmp_path: Path) -> None:
    """Two that resume, and two that begin: the second is told who trains."""
    for run, resume in ((unbroken[1], True), (tmp_path / "new", False)):
        with lock_run(run), pytest.raises(UserError) as raised:
            train([dataset], run, settings(), resume=resume)
        assert str(raised.value) == (
            f"{run}: process {os.getpid()} on {socket.gethostname()} is training in this run; "
            "wait for it, or choose another --run"
        )
    assert not (tmp_path / "new").exists()


def test_a_start_that_was_killed_before_its_config_was_written_can_begin(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "last").mkdir(parents=True)
    for name in (".config.json.17.ab.tmp", ".best.keras.17.ab.tmp.keras", ".holder", ".lock"):
        (run / name).write_text("half")
    (run / "last").rmdir()
    with lock_run(run):
        check_new(run)
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "[" * 100_000, '"\\ud800"'])
def test_a_config_that_is_none_is_refused_in_a_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match="choose another --run$"):
        check_resumable(tmp_path, {"config": {}})


def test_a_dataset_that_grew_is_told_and_its_epoch_begins_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, run = tmp_path / "digits", tmp_path / "run"
    write_dataset(folder, {"train": numbers(12, seed=1), "val": numbers(4, seed=2)}, formats=["hdf5"])
    manifest = read_manifest(folder)
    with pytest.raises(KeyboardInterrupt):
        watched_train(Watch(2), [folder], run, settings(train__epochs="1"))
    shutil.rmtree(folder)
    write_dataset(folder, {"train": numbers(20, seed=1), "val": numbers(4, seed=2)}, formats=["hdf5"])
    write_manifest(folder, replace(read_manifest(folder), fingerprint=manifest.fingerprint))
    watch = Watch()
    watched_train(watch, [folder], run, settings(train__epochs="1"), resume=True)
    told = f"{folder}: has changed since the run began (train 12 then, 20 now); epoch 1 begins again, with the lines of now"
    assert capsys.readouterr().out.splitlines()[0] == told
    assert len({name for batch in watch.learned for name in batch}) == 20
    assert json.loads((run / "config.json").read_text())["lines"] == [{"train": 20, "val": 4}]  # not told again


def test_training_ends_when_the_error_no_longer_falls(dataset: Path, tmp_path: Path) -> None:
    frozen = settings(train__epochs="9", train__patience="2", train__learning_rate="1e-9")
    run = tmp_path / "run"
    metrics = train([dataset], run, frozen)
    rates = [float(row["val_cer"]) for row in history(run)]
    assert (
        metrics["epochs"] == len(rates) == rates.index(min(rates)) + 3 < 9
    )  # the best epoch, and two that are not better
    state = json.loads((run / "last" / "state.json").read_text())
    assert (state["stopped"], state["since_best"]) == (True, 2)
    (run / "metrics.json").unlink()
    again = train([dataset], run, frozen, resume=True)  # only evaluates
    assert again == metrics
    assert len(history(run)) == len(rates)


# What goes wrong


def test_an_infinite_loss_names_its_samples_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*numbers(10, seed=1), "1111111111111111", "22"]
    monkeypatch.setattr(loader, "check_labels", lambda *arguments: None)  # or the loader stops the run
    samples = write_dataset(tmp_path / "d", {"train": texts, "val": texts[:4]})
    monkeypatch.setattr(ctc_model, "width_stride", lambda network: 16)  # too few steps for 16 ones
    with pytest.raises(FloatingPointError) as raised:
        train([samples], tmp_path / "run", settings(data__batch_size="64"))
    message = str(raised.value)
    assert "the loss is not finite" in message
    assert "train-000000010" in message
    assert message.count("train-") == 1
    assert "\n" not in message


def test_of_a_batch_only_the_samples_with_a_bad_loss_are_named() -> None:
    model, batches = tiny_model()
    batch = {
        **batches[0],
        "width": tf.constant([40, 8, 60]),
        "label": tf.constant([[1], [3], [4]]) * tf.ones((1, 2), tf.int32),
    }
    batch["label_length"] = tf.constant([1, 2, 1])  # 33 does not go into the 2 steps of 8 px
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        tf.function(model.train_step)(batch)  # as fit does
    meant = str(plain_error(raised.value))
    assert "train-3" in meant
    assert meant.count("train-") == 1


def test_a_nan_loss_names_all_samples() -> None:
    model, batches = tiny_model()
    # NaN in the last layer only: before a ReLU, oneDNN's fused kernels would turn NaN into 0. In a real training all
    # layers become NaN at once, because gradients are clipped by their common norm.
    kernel = model.network.get_layer("characters").dense.kernel
    kernel.assign(tf.fill(kernel.shape, float("nan")))
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        tf.function(model.train_step)(batches[0])
    meant = plain_error(raised.value)
    assert isinstance(meant, FloatingPointError)
    for text in ("12", "3", "456"):
        assert f"train-{text}" in str(meant)


def test_damage_found_during_a_run_is_a_user_error(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"train": numbers(40), "val": numbers(8)}, formats=["hdf5"])
    path = folder / "train-00001-of-00002.h5"
    flip_byte(path, path.read_bytes().index(b"train-000000030") + 8)
    with pytest.raises(UserError, match=rf"{path.name}: is damaged") as raised:
        train([folder], tmp_path / "run", settings())
    assert "\n" not in str(raised.value)


def test_an_unknown_character_found_during_a_run_is_a_user_error(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sample (train|val)-\d{9}: the charset lacks"):
        train([dataset], tmp_path / "run", settings(data__charset="01234"))


def test_a_dataset_without_training_lines_is_refused(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", {"val": numbers(5)})
    with pytest.raises(UserError, match="has no samples in split 'train'; it has val"):
        train([folder], tmp_path / "run", settings())


def test_a_full_disk_that_tensorflow_finds_is_an_error_of_the_disk() -> None:
    message = "{{node}} run/tensorboard/train/events.out.tfevents.17.v2; File too large Failed to flush 1 events to run"
    error = plain_error(tf.errors.OutOfRangeError(None, None, message))
    assert isinstance(error, OSError)
    assert str(error.strerror).startswith("the log for TensorBoard cannot be written: File too large")


def test_other_errors_of_tensorflow_are_not_changed() -> None:
    error = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    assert plain_error(error) is error


# Several datasets, three channels


def test_two_datasets_train_one_reader_of_both_charsets(tmp_path: Path) -> None:
    folders = [
        write_dataset(tmp_path / "digits", {"train": ["12", "34"] * 4, "val": ["56"]}),
        write_dataset(tmp_path / "marks", {"train": ["1-2", "3/4"] * 4, "val": ["1/-"]}, charset="1234-/"),
    ]
    metrics = train(folders, tmp_path / "run", settings(train__epochs="1"))
    assert metrics["split"] == "val"  # neither has a test split
    assert [result["lines"] for result in metrics["datasets"].values()] == [1, 1]
    network = keras.saving.load_model(tmp_path / "run" / "best.keras", compile=False)
    assert network.get_layer("characters").charset == "0123456789-/"


def test_a_reader_with_an_lstm_trains_on_colour(tmp_path: Path) -> None:
    texts = numbers(6, seed=4)
    folder = write_dataset(tmp_path / "d", {"train": texts, "val": texts[:2]}, channels=3, height=48)
    metrics = train([folder], tmp_path / "run", settings(train__epochs="1", model__use_lstm="true"))
    assert metrics["epochs"] == 1
    network = keras.saving.load_model(tmp_path / "run" / "best.keras", compile=False)
    assert network.name == "crnn_lstm"
    assert network.inputs[0].shape == (None, 48, None, 3)


def test_a_dataset_of_one_split_is_validated_on_lines_held_out_by_rule(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "one", {"train": numbers(60, seed=3)})
    metrics = train([folder], tmp_path / "run", settings(train__epochs="1", data__val_share="0.3"))
    assert metrics["split"] == "val"
    held_out = metrics["datasets"][str(folder)]["lines"]
    assert 5 < held_out < 35


def test_datasets_mixed_by_weight_are_written_down(tmp_path: Path) -> None:
    first = write_dataset(tmp_path / "first", {"train": numbers(40, seed=3), "val": numbers(8, seed=4)})
    other = write_dataset(tmp_path / "other", {"train": numbers(40, seed=5), "val": numbers(8, seed=6)})
    run = tmp_path / "run"
    train([first, other], run, settings(train__epochs="1"), weights=[0.75, 0.25])
    written = json.loads((run / "config.json").read_text())["datasets"]
    assert [entry["weight"] for entry in written] == [0.75, 0.25]
    assert all(len(entry["fingerprint"]) > 0 for entry in written)
