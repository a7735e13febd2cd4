"""Trains a model on finished datasets: `python train_from_records.py datasets/numeric --run runs/numeric`."""

import argparse
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Until `run_main` answers Ctrl-C in a line: what is imported below would answer with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from ocrlib.arguments import Parser, describe, run_main, split_overrides
from ocrlib.config import build
from ocrlib.training.settings import RunConfig


def _weighted(text: str) -> tuple[Path, float]:
    """Returns DATASET=WEIGHT as a folder and its weight."""
    folder, _, weight = text.rpartition("=")
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not folder or not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected DATASET=WEIGHT with a weight above 0, not {text!r}")
    return Path(folder), value


def main() -> None:
    """Arguments -> one call."""
    argv, overrides = split_overrides(sys.argv[1:], besides=("data.mix",))
    parser = Parser(
        description="Trains a CRNN with CTC on datasets made by generate_data.py and measures it on their test split.",
        epilog="Any setting can be given as --section.key VALUE, such as --train.epochs 10 or --model.use_lstm true."
        f"\n\n{describe(RunConfig)}",
    )
    parser.add_argument("datasets", nargs="*", type=Path, metavar="DATASET", help="folders such as datasets/numeric")
    parser.add_argument("--run", type=Path, required=True, help="a new folder for the model and its history")
    parser.add_argument(
        "--init", metavar="MODEL", help="train the network of a run folder, a .keras file or a shipped model further"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    parser.add_argument(
        "--data.mix", dest="mix", nargs="+", type=_weighted, metavar="DATASET=WEIGHT", help="datasets by weight"
    )
    arguments = parser.parse_args(argv)
    if bool(arguments.datasets) == bool(arguments.mix):
        parser.error("expected datasets, or --data.mix with datasets and weights")

    settings = build(RunConfig, {}, overrides, "the settings")

    from ocrlib.training.trainer import train  # here, because it imports TensorFlow, which takes seconds

    mix = dict(arguments.mix or [])
    metrics = train(
        list(mix or dict.fromkeys(arguments.datasets)),
        arguments.run,
        settings,
        weights=list(mix.values()) or None,
        resume=arguments.resume,
        init=arguments.init,
    )
    for folder, result in metrics["datasets"].items():
        print(
            f"{folder} ({metrics['split']}): exact match {result['exact_match']:.2%}, CER {result['cer']:.2%} "
            f"on {result['lines']} lines"
        )
        for name in ("known_fonts", "heldout_fonts"):
            if name in result:
                print(f"  {name}: exact match {result[name]['exact_match']:.2%}, CER {result[name]['cer']:.2%}")
    print(f"run: {arguments.run} (best.keras, history.csv, predictions/, metrics.json)")
    print(f"next: python -m ocrlib predict --model {arguments.run} FOLDER_OF_IMAGES")


if __name__ == "__main__":
    run_main(main, "to go on, run the same command again, with --resume if the run folder exists")
