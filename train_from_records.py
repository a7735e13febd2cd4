"""Trains a reader: `python train_from_records.py DATASET --run runs/NAME`, as `python -m ocrlib train` does."""

import signal
import sys

if __name__ == "__main__":
    # Until `run_main` answers Ctrl-C in a line: what is imported below would answer with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from ocrlib.arguments import run_main
from ocrlib.commands.train import train_reader


def main() -> int:
    """Arguments -> one call."""
    return train_reader(sys.argv[1:])


if __name__ == "__main__":
    run_main(main, "to go on, run the same command again, with --resume if the run folder exists")
