"""Trains a reader on finished datasets: `python train_from_records.py datasets/numeric --run runs/numeric`."""

import sys
from pathlib import Path

from ocrlib.arguments import Parser, run_main
from ocrlib.config import build, split_overrides
from ocrlib.run_config import RunConfig


def main() -> None:
    """Arguments -> one call."""
    argv, overrides = split_overrides(sys.argv[1:])
    parser = Parser(
        description="Trains a CRNN with CTC on datasets made by generate_data.py and measures it on their test split.",
        epilog="Any setting can be given as --section.key VALUE, such as --train.epochs 10 or --model.use_lstm true.",
    )
    parser.add_argument(
        "datasets", nargs="+", type=Path, metavar="DATASET", help="folders such as datasets/numeric"
    )
    parser.add_argument("--run", type=Path, required=True, help="a new folder for the model and its history")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    arguments = parser.parse_args(argv)

    settings = build(RunConfig, {}, overrides, "the settings")

    from ocrlib.trainer import train  # here: TensorFlow takes seconds, a typo should not

    metrics = train(arguments.datasets, arguments.run, settings, arguments.resume)
    for folder, result in metrics["datasets"].items():
        print(
            f"{folder} ({metrics['split']}): exact match {result['exact_match']:.2%}, CER {result['cer']:.2%} "
            f"on {result['lines']} lines"
        )
    print(f"run: {arguments.run} (best.keras, history.csv, predictions/, metrics.json)")
    print(f"next: python -m ocrlib predict --model {arguments.run} FOLDER_OF_IMAGES")


if __name__ == "__main__":
    run_main(main, "run the same command again with --resume to go on from here")
