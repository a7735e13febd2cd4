"""Sound files of every kind, small, from which hostile ones are made: datasets, models, recipes, runs, labelled lines."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from ocrlib.charset import Charset
from ocrlib.imports.unpack import unpack
from ocrlib.network.open import ONNX_FORMAT
from ocrlib.pretrained.gpu.arrays import Shape, write_arrays
from ocrlib.reading.decoding.ngram import learn_ngram
from tests.generating import TINY
from tests.hostile.entrances import Variable
from tests.imports.own_lines import png_of, write_page
from tests.training_fixtures import DIGITS, draw_line, numbers, write_dataset

# The tiny recipe in one face, which is opened for each case, and with a degradation.
RECIPE = (
    TINY.replace('"tiny"', '"mine"')
    .replace('["matplotlib"]', '[{ source = "matplotlib", only = ["DejaVuSans.ttf"] }]')
    .replace('{ "#000000,#A0A0A0" = 3, "#FFFFFF" = 1 }', '"#000000,#202020"')
    .replace("\n\n[splits]", "\ndegrade = { jpeg = { share = 0.5 } }\n\n[splits]")
)
CONFIG = {
    "datasets": [],
    "config": {"train": {"epochs": 4}},
    "init": None,
    "lines": [{"train": 40, "val": 8}],
}
SECRET = "root:x:0:0:canary-7f3a"  # in a file that nothing may read unasked
WRITTEN = ("pairs", "paddle", "csv", "lmdb", "parquet", "webdataset")


@dataclass(frozen=True, kw_only=True)
class Material:
    """Where the sound files are; none of them may be changed, a case copies what it changes."""

    folder: Path

    @property
    def dataset(self) -> Path:
        return self.folder / "digits"

    @property
    def onnx(self) -> Path:
        return self.folder / "tiny.onnx"

    @property
    def keras(self) -> Path:
        return self.folder / "tiny.keras"

    @property
    def arrays(self) -> Path:
        return self.folder / "learned.npz"

    @property
    def ngram(self) -> Path:
        return self.folder / "other.ngram"  # beside none of the models, which would read with it

    @property
    def picture(self) -> Path:
        return self.folder / "line.png"

    @property
    def secret(self) -> Path:
        return self.folder / "secret.txt"

    def lines(self, layout: str) -> Path:
        """Labelled lines in a layout."""
        return self.folder / "lines" / layout


def make_material(folder: Path) -> Material:
    """Writes all of it."""
    made = Material(folder=folder)
    made.secret.write_text(SECRET)
    write_dataset(made.dataset, {"test": numbers(6, longest=4)})
    Image.fromarray(draw_line("123")).save(made.picture)
    onnx.save(tiny_onnx(), made.onnx)
    _in_a_fork(lambda: _save_network(made.keras))
    learn_ngram(numbers(50), Charset(DIGITS))[0].save(made.ngram)
    write_arrays(made.arrays, Shape(height=32, charset=DIGITS, encoder="wide", stride=2, filters=1), {"w": np.eye(9)})
    (folder / "words.txt").write_text("".join(f"{number}\n" for number in numbers(50)))
    (folder / "mine.toml").write_text(RECIPE)
    (folder / "run" / "last").mkdir(parents=True)
    (folder / "run" / "config.json").write_text(json.dumps(CONFIG))
    _in_a_fork(lambda: _save_place(folder / "run" / "last"))
    for layout in WRITTEN:
        made.lines(layout).parent.mkdir(exist_ok=True)
        unpack(made.dataset, layout, made.lines(layout))
    for layout in ("alto", "page"):
        write_page(made.lines(layout), "scan", ["12", "345"], layout)
    (made.lines("doctr") / "images").mkdir(parents=True)
    (made.lines("doctr") / "images" / "1.png").write_bytes(png_of("12"))
    (made.lines("doctr") / "labels.json").write_text('{"1.png": "12"}')
    return made


def tiny_onnx(charset: str = DIGITS, height: int = 32, channels: int = 1, stride: int = 4, **changes: Any) -> Any:
    """A network with the inputs, the output and the metadata of ours, whose answers mean nothing.

    Args:
      changes: `metadata` {name: value or None}, `nodes` in the place of the last ones, `output` the shape it claims.
    """
    classes = len(charset) + 1
    uint8, int32, floats = TensorProto.UINT8, TensorProto.INT32, TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["image"], ["as_float"], to=floats),
        helper.make_node("ReduceMean", ["as_float", "rows"], ["columns"], keepdims=0),
        helper.make_node("Slice", ["columns", "first", "last", "axis", "stride"], ["steps"]),
        helper.make_node("Unsqueeze", ["steps", "behind"], ["one"]),
        helper.make_node("MatMul", ["one", "weights"], ["logits"]),
        *changes.get("nodes", [helper.make_node("Softmax", ["logits"], ["probs"], axis=-1)]),
    ]
    numbers_in = {"rows": [1, 3], "first": [0], "last": [1 << 30], "axis": [1], "stride": [stride], "behind": [2]}
    weights = np.linspace(-0.01, 0.01, classes, dtype=np.float32).reshape(1, classes)
    constants = [helper.make_tensor(name, TensorProto.INT64, [len(v)], v) for name, v in numbers_in.items()]
    constants.append(helper.make_tensor("weights", floats, weights.shape, weights.ravel().tolist()))
    graph = helper.make_graph(
        nodes,
        "crnn",
        [
            helper.make_tensor_value_info("image", uint8, ["batch", height, "pixels", channels]),
            helper.make_tensor_value_info("width", int32, ["batch"]),
        ],
        [helper.make_tensor_value_info("probs", floats, changes.get("output", ["batch", "steps", classes]))],
        [*constants, *changes.get("constants", [])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    metadata = {"format": ONNX_FORMAT, "charset": charset, "height": height, "channels": channels}
    metadata |= {"width_stride": stride, "margins": "0.2 0.4 0.2 0.4", "patterns": "[]"} | changes.get("metadata", {})
    helper.set_model_props(model, {name: str(value) for name, value in metadata.items() if value is not None})
    return model


def _save_network(path: Path) -> None:
    """Writes an untrained network."""
    from ocrlib.network.crnn import build_crnn

    build_crnn(32, len(DIGITS) + 1, stride=4, filters=0.25, charset=DIGITS).save(path)


def _save_place(folder: Path) -> None:
    """Writes a place to resume from, of a network that is none of TensorFlow's."""
    from ocrlib.training.checkpoint import State

    model = SimpleNamespace(
        network=SimpleNamespace(variables=[Variable((3, 2)), Variable((2,))]),
        optimizer=SimpleNamespace(variables=[Variable(())]),
    )
    State(epoch=1, batch=2).save(folder, model)  # type: ignore[arg-type]


def _in_a_fork(work: Callable[[], None]) -> None:
    """Does what lets TensorFlow work in another process: the one that forks the cases must not."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
