"""Datasets in, a run folder out: opens the data, makes the network, trains it, and measures the best one."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ocrlib import config
from ocrlib.backend import keras, tf
from ocrlib.batches.tf_data import to_tf_dataset
from ocrlib.dataset.manifest import Manifest, read_manifest
from ocrlib.dataset.mirror import place_of
from ocrlib.errors import UserError
from ocrlib.files import write_json
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training.augment import augment
from ocrlib.training.averages import AveragedWeights
from ocrlib.training.callbacks import StepCallback
from ocrlib.training.checkpoint import Saver, State, save_network
from ocrlib.training.ctc_model import plain_error
from ocrlib.training.curve import draw_curve
from ocrlib.training.devices import Devices, Learner, open_devices, scope_of
from ocrlib.training.history import PredictionStrip, figures_line, read_rows, write_row
from ocrlib.training.hold_back import forget_learned, hold_back
from ocrlib.training.lines import Replay
from ocrlib.training.machines import read_machines
from ocrlib.training.ngram import take_over_ngram
from ocrlib.training.plan import settle
from ocrlib.training.prepare import Run, prepare
from ocrlib.training.record import dataset_entry
from ocrlib.training.run_folder import (
    borrowed,
    check_new,
    check_resumable,
    count_lines,
    grown,
    lock_run,
    read_begun,
)
from ocrlib.training.settings import RunConfig
from ocrlib.web.figures import Measured, measure
from ocrlib.web.report import write_report

MOST_ERRORS = 0.3  # of the characters: with more, a reader does not read yet


def train(
    datasets: Sequence[Path],
    run: Path,
    settings: RunConfig,
    *,
    weights: Sequence[float] | None = None,
    resume: bool = False,
    init: str | None = None,
    why: str = "",
    replay: Replay | None = None,
) -> dict[str, Any]:
    """Trains a network on datasets and evaluates the best one on their test split.

    Args:
      datasets: folders with a manifest. Their images must agree in height and channels.
      run: the folder to write to (see `run_folder`); must not hold a run, unless `resume` is set.
      settings: everything else that decides a training.
      weights: of the datasets in the mixture, above 0; None takes every line once in each epoch.
      resume: go on where the run in that folder stopped.
      init: a run folder, a `.keras` file or a shipped name, whose network is trained further; None trains a new one.
      why: it starts from there, for config.json.
      replay: lines that the network learned from before, mixed in so that it forgets little.

    Returns:
      What is written to metrics.json; {} of a worker that is not the chief of several machines.

    Raises:
      UserError: the input cannot be used, or another process trains in that folder.
      FloatingPointError: the loss is NaN or infinite; the message names the samples.
      WorkerError: another machine was lost.
    """
    machines = read_machines()
    if machines.count > 1 and settings.train.minutes is not None:
        raise UserError("--train.minutes: every machine would measure other steps; give --train.steps")
    devices = open_devices(settings.train.devices, machines)
    with lock_run(run) if machines.is_chief else borrowed(run, resume) as folder:
        return _train_held(datasets, folder or run, settings, weights, resume, init, why, replay, devices)


def _train_held(
    datasets: Sequence[Path],
    run: Path,
    settings: RunConfig,
    weights: Sequence[float] | None,
    resume: bool,
    init: str | None,
    why: str,
    replay: Replay | None,
    devices: Devices | None,
) -> dict[str, Any]:
    """Does what `train` does, in a folder that is held for this process."""
    manifests = [read_manifest(folder) for folder in datasets]
    entries = [
        dataset_entry(datasets[i], manifest, weights[i] if weights else None) for i, manifest in enumerate(manifests)
    ]
    if init is not None and settings.model.asks_for_network:
        raise UserError(f"--init {init}: brings its own network; leave out --model.*, or --init")
    settings = settle(
        settings,
        from_model=init is not None,
        imported=all(manifest.imported for manifest in manifests),
        num_lines=sum(entry["lines"] for entry in entries),
    )
    if replay and settings.model.charset == "new":
        raise UserError(
            "--replay: lines of before need the characters of before; give --model.charset union, or --replay 0"
        )
    about = {"datasets": entries, "init": init, "replay": _about_replay(replay), "config": config.to_dict(settings)}
    lines = count_lines(manifests)
    if devices is not None:
        devices.require_alike(_alike(about, lines, resume))
    begun = _begun(run, about, why, resume)
    changed = grown(begun.get("lines"), datasets, lines) if resume else []
    about = {**begun, **about, "lines": lines}
    keras.utils.set_random_seed(settings.train.seed)
    with scope_of(devices):
        ready = prepare(datasets, manifests, run, settings, weights, replay, about, devices)
        state = State.load(run / "last", ready.model) if resume else State()
    if changed:  # the place is one in the epoch of the former lines
        print("\n".join(changed) + f"; epoch {state.epoch + 1} begins again, with the lines of now")
        state.batch = 0
        state.save(run / "last", ready.model)
    ready.write_about(state.epoch)
    if state.epoch < ready.plan.epochs and not state.stopped:
        _train_epochs(ready, state)
    if devices is not None and not devices.machines.is_chief:
        return {}
    metrics, measured = _measure(datasets, manifests, ready, state, replay)
    write_json(run / "metrics.json", metrics)
    history = read_rows(run / "history.csv")
    write_report(run, history, ready.about, metrics, measured)
    return metrics


def _begun(run: Path, about: dict[str, Any], why: str, resume: bool) -> dict[str, Any]:
    """Returns what config.json says of a run that goes on, or why a new one starts as it does."""
    if not resume:
        check_new(run)
        return {"why": why}
    check_resumable(run, about)
    return read_begun(run)


def _about_replay(replay: Replay | None) -> dict[str, Any] | None:
    if replay is None:
        return None
    entries = [dataset_entry(folder, read_manifest(folder), None) for folder in replay.folders]
    return {"share": replay.share, "datasets": entries}


def _alike(about: Mapping[str, Any], lines: Any, resume: bool) -> dict[str, Any]:
    """Returns what machines that train together must have alike; each may know its datasets under other names."""
    entries = about["datasets"] + (about["replay"] or {"datasets": []})["datasets"]
    return {
        "datasets": [[{**entry, "folder": None} for entry in entries], lines],
        "settings": [about["config"], about["init"], (about["replay"] or {}).get("share"), resume],
    }


def _train_epochs(run: Run, state: State) -> None:
    """Trains from the place in `state` to the last epoch, and writes the files of the run after each epoch."""
    live = Recognizer.of_keras(run.model.network, run.model.charset)
    strip = PredictionStrip(
        lambda images: [reading.text for reading in live.read_lines(images)],
        run.validation,
        run.model.charset,
        run.folder / "predictions",
    )
    patience = run.settings.train.patience
    learner, averaged = None, AveragedWeights()
    if run.devices is not None:
        learner = Learner(run.devices, run.model, to_tf_dataset(run.validation).element_spec)
    with Saver(run.folder / "last", run.model, run.settings.train.save_minutes) as saver:
        for epoch in range(state.epoch, run.plan.epochs):
            figures, validation_seconds = _fit_epoch(run, state, saver, learner, averaged)
            if state.end_epoch(figures["val_cer"], figures["val_loss"], validation_seconds, patience):
                save_network(run.model.network, run.folder / "best.keras")
                forget_learned(run.folder)
            figures["minutes"] = state.seconds / 60
            print(figures_line(epoch, figures), flush=True)
            write_row(run.folder / "history.csv", epoch, figures)
            draw_curve(run.folder / "history.csv", run.folder / "curve.png")
            strip.draw(epoch)
            averaged.give_back()
            run.write_about(epoch + 1)
            if state.stopped:
                print(f"no better CER than {state.best_cer:.2%} for {patience} epochs: stopping early")
            saver.save(state)  # last: an epoch is finished only when its other files are written
            if state.stopped:
                break


def _fit_epoch(
    run: Run, state: State, saver: Saver, learner: Learner | None, averaged: AveragedWeights
) -> tuple[dict[str, float], float]:
    """Trains the rest of the epoch in `state`, and returns its figures and the seconds of its validation.

    Each epoch is a `fit` of its own. One `fit` for all would give every epoch as many batches as the first one, which
    in a resumed run is only the rest of an epoch.
    """
    seed, epoch, settings = run.settings.train.seed, state.epoch, run.settings
    changes = partial(augment, settings=settings.augment) if settings.augment.any else None
    num_batches = run.training.count(seed, epoch)
    steps = StepCallback(state, saver, num_batches, f"epoch {epoch + 1}/{run.plan.epochs}")
    callbacks = [steps, averaged, keras.callbacks.TensorBoard(run.folder / "tensorboard", write_graph=False)]
    training, validation = to_tf_dataset(run.training, seed, epoch, state.batch, changes), to_tf_dataset(run.validation)
    try:
        if learner is not None:
            figures = learner.epoch(training, validation, epoch, callbacks)
        else:
            fitted = run.model.fit(
                training,
                steps_per_epoch=num_batches - state.batch,
                initial_epoch=epoch,
                epochs=epoch + 1,
                validation_data=validation,
                validation_steps=run.validation.count(None, 0),
                callbacks=callbacks,
                shuffle=False,  # the loader has shuffled
                verbose=0,
            )
            figures = {name: values[-1] for name, values in fitted.history.items()}
    except tf.errors.OpError as error:
        raise plain_error(error) from error
    finally:
        steps.close()
    figures["learning_rate"] = float(keras.ops.convert_to_numpy(run.model.optimizer.learning_rate))
    return figures, steps.validation_seconds


def _measure(
    datasets: Sequence[Path], manifests: Sequence[Manifest], run: Run, state: State, replay: Replay | None
) -> tuple[dict[str, Any], list[Measured]]:
    """Measures the best network on the test split, or on the validation split if a dataset has no test split.

    Returns:
      What metrics.json holds, with a replay also how lines of that kind are read, before the training and after it, and
      the share of what was learned that is left; and all figures of the test split for the report.
    """
    replayed = None
    if replay and run.start:
        before = run.about["before"]
        share, after = hold_back(run.folder, run.start, replay, before, run.settings.train.forget)
        replayed = {"before": before, "after": after, "kept": share}
    language = None
    if run.about["init"] is not None:
        language = take_over_ngram(run.folder, run.about["init"], datasets, run.settings.data)
    split = "test" if all("test" in m.splits and m.splits["test"].samples for m in manifests) else "val"
    recognizer = Recognizer.load(str(run.folder / "best.keras"))
    measured = [measure(recognizer, folder, split, run.settings.data) for folder in datasets]
    metrics: dict[str, Any] = {
        "split": split,
        "epochs": state.epoch,
        "training_seconds": round(state.seconds, 1),
        "datasets": {place_of(each.data): dict(each.report.overall) for each in measured},
    }
    metrics["reads"] = any(result["cer"] <= MOST_ERRORS for result in metrics["datasets"].values())
    if replayed:
        metrics["replay"] = replayed
    if language:
        metrics["language_model"] = language
    return metrics, measured
