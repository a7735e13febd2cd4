"""A run made ready: the network, its lines, the plan, and what `config.json` says of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ocrlib.backend import keras, tf
from ocrlib.batches.mixture import Mixture
from ocrlib.batches.tf_data import to_tf_dataset
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Manifest
from ocrlib.files import write_json
from ocrlib.network.crnn import build_crnn, width_stride
from ocrlib.network.own import build_own
from ocrlib.network.warm_start import freeze, start_from
from ocrlib.pictures.paper import measure_margins
from ocrlib.reading.recognizer import Recognizer
from ocrlib.regex import recipe_patterns
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.devices import Devices
from ocrlib.training.hold_back import StartWeights, measure_replay, start_weights
from ocrlib.training.lines import Replay, RunLines, open_lines, some_lines
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.plan import FROM_MODEL_STEPS, OWN_STEPS, Plan, plan_epochs
from ocrlib.training.precision import choose_precision
from ocrlib.training.record import describe_machine, describe_network, versions, with_seen
from ocrlib.training.run_folder import CONFIG
from ocrlib.training.settings import ModelConfig, RunConfig
from ocrlib.training.start import is_language, wanted_stride

_TIMED_STEPS, _WARMUP_STEPS = 8, 2


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that is ready to learn.

    Attributes:
      folder: what it writes to.
      settings: all of them decided.
      plan: how many epochs.
      about: what config.json holds.
      training, validation: its batches.
      model: to be trained.
      start: the weights that it began with, of a training that goes on from a model; else None.
      devices: that it is trained on; None for a single one.
    """

    folder: Path
    settings: RunConfig
    plan: Plan
    about: dict[str, Any]
    training: Mixture
    validation: Mixture
    model: CTCModel
    start: StartWeights | None
    devices: Devices | None

    def write_about(self, epochs_done: int) -> None:
        """Writes config.json, with the lines that were learned from each dataset so far."""
        seed = self.settings.train.seed
        each = [self.training.lines(seed, epoch) for epoch in range(epochs_done)]
        seen = [sum(numbers) for numbers in zip(*each, strict=True)] or [0] * len(self.training.loaders)
        num_own = len(self.about["datasets"])
        about = {**self.about, "datasets": with_seen(self.about["datasets"], seen[:num_own])}
        if replay := about["replay"]:
            about["replay"] = {**replay, "datasets": with_seen(replay["datasets"], seen[num_own:])}
        write_json(self.folder / CONFIG, about)


def prepare(
    datasets: Sequence[Path],
    manifests: Sequence[Manifest],
    run: Path,
    settings: RunConfig,
    weights: Sequence[float] | None,
    replay: Replay | None,
    about: dict[str, Any],
    devices: Devices | None,
) -> Run:
    """Returns the run with everything opened and decided, after writing config.json."""
    init, start = about["init"], None
    charset = Charset(settings.data.charset or "".join(dict.fromkeys("".join(m.charset for m in manifests))))
    if init is None:
        network = new_network(manifests, charset, settings.model)
    else:
        network, charset, start = _known_network(init, manifests, charset, settings)
    network.get_layer("characters").patterns = recipe_patterns([manifest.recipe for manifest in manifests])
    lines = open_lines(
        datasets, weights, replay, charset, settings.data, width_stride(network), from_model=init is not None
    )
    if "plan" not in about:  # only now: a dataset that cannot be opened leaves no run behind
        write_json(run / CONFIG, about)
    _set_margins(network, init, manifests, lines)
    plan = _planned(about, settings, lines, CTCModel(network, charset))
    training = lines.mixture(plan)
    num_steps = sum(training.count(settings.train.seed, epoch) for epoch in range(plan.epochs))
    precision = about.get("precision") or choose_precision(_asked_precision(settings, devices), network, num_steps)
    if precision != "float32":
        print(f"trains in {precision} (--train.precision)")
    freeze(network, settings.train.freeze or "nothing")
    model = CTCModel(network, charset, precision)
    optimizer = make_optimizer(settings.train, num_steps, averages=replay is not None)
    model.compile(optimizer=optimizer, jit_compile=False)  # CTC does not compile
    model.optimizer.build(model.trainable_variables)
    about |= {
        "plan": {"steps": num_steps, **asdict(plan)},
        "network": describe_network(network),
        "precision": precision,
        "machine": describe_machine(),
        "versions": versions(),
    }
    if replay and "before" not in about:
        about["before"] = measure_replay(Recognizer.of_keras(network, charset), replay)
    return Run(
        folder=run,
        settings=settings,
        plan=plan,
        about=about,
        training=training,
        validation=lines.validation,
        model=model,
        start=start,
        devices=devices,
    )


