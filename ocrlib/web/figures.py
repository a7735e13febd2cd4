"""What the pages of a run and of a comparison share: a reader measured on data, with plots and misread lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from PIL import Image

from ocrlib.batches.selection import SelectionConfig
from ocrlib.evaluation.evaluate import ReadLine
from ocrlib.evaluation.metrics import wrong_positions
from ocrlib.evaluation.misses import evenly, images_of
from ocrlib.evaluation.report import ErrorReport, report_on_dataset, report_on_folder
from ocrlib.evaluation.report_text import advice_lines, shown_rows, table_title
from ocrlib.html.charts import line_chart
from ocrlib.html.page import png_uri
from ocrlib.reading.recognizer import Recognizer

MAX_MISSES = 60  # pictures of misread lines on a page
MAX_CONFUSIONS = 20


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A reader measured on a dataset or a folder of pairs.

    Attributes:
      data: the dataset or folder.
      split: of the dataset; None for a folder.
      report: all figures.
      misses: some misread lines with their images, the most confident first.
    """

    data: Path
    split: str | None
    report: ErrorReport
    misses: Sequence[tuple[ReadLine, np.ndarray]]

    @property
    def name(self) -> str:
        """What a page calls the data."""
        return f"{self.data} ({self.split})" if self.split else str(self.data)


def measure(
    recognizer: Recognizer, data: Path, split: str | None, selection: SelectionConfig | None = None
) -> Measured:
    """Returns how a reader reads a split of a dataset, or a folder of pairs; raises as `report_on_dataset` does."""
    if split is None:
        report = report_on_folder(recognizer, data)
    else:
        report = report_on_dataset(recognizer, data, split, selection)
    missed = sorted((line for line in report.lines if line.text != line.truth), key=lambda line: -line.confidence)
    shown = evenly(missed, MAX_MISSES)
    images = images_of([line.name for line in shown], recognizer, data, split, selection) if shown else {}
    misses = [(line, images[line.name]) for line in shown]
    return Measured(data=data, split=split, report=report, misses=misses)


def section(measured: Measured) -> dict[str, Any]:
    """Returns what the template shows of a reader on some data."""
    report = measured.report
    reliability, coverage = report.reliability, report.coverage
    bins = [
        (each.mean_confidence, each.exact_match)
        for each in reliability.bins
        if each.mean_confidence is not None and each.exact_match is not None
    ]
    points = coverage.points[:: -(-len(coverage.points) // 200)]
    return {
        "name": measured.name,
        "figures": headline(report.overall),
        "faces": [(name, report.overall[name]) for name in ("known_fonts", "heldout_fonts") if name in report.overall],
        "charts": [
            line_chart({"exact": bins}, "confidence", "share of exact lines", percent=True, diagonal=True),
            line_chart(
                {"wrong": [(point.coverage, point.wrong) for point in points]},
                "share of lines answered, the surest first",
                "of them wrong",
                percent=True,
            ),
        ],
        "calibration_error": reliability.expected_calibration_error,
        "targets": list(coverage.targets.items()),
        "tables": [
            (table_title(table), shown_rows(table), len(table.rows)) for table in report.tables if len(table.rows) > 1
        ],
        "heldout": report.heldout,
        "confusions": [
            (visible(true), visible(read), count) for true, read, count in report.confusions[:MAX_CONFUSIONS]
        ],
        "misses": [(png_uri(as_picture(image)), line, marked(line)) for line, image in measured.misses],
        "num_misses": report.overall["lines"] - report.overall["exact"],
        "advice": advice_lines(report),
    }


def headline(overall: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the figures that are written large."""
    return [
        ("exact", f"{overall['exact_match']:.2%}"),
        ("CER", f"{overall['cer']:.2%}"),
        ("WER", f"{overall['wer']:.2%}"),
        ("lines", f"{overall['lines']:,}"),
    ]


def as_picture(image: np.ndarray) -> Image.Image:
    """Returns a line, (H, W, 1) or (H, W, 3) uint8, as a picture."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)


def marked(line: ReadLine) -> Markup:
    """Returns what was read with the wrong characters marked; a low line stands for characters that are missing."""
    wrong = wrong_positions(line.truth, line.text)
    parts = [
        Markup('<b class="miss">{}</b>').format(c) if i in wrong else escape(c)
        for i, c in enumerate(line.text + ("▁" if len(line.text) in wrong else ""))
    ]
    return Markup("").join(parts)


def visible(character: str) -> str:
    """Returns a character, or a word for one that cannot be seen."""
    return {"": "nothing", " ": "space"}.get(character, character)
