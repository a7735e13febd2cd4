"""How a dataset was imported: the `recipe` of its manifest, and all that shapes its bytes."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.charset import Charset
from ocrlib.factory.recipe import Output
from ocrlib.imports.line import Asked


def _charset(charset: str) -> str:
    return Charset.named(charset).characters if charset else ""


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError("must be an encoding that Python knows, such as utf-8 or cp1252") from None
    return name.lower()


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    return pattern


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ImportText:
    """`[text]`: what is done with texts."""

    source: Literal["import"] = "import"
    """Says that the lines were imported, not drawn."""
    charset: Annotated[str, AfterValidator(_charset)] = ""
    """Characters that texts may hold, or the name of a charset; empty takes all that are found."""
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    """Of texts and lists."""
    columns: tuple[str, ...] = ()
    """Of the picture and of the text in a CSV or parquet file; empty goes by their common names."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ImportRender:
    """`[render]`: how pictures become line images."""

    height: Annotated[int, Field(ge=8, le=512)] = 32
    """Pixels; pictures are scaled to it and keep their proportions."""
    channels: Literal[1, 3] = 1
    """1 for gray, 3 for RGB."""
    cut: bool = True
    """Cut off the empty paper around a line, as readers do; a picture of the very height is a line image already."""
    px_per_step: Annotated[int, Field(ge=1, le=32)] = 4
    """A text that needs more than one time step for so many pixels of width is refused, because CTC could not write
    it. The networks here have a step for 2 or for 4 pixels."""
    duplicates: Literal["reject", "keep"] = "reject"
    """What is done with a picture whose line image is the same as that of another one, to the last pixel."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ImportSplits:
    """`[splits]`: which line goes into which split."""

    val: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the lines that training is watched with."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the lines that are kept for a measurement at the end."""
    group: Annotated[str, AfterValidator(_regex)] = ""
    """A regular expression; its first group, or else all that it matches in a line's name, names what is never divided:
    a page, a writer. Empty goes by the folder, and by what stands before the line's number."""
    by: Literal["source", "hash"] | None = None
    """Whose splits: the sources' own, or by a hash of the group. None: the sources' own where they have them."""
    unit: Literal["page", "line", "regex"] | None = None
    """What a group is. None: a page, or a line where all lines are of one page."""

    def __post_init__(self) -> None:
        if self.val + self.test >= 1:
            raise ValueError(f"val {self.val} and test {self.test} leave nothing to learn from")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ImportSource:
    """Where lines come from."""

    path: str
    """As it was given."""
    layout: str
    """How the lines are kept there."""
    pictures: str | None = None
    """The folder that the paths in a list start from; None: the list's own."""
    lines: Annotated[int, Field(ge=0)] = 0
    """How many of its lines are in the dataset."""
    sha256: str = ""
    """Of their names, texts and images."""

    def longer_name(self, name: str) -> str:
        """Returns what a line is called whose name another source has already."""
        return f"{Path(self.path).absolute().name}/{name}"


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Import:
    """A whole import."""

    name: str
    """Of the dataset."""
    sources: tuple[ImportSource, ...]
    """Where its lines come from, in this order."""
    text: ImportText = field(default_factory=ImportText)
    """What is done with texts."""
    render: ImportRender = field(default_factory=ImportRender)
    """How pictures become line images."""
    splits: ImportSplits = field(default_factory=ImportSplits)
    """Which line goes into which split."""
    output: Output = field(default_factory=Output)
    """How the lines are stored."""

    def asked_of(self, source: ImportSource) -> Asked:
        """Returns what the layout of a source is told."""
        pictures = None if source.pictures is None else Path(source.pictures)
        return Asked(encoding=self.text.encoding, columns=self.text.columns, pictures=pictures)


def import_from_dict(values: Mapping[str, Any], where: str) -> Import:
    """Returns the import that a manifest's `recipe` tells of; `where` names the file in errors."""
    render = values.get("render")
    if isinstance(render, Mapping):  # before there was a choice, nothing was cut
        values = {**values, "render": {"cut": False, **render}}
    return config.build(Import, values, {}, where)


def settings_of(asked: Import) -> dict[str, Any]:
    """Returns what must stay the same while a dataset grows, JSON-ready."""
    values = config.to_dict(asked)
    del values["name"], values["sources"], values["output"]["formats"]
    return values


def fingerprint(done: Import) -> str:
    """Returns the SHA-256 (hex) of all that shapes the bytes of a finished import; where its sources lie does not."""
    canonical = settings_of(done)
    canonical["sources"] = [[source.layout, source.lines, source.sha256] for source in done.sources]
    inputs = {package: version(package) for package in ("pillow", "numpy")}
    text = json.dumps({"import": canonical, "inputs": inputs}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
