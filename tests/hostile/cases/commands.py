"""Command lines: paths, settings and lists that cannot be meant, and places that cannot be written to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.case import FAULTY, READ, REFUSED, Case
from tests.hostile.material import Material

_PATHS = {
    "no such file": "nowhere/at all",
    "a path of 9,000 characters": "a/" * 4500,
    "a name of 5,000 characters": "a" * 5000,
    "escapes": "\x1b[2J\x07",
    "nothing": "",
    "a device": "/dev/zero",
    "a file": "file",
    "a folder": "folder",
    "a folder in a file": "file/folder",
    "a pipe": "pipe",
    "a link to itself": "circle",
    "half a surrogate": "\udcff",
    "all of the machine": "/proc/self",
}


def _command(how: str, *arguments: str, codes: tuple[int, ...] = (REFUSED,), says: str = "") -> Case:
    """A command; MODEL, PICTURE and DATASET in it stand for sound ones."""

    def make(folder: Path, material: Material) -> list[str]:
        (folder / "file").write_text("hello")
        (folder / "folder").mkdir()
        os.mkfifo(folder / "pipe")
        (folder / "circle").symlink_to("circle")
        sound = {"MODEL": str(material.onnx), "PICTURE": str(material.picture), "DATASET": str(material.dataset)}
        return [sound.get(argument, argument) for argument in arguments]

    return Case(kind="command", how=how, make=make, codes=codes, says=says)


def _lexicon(how: str, content: bytes | Callable[[Path], Any], codes: tuple[int, ...] = (REFUSED,)) -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        path = folder / "lexicon.txt"
        path.write_bytes(content) if isinstance(content, bytes) else content(path)
        return ["ocrlib", "predict", "--model", str(material.onnx), str(material.picture), "--lexicon", "lexicon.txt"]

    return Case(kind="lexicon", how=how, make=make, codes=codes)


def _known(*options: str, codes: tuple[int, ...] = (REFUSED,)) -> Case:
    return _command(" ".join(options)[:50], "ocrlib", "predict", "--model", "MODEL", "PICTURE", *options, codes=codes)


CASES = [
    *(
        _command(f"{' '.join(command[:2])}: {how}", *command, path, codes=(FAULTY, REFUSED))
        for command in (
            ("ocrlib", "predict", "--model", "MODEL"),
            ("ocrlib", "predict", "PICTURE", "--model"),
            ("ocrlib", "evaluate", "--model", "MODEL"),
            ("ocrlib", "verify"),
            ("ocrlib", "card"),
            ("generate_data.py",),
        )
        for how, path in _PATHS.items()
    ),
    *(
        _command(f"{' '.join(command[:2])}: {how}", *command, path, codes=(READ, FAULTY, REFUSED))
        for command in (
            ("ocrlib", "predict", "--model", "MODEL", "PICTURE", "--out"),
            ("ocrlib", "evaluate", "--model", "MODEL", "DATASET", "--out"),
            ("ocrlib", "evaluate", "--model", "MODEL", "DATASET", "--misses"),
            ("ocrlib", "evaluate", "--model", "MODEL", "DATASET", "--coverage"),
            ("ocrlib", "unpack", "DATASET", "--layout", "pairs", "--out"),
        )
        for how, path in _PATHS.items()
        if how not in ("a pipe", "a device")  # which are written to, as the shell would
    ),
    *(
        _command(
            f"train_from_records.py --run: {how}",
            *("train_from_records.py", "nowhere", "--run", path),
            codes=(FAULTY, REFUSED),
        )
        for how, path in _PATHS.items()
    ),
    _command(
        "predict to a full disk",
        "ocrlib",
        "predict",
        "--model",
        "MODEL",
        "PICTURE",
        "--out",
        "/dev/full",
        codes=(FAULTY, REFUSED),
    ),
    _command(
        "evaluate to a full disk",
        "ocrlib",
        "evaluate",
        "--model",
        "MODEL",
        "DATASET",
        "--out",
        "/dev/full",
        codes=(FAULTY, REFUSED),
    ),
    _known("--pattern", "((0{100}){100}){100}"),
    _known("--pattern", "(" * 400 + "0" + ")" * 400, codes=(READ, REFUSED)),
    _known("--pattern", "(" * 5000 + "0" + ")" * 5000),
    _known("--pattern", "0{99999999999}"),
    _known("--pattern", "(0|1|2|3|4)*" * 60, codes=(READ, REFUSED)),
    _known("--pattern", "["),
    _known("--pattern", "(?=0)"),
    _known("--pattern", "\x1b[2J"),
    _known("--pattern", ""),
    _known("--charset", ""),
    _known("--charset", "\x1b"),
    _known("--charset", "xyz"),
    _known("--check", "no.such.check"),
    _known("--check", "../../etc/passwd"),
    _known("--check", "os"),
    _known("--nbest", "10**9"),
    _known("--nbest", "9" * 5000),
    _known("--nbest", "0"),
    _known("--min-confidence", "nan"),
    _known("--min-confidence", "-1"),
    _known("--beam", "-1"),
    _known("--beam", "\u00b2"),
    _command("verify --rerender of 5,000 digits", "ocrlib", "verify", "DATASET", "--rerender", "9" * 5000),
    _command("verify --rerender of ²", "ocrlib", "verify", "DATASET", "--rerender", "\u00b2"),
    *(
        _command(
            f"import --workers {n}", "ocrlib", "import", "folder", "--layout", "pairs", "--out", "o", "--workers", n
        )
        for n in ("0", "-1", "nan")
    ),
    _command("verify --workers of ²", "ocrlib", "verify", "DATASET", "--workers", "\u00b2"),
    *(
        _command(f"{key} {value[:12]}", "train_from_records.py", "nowhere", "--run", "r", key, value)
        for key in ("--train.epochs", "--train.learning_rate", "--data.batch_size", "--model.filters", "--data.charset")
        for value in ("nan", "inf", "-1", "1e308", "9" * 5000, "[" * 5000, "\x1b[2J", "")
    ),
    _lexicon("empty", b""),
    _lexicon("not UTF-8", b"\xff\xfe"),
    _lexicon("NULs", b"\0" * 1000),
    _lexicon("a line of 30 MB", b"1" * (30 << 20)),
    _lexicon("a device", lambda path: path.symlink_to("/dev/zero")),
    _lexicon("a pipe", os.mkfifo),
    _lexicon("a folder", lambda path: path.mkdir()),
    _lexicon("escapes", b"\x1b[2J\n"),
    _lexicon("300,000 lines", b"".join(b"%d\n" % n for n in range(300_000)), codes=(READ, REFUSED)),
]
