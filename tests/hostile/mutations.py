"""Files of every format, changed at places that are drawn by chance."""

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.case import FAULTY, READ, REFUSED, Case
from tests.hostile.cases.browser import REQUESTS, SOUND_REQUEST
from tests.hostile.cases.datasets import HDF5, TFRECORD, announce
from tests.hostile.cases.pictures import saved
from tests.hostile.cases.runs import write_run
from tests.hostile.cases.values import VALUES, dumps, paths_in, with_value
from tests.hostile.material import Material
from tests.training_fixtures import manifest_values

_PICTURES = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "TGA", "PCX", "SGI")
_READ_ONNX = ["ocrlib", "predict", "line.png", "--model", "tiny.onnx"]
_PATTERNS = ("[0-9]{1,8}", "0?[1-9][0-9]{0,3}[12][0-9]{2}", "(1|2|3)+[^4]?5{2}", r"\d\d0\d\d")  # of known characters
_LAYOUTS = {
    "pairs": "*.gt.txt",
    "paddle": "*.txt",
    "csv": "*.csv",
    "doctr": "*.json",
    "lmdb": "data.mdb",
    "parquet": "*.parquet",
    "webdataset": "*.tar",
    "alto": "*.xml",
    "page": "*.xml",
}
# Of a sound source, how many lines are listed: none would be no error.
_SOUND_SAYS = dict.fromkeys(_LAYOUTS, "6 lines") | {"doctr": "1 lines", "alto": "2 lines", "page": "2 lines"}


class Chance(random.Random):
    """What a case draws from.

    Attributes:
      changes: whether anything is changed. The first case of each kind is left sound and must be read: a kind whose
        files are all refused for another reason would try nothing.
    """

    changes = True


