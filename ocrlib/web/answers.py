"""What a person says that lines say, on disk: NAME.gt.txt for each, written at once, and review.jsonl as a diary.

    NAME.gt.txt      the text, beside the picture; with another folder for answers, the picture is copied there as well
    review.jsonl     a line for each answer, appended: what was said, what the model had read, what was there before

The texts decide which lines are answered. The diary knows the lines that have none because they cannot be read, and
what to restore when an answer is taken back.
"""

import hashlib
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ocrlib.errors import UserError
from ocrlib.evaluation.metrics import ErrorCounts, count_errors, fold
from ocrlib.files import read_regular, write_bytes, write_new
from ocrlib.pictures.pairs import MAX_TRUTH_BYTES, Pair

DIARY = "review.jsonl"
MAX_PICTURE_BYTES = 1 << 28  # 256 MiB
Kind = Literal["text", "unreadable", "not_one_line"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NOTHING = ""  # the version of a text that is not there


class ChangedMeanwhile(Exception):
    """A text is not what the page that answers had seen."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was said about a line.

    Attributes:
      kind: it has a text, or why it has none.
      text: empty if it has none.
      read: what the model had read; None if nothing.
      before: the text that was there before; None if there was none.
      kind_before: what the diary said before; None if nothing.
    """

    kind: Kind
    text: str
    read: str | None
    before: str | None
    kind_before: Kind | None


class Answers:
    """The answers in a folder.

    Args:
      folder: where they are written; made if it is not there.
      copies: it is not the folder of the pictures, so each answered picture is copied there.

    Attributes:
      kinds: {name of a line: why it has no text}, for those of which that was said.
      history: names of lines in the order of their last answers.
      counts: how the model had read the lines that have a text now.
      damaged: lines of the diary that cannot be read.
    """

    def __init__(self, folder: Path, *, copies: bool) -> None:
        self._folder, self._copies = folder, copies
        self.kinds: dict[str, Kind] = {}
        self.history: dict[str, None] = {}
        self._given: dict[str, list[Answer]] = {}
        self._counted: Counter[str] = Counter()
        self.damaged = 0
        for name, answer in self._read_diary():
            self._remember(name, answer)

    @property
    def counts(self) -> ErrorCounts:
        return ErrorCounts(**self._counted)

    def place(self, line: Pair) -> Path:
        """Returns the file of a line's text."""
        return self._folder / os.path.dirname(line.name) / line.text.name if self._copies else line.text

    def look(self, line: Pair) -> tuple[str, str | None]:
        """Returns the version of a line's text, and the text; NOTHING and None if there is none.

        Raises:
          UserError: there is a file that cannot be read as a text, or a link.
        """
        path = self.place(line)
        try:
            data = read_regular(path, MAX_TRUTH_BYTES)
            return hashlib.sha256(data).hexdigest(), data.decode("utf-8-sig").strip()
        except FileNotFoundError:
            return NOTHING, None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path.name}: cannot be read as a text ({error}); remove or mend it") from None

    def give(self, line: Pair, kind: Kind, text: str, read: str | None, version: str) -> str:
        """Writes an answer, and returns the version of the text.

        Args:
          line: that is answered.
          kind, text: the answer; without a text, the file is removed if there is one.
          read: what the model had read.
          version: of the text that the person saw.

        Raises:
          ChangedMeanwhile: the text is another one by now.
          UserError: the text cannot be one of a line, or the disk does not take it.
        """
        text = clean_text(text) if kind == "text" else ""
        before = self._write(line, text if kind == "text" else None, version)
        answer = Answer(kind=kind, text=text, read=read, before=before, kind_before=self.kinds.get(line.name))
        self._append(line.name, answer)
        return self.look(line)[0]

    def take_back(self, line: Pair, version: str) -> None:
        """Restores what was there before the last answer about a line.

        Raises:
          ChangedMeanwhile: the text is another one than that of the answer.
          UserError: there is no answer to take back, or the disk does not take it.
        """
        given = self._given.get(line.name)
        if not given:
            raise UserError(f"{line.name}: has no answer that can be taken back")
        self._write(line, given[-1].before, version)
        self._append(line.name, None)

    def _write(self, line: Pair, text: str | None, version: str) -> str | None:
        """Writes or removes the text of a line, and returns what was there before."""
        path = self.place(line)
        now, before = self.look(line)
        if now != version:
            raise ChangedMeanwhile
        try:
            if self._copies and text is not None:
                self._copy(line, path.parent)
            if text is None:
                path.unlink(missing_ok=True)
            elif version == NOTHING:
                write_new(path, f"{text}\n".encode())
            else:
                write_bytes(path, f"{text}\n".encode())
        except FileExistsError:
            raise ChangedMeanwhile from None
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
        return before

    def _copy(self, line: Pair, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / line.picture.name
        if not os.path.lexists(copy):
            write_bytes(copy, read_regular(line.picture, MAX_PICTURE_BYTES, through_links=True))

    def _append(self, name: str, answer: Answer | None) -> None:
        """Appends to the diary; None takes the last answer back."""
        row = {"name": name, "kind": "taken back"} if answer is None else {"name": name, **vars(answer)}
        data = f"{json.dumps(row)}\n".encode()
        path = self._folder / DIARY
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            with open(descriptor, "r+b", buffering=0) as file:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a kill cut the last line short
                    data = b"\n" + data
                file.write(data)
                os.fsync(descriptor)
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
        self._remember(name, answer)

    def _read_diary(self) -> Iterator[tuple[str, Answer | None]]:
        try:
            lines = read_regular(self._folder / DIARY, 1 << 30).splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(f"{self._folder / DIARY}: cannot be read: {error.strerror or error}") from None
        for line in filter(None, lines):
            try:
                row = json.loads(line)
                name = row.pop("name")
                yield name, None if row["kind"] == "taken back" else Answer(**row)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.damaged += 1

    def _remember(self, name: str, answer: Answer | None) -> None:
        """Adds an answer to what is known; None takes the last one about the line away."""
        given = self._given.setdefault(name, [])
        self._count(given[-1] if given else None, -1)
        if answer is not None:
            given.append(answer)
        kind = given.pop().kind_before if answer is None and given else answer.kind if answer is not None else None
        self._count(given[-1] if given else None, 1)
        self.kinds.pop(name, None)
        if kind is not None and kind != "text":
            self.kinds[name] = kind
        self.history.pop(name, None)
        if given:
            self.history[name] = None

    def _count(self, answer: Answer | None, times: int) -> None:
        if answer is not None and answer.kind == "text" and answer.read is not None:
            found = vars(count_errors([fold(answer.text)], [fold(answer.read)]))
            self._counted.update({name: times * number for name, number in found.items()})


def clean_text(text: str) -> str:
    """Returns a text as it is written: NFC, without white space around it.

    Raises:
      UserError: it is empty, too long, or holds what a line of text cannot.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise UserError("the text is empty; if there is none, say that the line is not readable")
    if len(text.encode(errors="replace")) >= MAX_TRUTH_BYTES:
        raise UserError(f"the text is too long: expected less than {MAX_TRUTH_BYTES} bytes")
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    if bad:
        raise UserError(f"the text has a character that no line of text shows: {ascii(bad[0])[1:-1]}")
    return text
