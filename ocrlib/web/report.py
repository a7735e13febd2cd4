"""`report.html` of a run: how it learned, how it reads the test split, and what it was made from, in one file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ocrlib.errors import UserError
from ocrlib.files import write_bytes
from ocrlib.html.charts import line_chart
from ocrlib.html.page import png_uri, render_page
from ocrlib.pictures.opening import read_picture
from ocrlib.web.figures import Measured, section

REPORT_NAME = "report.html"
TEMPLATES = Path(__file__).parent / "templates"
MAX_STRIPS = 5  # pictures of predictions, of all epochs
MAX_STRIP_BYTES = 300_000  # of one; a larger one is left out, because a report has 3 MB at most


def write_report(
    run: Path,
    history: Sequence[Mapping[str, str]],
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    measured: Sequence[Measured],
) -> Path:
    """Writes the report of a run into its folder, and returns its path.

    Args:
      run: the folder.
      history: the rows of history.csv.
      config: what config.json holds.
      metrics: what metrics.json holds; empty if the training has not ended.
      measured: the reader on each dataset; none where the datasets are not there.
    """
    rows = [{name: float(value) for name, value in row.items() if value} for row in history]
    strips, left_out = _strips(run / "predictions")
    values = {
        "title": f"run {run.resolve().name}",
        "epochs": len(rows),
        "minutes": rows[-1].get("minutes") if rows else None,
        "parameters": (config.get("network") or {}).get("parameters"),
        "curves": [
            line_chart(
                {"CER": _points(rows, "val_cer")},
                "minutes",
                "CER of the validation split",
                logarithmic=True,
                percent=True,
            ),
            line_chart({"training": _points(rows, "loss"), "validation": _points(rows, "val_loss")}, "minutes", "loss"),
        ],
        "strips": strips,
        "strips_left_out": left_out,
        "sections": [section(each) for each in measured],
        "unmeasured": [(folder, figures) for folder, figures in metrics.get("datasets", {}).items() if not measured],
        "datasets": config.get("datasets", []),
        "init": config.get("init"),
        "settings": json.dumps(config.get("config", {}), indent=2, ensure_ascii=False),
    }
    path = run / REPORT_NAME
    write_bytes(path, render_page(TEMPLATES, "report.html", values).encode())
    return path


def _points(rows: Sequence[Mapping[str, float]], name: str) -> list[tuple[float, float]]:
    return [(row["minutes"], row[name]) for row in rows if name in row and "minutes" in row]


def _strips(folder: Path) -> tuple[list[tuple[str, str]], int]:
    """Returns (name, picture) of some epochs, from the first to the last, and how many of these are left out.

    A picture that is too large or damaged is left out.
    """
    paths = sorted(folder.glob("epoch-*.png"))
    last = len(paths) - 1
    chosen = sorted({round(i * last / (MAX_STRIPS - 1)) for i in range(MAX_STRIPS)}) if paths else []
    strips, left_out = [], 0
    for path in (paths[i] for i in chosen):
        try:
            picture = read_picture(path, path.name).convert("RGB")
        except UserError:
            left_out += 1
            continue
        uri = png_uri(picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
        if len(uri) <= MAX_STRIP_BYTES:
            strips.append((path.stem.replace("-", " "), uri))
        else:
            left_out += 1
    return strips, left_out
