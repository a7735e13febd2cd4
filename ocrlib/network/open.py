"""From what a user calls a model to a network that runs: a run folder, a `.keras`, an `.onnx`, or a shipped name.

TensorFlow is imported only if a `.keras` file is opened; ONNX Runtime starts in a tenth of the time.
"""

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.files import ZIP_DAMAGES, read_json, read_regular
from ocrlib.network.ready import Network
from ocrlib.network.trial import bounded_memory, check_network, check_room, no_memory, stopped_after_time
from ocrlib.pictures.paper import MARGINS, Margins
from ocrlib.regex import recipe_patterns

if TYPE_CHECKING:
    import keras
    import onnxruntime as ort

ONNX_FORMAT = "ocrlib-onnx/1"  # in the metadata of the file, beside the values that `Network` needs
PRETRAINED = Path(__file__).parents[1] / "pretrained"
ENDINGS = (".onnx", ".keras")  # of the files of a shipped model; the first one starts faster
NGRAM_ENDING = ".ngram"  # of the language model that lies beside a model's file; `reading.decoding.ngram` reads it
_MAX_WEIGHTS_BYTES = 1 << 30  # the largest network that comes with ocrlib has 3 MB
_MAX_PART_BYTES = 16 << 20  # of a .keras file: its settings have some ten kilobytes
# What Keras raises over a file that is damaged, or made by somebody who wants to see what it does.
_KERAS_DAMAGES = (
    ValueError,
    OSError,
    AttributeError,
    TypeError,
    LookupError,
    ImportError,
    ArithmeticError,
    AssertionError,
    EOFError,
    *ZIP_DAMAGES,
)


def shipped_names() -> list[str]:
    """Returns the names of the models that come with ocrlib."""
    return sorted({path.stem for path in PRETRAINED.iterdir() if path.suffix in ENDINGS})


def find_model(model: str, endings: tuple[str, ...] = ENDINGS) -> Path:
    """Returns the file of a model: a path that exists, the `best.keras` of a run folder, or a shipped file.

    Args:
      model: a path, which wins, or a shipped name.
      endings: of the files of a shipped model, in the order of preference.

    Raises:
      UserError: there is none.
    """
    path = Path(model)
    shipped = shipped_names()
    if path.is_dir():
        if (path / "best.keras").exists():
            return path / "best.keras"
        hint = "has the training ended an epoch?"
        if model in shipped:
            hint = f"this folder hides the shipped model {model!r}, which can be read from any other working directory"
        raise UserError(f"{path}: expected a run folder with best.keras in it; {hint}")
    if path.is_file():
        return path
    if model in shipped:
        for ending in endings:
            if (PRETRAINED / (model + ending)).exists():
                return PRETRAINED / (model + ending)
        raise UserError(f"{model}: is shipped, but not as a {' or '.join(endings)} file")
    known = f", and no shipped model of that name ({', '.join(shipped)})" if shipped else ""
    raise UserError(f"{model}: no such run folder, .keras or .onnx file{known}")


def find_ngram(model: str) -> Path | None:
    """Returns the file of the language model that belongs to a model, if one does; raises as `find_model` does."""
    path = find_model(model).with_suffix(NGRAM_ENDING)
    return path if path.is_file() else None


def open_network(model: str, trust: bool = False) -> Network:
    """Returns the network of a run folder, a `.keras` file, an `.onnx` file or a shipped name, ready to run.

    Args:
      trust: import the module of a network that a user built.

    Raises:
      UserError: there is none, or it is not one of ours.
    """
    path = find_model(model)
    check_room(path)
    try:
        with bounded_memory():
            network = _open_onnx(path) if path.suffix == ".onnx" else _open_keras(path, trust)
    except MemoryError:
        raise no_memory(path) from None
    return with_patterns(network, path)


def with_patterns(network: Network, path: Path) -> Network:
    """Returns the network of a file with the patterns of its card, where a shipped file is older than they are."""
    card = path.with_suffix(".json")
    if network.patterns or path.resolve().parent != PRETRAINED.resolve() or not card.exists():
        return network
    return replace(network, patterns=recipe_patterns([dataset["recipe"] for dataset in read_json(card)["datasets"]]))


def load_keras(path: Path, trust: bool = False) -> tuple["keras.Model", Charset]:
    """Returns the Keras model in a file, without its loss and optimizer, and its charset.

    Args:
      trust: import the module of a network that a user built.

    Raises:
      UserError: it is not a network of ocrlib's.
    """
    if path.suffix == ".onnx":
        raise UserError(f"{path}: is an ONNX file, which cannot be trained or exported; name the .keras it was made of")
    if path.suffix != ".keras":
        raise UserError(f"{path}: expected a run folder, a .keras or .onnx file, or a shipped name")
    from ocrlib.backend import keras, tf
    from ocrlib.network import layers, levels, own  # noqa: F401 - registers the layers that a saved network is made of

    try:
        _check_sizes(path)
        own.import_maker(path, trust)
        network = keras.saving.load_model(path, compile=False)
        characters = network.get_layer("characters")
        if not isinstance(characters, layers.CharacterProbabilities | layers.OwnCharacters):
            raise ValueError(f"its last layer is {type(characters).__name__}")
        return network, Charset(characters.charset)
    except UserError:
        raise
    except _KERAS_DAMAGES as error:
        raise _not_ours(path, error) from None
    except tf.errors.OpError as error:  # such as a layer that is too large for the memory
        raise _not_ours(path, ValueError(error.message)) from None


