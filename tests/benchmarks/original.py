"""The original to compare with: trdg draws lines during the training of a small network without an LSTM.

Rewritten from a description: RGB lines of 32 px, two pairs of convolutions (8 and 16, 32 and 64 filters) with a pool
after each, a dense layer on the columns, a softmax, CTC, Adam with its defaults, batches of 12 in the order in which
they are drawn, each padded to its widest line. The comparison is fair to it: another thread draws lines while the
network learns, one graph serves all widths, padding is white and on the right, and CTC gets each line's own input
length. The changes of the augmentation are so small that they almost never cut a digit.
"""

import math
import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.ctc import ctc_steps
from ocrlib.factory.render.options import LineOptions
from ocrlib.reading.decoding.paths import best_paths
from ocrlib.rounding import round_up
from tests.factory.render.samples import trdg_fonts
from tests.stock_trdg import stock_line

Batch = dict[str, Any]

HEIGHT, CHANNELS, STRIDE = 32, 3, 4
BATCH = 12
PREFETCH = 4  # batches, as in ocrlib.batches.tf_data
PAPER = 255
# All in both directions; shift and zoom are shares of the size.
ROTATION_DEG, SHEAR_DEG, SHIFT, ZOOM = 3.0, 3.0, 0.03, 0.1


def build_network(num_classes: int) -> keras.Model:
    """Returns the network, untrained: (B, 32, W, 3) float32 in [0, 1] -> (B, W / 4, C) softmax over C."""
    layers = keras.layers
    image = keras.Input((HEIGHT, None, CHANNELS), name="image")
    x = image
    for first, second in ((8, 16), (32, 64)):
        x = layers.Conv2D(first, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(second, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Permute((2, 1, 3))(x)  # (B, W / 4, 8, 64)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]))(x)
    x = layers.Dense(128, activation="relu")(x)
    return keras.Model(image, layers.Dense(num_classes, activation="softmax")(x), name="original")


class OriginalModel(keras.Model):
    """The network with a training step that calls `ctc_batch_cost`."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, image: Any, training: bool = False) -> Any:
        return self.network(image, training=training)

    def train_step(self, batch: Batch) -> dict[str, Any]:
        """One step: forward, CTC loss, backward."""
        with tf.GradientTape() as tape:
            losses = tf.keras.backend.ctc_batch_cost(
                y_true=batch["label"],
                y_pred=self.network(to_unit(batch["image"]), training=True),
                input_length=batch["width"][:, None] // STRIDE,
                label_length=batch["label_length"][:, None],
            )
            loss = tf.reduce_mean(losses)
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


def build_model(num_classes: int) -> OriginalModel:
    """Returns the network ready to train, with Adam at its default."""
    model = OriginalModel(build_network(num_classes))
    model.compile(optimizer=keras.optimizers.Adam(), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def make_step(model: OriginalModel) -> Any:
    """Returns the training step as one graph for all shapes of batches."""
    return tf.function(model.train_step, input_signature=[batch_signature()])


def batch_signature() -> dict[str, Any]:
    return {
        "image": tf.TensorSpec((None, HEIGHT, None, CHANNELS), tf.uint8),
        "width": tf.TensorSpec((None,), tf.int32),
        "label": tf.TensorSpec((None, None), tf.int32),
        "label_length": tf.TensorSpec((None,), tf.int32),
    }


def to_unit(image: Any) -> Any:
    return tf.cast(image, tf.float32) / 255.0


def draw_number(rng: random.Random) -> str:
    """1 to 10 digits."""
    return "".join(rng.choices("0123456789", k=rng.randint(1, 10)))


def fits(text: str, width: int) -> bool:
    """Whether CTC can fit the text into the columns of a line of that width."""
    return ctc_steps(text) <= width // STRIDE


def draw_lines(seed: int) -> Iterator[tuple[np.ndarray, str]]:
    """Yields lines and their texts, without end: stock trdg on white, then changed at random."""
    rng, fonts = random.Random(seed), trdg_fonts()
    options = LineOptions(height=HEIGHT, channels=CHANNELS, background="plain_white")
    while True:
        text = draw_number(rng)
        image = stock_line(text, rng.choice(fonts), options, rng.getrandbits(31))
        if image is not None and fits(text, image.shape[1]):
            yield augment(image, rng), text


def augment(image: np.ndarray, rng: random.Random) -> np.ndarray:
    """Returns an (H, W, 3) image turned, sheared, zoomed along both axes and shifted; the pixels of the edge are repeated."""
    import cv2

    height, width = image.shape[:2]
    angle = math.radians(rng.uniform(-ROTATION_DEG, ROTATION_DEG))
    shear = math.radians(rng.uniform(-SHEAR_DEG, SHEAR_DEG))
    zoom_x, zoom_y = rng.uniform(1 - ZOOM, 1 + ZOOM), rng.uniform(1 - ZOOM, 1 + ZOOM)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = rotation @ np.array([[1.0, -math.sin(shear)], [0.0, math.cos(shear)]]) @ np.diag([zoom_x, zoom_y])
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = np.array([rng.uniform(-SHIFT, SHIFT) * width, rng.uniform(-SHIFT, SHIFT) * height])
    offset = center + shift - matrix @ center
    affine = np.column_stack([matrix, offset])
    return cv2.warpAffine(image, affine, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def make_batch(lines: list[tuple[np.ndarray, str]], charset: Charset) -> Batch:
    """Returns the lines padded with white to the widest of them, labels padded with -1."""
    widths = [image.shape[1] for image, _ in lines]
    padded = round_up(max(widths), STRIDE)  # so that the pools divide the width
    images = np.full((len(lines), HEIGHT, padded, CHANNELS), PAPER, np.uint8)
    labels = np.full((len(lines), max(len(text) for _, text in lines)), -1, np.int32)
    for i, (image, text) in enumerate(lines):
        images[i, :, : widths[i]] = image
        labels[i, : len(text)] = charset.encode(text)
    lengths = np.array([len(text) for _, text in lines], np.int32)
    return {"image": images, "width": np.array(widths, np.int32), "label": labels, "label_length": lengths}


def on_the_fly(seed: int, charset: Charset, stop: threading.Event) -> Any:
    """Returns a `tf.data.Dataset` of batches drawn in a thread of its own until `stop` is set."""

    def batches() -> Iterator[Batch]:
        lines = draw_lines(seed)
        while not stop.is_set():
            yield make_batch([next(lines) for _ in range(BATCH)], charset)

    return tf.data.Dataset.from_generator(batches, output_signature=batch_signature()).prefetch(PREFETCH)


def read_lines(network: Any, images: list[np.ndarray], charset: Charset) -> list[str]:
    """Returns what the network reads in (32, W, 3) images, in their order.

    Args:
      network: (B, 32, W, 3) uint8 -> (B, W / 4, C) softmax.
    """
    texts = [""] * len(images)
    by_width = sorted(range(len(images)), key=lambda row: images[row].shape[1])
    for start in range(0, len(images), 4 * BATCH):
        rows = by_width[start : start + 4 * BATCH]
        batch = make_batch([(images[row], "0") for row in rows], charset)
        paths = best_paths(network(batch["image"]).numpy(), batch["width"] // STRIDE).classes
        for row, path in zip(rows, paths, strict=True):
            texts[row] = charset.decode(path)
    return texts
