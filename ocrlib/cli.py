"""`python -m ocrlib COMMAND`: a model or a dataset, put to use; the other commands are in modules beside this."""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tqdm import tqdm

import ocrlib
from ocrlib import invocation
from ocrlib.arguments import Parser, new_file, new_folder, run_main, split_overrides
from ocrlib.commands import data, train, web
from ocrlib.commands.imports import add_commands, check_again
from ocrlib.commands.page import predict_pages
from ocrlib.commands.reading import add_known, add_trust, known_figures, load_reader
from ocrlib.errors import UserError
from ocrlib.extras import installed
from ocrlib.files import write_json

EXPORTS = ("onnx", "rapidocr", "litert", "saved_model")  # as network.export.FORMATS has them
LINE_FORMATS = ("tsv", "json")
MOST_WARNINGS = 10  # about pictures that look alike: of more the number is told

# TensorFlow takes seconds to come up and `verify` has no use for it: each command imports what it needs.


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


def evaluate(arguments: argparse.Namespace) -> int:
    """Prints how often a model is wrong on a dataset's split or on a folder of pairs, and where."""
    from ocrlib.evaluation.coverage import draw_coverage
    from ocrlib.evaluation.misses import check_folder, write_misses
    from ocrlib.evaluation.report import chosen_split, report_on
    from ocrlib.evaluation.report_text import errors_text
    from ocrlib.pictures.opening import printable

    if arguments.misses is not None:
        check_folder(arguments.misses)
    folder: Path = arguments.data
    split = chosen_split(folder, arguments.split)
    recognizer = load_reader(arguments)
    report = report_on(recognizer, folder, split)
    what = str(folder) if split is None else f"{folder} ({split})"
    overall = report.overall
    folded = ", quotes, dashes and spaces folded" if split is None else ""
    print(
        f"{what}: {overall['lines']} lines{folded}, CER {overall['cer']:.2%}, WER {overall['wer']:.2%}, "
        f"exact {overall['exact_match']:.2%}"
    )
    for left_out in report.left_out[:MOST_WARNINGS]:
        print(f"left out: {printable(str(left_out))}", file=sys.stderr)
    if report.left_out:
        reasons = ", ".join(f"{reason} {number}" for reason, number in report.figures()["left_out"].items())
        print(f"left out: {len(report.left_out)} ({reasons})")
    unknown = [set(line.truth) - set(recognizer.charset.characters) for line in report.lines]
    if any(unknown):
        characters = "".join(sorted(set().union(*unknown)))
        print(f"{sum(map(bool, unknown))} lines hold characters that the model does not know: {characters}")
    print(errors_text(report, arguments.min_confidence), end="")
    if arguments.out is not None:
        write_json(
            arguments.out, {"model": arguments.model, "data": what, **known_figures(arguments), **report.figures()}
        )
        print(f"{arguments.out}: all figures")
    if arguments.coverage is not None:
        draw_coverage(report.coverage, arguments.coverage)
        print(f"{arguments.coverage}: accuracy against coverage")
    if arguments.misses is not None:
        num_misses = write_misses(report.lines, recognizer, folder, split, arguments.misses)
        print(f"{arguments.misses}: {num_misses} misread lines")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Checks counts, hashes and contents of a dataset; mends it with --repair, proves it with --rerender."""
    from ocrlib.dataset.manifest import read_manifest
    from ocrlib.dataset.verify import verify_shards, verify_splits

    folder: Path = arguments.dataset
    manifest = read_manifest(folder)
    damaged = verify_shards(folder, manifest)
    problems = [line for lines in damaged.values() for line in lines]
    if problems and arguments.repair:
        from ocrlib.factory.repair import repair

        if manifest.imported:
            raise UserError(f"{folder}: was imported; delete it and import again, damaged shards cannot be drawn again")
        print("\n".join(problems))
        problems = repair(folder, manifest, damaged, arguments.workers, arguments.trust)
        if not problems:
            print(f"{folder}: {len(damaged)} shards drawn again")
    if not problems:
        problems = verify_splits(folder, manifest)
    num_again = min(arguments.rerender, manifest.num_samples)
    if not problems and num_again:
        from ocrlib.factory.repair import rerender

        problems = (check_again if manifest.imported else rerender)(folder, manifest, num_again, arguments.trust)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        hint = f"; `{invocation.command('verify', folder, '--repair')}` draws damaged shards again"
        hint = "" if arguments.repair or manifest.imported else hint
        print(f"{folder}: {len(problems)} problems in {len(manifest.shards)} shards{hint}", file=sys.stderr)
        return 1
    how = "imported" if manifest.imported else "rendered"
    again = f", {num_again} samples {how} again to the same bytes" if num_again else ""
    print(f"{folder}: {len(manifest.shards)} shards as the manifest says{again}")
    return 0


def card(arguments: argparse.Namespace) -> int:
    """Writes a dataset's card and preview into its folder, and prints the card."""
    from ocrlib.dataset.card.card import write_card

    print(write_card(arguments.dataset, arguments.split, arguments.trust), end="")
    return 0


@installed("export")
def export(arguments: argparse.Namespace) -> int:
    """Writes a model for programs that have no Keras."""
    from ocrlib.network.export import WIDTH_PX, export_model

    if arguments.format != "litert" and (arguments.width is not None or arguments.int8):
        raise UserError("--width and --int8 are for --format litert")
    width_px = WIDTH_PX if arguments.width is None else max(1, arguments.width)
    print(export_model(arguments.model, arguments.format, arguments.out, arguments.trust, width_px, arguments.int8))
    return 0


