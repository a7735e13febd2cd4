"""Models of strangers: ONNX files whose metadata or graph lies, `.keras` files that are not ours, language models."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.case import Case
from tests.hostile.cases.values import DEPTH
from tests.hostile.material import SECRET, Material, tiny_onnx


def _predict(kind: str, how: str, write: Callable[[Path, Material], Any], says: str = "") -> Case:
    """A model that `predict` is asked to read a sound picture with."""
    name = "model.onnx" if kind == "ONNX" else "model.keras"

    def make(folder: Path, material: Material) -> list[str]:
        write(folder / name, material)
        return ["ocrlib", "predict", "--model", name, str(material.picture)]

    return Case(kind=kind, how=how, make=make, says=says)


def _graph(how: str, says: str = "", **changes: Any) -> Case:
    return _predict("ONNX", how, lambda path, _: onnx.save(tiny_onnx(**changes), path), says)


def _metadata(name: str, value: Any) -> Case:
    return _graph(f"{name} is {str(value)[:20]!r}", metadata={name: value})


def _node(how: str, *nodes: Any, **changes: Any) -> Case:
    return _graph(how, nodes=list(nodes), **changes)


def _probs_of(operation: str, *inputs: str, **attributes: Any) -> Any:
    return helper.make_node(operation, list(inputs), ["probs"], **attributes)


def _number(value: float) -> Any:
    return helper.make_tensor("number", TensorProto.FLOAT, [1], [value])


def _sizes(*values: int) -> Any:
    return helper.make_tensor("sizes", TensorProto.INT64, [len(values)], values)


def _endless() -> list[Any]:
    """A loop of 2**60 turns that carries the answer."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Relu", ["before"], ["after"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
    return [
        helper.make_node("Softmax", ["logits"], ["shares"], axis=-1),
        helper.make_node("Loop", ["turns", "", "shares"], ["probs"], body=body),
    ]


def _external(path: Path, material: Material) -> None:
    """Weights that lie in another file of the machine."""
    model = tiny_onnx()
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    del weights.float_data[:]
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../secret.txt"), ("offset", "0"), ("length", "44")):
        weights.external_data.add(key=key, value=value)
    (path.parent / "secret.txt").write_text(SECRET * 9)
    path.write_bytes(model.SerializeToString())


def _keras(how: str, change: Callable[[dict[str, bytes]], Any], says: str = "") -> Case:
    """A `.keras` file whose parts, {name: bytes}, are changed."""

    def write(path: Path, material: Material) -> None:
        with zipfile.ZipFile(material.keras) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        change(parts)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in parts.items():
                file.writestr(name, data)

    return _predict(".keras", how, write, says)


def _lzma(path: Path, sound: Path) -> None:
    """Writes a sound file packed in the one way that has an error of its own where it is damaged, and damages it."""
    with zipfile.ZipFile(sound) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    packed = bytearray(path.read_bytes())
    for part in file.infolist():
        middle = part.header_offset + 30 + len(part.filename) + part.compress_size // 2
        packed[middle : middle + 9] = b"\xff" * 9
    path.write_bytes(packed)


def _config(how: str, change: Callable[[dict[str, Any]], Any], says: str = "") -> Case:
    def changed(parts: dict[str, bytes]) -> None:
        config = json.loads(parts["config.json"])
        change(config)
        parts["config.json"] = json.dumps(config).encode()

    return _keras(how, changed, says)


def _layers(config: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in config["config"]["layers"] if layer["class_name"] == kind]


def _lambda(config: dict[str, Any]) -> None:
    layer = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "ReLU")
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    layer |= {"module": "keras.layers", "class_name": "Lambda"}
    layer["config"] = {"name": layer["config"]["name"], "function": code}


def _foreign(config: dict[str, Any]) -> None:
    layer = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "ReLU")
    layer |= {"module": "os", "class_name": "system", "registered_name": None}


