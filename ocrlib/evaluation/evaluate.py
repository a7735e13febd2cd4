"""How well a model reads: a split of a dataset, or pictures with their texts beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ocrlib.batches.loader import Loader
from ocrlib.batches.selection import SelectionConfig
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.evaluation.metrics import ErrorCounts, count_errors, fold
from ocrlib.files import read_regular
from ocrlib.pairs import MAX_TRUTH_BYTES
from ocrlib.pictures import ENDINGS, read_line_image
from ocrlib.reading.recognizer import Recognizer

_TEXT = ".gt.txt"  # what follows a picture's name in that of its text
PICTURES_AT_ONCE = 1024  # in memory; enough of them to make batches of like width


@dataclass(frozen=True, kw_only=True)
class ReadLine:
    """A line that was read.

    Attributes:
      name: its sample id, or the file name of its picture.
      truth, text: what it says, and what the model read.
      confidence: 0 to 1.
      width_px: of the picture as it was read, without padding.
    """

    name: str
    truth: str
    text: str
    confidence: float
    width_px: int


def summary(counts: ErrorCounts) -> dict[str, Any]:
    """Returns the rates and the counts behind them, JSON-ready."""
    rates = {"cer": counts.cer, "wer": counts.wer, "exact_match": counts.exact_match}
    return {name: round(rate, 6) for name, rate in rates.items()} | asdict(counts)


def summarise(lines: Sequence[ReadLine]) -> dict[str, Any]:
    """Returns the `summary` of lines that were read."""
    return summary(count_errors([line.truth for line in lines], [line.text for line in lines]))


def evaluate_dataset(
    recognizer: Recognizer, folder: Path, split: str, selection: SelectionConfig | None = None
) -> dict[str, Any]:
    """Returns the error rates of a model on a split of a dataset; a selection can make `val` out of `train`.

    For a test split with held-out faces also the rates of `known_fonts` and `heldout_fonts`.

    Raises:
      UserError: no such split, damaged shards, or images of another height or number of channels.
    """
    loader = open_split(recognizer, folder, split, selection)
    lines = list(read_split(recognizer, loader))
    return summarise(lines) | summarise_faces(lines, loader)


def open_split(recognizer: Recognizer, folder: Path, split: str, selection: SelectionConfig | None = None) -> Loader:
    """Returns the loader of a split, whose images fit the model; raises as `evaluate_dataset` does."""
    loader = Loader(SplitLines(folder, split, Charset(read_manifest(folder).charset), selection=selection), stride=None)
    if (loader.image.height, loader.image.channels) != (recognizer.height, recognizer.channels):
        raise UserError(
            f"{folder}: has images of height {loader.image.height} and {loader.image.channels} channels, the model "
            f"reads {recognizer.height} and {recognizer.channels}"
        )
    return loader


def read_split(recognizer: Recognizer, loader: Loader) -> Iterator[ReadLine]:
    """Yields the lines of a split, read batch by batch; a character that the model does not know counts as an error."""
    for batch in loader.batches():
        readings = recognizer.read_batch(batch["image"], batch["width"])
        for row, reading in enumerate(readings):
            yield ReadLine(
                name=batch["id"][row],
                truth=loader.lines.charset.decode(batch["label"][row, : batch["label_length"][row]].tolist()),
                text=reading.text,
                confidence=reading.confidence,
                width_px=int(batch["width"][row]),
            )


def heldout_faces(loader: Loader) -> frozenset[str]:
    """Returns the names of the faces that only this split has; empty for all splits but `test`."""
    return frozenset(loader.lines.manifest.fonts.get("heldout", [])) if loader.lines.split == "test" else frozenset()


def summarise_faces(lines: Sequence[ReadLine], loader: Loader) -> dict[str, Any]:
    """Returns the summaries of `known_fonts` and `heldout_fonts`; empty if no faces are held out."""
    heldout = heldout_faces(loader)
    if not heldout:
        return {}
    font_of = {name: font for name, (font,) in loader.lines.read_provenance("font").items()}
    return {
        name: summarise([line for line in lines if (font_of[line.name] in heldout) == unseen])
        for name, unseen in (("known_fonts", False), ("heldout_fonts", True))
    }


def read_pairs(recognizer: Recognizer, folder: Path) -> Iterator[ReadLine]:
    """Yields the lines of `NAME.png`, or another picture, with `NAME.gt.txt` beside it; both texts folded.

    Raises:
      UserError: no pairs there, a picture or a text that has no other half, or one that cannot be read.
    """
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    pairs = [(path, path.with_name(path.stem + _TEXT)) for path in pictures]
    alone = [path.name for path, text in pairs if not text.exists()]
    alone += sorted({path.name for path in folder.glob(f"*{_TEXT}")} - {text.name for _, text in pairs})
    if alone or not pairs:
        raise UserError(
            f"{folder}: expected pairs of NAME.png and NAME{_TEXT}, "
            + (f"{len(alone)} without the other half: {', '.join(alone[:3])}" if alone else "found none")
        )
    for start in range(0, len(pairs), PICTURES_AT_ONCE):
        some = pairs[start : start + PICTURES_AT_ONCE]
        images = [read_line_image(path, recognizer.height, recognizer.channels, recognizer.margins) for path, _ in some]
        truths = [fold(_read_text(transcript)) for _, transcript in some]
        for (path, _), image, truth, reading in zip(some, images, truths, recognizer.read_lines(images), strict=True):
            yield ReadLine(
                name=path.name,
                truth=truth,
                text=fold(reading.text),
                confidence=reading.confidence,
                width_px=image.shape[1],
            )


def _read_text(path: Path) -> str:
    try:
        return read_regular(path, MAX_TRUTH_BYTES, through_links=True).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text: {error}") from None
