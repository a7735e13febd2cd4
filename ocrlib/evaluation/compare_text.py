"""What `python -m ocrlib compare` prints and writes: a table of the readers, and how they differ from the first one."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ocrlib.evaluation.compare import INTERVAL, Comparison, Difference
from ocrlib.evaluation.contestants import Contestant, what_differs

MAX_GROUPS = 8
HEADS = ("exact", "CER", "WER", "ECE", "lines/s", "parameters", "minutes")


def figures_row(contestant: Contestant) -> list[str]:
    """Returns the figures of a reader as text, in the order of the heads of the table."""
    overall = contestant.report.overall
    speed, parameters, minutes = contestant.lines_per_second, contestant.parameters, contestant.minutes
    return [
        f"{overall['exact_match']:.2%}",
        f"{overall['cer']:.2%}",
        f"{overall['wer']:.2%}",
        f"{contestant.report.reliability.expected_calibration_error:.3f}",
        "-" if speed is None else f"{speed:,.0f}",
        "-" if parameters is None else f"{parameters:,}",
        "-" if minutes is None else f"{minutes:.1f}",
    ]


def compare_text(contestants: Sequence[Contestant], comparisons: Sequence[Comparison]) -> str:
    """Returns the whole comparison as text, aligned."""
    names = max(len(contestant.name) for contestant in contestants)
    rows = [figures_row(contestant) for contestant in contestants]
    widths = [max(len(row[i]) for row in [list(HEADS), *rows]) for i in range(len(HEADS))]
    lines = [f"{'':{names}}  {_joined(HEADS, widths)}"]
    lines += [f"{each.name:<{names}}  {_joined(row, widths)}" for each, row in zip(contestants, rows, strict=True)]
    first = contestants[0].name
    for other, comparison in zip(contestants[1:], comparisons, strict=True):
        lines += ["", f"{other.name} against {first}:"]
        lines.append(f"  CER {difference_text(comparison.cer)}")
        lines.append(f"  exact {difference_text(comparison.exact_match)}")
        lines.append(
            f"  {len(comparison.gained)} lines that only it reads, {len(comparison.lost)} that only {first} does"
        )
        groups = [group for group in comparison.groups if not group.difference.may_be_chance]
        for group in groups[:MAX_GROUPS]:
            what = f"{group.kind} {group.name}, {group.lines} lines"
            lines.append(f"  {what}: CER {group.cer_before:.2%} -> {group.cer:.2%} {_interval(group.difference)}")
        if groups:
            chance = round((1 - INTERVAL) * len(comparison.groups))
            lines.append(f"  {len(groups)} of {len(comparison.groups)} groups differ; about {chance} would by chance")
    differing = what_differs(contestants)
    if differing:
        lines += ["", "what differs in their training:"]
        lines += [f"  {key}: {' | '.join(value[:60] for value in values)}" for key, values in differing]
    return "\n".join(lines) + "\n"


def difference_text(difference: Difference) -> str:
    """Returns a difference in points of per cent, with its interval and what it says."""
    verdict = "may be chance" if difference.may_be_chance else "is not chance"
    return f"{100 * difference.value:+.2f} points {_interval(difference)}: {verdict}"


def _interval(difference: Difference) -> str:
    return f"({INTERVAL:.0%} interval {100 * difference.low:+.2f} to {100 * difference.high:+.2f})"


def compare_figures(contestants: Sequence[Contestant], comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Returns the whole comparison, JSON-ready."""
    lines = contestants[0].report.lines
    return {
        "readers": [
            {
                "name": each.name,
                **each.report.figures(),
                "lines_per_second": each.lines_per_second,
                "parameters": each.parameters,
                "minutes": each.minutes,
            }
            for each in contestants
        ],
        "against_first": [
            {
                "name": other.name,
                "cer": asdict(comparison.cer),
                "exact_match": asdict(comparison.exact_match),
                "groups": [asdict(group) for group in comparison.groups],
                "only_it_reads": [lines[i].name for i in comparison.gained],
                "only_the_first_reads": [lines[i].name for i in comparison.lost],
            }
            for other, comparison in zip(contestants[1:], comparisons, strict=True)
        ],
        "what_differs": dict(what_differs(contestants)),
    }


def _joined(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
