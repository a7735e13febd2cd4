"""Pictures of a source to line images, in worker processes: each is checked, scaled, and put into a file of pixels."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ocrlib.ctc import ctc_steps
from ocrlib.dataset.manifest import WORK_DIR
from ocrlib.errors import UserError
from ocrlib.factory import workers
from ocrlib.files import open_whole
from ocrlib.imports import ledger
from ocrlib.imports.layouts import LAYOUTS
from ocrlib.imports.ledger import Prepared, Wanted
from ocrlib.imports.line import Reader
from ocrlib.imports.settings import Import, ImportRender
from ocrlib.pictures.opening import cut_line_image, line_image, load_picture
from ocrlib.pictures.pairs import Unusable
from ocrlib.pictures.paper import Margins

ROWS = 500  # of a task; about 5 MB of pixels
MAX_ASPECT = 100.0  # width by height; the longest printed line of a page has about 60
MIN_ASPECT = 1 / 8  # a single "1" that is cut tightly has about 1 / 4
MIN_SIDE_PX = 2
CUT = Margins(0.1, 0.1, 0.08, 0.1)  # about those of the lines that recipes draw, which models learned from
_MIN_CONTRAST = 8  # gray levels; a picture with less shows nothing

Prepare = tuple[list[Prepared], list[tuple[int, Unusable]]]
_Read = Callable[[int, str], Image.Image]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Rows [start, stop) of the ledger; the number of the run keeps its file apart from those of a run before."""

    run: int
    start: int
    stop: int

    def __str__(self) -> str:
        return f"pictures {self.start} to {self.stop - 1}"


class Refused(Exception):
    """A picture that cannot be a line image: the reason, and more about it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


def start_worker(asked: Import, out: str) -> workers.Work:
    """Returns what prepares a chunk; runs in each worker, and opens the sources there."""
    read = open_sources(asked)

    def work(chunk: Chunk, report: workers.Report) -> Prepare:
        with warnings.catch_warnings():
            # A picture of so many pixels is refused, and no warning about it is printed between the bars.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _prepare_chunk(chunk, read, asked.render, Path(out) / WORK_DIR, report)

    return work


def open_sources(asked: Import) -> _Read:
    """Returns a reader of all sources, each opened when it is needed: (number of the source, place) -> the picture."""
    readers: dict[int, Reader] = {}

    def read(source: int, place: str) -> Image.Image:
        if source not in readers:
            of = asked.sources[source]
            readers[source] = LAYOUTS[of.layout].open_reader(Path(of.path), asked.asked_of(of))
        return readers[source](place)

    return read


def _prepare_chunk(chunk: Chunk, read: _Read, render: ImportRender, work: Path, report: workers.Report) -> Prepare:
    """Writes the images of a chunk into one file; returns where each is, or why it is not, and what else was found."""
    prepared: list[Prepared] = []
    further: list[tuple[int, Unusable]] = []
    name, offset = f"pixels-{chunk.run}-{chunk.start}", 0
    try:
        with open_whole(work / name, "wb") as file:
            for line in ledger.wanted(work / ledger.FILE_NAME, chunk.start, chunk.stop):
                try:
                    image, num_pages = prepare(line, read, render)
                except Refused as error:
                    prepared.append(Prepared(row=line.row, reason=error.reason, detail=error.detail))
                    continue
                pixels = image.tobytes()
                place = {"width": image.shape[1], "digest": digest_of(image), "pixels": name, "offset": offset}
                prepared.append(Prepared(row=line.row, **place))
                offset += file.write(pixels)
                if num_pages > 1:
                    detail = f"pages 2 to {num_pages} of {num_pages} are left out"
                    further.append((line.row, Unusable(name=line.name, reason="further pages", detail=detail)))
    except OSError as error:
        raise UserError(f"{work / name}: cannot be written: {error.strerror}; the same command goes on") from None
    report(len(prepared))
    return prepared, further


def prepare(line: Wanted, read: _Read, render: ImportRender) -> tuple[np.ndarray, int]:
    """Returns the image of a line, (H, W) or (H, W, 3) uint8, and how many pages its picture has.

    Raises:
      Refused: the picture cannot be used.
    """
    try:
        with read(line.source, line.place) as opened:
            num_pages = getattr(opened, "n_frames", 1)
            _check_size(*opened.size)
            picture = load_picture(opened, line.name)
    except UserError as error:
        raise Refused("broken picture", str(error).removeprefix(f"{line.name}: ")) from None
    _check_size(*picture.size)
    try:
        image = _line_of(picture, render)
    except UserError as error:
        raise Refused("absurd proportions", str(error)) from None
    if (needed := ctc_steps(line.label) * render.px_per_step) > image.shape[1]:
        detail = f"{line.label!r} needs {needed} px at height {render.height}, the picture has {image.shape[1]}"
        raise Refused("too narrow for its text", detail)
    if int(image.max()) - int(image.min()) < _MIN_CONTRAST:
        raise Refused("picture without ink", f"all of it is about {int(image.mean())}")
    return image[:, :, 0] if render.channels == 1 else image, num_pages


def _line_of(picture: Image.Image, render: ImportRender) -> np.ndarray:
    """The image of a line, (H, W, channels) uint8."""
    if not render.cut or picture.height == render.height:
        return line_image(picture, render.height, render.channels)
    return cut_line_image(picture, render.height, render.channels, CUT)


def _check_size(width: int, height: int) -> None:
    """Refuses what lacks the shape of a line, before its pixels are read. EXIF may say that it lies on its side."""
    if min(width, height) < MIN_SIDE_PX:
        raise Refused("picture too small", f"{width} x {height} px")
    if not MIN_ASPECT <= width / height <= MAX_ASPECT:
        raise Refused("absurd proportions", f"{width} x {height} px")


def digest_of(image: np.ndarray) -> int:
    """Returns 63 bits of the SHA-256 of an image's shape and pixels; equal images have the same."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return int.from_bytes(digest.digest()[:8]) >> 1
