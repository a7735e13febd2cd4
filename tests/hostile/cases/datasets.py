"""Datasets of strangers: manifests, TFRecord and HDF5 files that announce one thing and hold another."""

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import h5py
import numpy as np

from tests.hostile.case import FAULTY, READ, REFUSED, Case
from tests.hostile.cases.values import VALUES, dumps, paths_in, with_value
from tests.hostile.material import SECRET, Material
from tests.training_fixtures import manifest_values

TFRECORD, HDF5 = "test-00000-of-00001.tfrecord", "test-00000-of-00001.h5"
Change = Callable[[Path], None]


def copied(folder: Path, material: Material) -> Path:
    """A copy of the sound dataset."""
    return Path(shutil.copytree(material.dataset, folder / "d"))


def announce(dataset: Path) -> None:
    """Lets the manifest say of each file what it is now, as a forger would."""
    values = manifest_values(dataset)
    for split in values["splits"].values():
        for shard in split["shards"]:
            for file in shard["files"].values():
                data = (dataset / file["name"]).read_bytes()
                file |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (dataset / "manifest.json").write_text(json.dumps(values))


def _values_of(path: tuple[Any, ...]) -> list[str]:
    """Some of the values, others for each place, so that every value comes to many places."""
    names = list(VALUES)
    start = sum(map(ord, "".join(map(str, path))))
    return [names[(start + step * 5) % len(names)] for step in range(3)]


def _manifest_case(path: tuple[Any, ...], name: str, command: list[str]) -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        dataset = copied(folder, material)
        values = with_value(manifest_values(dataset), path, VALUES[name])
        (dataset / "manifest.json").write_text(dumps(values))
        return [*command, "d"]

    # A free text, such as the name, may be anything that can be printed.
    return Case(kind="manifest", how=f"{'.'.join(map(str, path))} = {name}", make=make, codes=(READ, FAULTY, REFUSED))


def _sound_manifest() -> Any:
    file = {"name": TFRECORD, "bytes": 1, "sha256": "0" * 64}
    shard = {"stem": "s", "samples": 6, "files": {"tfrecord": file}, "widths": {"8": 6}, "rejected": {"blank": 1}}
    return {
        "format": "",
        "name": "",
        "fingerprint": "",
        "recipe": {"text": {"source": ""}},
        "charset": "",
        "image": {"height": 32, "channels": 1, "encoding": "raw"},
        "splits": {"test": {"samples": 6, "shards": [shard]}},
        "rejected": {},
        "fonts": {"used": ["a"], "heldout": [], "left_out": {"b": "c"}},
        "environment": {"python": "3"},
    }


def _manifest_text(how: str, change: Callable[[str], str | bytes], says: str = "") -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        path = copied(folder, material) / "manifest.json"
        changed = change(path.read_text())
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
        return ["ocrlib", "verify", "d"]

    return Case(kind="manifest", how=how, make=make, says=says)


def _file_case(
    kind: str,
    how: str,
    change: Change,
    says: str = "",
    command: tuple[str, ...] = ("ocrlib", "verify"),
    **settings: Any,
) -> Case:
    """A changed file of a dataset whose manifest announces it as it is now."""

    def make(folder: Path, material: Material) -> list[str]:
        dataset = copied(folder, material)
        change(dataset)
        announce(dataset)
        return [command[0], "d", *command[1:]] if command[0] == "load" else [*command, "d"]

    return Case(kind=kind, how=how, make=make, says=says, **({"codes": (FAULTY, REFUSED)} | settings))


def _flip(name: str, share: float, announced: bool) -> Case:
    """A flipped bit. Behind a right hash it is found by the formats' own checksums, or it changes nothing."""

    def change(dataset: Path) -> None:
        path = dataset / name
        data = bytearray(path.read_bytes())
        data[int(share * (len(data) - 1))] ^= 1 << int(share * 1000) % 8
        path.write_bytes(data)

    def make(folder: Path, material: Material) -> list[str]:
        dataset = copied(folder, material)
        change(dataset)
        if announced:
            announce(dataset)
        return ["ocrlib", "verify", "d"]

    kind = "HDF5" if name == HDF5 else "TFRecord"
    codes = (READ, FAULTY) if announced else (FAULTY,)
    return Case(kind=kind, how=f"bit flipped at {share:.0%}{' and announced' * announced}", make=make, codes=codes)


