"""A trained network as a file for other programs: ONNX, also in RapidOCR's form, LiteRT, or a TensorFlow SavedModel.

Before a file is written, its network must answer a few lines as the Keras model does (`export_check`); if it does not,
nothing is written. docs/formats.md says what each file wants.
"""

import copy
import json
import os
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import ocrlib
from ocrlib.errors import UserError
from ocrlib.files import sync_folder, write_json, write_output
from ocrlib.invocation import command
from ocrlib.network.export_check import NUM_DRAWN, agreeing_texts, largest_difference, some_lines
from ocrlib.network.open import (
    NGRAM_ENDING,
    ONNX_FORMAT,
    Network,
    find_model,
    find_ngram,
    keras_network,
    load_keras,
    open_network,
    with_patterns,
)

PREPROCESSING = (
    "image: uint8 gray levels (1 channel) or RGB (3), 0 black to 255 paper, cut to the line's ink with `margins` "
    "around it (top, left, bottom, right, as shares of the ink's height), scaled to `height` pixels by Lanczos with "
    "proportions kept, padded on the right with 255 to a common width; width: pixels of each line before padding. "
    "probs: softmax of each time step, ceil(width / width_stride) of them are the line's; the last class is the blank"
)
# By name, how the file must end, and what to do with it.
FORMATS = {
    "onnx": (".onnx", "{predict}"),
    "rapidocr": (".onnx", 'RapidOCR(params={{"Rec.model_path": "{out}"}})'),
    "litert": (".tflite", "the reader in docs/formats.md"),
    "saved_model": ("", 'tf.saved_model.load("{out}").serve({{"image": image, "width": width}})'),
}
WIDTH_PX = 320  # of the longest line of a LiteRT file, where nothing else is asked for
_AGREEING = 0.9  # of the drawn lines: so many must read the same with weights of 8 bits
_MAX_DIFFERENCE = 1e-4  # of a probability; the float32 kernels of Keras and ONNX Runtime differ by about 1e-6


def export_model(
    model: str, file_format: str, out: Path, trust: bool = False, width_px: int = WIDTH_PX, int8: bool = False
) -> str:
    """Writes a model as a file or a folder for other programs and returns a line about it.

    Args:
      model: a run folder, a `.keras` file, or the name of a shipped model.
      file_format: one of FORMATS.
      out: a file that ends as FORMATS says, or a folder; must not exist yet.
      trust: import the module of a network that a user built.
      width_px: of the longest line that a LiteRT file takes.
      int8: a LiteRT file with weights of 8 bits.

    Raises:
      UserError: there is no such model, or `out` cannot be written.
      FloatingPointError: the exported network does not answer as the Keras model does; `out` is not written.
    """
    _check_out(out, file_format)
    path = find_model(model, (".keras",))
    keras_model, charset = load_keras(path, trust)
    network = with_patterns(keras_network(keras_model, charset), path)
    network.run(*next(some_lines(network.height, network.channels)))  # Keras exports no model that never ran
    if file_format == "litert":
        num_bytes, near = _write_litert(keras_model, network, out, width_px, int8)
    else:
        write = {"onnx": _write_onnx, "rapidocr": _write_rapidocr, "saved_model": _write_saved_model}[file_format]
        num_bytes, near = write(keras_model, network, out)
    beside = _copy_ngram(path, out, file_format)
    how = FORMATS[file_format][1].format(out=out, predict=command("predict", "--model", out, "PATH"))
    return f"{out}: {num_bytes / 1e6:.1f} MB, {near}{beside}; go on with `{how}`"


def _check_out(out: Path, file_format: str) -> None:
    """Refuses `out` before the work is done, not after it."""
    ending = FORMATS[file_format][0]
    if ending and out.suffix != ending:
        raise UserError(f"{out}: expected a name that ends in {ending}")
    if file_format == "saved_model" and out.suffix in (".onnx", ".keras", ".pb"):
        raise UserError(f"{out}: a SavedModel is a folder; expected a name without {out.suffix}")
    beside = {"litert": [out.with_suffix(".json")], "onnx": [out.with_suffix(NGRAM_ENDING)]}
    for path in [out, *beside.get(file_format, [])]:
        if path.exists() or path.is_symlink():
            raise UserError(f"{path}: is there already; choose another --out, or remove it first")
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"{out}: cannot be written: expected a folder that is there and may be written to")


def _copy_ngram(model: Path, out: Path, file_format: str) -> str:
    """Copies the language model beside a model, if there is one, and returns what to tell of it."""
    ngram = find_ngram(str(model))
    if ngram is None:
        return ""
    if file_format != "onnx":
        return ", its language model left out, which only ocrlib's reader uses"
    copy = out.with_suffix(NGRAM_ENDING)
    write_output(copy, ngram.read_bytes())
    return f", and {copy.name} with its language model"


def _metadata(network: Network) -> dict[str, str | int]:
    """Returns what a program needs to know to use the network."""
    return {
        "charset": network.charset.characters,
        "height": network.height,
        "channels": network.channels,
        "width_stride": network.width_stride,
        "margins": " ".join(map(str, network.margins)),
        "patterns": json.dumps(network.patterns),
        "preprocessing": PREPROCESSING,
        "ocrlib_version": ocrlib.__version__,
    }


