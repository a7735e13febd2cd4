"""`python -m ocrlib report | compare | advise | browse | review`: what is seen and done in a browser."""

import argparse
import os
import tomllib
from pathlib import Path
from typing import Any

from ocrlib.arguments import find_place, new_file, new_folder, place, whole_number
from ocrlib.commands.reading import MODEL_HELP, add_trust
from ocrlib.errors import UserError
from ocrlib.extras import installed
from ocrlib.invocation import command


@installed("web")
def review(arguments: argparse.Namespace) -> int:
    """Serves the labelling desk until Ctrl-C, and tells what to do with the texts."""
    from ocrlib.reading.decoding.language import RECIPE
    from ocrlib.reading.decoding.patterns import matcher
    from ocrlib.reading.recognizer import Recognizer
    from ocrlib.web.desk import Desk
    from ocrlib.web.review import last_words, review_app
    from ocrlib.web.serve import serve

    folder: Path = arguments.folder
    recognizer = Recognizer.load(arguments.model, trust=arguments.trust)
    if RECIPE in arguments.pattern and not recognizer.patterns:
        raise UserError(f"--pattern recipe: the model {arguments.model} carries no patterns; give them one by one")
    patterns = [each for given in arguments.pattern for each in (recognizer.patterns if given == RECIPE else [given])]
    desk = Desk(
        recognizer,
        folder,
        out=arguments.out,
        order=arguments.order,
        fits=matcher(patterns) if patterns else None,
        model=arguments.model,
    )
    desk.start()
    try:
        serve(review_app(desk, str(folder)), f"{folder}: {len(desk.lines)} lines", arguments.port)
    finally:
        desk.stop()
    print(f"\n{last_words(desk, arguments.out or folder)}")
    return 0


@installed("train")
def report(arguments: argparse.Namespace) -> int:
    """Writes the report of a run again, measured anew where its datasets are there."""
    from ocrlib import config
    from ocrlib.dataset.manifest import FILE_NAME
    from ocrlib.dataset.mirror import mirrored
    from ocrlib.dataset.store import is_address
    from ocrlib.network.run_files import read_run_file
    from ocrlib.reading.recognizer import Recognizer
    from ocrlib.training.history import read_rows
    from ocrlib.training.run_folder import read_config
    from ocrlib.training.settings import DataConfig
    from ocrlib.web.figures import measure
    from ocrlib.web.report import write_report

    run: Path = arguments.run_folder
    run_config = read_config(run)
    if run_config is None:
        raise UserError(f"{run}: is no run; expected a folder that `train` has written")
    history = read_rows(run / "history.csv")
    metrics = read_run_file(run, "metrics.json") or {}
    places = [dataset["folder"] for dataset in run_config.get("datasets", ())]
    addresses = [] if arguments.trust else [each for each in places if is_address(each)]
    split = metrics.get("split", "test")
    needed = [split, "train"] if split == "val" else [split]  # `val` may have been cut off `train`
    folders, missing = [], []
    for each in [] if addresses else places:
        try:
            folders.append(mirrored(find_place(each), needed))
        except UserError as error:  # of a store, which may not be reached from here
            missing.append(str(error))
    missing += [f"{folder} is not there" for folder in folders if not os.path.exists(folder / FILE_NAME)]
    measured = []
    if addresses:  # in a run folder of somebody else's, it would be theirs
        print(f"not measured again: {addresses[0]} is an address; --trust opens it")
    elif missing:
        print(f"not measured again: {missing[0]}")
    else:
        reader = Recognizer.load(str(run), trust=arguments.trust)
        data = config.build(DataConfig, run_config.get("config", {}).get("data", {}), {}, f"{run}: data")
        measured = [measure(reader, folder, split, data) for folder in folders]
    path = write_report(run, history, run_config, metrics, measured)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser")
    return 0


@installed("data")
def compare(arguments: argparse.Namespace) -> int:
    """Reads the same lines with several models, and tells how they differ from the first one."""
    from ocrlib.dataset.mirror import place_of
    from ocrlib.evaluation.compare_text import compare_figures, compare_text
    from ocrlib.evaluation.contestants import compare_with_first, default_data, measure_all
    from ocrlib.evaluation.report import locate
    from ocrlib.files import json_text, write_output
    from ocrlib.web.comparison import comparison_page

    models: list[str] = arguments.models
    if len(models) < 2:
        raise UserError(f"{models[0]}: expected at least two models to compare")
    data, split = locate(arguments.on or default_data(models, arguments.trust), arguments.split)
    contestants = measure_all(models, data, arguments.split, arguments.trust)
    comparisons = compare_with_first(contestants)
    print(f"{place_of(data)}{f' ({split})' if split else ''}: {contestants[0].report.overall['lines']} lines")
    print(compare_text(contestants, comparisons), end="")
    if arguments.out is not None:
        figures = compare_figures(contestants, comparisons)
        write_output(arguments.out, json_text({"data": place_of(data), "split": split, **figures}).encode())
        print(f"{arguments.out}: all figures")
    if arguments.html is not None:
        write_output(arguments.html, comparison_page(contestants, comparisons, data, split).encode())
        print(f"{arguments.html}: the same as a page, with the lines that only one of two reads")
    return 0


