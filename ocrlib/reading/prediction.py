"""A folder of pictures in, a row for each out: decoded by threads, read window by window, in the order given."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from ocrlib.errors import UserError
from ocrlib.files import open_whole
from ocrlib.pictures import printable, read_line_image
from ocrlib.reading.recognizer import Reading, Recognizer

WINDOW = 1024  # pictures; two windows are in memory at once, one that is read and one that is decoded meanwhile
TASK = 16  # of them that a thread decodes at a time


def read_pictures(
    recognizer: Recognizer, pictures: Sequence[tuple[str, Path]]
) -> Iterator[tuple[str, Reading | UserError]]:
    """Yields the name of each picture and what stands in it, or why it cannot be read.

    Args:
      pictures: (name, path), as `pictures.list_pictures` returns them.
    """

    def decode(path: Path) -> np.ndarray | UserError:
        try:
            return read_line_image(path, recognizer.height, recognizer.channels)
        except UserError as error:
            return error

    def decode_all(part: Sequence[tuple[str, Path]]) -> list[np.ndarray | UserError]:
        return [decode(path) for _, path in part]

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow gives up the interpreter's lock while it decodes

        def submit(start: int) -> list[Future[list[np.ndarray | UserError]]]:
            window = pictures[start : start + WINDOW]
            return [pool.submit(decode_all, window[i : i + TASK]) for i in range(0, len(window), TASK)]

        ahead = submit(0)
        for start in range(0, len(pictures), WINDOW):
            decoded = [image for future in ahead for image in future.result()]
            ahead = submit(start + WINDOW)
            readings = iter(recognizer.read([image for image in decoded if not isinstance(image, UserError)]))
            for (name, _), image in zip(pictures[start : start + WINDOW], decoded, strict=True):
                yield name, image if isinstance(image, UserError) else next(readings)


def tsv_row(name: str, reading: Reading) -> str:
    """Returns name, text and confidence, parted by tabs; a tab or line end in a name is written as `\\t` or `\\n`."""
    return f"{printable(name)}\t{reading.text}\t{reading.confidence:.4f}\n"


def json_row(name: str, reading: Reading) -> str:
    """Returns a JSON object on a line; `characters` is there unless a beam was searched."""
    row: dict[str, object] = {"name": name, "text": reading.text, "confidence": round(reading.confidence, 4)}
    if reading.characters is not None:
        pairs = zip(reading.text, reading.characters, strict=True)
        row["characters"] = [{"text": character, "confidence": round(c, 4)} for character, c in pairs]
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
