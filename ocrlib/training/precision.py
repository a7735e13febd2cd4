"""The precision of the training step: float32, or bfloat16 where the processor computes with it and is faster so.

bfloat16 is float32 with 8 bits of mantissa instead of 24. Processors with AMX multiply matrices of it several times
faster. Only what goes through the convolutions is rounded to it: weights, the statistics of batch normalisation,
softmax, loss and optimizer stay in float32 (Micikevicius et al. 2018, "Mixed Precision Training"), and so do
validation, the saved network and everything that reads with it. See docs/decisions/bfloat16.md.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.network.layers import Columns, FusedBatchNormalization, MaskColumns

Precision = Literal["float32", "bfloat16"]

_LAYERS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Add,
    keras.layers.Dropout,
    keras.layers.ReLU,
    Columns,
    FusedBatchNormalization,
    MaskColumns,
)
_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
_FLAGS = {"amx_bf16", "avx512_bf16"}  # of a processor that computes with bfloat16, as Linux names them
CHECKED_FROM_STEPS = 200  # the check takes some seconds; a shorter run would not win them back
_CHECKED_BATCH = (64, 160)  # lines, pixels of width: a usual batch of numbers
_REPEATS = 3


@contextmanager
def computing_in(network: keras.Model, precision: Precision) -> Iterator[None]:
    """Lets the layers of a network compute in that precision; what is traced meanwhile keeps it, the network does not.

    Args:
      network: of `build_crnn`, or made of layers that take a dtype policy.
      precision: for convolutions and what stands between them; layers of other kinds stay as they are.
    """
    layers = [layer for layer in network.layers if isinstance(layer, _LAYERS)]
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = keras.DTypePolicy(_POLICIES[precision])
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def without_spoiled(gradients: Sequence[Any], weights: Sequence[Any]) -> tuple[list[Any], tf.Tensor]:
    """Returns the gradients with 0 in place of what a kernel in bfloat16 has spoiled, and whether it has.

    On processors with AMX, oneDNN's gradient of a convolution's weights has a tile of NaN at times (16 x 32 of 73,728
    numbers of one layer, in about one step of 1,500 with ten lines), although all else in the step is right. Probably
    it multiplies what happens to lie in memory behind the last column with 0. A step like that learns from the rest. A
    training that really fails has NaN in other gradients as well, and gets them all back, as it does where only
    convolutions learn.

    Args:
      gradients: of the weights, in their order; None where there is none.
    """
    is_kernel = [
        len(weight.shape) > 2 for weight in weights
    ]  # of a convolution, or in a network of the user's of attention
    kernels: list[tf.Tensor] = []  # of each, whether its gradient is all numbers
    others: list[tf.Tensor] = []
    for each, kernel in zip(gradients, is_kernel, strict=True):
        if each is not None:
            (kernels if kernel else others).append(tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(each))))
    if not (kernels and others):
        return list(gradients), tf.constant(False)
    spoiled = tf.reduce_all(others) & ~tf.reduce_all(kernels)
    mended = [
        tf.where(spoiled & ~tf.math.is_finite(each), tf.zeros_like(each), each) if kernel and each is not None else each
        for each, kernel in zip(gradients, is_kernel, strict=True)
    ]
    return mended, spoiled


def choose_precision(
    setting: Literal["auto", "float32", "bfloat16"], network: keras.Model, num_steps: int
) -> Precision:
    """Returns the precision to train in.

    auto takes bfloat16 where the processor has it in hardware and a step of this network is faster in it here; a run
    of few steps goes without the check, in float32.
    """
    if setting != "auto":
        return setting
    if num_steps < CHECKED_FROM_STEPS or not has_bfloat16():
        return "float32"
    steps = {precision: _make_step(network, precision) for precision in ("float32", "bfloat16")}
    seconds = {name: _fastest(step) for name, step in steps.items()}
    return "bfloat16" if seconds["bfloat16"] < seconds["float32"] else "float32"


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Returns whether the processor computes with bfloat16 in hardware; False where the system does not tell."""
    try:
        return any(_FLAGS & set(line.split()) for line in cpuinfo.read_text().splitlines() if line.startswith("flags"))
    except OSError:
        return False


def _make_step(network: keras.Model, precision: Precision) -> Callable[[], None]:
    """Returns a step without loss and optimizer, which cost the same in each precision: forward and backward."""
    lines, width_px = _CHECKED_BATCH
    _, height, _, channels = next(tensor for tensor in network.inputs if tensor.name == "image").shape
    random = np.random.RandomState(0)
    image = tf.constant(random.randint(0, 256, (lines, height, width_px, channels)).astype(np.uint8))
    width = tf.fill([lines], width_px)

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape, computing_in(network, precision):
            # Not in training mode, which would move the statistics of the normalisation.
            outputs = network({"image": image, "width": width}, training=False)
            total = tf.reduce_sum(outputs[..., 0])
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(total, network.trainable_variables)]

    def step() -> None:
        for gradient in gradients():
            gradient.numpy()  # waits for it

    return step


def _fastest(step: Callable[[], None]) -> float:
    """Returns the seconds of the fastest of some calls, the first of which only warms up."""
    step()
    seconds = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)
