"""The lines of pages as rows (TSV, JSON) or as a document (hOCR, ALTO)."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from ocrlib.pictures.opening import printable
from ocrlib.reading.pages import PageLine
from ocrlib.reading.prediction import json_row, tsv_row
from ocrlib.reading.recognizer import Reading


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that was read.

    Attributes:
      name: of its picture.
      size: width and height in pixels.
      lines: in reading order.
    """

    name: str
    size: tuple[int, int]
    lines: tuple[PageLine, ...]


def tsv(pages: Iterable[Page], min_confidence: float | None) -> Iterator[str]:
    """Yields a row a line: name, number in reading order, left, top, right, bottom, and then as `tsv_row`."""
    for page in pages:
        for number, line in enumerate(page.lines, 1):
            box = "\t".join(map(str, line.box))
            rest = tsv_row("", line.reading, min_confidence)  # begins with the tab behind an empty name
            yield f"{printable(page.name)}\t{number}\t{box}{rest}"


def jsonl(pages: Iterable[Page], min_confidence: float | None) -> Iterator[str]:
    """Yields a JSON object a line: what `json_row` has, and number, row and corners."""
    for page in pages:
        for number, line in enumerate(page.lines, 1):
            row = json.loads(json_row(page.name, line.reading, min_confidence))
            corners = [[round(x, 1), round(y, 1)] for x, y in line.corners]
            row |= {"number": number, "row": line.row, "corners": corners}
            yield json.dumps(row, ensure_ascii=not page.name.isprintable()) + "\n"


def hocr(pages: Iterable[Page], min_confidence: float | None) -> Iterator[str]:
    """Yields an HTML document with the classes of hOCR 1.2."""
    yield (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>Lines</title>\n'
        '<meta name="ocr-system" content="ocrlib">\n<meta name="ocr-capabilities" content="ocr_page ocr_line">\n'
        "</head>\n<body>\n"
    )
    for page_number, page in enumerate(pages, 1):
        title = f'image "{page.name}"; bbox 0 0 {page.size[0]} {page.size[1]}; ppageno {page_number - 1}'
        yield f'<div class="ocr_page" id="page_{page_number}" title={quoteattr(title)}>\n'
        for number, line in enumerate(page.lines, 1):
            box = " ".join(map(str, line.box))
            title = f"bbox {box}; x_wconf {round(100 * line.reading.confidence)}"
            text = escape(_answer(line.reading, min_confidence))
            yield f'<span class="ocr_line" id="line_{page_number}_{number}" title="{title}">{text}</span><br>\n'
        yield "</div>\n"
    yield "</body>\n</html>\n"


def alto(pages: Iterable[Page], min_confidence: float | None) -> Iterator[str]:
    """Yields an ALTO 4 document: a page for each picture, a block for each row, a string for each line."""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">\n'
        "<Description><MeasurementUnit>pixel</MeasurementUnit></Description>\n<Layout>\n"
    )
    for page_number, page in enumerate(pages, 1):
        size = f'WIDTH="{page.size[0]}" HEIGHT="{page.size[1]}"'
        yield f'<Page ID="page_{page_number}" PHYSICAL_IMG_NR="{page_number}" {size}>\n'
        yield f'<PrintSpace HPOS="0" VPOS="0" {size}>\n'
        numbered = enumerate(page.lines, 1)
        for row, lines in groupby(numbered, key=lambda item: item[1].row):
            own = list(lines)
            boxes = [line.box for _, line in own]
            yield f'<TextBlock ID="block_{page_number}_{row + 1}" {_place(*_around(boxes))}>\n'
            for number, line in own:
                text = quoteattr(_answer(line.reading, min_confidence))
                place, sure = _place(*line.box), f'WC="{line.reading.confidence:.4f}"'
                yield f'<TextLine ID="line_{page_number}_{number}" {place}>'
                yield f'<String ID="string_{page_number}_{number}" {place} CONTENT={text} {sure}/></TextLine>\n'
            yield "</TextBlock>\n"
        yield "</PrintSpace>\n</Page>\n"
    yield "</Layout>\n</alto>\n"


FORMATS: dict[str, Callable[[Iterable[Page], float | None], Iterator[str]]] = {
    "tsv": tsv,
    "json": jsonl,
    "hocr": hocr,
    "alto": alto,
}


def _answer(reading: Reading, min_confidence: float | None) -> str:
    return reading.text if min_confidence is None or reading.confidence >= min_confidence else ""


def _around(boxes: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _place(left: int, top: int, right: int, bottom: int) -> str:
    return f'HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'
