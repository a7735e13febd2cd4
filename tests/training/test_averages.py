"""The averaged weights are in the network while it is measured and saved, and those of its last step when it goes on."""

import numpy as np
import pytest

from ocrlib.backend import keras
from ocrlib.training.averages import AveragedWeights
from ocrlib.training.optimizer import make_optimizer
from ocrlib.training.settings import TrainConfig

STEPS = 12


class AfterEachStep(keras.callbacks.Callback):
    """Notes the weights of a model."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[np.ndarray] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.kernels.append(np.array(np.asarray(self.model.weights[0])))


def small_model(*, averages: bool, optimizer: str = "adam") -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    chosen = TrainConfig(optimizer=optimizer, learning_rate=0.1)  # type: ignore[arg-type]
    model.compile(make_optimizer(chosen, STEPS, averages=averages), loss="mse")
    return model


def learn(model: keras.Model, epochs: int, *callbacks: keras.callbacks.Callback) -> None:
    inputs, targets = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]), np.array([[3.0], [-4.0], [1.0]])
    data = {"validation_data": (inputs, targets), "batch_size": 1, "shuffle": False, "verbose": 0}
    model.fit(inputs, targets, epochs=epochs, callbacks=list(callbacks), **data)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_the_network_has_the_average_until_it_goes_on(optimizer: str) -> None:
    model, averaged, steps = small_model(averages=True, optimizer=optimizer), AveragedWeights(), AfterEachStep()
    expected = None
    for epoch in range(2):  # each is a fit of its own, as in a run
        learn(model, 1, averaged, steps)
        for kernel in steps.kernels[3 * epoch :]:
            expected = kernel if expected is None else 0.5 * expected + 0.5 * kernel  # 1 - 6 / 12
        np.testing.assert_allclose(model.weights[0], expected, rtol=1e-5)
        assert not np.allclose(expected, steps.kernels[-1], rtol=1e-3)
        averaged.give_back()
        np.testing.assert_array_equal(model.weights[0], steps.kernels[-1])


def test_without_an_average_nothing_changes() -> None:
    model, averaged, steps = small_model(averages=False), AveragedWeights(), AfterEachStep()
    learn(model, 2, averaged, steps)
    np.testing.assert_array_equal(model.weights[0], steps.kernels[-1])
    averaged.give_back()
    np.testing.assert_array_equal(model.weights[0], steps.kernels[-1])


def test_of_few_steps_the_last_one_counts_alone() -> None:
    assert make_optimizer(TrainConfig(), 4, averages=True).ema_momentum == 0.0
