"""The average of the weights over the last steps: what is measured, saved and read with in place of those of one step.

Single steps lead to and fro around a place that reads a little better than each of them (Izmailov et al. 2018,
"Averaging weights leads to wider optima"). After a training with a replay, more of the way can be kept: see
docs/own-lines.md. The optimizer keeps the average among its variables, so a run that goes on has it again.
"""

from typing import Any

import numpy as np

from ocrlib.backend import keras


class AveragedWeights(keras.callbacks.Callback):
    """Gives a network its averaged weights when an epoch is validated, until `give_back`; nothing without an average.

    Not only while it is validated: when Keras' `fit` ends, it leaves the average in the network anyway.
    """

    def __init__(self) -> None:
        super().__init__()
        self._learned: list[np.ndarray] = []

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.model.optimizer.use_ema:
            weights = self.model.trainable_variables
            self._learned = [np.array(np.asarray(weight)) for weight in weights]
            self.model.optimizer.finalize_variable_values(weights)

    def give_back(self) -> None:
        """Gives the network the weights of its last step again, with which the next one begins."""
        if self._learned:
            for weight, learned in zip(self.model.trainable_variables, self._learned, strict=True):
                weight.assign(learned)
            self._learned = []
