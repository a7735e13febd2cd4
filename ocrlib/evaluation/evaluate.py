"""How well a model reads: a split of a dataset, or pictures with their texts beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ocrlib.batches.loader import Loader
from ocrlib.batches.selection import SelectionConfig
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.errors import UserError
from ocrlib.evaluation.metrics import ErrorCounts, count_errors, fold
from ocrlib.pictures.opening import cut_named_picture, load_picture, open_picture
from ocrlib.pictures.pairs import TEXT_ENDING, Pair, Unusable, find_pairs, read_truth
from ocrlib.pictures.truths import label_of
from ocrlib.reading.recognizer import Recognizer

PICTURES_AT_ONCE = 1024  # in memory; enough of them to make batches of like width


@dataclass(frozen=True, kw_only=True)
class ReadLine:
    """A line that was read.

    Attributes:
      name: its sample id, or the file name of its picture.
      truth, text: what it says, and what the model read.
      confidence: 0 to 1.
      width_px: of the picture as it was read, without padding.
      sureness: the confidence, but 0 for a line of another kind than the user says; as `Reading.sureness`.
    """

    name: str
    truth: str
    text: str
    confidence: float
    width_px: int
    sureness: float


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
                sureness=reading.sureness,
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


def read_pairs(recognizer: Recognizer, folder: Path) -> tuple[list[ReadLine], list[Unusable]]:
    """Returns the lines of NAME.png with NAME.gt.txt in a folder and below, read, and what could not be used.

    Both texts are folded. Which files belong together and which texts are labels is as for `import`.

    Raises:
      UserError: there is no pair that can be used.
    """
    lines: list[ReadLine] = []
    left_out: list[Unusable] = []
    found = find_pairs(folder)
    while some := list(islice(found, PICTURES_AT_ONCE)):
        opened = [_open_pair(recognizer, one, left_out) for one in some]
        usable = [pair for pair in opened if pair is not None]
        readings = recognizer.read_lines([image for _, _, image in usable])
        for (name, truth, image), reading in zip(usable, readings, strict=True):
            line = ReadLine(
                name=name,
                truth=truth,
                text=fold(reading.text),
                confidence=reading.confidence,
                width_px=image.shape[1],
                sureness=reading.sureness,
            )
            lines.append(line)
    if not lines:
        named = f", {len(left_out)} files that are none: {left_out[0]}" if left_out else ", found none"
        raise UserError(f"{folder}: expected pairs of NAME.png and NAME{TEXT_ENDING}{named}")
    return lines, left_out


def _open_pair(
    recognizer: Recognizer, found: Pair | Unusable, left_out: list[Unusable]
) -> tuple[str, str, np.ndarray] | None:
    """Returns name, truth and line image of a pair; None where it is left out, which is then noted."""
    if isinstance(found, Unusable):
        left_out.append(found)
        return None
    try:
        label, reason, detail = label_of(read_truth(found.text), None)
    except UserError as error:
        label, reason, detail = "", "text cannot be read", str(error).removeprefix(f"{found.text}: ")
    if reason:
        left_out.append(Unusable(name=found.name, reason=reason, detail=detail))
        return None
    try:
        with open_picture(found.picture, found.name) as opened:
            num_pages = getattr(opened, "n_frames", 1)
            picture = load_picture(opened, found.name)
        form = recognizer.height, recognizer.channels, recognizer.margins
        image, _ = cut_named_picture(picture, found.name, *form)
    except UserError as error:
        reason = str(error).removeprefix(f"{found.name}: ")
        left_out.append(Unusable(name=found.name, reason="broken picture", detail=reason))
        return None
    if num_pages > 1:
        detail = f"pages 2 to {num_pages} of {num_pages} are left out"
        left_out.append(Unusable(name=found.name, reason="further pages", detail=detail))
    return found.name, fold(label), image
