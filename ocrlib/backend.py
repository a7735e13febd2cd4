"""Imports keras and tensorflow without the lines that they print; all modules import both from here.

TensorFlow writes some lines about absent GPUs directly to file descriptor 2, before its log level has an effect. An
error of ocrlib is one line on standard error, so no other line may appear there.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ocrlib.private import import_keras

__all__ = ["keras", "tf", "without_stderr"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow turns its oneDNN kernels on by itself only if the processor has AVX-512 VNNI. On other processors, too,
# they train twice as fast: the convolutions of Eigen allocate and free hundreds of megabytes in each step.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def without_stderr() -> Iterator[None]:
    """Drops what is written to file descriptor 2 meanwhile."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


with without_stderr():
    import_keras()
    import keras
    import tensorflow as tf

    # The first search for a GPU prints lines as well. Not `list_logical_devices`: after that TensorFlow would not take
    # other devices any more (`training.devices`).
    tf.config.list_physical_devices()
