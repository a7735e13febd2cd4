"""ocrlib: an offline dataset factory and trainer for reading lines of text.

    ocrlib.Reader("numeric").read("amount.png").text            what stands in a picture of a line
    ocrlib.make_dataset("datasets/numeric.toml")                draws the lines of a recipe
    ocrlib.train("datasets/numeric", "runs/numeric")            trains a reader on them
    ocrlib.evaluate("runs/numeric", "datasets/numeric")         how often it is wrong, and where

For a network of your own:

    ocrlib.load("datasets/numeric", "train", batch_size=64)     a tf.data.Dataset of padded batches
    ocrlib.read_hdf5("datasets/numeric", "train")               numpy arrays, without TensorFlow

docs/api.md tells more. `__init__.pyi` tells the same to type checkers.
"""

import os
import signal
import sys
from importlib import import_module
from itertools import pairwise
from typing import Any

# Our own program is on its way to `__main__`: nothing is begun, and Ctrl-C is no error that a traceback should tell of.
# Where it is ignored or answered already, as in a worker, it stays so. So does that of another program, which may be
# run by -m, too, and import this package on its way.
if (
    (sys.argv[:1] == ["-m"] and ("-m", "ocrlib") in pairwise(sys.orig_argv))
    or os.path.basename("".join(sys.argv[:1])) == "ocrlib"
) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from ocrlib import private  # noqa: F401 - first: switches off what other libraries would send
from ocrlib.extras import installed

__version__ = "0.2.0"

# Where each name lives. It is imported when somebody asks for it, because TensorFlow takes seconds.
_HOMES = {
    "Reader": "ocrlib.reading.reader",
    "Reading": "ocrlib.reading.recognizer",
    "UserError": "ocrlib.errors",
    "evaluate": "ocrlib.api",
    "load": "ocrlib.batches.tf_data",
    "make_dataset": "ocrlib.api",
    "read_hdf5": "ocrlib.dataset.arrays",
    "train": "ocrlib.api",
}
__all__ = ["Reader", "Reading", "UserError", "__version__", "evaluate", "load", "make_dataset", "read_hdf5", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        with installed("train" if name == "load" else None):
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ocrlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
