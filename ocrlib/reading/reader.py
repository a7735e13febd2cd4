"""`ocrlib.Reader`: pictures of any kind in, readings out; what `predict` does, for programs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from ocrlib.errors import UserError
from ocrlib.extras import installed
from ocrlib.pictures.opening import load_picture, read_pages
from ocrlib.reading.decoding.language import Known
from ocrlib.reading.prediction import Line, cut_for, read_decoded
from ocrlib.reading.recognizer import NO_LANGUAGE_MODEL, OWN, Reading, Recognizer

Picture = str | Path | Image.Image | np.ndarray | bytes


class Reader:
    """Reads pictures of lines.

        with ocrlib.Reader("numeric", pattern="[0-9]+[.][0-9]{2}") as reader:
            reading = reader.read("amount.png")
            print(reading.text, reading.confidence)

    It may be used by several threads at once, and it pickles: the copy opens the model again, in its own process.
    A shipped model and an `.onnx` file are read without TensorFlow.

    Args:
      model: the name of a shipped model, an `.onnx` file, a run folder, or a `.keras` file.
      pattern: a regular expression that a line matches whole, or several of which one must match; "recipe" stands for
        those that the model was trained on.
      lexicon: every text there is, or a UTF-8 file with a line for each.
      check: the name of a check digit that is right, such as "luhn", or a function of the text.
      charset: the only characters there are.
      nbest: how many texts of each line, 1 to 100; `Reading.others` has those after the first.
      min_confidence: where the confidence is below it, 0 to 1, or the line is of another kind than you say,
        `Reading.text` is empty and `Reading.guess` has what was read.
      search: take the most probable text also where nothing is known about the lines; slower, and rarely better.
      language_model: a file that `ocrlib language-model` wrote; "auto" for the one that belongs to the model, if there
        is one; "none". It is used where nothing is known about the lines and one text is wanted.

    Attributes:
      charset: the characters that the model knows.
      notes: what you should know about what was given, a sentence each; often empty.

    Raises:
      UserError: there is no such model, or no text is left that a line could be.
    """

    def __init__(
        self,
        model: str | Path = "numeric",
        *,
        pattern: str | Sequence[str] = (),
        lexicon: str | Path | Iterable[str] | None = None,
        check: str | Callable[[str], bool] | None = None,
        charset: str | None = None,
        nbest: int = 1,
        min_confidence: float | None = None,
        search: bool = False,
        language_model: str | Path = OWN,
    ) -> None:
        if not 1 <= nbest <= 100:
            raise UserError(f"nbest: expected a whole number from 1 to 100, not {nbest!r}")
        if min_confidence is not None and not 0 <= min_confidence <= 1:
            raise UserError(f"min_confidence: expected a number from 0 to 1, not {min_confidence!r}")
        self._model = str(Path(model).absolute()) if Path(model).exists() else str(model)
        self._known = Known(
            patterns=(pattern,) if isinstance(pattern, str) else tuple(pattern),
            lexicon=_lexicon(lexicon),
            characters=charset,
            check=check,
        )
        self._nbest, self._min_confidence, self._search = nbest, min_confidence, search
        named = str(language_model) in (OWN, NO_LANGUAGE_MODEL)
        self._language_model = str(language_model if named else Path(language_model).absolute())
        with installed():
            recognizer = Recognizer.load(self._model, self._known, nbest, search, language_model=self._language_model)
        self._recognizer: Recognizer | None = recognizer
        self.charset: str = recognizer.charset.characters
        self.notes: tuple[str, ...] = recognizer.notes

    def read(self, picture: Picture) -> Reading:
        """Returns what stands in a picture of one line.

        Args:
          picture: a file, a PIL image, the bytes of a file, or an array: (H, W), (H, W, 3) RGB, (H, W, 4) with
            opacity; whole numbers, truth values, or floats from 0 to 1 or to 255. Any size: the line is found and
            scaled.

        Raises:
          UserError: it cannot be read as a picture, or has several pages; or the reader is closed.
        """
        recognizer = self.recognizer
        line = _line_of(recognizer, "the picture", picture)
        if isinstance(line, UserError):
            raise line
        pixels, look = line
        (reading,) = recognizer.read_lines([pixels])
        return self._answer(replace(reading, look=look))

    def read_many(self, pictures: Iterable[Picture], *, errors: bool = False) -> Iterator[Reading | UserError]:
        """Yields what stands in each picture, in their order; faster than one by one.

        Files are opened and decoded by threads, about a thousand ahead of the one that you get. Of an array or a PIL
        image, a copy is read: a generator may give the same one again with something else on it, as frames come.

        Args:
          pictures: as for `read`; a generator is taken bit by bit.
          errors: yield the error of a picture that cannot be read in its place; otherwise it is raised.

        Raises:
          UserError: a picture cannot be read, and `errors` is not set; or the reader is closed.
        """
        return self._read_many(self.recognizer, pictures, errors)

    def _read_many(
        self, recognizer: Recognizer, pictures: Iterable[Picture], errors: bool
    ) -> Iterator[Reading | UserError]:
        def decode(named: tuple[str, Picture | UserError]) -> list[tuple[str, Line | UserError]]:
            name, picture = named
            return [(name, picture if isinstance(picture, UserError) else _line_of(recognizer, name, picture))]

        copies = ((name, _copied(name, picture)) for name, picture in _named(pictures))
        for _, reading in read_decoded(recognizer, copies, decode, lambda named: _num_bytes(named[1])):
            if not isinstance(reading, UserError):
                yield self._answer(reading)
            elif errors:
                yield reading
            else:
                raise reading

    def close(self) -> None:
        """Lets go of the model's memory. Nothing can be read afterwards; closing again does nothing."""
        self._recognizer = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Reader({self._model!r}{'' if self._recognizer else ', closed'})"

    def __reduce__(self) -> tuple[Callable[..., "Reader"], tuple[()]]:
        known = self._known
        again = partial(
            Reader,
            self._model,
            pattern=known.patterns,
            lexicon=known.lexicon,
            check=known.check,
            charset=known.characters,
            nbest=self._nbest,
            min_confidence=self._min_confidence,
            search=self._search,
            language_model=self._language_model,
        )
        return again, ()

    @property
    def recognizer(self) -> Recognizer:
        """What reads, for ocrlib's own functions."""
        recognizer = self._recognizer
        if recognizer is None:
            raise UserError("the reader is closed; make a new one")
        return recognizer

    def _answer(self, reading: Reading) -> Reading:
        if self._min_confidence is None or reading.sureness >= self._min_confidence:
            return reading
        return replace(reading, text="", guess=reading.text)


