"""A folder of pictures in, a row for each out: decoded by threads, read window by window, in the order given."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.files import open_output
from ocrlib.output import rows
from ocrlib.pictures.opening import cut_named_picture, printable, read_pages
from ocrlib.reading.recognizer import Reading, Recognizer

WINDOW = 1024  # pictures; two windows are in memory at once, one that is read and one that is decoded meanwhile
WINDOW_BYTES = 256 << 20  # of pictures that are in memory already, such as the frames of a camera
TASK = 16  # of them that a thread decodes at a time


Line = tuple[np.ndarray, str | None]  # as `pictures.cut_and_look` returns them
S = TypeVar("S")


def read_pictures(
    recognizer: Recognizer, pictures: Sequence[tuple[str, Path]]
) -> Iterator[tuple[str, Reading | UserError]]:
    """Yields the name of each picture and what stands in it, or why it cannot be read; of further pages `NAME#2`.

    Args:
      pictures: (name, path), as `pictures.list_pictures` returns them.
    """

    def decode(named: tuple[str, Path]) -> list[tuple[str, Line | UserError]]:
        name, path = named
        return [(name + added, cut_for(recognizer, picture, f"{path}{added}")) for added, picture in read_pages(path)]

    return read_decoded(recognizer, pictures, decode)


def cut_for(recognizer: Recognizer, picture: Image.Image | np.ndarray | UserError, name: str) -> Line | UserError:
    """Returns the line on a picture as a reader wants it, or why there is none; an error is passed on."""
    if isinstance(picture, UserError):
        return picture
    try:
        return cut_named_picture(picture, name, recognizer.height, recognizer.channels, recognizer.margins)
    except UserError as error:
        return error


def read_decoded(
    recognizer: Recognizer,
    sources: Iterable[S],
    decode: Callable[[S], list[tuple[str, Line | UserError]]],
    num_bytes: Callable[[S], int] = lambda source: 0,
) -> Iterator[tuple[str, Reading | UserError]]:
    """Yields the name of each line and what stands in it, or why it cannot be read, in the order of the sources.

    Args:
      sources: of lines, such as files.
      decode: a source -> (name, line) of each line in it; called in several threads.
      num_bytes: a source -> how much memory it takes itself.
    """

    def decode_all(part: Sequence[S]) -> list[tuple[str, Line | UserError]]:
        return [named for source in part for named in decode(source)]

    left = iter(sources)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow gives up the interpreter's lock while it decodes

        def submit() -> list[Future[list[tuple[str, Line | UserError]]]]:
            window, size = [], 0
            for source in islice(left, WINDOW):
                window.append(source)
                size += num_bytes(source)
                if size > WINDOW_BYTES:
                    break
            return [pool.submit(decode_all, window[i : i + TASK]) for i in range(0, len(window), TASK)]

        ahead = submit()
        while ahead:
            decoded = [named for future in ahead for named in future.result()]
            ahead = submit()
            readings = iter(recognizer.read_lines([got[0] for _, got in decoded if not isinstance(got, UserError)]))
            for name, got in decoded:
                yield name, got if isinstance(got, UserError) else replace(next(readings), look=got[1])


def tsv_row(name: str, reading: Reading, min_confidence: float | None = None) -> str:
    """Returns columns, parted by tabs; a tab or line end in a name is written as `\\t` or `\\n`.

    They are name, text and confidence. If `min_confidence` is given and `Reading.sureness` below it, text is empty and
    the fourth column has the guess. Of more texts than one, text and confidence of each of the others follow.
    """
    is_answer = min_confidence is None or reading.sureness >= min_confidence
    columns = [printable(name), reading.text if is_answer else "", f"{reading.confidence:.4f}"]
    if min_confidence is not None:
        columns.append("" if is_answer else reading.text)
    for text, _, confidence in reading.others:
        columns += [text, f"{confidence:.4f}"]
    return "\t".join(columns) + "\n"


def json_row(name: str, reading: Reading, min_confidence: float | None = None) -> str:
    """Returns a JSON object on a line.

    `characters` is there where the best path was taken; `probability` and `language` where texts were searched, with
    `nbest` for more of them than one and `proven` where it is false. `guess` is there where `Reading.sureness` is
    below `min_confidence`; `text` is empty then. `looks_like` is there where the picture does not look like one line.
    """
    is_answer = min_confidence is None or reading.sureness >= min_confidence
    row: dict[str, object] = {
        "name": name,
        "text": reading.text if is_answer else "",
        "confidence": round(reading.confidence, 4),
    }
    if not is_answer:
        row["guess"] = reading.text
    if reading.probability is not None and reading.language is not None:
        row |= {"probability": _four_digits(reading.probability), "language": _four_digits(reading.language)}
        if not reading.is_proven:
            row["proven"] = False
        if reading.others:
            texts = [(reading.text, reading.probability, reading.confidence), *reading.others]
            row["nbest"] = [{"text": t, "probability": _four_digits(p), "confidence": round(c, 4)} for t, p, c in texts]
    if reading.characters is not None:
        pairs = zip(reading.text, reading.characters, strict=True)
        row["characters"] = [{"text": character, "confidence": round(c, 4)} for character, c in pairs]
    if reading.look is not None:
        row["looks_like"] = reading.look
    return json.dumps(row, ensure_ascii=not name.isprintable()) + "\n"


def _four_digits(probability: float) -> float:
    return float(f"{probability:.4g}")


ROWS: dict[str, Callable[[str, Reading, float | None], str]] = {"tsv": tsv_row, "json": json_row}


class Doubts:
    """Counts the lines that the last line of a command should tell of."""

    def __init__(self, min_confidence: float | None) -> None:
        self._min_confidence = min_confidence
        self._counts: Counter[str] = Counter()

    def add(self, reading: Reading) -> None:
        """Counts a line."""
        if not reading.is_found:
            self._counts["without a text that they may be"] += 1
        elif self._min_confidence is not None and reading.sureness < self._min_confidence:
            why = f"below {self._min_confidence:g}" if reading.is_of_kind else "of another kind"
            self._counts[f"not answered, {why}"] += 1
        if not reading.is_proven:
            self._counts["searched in part, their texts the best found"] += 1

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self._counts.items())


@contextmanager
def open_rows(out: Path | None) -> Iterator[IO[str]]:
    """Opens standard output, or a file that takes its name when all of it is written."""
    if out is None:
        yield rows()
        return
    with open_output(out, "w", encoding="utf-8") as file:
        yield file
