"""A comparison of readers as one page: figures, differences with their intervals, and lines that only one reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocrlib.dataset.mirror import place_of
from ocrlib.evaluation.compare import Comparison, Difference
from ocrlib.evaluation.compare_text import HEADS, difference_text, figures_row
from ocrlib.evaluation.contestants import Contestant, what_differs
from ocrlib.evaluation.misses import images_of
from ocrlib.html.page import png_uri, render_page
from ocrlib.web.figures import as_picture, marked

MAX_LINES = 30  # that only one of two reads
MAX_GROUPS = 40


def comparison_page(
    contestants: Sequence[Contestant], comparisons: Sequence[Comparison], data: Path, split: str | None
) -> str:
    """Returns the page.

    Args:
      contestants, comparisons: the readers, and each but the first compared with that.
      data, split: what they read.
    """
    values = {
        "title": " against ".join(contestant.name for contestant in contestants),
        "data": f"{place_of(data)} ({split})" if split else str(data),
        "lines": contestants[0].report.overall["lines"],
        "heads": HEADS,
        "rows": [(contestant.name, figures_row(contestant)) for contestant in contestants],
        "first": contestants[0].name,
        "pairs": [
            _pair(contestants[0], other, comparison, data, split)
            for other, comparison in zip(contestants[1:], comparisons, strict=True)
        ],
        "names": [contestant.name for contestant in contestants],
        "differing": what_differs(contestants),
    }
    return render_page(Path(__file__).parent / "templates", "compare.html", values)


def _pair(
    first: Contestant, other: Contestant, comparison: Comparison, data: Path, split: str | None
) -> dict[str, Any]:
    shown = [*comparison.gained[:MAX_LINES], *comparison.lost[:MAX_LINES]]
    names = [first.report.lines[i].name for i in shown]
    images = images_of(names, first.recognizer, data, split) if names else {}

    def line(number: int) -> dict[str, Any]:
        name = first.report.lines[number].name
        return {
            "picture": png_uri(as_picture(images[name])),
            "name": name,
            "truth": first.report.lines[number].truth,
            "first": marked(first.report.lines[number]),
            "other": marked(other.report.lines[number]),
        }

    return {
        "name": other.name,
        "cer": difference_text(comparison.cer),
        "exact": difference_text(comparison.exact_match),
        "groups": [(group, _mark(group.difference)) for group in comparison.groups[:MAX_GROUPS]],
        "gained": [line(number) for number in comparison.gained[:MAX_LINES]],
        "num_gained": len(comparison.gained),
        "lost": [line(number) for number in comparison.lost[:MAX_LINES]],
        "num_lost": len(comparison.lost),
    }


def _mark(difference: Difference) -> str:
    """The class of a difference of error rates."""
    return "" if difference.may_be_chance else "right" if difference.value < 0 else "wrong"
