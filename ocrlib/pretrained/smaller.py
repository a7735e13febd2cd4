"""The files of a shipped model take less room: `.keras` compressed, weights of `.onnx` in half precision.

The first changes nothing. The second rounds each weight to eleven bits; ONNX Runtime computes with them in float32, as
before. `ship` does both, and the figures on a card are measured before: docs/models.md says what it costs.
"""

import zipfile
from pathlib import Path

import numpy as np

_LARGE = 1000  # numbers: what is smaller stays as it is


def compress_keras(path: Path) -> None:
    """Writes a `.keras` file, which is a zip archive, again with compression."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


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
