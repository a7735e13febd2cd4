"""ocrlib: an offline dataset factory and trainer for reading lines of text.

For somebody with a network of his own:

    ocrlib.load("datasets/numeric", "train", batch_size=64)     a tf.data.Dataset of padded batches
    ocrlib.read_hdf5("datasets/numeric", "train")               numpy arrays, without TensorFlow
"""

from typing import Any

from ocrlib import private  # noqa: F401 - first: switches off what other libraries would send

__version__ = "0.1.0"
__all__ = ["__version__", "load", "read_hdf5"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: TensorFlow takes seconds, and generating data must not wait for it.
    if name == "load":
        from ocrlib.batches.tf_data import load

        return load
    if name == "read_hdf5":
        from ocrlib.dataset.arrays import read_hdf5

        return read_hdf5
    raise AttributeError(f"module 'ocrlib' has no attribute {name!r}")
