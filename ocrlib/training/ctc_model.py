"""How a network learns from lines: the CTC training step, its loss, and the figures of a validation."""

from typing import Any

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.ctc import time_steps
from ocrlib.errors import UserError
from ocrlib.evaluation.metrics import count_errors
from ocrlib.network.crnn import width_stride
from ocrlib.reading.decoding import best_paths
from ocrlib.training.precision import Precision, computing_in

_NOT_FINITE = "the loss is not finite"


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
      precision: of the training step; validation is always in float32, as what is saved.
    """

    def __init__(self, network: keras.Model, charset: Charset, precision: Precision = "float32") -> None:
        super().__init__()
        self.network = network
        self.charset = charset
        self.precision = precision
        self._stride = width_stride(network)
        self.loss_mean = keras.metrics.Mean("loss")
        self.cer, self.wer, self.exact_match = Ratio("cer"), Ratio("wer"), Ratio("exact_match")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """What Keras resets at the start of each epoch and each validation."""
        return [self.loss_mean, self.cer, self.wer, self.exact_match]

    def num_lines_learned(self) -> int:
        """Returns the lines learned since the metrics were last reset, so in this epoch."""
        return int(self.loss_mean.count)

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
        with computing_in(self.network, self.precision if training else "float32"):
            probs = self.network({"image": batch["image"], "width": batch["width"]}, training=training)
        # From the true width: steps that look at padding must not take part in any path.
        input_length = time_steps(batch["width"], self._stride)
        losses = tf.keras.backend.ctc_batch_cost(
            y_true=batch["label"],  # (B, L) classes; what lies beyond label_length is not looked at
            y_pred=probs,  # (B, T, C) softmax, not logits: it takes the logarithm itself
            input_length=input_length[:, None],  # (B, 1)
            label_length=batch["label_length"][:, None],  # (B, 1)
        )[:, 0]
        finite = tf.math.is_finite(losses)
        bad = tf.boolean_mask(batch["id"], ~finite)
        check = tf.debugging.Assert(tf.reduce_all(finite), [f"{_NOT_FINITE} for samples", bad], summarize=20)
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


def plain_error(error: Exception) -> Exception:
    """Returns the error of ours behind an error of TensorFlow's; any other error comes back as it is.

    What the loader raises (UserError) and what our check of the loss finds (FloatingPointError) comes out of a graph
    as text inside an error of TensorFlow's own.
    """
    for line in str(error).splitlines():
        _, found, message = line.partition("UserError: ")
        if found:
            return UserError(message.strip())
        _, found, message = line.partition(_NOT_FINITE)
        if found:
            return FloatingPointError(found + message.rstrip())
    return error
