"""Brings TensorFlow up without its greetings; whoever needs keras or tf takes them from here.

TensorFlow writes some lines about absent GPUs straight to file descriptor 2, before its log level counts.
An error of ocrlib's is one line on standard error, so nothing else may stand there.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ocrlib.private import import_keras

__all__ = ["keras", "tf"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow turns its oneDNN kernels on by itself only where a processor has AVX-512 VNNI. Elsewhere too they
# train twice as fast: Eigen's convolutions take and give back hundreds of megabytes a step, in page faults.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _stderr_closed() -> Iterator[None]:
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


with _stderr_closed():
    import_keras()
    import keras
    import tensorflow as tf

    tf.config.list_logical_devices()  # the first look for a GPU prints as well
