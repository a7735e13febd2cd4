"""Recipes: keys, values and patterns that would fill the memory, never end, or read what is not theirs."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile.case import FAULTY, READ, REFUSED, Case
from tests.hostile.cases.values import paths_in
from tests.hostile.material import RECIPE, Material

# As TOML writes them.
_TOML = {
    "true": "true",
    "-1": "-1",
    "0": "0",
    "0.5": "0.5",
    "10**12": "1_000_000_000_000",
    "10**18": "1_000_000_000_000_000_000",
    "5,000 digits": "9" * 5000,
    "nan": "nan",
    "inf": "inf",
    "1e308": "1e308",
    "empty text": '""',
    "escape": '"\\u001b[2J"',
    "path": '"../../etc/passwd"',
    "device": '"/dev/zero"',
    "folder": '"/"',
    "NUL": '"a\\u0000b"',
    "long": '"' + "a" * 100_000 + '"',
    "list": "[]",
    "table": "{}",
    "date": "2026-11-26",
    "deep": "[" * 5000 + "]" * 5000,
}
_LOOSE = {"seed", "weight", "name", "regex", "only"}  # keys for which many of these values are right


def _recipe(kind: str, how: str, text: str, codes: tuple[int, ...] = (REFUSED,), says: str = "") -> Case:
    def make(folder: Path, material: Material) -> list[str]:
        (folder / "r.toml").write_text(text.replace("SECRET", str(material.secret)), encoding="utf-8")
        return ["recipe", "r.toml"]

    return Case(kind=kind, how=how, make=make, codes=codes, says=says)


def _values() -> Iterator[Case]:
    """Each key of a sound recipe, with some of the values in its place."""
    tables = tomllib.loads(RECIPE)
    names = list(_TOML)
    for path in paths_in(tables):
        if not isinstance(path[-1], str) or len(path) > 2 or isinstance(_at(tables, path), dict):
            continue
        start = sum(map(ord, "".join(map(str, path))))
        for step in range(4):
            name = names[(start + 5 * step) % len(names)]
            codes = (READ, FAULTY, REFUSED)
            yield _recipe("recipe", f"{'.'.join(path)} = {name}", _written(tables, path, _TOML[name]), codes)


def _at(tables: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tables = tables[key]
    return tables


def _written(tables: dict[str, Any], path: tuple[Any, ...], value: str) -> str:
    """The recipe with one value replaced, as text: what TOML writers refuse to write is the point."""
    *_, key = path
    lines, out, section = RECIPE.splitlines(), [], ""
    skipping = False
    for line in lines:
        if line.startswith("["):
            section = line.strip("[]")
        if skipping:
            skipping = line != "]"
            continue
        if line.partition(" = ")[0] == key and (section == path[0] or (len(path) == 1 and not section)):
            skipping = line.endswith("[")
            line = f"{key} = {value}"
        out.append(line)
    return "\n".join(out)


def _pattern(regex: str, says: str = "") -> Case:
    text = RECIPE.replace("[0-9]{1,8}", regex)
    return _recipe("pattern", regex[:30], text, (REFUSED,), says)


def _source(how: str, text: str, codes: tuple[int, ...] = (REFUSED,)) -> Case:
    start, end = RECIPE.index("[text]"), RECIPE.index("[render]")
    return _recipe("text source", how, RECIPE[:start] + "[text]\n" + text + "\n" + RECIPE[end:], codes)


def _file(how: str, content: bytes | None, codes: tuple[int, ...] = (REFUSED,)) -> Case:
    """A text file that the recipe names: None is a pipe that nobody writes to."""

    def make(folder: Path, material: Material) -> list[str]:
        import os

        if content is None:
            os.mkfifo(folder / "text.txt")
        else:
            (folder / "text.txt").write_bytes(content)
        start, end = RECIPE.index("[text]"), RECIPE.index("[render]")
        text = '[text]\nsource = "file"\npath = "text.txt"\n'
        (folder / "r.toml").write_text(RECIPE[:start] + text + RECIPE[end:])
        return ["recipe", "r.toml"]

    return Case(kind="text source", how=how, make=make, codes=codes)


CASES = [
    *_values(),
    _recipe("recipe", "not UTF-8", "name = '\udcff'".encode("utf-8", "surrogateescape").decode("latin-1") + "\x00"),
    _recipe("recipe", "empty", ""),
    _recipe("recipe", "deep", "a = " + "[" * 100_000),
    _recipe("recipe", "deep tables", "[" + ".".join("a" * 5000) + "]"),
    _recipe("recipe", "deep keys", ".".join("a" * 20_000) + " = 1"),
    _recipe("recipe", "10 MB of comments", "#" * (10 << 20)),
    _pattern("((a{100}){100}){100}"),
    _pattern("(" * 400 + "0" + ")" * 400),
    _pattern("(" * 5000 + "0" + ")" * 5000),
    _pattern("0{99999999999}"),
    _pattern("0{9999}"),
    _pattern("(?=0)0"),
    _pattern("(?P<a>0)(?P=a"),
    _pattern("[^\\\\x00-\\\\uffff]"),
    _pattern("["),
    _pattern("(0|1" + "|1" * 100_000 + "){1000}"),
    _source("a device", 'source = "file"\npath = "/dev/zero"'),
    _source("a folder", 'source = "file"\npath = "/"'),
    _source("no such file", 'source = "file"\npath = "/nonexistent/\\u001b[2J"'),
    _source("a path too long", 'source = "file"\npath = "' + "a/" * 4000 + '"'),
    _source("a name too long", 'source = "file"\npath = "' + "a" * 5000 + '"'),
    _source("NUL in a path", 'source = "file"\npath = "a\\u0000b"'),
    _source("a corpus that is a device", 'source = "wikipedia"\ncorpus = "/dev/zero"'),
    _source("a corpus that is no dump", 'source = "wikipedia"\ncorpus = "SECRET"'),
    _source("no such source", 'source = "sql"'),
    _file("a pipe", None),
    _file("not UTF-8", b"\xff\xfe\x00" * 100),
    _file("empty", b""),
    _file("NULs", b"\0" * 10_000),
    _file("a line of 30 MB", b"1" * (30 << 20)),
    _file("escapes", b"\x1b[2J123\n" * 100),
]
