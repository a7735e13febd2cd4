"""Datasets in, a run folder out: opens the data, makes the network, trains it, and measures the best one."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib import config
from ocrlib.backend import keras, tf
from ocrlib.batches.loader import Loader
from ocrlib.batches.mixture import Mixture
from ocrlib.batches.split import SplitLines
from ocrlib.batches.tf_data import to_tf_dataset
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Manifest, read_manifest
from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import evaluate_dataset
from ocrlib.files import write_json
from ocrlib.network.crnn import build_crnn, width_stride
from ocrlib.network.own import build_own
from ocrlib.network.warm_start import start_from
from ocrlib.paper import measure_margins
from ocrlib.reading.recognizer import Recognizer
from ocrlib.regex import recipe_patterns
from ocrlib.training.augment import augment
from ocrlib.training.callbacks import StepCallback
from ocrlib.training.checkpoint import Saver, State, save_network
from ocrlib.training.ctc_model import CTCModel, plain_error
from ocrlib.training.curve import draw_curve
from ocrlib.training.history import PredictionStrip, figures_line, write_row
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.precision import choose_precision
from ocrlib.training.run_folder import (
    CONFIG,
    check_new,
    check_resumable,
    count_lines,
    grown,
    lock_run,
    read_config,
)
from ocrlib.training.settings import DataConfig, ModelConfig, RunConfig

MEASURED_LINES = 300  # of each dataset, for the margins of its lines


def train(
    datasets: Sequence[Path],
    run: Path,
    settings: RunConfig,
    *,
    weights: Sequence[float] | None = None,
    resume: bool = False,
    init: str | None = None,
) -> dict[str, Any]:
    """Trains a network on datasets and evaluates the best one on their test split.

    Args:
      datasets: folders with a manifest. Their images must agree in height and channels.
      run: the folder to write to (see `run_folder`); must not hold a run, unless `resume` is set.
      settings: everything else that decides a training.
      weights: of the datasets in the mixture, above 0; None takes every line once in each epoch.
      resume: go on where the run in that folder stopped.
      init: a run folder, a `.keras` file or a shipped name, whose network is trained further; None trains a new one.

    Returns:
      What is written to metrics.json.

    Raises:
      UserError: the input cannot be used, or another process trains in that folder.
      FloatingPointError: the loss is NaN or infinite; the message names the samples.
    """
    with lock_run(run):
        return _train_held(datasets, run, settings, weights, resume, init)


def _train_held(
    datasets: Sequence[Path],
    run: Path,
    settings: RunConfig,
    weights: Sequence[float] | None,
    resume: bool,
    init: str | None,
) -> dict[str, Any]:
    """Does what `train` does, in a folder that is held for this process."""
    manifests = [read_manifest(folder) for folder in datasets]
    run_config = {
        "datasets": [
            {"folder": str(folder), "fingerprint": manifests[i].fingerprint, "weight": weights[i] if weights else None}
            for i, folder in enumerate(datasets)
        ],
        "config": config.to_dict(settings),
        "init": init,
    }
    if init is not None and settings.model != ModelConfig():
        raise UserError(f"--init {init}: brings its own network; leave out --model.*, or --init")
    if resume:
        check_resumable(run, run_config)
    else:
        check_new(run)
    keras.utils.set_random_seed(settings.train.seed)

    charset = Charset(settings.data.charset or "".join(dict.fromkeys("".join(m.charset for m in manifests))))
    network = (
        new_network(manifests, charset, settings.model) if init is None else _known_network(init, manifests, charset)
    )
    network.get_layer("characters").patterns = recipe_patterns([manifest.recipe for manifest in manifests])
    stride = width_stride(network)
    training = Mixture(_open_loaders(datasets, "train", charset, settings.data, stride), weights)
    validation = Mixture(_open_loaders(datasets, "val", charset, settings.data, stride))
    seed, epochs = settings.train.seed, settings.train.epochs
    lines = count_lines(manifests)
    changed = grown((read_config(run) or {}).get("lines"), datasets, lines)
    if not resume:  # only now: a dataset that cannot be opened leaves no run folder behind
        write_json(run / CONFIG, run_config | {"lines": lines})
    network.get_layer("characters").margins = list(measure_margins(_some_lines(training)))
    num_steps = sum(training.count(seed, epoch) for epoch in range(epochs))
    # The check of auto knows our layers; what a network of the user's own does in bfloat16 is his to say.
    asked = "float32" if settings.model.build and settings.train.precision == "auto" else settings.train.precision
    precision = choose_precision(asked, network, num_steps)
    if precision != "float32":
        print(f"trains in {precision} (--train.precision)")
    model = CTCModel(network, charset, precision)
    model.compile(optimizer=make_optimizer(settings.train, num_steps), jit_compile=False)  # CTC does not compile
    model.optimizer.build(model.trainable_variables)

    state = State.load(run / "last", model) if resume else State()
    if changed:  # the place is one in the epoch of the former lines
        print("\n".join(changed) + f"; epoch {state.epoch + 1} begins again, with the lines of now")
        state.batch = 0
        state.save(run / "last", model)
        write_json(run / CONFIG, run_config | {"lines": lines})
    if state.epoch < epochs and not state.stopped:
        _train_epochs(model, training, validation, run, settings, state)

    metrics = _measure(datasets, manifests, run, settings, state)
    write_json(run / "metrics.json", metrics)
    return metrics


def _some_lines(mixture: Mixture) -> Iterator[np.ndarray]:
    """Yields line images of each dataset, the first ones of an epoch."""
    for loader in mixture.loaders:
        lines = (
            batch["image"][row, :, : batch["width"][row]]
            for batch in loader.batches(seed=0)
            for row in range(len(batch["width"]))
        )
        yield from islice(lines, MEASURED_LINES)


def new_network(manifests: Sequence[Manifest], charset: Charset, settings: ModelConfig) -> keras.Model:
    """Returns the network that the settings ask for, untrained, for datasets of one height and number of channels.

    By default it is larger for language than for numeric strings, which get half the stride; neither has an LSTM
    (docs/decisions/encoder-for-sentences.md).
    """
    if settings.build is not None:
        return build_own(settings.build, manifests[0].image.height, manifests[0].image.channels, charset.characters)
    language = any(manifest.recipe["text"]["source"] != "numeric" for manifest in manifests)
    return build_crnn(
        manifests[0].image.height,
        charset.num_classes,
        encoder=settings.chosen_encoder,
        stride=settings.stride or (4 if language else 2),
        filters=settings.filters or (2.5 if language else 1.0),
        channels=manifests[0].image.channels,
        charset=charset.characters,
    )


def _known_network(init: str, manifests: Sequence[Manifest], charset: Charset) -> keras.Model:
    """Returns the network of an existing model with a last layer for the charset, and prints what was kept."""
    start = start_from(init, charset, manifests[0].image.height, manifests[0].image.channels)
    print(f"starts from {init}: {start}")
    return start.network


def _train_epochs(
    model: CTCModel, training: Mixture, validation: Mixture, run: Path, settings: RunConfig, state: State
) -> None:
    """Trains from the place in `state` to the last epoch, and writes the files of the run after each epoch."""
    live = Recognizer.of_keras(model.network, model.charset)
    strip = PredictionStrip(
        lambda images: [reading.text for reading in live.read_lines(images)],
        validation,
        model.charset,
        run / "predictions",
    )
    patience = settings.train.patience
    with Saver(run / "last", model, settings.train.save_minutes) as saver:
        for epoch in range(state.epoch, settings.train.epochs):
            figures, validation_seconds = _fit_epoch(model, training, validation, run, settings, state, saver)
            if state.end_epoch(figures["val_cer"], validation_seconds, patience):
                save_network(model.network, run / "best.keras")
            figures["minutes"] = state.seconds / 60
            print(figures_line(epoch, figures), flush=True)
            write_row(run / "history.csv", epoch, figures)
            draw_curve(run / "history.csv", run / "curve.png")
            strip.draw(epoch)
            if state.stopped:
                print(f"no better CER than {state.best_cer:.2%} for {patience} epochs: stopping early")
            saver.save(state)  # last: an epoch is finished only when its other files are written
            if state.stopped:
                break


def _fit_epoch(
    model: CTCModel,
    training: Mixture,
    validation: Mixture,
    run: Path,
    settings: RunConfig,
    state: State,
    saver: Saver,
) -> tuple[dict[str, float], float]:
    """Trains the rest of the epoch in `state`, and returns its figures and the seconds of its validation.

    Each epoch is a `fit` of its own. One `fit` for all would give every epoch as many batches as the first one, which
    in a resumed run is only the rest of an epoch.
    """
    seed, epoch = settings.train.seed, state.epoch
    changes = partial(augment, settings=settings.augment) if settings.augment.any else None
    num_batches = training.count(seed, epoch)
    steps = StepCallback(state, saver, num_batches, f"epoch {epoch + 1}/{settings.train.epochs}")
    try:
        fitted = model.fit(
            to_tf_dataset(training, seed, epoch, state.batch, changes),
            steps_per_epoch=num_batches - state.batch,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=to_tf_dataset(validation),
            validation_steps=validation.count(None, 0),
            callbacks=[steps, keras.callbacks.TensorBoard(run / "tensorboard", write_graph=False)],
            shuffle=False,  # the loader has shuffled
            verbose=0,
        )
    except tf.errors.OpError as error:
        raise plain_error(error) from error
    finally:
        steps.close()
    figures = {name: values[-1] for name, values in fitted.history.items()}
    figures["learning_rate"] = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    return figures, steps.validation_seconds


def _measure(
    datasets: Sequence[Path], manifests: Sequence[Manifest], run: Path, settings: RunConfig, state: State
) -> dict[str, Any]:
    """Returns how the best network reads the test split, or the validation split if a dataset has no test split."""
    split = "test" if all("test" in m.splits and m.splits["test"].samples for m in manifests) else "val"
    recognizer = Recognizer.load(str(run / "best.keras"))
    return {
        "split": split,
        "epochs": state.epoch,
        "training_seconds": round(state.seconds, 1),
        "datasets": {str(f): evaluate_dataset(recognizer, f, split, settings.data) for f in datasets},
    }


def _open_loaders(
    datasets: Sequence[Path], split: str, charset: Charset, settings: DataConfig, stride: int
) -> list[Loader]:
    """Returns a loader for a split of each dataset, and prints which lines were left out."""
    loaders = []
    for folder in datasets:
        lines = SplitLines(
            folder,
            split,
            charset,
            file_format=None if settings.format == "auto" else settings.format,
            selection=settings,
            hashes=settings.verify == "full",
        )
        for reason, ids in lines.left_out.items():
            print(f"{folder} ({split}): {len(ids)} lines left out, {reason}: {', '.join(ids[:5])} ...")
        loaders.append(Loader(lines, stride, settings.batch_size, short_first=settings.short_first))
    return loaders
