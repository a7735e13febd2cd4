"""The history of a run as a picture: validation CER and both losses against minutes."""

from pathlib import Path

from ocrlib.files import open_whole
from ocrlib.private import import_matplotlib
from ocrlib.training.history import read_rows

_MOST_TICKS = 6  # of an axis
_DRAWN = ("minutes", "val_cer", "loss", "val_loss")


def draw_curve(history: Path, out: Path) -> None:
    """Writes a picture of a run's history, which has a row for each epoch; the CER has a logarithmic axis.

    Args:
      history: history.csv of a run folder, with columns minutes, val_cer, loss and val_loss.
      out: a .png file.
    """
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter

    rows = [{name: float(row[name]) for name in _DRAWN} for row in read_rows(history) if row.keys() >= set(_DRAWN)]
    minutes = [row["minutes"] for row in rows]
    figure = Figure(figsize=(8, 3.2), dpi=100)
    # By hand: a layout engine takes longer than all the rest.
    figure.subplots_adjust(left=0.1, right=0.99, top=0.96, bottom=0.15, wspace=0.22)
    canvas = FigureCanvasAgg(figure)
    error, loss = figure.subplots(1, 2)
    # A logarithmic axis has no 0: a CER of 0 is drawn at half of the smallest other one.
    smallest = min((row["val_cer"] for row in rows if row["val_cer"] > 0), default=1e-4)
    error.semilogy(minutes, [row["val_cer"] or smallest / 2 for row in rows], marker="o")
    error.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=_MOST_TICKS))
    error.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    error.yaxis.set_minor_formatter(NullFormatter())  # else a range of less than a decade is full of numbers
    error.set_ylabel("CER of the validation split")
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        loss.plot(minutes, [row[name] for row in rows], marker="o", label=label)
    loss.set_ylabel("loss")
    loss.legend()
    for axes in (error, loss):
        axes.set_xlabel("minutes of training")
        axes.xaxis.set_major_locator(MaxNLocator(_MOST_TICKS))
        axes.grid(alpha=0.3, which="both")
    with open_whole(out, "wb") as file:
        canvas.print_png(file)
