"""How well a reader does: on a split of a dataset, or on pictures with their texts beside them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.loader import Loader
from ocrlib.metrics import Counts, count_errors, fold
from ocrlib.pictures import read_line_image
from ocrlib.recognizer import Recognizer
from ocrlib.selection import SelectionConfig
from ocrlib.shards.manifest import read_manifest


def summary(counts: Counts) -> dict[str, Any]:
    """Returns the rates and the counts behind them, JSON-ready."""
    rates = {"cer": counts.cer, "wer": counts.wer, "exact_match": counts.exact_match}
    return {name: round(rate, 6) for name, rate in rates.items()} | asdict(counts)


def evaluate_dataset(
    recognizer: Recognizer, folder: Path, split: str, selection: SelectionConfig | None = None
) -> dict[str, Any]:
    """Returns the error rates of a reader on a split of a dataset; a selection can make `val` out of `train`.

    Labels may have characters that the reader does not know: then it gets them wrong.

    Raises:
      UserError: no such split, damaged shards, or images of another height or number of channels.
    """
    loader = Loader(folder, split, Charset(read_manifest(folder).charset), None, selection=selection)
    if (loader.image.height, loader.image.channels) != (recognizer.height, recognizer.channels):
        raise UserError(
            f"{folder}: has images of height {loader.image.height} and {loader.image.channels} channels, the model "
            f"reads {recognizer.height} and {recognizer.channels}"
        )
    ids, truths, texts = [], [], []
    for batch in loader.batches():
        lengths = zip(batch["label"], batch["label_length"], strict=True)
        ids += batch["id"].tolist()
        truths += [loader.charset.decode(label[:length].tolist()) for label, length in lengths]
        texts += [reading.text for reading in recognizer.read_batch(batch["image"], batch["width"])]
    result = summary(count_errors(truths, texts))
    heldout = set(loader.manifest.fonts.get("heldout", []))
    if split == "test" and heldout:
        font_of = loader.read_column("font")
        for name, unseen in (("known_fonts", False), ("heldout_fonts", True)):
            rows = [i for i, line in enumerate(ids) if (font_of[line] in heldout) == unseen]
            result[name] = summary(count_errors([truths[i] for i in rows], [texts[i] for i in rows]))
    return result


def evaluate_folder(recognizer: Recognizer, folder: Path) -> dict[str, Any]:
    """Returns the error rates on `NAME.png` with `NAME.gt.txt` beside it, both folded (`metrics.fold`).

    Raises:
      UserError: no pairs there, or one that cannot be read.
    """
    pairs = [(path, path.with_name(f"{path.stem}.gt.txt")) for path in sorted(folder.glob("*.png"))]
    missing = [image.name for image, text in pairs if not text.exists()]
    if missing or not pairs:
        raise UserError(
            f"{folder}: expected pairs of NAME.png and NAME.gt.txt, "
            + (f"{len(missing)} pictures have no text ({missing[0]} ...)" if missing else "found none")
        )
    images = [read_line_image(path, recognizer.height, recognizer.channels) for path, _ in pairs]
    truths = [fold(_read_text(text)) for _, text in pairs]
    return summary(count_errors(truths, [fold(reading.text) for reading in recognizer.read(images)]))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text: {error}") from None
