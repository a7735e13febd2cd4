"""The files of a shipped model take half the room, because their large weights are rounded to half precision.

What computes with them does so in float32, as before. In the `.keras` file they stay float32 numbers whose last bits
are 0, and compression does the rest. The figures on a card are measured before: docs/models.md says what it costs.
"""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

_WEIGHTS = "model.weights.h5"
_LARGE = 1000  # numbers: what is smaller stays as it is


def compress_keras(path: Path) -> None:
    """Rounds the large weights of a `.keras` file, which is a zip archive, and writes it again with compression."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    weights = io.BytesIO(entries[_WEIGHTS])
    with h5py.File(weights, "r+") as file:
        file.visititems(_round)
    entries[_WEIGHTS] = weights.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def _round(name: str, found: h5py.Group | h5py.Dataset) -> None:
    if isinstance(found, h5py.Dataset) and found.size >= _LARGE:
        found[...] = found[...].astype(np.float16).astype(found.dtype)


def halve_weights(path: Path) -> None:
    """Stores the large weights of an `.onnx` file as float16, each with a Cast to float32 before its first use."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        name, half = weight.name, f"{weight.name}_half"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
