"""Run folders: config.json and the place to resume from, written by somebody else."""

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile.case import FAULTY, READ, REFUSED, Case
from tests.hostile.cases.values import VALUES, dumps, paths_in, with_value
from tests.hostile.material import CONFIG, Material

_STATE: dict[str, Any] = {
    "epoch": 1,
    "batch": 2,
    "seconds": 0.0,
    "best_cer": None,
    "since_best": 0,
    "stopped": False,
    "weights": "weights-0001-0000002.npz",
}


def npz(**arrays: np.ndarray) -> bytes:
    """A file of arrays."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def _written(kind: str, how: str, text: str, codes: tuple[int, ...] = (REFUSED,)) -> Case:
    file, entrance = (
        ("config.json", ["config", "run"]) if kind == "run config" else ("last/state.json", ["place", "run/last"])
    )

    def make(folder: Path, material: Material) -> list[str]:
        shutil.copytree(material.folder / "run", folder / "run")
        (folder / "run" / file).write_text(text)
        return entrance

    return Case(kind=kind, how=how, make=make, codes=codes)


def _weights(how: str, change: Any) -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        shutil.copytree(material.folder / "run", folder / "run")
        (path,) = (folder / "run" / "last").glob("weights-*")
        data = path.read_bytes()
        path.unlink()
        changed = change(data)
        path.mkdir() if changed is None else path.write_bytes(changed)
        return ["place", "run/last"]

    return Case(kind="place to resume from", how=how, make=make)


def write_run(folder: Path) -> list[str]:
    """Writes a run that has ended and whose dataset is not there any more; returns what writes its report."""
    (folder / "run" / "predictions").mkdir(parents=True)
    (folder / "run" / "config.json").write_text(json.dumps(FULL_CONFIG))
    (folder / "run" / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "run" / "history.csv").write_text(HISTORY)
    Image.new("RGB", (90, 60), "white").save(folder / "run" / "predictions" / "epoch-001.png")
    return ["report", "run"]


def _report(how: str, **files: str | bytes | Callable[[Path], Any]) -> Case:
    """A run folder whose report is written; `files` by name, with _ for the dot."""

    def make(folder: Path, material: Material) -> list[str]:
        command = write_run(folder)
        for name, content in files.items():
            path = folder / "run" / {"strip": "predictions/epoch-001.png"}.get(name, name.replace("_", "."))
            path.unlink(missing_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return command

    return Case(kind="report", how=how, make=make, codes=(READ, FAULTY, REFUSED))


def _begun(how: str, config: Any) -> Case:
    """Two runs that are compared on what the first one learned from, which nobody has."""

    def make(folder: Path, material: Material) -> list[str]:
        for name in ("a", "b"):
            (folder / name).mkdir()
            (folder / name / "config.json").write_text(dumps(config))
        return ["ocrlib", "compare", "a", "b"]

    return Case(kind="compare", how=how, make=make)


_OF_A_DATASET = {"folder": "nowhere", "fingerprint": "0" * 64, "weight": None, "lines": 40}
FULL_CONFIG: dict[str, Any] = {
    "datasets": [_OF_A_DATASET],
    "init": "numeric",
    "why": "as --init says",
    "replay": {"share": 0.5, "datasets": [_OF_A_DATASET]},
    "config": {"data": {"batch_size": 4}, "train": {"epochs": 4}},
    "plan": {"steps": 40, "epochs": 4, "epoch_batches": 10},
    "network": {"encoder": "conv", "parameters": 1000},
    "precision": "float32",
}
METRICS: dict[str, Any] = {
    "split": "test",
    "epochs": 4,
    "training_seconds": 1.5,
    "datasets": {"nowhere": {"exact_match": 0.5, "cer": 0.25, "lines": 8}},
}
HISTORY = "epoch,loss,minutes,val_cer,val_loss\n1,2.5,0.1,0.9,2.4\n2,1.5,0.2,0.5,1.4\n"
_TEXTS = ["", "{", "[]", "7", "null", "[" * 100_000, '"\\ud800"', "9" * 5000, '{"a": ' * 3000]
_HISTORIES: dict[str, str | bytes] = {
    "empty": "",
    "without its heads": "1,2,3\n",
    "without minutes": "epoch,loss\n1,2\n",
    "without epochs": "loss,minutes\n1,2\n",
    "of NaN": "epoch,loss,minutes,val_cer\n1,nan,nan,nan\n2,inf,-inf,inf\n",
    "of 1e308": "epoch,loss,minutes,val_cer\n1,1e308,1e308,1e308\n2,-1e308,-1e308,-1e308\n3,1e-308,1e-308,1e-308\n",
    "below 0": "epoch,loss,minutes,val_cer\n-1,-2,-3,-4\n",
    "of 5,000 digits": f"epoch,loss,minutes\n{'9' * 5000},{'9' * 5000},{'9' * 5000}\n",
    "of other columns": "epoch,<script>,\x1b[2J\n1,2,3\n",
    "NULs": b"epoch,loss\n\0\0,\0\n" * 100,
    "not UTF-8": b"\xff\xfe" * 100 + b"\n",
    "a field of 1 MB": "epoch,loss\n" + "1" * (1 << 20) + ",2\n",
    "a quotation mark that nothing closes": 'epoch,loss\n"1,2\n' * 50_000,
    "30 MB": "epoch,loss,minutes\n" + "1,2,3\n" * (5 << 20),
}


def _arrays(how: str, change: Callable[[bytes], bytes]) -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        (folder / "learned.npz").write_bytes(change(material.arrays.read_bytes()))
        return ["gpu arrays", "learned.npz"]

    return Case(kind="arrays of the GPU", how=how, make=make)


_ARRAYS: dict[str, Callable[[bytes], bytes]] = {
    **{f"cut at {n}/6": lambda data, n=n: data[: n * len(data) // 6] for n in range(6)},  # type: ignore[misc]
    "text": lambda data: b"hello" * 1000,
    "a pickle": lambda data: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "one array": lambda data: (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }" + b" " * 60 + b"\n"
    ),
    "nothing about them": lambda data: npz(a=np.zeros(3)),
    "about is text": lambda data: npz(about=np.frombuffer(b"hello", np.uint8)),
    "about is a list": lambda data: npz(about=np.frombuffer(b"[]", np.uint8)),
    "about other things": lambda data: npz(about=np.frombuffer(b'{"height": 1, "evil": 2}', np.uint8)),
    "objects": lambda data: npz(about=np.array([{"a": 1}], object)),
}


CASES = [
    *(_written("run config", text[:20], text) for text in _TEXTS),
    *(
        _written(
            "run config",
            f"{'.'.join(map(str, path))} = {name}",
            dumps(with_value(CONFIG, path, value)),
            (READ, REFUSED),
        )
        for path in paths_in(CONFIG)
        for name, value in list(VALUES.items())[::5]
    ),
    *(
        _report(f"config {'.'.join(map(str, path))} = {name}", config_json=dumps(with_value(FULL_CONFIG, path, value)))
        for path in paths_in(FULL_CONFIG)
        for name, value in list(VALUES.items())[len(path[-1] if isinstance(path[-1], str) else "") % 4 :: 4]
    ),
    *(
        _report(f"metrics {'.'.join(map(str, path))} = {name}", metrics_json=dumps(with_value(METRICS, path, value)))
        for path in paths_in(METRICS)
        for name, value in list(VALUES.items())[len(path[-1]) % 4 :: 4]
    ),
    *(
        _report(f"learned from {address}", config_json=json.dumps({"datasets": [{"folder": address}]}))
        for address in ("s3://bucket/digits", "http://127.0.0.1:9/digits", "memory://there/digits", "file:///etc", "::")
    ),
    *(_report(f"history {how}", history_csv=text) for how, text in _HISTORIES.items()),
    *(_report(f"metrics {text[:20]}", metrics_json=text) for text in _TEXTS),
    *(
        _report(f"{name} is {how}", **{name: make})
        for name in ("config_json", "metrics_json", "history_csv", "strip")
        for how, make in {
            "a pipe": os.mkfifo,
            "a device": lambda path: path.symlink_to("/dev/zero"),
            "a folder": Path.mkdir,
            "a link to itself": lambda path: path.symlink_to(path.name),
            "noise": b"\x80" * 5000,
        }.items()
    ),
    *(
        _begun(f"{'.'.join(map(str, path))} = {name}", with_value(FULL_CONFIG, path, value))
        for path in (("datasets",), ("datasets", 0), ("datasets", 0, "folder"))
        for name, value in VALUES.items()
    ),
    *(_arrays(f"arrays: {how}", data) for how, data in _ARRAYS.items()),
    *(_written("place to resume from", text[:20], text) for text in _TEXTS),
    *(
        _written("place to resume from", f"{key} = {name}", dumps(_STATE | {key: value}), (READ, REFUSED))
        for key in _STATE
        for name, value in list(VALUES.items())[(len(key) % 3) :: 3]
    ),
    *(
        _written("place to resume from", f"weights = {name}", json.dumps(_STATE | {"weights": name}))
        for name in ("/etc/passwd", "../config.json", "state.json", "weights-0001-0000002.npz/..", "", "\x1b[2J")
    ),
    *(_weights(f"weights cut at {n}/6", lambda data, n=n: data[: n * len(data) // 6]) for n in range(6)),
    _weights("weights are a folder", lambda data: None),
    _weights("weights are text", lambda data: b"hello" * 1000),
    _weights("weights are a pickle", lambda data: b"\x80\x04cos\nsystem\n(S'true'\ntR."),
]
