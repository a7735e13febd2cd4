"""Command lines that answer a mistake with one line, and exit codes that mean something."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from ocrlib.errors import UserError, WorkerError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser without abbreviations, whose errors are one line and whose epilog keeps its lines."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def run_main(main: Callable[[], int | None], interrupted: str) -> NoReturn:
    """Runs a program's main and exits: 0 done, 2 the user's mistake (one line), 1 anything else.

    Args:
      interrupted: what to tell somebody who stopped it by Ctrl-C or SIGTERM.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = main() or 0
        sys.stdout.flush()
    except UserError as error:
        print(error, file=sys.stderr)
        code = 2
    except (WorkerError, FloatingPointError) as error:
        print(error, file=sys.stderr)
        code = 1
    except BrokenPipeError:  # `| head` has seen enough; what Python flushes at its end must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        print(f"\nstopped; {interrupted}", file=sys.stderr)
        code = 1
    raise SystemExit(code)