def _asked_precision(settings: RunConfig, devices: Devices | None) -> Literal["auto", "float32", "bfloat16"]:
    """Returns the precision that is asked for; float32 where `auto` could not be measured.

    The check of auto knows our layers; only its author knows what a network of the user does in bfloat16. Nor do
    machines that measure it alone need to come to the same.
    """
    alone = devices is None or devices.machines.count == 1
    unknown = settings.train.precision == "auto" and (settings.model.build or not alone)
    return "float32" if unknown else settings.train.precision


def _planned(about: Mapping[str, Any], settings: RunConfig, lines: RunLines, model: CTCModel) -> Plan:
    """Returns the plan that a run was begun with, or a new one."""
    if "plan" in about:
        return Plan(epochs=about["plan"]["epochs"], epoch_batches=about["plan"]["epoch_batches"])
    return plan_epochs(
        settings.train,
        lines.pass_batches,
        None if about["init"] is None else OWN_STEPS if lines.replayed else FROM_MODEL_STEPS,
        lambda: _step_seconds(model, lines.mixture(Plan(epochs=1))),
    )


def _step_seconds(model: CTCModel, training: Mixture) -> float:
    """Returns the mean seconds of a step here: forward, backward and the loss, without anything being learned."""
    batches = to_tf_dataset(training, seed=0)

    @tf.function(input_signature=[batches.element_spec], autograph=False)
    def step(batch: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model._ctc_losses(batch, training=False)[0])
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(loss, model.network.trainable_variables)]

    begun = 0.0
    for number, batch in enumerate(islice(batches.repeat(), _WARMUP_STEPS + _TIMED_STEPS)):
        if number == _WARMUP_STEPS:
            begun = time.perf_counter()
        for gradient in step(batch):
            gradient.numpy()  # waits for it
    return (time.perf_counter() - begun) / _TIMED_STEPS


def new_network(manifests: Sequence[Manifest], charset: Charset, settings: ModelConfig) -> keras.Model:
    """Returns the network that the settings ask for, untrained, for datasets of one height and number of channels.

    By default it is larger for language than for numeric strings, which get half the stride; neither has an LSTM
    (docs/decisions/encoder-for-sentences.md).
    """
    if settings.build is not None:
        return build_own(settings.build, manifests[0].image.height, manifests[0].image.channels, charset.characters)
    language = any(map(is_language, manifests))
    return build_crnn(
        manifests[0].image.height,
        charset.num_classes,
        encoder=settings.chosen_encoder,
        stride=wanted_stride(manifests, settings),
        filters=settings.filters or (2.5 if language else 1.0),
        channels=manifests[0].image.channels,
        charset=charset.characters,
    )


def _set_margins(network: keras.Model, init: str | None, manifests: Sequence[Manifest], lines: RunLines) -> None:
    """Gives a network the margins of the lines it learns from; a known one keeps its own for lines that were cut."""
    cut = all(manifest.imported and manifest.recipe.get("render", {}).get("cut") for manifest in manifests)
    if init is None or not cut:
        network.get_layer("characters").margins = list(measure_margins(some_lines(lines.own)))


def _known_network(
    init: str, manifests: Sequence[Manifest], charset: Charset, settings: RunConfig
) -> tuple[keras.Model, Charset, StartWeights]:
    """Returns the network of an existing model with a last layer for the charset, and prints what was kept."""
    image = manifests[0].image
    start = start_from(init, charset, image.height, image.channels, keep=settings.model.charset == "union")
    print(f"starts from {init}: {start}")
    fresh = [start.charset.characters.index(character) for character in start.fresh]
    return start.network, start.charset, start_weights(start.network, fresh)