@installed("web")
def browse(arguments: argparse.Namespace) -> int:
    """Serves the pages of a dataset until Ctrl-C."""
    from ocrlib.dataset.mirror import mirrored, place_of
    from ocrlib.reading.recognizer import Recognizer
    from ocrlib.web.browse import browse_app
    from ocrlib.web.catalogue import Catalogue
    from ocrlib.web.serve import serve

    folder = mirrored(arguments.dataset)
    catalogue = Catalogue(folder, Recognizer.load(arguments.model, trust=arguments.trust) if arguments.model else None)
    where = place_of(folder)
    serve(browse_app(catalogue, where), f"{where}: {catalogue.manifest.num_samples} lines", arguments.port)
    return 0


@installed("train")
def advise(arguments: argparse.Namespace) -> int:
    """Writes a recipe that draws more of what a run misreads."""
    from ocrlib.dataset.mirror import place_of
    from ocrlib.evaluation.contestants import default_data
    from ocrlib.evaluation.new_recipe import change_recipe
    from ocrlib.evaluation.report import locate, report_on_dataset
    from ocrlib.factory.recipe import load_recipe, recipe_from_dict
    from ocrlib.files import write_bytes
    from ocrlib.reading.recognizer import Recognizer

    recipe, out = arguments.recipe, arguments.out
    load_recipe(recipe)  # one that is wrong is answered before the model reads
    if out.exists():
        raise UserError(f"{out}: is there already; choose another --out")
    data, _ = locate(arguments.on or default_data([arguments.model], arguments.trust), arguments.split)
    report = report_on_dataset(Recognizer.load(arguments.model, trust=arguments.trust), data, arguments.split)
    text, changes, left = change_recipe(recipe.read_text(encoding="utf-8"), str(recipe), out.stem, report)
    for line in left:
        print(f"not changed: {line}")
    if not changes:
        print(f"nothing that {recipe} has a weight for fails beyond chance on {place_of(data)} ({arguments.split})")
        return 0
    recipe_from_dict(tomllib.loads(text), str(out))
    write_bytes(out, text.encode())
    print("\n".join(changes))
    print(f"{out}: {len(changes)} changes; look at the lines first: of what nobody can read, more is no gain")
    shown = ("evaluate", "--model", arguments.model, place_of(data), "--split", arguments.split)
    print(f"look: {command(*shown, '--misses', 'misses')}")
    print(f"next: {command('data', out)}")
    return 0


def add_commands(commands: Any) -> None:
    """Adds these commands to those of the parser."""
    for add in (_add_report, _add_compare, _add_advise, _add_browse, _add_review):
        add(commands)


def _add_report(commands: Any) -> None:
    parser = commands.add_parser("report", help="write report.html of a run: curve, figures by group, misread lines")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="a folder that `train` has written")
    add_trust(parser)
    parser.set_defaults(run=report)


def _add_compare(commands: Any) -> None:
    parser = commands.add_parser("compare", help="read the same lines with several models: what differs, is it chance?")
    parser.add_argument("models", nargs="+", metavar="MODEL", help=f"{MODEL_HELP}; all are compared with the first one")
    parser.add_argument(
        "--on",
        type=place,
        metavar="DATA",
        help="a dataset, or a folder of pairs (default: what the first run learned on)",
    )
    parser.add_argument("--split", help="of a dataset (default: test)")
    parser.add_argument("--out", type=new_file, metavar="JSON", help="a file for all figures")
    parser.add_argument("--html", type=new_file, help="a file for the page")
    add_trust(parser)
    parser.set_defaults(run=compare)


def _add_advise(commands: Any) -> None:
    parser = commands.add_parser("advise", help="write a recipe that draws more of what a model misreads")
    parser.add_argument("model", metavar="RUN", help=MODEL_HELP)
    parser.add_argument("--recipe", type=Path, required=True, help="that its dataset was drawn from")
    parser.add_argument("--out", type=new_file, required=True, help="a new recipe")
    parser.add_argument("--on", type=place, metavar="DATASET", help="of the recipe (default: what the run learned on)")
    parser.add_argument("--split", default="val", help="(default: val, so that test stays unseen)")
    add_trust(parser)
    parser.set_defaults(run=advise)


def _add_browse(commands: Any) -> None:
    parser = commands.add_parser("browse", help="look at the lines of a dataset in a browser, with filters")
    parser.add_argument("dataset", type=place)
    parser.add_argument("--model", help=f"shows what it reads, and finds what it misreads: {MODEL_HELP}")
    parser.add_argument("--port", type=whole_number(0, 65535), default=0, help="to listen on (default: a free one)")
    add_trust(parser)
    parser.set_defaults(run=browse)


def _add_review(commands: Any) -> None:
    parser = commands.add_parser(
        "review",
        help="label pictures of lines in a browser, with a model's readings to correct",
        description="Serves a page on this machine alone, on which a person corrects what the model reads in the "
        "pictures of a folder. Each answer is written at once as NAME.gt.txt.",
    )
    parser.add_argument("folder", type=Path, help="pictures of lines, also in folders below")
    parser.add_argument("--model", required=True, help=MODEL_HELP)
    parser.add_argument(
        "--out", type=new_folder, help="a folder for the texts and copies of their pictures (default: beside them)"
    )
    parser.add_argument(
        "--order",
        choices=("least sure", "name"),
        default="least sure",
        help="which line comes next (default: least sure)",
    )
    parser.add_argument(
        "--pattern",
        action="append",
        default=[],
        metavar="REGEX",
        help="what does not match it whole is shown first and marked; of several one must match; 'recipe' stands for "
        "those that the model was trained on",
    )
    parser.add_argument("--port", type=whole_number(0, 65535), default=0, help="to listen on (default: a free one)")
    add_trust(parser)
    parser.set_defaults(run=review)
