"""Training on several devices at once: each learns from its part of every batch, and all of them take the same step.

What is learned does not depend on how many devices there are. The batches are those of one device, in the same order;
the loss of a part is divided by the lines of the whole batch; gradients are added up before they are clipped; and
batch normalisation takes its statistics over all parts (`layers.FusedBatchNormalization`). So learning rate, number of
steps and places to resume from mean the same, and a run can go on with other devices.

One device goes through Keras' `fit` (`trainer`), several through the loop here: `fit` fails with several machines, and
with batches such as ours. See docs/decisions/several-devices.md.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import numpy as np

from ocrlib.backend import keras, tf, without_stderr
from ocrlib.errors import UserError, WorkerError
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.machines import VARIABLE, Machines, num_cores
from ocrlib.training.precision import computing_in

_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
_SAME = 1e-3  # of bytes: a mean that differs by less is the byte itself, rounded


class Devices:
    """The devices of a run, those of other machines too.

    Args:
      strategy: TensorFlow's way to use them.
      machines: that train together.

    Attributes:
      strategy, machines: as given.
      count: how many devices there are, on all machines together.
    """

    def __init__(self, strategy: Any, machines: Machines) -> None:
        self.strategy, self.machines = strategy, machines
        self.count: int = strategy.num_replicas_in_sync

    def first(self, values: Any) -> Any:
        """Returns the first device's of values that each device has; after an `all_reduce` they are equal."""
        return tf.nest.map_structure(lambda each: self.strategy.experimental_local_results(each)[0], values)

    @contextmanager
    def told_if_lost(self) -> Iterator[None]:
        """Raises WorkerError where another machine is lost meanwhile."""
        try:
            yield
        except _LOST as error:
            if self.machines.count == 1:
                raise
            raise WorkerError(
                f"worker {self.machines.index}: another worker of {VARIABLE} was lost; start all of them again with "
                "--resume"
            ) from error

    def mean(self, figures: Any) -> Any:
        """Returns the mean over all devices of (N,) float32 that each machine has; within a `tf.function`."""

        def mean(values: Any) -> Any:
            values = tf.identity(values)  # on this device; what comes from outside is on none, and cannot be added up
            return tf.distribute.get_replica_context().all_reduce("MEAN", values)

        return self.first(self.strategy.run(mean, args=(figures,)))

    def require_alike(self, about: Mapping[str, Any]) -> None:
        """Refuses machines that differ in what they are to do, on all of them.

        Otherwise one would wait for ever for a step that another one does not take, or they would learn from a
        mixture of two datasets and nobody would see it.

        Args:
          about: {what, in a word or two: a value that JSON can hold}.

        Raises:
          UserError: says in what they differ.
        """
        if self.machines.count == 1:
            return
        digests = [hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:8] for value in about.values()]
        own = np.frombuffer(b"".join(digests), np.uint8).astype(np.float32)
        with self.told_if_lost():
            means = tf.function(self.mean, autograph=False)(tf.constant(own)).numpy()
        alike = (abs(means - own) < _SAME).reshape(len(about), -1).all(axis=1)
        if not alike.all():
            told = ", ".join(what for what, same in zip(about, alike, strict=True) if not same)
            raise UserError(
                f"worker {self.machines.index}: the workers of {VARIABLE} have other {told}; give the same command to "
                "each of them, and the same datasets"
            )