def mutated(data: bytes, rng: Chance) -> bytes:
    """Returns the bytes with one to eight changes: bits, runs, numbers at their ends, parts left out or doubled."""
    if not rng.changes:
        return data
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        if not out:
            break
        at, length = rng.randrange(len(out)), rng.choice((1, 2, 4, 8, 16, 64, len(out) // 4 or 1))
        change = rng.randrange(7)
        if change == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            out[at : at + length] = rng.randbytes(length)
        elif change == 2:
            out[at : at + length] = rng.choice((b"\0", b"\xff", b"\x7f", b"9", b"[")) * length
        elif change == 3:
            del out[at : at + length]
        elif change == 4:
            out[at:at] = out[at : at + length]
        elif change == 5:
            del out[at:]
        else:
            out[at:at] = rng.choice((b"-", b'"', b"\n", b"\t", b"\x1b[2J", b"<", b"&", b"nan", b"1e999", b"../"))
    return bytes(out)


def mutations(material: Material, count: int, seed: int) -> Iterator[Case]:
    """Yields so many cases of each format, a sound one first."""
    formats: dict[str, Callable[[Chance], Callable[[Path, Material], list[str]]]] = {
        "manifest": _manifest,
        "TFRecord": lambda rng: _shard(TFRECORD, rng),
        "HDF5": lambda rng: _shard(HDF5, rng),
        "recipe": lambda rng: _file("mine.toml", ["recipe", "mine.toml"], rng),
        "run config": lambda rng: _file("run/config.json", ["config", "run"], rng),
        "place to resume from": lambda rng: _file("run/last/*", ["place", "run/last"], rng),
        "ONNX": lambda rng: _file("tiny.onnx", ["ocrlib", "predict", "line.png", "--model", "tiny.onnx"], rng),
        ".keras": lambda rng: _file("tiny.keras", ["ocrlib", "predict", "line.png", "--model", "tiny.keras"], rng),
        "language model": _language_model,
        "picture": _pictures,
        "report": _report,
        "arrays of the GPU": lambda rng: _file("learned.npz", ["gpu arrays", "learned.npz"], rng),
        "lexicon": lambda rng: _file("words.txt", [*_READ_ONNX, "--lexicon", "words.txt"], rng),
        "pattern": _pattern,
        "browse": _browse,
        "review": _review,
        **{layout: lambda rng, layout=layout: _lines(layout, rng) for layout in _LAYOUTS},
    }
    for kind, make in formats.items():
        for index in range(count):
            rng = Chance(f"{seed}/{kind}/{index}")
            rng.changes = index > 0
            codes = (READ, FAULTY, REFUSED) if rng.changes else (READ,)
            how = f"seed {seed}, number {index}" if rng.changes else "sound"
            says = "" if rng.changes else _SOUND_SAYS.get(kind, "")
            yield Case(kind=kind, how=how, make=make(rng), codes=codes, says=says)


def _file(pattern: str, command: list[str], rng: Chance) -> Callable[[Path, Material], list[str]]:
    """One of the sound files, mutated, with all the others beside it."""

    def make(folder: Path, material: Material) -> list[str]:
        for name in ("mine.toml", "line.png", "tiny.onnx", "tiny.keras", "learned.npz", "words.txt"):
            shutil.copy(material.folder / name, folder / name)
        shutil.copytree(material.folder / "run", folder / "run")
        path = rng.choice(sorted(folder.glob(pattern)))
        path.write_bytes(mutated(path.read_bytes(), rng))
        return command

    return make


def _manifest(rng: Chance) -> Callable[[Path, Material], list[str]]:
    """Half of them changed in their bytes, half in their values."""

    def make(folder: Path, material: Material) -> list[str]:
        dataset = Path(shutil.copytree(material.dataset, folder / "d"))
        path, values = dataset / "manifest.json", manifest_values(dataset)
        if rng.random() < 0.5 or not rng.changes:
            path.write_bytes(mutated(json.dumps(values).encode(), rng))
        else:
            for _ in range(rng.choice((1, 1, 2))):
                values = with_value(values, rng.choice(list(paths_in(values))), VALUES[rng.choice(list(VALUES))])
            path.write_text(dumps(values))
        return ["ocrlib", rng.choice(("verify", "verify", "card")), "d"]

    return make


def _shard(name: str, rng: Chance) -> Callable[[Path, Material], list[str]]:
    def make(folder: Path, material: Material) -> list[str]:
        dataset = Path(shutil.copytree(material.dataset, folder / "d"))
        (dataset / name).write_bytes(mutated((dataset / name).read_bytes(), rng))
        announce(dataset)
        file_format = "hdf5" if name == HDF5 else "tfrecord"
        return ["load", "d", file_format] if rng.random() < 0.3 else ["ocrlib", "verify", "d"]

    return make


def _pictures(rng: Chance) -> Callable[[Path, Material], list[str]]:
    def make(folder: Path, material: Material) -> list[str]:
        for number in range(25):
            kind = rng.choice(_PICTURES)
            (folder / f"{number}.{kind.lower()}").write_bytes(mutated(saved(kind), rng))
        return ["ocrlib", "predict", "--model", str(material.onnx), "."]

    return make


def _report(rng: Chance) -> Callable[[Path, Material], list[str]]:
    def make(folder: Path, material: Material) -> list[str]:
        command = write_run(folder)
        path = rng.choice(sorted(path for path in (folder / "run").rglob("*") if path.is_file()))
        path.write_bytes(mutated(path.read_bytes(), rng))
        return command

    return make


def _language_model(rng: Chance) -> Callable[[Path, Material], list[str]]:
    """Half of them changed in the file, half in a part of it whose checksum is right."""

    def make(folder: Path, material: Material) -> list[str]:
        data = material.ngram.read_bytes()
        if rng.random() < 0.5:
            data = mutated(data, rng)
        else:
            with zipfile.ZipFile(io.BytesIO(data)) as file:
                parts = {name: file.read(name) for name in file.namelist()}
            name = rng.choice(sorted(parts))
            parts[name] = mutated(parts[name], rng)
            changed = io.BytesIO()
            with zipfile.ZipFile(changed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as file:
                for name, part in parts.items():
                    file.writestr(name, part)
            data = changed.getvalue()
        (folder / "other.ngram").write_bytes(data)
        return [*_READ_ONNX[:2], str(material.picture), "--model", str(material.onnx), "--language-model=other.ngram"]

    return make


def _pattern(rng: Chance) -> Callable[[Path, Material], list[str]]:
    pattern = _text(mutated(rng.choice(_PATTERNS).encode(), rng))

    def make(folder: Path, material: Material) -> list[str]:
        return [*_READ_ONNX[:2], str(material.picture), "--model", str(material.onnx), f"--pattern={pattern}"]

    return make


def _browse(rng: Chance) -> Callable[[Path, Material], list[str]]:
    """Twenty addresses each."""
    sound = (
        "/?split=test&font=a&text=1&shortest=1&longest=9&start=3",
        "/line/test/1",
        "/picture/test/1",
        "/static/page.css",
    )
    asked = [_text(mutated(rng.choice(sound).encode(), rng)) for _ in range(20)]

    def make(folder: Path, material: Material) -> list[str]:
        shutil.copytree(material.dataset, folder / "d")
        (folder / "asked.json").write_text(json.dumps(asked))
        return ["browse", "d", "asked.json"]

    return make


def _review(rng: Chance) -> Callable[[Path, Material], list[str]]:
    """Seven requests each."""
    asked = [[f"/ask/{what}", _text(mutated(SOUND_REQUEST.encode(), rng))] for what in REQUESTS]

    def make(folder: Path, material: Material) -> list[str]:
        (folder / "lines").mkdir()
        shutil.copy(material.picture, folder / "lines" / "1.png")
        (folder / "asked.json").write_text(json.dumps(asked))
        return ["desk", "lines", "asked.json", str(material.onnx)]

    return make


def _text(data: bytes) -> str:
    """Bytes as the text of an argument or of a JSON file; NULs, which no argument can have, are left out."""
    return data.replace(b"\0", b"").decode("utf-8", "surrogateescape")


def _lines(layout: str, rng: Chance) -> Callable[[Path, Material], list[str]]:
    def make(folder: Path, material: Material) -> list[str]:
        shutil.copytree(material.lines(layout), folder / "s")
        path = rng.choice(sorted((folder / "s").rglob(_LAYOUTS[layout])))
        path.write_bytes(mutated(path.read_bytes(), rng))
        return ["lines", "s", layout]

    return make
