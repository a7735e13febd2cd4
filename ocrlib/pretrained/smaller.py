"""The files of a shipped model take less room: large weights are rounded to half precision, or to whole numbers.

With weights in half precision a network computes in float32, as before. In the `.keras` file they stay float32 numbers
whose last bits are 0, and compression does the rest. With whole numbers, which its
convolutions multiply, an `.onnx` file is read about 1.6 times as fast. docs/models.md says what either costs.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

_WEIGHTS = "model.weights.h5"
_LARGE = 1000  # numbers: what is smaller stays as it is
_EXACT = 3  # convolutions: of latin, a sixth of the products, and half of what rounding does to probabilities


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


def quantize(path: Path, batches: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Lets the convolutions of an `.onnx` file multiply whole numbers of 8 bits, but for the first three.

    Weights have a scale for each filter. What they are multiplied with has one for each tensor, from its range on some
    lines. Weights take 7 of their 8 bits: processors without VNNI add two products in 16 bits, which 8 bits overflow.
    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference".

    Args:
      batches: image (B, H, W, C) uint8 and width (B,) int32 of lines like those that it will read.
    """
    import onnx
    from onnxruntime import quantization

    class Lines(quantization.CalibrationDataReader):
        """Gives the batches one by one, and None behind the last."""

        def __init__(self) -> None:
            self._left: Iterator[Mapping[str, np.ndarray]] = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._left, None)
            return None if batch is None else {name: batch[name] for name in ("image", "width")}

    model = onnx.load(path)
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    quantization.quantize_static(
        model,
        path,
        Lines(),
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=convolutions[:_EXACT],
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )
    written = onnx.load(path)
    del written.metadata_props[:]
    written.metadata_props.extend(model.metadata_props)
    onnx.checker.check_model(written, full_check=True)
    onnx.save(written, path)
