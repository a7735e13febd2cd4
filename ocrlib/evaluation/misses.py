"""Misread lines for a person to look at: a folder with a list of all of them and a picture of some."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ocrlib.batches.selection import SelectionConfig
from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import ReadLine, open_split
from ocrlib.evaluation.strip import draw_strip, strip_width
from ocrlib.files import write_bytes
from ocrlib.pictures.opening import printable, read_line_image
from ocrlib.reading.recognizer import Recognizer
from ocrlib.rounding import ceil_div

LIST_NAME = "misses.tsv"
PICTURE_NAME = "misses.png"
MAX_DRAWN = 240
_SHEET_PX, _MAX_ACROSS = 1600, 8  # how wide the picture may be, and how many lines may stand side by side
_MIN_HEIGHT_PX = 32  # smaller lines are enlarged two times, three times, ...
_CAPTION_CHARACTERS = 40


def write_misses(lines: Sequence[ReadLine], recognizer: Recognizer, data: Path, split: str | None, out: Path) -> int:
    """Writes the misread lines to `out`, the most confident first, and returns how many there are.

    `misses.tsv` lists all of them: name, truth, what was read, confidence. `misses.png` shows up to 240, evenly
    spread over that list; if nothing was misread, no picture is written.

    Args:
      lines: that `recognizer` read.
      data: the dataset or folder of pairs that the lines are from.
      split: of the dataset; None for a folder of pairs.
      out: a folder, made if it does not exist.

    Raises:
      UserError: a picture that cannot be read any more, or a folder that cannot be written.
    """
    misses = sorted((line for line in lines if line.text != line.truth), key=lambda line: -line.confidence)
    rows = [
        f"{printable(line.name)}\t{printable(line.truth)}\t{printable(line.text)}\t{line.confidence:.4f}\n"
        for line in misses
    ]
    shown = evenly(misses, MAX_DRAWN)
    picture = _draw(shown, recognizer, data, split) if shown else None
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_bytes(out / LIST_NAME, "".join(["name\ttruth\tread\tconfidence\n", *rows]).encode())
        (out / PICTURE_NAME).unlink(missing_ok=True)  # of an earlier evaluation
        if picture is not None:
            stream = BytesIO()
            picture.save(stream, "PNG")
            write_bytes(out / PICTURE_NAME, stream.getvalue())
    except OSError as error:
        raise UserError(f"{error.filename or out}: cannot be written: {error.strerror or error}") from None
    return len(misses)


def check_folder(out: Path) -> None:
    """Refuses a folder with other files: `misses.png` in a folder of pictures would later be read as one of them.

    Raises:
      UserError: the folder has files other than ours, or cannot be read.
    """
    try:
        there = [path.name for path in out.iterdir()] if out.is_dir() else []
    except OSError as error:
        raise UserError(f"{out}: cannot be read: {error.strerror or error}") from None
    other = [name for name in there if name not in (LIST_NAME, PICTURE_NAME) and not name.startswith(".")]
    if other:
        raise UserError(f"{out}: expected a new folder, an empty one, or one of misses; {min(other)} is in it")


def evenly(lines: Sequence[ReadLine], most: int) -> list[ReadLine]:
    """Returns at most `most` of the lines, at even distances from the first one on."""
    num_lines = min(most, len(lines))
    return [lines[i * len(lines) // num_lines] for i in range(num_lines)]


def _draw(lines: Sequence[ReadLine], recognizer: Recognizer, data: Path, split: str | None) -> Image.Image:
    found = images_of([line.name for line in lines], recognizer, data, split)
    return draw_sheet(lines, [found[line.name] for line in lines])


def images_of(
    names: Sequence[str],
    recognizer: Recognizer,
    data: Path,
    split: str | None,
    selection: SelectionConfig | None = None,
) -> dict[str, np.ndarray]:
    """Returns {name: (H, W, C) uint8} of lines, as the reader was given them.

    Args:
      names: as in `ReadLine`.
      recognizer: the reader.
      data, split: the dataset and its split; or a folder of pairs and None.
      selection: that the lines were read with.
    """
    if split is None:
        form = recognizer.height, recognizer.channels, recognizer.margins
        return {name: read_line_image(data / name, *form) for name in names}
    return dict(_images_of_split(recognizer, data, split, frozenset(names), selection))


def _images_of_split(
    recognizer: Recognizer, folder: Path, split: str, names: frozenset[str], selection: SelectionConfig | None
) -> Iterator[tuple[str, np.ndarray]]:
    for batch in open_split(recognizer, folder, split, selection).batches():
        for row, name in enumerate(batch["id"]):
            if name in names:
                yield name, batch["image"][row, :, : batch["width"][row]].copy()


def draw_sheet(lines: Sequence[ReadLine], images: Sequence[np.ndarray]) -> Image.Image:
    """Returns lines with truth, reading, confidence and name, side by side as far as they fit, in order downwards."""
    enlarge = ceil_div(_MIN_HEIGHT_PX, images[0].shape[0])
    images = [image.repeat(enlarge, 0).repeat(enlarge, 1) for image in images]
    truths, texts = [line.truth for line in lines], [line.text for line in lines]
    captions = [f"{line.confidence:.3f}  {_shortened(line.name)}" for line in lines]
    for across in range(min(_MAX_ACROSS, len(lines)), 0, -1):
        down = ceil_div(len(lines), across)
        parts = [slice(start, start + down) for start in range(0, len(lines), down)]
        if sum(strip_width(images[p], truths[p], texts[p], captions[p]) for p in parts) <= _SHEET_PX:
            break
    strips = [draw_strip(images[p], truths[p], texts[p], captions[p]) for p in parts]
    sheet = Image.new("RGB", (sum(strip.width for strip in strips), max(strip.height for strip in strips)), "white")
    x = 0
    for strip in strips:
        sheet.paste(strip, (x, 0))
        x += strip.width
    return sheet


def _shortened(name: str) -> str:
    return name if len(name) <= _CAPTION_CHARACTERS else f"...{name[-_CAPTION_CHARACTERS:]}"
