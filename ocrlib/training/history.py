"""What a run writes down after each epoch: a line of figures, a row of history.csv, and a picture of what it reads."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ocrlib.batches.mixture import Mixture
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.evaluation.strip import draw_strip
from ocrlib.files import open_whole, read_regular, write_bytes

MAX_HISTORY_BYTES = 16 << 20  # some hundred bytes an epoch


def figures_line(epoch: int, figures: Mapping[str, float]) -> str:
    """Returns the line that a user sees after an epoch; `epoch` counts from 0."""
    spoiled = int(figures.get("spoiled_steps", 0))
    steps = f"{spoiled} step{'s' * (spoiled > 1)}"
    left_out = f"; in {steps} a part of the gradients was not a number in bfloat16 and was left out" if spoiled else ""
    return (
        f"epoch {epoch + 1}: loss {figures['loss']:.3f}, validation loss {figures['val_loss']:.3f}, "
        f"CER {figures['val_cer']:.2%}, WER {figures['val_wer']:.2%}, exact {figures['val_exact_match']:.2%}, "
        f"{figures['minutes']:.1f} min{left_out}"
    )


def write_row(path: Path, epoch: int, figures: Mapping[str, float]) -> None:
    """Puts the figures of an epoch into history.csv, behind those of the epochs before it.

    `epoch` counts from 0, its row from 1, as the screen does.

    The file is written whole. A row of this epoch or a later one is left out: a run that was killed behind such a row,
    but before its place was saved, trains that epoch again.
    """
    rows = [row for row in read_rows(path) if int(row["epoch"]) <= epoch]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["epoch", *sorted(figures)], restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows([*rows, {"epoch": epoch + 1, **figures}])
    write_bytes(path, text.getvalue().encode())


def read_rows(path: Path) -> list[dict[str, str]]:
    """Returns the rows of history.csv: the last one where an epoch has several, and none that was cut short.

    Earlier versions appended to the file, so a kill could cut a row, or leave two of one epoch.

    Raises:
      UserError: there is such a file, and it cannot be read.
    """
    try:
        text = read_regular(path, MAX_HISTORY_BYTES).decode(errors="replace")
        whole = text[: text.rfind("\n") + 1]  # a row that does not end was cut
        found = list(csv.DictReader(io.StringIO(whole, newline="")))
    except FileNotFoundError:
        return []
    except (OSError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}; move it away to begin another") from None
    rows = {}
    for row in found:
        try:
            for value in row.values():
                if value != "":  # a column that later epochs have
                    float(value)
            rows[int(row["epoch"])] = row
        except (KeyError, TypeError, ValueError):  # too few fields, too many, or half a number
            continue
    return [rows[epoch] for epoch in sorted(rows)]


class PredictionStrip:
    """Draws the same validation lines after each epoch, with truth and prediction.

    Args:
      read: (H, W, C) images -> their texts, read by the network in its current state.
      validation: the lines are taken from it.
      charset: of its labels.
      folder: for `epoch-001.png` and so on.
    """

    def __init__(
        self, read: Callable[[list[np.ndarray]], list[str]], validation: Mixture, charset: Charset, folder: Path
    ) -> None:
        self._read, self._folder = read, folder
        self._images, self._truths = strip_lines(validation, charset)

    def draw(self, epoch: int) -> None:
        """Writes the picture of an epoch; `epoch` counts from 0."""
        strip = draw_strip(self._images, self._truths, self._read(self._images))
        self._folder.mkdir(parents=True, exist_ok=True)
        with open_whole(self._folder / f"epoch-{epoch + 1:03d}.png", "wb") as file:
            strip.save(file, "PNG")


def strip_lines(validation: Mixture, charset: Charset, num_lines: int = 16) -> tuple[list[np.ndarray], list[str]]:
    """Returns (H, W, C) images and their texts, at even distances over all batches, so of all widths."""
    lines = [(batch, row) for batch in validation.batches() for row in range(len(batch["width"]))]
    num_lines = min(num_lines, len(lines))
    images, truths = [], []
    for i in range(num_lines):
        batch, row = lines[i * len(lines) // num_lines]
        images.append(batch["image"][row, :, : batch["width"][row]])
        truths.append(charset.decode(batch["label"][row, : batch["label_length"][row]].tolist()))
    return images, truths
