"""Brings TensorFlow up without its greetings; imported before keras by whoever talks to a user.

TensorFlow writes some lines about absent GPUs straight to file descriptor 2, before its log level counts.
An error of ocrlib's is one line on standard error, so nothing else may stand there.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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
    import tensorflow as tf

    tf.config.list_logical_devices()  # the first look for a GPU prints as well
