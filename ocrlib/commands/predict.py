"""`python -m ocrlib predict`: pictures in, rows of name, text and confidence out."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ocrlib.arguments import new_file
from ocrlib.commands.page import predict_pages
from ocrlib.commands.reading import MODEL_HELP, add_known, add_trust, load_reader
from ocrlib.errors import UserError

LINE_FORMATS = ("tsv", "json")
MOST_WARNINGS = 10  # about pictures that look alike: of more the number is told


def add_commands(commands: Any) -> None:
    """Adds `predict` to the commands of the parser."""
    command = commands.add_parser("predict", help="read pictures of lines")
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of them")
    command.add_argument("--model", required=True, help=MODEL_HELP)
    command.add_argument("--out", type=new_file, help="a file for the rows (default: print them)")
    command.add_argument(
        "--format",
        choices=(*LINE_FORMATS, "hocr", "alto"),
        default="tsv",
        help="json: a line each, with confidence by character; hocr and alto: of pages (default: tsv)",
    )
    command.add_argument(
        "--page", action="store_true", help="pictures of whole pages: find the lines first (docs/pages.md)"
    )
    add_trust(command)
    add_known(command)
    command.set_defaults(run=predict)


def predict(arguments: argparse.Namespace) -> int:
    """Prints a row for each picture: name, text and confidence, parted by tabs or as JSON."""
    if arguments.page:
        return predict_pages(arguments)
    if arguments.format not in LINE_FORMATS:
        raise UserError(
            f"--format {arguments.format}: is for whole pages; add --page, or choose {' or '.join(LINE_FORMATS)}"
        )
    from ocrlib.pictures.looks import WARNINGS
    from ocrlib.pictures.opening import list_pictures, list_unreadable, printable
    from ocrlib.reading.prediction import ROWS, Doubts, open_rows, read_pictures

    pictures = list_pictures(arguments.paths)
    if passed_over := list_unreadable(arguments.paths):
        named = ", ".join(map(printable, passed_over[:MOST_WARNINGS]))
        print(
            f"not read, of a kind that Pillow does not open, or a link: {len(passed_over)} ({named})", file=sys.stderr
        )
    recognizer = load_reader(arguments)
    row, read, damaged, looks = ROWS[arguments.format], 0, 0, Counter[str]()
    doubts = Doubts(arguments.min_confidence)
    # None: where standard error is a terminal; but rows on that same terminal are progress enough.
    hidden = True if arguments.out is None and sys.stdout.isatty() else None
    with (
        open_rows(arguments.out) as rows,
        tqdm(total=len(pictures), unit="line", desc="predict", disable=hidden) as bar,
    ):
        for name, reading in read_pictures(recognizer, pictures):
            if isinstance(reading, UserError):
                damaged += 1
                bar.write(str(reading), file=sys.stderr)
            else:
                read += 1
                doubts.add(reading)
                rows.write(row(name, reading, arguments.min_confidence))
                if reading.look is not None:
                    looks[reading.look] += 1
                    if looks[reading.look] <= MOST_WARNINGS:
                        bar.write(f"{printable(name)}: {WARNINGS[reading.look]}", file=sys.stderr)
            bar.update()
    for look, count in looks.items():
        if count > MOST_WARNINGS:
            print(f"and {count - MOST_WARNINGS} more: {WARNINGS[look]}", file=sys.stderr)
    told = f"{read} lines read" + (f", {damaged} pictures damaged" if damaged else "")
    told += f"; of them {doubts}" if str(doubts) else ""
    if arguments.out is not None:
        print(f"{arguments.out}: {told}")
    elif str(doubts):
        print(told, file=sys.stderr)  # standard output has the rows, and nothing else
    return 1 if damaged else 0
