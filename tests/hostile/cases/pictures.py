"""Pictures: large, damaged, of other programs; each gives a row or a line, and the pictures beside it are read."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile.case import FAULTY, READ, Case
from tests.hostile.material import Material
from tests.training_fixtures import draw_line


def png(
    width: int, height: int, *, depth: int = 8, color: int = 0, data: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A PNG that announces a size; its pixels, if none are given, are as many zeros as fit into a megabyte."""
    row = 1 + (width * depth * {0: 1, 2: 3, 4: 2, 6: 4}.get(color, 1) + 7) // 8
    pixels = zlib.compress(b"\0" * min(row * height, 1 << 20)) if data is None else data
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def saved(kind: str, picture: Any = None, **settings: Any) -> bytes:
    """A sound picture as a file of that kind."""
    stream = io.BytesIO()
    (picture or Image.fromarray(draw_line("123"))).save(stream, kind, **settings)
    return stream.getvalue()


def _picture(
    how: str, write: bytes | Callable[[Path], Any], name: str = "bad.png", codes: tuple[int, ...] = (READ, FAULTY)
) -> Case:
    """A picture that lies beside a sound one, which must be read whatever the other is."""

    def make(folder: Path, material: Material) -> list[str]:
        path = folder / name
        path.write_bytes(write) if isinstance(write, bytes) else write(path)
        return ["ocrlib", "predict", "--model", str(material.onnx), name, str(material.picture)]

    return Case(kind="picture", how=how, make=make, codes=codes, says="line.png\t")


def _page(how: str, data: bytes, name: str = "bad.png", codes: tuple[int, ...] = (READ, FAULTY)) -> Case:
    """A page beside a sound one, in which lines are looked for."""

    def make(folder: Path, material: Material) -> list[str]:
        (folder / name).write_bytes(data)
        return ["ocrlib", "predict", "--page", "--model", str(material.onnx), name, str(material.picture)]

    return Case(kind="page of lines", how=how, make=make, codes=codes)


def _cut(kind: str, share: float) -> Case:
    data = saved(kind)
    return _picture(f"{kind} cut at {share:.0%}", data[: int(share * len(data))], f"bad.{kind.lower()}")


def _flipped(kind: str, number: int) -> Case:
    data = bytearray(saved(kind))
    random = np.random.RandomState(number)
    for _ in range(1 + number):
        data[random.randint(len(data))] ^= 1 << random.randint(8)
    return _picture(f"{kind} with {number + 1} flipped bits", bytes(data), f"bad.{kind.lower()}")


_KINDS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "TGA", "PCX", "SGI")
CASES = [
    *(
        _picture(f"PNG of {width} x {height}", png(width, height, **settings), codes=(FAULTY,))
        for width, height, settings in (
            (100_000, 1, {}),
            (10_000_000, 1, {}),
            (1, 10_000_000, {}),
            (9_400, 9_400, {"color": 6}),
            (1 << 31, 1 << 31, {}),
            (0, 0, {}),
            (0, 32, {}),
            ((1 << 32) - 1, 1, {}),
            (60_000, 60_000, {"depth": 1}),
        )
    ),
    _picture("PNG of 16 bits", png(64, 32, depth=16)),
    _picture("PNG of an unknown depth", png(64, 32, depth=7), codes=(FAULTY,)),
    _picture("PNG of an unknown colour", png(64, 32, color=5), codes=(FAULTY,)),
    _picture("PNG whose pixels are a bomb", png(64, 32, data=zlib.compress(b"\0" * (200 << 20)))),
    _picture(
        "PNG whose text is a bomb", png(64, 32, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * (200 << 20))))
    ),
    _picture(
        "PNG whose profile is a bomb", png(64, 32, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"a" * (200 << 20))))
    ),
    _picture("PNG without pixels", png(64, 32, data=b"")),
    _picture("PNG whose pixels are noise", png(64, 32, data=b"\x80" * 100)),
    _picture("PNG of a million frames", png(64, 32, extra=chunk(b"acTL", struct.pack(">II", 1 << 20, 0)))),
    _picture(
        "GIF of a size of its own for a frame",
        saved("GIF")[:13] + b"\x2c" + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x08\x00;",
        "bad.gif",
    ),
    _picture("EPS", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", codes=(FAULTY,)),
    _picture("PDF", b"%PDF-1.7\n", codes=(FAULTY,)),
    _picture("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", codes=(FAULTY,)),
    _picture("text", b"hello" * 100, codes=(FAULTY,)),
    _picture("empty", b"", codes=(FAULTY,)),
    _picture("NULs", b"\0" * 100_000, codes=(FAULTY,)),
    _picture("TIFF whose pages are a circle", b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "bad.tif", codes=(FAULTY,)),
    _picture(
        "TIFF of 2,000 pages",
        lambda path: Image.new("L", (40, 32), 255).save(
            path, save_all=True, append_images=[Image.new("L", (40, 32), 255)] * 2000
        ),
        "bad.tif",
    ),
    _picture("XPM of colours", b'/* XPM */\nstatic char *a[] = {"99999 99999 99999 9",', "bad.xpm", codes=(FAULTY,)),
    _picture("PPM of a size of 30 digits", b"P5 " + b"9" * 30 + b" 1 255\n", "bad.pgm", codes=(FAULTY,)),
    _picture("PPM of 100,000 x 100,000", b"P5 100000 100000 255\n", "bad.pgm", codes=(FAULTY,)),
    _picture("BMP of a size below 0", saved("BMP")[:18] + struct.pack("<ii", -64, -32) + saved("BMP")[26:], "bad.bmp"),
    _picture("a name of escapes", saved("PNG"), "\x1b]0;a\x07.png"),
    _picture("a name of lines", saved("PNG"), "a\nb\tc\r.png"),
    _picture("a name that is no UTF-8", lambda path: (path.parent / os.fsdecode(b"bad.png")).write_bytes(saved("PNG"))),
    _page("a page 1 pixel high", png(1000, 1)),
    _page("a page of 100,000 x 1", png(100_000, 1), codes=(FAULTY,)),
    _page("a page of 9,400 x 9,400", png(9_400, 9_400, color=6), codes=(FAULTY,)),
    _page(
        "a page of noise", saved("PNG", Image.fromarray(np.random.RandomState(1).randint(0, 255, (400, 400), np.uint8)))
    ),
    _page("an empty page", saved("PNG", Image.new("L", (400, 400), 255))),
    _page("a page that is cut", saved("JPEG")[:300], "bad.jpg", (FAULTY,)),
    _page("a page of text", b"hello" * 100, codes=(FAULTY,)),
    *(_cut(kind, share) for kind in _KINDS for share in (0.1, 0.5, 0.95)),
    *(_flipped(kind, number) for kind in _KINDS for number in (0, 3, 9)),
]
