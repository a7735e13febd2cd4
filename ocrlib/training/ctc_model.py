"""How a network learns from lines: the CTC training step, its loss, and the figures of a validation.

For each line the network gives probabilities of all characters at all time steps (`ocrlib.ctc` explains them), and the
loss is -log of the probability of the label: all paths that say it, added up. Nothing tells the network where in the
image a character stands; it finds out, because that lowers the loss.
"""

import errno
from collections.abc import Sequence
from typing import Any

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.errors import UserError
from ocrlib.evaluation.metrics import count_errors
from ocrlib.network.crnn import width_stride
from ocrlib.reading.decoding.paths import best_paths
from ocrlib.training.precision import Precision, computing_in, without_spoiled

_NOT_FINITE = "the loss is not finite"


class CTCModel(keras.Model):
    """A network together with its loss and its metrics; the network itself knows neither.

    Batches are those of `loader.Loader`. Letters: B samples, T time steps, C classes, L the longest label.

    Args:
      network: {"image", "width"} -> (B, T, C) float32 softmax, class C - 1 the blank.
      charset: the characters of the other classes.
      precision: of the training step; validation and saved weights are always float32.
    """

    def __init__(self, network: keras.Model, charset: Charset, precision: Precision = "float32") -> None:
        super().__init__()
        self.network = network
        self.charset = charset
        self.precision = precision
        self._stride = width_stride(network)
        self.loss_mean = keras.metrics.Mean("loss")
        self.cer, self.wer, self.exact_match = (keras.metrics.Mean(name) for name in ("cer", "wer", "exact_match"))
        self.spoiled_steps = keras.metrics.Sum("spoiled_steps")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """What Keras resets at the start of each epoch and each validation."""
        return [*self._measured, self.spoiled_steps]

    @property
    def _measured(self) -> list[keras.metrics.Metric]:
        """What a validation gives."""
        return [self.loss_mean, self.cer, self.wer, self.exact_match]

    def num_lines_learned(self) -> int:
        """Returns the lines learned since the metrics were last reset, so in this epoch."""
        return int(np.asarray(self.loss_mean.count))  # several devices have a copy each

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return self.network(inputs, training=training)

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Learns from a batch and returns what `learn_from` does."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self._ctc_losses(batch, training=True)[0])
            scaled = self.optimizer.scale_loss(loss)  # more than 1 under mixed precision only
        return self.learn_from(loss, tape.gradient(scaled, self.trainable_variables), tf.shape(batch["width"])[0])

    def learn_from(self, loss: tf.Tensor, gradients: Sequence[Any], num_lines: tf.Tensor) -> dict[str, tf.Tensor]:
        """Changes the weights by a batch's gradients, and returns the figures of the epoch so far.

        These are the mean loss over its lines and, in bfloat16, in how many steps a part of the gradients was left out.

        Args:
          loss: the mean over the batch.
          gradients: of `trainable_variables`, in their order; None where there is none.
          num_lines: of the batch.
        """
        figures = [self.loss_mean]
        if self.precision == "bfloat16":
            gradients, spoiled = without_spoiled(gradients, self.trainable_variables)
            self.spoiled_steps.update_state(tf.cast(spoiled, tf.float32))
            figures.append(self.spoiled_steps)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.loss_mean.update_state(loss, sample_weight=num_lines)
        return {metric.name: metric.result() for metric in figures}

    def test_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the mean loss, and the error rates of the best path against the labels, over all batches so far."""
        losses, probs, input_length = self._ctc_losses(batch, training=False)
        self.loss_mean.update_state(losses)
        arrays = [probs, input_length, batch["label"], batch["label_length"]]
        counts = tf.numpy_function(self._count_errors, arrays, tf.int64)
        lines, exact, characters, character_edits, words, word_edits = tf.unstack(tf.ensure_shape(counts, (6,)))
        add_share(self.cer, character_edits, characters)
        add_share(self.wer, word_edits, words)
        add_share(self.exact_match, exact, lines)
        return {metric.name: metric.result() for metric in self._measured}

    def _ctc_losses(self, batch: dict[str, tf.Tensor], training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns (B,) losses, (B, T, C) probabilities, (B,) true time steps."""
        with computing_in(self.network, self.precision if training else "float32"):
            probs = self.network({"image": batch["image"], "width": batch["width"]}, training=training)
        # From the true width: time steps that look at padding belong to no path.
        input_length = time_steps(batch["width"], self._stride)
        losses = tf.keras.backend.ctc_batch_cost(
            y_true=batch["label"],  # (B, L) classes; those beyond label_length are ignored
            y_pred=probs,  # (B, T, C) softmax, not logits: the function takes the logarithm
            input_length=input_length[:, None],  # (B, 1)
            label_length=batch["label_length"][:, None],  # (B, 1)
        )[:, 0]
        finite = tf.math.is_finite(losses)
        bad = tf.boolean_mask(batch["id"], ~finite)
        check = tf.debugging.Assert(tf.reduce_all(finite), [f"{_NOT_FINITE} for samples", bad], summarize=20)
        with tf.control_dependencies([check]):
            return tf.identity(losses), probs, input_length

    def _count_errors(
        self, probs: np.ndarray, input_length: np.ndarray, label: np.ndarray, label_length: np.ndarray
    ) -> np.ndarray:
        """Returns (6,) int64: lines, exact, characters, their edits, words, their edits."""
        paths = best_paths(probs, input_length).classes
        truths = [self.charset.decode(row[:n].tolist()) for row, n in zip(label, label_length, strict=True)]
        counts = count_errors(truths, [self.charset.decode(path) for path in paths])
        characters, words = (counts.characters, counts.character_edits), (counts.words, counts.word_edits)
        return np.array([counts.lines, counts.exact, *characters, *words], np.int64)


def add_share(metric: keras.metrics.Mean, part: Any, whole: Any) -> None:
    """Adds `part` of `whole` to a metric whose result is the sum of all parts over the sum of all wholes.

    As a weighted mean of ones and zeros: `part` ones, and zeros for the rest. Both sums are of whole numbers, so equal
    counts give equal results, whatever the batches. There may be more edits than characters: the zeros then weigh less
    than nothing, and the sums still hold.
    """
    metric.update_state([1.0, 0.0], sample_weight=tf.cast(tf.stack([part, whole - part]), tf.float32))


def plain_error(error: Exception) -> Exception:
    """Returns the error of ours behind an error of TensorFlow's; any other error comes back as it is.

    What the loader raises (UserError) and what our check of the loss finds (FloatingPointError) comes out of a graph
    as text inside an error of TensorFlow's own. A full disk is an OSError, also where TensorFlow finds it.
    """
    for line in str(error).splitlines():
        _, found, message = line.partition("UserError: ")
        if found:
            return UserError(message.strip())
        _, found, message = line.partition(_NOT_FINITE)
        if found:
            return FloatingPointError(found + message.rstrip())
    if "tfevents" in str(error):  # the log for TensorBoard, the only file that TensorFlow writes here
        reason = " ".join(str(error).partition("; ")[2].split())[:60]
        return OSError(errno.EIO, f"the log for TensorBoard cannot be written: {reason}")
    return error
