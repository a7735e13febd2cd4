"""What is printed: it never stops work, and it never says anything to the terminal but text.

Standard output can be a pipe whose reader has gone, a full disk, or closed; a training must not lose its work for that.
And what is printed can hold the names, texts and messages of somebody else's files, in which an escape sequence would
move the cursor, hide a line or write to the clipboard.
"""

import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from ocrlib.errors import UserError

# Controls but for the line break and the tab, marks that turn the direction of writing or show nothing, and halves of
# surrogate pairs. The carriage return is one of them: it would let a name write over the line it stands in.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def shown(text: str) -> str:
    """Returns a text with everything that is no visible character written as Python does: `\\x1b`."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


class Guard(io.TextIOBase):
    """Stands in the place of `sys.stdout` or `sys.stderr`, and takes every text.

    Args:
      stream: where texts go until it fails.
      progress: leave carriage returns, by which progress bars write over themselves.

    Attributes:
      error: why the stream failed; None while it works.
      closed_before: there was nothing to print to from the beginning.
    """

    def __init__(self, stream: IO[str] | None, progress: bool) -> None:
        self.error: OSError | None = None
        self.closed_before = stream is None
        self._stream = open(os.devnull, "w", encoding="utf-8") if stream is None else stream  # noqa: SIM115 - lives on
        self._progress = progress
        if isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(errors="backslashreplace")  # a terminal need not know every character

    def write(self, text: str) -> int:
        """Prints a text, or loses it; returns its length."""
        parts = text.split("\r") if self._progress else [text]
        self._try(self._stream.write, "\r".join(map(shown, parts)))
        return len(text)

    def flush(self) -> None:
        """Prints what is waiting to be printed, or loses it."""
        self._try(self._stream.flush)

    def _try(self, call: Any, *arguments: str) -> None:
        if self.error is not None:
            return
        try:
            call(*arguments)
        except OSError as error:
            self.error = error
            with suppress(OSError):  # Python flushes its own streams once more at its end, which must not fail
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def isatty(self) -> bool:
        """Returns whether somebody looks at it."""
        return self.error is None and self._stream.isatty()

    def fileno(self) -> int:
        """Returns the number of its file."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream."""
        return str(getattr(self._stream, "encoding", "utf-8"))


class Rows(io.TextIOBase):
    """Standard output for the rows that a command is run for: where they cannot be printed, the command ends."""

    def write(self, text: str) -> int:
        """Prints a text.

        Raises:
          OSError: it could not be printed; BrokenPipeError if nobody reads any more.
        """
        sys.stdout.write(text)
        if isinstance(sys.stdout, Guard) and sys.stdout.error is not None:
            raise sys.stdout.error
        return len(text)


def rows() -> IO[str]:
    """Returns standard output for rows.

    Raises:
      UserError: it is closed.
    """
    if isinstance(sys.stdout, Guard) and sys.stdout.closed_before:
        raise UserError("standard output is closed; give a file by --out")
    return cast("IO[str]", Rows())


@contextmanager
def guarded() -> Iterator[tuple[Guard, Guard]]:
    """Guards `sys.stdout` and `sys.stderr` while the block runs, and yields the guards."""
    _open_standard_files()
    before = sys.stdout, sys.stderr
    guards = Guard(sys.stdout, progress=False), Guard(sys.stderr, progress=True)
    sys.stdout, sys.stderr = guards
    try:
        yield guards
    finally:
        for guard in guards:
            guard.flush()
        sys.stdout, sys.stderr = before


def _open_standard_files() -> None:
    """Opens the files 0 to 2 where they are closed. The next file of a program would get such a number, and what a
    library prints would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