def _set(kind: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        layers = _layers(config, kind)
        assert layers, f"the network has no {kind}"
        for layer in layers:
            layer["config"] |= values

    return change


def _characters(**values: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        (layer,) = [layer for layer in config["config"]["layers"] if "charset" in layer["config"]]
        layer["config"] |= values

    return change


def _weights(change: Callable[[h5py.File], Any]) -> Callable[[dict[str, bytes]], None]:
    def changed(parts: dict[str, bytes]) -> None:
        stream = io.BytesIO(parts["model.weights.h5"])
        with h5py.File(stream, "r+") as file:
            change(file)
        parts["model.weights.h5"] = stream.getvalue()

    return changed


def _first(file: h5py.File) -> str:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) and item.ndim else None)
    return names[0]


def _in_place(file: h5py.File, new: Callable[[h5py.Dataset], Any]) -> None:
    name = _first(file)
    value = new(file[name])
    del file[name]
    file[name] = value


def _maker(maker: str) -> Case:
    """A `.keras` file that says which module made its network: nothing of it is imported unasked."""

    def change(config: dict[str, Any]) -> None:
        (layer,) = [layer for layer in config["config"]["layers"] if "charset" in layer["config"]]
        layer["registered_name"] = "ocrlib>OwnCharacters"
        layer["config"]["maker"] = maker

    return _config(f"made by {maker[:20]!r}", change, "give --trust")


def _build(maker: str) -> Case:
    """A network of the user's own that cannot be built."""

    def make(folder: Path, material: Material) -> list[str]:
        (folder / "evil.py").write_text("def f(**sizes):\n    raise SystemError('\\x1b[2J')\n")
        (folder / "broken.py").write_text("def f(:\n")
        return ["build", maker]

    return Case(kind="own network", how=maker[:30], make=make, says="")


def _ngram(how: str, change: Callable[[Path], Any]) -> Case:
    """A language model that lies beside the model, where nobody has to name it, and is changed."""

    def make(folder: Path, material: Material) -> list[str]:
        shutil.copy(material.onnx, folder / "model.onnx")
        path = folder / "model.ngram"
        shutil.copy(material.ngram, path)
        change(path)
        return ["ocrlib", "predict", "--model", "model.onnx", str(material.picture)]

    return Case(kind="language model", how=how, make=make, says="cannot be read as a language model")


def _counts(how: str, **changes: Any) -> Case:
    """A language model with other parts: arrays, or None for one that is left out."""

    def change(path: Path) -> None:
        with np.load(path) as file:
            parts = {name: file[name] for name in file.files} | changes
        with path.open("wb") as file:
            np.savez_compressed(file, **{name: values for name, values in parts.items() if values is not None})

    return _ngram(how, change)


def _gaps(*values: int) -> np.ndarray:
    """Gaps between codes as a language model's file has them: the lowest byte of each, then the next one of each."""
    return np.array(values, "<i8").view(np.uint8).reshape(-1, 8).T.ravel()


def _part(how: str, part: bytes) -> Case:
    """A language model with other bytes in the place of an array."""

    def change(path: Path) -> None:
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in (parts | {"gaps2.npy": part}).items():
                file.writestr(name, data)

    return _ngram(how, change)