def _workers(text: str) -> int:
    """A number of processes, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, not {text!r}")
    return int(text)


def _count(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, not {text!r}")
    return int(text)


# Commands whose settings by section and key are many: they read their arguments themselves.
_READS_ITSELF = {"data": data.make_data, "train": train.train_reader}


def _the_way() -> str:
    """From nothing to text, for `--help`."""
    steps = (
        invocation.command("recipes"),
        invocation.command("data", "numeric"),
        invocation.command("train", "datasets/numeric", "--run", "runs/numeric"),
        invocation.command("predict", "--model", "runs/numeric", "FOLDER"),
    )
    return "\n  ".join(["the way from a recipe to a reader:", *steps])


_MODEL_HELP = "a run folder, a .keras or .onnx file, or the name of a model that comes with ocrlib"


def _add_predict(commands: Any) -> None:
    """Adds `predict` to the commands of the parser."""
    command = commands.add_parser("predict", help="read pictures of lines")
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of them")
    command.add_argument("--model", required=True, help=_MODEL_HELP)
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


def _add_evaluate(commands: Any) -> None:
    """Adds `evaluate` to the commands of the parser."""
    command = commands.add_parser("evaluate", help="measure a model on a dataset or a folder of pairs")
    command.add_argument(
        "data",
        type=Path,
        help="a dataset, or a folder of pictures with NAME.gt.txt beside each, of which quotes, dashes and spaces are "
        "folded before they are compared",
    )
    command.add_argument("--model", required=True, help=_MODEL_HELP)
    command.add_argument("--split", help="of a dataset (default: test)")
    command.add_argument("--out", type=new_file, help="a JSON file for the figures, all of them")
    command.add_argument(
        "--coverage", type=new_file, metavar="PNG", help="a picture of how many lines can be answered at which error"
    )
    command.add_argument(
        "--misses", type=new_folder, metavar="FOLDER", help="for a list and a picture of misread lines"
    )
    add_trust(command)
    add_known(command)
    command.set_defaults(run=evaluate)


def _add_export(commands: Any) -> None:
    """Adds `export` to the commands of the parser."""
    command = commands.add_parser("export", help="write a model for other programs")
    command.add_argument("--model", required=True, help="a run folder, a .keras file, or a shipped model's name")
    command.add_argument("--format", choices=EXPORTS, default="onnx", help="(default: onnx)")
    command.add_argument("--out", type=Path, required=True, help="a new file that ends in .onnx, or a new folder")
    command.add_argument(
        "--width",
        type=_count,
        metavar="PIXELS",
        help="litert: of the longest line, which all are padded to (default: 320)",
    )
    command.add_argument("--int8", action="store_true", help="litert: weights of 8 bits, a third of the size")
    add_trust(command)
    command.set_defaults(run=export)


def _add_dataset_commands(commands: Any) -> None:
    """Adds `verify` and `card` to the commands of the parser."""
    command = commands.add_parser("verify", help="check a dataset against its manifest")
    command.add_argument("dataset", type=Path)
    command.add_argument("--rerender", type=_count, default=0, metavar="N", help="render N samples again and compare")
    command.add_argument("--repair", action="store_true", help="draw damaged and missing shards again")
    command.add_argument("--workers", type=_workers, default=os.cpu_count(), help="processes for --repair")
    command.add_argument(
        "--trust", action="store_true", help="let its recipe open files and addresses outside of the dataset's folder"
    )
    command.set_defaults(run=verify)

    command = commands.add_parser("card", help="tell what a dataset holds, in figures and a picture")
    command.add_argument("dataset", type=Path)
    command.add_argument("--split", help="tell of one split alone (default: all)")
    command.add_argument("--trust", action="store_true", help="write labels in the fonts that its recipe names")
    command.set_defaults(run=card)


def main() -> int:
    """Arguments -> one of the commands above."""
    if sys.argv[1:2] and sys.argv[1] in _READS_ITSELF:
        return _READS_ITSELF[sys.argv[1]](sys.argv[2:], f"ocrlib {sys.argv[1]}")
    parser = Parser(
        prog="ocrlib", description="Makes readers for lines of text, and reads with them.", epilog=_the_way()
    )
    parser.add_argument("--version", action="version", version=f"ocrlib {ocrlib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    data.add_commands(commands)
    commands.add_parser("data", help="make the dataset of a recipe; run again to resume")
    commands.add_parser("train", help="train a reader on datasets")
    for add in (_add_predict, _add_evaluate, _add_export, _add_dataset_commands, add_commands, web.add_commands):
        add(commands)

    # Of the commands only `import` has settings by section and key; elsewhere a point in an option is a mistake.
    argv, overrides = split_overrides(sys.argv[1:]) if sys.argv[1:2] == ["import"] else (sys.argv[1:], {})
    arguments = parser.parse_args(argv)
    if overrides:
        arguments.overrides = overrides
    return arguments.run(arguments)


_INTERRUPTED = {
    "data": "run the same command again to go on from here",
    "train": "to go on, run the same command again, with --resume if the run folder exists",
}


def entry() -> None:
    """The console script `ocrlib`."""
    run_main(main, _INTERRUPTED.get(sys.argv[1] if sys.argv[1:] else "", "nothing was changed"))
