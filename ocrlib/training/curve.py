"""How a training went: its history.csv as a picture, validation CER and loss against minutes."""

import csv
from pathlib import Path

from ocrlib.private import import_matplotlib


def draw_curve(history: Path, out: Path) -> None:
    """Writes a picture of a run's history, which has a row an epoch; CER on a logarithmic axis.

    Args:
      history: history.csv of a run folder, with columns minutes, val_cer, loss and val_loss.
      out: a .png file.
    """
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    with open(history, newline="", encoding="utf-8") as file:
        # A row that a stop cut short has fields too few, or what came after it on its line.
        whole = [row for row in csv.DictReader(file) if None not in row and None not in row.values()]
    rows = [{name: float(value) for name, value in row.items()} for row in whole]
    minutes = [row["minutes"] for row in rows]
    figure = Figure(figsize=(8, 3.2), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    error, loss = figure.subplots(1, 2)
    # A CER of 0 has no place on a logarithmic axis; half of the smallest one stands for it.
    smallest = min((row["val_cer"] for row in rows if row["val_cer"] > 0), default=1e-4)
    error.semilogy(minutes, [row["val_cer"] or smallest / 2 for row in rows], marker="o")
    error.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    error.set_ylabel("CER of the validation split")
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        loss.plot(minutes, [row[name] for row in rows], marker="o", label=label)
    loss.set_ylabel("loss")
    loss.legend()
    for axes in (error, loss):
        axes.set_xlabel("minutes of training")
        axes.grid(alpha=0.3, which="both")
    canvas.print_png(out)
