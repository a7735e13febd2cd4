"""Datasets in, a run folder out: the CTC training step, and the run around it.

runs/NAME/config.json      everything, with the fingerprints of the datasets
runs/NAME/history.csv      a row an epoch; curve.png draws it
runs/NAME/best.keras       the network of the lowest validation CER
runs/NAME/last/            weights, optimizer and place in the data, to resume from
runs/NAME/predictions/     what it reads, after each epoch
runs/NAME/metrics.json     the test split, read by best.keras
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ocrlib import config
from ocrlib.backend import keras, tf
from ocrlib.batches.loader import Loader, to_tf_dataset
from ocrlib.batches.mixture import Mixture
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Manifest, read_manifest
from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import evaluate_dataset
from ocrlib.evaluation.metrics import count_errors
from ocrlib.files import read_json, write_json
from ocrlib.network.crnn import build_crnn, time_steps, width_stride
from ocrlib.network.warm_start import start_from
from ocrlib.reading.decoding import best_paths
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training.augment import augment
from ocrlib.training.callbacks import KeepBest, KeepPlace, LearningCurve, PredictionStrip, Progress, State, pick_lines
from ocrlib.training.settings import DataConfig, ModelConfig, RunConfig, TrainConfig


@keras.saving.register_keras_serializable("ocrlib")
class Ratio(keras.metrics.Metric):
    """errors / total over all batches: CER and WER, or with exact lines over lines the exact match."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.errors = self.add_weight(name="errors", initializer="zeros")
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, errors: Any, total: Any) -> None:
        self.errors.assign_add(tf.cast(errors, tf.float32))
        self.total.assign_add(tf.cast(total, tf.float32))

    def result(self) -> Any:
        return tf.math.divide_no_nan(self.errors, self.total)


class CTCModel(keras.Model):
    """A network and how it learns from lines and their labels: the loss is here, the network knows nothing of it.

    Batches are those of `loader.Loader`. Letters: B samples, T time steps, C classes, L the longest label.

    Args:
      network: {"image", "width"} -> (B, T, C) float32 softmax, class C - 1 the blank.
      charset: the characters of the other classes.
    """

    def __init__(self, network: keras.Model, charset: Charset) -> None:
        super().__init__()
        self.network = network
        self.charset = charset
        self._stride = width_stride(network)
        self.loss_mean = keras.metrics.Mean("loss")
        self.cer, self.wer, self.exact_match = Ratio("cer"), Ratio("wer"), Ratio("exact_match")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """What Keras resets at the start of each epoch and each validation."""
        return [self.loss_mean, self.cer, self.wer, self.exact_match]

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return self.network(inputs, training=training)

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step: forward, CTC loss, backward."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self._ctc_losses(batch, training=True)[0])
            scaled = self.optimizer.scale_loss(loss)  # more than 1 under mixed precision only
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        self.loss_mean.update_state(loss, sample_weight=tf.shape(batch["width"])[0])
        return {"loss": self.loss_mean.result()}

    def test_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The loss, and what the best path reads against what stands there."""
        losses, probs, input_length = self._ctc_losses(batch, training=False)
        self.loss_mean.update_state(losses)
        arrays = [probs, input_length, batch["label"], batch["label_length"]]
        counts = tf.numpy_function(self._count, arrays, tf.int64)
        lines, exact, characters, character_edits, words, word_edits = tf.unstack(tf.ensure_shape(counts, (6,)))
        self.cer.update_state(character_edits, characters)
        self.wer.update_state(word_edits, words)
        self.exact_match.update_state(exact, lines)
        return {metric.name: metric.result() for metric in self.metrics}

    def _ctc_losses(self, batch: dict[str, tf.Tensor], training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns (B,) losses, (B, T, C) probabilities, (B,) true time steps."""
        probs = self.network({"image": batch["image"], "width": batch["width"]}, training=training)
        # From the true width: steps that look at padding must not take part in any path.
        input_length = -(-batch["width"] // self._stride)
        losses = tf.keras.backend.ctc_batch_cost(
            y_true=batch["label"],  # (B, L) classes; what lies beyond label_length is not looked at
            y_pred=probs,  # (B, T, C) softmax, not logits: it takes the logarithm itself
            input_length=input_length[:, None],  # (B, 1)
            label_length=batch["label_length"][:, None],  # (B, 1)
        )[:, 0]
        finite = tf.math.is_finite(losses)
        bad = tf.boolean_mask(batch["id"], ~finite)
        check = tf.debugging.Assert(tf.reduce_all(finite), ["the loss is not finite for samples", bad], summarize=20)
        with tf.control_dependencies([check]):
            return tf.identity(losses), probs, input_length

    def _count(self, probs: Any, input_length: Any, label: Any, label_length: Any) -> Any:
        paths = best_paths(probs, input_length).classes
        truths = [self.charset.decode(row[:n].tolist()) for row, n in zip(label, label_length, strict=True)]
        counts = count_errors(truths, [self.charset.decode(path) for path in paths])
        return tf.constant(
            [
                counts.lines,
                counts.exact,
                counts.characters,
                counts.character_edits,
                counts.words,
                counts.word_edits,
            ],
            tf.int64,
        ).numpy()


def make_optimizer(settings: TrainConfig, num_steps: int) -> keras.optimizers.Optimizer:
    """Returns the optimizer, its rate scheduled over `num_steps` steps."""
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        warmup = round(settings.warmup * num_steps)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 20 if warmup else rate,
            decay_steps=max(1, num_steps - warmup),
            alpha=0.0,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    clip = settings.clip_norm or None
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, global_clipnorm=clip)
    kind = keras.optimizers.AdamW if settings.optimizer == "adamw" else keras.optimizers.Adam
    return kind(rate, global_clipnorm=clip)


