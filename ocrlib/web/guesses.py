"""What the model reads in the pictures of a folder: in the background, so that the desk opens at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ocrlib.errors import UserError
from ocrlib.pictures.looks import WARNINGS
from ocrlib.pictures.opening import read_picture
from ocrlib.pictures.pairs import Pair
from ocrlib.reading.prediction import read_pictures
from ocrlib.reading.recognizer import Reading, Recognizer

FIRST = 16  # pictures that are read before the desk opens, so that it has a choice
MOST = 256  # pictures of a later batch; somebody who ends the desk waits for the one at hand
DOUBTFUL = 0.9  # a character below this confidence is marked


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What the model reads in a line.

    Attributes:
      text: the reading.
      confidence: 0 to 1.
      doubtful: positions of the characters that it is not sure of.
      fits: whether the text matches a pattern of the user's; True where none was given.
      remark: what the user should know about the picture; empty in most cases.
      damage: why the picture cannot be read; None if it can.
    """

    text: str = ""
    confidence: float = 0.0
    doubtful: tuple[int, ...] = ()
    fits: bool = True
    remark: str = ""
    damage: str | None = None


class Guesses:
    """Reads the pictures of lines, each once, in order, but first those that are asked for.

    Args:
      recognizer: that reads.
      root: the folder; a picture that a link puts outside of it is not opened.
      lines: whose pictures they are.
      fits: whether a text matches a pattern of the user's.
      on_guess: is told each number and its guess, in whatever thread.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        root: Path,
        lines: Sequence[Pair],
        fits: Callable[[str], bool],
        on_guess: Callable[[int, Guess], None],
    ) -> None:
        self._recognizer, self._root, self._lines = recognizer, root.resolve(), lines
        self._fits, self._on_guess = fits, on_guess
        self._known: dict[int, Guess] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._known)

    def start(self, numbers: Sequence[int]) -> None:
        """Reads the first of these lines now, and the others in a thread, until `stop`."""
        self._read(numbers[:FIRST])
        self._thread = threading.Thread(target=self._read_all, args=[numbers[FIRST:]], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Reads no further batch; waits for the one at hand, because a network must not run when a program ends."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def of(self, number: int) -> Guess:
        """Returns the guess of a line, which is read now if it has not been."""
        if number not in self._known:
            self._read([number])
        return self._known[number]

    def open_picture(self, number: int) -> Image.Image:
        """Returns the picture of a line.

        Raises:
          UserError: it cannot be read, or a link puts it outside of the folder.
        """
        line = self._lines[number]
        check_inside(line.picture, self._root, line.name)
        return read_picture(line.picture, line.name)

    def _read_all(self, numbers: Sequence[int]) -> None:
        for some in _growing(numbers):
            if self._stopped.is_set():
                return
            self._read([number for number in some if number not in self._known])

    def _read(self, numbers: Sequence[int]) -> None:
        readable: dict[str, int] = {}
        for number in numbers:
            try:
                line = self._lines[number]
                check_inside(line.picture, self._root, line.name)
                readable[line.name] = number
            except UserError as error:
                self._add(number, Guess(damage=str(error)))
        pictures = [(name, self._lines[number].picture) for name, number in readable.items()]
        for name, reading in read_pictures(self._recognizer, pictures) if pictures else ():
            if name in readable:  # further pages of a picture have names of their own, and no text
                self._add(readable.pop(name), self._as_guess(reading))

    def _add(self, number: int, guess: Guess) -> None:
        with self._lock:
            known = self._known.setdefault(number, guess)
        if known is guess:
            self._on_guess(number, guess)

    def _as_guess(self, reading: Reading | UserError) -> Guess:
        if isinstance(reading, UserError):
            return Guess(damage=str(reading))
        return Guess(
            text=reading.text,
            confidence=reading.confidence,
            doubtful=tuple(i for i, sure in enumerate(reading.characters or ()) if sure < DOUBTFUL),
            fits=self._fits(reading.text),
            remark=WARNINGS[reading.look] if reading.look is not None else "",
        )


def check_inside(path: Path, root: Path, name: str) -> None:
    """Refuses a file that a link puts outside of a folder.

    Raises:
      UserError: it is, or it is gone.
    """
    try:
        inside = path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        raise UserError(f"{name}: is not there any more") from None
    if not inside:
        raise UserError(f"{name}: is a link out of the folder; put the picture itself there")


def _growing(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yields the numbers in batches, the first ones small."""
    size, start = 4 * FIRST, 0
    while start < len(numbers):
        yield numbers[start : start + size]
        start, size = start + size, min(4 * size, MOST)
