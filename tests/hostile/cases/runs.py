"""Run folders: config.json and the place to resume from, written by somebody else."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.hostile.case import READ, REFUSED, Case
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


_TEXTS = ["", "{", "[]", "7", "null", "[" * 100_000, '"\\ud800"', "9" * 5000, '{"a": ' * 3000]
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
