"""`python -m ocrlib evaluate`: how often a model is wrong, and where."""

import argparse
import sys
from typing import Any

from ocrlib.arguments import new_file, new_folder, place
from ocrlib.commands.reading import MODEL_HELP, add_known, add_trust, known_figures, load_reader
from ocrlib.files import json_text, write_output

MOST_LEFT_OUT = 10  # pictures that are named; of more the number is told


def add_commands(commands: Any) -> None:
    """Adds `evaluate` to the commands of the parser."""
    command = commands.add_parser("evaluate", help="measure a model on a dataset or a folder of pairs")
    command.add_argument(
        "data",
        type=place,
        help="a dataset, or a folder of pictures with NAME.gt.txt beside each, of which quotes, dashes and spaces are "
        "folded before they are compared",
    )
    command.add_argument("--model", required=True, help=MODEL_HELP)
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


def evaluate(arguments: argparse.Namespace) -> int:
    """Prints how often a model is wrong on a dataset's split or on a folder of pairs, and where."""
    from ocrlib.dataset.mirror import place_of
    from ocrlib.evaluation.coverage import draw_coverage
    from ocrlib.evaluation.misses import check_folder, write_misses
    from ocrlib.evaluation.report import locate, report_on
    from ocrlib.evaluation.report_text import errors_text
    from ocrlib.pictures.opening import printable

    if arguments.misses is not None:
        check_folder(arguments.misses)
    folder, split = locate(arguments.data, arguments.split)
    recognizer = load_reader(arguments)
    report = report_on(recognizer, folder, split)
    what = place_of(folder) if split is None else f"{place_of(folder)} ({split})"
    overall = report.overall
    folded = ", quotes, dashes and spaces folded" if split is None else ""
    print(
        f"{what}: {overall['lines']} lines{folded}, CER {overall['cer']:.2%}, WER {overall['wer']:.2%}, "
        f"exact {overall['exact_match']:.2%}"
    )
    for left_out in report.left_out[:MOST_LEFT_OUT]:
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
        language_model = arguments.language_model if recognizer.has_ngram else "none"
        told = {"model": arguments.model, "data": what, "language_model": language_model}
        figures = {**told, **known_figures(arguments), **report.figures()}
        write_output(arguments.out, json_text(figures).encode())
        print(f"{arguments.out}: all figures")
    if arguments.coverage is not None:
        draw_coverage(report.coverage, arguments.coverage)
        print(f"{arguments.coverage}: accuracy against coverage")
    if arguments.misses is not None:
        num_misses = write_misses(report.lines, recognizer, folder, split, arguments.misses)
        print(f"{arguments.misses}: {num_misses} misread lines")
    return 0
