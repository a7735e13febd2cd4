"""The labelling desk: which line comes next, and what becomes of an answer. Knows nothing of browsers."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.invocation import command
from ocrlib.reading.recognizer import Recognizer
from ocrlib.web.answers import Answers, Kind
from ocrlib.web.folder import Lines
from ocrlib.web.guesses import Guess, Guesses

Order = Literal["least sure", "name"]
HELD_SECONDS = 600.0  # a line that a tab shows is not given to another one meanwhile


class Desk:
    """Lines for people who sit in front of browsers' tabs.

    Args:
      recognizer: whose readings are the first guesses.
      folder: with pictures of lines.
      out: where texts go; None for beside the pictures.
      order: the least sure lines first, or by name.
      fits: whether a text matches one of the user's patterns; None if there are none.
      model: what the user calls the recognizer, for the commands at the end.

    Attributes:
      lines: of the folder.

    Raises:
      UserError: as `Lines` does.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        folder: Path,
        *,
        out: Path | None = None,
        order: Order = "least sure",
        fits: Callable[[str], bool] | None = None,
        model: str,
    ) -> None:
        self.lines = Lines(folder)
        self._folder, self._out, self._order, self._model = folder, out or folder, order, model
        self._fits = fits or (lambda text: True)
        self._charset: Charset = recognizer.charset
        self._answers = Answers(self._out, copies=out is not None)
        self._number_of = {name: number for number, name in enumerate(self.lines.names)}
        done = self.lines.labelled_names() if out is None else _labelled_in(out)
        done |= self._answers.kinds.keys()
        self._open = {number for number, name in enumerate(self.lines.names) if name not in done}
        self._waiting: list[tuple[int, float, int]] = []  # a heap of lines that are read and not answered
        self._damaged: dict[int, str] = {}
        self._later: set[int] = set()
        self._held: dict[str, tuple[int, float]] = {}  # {tab: the line that it shows, since when}
        self._lock = threading.RLock()
        self._serials = itertools.count(1)
        self._guesses = Guesses(recognizer, folder, self.lines, self._fits, self._take_guess)

    def start(self) -> None:
        """Begins to read in the background."""
        self._guesses.start(sorted(self._open))

    def stop(self) -> None:
        """Ends reading in the background."""
        self._guesses.stop()

    def next(self, tab: str) -> int | None:
        """Returns the number of the line that a tab should show next; None if all are answered."""
        while True:
            with self._lock:
                self._held.pop(tab, None)
                number = self._choose()
                if number is None:
                    return None
                self._held[tab] = number, time.monotonic()
            if self._guesses.of(number).damage is None:
                return number

    def _choose(self) -> int | None:
        now = time.monotonic()
        elsewhere = {number for number, since in self._held.values() if now - since < HELD_SECONDS}
        chosen = None if self._order == "name" else self._least_sure(elsewhere | self._later)
        for excluded in (elsewhere | self._later, elsewhere, set()):  # put off lines come last, held ones after them
            if chosen is None:
                chosen = min((number for number in self._open if number not in excluded), default=None)
        return chosen

    def _least_sure(self, excluded: set[int]) -> int | None:
        """Returns the least sure line of those that are read."""
        aside, chosen = [], None
        while self._waiting and chosen is None:
            item = heapq.heappop(self._waiting)
            if item[2] in self._open:
                aside.append(item)
                chosen = item[2] if item[2] not in excluded else None
        for item in aside:
            heapq.heappush(self._waiting, item)
        return chosen

    def _take_guess(self, number: int, guess: Guess) -> None:
        with self._lock:
            if guess.damage is not None:
                self._damaged[number] = guess.damage
                self._open.discard(number)
            else:
                heapq.heappush(self._waiting, (int(guess.fits), guess.confidence, number))

    def put_off(self, number: int) -> None:
        """Shows a line again only when no other is left."""
        with self._lock:
            self._later.add(number)

    def before(self, number: int | None) -> int | None:
        """Returns the line that was answered before another one, or last of all; None if there is none."""
        with self._lock:
            names = [name for name in self._answers.history if name in self._number_of]
        here = None if number is None else self.lines.names[number]
        place = names.index(here) if here in names else len(names)
        return self._number_of[names[place - 1]] if place else None

    def picture(self, number: int) -> Image.Image:
        """Returns the picture of a line; raises UserError as `Guesses.open_picture` does."""
        return self._guesses.open_picture(number)

    def show(self, number: int) -> dict[str, Any]:
        """Returns what a page shows of a line, JSON-ready."""
        line = self.lines[number]
        guess = self._guesses.of(number)
        try:
            (version, text), trouble = self._answers.look(line), guess.damage
        except UserError as error:
            version, text, trouble = "?", None, str(error)
        return {
            "number": number,
            "name": line.name,
            "text": text,
            "kind": self._answers.kinds.get(line.name) or ("text" if text is not None else None),
            "version": version,
            "guess": asdict(guess),
            "trouble": trouble,
        }

    def remarks(self, text: str) -> list[str]:
        """Returns what the user should know about a text before it is written: a phrase each."""
        said = [] if self._fits(text) else ["does not fit the pattern"]
        unknown = self._charset.missing(text)
        return [*said, f"the model does not know {' '.join(unknown)}"] if unknown else said

    def fits(self, text: str) -> bool:
        """Returns whether a text matches one of the user's patterns."""
        return self._fits(text)

    def answer(self, number: int, kind: Kind, text: str, version: str) -> str:
        """Writes an answer, and returns the new version; raises as `Answers.give` does."""
        line, guess = self.lines[number], self._guesses.of(number)
        with self._lock:
            read = None if guess.damage is not None else guess.text
            new = self._answers.give(line, kind, text, read, version)
            self._open.discard(number)
            return new

    def take_back(self, number: int, version: str) -> None:
        """Restores what was there before the last answer; raises as `Answers.take_back` does."""
        line = self.lines[number]
        with self._lock:
            self._answers.take_back(line, version)
            if self._answers.look(line)[1] is None and line.name not in self._answers.kinds:
                self._open.add(number)
                guess = self._guesses.of(number)
                heapq.heappush(self._waiting, (int(guess.fits), guess.confidence, number))

    def progress(self) -> dict[str, Any]:
        """Returns how far it is, JSON-ready; what is asked for later has a higher `serial`."""
        with self._lock:
            counts, kinds = self._answers.counts, list(self._answers.kinds.values())
            return {
                "serial": next(self._serials),
                "lines": len(self.lines),
                "answered": len(self.lines) - len(self._open) - len(self._damaged),
                "open": len(self._open),
                "unreadable": kinds.count("unreadable"),
                "not_one_line": kinds.count("not_one_line"),
                "read": len(self._guesses),
                "damaged": list(self._damaged.values())[:5],
                "num_damaged": len(self._damaged),
                "compared": counts.lines,
                "cer": counts.cer,
                "wrong": 1 - counts.exact_match if counts.lines else 0.0,
                "commands": self.commands(),
            }

    def commands(self) -> list[str]:
        """Returns the commands that make a dataset of the answers and train the model further on it."""
        name = self._out.resolve().name or "mine"
        dataset, run = f"datasets/{name}", f"runs/{name}"
        return [
            command("import", self._out, "--layout", "pairs", "--out", dataset),
            command("train", dataset, "--init", self._model, "--run", run),
        ]


def _labelled_in(out: Path) -> set[str]:
    """Names of the pictures that lie in a folder of answers with their texts."""
    try:
        return Lines(out).labelled_names()
    except UserError:  # not there yet, or empty
        return set()
