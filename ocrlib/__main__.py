"""`python -m ocrlib` and the console script `ocrlib`."""

import signal


def entry() -> None:
    """Arguments -> one of the commands in `cli`."""
    # Until `run_main` answers Ctrl-C in a line: what is imported until then would answer with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ocrlib.cli import entry as run

    run()


if __name__ == "__main__":
    entry()
