"""`python -m ocrlib predict --page`: whole pages, whose lines are found first."""

import argparse
import sys
from collections.abc import Iterator

from tqdm import tqdm

from ocrlib.commands.reading import load_reader
from ocrlib.errors import UserError
from ocrlib.extras import installed


@installed("pages")
def predict_pages(arguments: argparse.Namespace) -> int:
    """Prints the lines of each page, with their places, in reading order."""
    from ocrlib.pictures.opening import list_pictures, printable, read_pages
    from ocrlib.reading.page_formats import FORMATS, Page
    from ocrlib.reading.pages import PageReader
    from ocrlib.reading.prediction import Doubts, open_rows

    pictures = list_pictures(arguments.paths)
    reader = PageReader(load_reader(arguments))
    doubts = Doubts(arguments.min_confidence)
    num_lines, num_pages, damaged = 0, 0, 0

    def pages() -> Iterator[Page]:
        nonlocal num_lines, num_pages, damaged
        for name, path in tqdm(pictures, unit="page", desc="predict", disable=None):
            for added, picture in read_pages(path):
                try:
                    if isinstance(picture, UserError):
                        raise picture
                    lines = tuple(reader.read(picture))
                except UserError as error:
                    damaged += 1
                    print(f"{printable(name + added)}: {error}", file=sys.stderr)
                    continue
                num_pages, num_lines = num_pages + 1, num_lines + len(lines)
                for line in lines:
                    doubts.add(line.reading)
                if not lines:
                    print(f"{printable(name + added)}: no lines were found on it", file=sys.stderr)
                yield Page(name=name + added, size=picture.size, lines=lines)

    with open_rows(arguments.out) as rows:
        for part in FORMATS[arguments.format](pages(), arguments.min_confidence):
            rows.write(part)
    told = f"{num_lines} lines read on {num_pages} pages" + (f", {damaged} pictures damaged" if damaged else "")
    told += f"; of them {doubts}" if str(doubts) else ""
    if arguments.out is not None:
        print(f"{arguments.out}: {told}")
    elif str(doubts):
        print(told, file=sys.stderr)
    return 1 if damaged else 0