def _write_onnx(keras_model: Any, network: Network, out: Path) -> tuple[int, str]:
    model = _onnx_model(keras_model)
    data = _with_metadata(model, {"format": ONNX_FORMAT, **_metadata(network)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(data)
        near = _check_answers(network, open_network(str(path)), out)
    write_output(out, data)
    return len(data), near


def _write_rapidocr(keras_model: Any, network: Network, out: Path) -> tuple[int, str]:
    """Checks the graph for lines of the network's own height, where nothing is scaled; then writes that for 48 px."""
    from ocrlib.network import export_rapidocr as host

    at_own_height = _onnx_model(keras_model)
    model = copy.deepcopy(at_own_height)
    host.wrap(at_own_height, network, network.height)
    metadata = {"character": host.characters(network), "ocrlib_version": ocrlib.__version__}
    checked = replace(network, run=host.runner(_with_metadata(at_own_height, metadata), network))
    near = _check_answers(network, checked, out)
    host.wrap(model, network, host.HEIGHT)
    data = _with_metadata(model, metadata)
    written = replace(network, run=host.runner(data, network))
    agreed = agreeing_texts(network, written, WIDTH_PX, host.HEIGHT / network.height)
    write_output(out, data)
    return len(data), f"{near}, and of drawn lines of {host.HEIGHT} pixels {agreed} of {NUM_DRAWN} read the same"


def _write_litert(keras_model: Any, network: Network, out: Path, width_px: int, int8: bool) -> tuple[int, str]:
    from ocrlib.network import export_litert as lite

    data, width_px = lite.convert(keras_model, network, width_px, int8)
    written = replace(network, run=lite.runner(data, network, width_px))
    near = "" if int8 else _check_answers(network, written, out, width_px) + ", and "
    agreed = agreeing_texts(network, written, width_px)
    if int8 and agreed < _AGREEING * NUM_DRAWN:
        raise FloatingPointError(
            f"{out}: not written: reads only {agreed} of {NUM_DRAWN} drawn lines as the Keras model does; "
            "leave out --int8"
        )
    write_output(out, data)
    write_json(lite.sidecar(out), {"format": "ocrlib-litert/1", "width": width_px, **_metadata(network)})
    return len(data), f"{near}{agreed} of {NUM_DRAWN} drawn lines read the same; {lite.sidecar(out).name} beside it"


def _onnx_model(keras_model: Any) -> Any:
    """Returns an onnx.ModelProto from image and width to probs."""
    import onnx

    from ocrlib.network.export_layers import for_onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        _export(for_onnx(keras_model), path, "onnx")
        model = onnx.load(path)
    _round_divisions_down(model)
    _name_tensors(model)
    return model


def _with_metadata(model: Any, metadata: dict[str, Any]) -> bytes:
    """Returns the bytes of a model with that metadata, once it is known to be sound."""
    import onnx

    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _write_saved_model(keras_model: Any, network: Network, out: Path) -> tuple[int, str]:
    from ocrlib.backend import tf

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        path = Path(folder) / "saved_model"
        _export(keras_model, path, "tf_saved_model")
        (path / "assets.extra").mkdir()  # where TensorFlow lets others put files
        write_json(path / "assets.extra" / "ocrlib.json", _metadata(network))
        loaded = tf.saved_model.load(str(path))

        def run(image: np.ndarray, width: np.ndarray) -> np.ndarray:
            return loaded.serve({"image": tf.constant(image), "width": tf.constant(width)}).numpy()

        near = _check_answers(network, replace(network, run=run), out)
        files = [file for file in path.rglob("*") if file.is_file()]
        num_bytes = sum(file.stat().st_size for file in files)
        os.rename(path, out)
    sync_folder(out.parent)
    return num_bytes, near


def _export(keras_model: Any, path: Path, file_format: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras uses a name that numpy has deprecated
        keras_model.export(path, format=file_format, verbose=False)


def _round_divisions_down(model: Any) -> None:
    """Makes integer divisions round down, as they do in Python; `rounding.ceil_div` relies on it.

    tf2onnx writes them as plain Div, which rounds towards zero. The last column of a line would then be masked if its
    width is not a multiple of the stride. (a - a mod b) / b has no remainder, so its rounding does not matter.
    """
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    tensors = [*graph.input, *graph.value_info, *graph.output]
    types = {tensor.name: tensor.type.tensor_type.elem_type for tensor in tensors}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Div" and types.get(node.output[0]) in (onnx.TensorProto.INT32, onnx.TensorProto.INT64):
            rest, multiple = f"{node.output[0]}/rest", f"{node.output[0]}/multiple"
            nodes.append(onnx.helper.make_node("Mod", list(node.input), [rest]))  # the divisor's sign, as in Python
            nodes.append(onnx.helper.make_node("Sub", [node.input[0], rest], [multiple]))
            node.input[0] = multiple
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _name_tensors(model: Any) -> None:
    """Names the output and the open axes; the inputs have their names from Keras."""
    graph = model.graph
    (output,) = graph.output
    for node in graph.node:
        node.output[:] = ["probs" if name == output.name else name for name in node.output]
        node.input[:] = ["probs" if name == output.name else name for name in node.input]
    output.name = "probs"
    axes = {"image": {0: "batch", 2: "pixels"}, "width": {0: "batch"}, "probs": {0: "batch", 1: "steps"}}
    for tensor in (*graph.input, output):
        for axis, name in axes[tensor.name].items():
            tensor.type.tensor_type.shape.dim[axis].dim_param = name
    graph.name, graph.doc_string, model.doc_string = "crnn", "", ""


def _check_answers(expected: Network, written: Network, out: Path, most_px: int | None = None) -> str:
    """Returns how near the answers of two networks are, in words.

    Raises:
      FloatingPointError: not near enough.
    """
    worst = largest_difference(expected, written, out, most_px)
    if not worst <= _MAX_DIFFERENCE:  # `not <=`, so that NaN is refused too
        raise FloatingPointError(f"{out}: not written: its probabilities differ from the Keras model's by {worst:.1e}")
    return f"its probabilities within {worst:.0e} of the Keras model's"
