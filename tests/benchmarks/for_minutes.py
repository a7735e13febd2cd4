"""Trains a network for a number of minutes: how `bench_encoders` and `bench_init` give each the same time."""

import time
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.crnn import time_steps, width_stride
from ocrlib.loader import Loader, to_tf_dataset
from ocrlib.run_config import TrainConfig
from ocrlib.trainer import CTCModel, make_optimizer

WARMUP = 0.05  # share of the time


def train_for(
    network: keras.Model, folder: Path, charset: Charset, seconds: float, batch: int, rate: float, short_first: bool
) -> tuple[int, float]:
    """Trains a network on the training split, its rate warmed up and brought down over the time.

    Returns:
      The lines that it learned from, and the seconds; what comes before the first step is left out of both.
    """
    steps = partial(time_steps, stride=width_stride(network))
    loader = Loader(folder, "train", charset, steps, batch, short_first=short_first)
    model = CTCModel(network, charset)
    model.compile(optimizer=make_optimizer(TrainConfig(schedule="constant"), 1), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, input_signature=[to_tf_dataset(loader).element_spec])
    model.optimizer.learning_rate = 0.0
    step(next(iter(to_tf_dataset(loader))))  # traces the graph
    begun, lines = time.perf_counter(), 0
    for epoch in count():
        for data in to_tf_dataset(loader, seed=1, epoch=epoch):
            share = (time.perf_counter() - begun) / seconds
            if share >= 1:
                return lines, time.perf_counter() - begun
            model.optimizer.learning_rate = rate * min(1.0, share / WARMUP) * (1 + np.cos(np.pi * share)) / 2
            step(data)
            lines += len(data["width"])
    raise AssertionError("an epoch follows each")
