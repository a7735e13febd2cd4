"""A network of the user's own: found by its name, checked, and given the last layer that tells a reader about it.

docs/own-network.md says what the function must offer. A file of such a network names the function's module, which is
imported only if the user has imported it or says that it can be trusted: importing runs code.
"""

import importlib
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.errors import UserError

_EXPECTED = 'expected a function that returns a keras.Model from {"image", "width"} to probabilities'
_WIDTHS = (96, 97, 101, 128)  # pixels: of lines that a new network is tried on
_DIFFERENCE = 1e-3  # of a probability, between a line alone and the same line padded
_MOST_BYTES = 64 << 20  # of the settings in a .keras file


def build_own(maker: str, height: int, channels: int, charset: str) -> Any:
    """Returns the network that a function builds, untrained.

    Args:
      maker: "module:function". The function gets height, num_classes and channels by name.
      height, channels: of the images.
      charset: the characters of classes 0 to C - 2.

    Returns:
      A model as `crnn.build_crnn` returns, its layer "characters" included.

    Raises:
      UserError: there is no such function, or the model is not what docs/own-network.md asks for.
    """
    function = _function_of(maker)  # first: it may import keras, and then backend would
    from ocrlib.backend import keras
    from ocrlib.network.layers import OwnCharacters

    num_classes = len(charset) + 1
    try:
        model = function(height=height, num_classes=num_classes, channels=channels)
    except Exception as error:  # whatever the user's code raises
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{maker}: fails: {type(error).__name__}: {reason}") from error
    if not isinstance(model, keras.Model) or {tensor.name for tensor in model.inputs} != {"image", "width"}:
        got = f"inputs {[tensor.name for tensor in model.inputs]}" if isinstance(model, keras.Model) else repr(model)
        raise UserError(f"{maker}: {_EXPECTED}, got {got}")
    stride = _check(maker, model, height, channels, num_classes)
    about = {"charset": charset, "stride": stride, "maker": maker}
    probs = OwnCharacters(num_classes, **about, name="characters")(model.outputs[0])
    inputs = {tensor.name: tensor for tensor in model.inputs}
    return keras.Model(inputs, probs, name=model.name)


def import_maker(path: Path, trust: bool) -> None:
    """Imports the module that made the network in a `.keras` file, where that is a user's own.

    Raises:
      UserError: it is neither imported nor trusted, or cannot be imported.
    """
    maker = _maker_of(path)
    if maker is None or maker.partition(":")[0] in sys.modules:
        return
    if not trust:
        raise UserError(
            f"{path}: its network comes from {maker}; give --trust if that is code of your own "
            f"(in Python: import {maker.partition(':')[0]} first)"
        )
    _function_of(maker)


def _maker_of(path: Path) -> str | None:
    """The "module:function" in a `.keras` file; None for a network of ocrlib's, and for what is no such file."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > _MOST_BYTES:
                return None
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
        own = [layer for layer in layers if layer["registered_name"] == "ocrlib>OwnCharacters"]
        return str(own[0]["config"]["maker"]) if own else None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, zipfile.BadZipFile):
        return None  # Keras says what is wrong with it


def _function_of(maker: str) -> Any:
    module_name, colon, name = maker.partition(":")
    if not colon or not module_name or not name:
        raise UserError(f"{maker}: expected module:function, as mypackage.networks:build")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that it hides nothing
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(f"{maker}: cannot be imported: {error}") from None
    except Exception as error:  # whatever runs while the user's module is imported
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{maker}: cannot be imported: {type(error).__name__}: {reason}") from error
    if not callable(function := getattr(module, name, None)):
        raise UserError(f"{maker}: the module {module_name} has no function {name!r}")
    return function


def _check(maker: str, model: Any, height: int, channels: int, num_classes: int) -> int:
    """Returns the pixels of width behind one time step, found by trying the model on a few lines.

    Raises:
      UserError: it gives no probabilities, or another number of steps than ceil(width / stride), or a line's answer
        depends on the padding beside it.
    """
    image = np.random.RandomState(0).randint(0, 256, (len(_WIDTHS), height, max(_WIDTHS), channels)).astype(np.uint8)
    width = np.array(_WIDTHS, np.int32)
    image[np.arange(max(_WIDTHS)) >= width[:, None, None].repeat(height, 1)] = 255
    together = _run(maker, model, image, width)
    if together.ndim != 3 or together.shape[2] != num_classes or together.dtype.kind != "f":
        raise UserError(f"{maker}: expected probabilities (B, T, {num_classes}), got {together.dtype} {together.shape}")
    if together.min() < 0 or np.abs(together.sum(axis=2) - 1).max() > 1e-2:
        raise UserError(f"{maker}: expected probabilities, softmax over {num_classes} classes, that add up to 1")
    stride = max(1, round(max(_WIDTHS) / together.shape[1]))
    for row, pixels in enumerate(_WIDTHS):
        alone = _run(maker, model, image[row : row + 1, :, :pixels], width[row : row + 1])[0]
        steps = -(-pixels // stride)
        if len(alone) != steps:
            raise UserError(
                f"{maker}: expected ceil(width / stride) time steps; {max(_WIDTHS)} pixels give {together.shape[1]}, "
                f"{pixels} give {len(alone)}"
            )
        difference = float(np.abs(alone - together[row, :steps]).max())
        if not difference <= _DIFFERENCE:
            raise UserError(
                f"{maker}: a line {pixels} pixels wide reads otherwise when it is padded to {max(_WIDTHS)} "
                f"(by {difference:.1e}); set what is right of `width` to 0 after each block, and mask attention"
            )
    return stride


def _run(maker: str, model: Any, image: np.ndarray, width: np.ndarray) -> np.ndarray:
    try:
        return np.asarray(model({"image": image, "width": width}, training=False))
    except Exception as error:  # whatever the user's layers raise
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{maker}: fails on {image.shape} uint8: {type(error).__name__}: {reason}") from error