def _named(pictures: Iterable[Picture]) -> Iterator[tuple[str, Picture]]:
    return ((f"picture {number}", picture) for number, picture in enumerate(pictures))


def _copied(name: str, picture: Picture) -> Picture | UserError:
    """What can be read later, by another thread; why a PIL image cannot be read, which is loaded here."""
    if isinstance(picture, np.ndarray):
        return picture.copy()
    if isinstance(picture, bytearray | memoryview):
        return bytes(picture)
    if not isinstance(picture, Image.Image):
        return picture
    try:
        return load_picture(picture, name)  # a copy
    except UserError as error:
        return error


def _num_bytes(picture: Picture | UserError) -> int:
    """How much memory a picture takes that is not a file's name."""
    if isinstance(picture, Image.Image):
        return picture.width * picture.height * len(picture.getbands())
    return picture.nbytes if isinstance(picture, np.ndarray) else len(picture) if isinstance(picture, bytes) else 0


def _lexicon(given: str | Path | Iterable[str] | None) -> Path | tuple[str, ...] | None:
    if isinstance(given, str | Path):
        return Path(given).absolute()  # a copy in another process may have another working directory
    return None if given is None else tuple(given)


def _line_of(recognizer: Recognizer, name: str, picture: Picture) -> Line | UserError:
    """The line on a picture of any kind, or why there is none. A file is named by its path, all else by `name`."""
    if isinstance(picture, np.ndarray):
        return cut_for(recognizer, picture, name)
    if isinstance(picture, Image.Image):
        try:
            return cut_for(recognizer, load_picture(picture, name), name)
        except UserError as error:
            return error
    if isinstance(picture, bytes | bytearray | memoryview):
        return _only_page(recognizer, BytesIO(picture), name)
    if isinstance(picture, str | Path):
        return _only_page(recognizer, Path(picture), str(picture))
    return UserError(f"{name}: expected a path, a PIL image, an array or bytes, not {type(picture).__name__}")


def _only_page(recognizer: Recognizer, source: Path | BytesIO, name: str) -> Line | UserError:
    (_, page), *more = islice(read_pages(source, name), 2)
    if more:
        return UserError(f"{name}: has several pages or frames; open it with Pillow, and read them one by one")
    return cut_for(recognizer, page, name)
