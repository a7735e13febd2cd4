"""Where files of strangers come in: the commands, and the functions that read a file before a command's long work."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np

import generate_data
import train_from_records
from ocrlib import cli
from ocrlib.errors import UserError
from ocrlib.network.open import open_network
from ocrlib.reading.recognizer import Recognizer


def recipe() -> None:
    """Opens what a recipe names and draws two lines, without the workers that a dataset would start."""
    from ocrlib.factory.ingredients import gather
    from ocrlib.factory.recipe import load_recipe
    from ocrlib.factory.render.renderer import Renderer

    loaded = load_recipe(Path(sys.argv[1]))
    ingredients = gather(loaded)
    renderer = Renderer(loaded.render, loaded.seed, ingredients.faces, ingredients.texts)
    for index in range(2):
        renderer.render("train", index)


def lines() -> None:
    """Lists the labelled lines of a source and opens each picture, as `ocrlib import` does before its workers."""
    from ocrlib.imports.layouts import LAYOUTS, find_layout
    from ocrlib.imports.line import Asked, Line
    from ocrlib.pictures.opening import load_picture

    source, layout = Path(sys.argv[1]), sys.argv[2]
    assert layout in LAYOUTS
    found = LAYOUTS[find_layout(source, layout)]
    read, usable = None, 0
    for line in found.list_lines(source, Asked()):
        if not isinstance(line, Line):
            continue
        read = read or found.open_reader(source, Asked())
        try:
            with read(line.place) as opened:
                load_picture(opened, line.name)
            usable += 1
        except UserError:
            continue
    print(f"{usable} lines")


def load() -> None:
    """Reads a split of a dataset in one of its formats through the loader, as a training does."""
    from ocrlib.batches.loader import Loader
    from ocrlib.batches.split import SplitLines
    from ocrlib.charset import Charset

    folder, file_format = Path(sys.argv[1]), sys.argv[2]
    assert file_format in ("tfrecord", "hdf5")
    lines = SplitLines(folder, "test", Charset("0123456789"), file_format=file_format, hashes=True)
    print(sum(len(batch["width"]) for batch in Loader(lines, None, 4).batches()))


def config_of_run() -> None:
    """Reads the config.json of a run, as `--resume` does."""
    from ocrlib.training.run_folder import check_resumable, count_lines, grown, read_config

    run = Path(sys.argv[1])
    check_resumable(run, {"datasets": [], "config": {"train": {"epochs": 4}}, "init": None})
    grown((read_config(run) or {}).get("lines"), [], count_lines([]))


def report() -> int:
    """Writes the report of a run whose datasets are not there: without a network, which would take seconds."""
    sys.argv[1:1] = ["report"]
    return cli.main()


def browse() -> None:
    """Shows a dataset to a browser that asks for each of the addresses in a file, a JSON list."""
    from ocrlib.web.browse import browse_app
    from ocrlib.web.catalogue import Catalogue

    app = browse_app(Catalogue(Path(sys.argv[1])), "a title")
    for address in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")):
        print(_asked(app, "GET", address))


def desk() -> None:
    """Lets a browser label pictures with each of the requests in a file, a JSON list of [path, body]."""
    from ocrlib.web.desk import Desk
    from ocrlib.web.review import review_app

    desk = Desk(Recognizer(open_network(sys.argv[3])), Path(sys.argv[1]), model="numeric")
    for path, body in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")):
        print(_asked(review_app(desk, "a title"), "POST", path, body.encode(errors="surrogateescape")))


def _asked(app: Any, method: str, address: str, body: bytes = b"") -> int:
    """Returns the status of an answer to what a server makes of an address; an error that nobody catches comes out."""
    raw, _, query = address.encode(errors="surrogateescape").partition(b"?")
    path = unquote_to_bytes(raw).decode(errors="replace")
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "query_string": query}
    status = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    asyncio.run(app(scope | {"headers": []}, receive, send))
    assert status[0] < 500, f"{address}: {status[0]}"
    return status[0]


def build() -> None:
    """Builds a network of the user's own, as `train --model.build` does."""
    from ocrlib.network.own import build_own

    build_own(sys.argv[1], 32, 1, "0123456789")


def gpu_arrays() -> None:
    """Reads the weights that a training with PyTorch left."""
    from ocrlib.pretrained.gpu.arrays import read_arrays

    read_arrays(Path(sys.argv[1]))


def place_of_run() -> None:
    """Reads the place that a run is resumed from into variables that are not TensorFlow's."""
    from ocrlib.training.checkpoint import State

    network = SimpleNamespace(variables=[Variable((3, 2)), Variable((2,))])
    optimizer = SimpleNamespace(variables=[Variable(())])
    State.load(Path(sys.argv[1]), SimpleNamespace(network=network, optimizer=optimizer))  # type: ignore[arg-type]


class Variable:
    """A variable as far as a place to resume from knows one."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.values = shape, np.zeros(shape, np.float32)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values

    def assign(self, values: np.ndarray) -> None:
        self.values[...] = values


ENTRANCES: dict[str, Callable[[], Any]] = {
    "ocrlib": cli.main,
    "generate_data.py": generate_data.main,
    "train_from_records.py": train_from_records.main,
    "recipe": recipe,
    "lines": lines,
    "load": load,
    "config": config_of_run,
    "report": report,
    "browse": browse,
    "build": build,
    "desk": desk,
    "gpu arrays": gpu_arrays,
    "place": place_of_run,
}
