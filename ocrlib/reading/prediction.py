"""A folder of pictures in, a row for each out: decoded by threads, read window by window, in the order given."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from ocrlib.errors import UserError
from ocrlib.files import open_whole
from ocrlib.pictures import cut_line_image, printable, read_pages
from ocrlib.reading.recognizer import Reading, Recognizer

WINDOW = 1024  # pictures; two windows are in memory at once, one that is read and one that is decoded meanwhile
TASK = 16  # of them that a thread decodes at a time


_Decoded = tuple[str, tuple[np.ndarray, str | None] | UserError]  # name, line and look


def read_pictures(
    recognizer: Recognizer, pictures: Sequence[tuple[str, Path]]
) -> Iterator[tuple[str, Reading | UserError]]:
    """Yields the name of each picture and what stands in it, or why it cannot be read; of further pages `NAME#2`.

    Args:
      pictures: (name, path), as `pictures.list_pictures` returns them.
    """

    def decode(part: Sequence[tuple[str, Path]]) -> list[_Decoded]:
        return [
            (name + added, picture if isinstance(picture, UserError) else cut_line_image(picture, *form))
            for name, path in part
            for added, picture in read_pages(path)
        ]

    form = recognizer.height, recognizer.channels, recognizer.margins
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow gives up the interpreter's lock while it decodes

        def submit(start: int) -> list[Future[list[_Decoded]]]:
            window = pictures[start : start + WINDOW]
            return [pool.submit(decode, window[i : i + TASK]) for i in range(0, len(window), TASK)]

        ahead = submit(0)
        for start in range(0, len(pictures), WINDOW):
            decoded = [picture for future in ahead for picture in future.result()]
            ahead = submit(start + WINDOW)
            readings = iter(recognizer.read_lines([got[0] for _, got in decoded if not isinstance(got, UserError)]))
            for name, got in decoded:
                yield name, got if isinstance(got, UserError) else replace(next(readings), look=got[1])


def tsv_row(name: str, reading: Reading) -> str:
    """Returns name, text and confidence, parted by tabs; a tab or line end in a name is written as `\\t` or `\\n`."""
    return f"{printable(name)}\t{reading.text}\t{reading.confidence:.4f}\n"


def json_row(name: str, reading: Reading) -> str:
    """Returns a JSON object on a line; `characters` is there unless a beam was searched, `looks_like` if not a line."""
    row: dict[str, object] = {"name": name, "text": reading.text, "confidence": round(reading.confidence, 4)}
    if reading.characters is not None:
        pairs = zip(reading.text, reading.characters, strict=True)
        row["characters"] = [{"text": character, "confidence": round(c, 4)} for character, c in pairs]
    if reading.look is not None:
        row["looks_like"] = reading.look
    return json.dumps(row, ensure_ascii=not name.isprintable()) + "\n"


ROWS: dict[str, Callable[[str, Reading], str]] = {"tsv": tsv_row, "json": json_row}


@contextmanager
def open_rows(out: Path | None) -> Iterator[IO[str]]:
    """Opens standard output, or a file that takes its name when all of it is written."""
    if out is None:
        yield sys.stdout
        return
    with open_whole(out, "w", encoding="utf-8") as file:
        yield file