def record(payload: bytes, length: int | None = None) -> bytes:
    """A TFRecord of any payload, with right checksums; `length` is what it says of itself."""

    def crc(data: bytes) -> bytes:
        value = google_crc32c.value(data)
        return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    header = struct.pack("<Q", len(payload) if length is None else length)
    return header + crc(header) + payload + crc(payload)


def _records(*records: bytes) -> Change:
    return lambda dataset: (dataset / TFRECORD).write_bytes(b"".join(records)) and None


def _payload_of(dataset: Path) -> bytes:
    data = (dataset / TFRECORD).read_bytes()
    return data[12 : 12 + struct.unpack("<Q", data[:8])[0]]


def _cut_payload(share: float) -> Change:
    def change(dataset: Path) -> None:
        payload = _payload_of(dataset)
        (dataset / TFRECORD).write_bytes(record(payload[: int(share * len(payload))]) * 6)

    return change


def _columns(change: Callable[[h5py.File], None]) -> Change:
    def changed(dataset: Path) -> None:
        with h5py.File(dataset / HDF5, "r+") as file:
            change(file)

    return changed


def _replaced(name: str, **new: Any) -> Change:
    """A column in the place of another one."""

    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **new)

    return _columns(change)


def _linked(make_link: Callable[[Path], Any]) -> Change:
    def change(dataset: Path) -> None:
        (dataset / "other").write_text(SECRET)
        with h5py.File(dataset / HDF5, "r+") as file:
            del file["text"]
            file["text"] = make_link(dataset)

    return change


def _external(file: h5py.File) -> None:
    del file["pixels"]
    file.create_dataset("pixels", (8,), np.uint8, external=[("other", 0, 8)])


def _virtual(file: h5py.File) -> None:
    del file["pixels"]
    layout = h5py.VirtualLayout((8,), np.uint8)
    layout[:] = h5py.VirtualSource("other", "pixels", (8,))
    file.create_virtual_dataset("pixels", layout)


def _sparse(file: h5py.File) -> None:
    del file["pixels"]
    file.create_dataset("pixels", (1 << 40,), np.uint8, chunks=(1 << 20,))


def _group(file: h5py.File) -> None:
    del file["pixels"]
    file.create_group("pixels")


def _link_to(name: str, target: str) -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        dataset = copied(folder, material)
        (dataset / name).unlink(missing_ok=True)
        (dataset / name).symlink_to(material.secret if target == "secret" else Path(target))
        return ["ocrlib", "verify", "d", "--repair", "--workers", "1"] if name == ".work" else ["ocrlib", "verify", "d"]

    return Case(kind="link", how=f"{name} to {target}", make=make, codes=(FAULTY, REFUSED))


def _unpacked(how: str, name: str, values: list[bytes]) -> Case:
    """A dataset that is unpacked, which makes names of files of its ids and a list of its texts."""
    column = np.array(values, h5py.string_dtype("utf-8", 40))
    command = ("ocrlib", "unpack", "--layout", "paddle", "--out", "../case/o")
    return _file_case("HDF5", f"{how}, unpacked", _replaced(name, data=column), "", command, codes=(REFUSED,))


def _work(name: str, content: str) -> Case:
    """A half-finished dataset whose notes were written by somebody else."""

    def make(folder: Path, material: Material) -> list[str]:
        dataset = copied(folder, material)
        (dataset / ".work").mkdir()
        (dataset / "manifest.json").unlink()
        (dataset / ".work" / name).write_text(content)
        shutil.copy(material.folder / "mine.toml", folder / "d.toml")
        return ["generate_data.py", "d.toml", "--out", "d", "--workers", "1"]

    says = "is damaged" if name == "state.json" else ""
    return Case(kind="work folder", how=f"{name}: {content[:20]!r}", make=make, says=says)