def _check_sizes(path: Path) -> None:
    """Refuses parts of a `.keras` file that are a bomb; raises ValueError, OSError or BadZipFile."""
    with zipfile.ZipFile(path) as file:
        for part in file.infolist():
            most = _MAX_WEIGHTS_BYTES if part.filename == "model.weights.h5" else _MAX_PART_BYTES
            if part.file_size > most:
                raise ValueError(f"its {part.filename} has {part.file_size} bytes; expected at most {most}")


def _open_keras(path: Path, trust: bool) -> Network:
    from ocrlib.backend import tf

    keras_model, charset = load_keras(path, trust)
    try:
        network = keras_network(keras_model, charset)
        check_network(network, path)
    except UserError:
        raise
    except (*_KERAS_DAMAGES, StopIteration) as error:
        raise _not_ours(path, error) from None
    except tf.errors.OpError as error:
        raise _not_ours(path, ValueError(error.message)) from None
    return network


def keras_network(network: "keras.Model", charset: Charset) -> Network:
    """Returns a Keras model of `crnn.build_crnn`, ready to run. If it goes on learning, answers change with it."""
    from ocrlib.backend import tf
    from ocrlib.network import crnn

    characters = network.get_layer("characters")
    image = next(tensor for tensor in network.inputs if tensor.name == "image")
    _, height, _, channels = image.shape
    signature = {
        "image": tf.TensorSpec((None, height, None, channels), tf.uint8),
        "width": tf.TensorSpec((None,), tf.int32),
    }
    # One graph for all shapes; without the signature each new width would be traced anew.
    graph = tf.function(lambda inputs: network(inputs, training=False), input_signature=[signature], autograph=False)
    return Network(
        charset=charset,
        height=height,
        channels=channels,
        width_stride=crnn.width_stride(network),
        margins=Margins(*(network.get_layer("characters").margins or MARGINS)),
        run=lambda image, width: graph({"image": tf.constant(image), "width": tf.constant(width)}).numpy(),
        patterns=tuple(characters.patterns),
    )


def _open_onnx(path: Path) -> Network:
    session, about = _onnx_session(path)
    if about.get("format") != ONNX_FORMAT:
        raise UserError(
            f"{path}: expected format {ONNX_FORMAT!r} in its metadata, not {about.get('format')!r}; "
            "make it with `python -m ocrlib export`"
        )

    def run(image: np.ndarray, width: np.ndarray, how: Any = None) -> np.ndarray:
        return session.run(["probs"], {"image": image, "width": width}, how)[0]

    try:
        network = _onnx_network(about, run)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise _not_ours(path, error) from None
    _try_onnx(network, run, path)
    return network


def _onnx_session(path: Path) -> "tuple[ort.InferenceSession, dict[str, str]]":
    """Returns what runs the graph of a file, and its metadata; raises UserError if it has none."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    options.log_severity_level = 3  # errors only, which are raised as well; warnings would appear among our own output
    # Else its idle threads would keep the cores busy that decode the next pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = _read_onnx(path)  # bytes: a graph that keeps weights in other files cannot read them
    try:
        # With its fallback, it would try a second time and print what went wrong the first time.
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"], enable_fallback=False)
        return session, session.get_modelmeta().custom_metadata_map
    except _onnx_damages() as error:
        raise _not_ours(path, error) from None


def _onnx_network(about: Mapping[str, str], run: Callable[..., np.ndarray]) -> Network:
    """Returns a graph as its metadata describe it; raises KeyError, ValueError, TypeError or RecursionError."""
    patterns = json.loads(about.get("patterns", "[]"))
    if not isinstance(patterns, list):
        raise ValueError("patterns must be a list")
    return Network(
        charset=Charset(about["charset"]),
        height=int(about["height"]),
        channels=int(about["channels"]),
        width_stride=int(about["width_stride"]),
        margins=Margins(*map(float, about["margins"].split())) if "margins" in about else MARGINS,
        run=run,
        patterns=tuple(patterns),
    )


def _try_onnx(network: Network, run: Callable[..., np.ndarray], path: Path) -> None:
    """Tries a graph on blank lines, for a limited time; raises UserError if it is not one of ours."""
    import onnxruntime as ort

    damages: tuple[type[Exception], ...] = (*_onnx_damages(), ValueError)  # ValueError: it has no such input
    bounded = ort.RunOptions()
    bounded.log_severity_level = 4  # what goes wrong is raised
    try:
        with stopped_after_time(lambda: setattr(bounded, "terminate", True)):
            check_network(replace(network, run=lambda image, width: run(image, width, bounded)), path)
    except UserError:
        raise
    except damages as error:
        raise _not_ours(path, error) from None


def _onnx_damages() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises over a file that is damaged, or made by somebody who wants to see what it does."""
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    return (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NoSuchFile,
        errors.NotImplemented,
        errors.RuntimeException,
        UnicodeDecodeError,  # names or metadata that are not UTF-8, also in a message of its own
    )


def _read_onnx(path: Path) -> bytes:
    try:
        return read_regular(path, _MAX_WEIGHTS_BYTES, through_links=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _not_ours(path: Path, error: Exception) -> UserError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:500]
    return UserError(f"{path}: is not a network of ocrlib's: {reason}")
