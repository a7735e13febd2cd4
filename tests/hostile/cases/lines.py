"""Labelled lines in other people's forms: lists, LMDB, parquet, tar files, XML."""

import gzip
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from tests.hostile.case import READ, REFUSED, Case
from tests.hostile.material import Material
from tests.imports.own_lines import png_of, write_lmdb

PNG = png_of("12")


def _source(layout: str, how: str, write: Callable[[Path], Any], codes: tuple[int, ...] = (READ, REFUSED)) -> Case:
    """A source that `write` makes in an empty folder, beside a sound picture 1.png."""

    def make(folder: Path, material: Material) -> list[str]:
        (folder / "s").mkdir()
        (folder / "s" / "1.png").write_bytes(PNG)
        write(folder / "s")
        return ["lines", "s", layout]

    return Case(kind=layout, how=how, make=make, codes=codes)


def _list(layout: str, how: str, content: str | bytes) -> Case:
    name = {"paddle": "rec_gt.txt", "csv": "labels.csv", "doctr": "labels.json", "pairs": "1.gt.txt"}[layout]
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    return _source(layout, how, lambda folder: (folder / name).write_bytes(data))


def _lmdb(how: str, **entries: bytes) -> Case:
    def write(folder: Path) -> None:
        write_lmdb(folder, {name.replace("_", "-").encode(): value for name, value in entries.items()})

    return _source("lmdb", how, write)


def _parquet(how: str, columns: dict[str, Any], **settings: Any) -> Case:
    def write(folder: Path) -> None:
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / "lines.parquet", **settings)

    return _source("parquet", how, write)


def _tar(how: str, *members: tuple[tarfile.TarInfo, bytes], compressed: bool = False) -> Case:
    """A tar file, written by hand: the library refuses a size that is not the data's."""

    def write(folder: Path) -> None:
        blocks = [member.tobuf() + data + b"\0" * (-len(data) % 512) for member, data in members]
        data = b"".join(blocks) + b"\0" * 1024
        (folder / "lines.tar").write_bytes(gzip.compress(data) if compressed else data)

    return _source("webdataset", how, write)


def _member(name: str, data: bytes = b"", size: int | None = None, **settings: Any) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(data) if size is None else size
    for key, value in settings.items():
        setattr(member, key, value)
    return member, data


def _cut(layout: str, name: str, share: float) -> Case:
    """A sound source of ours, of which a file is cut."""

    def make(folder: Path, material: Material) -> list[str]:
        shutil.copytree(material.lines(layout), folder / "s")
        path = next((folder / "s").rglob(name))
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])
        return ["lines", "s", layout]

    return Case(kind=layout, how=f"{name} cut at {share:.0%}", make=make, codes=(READ, REFUSED))


def _xml(layout: str, how: str, text: str) -> Case:
    return _source(layout, how, lambda folder: (folder / "1.xml").write_bytes(text.encode("utf-8", "surrogateescape")))


_ALTO = '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page WIDTH="9" HEIGHT="9">{}</Page></Layout></alto>'
_PAGE = '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page imageFilename="{}">{}</Page></PcGts>'
_BOX = '<TextLine ID="a" HPOS="{}" VPOS="0" WIDTH="5" HEIGHT="5"><String CONTENT="1"/></TextLine>'
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + "]>"
)
_ENTITY = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'