def train(
    datasets: Mapping[Path, float | None], run: Path, settings: RunConfig, resume: bool, init: str | None = None
) -> dict[str, Any]:
    """Trains a network on datasets and evaluates the best one on their test split.

    Args:
      datasets: {folder with a manifest: weight in the mixture}; all weights None for every line once an epoch.
        Their images must agree in height and channels.
      run: the folder for what comes out; must not hold a run, unless resume.
      resume: go on where the run in that folder stopped.
      init: a run folder, a `.keras` file or a shipped name: start from its network, not from nothing.

    Returns:
      What is written to metrics.json.

    Raises:
      UserError: the input cannot be used.
      FloatingPointError: the loss is NaN or infinite; the message names the samples.
    """
    manifests = [read_manifest(folder) for folder in datasets]
    written = {
        "datasets": [
            {"folder": str(folder), "fingerprint": manifest.fingerprint, "weight": datasets[folder]}
            for folder, manifest in zip(datasets, manifests, strict=True)
        ],
        "config": config.to_dict(settings),
        "init": init,
    }
    if init is not None and settings.model != ModelConfig():
        raise UserError(f"--init {init}: brings its own network; leave out --model.*, or --init")
    _check_run(run, written, resume)
    keras.utils.set_random_seed(settings.train.seed)

    charset = Charset(settings.data.charset or "".join(dict.fromkeys("".join(m.charset for m in manifests))))
    network = (
        new_network(manifests, charset, settings.model) if init is None else _known_network(init, manifests, charset)
    )
    stride = width_stride(network)
    training = _load(datasets, "train", charset, settings.data, stride)
    validation = _load(dict.fromkeys(datasets), "val", charset, settings.data, stride)
    seed, epochs = settings.train.seed, settings.train.epochs
    run.mkdir(parents=True, exist_ok=True)  # only now: what cannot be opened leaves no run behind
    write_json(run / "config.json", written)
    model = CTCModel(network, charset)
    num_steps = sum(training.count(seed, epoch) for epoch in range(epochs))
    model.compile(optimizer=make_optimizer(settings.train, num_steps), jit_compile=False)  # CTC does not compile
    model.optimizer.build(model.trainable_variables)

    state = State.load(run / "last", model) if resume else State()
    if state.epoch < epochs and not state.stopped:
        _fit(model, training, validation, run, settings, state)

    metrics = _measure(datasets, manifests, run, settings, state)
    write_json(run / "metrics.json", metrics)
    return metrics


def new_network(manifests: Sequence[Manifest], charset: Charset, settings: ModelConfig) -> keras.Model:
    """Returns the network that the settings ask for, untrained, for datasets of one height and number of channels.

    By default language gets a larger one, and numeric strings one of half the stride; neither has an LSTM
    (docs/decisions/encoder-for-sentences.md).
    """
    language = any(manifest.recipe["text"]["source"] != "numeric" for manifest in manifests)
    return build_crnn(
        manifests[0].image.height,
        charset.num_classes,
        use_lstm=bool(settings.use_lstm),
        encoder=settings.encoder,
        stride=settings.stride or (4 if language else 2),
        filters=settings.filters or (2.5 if language else 1.0),
        channels=manifests[0].image.channels,
        charset=charset.characters,
    )


def _known_network(init: str, manifests: Sequence[Manifest], charset: Charset) -> keras.Model:
    """Returns the network of a model that is there, with the characters that it shares with the charset."""
    start = start_from(init, charset, manifests[0].image.height, manifests[0].image.channels)
    print(f"starts from {init}: {start}")
    return start.network


