"""Makes a dataset from a recipe: `python generate_data.py datasets/numeric.toml`, as `python -m ocrlib data` does."""

import signal
import sys

if __name__ == "__main__":
    # Until `run_main` answers Ctrl-C in a line: what is imported below would answer with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from ocrlib.arguments import run_main
from ocrlib.commands.data import make_data


def main() -> int:
    """Arguments -> one call."""
    return make_data(sys.argv[1:])


if __name__ == "__main__":
    run_main(main, "run the same command again to go on from here")