CASES = [
    *(
        _list(layout, how, text.format(path=path))
        for layout, text in (("paddle", "{path}\t12\n"), ("csv", "filename,words\n{path},12\n"))
        for how, path in {
            "path out of the folder": "../../../etc/passwd",
            "path from the root": "/etc/passwd",
            "device": "/dev/zero",
            "path of 9,000 characters": "a/" * 4500,
            "name of 5,000 characters": "a" * 5000,
            "escape in a path": "\x1b[2J.png",
            "NUL in a path": "a\0b.png",
            "empty path": "",
            "the folder itself": ".",
        }.items()
    ),
    _list("paddle", "not UTF-8", b"1.png\t\xff\xfe\n"),
    _list("paddle", "a line of 30 MB", b"1.png\t" + b"1" * (30 << 20)),
    _list("paddle", "no tabs", "1.png 12\n" * 1000),
    _list("paddle", "NULs", b"\0" * 100_000),
    _list("csv", "not UTF-8", b"filename,words\n1.png,\xff\n"),
    _list("csv", "a quotation mark that nothing closes", 'filename,words\n"1.png,12\n' * 100),
    _list("csv", "a header of 5 MB", "filename" + ",a" * (5 << 19) + "\n"),
    _list("csv", "a field of 30 MB", "filename,words\n1.png," + "1" * (30 << 20)),
    _list("csv", "no rows", "filename,words\n"),
    _list("csv", "the same column twice", "filename,filename\n1.png,2\n"),
    _list("doctr", "deep", "[" * 200_000),
    _list("doctr", "half a surrogate", '{"1.png": "\\ud800"}'),
    _list("doctr", "a number for a text", '{"1.png": 12}'),
    _list("doctr", "a table for a text", '{"1.png": {"a": [1]}}'),
    _list("doctr", "5,000 digits", '{"1.png": ' + "9" * 5000 + "}"),
    _list("doctr", "a picture out of the folder", json.dumps({"../../../../etc/passwd": "1"})),
    _list("doctr", "a list", '["1.png", "12"]'),
    _list("doctr", "50 MB", '{"1.png": "' + "1" * (50 << 20) + '"}'),
    _list("pairs", "a truth of 30 MB", b"1" * (30 << 20)),
    _list("pairs", "not UTF-8", b"\xff\xfe"),
    _list("pairs", "NULs", b"\0" * 1000),
    _source("pairs", "a truth that is a device", lambda folder: (folder / "1.gt.txt").symlink_to("/dev/zero")),
    _source("pairs", "a truth that is a pipe", lambda folder: os.mkfifo(folder / "1.gt.txt")),
    _source("pairs", "a truth that is a folder", lambda folder: (folder / "1.gt.txt").mkdir()),
    _source(
        "pairs",
        "a link to its own folder",
        lambda folder: ((folder / "1.gt.txt").write_text("1"), (folder / "l").symlink_to(".")),
    ),
    _lmdb("no entries"),
    _lmdb("no number"),
    *(
        _lmdb(f"num-samples = {count[:12]!r}", num_samples=count, image_000000001=PNG, label_000000001=b"1")
        for count in (b"", b"-1", b"9" * 30, b"9" * 5000, b"1.5", b"\xff", b"999999999", b"\xc2\xb2")
    ),
    _lmdb("a picture that is none", num_samples=b"1", image_000000001=b"hello", label_000000001=b"1"),
    _lmdb("an empty picture", num_samples=b"1", image_000000001=b"", label_000000001=b"1"),
    _lmdb("a text that is no UTF-8", num_samples=b"1", image_000000001=PNG, label_000000001=b"\xff"),
    _source("lmdb", "text", lambda folder: (folder / "data.mdb").write_text("hello" * 5000)),
    _source("lmdb", "empty", lambda folder: (folder / "data.mdb").write_bytes(b"")),
    _source("lmdb", "a pipe", lambda folder: os.mkfifo(folder / "data.mdb")),
    *(_cut("lmdb", "data.mdb", share) for share in (0.1, 0.3, 0.5, 0.7, 0.9)),
    _parquet("no columns", {}),
    _parquet("pictures are numbers", {"image": [1, 2], "text": ["1", "2"]}),
    _parquet("texts are numbers", {"image": [PNG], "text": [1]}),
    _parquet("texts are empty", {"image": [PNG], "text": [None]}),
    _parquet("pictures are empty", {"image": pyarrow.array([None], pyarrow.binary()), "text": ["1"]}),
    _parquet("pictures are tables of other names", {"image": [{"a": PNG}], "text": ["1"]}),
    _parquet("paths are numbers", {"image": [{"bytes": PNG, "path": 7}], "text": ["1"]}),
    _parquet("pictures are lists", {"image": [[1, 2]], "text": ["1"]}),
    _parquet("a bomb of texts", {"image": [PNG] * 40, "text": ["1" * 8_000_000] * 40}, compression="zstd"),
    _parquet("a bomb of pictures", {"image": [b"\0" * (64 << 20)] * 8, "text": ["1"] * 8}, compression="zstd"),
    _parquet("a hundred thousand columns", {f"c{i}": [1] for i in range(5_000)} | {"image": [PNG], "text": ["1"]}),
    _source("parquet", "text", lambda folder: (folder / "lines.parquet").write_text("PAR1" * 5000)),
    *(_cut("parquet", "*.parquet", share) for share in (0.2, 0.6, 0.95, 0.99)),
    _tar("size beyond the end", _member("1.png", PNG, 1 << 40), _member("1.txt", b"12")),
    _tar("a text of 30 MB", _member("1.png", PNG), _member("1.txt", b"1" * (30 << 20))),
    _tar("names out of the folder", _member("../../1.png", PNG), _member("../../1.txt", b"12")),
    _tar("escapes in a name", _member("\x1b[2J.png", PNG), _member("\x1b[2J.txt", b"12")),
    _tar("a link", _member("1.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"), _member("1.txt", b"12")),
    _tar("a device", _member("1.png", type=tarfile.CHRTYPE), _member("1.txt", b"12")),
    _tar("compressed", _member("1.png", PNG), _member("1.txt", b"12"), compressed=True),
    _tar("a text that is no UTF-8", _member("1.png", PNG), _member("1.txt", b"\xff")),
    _tar("only pictures", _member("1.png", PNG), _member("2.png", PNG)),
    _source("webdataset", "text", lambda folder: (folder / "lines.tar").write_text("hello" * 5000)),
    _source("webdataset", "zeros", lambda folder: (folder / "lines.tar").write_bytes(b"\0" * 51200)),
    *(_cut("webdataset", "*.tar", share) for share in (0.05, 0.3, 0.6, 0.9)),
    *(
        _xml("alto", f"entities: {name}", text + _ALTO.format("&a;"))
        for name, text in (("laughs", _LAUGHS), ("a file", _ENTITY))
    ),
    *(
        _xml("alto", f"HPOS = {value}", _ALTO.format(_BOX.format(value)))
        for value in ("nan", "inf", "-9", "1e308", "", "a", "9" * 5000)
    ),
    _xml("alto", "deep", "<alto>" * 100_000),
    _xml("alto", "not closed", "<alto><Layout>"),
    _xml("alto", "not UTF-8", "<alto a='\udcff'/>"),
    _xml("alto", "a text of 30 MB", _ALTO.format("<String CONTENT='" + "1" * (30 << 20) + "'/>")),
    _xml("alto", "a hundred thousand lines", _ALTO.format(_BOX.format(1) * 100_000)),
    _xml("page", "a picture of the machine", _PAGE.format("/etc/passwd", "")),
    _xml("page", "a picture out of the folder", _PAGE.format("../../../etc/passwd", "")),
    _xml("page", "escapes in the picture's name", _PAGE.format("&#27;[2J", "")),
    *(
        _xml(
            "page",
            f"points = {points[:12]}",
            _PAGE.format("1.png", f'<TextLine id="a"><Coords points="{points}"/><TextEquiv index="x"/></TextLine>'),
        )
        for points in ("", "1", "1,2", "a,b c,d", "nan,nan 1,1", "1e400,0 1,1", "0,0 1,1 " * 50_000)
    ),
    *(_cut("page", "*.xml", share) for share in (0.2, 0.5, 0.8)),
]