class Learner:
    """Learns from batches on several devices; made once for a run, because tracing takes seconds.

    Args:
      devices: to learn on.
      model: made within their scope.
      batch: {name: tf.TensorSpec} of the batches.
    """

    def __init__(self, devices: Devices, model: CTCModel, batch: Mapping[str, Any]) -> None:
        self._devices, self._model = devices, model
        self._step = tf.function(self._learn, input_signature=[batch], autograph=False)
        self._test = tf.function(model.test_step, input_signature=[batch], autograph=False)
        figures = tf.TensorSpec([None], tf.float32)
        self._mean = tf.function(devices.mean, input_signature=[figures], autograph=False)

    def epoch(
        self,
        training: Iterable[Mapping[str, Any]],
        validation: Iterable[Mapping[str, Any]],
        epoch: int,
        callbacks: list[keras.callbacks.Callback],
    ) -> dict[str, float]:
        """Learns from the training, measures on the validation, and returns the figures that `fit` would.

        Every machine validates on all of the validation, and none has to wait for another.
        """
        model, calls = self._model, keras.callbacks.CallbackList(callbacks, model=self._model)
        calls.on_train_begin()
        calls.on_epoch_begin(epoch)
        model.reset_metrics()
        figures: dict[str, float] = {}
        for number, batch in enumerate(training):
            calls.on_train_batch_begin(number)
            with self._devices.told_if_lost():
                figures = {name: float(value) for name, value in self._step(batch).items()}
            calls.on_train_batch_end(number, figures)
        model.reset_metrics()
        calls.on_test_begin()
        measured: dict[str, Any] = {}
        for batch in validation:
            measured = self._test(batch)
        measured = {name: float(value) for name, value in measured.items()}
        calls.on_test_end(measured)
        figures |= {f"val_{name}": value for name, value in measured.items()}
        if self._devices.machines.count > 1:  # they decide when to stop: all machines at once, or some would wait
            with self._devices.told_if_lost():
                means = self._mean(list(figures.values())).numpy().tolist()
            figures = dict(zip(figures, means, strict=True))
        calls.on_epoch_end(epoch, figures)
        calls.on_train_end(figures)
        return figures

    def _learn(self, batch: Mapping[str, Any]) -> Any:
        """Takes the step that `CTCModel.train_step` does, and returns the same figures."""
        model, devices = self._model, self._devices
        # Here for all devices: they are traced by turns, and each would find the precision that the one before has set.
        with computing_in(model.network, model.precision):
            loss, gradients = devices.first(devices.strategy.run(self._learn_part, args=(batch,)))
        # Outside `run`: clipped once, for all devices.
        return model.learn_from(loss, gradients, tf.shape(batch["width"])[0])

    def _learn_part(self, batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Runs on each device; returns the mean loss of the batch, and the gradients of it, from all parts.

        A batch of fewer lines than devices is learned by each of them whole, which comes to the same.
        """
        context, count, weights = (
            tf.distribute.get_replica_context(),
            self._devices.count,
            self._model.trainable_variables,
        )
        index, lines = context.replica_id_in_sync_group, tf.shape(batch["width"])[0]
        first, last = lines * index // count, lines * (index + 1) // count
        whole = lines < count
        with tf.device("CPU:0"):  # so that only the part goes to a GPU
            first, last = tf.where(whole, 0, first), tf.where(whole, lines, last)
            part = {name: values[first:last] for name, values in batch.items()}
        with tf.GradientTape() as tape:
            losses = self._model._ctc_losses(part, training=True)[0]
            loss = tf.reduce_sum(losses) / tf.cast(tf.where(whole, lines * count, lines), tf.float32)
        total, *gradients = context.all_reduce("SUM", [loss, *tape.gradient(loss, weights)])
        return total, gradients


def open_devices(asked: int | Literal["all"], machines: Machines) -> Devices | None:
    """Returns the devices that `--train.devices` asks for; None for a single one, which needs nothing of this.

    Without a GPU the processor is cut into as many logical devices. That has to happen before TensorFlow computes
    anything.

    Args:
      asked: how many, of each machine; `all` for all GPUs, or without a GPU for as many as there are cores. Several
        machines without a GPU are one device each.
      machines: that train together.

    Raises:
      UserError: there are fewer, or TensorFlow is in use already.
    """
    gpus = tf.config.list_physical_devices("GPU")
    there = len(gpus) or num_cores()
    wanted = there if asked == "all" else asked
    if wanted > there:
        kind = "GPUs" if gpus else "logical CPUs, and no GPU"
        raise UserError(f"--train.devices {wanted}: this machine has {there} {kind}; give {there} or fewer, or all")
    if machines.count > 1 and not gpus and asked not in (1, "all"):
        raise UserError(f"--train.devices {asked}: of several machines, each without a GPU is one device; leave it out")
    if wanted == 1 and machines.count == 1:
        return None
    if machines.count > 1:
        print(f"worker {machines.index} of {machines.count} waits for the others", flush=True)
    try:
        with without_stderr():  # that the machines find each other is told there
            return Devices(_strategy(gpus[:wanted], wanted, machines), machines)
    except RuntimeError:
        raise UserError(
            f"--train.devices {asked}: TensorFlow is in use already, and takes other devices only before that; "
            "train in a process of its own"
        ) from None


def _strategy(gpus: list[Any], wanted: int, machines: Machines) -> Any:
    if gpus:
        tf.config.set_visible_devices(gpus, "GPU")
    if machines.count > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if gpus:
        return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(wanted)])
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * wanted)
    tf.config.list_logical_devices()  # raises here, not later, if it came too late
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(wanted)])


def scope_of(devices: Devices | None) -> AbstractContextManager[Any]:
    """Returns what the network and the optimizer of a run are to be made within."""
    return nullcontext() if devices is None else devices.strategy.scope()
