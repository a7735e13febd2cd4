"""What a model gets wrong, and where: all figures of `python -m ocrlib evaluate`, from lines that were read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ocrlib.batches.selection import SelectionConfig
from ocrlib.dataset.manifest import FILE_NAME
from ocrlib.dataset.mirror import mirrored
from ocrlib.dataset.store import is_address
from ocrlib.errors import UserError
from ocrlib.evaluation.advice import Advice, draw_more
from ocrlib.evaluation.breakdown import LineErrors, Table, break_down
from ocrlib.evaluation.calibration import Reliability, measure_reliability
from ocrlib.evaluation.coverage import Coverage, measure_coverage
from ocrlib.evaluation.evaluate import (
    ReadLine,
    heldout_faces,
    open_split,
    read_pairs,
    read_split,
    summarise,
    summarise_faces,
)
from ocrlib.evaluation.groups import Grouping, group_by_look, group_by_making
from ocrlib.evaluation.metrics import confusions
from ocrlib.pictures.pairs import Unusable
from ocrlib.reading.recognizer import Recognizer

MAX_POINTS = 200  # of the curve of coverage
_PROVENANCE = ("font", "degradation", "source", "background", "skew_deg", "blur_px")


@dataclass(frozen=True, kw_only=True)
class ErrorReport:
    """How a model read some lines, and where it failed.

    Attributes:
      lines: in the order they were read.
      overall: the `evaluate.summary`; of a split with held-out faces also `known_fonts` and `heldout_fonts`.
      reliability: of the confidence.
      coverage: accuracy against coverage, by `ReadLine.sureness`.
      confusions: (true, read, how often), the commonest first; an empty string means no character.
      groupings: what the lines are grouped by.
      tables: the errors by these groups.
      advice: what to draw more of.
      recipe: the dataset's, as its manifest has it; empty for a folder of pairs.
      heldout: names of faces that were not trained with.
      left_out: what a folder of pairs has beside its lines, and why it is none of them.
    """

    lines: Sequence[ReadLine]
    overall: Mapping[str, Any]
    reliability: Reliability
    coverage: Coverage
    confusions: Sequence[tuple[str, str, int]]
    groupings: Sequence[Grouping]
    tables: Sequence[Table]
    advice: Sequence[Advice] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    heldout: frozenset[str] = frozenset()
    left_out: Sequence[Unusable] = ()

    def figures(self) -> dict[str, Any]:
        """Returns everything but the lines themselves, JSON-ready."""
        return {
            **self.overall,
            "reliability": _rounded(asdict(self.reliability)),
            "coverage": _coverage_figures(self.coverage),
            "confusions": [{"true": true, "read": read, "count": count} for true, read, count in self.confusions],
            "errors_by": {table.kind: [_rounded(asdict(row)) for row in table.rows] for table in self.tables},
            "draw_more": [_rounded(asdict(advice)) for advice in self.advice],
            "left_out": dict(Counter(what.reason for what in self.left_out)),
        }


def chosen_split(data: Path, split: str | None) -> str | None:
    """Returns the split to measure on, `test` unless another one is asked for; None for a folder of pairs.

    Raises:
      UserError: no such folder, or a split of a folder that is no dataset.
    """
    if not data.is_dir():
        raise UserError(f"{data}: no such folder; expected a dataset, or NAME.png with NAME.gt.txt")
    if (data / FILE_NAME).exists():
        return split or "test"
    if split is not None:
        raise UserError(f"{data}: has no splits, it is no dataset; leave out --split")
    return None


def locate(data: Path | str, split: str | None, cache: Path | None = None) -> tuple[Path, str | None]:
    """Returns the folder to measure on, and what `chosen_split` chooses; a stored dataset comes into the cache.

    Raises:
      UserError: as `chosen_split`, or as `mirror.mirrored`.
    """
    if is_address(data):
        chosen = split or "test"
        return mirrored(data, [chosen], cache=cache), chosen
    folder = Path(data)
    return folder, chosen_split(folder, split)


def report_on(recognizer: Recognizer, data: Path, split: str | None) -> ErrorReport:
    """Returns where a model fails on what `chosen_split` chose; raises as the two functions below do."""
    return report_on_folder(recognizer, data) if split is None else report_on_dataset(recognizer, data, split)


def report_on_dataset(
    recognizer: Recognizer, folder: Path, split: str, selection: SelectionConfig | None = None
) -> ErrorReport:
    """Returns where a model fails on a split of a dataset; a selection can make `val` out of `train`.

    Raises:
      UserError: no such split, damaged shards, or images of another height or number of channels.
    """
    loader = open_split(recognizer, folder, split, selection)
    lines = list(read_split(recognizer, loader))
    of_line = loader.lines.read_provenance(*_PROVENANCE)
    columns = {name: [of_line[line.name][i] for line in lines] for i, name in enumerate(_PROVENANCE)}
    recipe, heldout = loader.lines.manifest.recipe, heldout_faces(loader)
    report = make_report(lines, group_by_making(columns))
    return replace(
        report,
        overall={**report.overall, **summarise_faces(lines, loader)},
        advice=draw_more(report.tables, recipe, heldout),
        recipe=recipe,
        heldout=heldout,
    )


def report_on_folder(recognizer: Recognizer, folder: Path) -> ErrorReport:
    """Returns where a model fails on a folder of pairs; raises as `evaluate.read_pairs` does."""
    lines, left_out = read_pairs(recognizer, folder)
    return replace(make_report(lines, []), left_out=left_out)


def make_report(lines: Sequence[ReadLine], groupings: Sequence[Grouping]) -> ErrorReport:
    """Returns the report of lines, by the given groupings and by those that any lines have."""
    truths, texts = [line.truth for line in lines], [line.text for line in lines]
    errors, confidences = LineErrors(truths, texts), [line.confidence for line in lines]
    found = [(true, read, count) for (true, read), count in confusions(truths, texts).items()]
    every = [*groupings, *group_by_look(truths, [line.width_px for line in lines])]
    return ErrorReport(
        lines=lines,
        overall=summarise(lines),
        reliability=measure_reliability(confidences, errors.exact.tolist()),
        coverage=measure_coverage([line.sureness for line in lines], errors.exact.tolist()),
        confusions=sorted(found, key=lambda item: (-item[2], item[0], item[1])),
        groupings=every,
        tables=break_down(errors, every),
    )


def _coverage_figures(coverage: Coverage) -> dict[str, Any]:
    every = -(-len(coverage.points) // MAX_POINTS)
    return {
        "area": round(coverage.area, 6),
        "targets": [
            {"wrong_at_most": target, "point": None if point is None else _rounded(asdict(point))}
            for target, point in coverage.targets.items()
        ],
        "points": [_rounded(asdict(point)) for point in [*coverage.points[:-1:every], coverage.points[-1]]],
    }


def _rounded(value: Any) -> Any:
    """Returns a JSON-ready value with its floats rounded to six places."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value
