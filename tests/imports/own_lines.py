"""Labelled pictures as users have them, made here: lines in every layout, and what can be wrong with them."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import lmdb
import numpy as np
from PIL import Image

from ocrlib.dataset.manifest import Manifest
from ocrlib.dataset.shards import FORMATS, read_samples
from ocrlib.imports.layouts import find_layout
from ocrlib.imports.make import Imported, import_dataset
from ocrlib.imports.settings import ImportSource
from tests.training_fixtures import draw_line

TEXTS = ("20471", "3.50", "007", "1,204", "88-88", "12:30")


def picture_of(text: str, height: int = 48) -> Image.Image:
    """A picture of a text, as far as a font has it, of another height than datasets have."""
    drawn = Image.fromarray(draw_line("".join(c for c in text if c.isascii() and c.isprintable()) or "0"))
    return drawn.resize((drawn.width * height // drawn.height, height))


def png_of(text: str) -> bytes:
    """The same, as a file's bytes."""
    stream = io.BytesIO()
    picture_of(text).save(stream, "PNG")
    return stream.getvalue()


def write_pairs(folder: Path, lines: Mapping[str, str]) -> Path:
    """Writes {name: text} as NAME.png with NAME.gt.txt, and returns the folder."""
    for name, text in lines.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{path.name}.png").write_bytes(png_of(text))
        path.with_name(f"{path.name}.gt.txt").write_text(f"{text}\n", encoding="utf-8")
    return folder


def numbered(count: int, page: str = "line", first: int = 10_000) -> dict[str, str]:
    """So many lines of a page, each of another text."""
    return {f"{page}_{i:03d}": str(first + i * 37) for i in range(count)}


def write_lmdb(folder: Path, entries: Mapping[bytes, bytes]) -> Path:
    """Writes an LMDB of these entries."""
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=1 << 26) as base, base.begin(write=True) as view:
        for key, value in entries.items():
            view.put(key, value)
    return folder


def write_csv(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    """Writes rows as CSV."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def write_page(folder: Path, name: str, texts: list[str], kind: str, declared: str = "") -> Path:
    """Writes NAME.png with the texts one below the other, and NAME.xml of kind alto or page; returns the XML."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [np.asarray(picture_of(text)) for text in texts]
    width = max(line.shape[1] for line in lines) + 40
    page = np.full((60 * len(lines) + 20, width), 255, np.uint8)
    boxes = []
    for number, line in enumerate(lines):
        top = 10 + 60 * number
        page[top : top + line.shape[0], 20 : 20 + line.shape[1]] = line
        boxes.append((20, top, 20 + line.shape[1], top + line.shape[0]))
    Image.fromarray(page).save(folder / f"{name}.png")
    size, write = page.shape[::-1], {"alto": _alto, "page": _page}[kind]
    path = folder / f"{name}.xml"
    path.write_text(declared + write(f"{name}.png", size, boxes, texts), encoding="utf-8")
    return path


def _alto(picture: str, size: tuple[int, ...], boxes: list[tuple[int, int, int, int]], texts: list[str]) -> str:
    lines = "".join(
        f'<TextLine ID="l{i}" HPOS="{x0}" VPOS="{y0}" WIDTH="{x1 - x0}" HEIGHT="{y1 - y0}">'
        + "<SP/>".join(f'<String CONTENT="{word}"/>' for word in text.split(" "))
        + "</TextLine>"
        for i, ((x0, y0, x1, y1), text) in enumerate(zip(boxes, texts, strict=True))
    )
    return (
        '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><sourceImageInformation>'
        f"<fileName>C:\\scans\\{picture}</fileName></sourceImageInformation></Description><Layout>"
        f'<Page WIDTH="{size[0]}" HEIGHT="{size[1]}"><PrintSpace><TextBlock>{lines}</TextBlock></PrintSpace></Page>'
        "</Layout></alto>"
    )


def _page(picture: str, size: tuple[int, ...], boxes: list[tuple[int, int, int, int]], texts: list[str]) -> str:
    lines = "".join(
        f'<TextLine id="l{i}"><Coords points="{x0},{y0} {x1},{y0} {x1},{y1} {x0},{y1}"/>'
        f"<Word><TextEquiv><Unicode>wrong</Unicode></TextEquiv></Word>"
        f"<TextEquiv index='1'><Unicode>second</Unicode></TextEquiv>"
        f"<TextEquiv index='0'><Unicode>{text}</Unicode></TextEquiv></TextLine>"
        for i, ((x0, y0, x1, y1), text) in enumerate(zip(boxes, texts, strict=True))
    )
    return (
        '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
        f'<Page imageFilename="{picture}" imageWidth="{size[0]}" imageHeight="{size[1]}"><TextRegion>{lines}'
        "</TextRegion></Page></PcGts>"
    )


def import_from(source: Path, out: Path, given: Mapping[str, str] | None = None, **settings: object) -> Imported:
    """Imports one source with one worker."""
    sources = [ImportSource(path=str(source), layout=find_layout(source, None))]
    return import_dataset(sources, out, given or {}, 1, **settings)  # type: ignore[arg-type]


def lines_of(folder: Path, manifest: Manifest) -> dict[str, list[tuple[str, str, bytes]]]:
    """{split: [(source, text, pixels)]} of a dataset, in order."""
    return {
        name: [
            (str(sample.provenance["source"]), sample.text, sample.image.tobytes())
            for shard in split.shards
            for sample in read_samples(folder, shard, next(iter(FORMATS)), manifest.image)
        ]
        for name, split in manifest.splits.items()
    }


def texts_of(folder: Path, manifest: Manifest) -> set[str]:
    """The texts of all splits."""
    return {text for lines in lines_of(folder, manifest).values() for _, text, _ in lines}


def rejected_in(folder: Path) -> dict[str, str]:
    """{name: reason} of `rejected.tsv`."""
    rows = [line.split("\t") for line in (folder / "rejected.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    return {name: reason for name, reason, _ in rows}


def write_json(path: Path, value: object) -> Path:
    """Writes JSON and returns the path."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
