"""The pages of the project taken apart: every block of commands or code, and the mark that says that tests do not run it."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.programs import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "datasets" / "README.md"]
_PROGRAMS = ("make", "python", "python3", "pip", "ocrlib", "docker", ".venv/bin/python", "#!/bin/sh")
_MARK = re.compile(r"<!-- not run by the tests: (.+?) -->", re.DOTALL)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n+)+")
_INLINE = re.compile(r"`((?:python -m )?ocrlib [a-z]+(?: [^`]*)?)`")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of a page.

    Attributes:
      page: its file.
      language: of a fence; empty for an indented block.
      text: what it holds, without its indentation.
      mark: why the tests do not run it, or it is empty.
    """

    page: Path
    language: str
    text: str
    mark: str

    @property
    def commands(self) -> list[str]:
        """What it tells to type, with lines that go on joined, without remarks; nothing if it is no block of commands."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if not any(line.split(maxsplit=1)[:1] and line.split()[0] in _PROGRAMS for line in lines):
            return []
        return [line for line in (shlex.join(shlex.split(line, comments=True)) for line in lines) if line]

    @property
    def left_out(self) -> set[str]:
        """The commands that the mark is about: those that it names, else all."""
        named = {shlex.join(shlex.split(text)) for text in re.findall(r"`([^`]+)`", self.mark)}
        return (named & set(self.commands)) or (set(self.commands) if self.mark else set())


def blocks_of(page: Path) -> Iterator[Block]:
    """Yields the blocks of a page in their order; of indented ones in a list none, since these are text."""
    text = page.read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    found = [(fence.start(), fence[1], fence[2]) for fence in fences]
    for block in _INDENTED.finditer(text):
        if not any(fence.start() <= block.start() < fence.end() for fence in fences):
            found.append((block.start(), "", re.sub(r"^ {4}", "", block[0], flags=re.MULTILINE)))
    for start, language, inside in sorted(found):
        before = text[:start].rstrip()
        mark = next((each for each in _MARK.finditer(before) if each.end() == len(before)), None)
        yield Block(page=page, language=language, text=inside, mark=mark[1] if mark else "")


def commands_in_text(page: Path) -> list[str]:
    """The commands of ocrlib that a page names within its sentences and tables."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [" ".join(found.replace("\\|", "|").split()) for found in _INLINE.findall(text)]