def _array_of(shape: str, kind: str = "|u1") -> bytes:
    """The header of a NumPy array that says so, and a few numbers."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


_ONE = {"gaps": _gaps(1), "steps": np.zeros(1, np.uint8)}  # an n-gram
_SOFTMAX = helper.make_node("Softmax", ["logits"], ["shares"], axis=-1)
CASES = [
    *(
        _metadata(name, value)
        for name, values in {
            "format": ("", "ocrlib-onnx/99", None),
            "charset": ("", "01", "0" * 10, "01234\x1b5678", "012345678\u2028", "א123456789", None, "0123456789abc"),
            "height": (0, -1, 31, 33, 10**9, 10**30, "32.0", "nan", "", None, "9" * 5000),
            "channels": (0, 2, 3, -1, 4, 10**9, "", None),
            "width_stride": (0, -4, 1, 2, 3, 8, 10**9, "", None),
            "margins": ("", "nan nan nan nan", "1 2", "inf 0 0 0", "-1 0 0 0", "1e308 1e308 0 0", "a b c d"),
            "patterns": ("7", "{}", "[7]", "[" * DEPTH, '["("]', '["((a{100}){100}){100}"]', "[[]]", "null", "{"),
        }.items()
        for value in values
        if (name, value) not in {("patterns", '["("]'), ("patterns", '["((a{100}){100}){100}"]')}
    ),
    _node(
        "answers NaN",
        helper.make_node("Mul", ["logits", "number"], ["nan"]),
        _probs_of("Softmax", "nan", axis=-1),
        constants=[_number(float("nan"))],
    ),
    _node("answers below 0", _probs_of("Sub", "logits", "number"), constants=[_number(5.0)]),
    _node("answers above 1", _probs_of("Add", "logits", "number"), constants=[_number(5.0)]),
    _node("answers 0 everywhere", _probs_of("Mul", "logits", "number"), constants=[_number(0.0)]),
    _node("answers in other classes", _SOFTMAX, _probs_of("Concat", "shares", "shares", axis=2), output=None),
    _node("answers in other steps", _SOFTMAX, _probs_of("Concat", "shares", "shares", axis=1), output=None),
    _node("answers for other lines", _SOFTMAX, _probs_of("Concat", "shares", "shares", axis=0), output=None),
    _node("answers in two dimensions", _SOFTMAX, _probs_of("ReduceMax", "shares", keepdims=0), output=None),
    _node("answers in numbers of 64 bits", _SOFTMAX, _probs_of("Cast", "shares", to=TensorProto.DOUBLE), output=None),
    _node("answers in whole numbers", _SOFTMAX, _probs_of("Cast", "shares", to=TensorProto.INT64), output=None),
    _node(
        "answers 40 GB",
        helper.make_node("ConstantOfShape", ["sizes"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
        _probs_of("Add", "logits", "sum"),
        constants=[_sizes(10_000, 1_000_000)],
    ),
    _node(
        "answers never",
        *_endless(),
        output=None,
        constants=[helper.make_tensor("turns", TensorProto.INT64, [], [1 << 60])],
    ),
    _node("an operation nobody has", _probs_of("Summon", "logits")),
    _node("an operation of a library", _probs_of("Softmax", "logits", domain="evil.library")),
    _node("no such input", _probs_of("Softmax", "nothing")),
    *(
        _predict(
            "ONNX",
            f"{name.decode()} is no UTF-8",
            lambda path, m, name=name: path.write_bytes(m.onnx.read_bytes().replace(name, b"\xbc" + name[1:])),
            "is not a network of ocrlib's",
        )
        for name in (b"0123456789", b"width_stride", b"Softmax", b"image", b"probs")
    ),
    _predict("ONNX", "weights in another file", _external),
    _predict("ONNX", "empty", lambda path, _: path.write_bytes(b"")),
    _predict("ONNX", "text", lambda path, _: path.write_text("hello" * 100)),
    _predict("ONNX", "a folder", lambda path, _: path.mkdir()),
    _predict("ONNX", "a pipe", lambda path, _: __import__("os").mkfifo(path)),
    *(
        _predict(
            "ONNX",
            f"cut at {share}/8",
            lambda path, m, s=share: path.write_bytes(m.onnx.read_bytes()[: s * m.onnx.stat().st_size // 8]),
        )
        for share in range(1, 8)
    ),
    _predict(".keras", "empty", lambda path, _: path.write_bytes(b"")),
    _predict(".keras", "text", lambda path, _: path.write_text("hello")),
    _predict(".keras", "packed by LZMA, damaged", lambda path, material: _lzma(path, material.keras)),
    _keras("no config", lambda parts: parts.pop("config.json")),
    _keras("no weights", lambda parts: parts.pop("model.weights.h5")),
    _keras("config is no JSON", lambda parts: parts.update({"config.json": b"{"})),
    _keras("config is deep", lambda parts: parts.update({"config.json": b"[" * 100_000})),
    _keras("config is a list", lambda parts: parts.update({"config.json": b"[]"})),
    _keras("config of 300 MB", lambda parts: parts.update({"config.json": b" " * (300 << 20)})),
    _keras("weights are cut", lambda parts: parts.update({"model.weights.h5": parts["model.weights.h5"][:9999]})),
    _keras("weights are of another shape", _weights(lambda f: _in_place(f, lambda old: np.zeros((3, 7), np.float32)))),
    _keras("weights are NaN", _weights(lambda f: _in_place(f, lambda old: np.full(old.shape, np.nan, old.dtype)))),
    _keras("weights in another file", _weights(lambda f: _in_place(f, lambda old: h5py.ExternalLink("secret", "/")))),
    *(_maker(maker) for maker in ("this:s", "antigravity:fly", "", ":", "\x1b[2J:a", "../../evil:f", "a" * 500)),
    *(
        _build(maker)
        for maker in ("nowhere:f", "evil:f", "evil:g", "broken:f", "", ":", "a:", ":f", "..evil:f", "os:sep", "a b:c")
    ),
    _build("a." * 5000 + "b:f"),
    _build("\x1b[2J:f"),
    _config("a lambda", _lambda),
    _config("a function of another module", _foreign),
    _config("no layers", lambda config: config["config"].update(layers=[])),
    _config("without our last layer", lambda config: config["config"]["layers"].pop()),
    _config("a hundred million filters", _set("Conv2D", filters=100_000_000)),
    _config("filters of -1", _set("Conv2D", filters=-1)),
    _config("a charset of escapes", _characters(charset="\x1b[2J345678")),
    _config("a charset that is a number", _characters(charset=10)),
    _config("a charset of other length", _characters(charset="01")),
    _config("margins of NaN", _characters(margins=[float("nan")] * 4)),
    _config("margins of texts", _characters(margins="hello")),
    _config("patterns that are numbers", _characters(patterns=[1, 2])),
    _ngram("empty", lambda path: path.write_bytes(b"")),
    _ngram("text", lambda path: path.write_text("hello")),
    _ngram("packed by LZMA, damaged", lambda path: _lzma(path, path)),
    _ngram("cut in the middle", lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])),
    _counts("another format", about=np.array(["\x1b[2J", "0123456789"])),
    _counts("a charset of escapes", about=np.array(["ocrlib-ngram/1", "\x1b[2J345678"])),
    _counts("a charset of no characters", about=np.array([0x30, 0, 0x110000, 0x7FFFFFFF], np.uint32).view("<U2")),
    _counts("no charset", about=np.array("ocrlib-ngram/1")),
    _counts("objects", about=np.array([{"a": 1}, None], object)),
    _counts("weights are NaN", weights=np.array([np.nan, np.nan])),
    _counts("weights are imaginary", weights=np.array([1j, 1j])),
    _counts("a weight of 1e300", weights=np.array([1e300, 0.0])),
    _counts("no counts", steps2=None),
    _counts("counts of 2**63", steps1=np.full(10, 252, np.uint8)),
    _counts("counts beyond all numbers", steps1=np.full(10, 255, np.uint8)),
    _counts("codes fall", gaps1=_gaps(5, *[2**63 - 1] * 9)),
    _counts("codes are texts", gaps1=np.array(["a"] * 10)),
    _counts("codes below 0", gaps1=_gaps(-1, *[1] * 9)),
    _counts("half a number", gaps1=_gaps(*[1] * 10)[:77]),
    _counts("300 lengths", **{f"{n}{i}": values for i in range(7, 307) for n, values in _ONE.items()}),
    _counts("900 MB of zeros", gaps1=np.zeros(900_000_000, np.uint8)),
    _part("no array", b"hello"),
    _part("a petabyte", _array_of("(125000000000000,)")),
    _part("10**30 numbers", _array_of("(1" + "0" * 30 + ",)")),
    _part("-1 numbers", _array_of("(-1,)")),
    _part("deep", _array_of("(" * 3000)),
    _part("a header with escapes", _array_of("(1,), '\x1b[2J': 1")),
    _part("a kind with escapes", _array_of("(1,)", "\x1b[2J")),
]
