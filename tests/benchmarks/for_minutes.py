"""Trains a network for a number of minutes, for `bench_encoders` and `bench_init`."""

import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.batches.loader import Loader
from ocrlib.batches.split import SplitLines
from ocrlib.batches.tf_data import to_tf_dataset
from ocrlib.charset import Charset
from ocrlib.network.crnn import width_stride
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.settings import TrainConfig

WARMUP = 0.05  # share of the time
AVERAGED = 0.998  # the running average of the weights keeps this share of itself in each step: about 500 steps
REFRESHED = 150  # batches


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How much a network learned: lines and seconds of the training, without what happens before the first step."""

    model: CTCModel
    loader: Loader
    lines: int
    seconds: float

    def average_weights(self) -> None:
        """Replaces the weights by their running average, and measures the statistics of the normalisation again."""
        network = self.model.network
        self.model.optimizer.finalize_variable_values(network.trainable_variables)
        for data in to_tf_dataset(self.loader, seed=2).take(REFRESHED):
            network({"image": data["image"], "width": data["width"]}, training=True)


def train_for(
    network: keras.Model,
    folder: Path,
    charset: Charset,
    seconds: float,
    batch: int,
    rate: float,
    *,
    short_first: bool = False,
) -> Trained:
    """Trains a network on the training split, with a learning rate that warms up and falls to zero in the given time."""
    loader = Loader(SplitLines(folder, "train", charset), width_stride(network), batch, short_first=short_first)
    model = CTCModel(network, charset)
    optimizer = make_optimizer(TrainConfig(schedule="constant"), 1)
    optimizer.use_ema, optimizer.ema_momentum = True, AVERAGED
    model.compile(optimizer=optimizer, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, input_signature=[to_tf_dataset(loader).element_spec])
    model.optimizer.learning_rate = 0.0
    step(next(iter(to_tf_dataset(loader))))  # traces the graph
    begun, lines = time.perf_counter(), 0
    for epoch in count():
        for data in to_tf_dataset(loader, seed=1, epoch=epoch):
            share = (time.perf_counter() - begun) / seconds
            if share >= 1:
                return Trained(model=model, loader=loader, lines=lines, seconds=time.perf_counter() - begun)
            model.optimizer.learning_rate = rate * min(1.0, share / WARMUP) * (1 + np.cos(np.pi * share)) / 2
            step(data)
            lines += len(data["width"])
    raise AssertionError("an epoch follows each")
