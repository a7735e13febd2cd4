"""How many lines can be answered at which error, if what is less sure than a threshold is not answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocrlib.files import open_output
from ocrlib.private import import_matplotlib

TARGETS = (0.001, 0.005, 0.01)  # shares of the answered lines that may be wrong


@dataclass(frozen=True, kw_only=True)
class Point:
    """What becomes of the lines at a threshold.

    Attributes:
      confidence: the threshold; a line with less is not answered.
      answered: lines.
      coverage: these, of all lines, 0 to 1.
      wrong: share of the answered lines that are not exact, 0 to 1.
    """

    confidence: float
    answered: int
    coverage: float
    wrong: float


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Accuracy against coverage.

    Attributes:
      points: from the most confident lines to all of them, one for each confidence.
      area: under the curve of `wrong` over coverage: the mean of `wrong` over all numbers of answered lines, 0 to 1.
      targets: {share that may be wrong: the point with the most lines that keeps it}; None where none does.
    """

    points: tuple[Point, ...]
    area: float
    targets: dict[float, Point | None]

    def at(self, confidence: float) -> Point | None:
        """Returns the point with the most lines that are at least as sure; None if none is."""
        return next((point for point in reversed(self.points) if point.confidence >= confidence), None)


def measure_coverage(confidences: Sequence[float], exact: Sequence[bool]) -> Coverage:
    """Returns accuracy against coverage; lines with the same confidence are answered together.

    Source of the area: Geifman, El-Yaniv 2017, "Selective Classification for Deep Neural Networks", NeurIPS.
    """
    order = np.argsort(-np.array(confidences, float), kind="stable")
    confidence, wrong = np.array(confidences, float)[order], ~np.array(exact, bool)[order]
    ends = np.append(np.flatnonzero(np.diff(confidence)), len(confidence) - 1)[: len(confidence)]
    shares = np.cumsum(wrong)[ends] / (ends + 1)
    points = [
        Point(
            confidence=float(confidence[end]),
            answered=int(end) + 1,
            coverage=(int(end) + 1) / len(confidence),
            wrong=float(share),
        )
        for end, share in zip(ends, shares, strict=True)
    ]
    lines = np.diff(ends, prepend=-1)
    keeping = {target: [point for point in points if point.wrong <= target] for target in TARGETS}
    return Coverage(
        points=tuple(points),
        area=float((shares * lines).sum() / max(1, len(confidence))),
        targets={target: kept[-1] if kept else None for target, kept in keeping.items()},
    )


def draw_coverage(coverage: Coverage, out: Path) -> None:
    """Writes a picture of the share of wrong lines against the share of answered ones, to a .png file."""
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(6, 4), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    points = coverage.points
    axes.step([point.coverage for point in points], [point.wrong for point in points], where="post")
    for target, point in coverage.targets.items():
        if point is not None:
            axes.plot(point.coverage, point.wrong, "o", label=f"at most {target:.1%} wrong: {point.coverage:.1%}")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("lines that are answered, the surest first")
    axes.set_ylabel("of them wrong")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1))
    if any(coverage.targets.values()):
        axes.legend()
    axes.grid(alpha=0.3)
    with open_output(out, "wb") as file:
        canvas.print_png(file)