def _fit(model: CTCModel, training: Mixture, validation: Mixture, run: Path, settings: RunConfig, state: State) -> None:
    """Trains from where `state` stands to the last epoch, and keeps the run folder up to date."""
    seed, epochs = settings.train.seed, settings.train.epochs
    change = partial(augment, settings=settings.augment) if settings.augment.any else None
    live = Recognizer.of_keras(model.network, model.charset)

    def read(images: list[Any]) -> list[str]:
        return [reading.text for reading in live.read(images)]

    place = KeepPlace(run / "last", state, settings.train.save_minutes)
    progress = Progress(training, seed, epochs, state)
    callbacks = [
        progress,
        PredictionStrip(read, *pick_lines(validation, model.charset), run / "predictions"),
        KeepBest(model.network, run / "best.keras", state, settings.train.patience),
        keras.callbacks.CSVLogger(run / "history.csv", append=True),
        LearningCurve(run / "history.csv", run / "curve.png"),
        keras.callbacks.TensorBoard(run / "tensorboard", write_graph=False),
        place,
    ]
    try:
        with place:
            # A fit an epoch: within one, Keras would cut every epoch to as many batches as the first had, and
            # of a resumed run that is what was left of the epoch it stopped in.
            for epoch in range(state.epoch, epochs):
                model.fit(
                    to_tf_dataset(training, seed, epoch, state.batch, change),
                    steps_per_epoch=training.count(seed, epoch) - state.batch,
                    initial_epoch=epoch,
                    epochs=epoch + 1,
                    validation_data=to_tf_dataset(validation),
                    validation_steps=validation.count(None, 0),
                    callbacks=callbacks,
                    shuffle=False,  # the loader has done it
                    verbose=0,
                )
                if state.stopped:
                    break
    except tf.errors.OpError as error:
        raise _meant_by(error) from error
    finally:
        progress.close()


def _measure(
    datasets: Iterable[Path], manifests: Sequence[Manifest], run: Path, settings: RunConfig, state: State
) -> dict[str, Any]:
    """Returns what the best network reads of the test split; of the validation split if a dataset has none."""
    split = "test" if all("test" in m.splits and m.splits["test"].samples for m in manifests) else "val"
    recognizer = Recognizer.load(str(run / "best.keras"))
    return {
        "split": split,
        "epochs": state.epoch,
        "training_seconds": round(state.seconds, 1),
        "datasets": {str(f): evaluate_dataset(recognizer, f, split, settings.data) for f in datasets},
    }


def _load(
    datasets: Mapping[Path, float | None], split: str, charset: Charset, settings: DataConfig, stride: int
) -> Mixture:
    """Returns the lines of a split of all datasets, and says which were left out."""
    loaders = [
        Loader(
            folder,
            split,
            charset,
            partial(time_steps, stride=stride),
            settings.batch_size,
            None if settings.format == "auto" else settings.format,
            selection=settings,
            hashes=settings.verify == "full",
            short_first=settings.short_first,
        )
        for folder in datasets
    ]
    for loader in loaders:
        for reason, ids in loader.lines.left_out.items():
            print(f"{loader.lines.folder} ({split}): {len(ids)} lines left out, {reason}: {', '.join(ids[:5])} ...")
    weights = [weight for weight in datasets.values() if weight is not None]
    return Mixture(loaders, weights or None)


def _check_run(run: Path, written: dict[str, Any], resume: bool) -> None:
    """Refuses a folder that holds another run, or none to resume."""
    path = run / "config.json"
    if resume:
        try:
            before = read_json(path)
        except FileNotFoundError:
            raise UserError(f"{run}: has no run to resume; leave out --resume to begin one") from None
        instead = "choose another --run"
        if (run / "best.keras").exists():
            instead += f" and go on from this one by --init {run}"
        elif not (run / "last").exists():
            instead = "remove that folder, in which nothing is learned yet"
        for key in ("datasets", "config", "init"):
            if before.get(key) != written[key]:
                raise UserError(
                    f"{run}: was begun with other {key} ({'; '.join(_differences(before.get(key), written[key]))}); "
                    f"resume with the same, or {instead}"
                )
        return
    if path.exists():
        raise UserError(f"{run}: holds a run already; go on with it by --resume, or choose another --run")
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise UserError(f"{run}: is in use for something else; choose another --run")


def _differences(before: Any, after: Any, name: str = "") -> list[str]:
    """Returns what settings were and are, each under its full name; a version that knew no such setting had nothing."""
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = [(key, before.get(key, "nothing"), after.get(key, "nothing")) for key in {**before, **after}]
        return [line for key, old, new in pairs for line in _differences(old, new, f"{name}.{key}".lstrip("."))]
    return [] if before == after else [f"{name} {before} then, {after} now".lstrip()]


def _meant_by(error: Exception) -> Exception:
    """What went wrong inside TensorFlow: it hands on a UserError of the loader, or our check of the loss, as text."""
    for line in str(error).splitlines():
        _, found, message = line.partition("UserError: ")
        if found:
            return UserError(message.strip())
        _, found, message = line.partition("the loss is not finite")
        if found:
            return FloatingPointError(found + message.rstrip())
    return error
