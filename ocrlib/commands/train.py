"""`python -m ocrlib train`: datasets become a reader; `train_from_records.py` calls the same."""

import argparse
from pathlib import Path
from typing import Any

from ocrlib.arguments import Parser, describe, place, share, split_overrides
from ocrlib.extras import installed
from ocrlib.invocation import command

NO_SETTINGS = ("data.mix", "data.cache")  # options that are written as settings are
_FONTS = {
    "known_fonts": "lines in fonts that it learned from",
    "heldout_fonts": "lines in fonts that only the test has",
}


def _weighted(text: str) -> tuple[Path | str, float]:
    """Returns DATASET=WEIGHT as the dataset's place and its weight."""
    folder, _, weight = text.rpartition("=")
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not folder or not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected DATASET=WEIGHT with a weight above 0, not {text!r}")
    return place(folder), value


@installed("train")
def train_reader(argv: list[str], prog: str | None = None) -> int:
    """Trains a reader and says how it reads.

    Args:
      argv: the arguments of the command.
      prog: what the program is called in its messages; without it, by its file's name.
    """
    from ocrlib.config import build
    from ocrlib.training.machines import read_machines
    from ocrlib.training.run_folder import lock_run
    from ocrlib.training.settings import RunConfig

    left, overrides = split_overrides(argv, besides=NO_SETTINGS)
    parser = _parser(prog, RunConfig)
    arguments = parser.parse_args(left)
    if (arguments.datasets and arguments.mix) or not (arguments.datasets or arguments.mix or arguments.resume):
        parser.error("expected datasets, or --data.mix with datasets and weights")

    build(RunConfig, {}, overrides, "the settings")  # a typo is answered before TensorFlow is up, which takes seconds

    run = arguments.run
    machines = read_machines()
    if machines.is_chief:
        with lock_run(run):  # asked now, and let go: whether it can be written, and nobody else trains in it
            pass
    from ocrlib.api import train

    datasets = dict(arguments.mix) if arguments.mix else list(dict.fromkeys(arguments.datasets))
    metrics = train(
        datasets,
        run,
        settings=overrides,
        init=arguments.init,
        replay=arguments.replay,
        resume=arguments.resume,
        cache=arguments.cache,
    )
    if machines.is_chief:
        _tell(metrics, run)
    else:
        print(f"worker {machines.index} of {machines.count} is done; worker 0 writes {run}")
    return 0


def _parser(prog: str | None, settings: type) -> Parser:
    parser = Parser(
        prog=prog,
        settings=settings,
        description="Trains a CRNN with CTC on datasets and measures it on their test split.",
        epilog="Any setting can be given as --section.key VALUE, such as --train.epochs 10 or --model.use_lstm true."
        f"\n\n{describe(settings)}",
    )
    parser.add_argument(
        "datasets",
        nargs="*",
        type=place,
        metavar="DATASET",
        help="such as datasets/numeric or s3://bucket/numeric",
    )
    parser.add_argument("--run", type=Path, required=True, help="a new folder for the model and its history")
    parser.add_argument(
        "--init",
        metavar="MODEL",
        help="train the network of a run folder, a .keras file or a shipped model further; auto: the shipped model "
        "that fits best; none: begin with nothing (default: auto)",
    )
    parser.add_argument(
        "--replay",
        type=share,
        metavar="SHARE",
        help="share of the batches that are lines which that model learned from, so that it forgets little; 0: none "
        "(default: 0.5 for imported lines, else 0)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder, as it was begun")
    parser.add_argument(
        "--data.mix", dest="mix", nargs="+", type=_weighted, metavar="DATASET=WEIGHT", help="datasets by weight"
    )
    parser.add_argument(
        "--data.cache",
        dest="cache",
        type=Path,
        metavar="FOLDER",
        help="where datasets of a store are copied to (default: datasets/.cache, or $OCRLIB_CACHE)",
    )
    return parser


def _tell(metrics: dict[str, Any], run: Path) -> None:
    """Prints how the reader reads, and what to do next."""
    for folder, result in metrics["datasets"].items():
        print(
            f"{folder} ({metrics['split']}): exact match {result['exact_match']:.2%}, CER {result['cer']:.2%} "
            f"on {result['lines']} lines"
        )
        for name, of_lines in _FONTS.items():
            if name in result:
                rates = f"exact match {result[name]['exact_match']:.2%}, CER {result[name]['cer']:.2%}"
                print(f"  {name}, {of_lines}: {rates}")
    for folder, after in metrics.get("replay", {}).get("after", {}).items():
        before = metrics["replay"]["before"][folder]
        print(
            f"{folder} (what the model had learned before): CER {after['cer']:.2%}, before {before['cer']:.2%}; "
            f"exact match {after['exact_match']:.2%}, before {before['exact_match']:.2%}"
        )
    if (kept := metrics.get("replay", {}).get("kept", 1.0)) < 1.0:
        print(f"went back to {kept:.0%} of the way from the start, to forget less (--train.forget)")
    print(f"run: {run} (best.keras, history.csv, predictions/, metrics.json, report.html)")
    if metrics["reads"]:
        print(f"next: {command('predict', '--model', run, 'FOLDER_OF_IMAGES')}")
    else:
        print(
            f"it does not read yet. {run}/predictions shows what it makes of the lines. Try a longer training "
            "(--train.steps 20000), a start from a model (--init auto), or more lines"
        )