CASES = [
    *(
        _manifest_case(path, name, ["ocrlib", "verify"])
        for path in paths_in(_sound_manifest())
        for name in _values_of(path)
    ),
    *(
        _manifest_case(("splits", "test", "shards", 0, key), name, ["ocrlib", "card"])
        for key in ("samples", "widths", "stem")
        for name in ("-1", "10**30", "table", "path")
    ),
    *(
        _manifest_text(f"byte {position} flipped", lambda text, at=position: _flipped(text, at))
        for position in range(3, 1200, 60)
    ),
    _manifest_text("empty", lambda text: ""),
    _manifest_text("cut", lambda text: text[: len(text) // 2]),
    _manifest_text("not UTF-8", lambda text: b"\xff\xfe" + text.encode()),
    _manifest_text("deep", lambda text: "[" * 100_000),
    _manifest_text("5,000 digits", lambda text: "9" * 5000),
    _manifest_text("half a surrogate", lambda text: '{"format": "\\ud800"}'),
    _manifest_text("twice the same key", lambda text: text.replace('"name"', '"format": "x", "name"', 1)),
    *(_flip(name, share / 24, announced=False) for name in (TFRECORD, HDF5) for share in range(1, 24, 2)),
    *(_flip(name, share / 24, announced=True) for name in (TFRECORD, HDF5) for share in range(24)),
    _file_case("TFRecord", "empty", _records(), "expected 6 samples, found 0"),
    _file_case("TFRecord", "length of 2**60", _records(record(b"abc", 1 << 60)), "damaged or cut"),
    _file_case("TFRecord", "length of 2**64 - 1", _records(record(b"abc", (1 << 64) - 1)), "damaged or cut"),
    _file_case("TFRecord", "payload of nothing", _records(record(b"") * 6)),
    _file_case("TFRecord", "payload of text", _records(record(b"hello") * 6)),
    _file_case("TFRecord", "a number without an end", _records(record(b"\x0a" + b"\xff" * 20) * 6)),
    _file_case("TFRecord", "a field of 2**62 bytes", _records(record(b"\x0a" + b"\xff" * 8 + b"\x3f") * 6)),
    *(_file_case("TFRecord", f"payload cut at {share}/12", _cut_payload(share / 12)) for share in range(1, 12)),
    *(
        _file_case("TFRecord", f"{how}, to be learned from", change, command=("load", "tfrecord"))
        for how, change in (
            ("length of 2**60", _records(record(b"abc", 1 << 60))),
            ("length of 2**63", _records(record(b"abc", 1 << 63))),
            ("payload of text", _records(record(b"hello") * 6)),
            ("payload cut", _cut_payload(0.6)),
            ("empty", _records()),
        )
    ),
    _file_case(
        "HDF5",
        "offsets fall, to be learned from",
        _replaced("offsets", data=np.array([0, 9, 3, 3, 3, 3, 9])),
        command=("load", "hdf5"),
    ),
    _file_case("HDF5", "empty", lambda dataset: (dataset / HDF5).write_bytes(b"") and None),
    _file_case("HDF5", "not HDF5", lambda dataset: (dataset / HDF5).write_bytes(b"x" * 4096) and None),
    _file_case("HDF5", "link to a file", _linked(lambda d: h5py.ExternalLink(str(d / "other"), "text"))),
    _file_case("HDF5", "link to the machine", _linked(lambda d: h5py.ExternalLink("/etc/passwd", "/"))),
    _file_case("HDF5", "link to itself", _linked(lambda d: h5py.SoftLink("/text"))),
    _file_case("HDF5", "link to another column", _linked(lambda d: h5py.SoftLink("/id"))),
    _file_case("HDF5", "stored elsewhere", _columns(_external)),
    _file_case("HDF5", "virtual", _columns(_virtual)),
    _file_case("HDF5", "a terabyte of nothing", _columns(_sparse)),
    _file_case("HDF5", "compressed", _replaced("pixels", data=np.zeros(1 << 22, np.uint8), compression="gzip")),
    _file_case("HDF5", "pixels are floats", _replaced("pixels", data=np.zeros(64, np.float32))),
    _file_case("HDF5", "pixels in two dimensions", _replaced("pixels", data=np.zeros((8, 8), np.uint8))),
    _file_case("HDF5", "pixels in none", _replaced("pixels", data=np.uint8(3))),
    _file_case("HDF5", "pixels are a group", _columns(_group)),
    _file_case("HDF5", "offsets fall", _replaced("offsets", data=np.array([0, 9, 3, 3, 3, 3, 9]))),
    _file_case("HDF5", "offsets below 0", _replaced("offsets", data=np.array([-9, 1, 2, 3, 4, 5, 6]))),
    _file_case("HDF5", "offsets beyond the end", _replaced("offsets", data=np.arange(7) * (1 << 60))),
    _file_case("HDF5", "too few offsets", _replaced("offsets", data=np.array([0, 1]))),
    _file_case("HDF5", "no offsets", _replaced("offsets", data=np.array([], np.int64))),
    _file_case("HDF5", "offsets are NaN", _replaced("offsets", data=np.full(7, np.nan))),
    _file_case("HDF5", "widths are 0", _replaced("width", data=np.zeros(6, np.int32))),
    _file_case("HDF5", "widths are 10**9", _replaced("width", data=np.full(6, 10**9, np.int32))),
    _file_case("HDF5", "texts are numbers", _replaced("text", data=np.arange(6))),
    _file_case("HDF5", "texts are of any length", _replaced("text", data=["1"] * 6, dtype=h5py.string_dtype())),
    _file_case("HDF5", "texts are no UTF-8", _replaced("text", data=np.array([b"\xff"] * 6, "S1"))),
    _file_case("HDF5", "texts are empty", _replaced("text", data=np.array([b""] * 6, "S1"))),
    _file_case(
        "HDF5", "texts are escapes", _replaced("text", data=np.array([b"\x1b[2J"] * 6, h5py.string_dtype("utf-8", 8)))
    ),
    _file_case("HDF5", "ids are references", _replaced("id", data=[None] * 6, dtype=h5py.ref_dtype)),
    _unpacked("ids leave the folder", "id", [b"../../%d" % number for number in range(6)]),
    _unpacked("ids are paths", "id", [b"/tmp/canary-%d" % number for number in range(6)]),
    _unpacked("ids are one", "id", [b"train-000000000"] * 6),
    _unpacked("texts are lists", "text", [b"1\n../../../etc/passwd\t2"] * 6),
    _file_case("HDF5", "blur is NaN", _replaced("blur_px", data=np.full(6, np.nan, np.float32))),
    *(
        _file_case("HDF5", f"without {name}", _columns(lambda f, name=name: f.__delitem__(name)))
        for name in ("pixels", "offsets", "id", "text", "width", "font", "seed")
    ),
    _link_to("manifest.json", "secret"),
    _link_to(TFRECORD, "secret"),
    _link_to(HDF5, "/dev/zero"),
    _link_to(TFRECORD, "/etc/passwd"),
    _link_to("manifest.json", "manifest.json"),
    *(_work("state.json", text) for text in ('{"fingerprint": 7}', "[]", "{", "[" * 100_000, '{"fingerprint": null}')),
    *(_work("manifest.json", text) for text in ("{}", "7", "[" * 100_000, '{"format": "ocrlib-dataset/1"}')),
]


def _flipped(text: str, position: int) -> bytes:
    data = bytearray(text.encode())
    position %= len(data)
    while chr(data[position]).isspace():  # between values, a space more or less says nothing
        position += 1
    data[position] ^= 1
    return bytes(data)
