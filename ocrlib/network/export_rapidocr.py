"""Our ONNX network in the form that RapidOCR feeds and reads: what it prepares is undone in the graph.

It feeds one input, (B, 3, 48, W) float32 BGR from -1 to 1, padded on the right with exactly 0.0, and reads one output,
(B, T, C') probabilities of which it reads every step: class 0 is the blank, the last class the space, and the metadata
`character` names the ones between, one a line. No pixel is 0.0, because (v / 255 - 0.5) / 0.5 is not for a whole v, so
the graph finds the true width itself.
Letters: B samples, W padded width in pixels, H and W' the network's own height and width, T time steps, C classes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ocrlib.network.open import Network

HEIGHT = 48  # pixels: what RapidOCR scales lines to
_LUMINANCE = (0.114, 0.587, 0.299)  # of blue, green and red, as Pillow makes gray of colours


def wrap(model: Any, network: Network, height: int) -> None:
    """Makes a model from (image, width) to probs into one from x to probabilities, as RapidOCR wants it.

    Args:
      model: an onnx.ModelProto as `export` writes it; changed.
      network: what it is of.
      height: of the lines that will be fed, in pixels.
    """
    import onnx

    graph = model.graph
    before, after = _Nodes(onnx, "x"), _Nodes(onnx, "probs")
    for node in graph.node:
        node.output[:] = ["probs/own" if name == "probs" else name for name in node.output]
        node.input[:] = ["probs/own" if name == "probs" else name for name in node.input]
    _picture(before, network, height)
    _answer(after, network)
    nodes = [*before.nodes, *graph.node, *after.nodes]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.constants, *after.constants])
    floats = onnx.TensorProto.FLOAT
    shape: list[str | int | None] = ["batch", 3, height, "pixels"]
    graph.input.append(onnx.helper.make_tensor_value_info("x", floats, shape))
    num_out = len(_order(network))
    graph.output.append(onnx.helper.make_tensor_value_info("probabilities", floats, ["batch", "steps", num_out]))


def characters(network: Network) -> str:
    """What the metadata `character` must hold: all characters but the space, a line each."""
    return "\n".join(character for character in network.charset.characters if character != " ")


def prepared(image: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Returns lines as RapidOCR feeds them: image (B, H, W, 1 or 3) uint8, width (B,) -> (B, 3, H, W) float32."""
    colours = np.repeat(image, 3, axis=3) if image.shape[3] == 1 else image
    values = (colours[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.5
    return values * (np.arange(image.shape[2]) < width[:, None])[:, None, None, :]


def runner(data: bytes, network: Network) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Returns a function that asks a wrapped model as RapidOCR does, and puts its classes in our order."""
    import onnxruntime as ort

    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    place = np.argsort(_order(network))[: network.charset.num_classes]

    def run(image: np.ndarray, width: np.ndarray) -> np.ndarray:
        return session.run(None, {"x": prepared(image, width)})[0][:, :, place]

    return run


class _Nodes:
    """Nodes and constants of a graph, in the order that they are computed."""

    def __init__(self, onnx: Any, prefix: str) -> None:
        self._onnx, self._prefix = onnx, prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds a node of one output, and returns that output's name."""
        self.nodes.append(self._onnx.helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, values: Any, dtype: Any) -> str:
        """Adds a constant and returns its name."""
        name = f"{self._prefix}/constant{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.array(values, dtype), name))
        return name


def _picture(nodes: _Nodes, network: Network, height: int) -> None:
    """x -> image (B, H, W', channels) uint8 and width (B,) int32."""
    add, constant = nodes.add, nodes.constant
    nothing = constant(0.0, np.float32)
    inked = add("ReduceMax", [add("Abs", ["x"], "x/size")], "x/largest", axes=[1, 2], keepdims=0)  # (B, W)
    own = add("Greater", [inked, nothing], "x/own")
    columns = add("Cast", [own], "x/columns", to=6)  # int32
    width = add("ReduceSum", [columns, constant([1], np.int64)], "x/width", keepdims=0)  # (B,)
    levels = add(
        "Mul", [add("Add", ["x", constant(1.0, np.float32)], "x/plus"), constant(127.5, np.float32)], "x/levels"
    )
    if network.channels == 1:
        weighted = add("Mul", [levels, constant(np.reshape(_LUMINANCE, (1, 3, 1, 1)), np.float32)], "x/weighted")
        colours = add("ReduceSum", [weighted, constant([1], np.int64)], "x/gray", keepdims=1)
    else:
        colours = add("Gather", [levels, constant([2, 1, 0], np.int64)], "x/rgb", axis=1)
    inside = add("Unsqueeze", [own, constant([1, 2], np.int64)], "x/inside")  # (B, 1, 1, W)
    padded = add("Where", [inside, colours, constant(255.0, np.float32)], "x/padded")
    if height != network.height:
        share = network.height / height
        scales = constant([1, 1, share, share], np.float32)
        padded = add("Resize", [padded, "", scales], "x/resized", mode="cubic", cubic_coeff_a=-0.5)
        scaled = add("Mul", [add("Cast", [width], "x/floats", to=1), constant(share, np.float32)], "x/scaled")
        whole = add("Cast", [add("Ceil", [scaled], "x/ceil")], "x/whole", to=6)
        shape = add("Shape", [padded], "x/shape")
        room = add("Cast", [add("Gather", [shape, constant(3, np.int64)], "x/room", axis=0)], "x/most", to=6)
        width = add("Min", [whole, room], "x/width_scaled")
    add("Identity", [width], "width")
    clipped = add("Clip", [padded, nothing, constant(255.0, np.float32)], "x/clipped")
    pixels = add("Cast", [add("Round", [clipped], "x/round")], "x/pixels", to=2)  # uint8
    add("Transpose", [pixels], "image", perm=[0, 2, 3, 1])


def _answer(nodes: _Nodes, network: Network) -> None:
    """probs (B, T, C) -> probabilities (B, T, C'): a sure blank beyond the line, the classes in RapidOCR's order."""
    add, constant = nodes.add, nodes.constant
    blank = network.charset.blank
    steps = add("Gather", [add("Shape", ["probs/own"], "probs/shape"), constant(1, np.int64)], "probs/steps", axis=0)
    step = add("Range", [constant(0, np.int64), steps, constant(1, np.int64)], "probs/range")
    starts = add("Mul", [step, constant(network.width_stride, np.int64)], "probs/starts")
    widths = add("Unsqueeze", [add("Cast", ["width"], "probs/width", to=7), constant([1], np.int64)], "probs/widths")
    inside = add("Less", [starts, widths], "probs/inside")  # (B, T)
    inside = add("Unsqueeze", [inside, constant([2], np.int64)], "probs/inside_all")
    sure = constant(np.eye(blank + 1)[-1], np.float32)
    probs = add("Where", [inside, "probs/own", sure], "probs/ended")
    # A class that never comes, for the space that RapidOCR adds to every charset.
    zeros = add(
        "Mul",
        [
            add("Slice", [probs, *(constant([n], np.int64) for n in (0, 1, 2))], "probs/first"),
            constant(0.0, np.float32),
        ],
        "probs/never",
    )
    both = add("Concat", [probs, zeros], "probs/more", axis=2)
    add("Gather", [both, constant(_order(network), np.int64)], "probabilities", axis=2)


def _order(network: Network) -> list[int]:
    """Our classes in RapidOCR's order; where our charset has no space, the class behind all of ours."""
    text, blank = network.charset.characters, network.charset.blank
    others = [index for index, character in enumerate(text) if character != " "]
    return [blank, *others, text.index(" ") if " " in text else blank + 1]
