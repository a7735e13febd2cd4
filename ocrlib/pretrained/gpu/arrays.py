"""Weights under their Keras names in one file of arrays, with what must be known to build the network again."""

import io
import json
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.charset import Charset
from ocrlib.dataset.hdf5 import read_columns
from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.files import NPY_DAMAGES, ZIP_DAMAGES, read_regular, write_json
from ocrlib.pictures.paper import measure_margins
from ocrlib.regex import recipe_patterns

_MEASURED = 300  # lines, for their margins
MAX_ARRAYS_BYTES = 1 << 30  # the largest network that was trained so has 40 MB
_ABOUT = "about"  # the array that holds a `Shape`, as JSON


@dataclass(kw_only=True)
class Shape:
    """What `crnn.build_crnn` was asked for, and how its convolutions move.

    Attributes:
      height: pixels of every image.
      charset: the characters of the classes but the last, the blank.
      encoder, stride, filters: as in `build_crnn`.
      convolutions: by name, in order, (strides, dilation); two strides in the blocks, one along the line.
      training: what was done to the weights; empty before.
    """

    height: int
    charset: str
    encoder: str
    stride: int
    filters: float
    convolutions: dict[str, tuple[list[int], int]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def write_arrays(path: Path, shape: Shape, weights: dict[str, np.ndarray]) -> None:
    """Writes a network's weights, by their Keras names, and its shape."""
    about = np.frombuffer(json.dumps(asdict(shape)).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, **{_ABOUT: about}, **weights)  # type: ignore[arg-type]


def read_arrays(path: Path) -> tuple[Shape, dict[str, np.ndarray]]:
    """Returns what `write_arrays` wrote.

    Raises:
      UserError: the file holds something else, or is damaged.
    """
    try:
        file = io.BytesIO(read_regular(path, MAX_ARRAYS_BYTES, through_links=True))
        with zipfile.ZipFile(file) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_ARRAYS_BYTES:
                raise ValueError(f"expected at most {MAX_ARRAYS_BYTES} bytes of numbers")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            weights = dict(arrays)
        return Shape(**json.loads(weights.pop(_ABOUT).tobytes())), weights
    except (OSError, ValueError, KeyError, TypeError, RecursionError, *ZIP_DAMAGES, *NPY_DAMAGES) as error:
        raise UserError(f"{path}: is no file of arrays that `begin` or `train` wrote: {error}") from None


def from_recipe(recipe: Path, encoder: str, stride: int, filters: float) -> tuple[Shape, dict[str, np.ndarray]]:
    """Returns an untrained network for the lines of a recipe."""
    keys = tomllib.loads(recipe.read_text(encoding="utf-8"))
    charset = Charset.named(keys["text"]["charset"]).characters
    shape = Shape(height=keys["render"]["height"], charset=charset, encoder=encoder, stride=stride, filters=filters)
    network = _build(shape)
    for layer in network.layers:
        if hasattr(layer, "kernel_size"):
            shape.convolutions[layer.name] = (list(layer.strides), int(layer.dilation_rate[0]))
    return shape, {_name(weight): np.asarray(weight.value) for weight in network.weights}


def write_run(shape: Shape, weights: dict[str, np.ndarray], dataset: Path, run: Path) -> None:
    """Writes the weights as a run folder, which `--init`, `--model` and `ship` know how to read.

    Args:
      dataset: of the recipe whose lines were learned from; it need not have all of them.
      run: the folder.
    """
    manifest = read_manifest(dataset)
    network = _build(shape)
    for weight in network.weights:
        weight.assign(weights[_name(weight)])
    characters = network.get_layer("characters")
    characters.patterns = recipe_patterns([manifest.recipe])
    characters.margins = list(measure_margins(_some_lines(dataset, shape.height)))
    run.mkdir(parents=True, exist_ok=True)
    network.save(run / "best.keras")
    done = dict(shape.training)
    seconds = 60 * done.pop("minutes", 0.0)
    passes = done.get("lines_learned", 0) / max(1, done.get("lines_drawn", 0))
    learned_from = {"folder": str(dataset), "fingerprint": manifest.fingerprint, "weight": None}
    write_json(run / "config.json", {"datasets": [learned_from], "gpu": done, "init": None})
    write_json(run / "metrics.json", {"epochs": round(passes, 2), "training_seconds": round(seconds, 1)})


def _some_lines(dataset: Path, height: int) -> Iterator[np.ndarray]:
    """Yields (H, W) uint8 images of a dataset in HDF5, the first ones."""
    columns = read_columns(min(dataset.glob("train-*.h5")), ("pixels", "offsets", "width"))
    for start, width in zip(columns["offsets"][:_MEASURED].tolist(), columns["width"].tolist(), strict=False):
        yield columns["pixels"][start : start + height * width].reshape(height, width)


def _build(shape: Shape) -> Any:
    from ocrlib.network.crnn import build_crnn

    return build_crnn(
        shape.height,
        len(shape.charset) + 1,
        encoder=shape.encoder,
        stride=shape.stride,
        filters=shape.filters,
        charset=shape.charset,
    )


def _name(weight: Any) -> str:
    """The Keras name of a weight, without the number that Keras gives to the same layer when it is built again."""
    return f"characters/dense/{weight.name}" if weight.path.startswith("characters/") else weight.path
