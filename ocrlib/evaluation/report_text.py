"""What `python -m ocrlib evaluate` prints below its first line: the worst groups, and what to do about them."""

from collections.abc import Sequence

from ocrlib.evaluation.advice import Advice, font_entries
from ocrlib.evaluation.breakdown import FEW_LINES, SIGNIFICANCE, Row, Table
from ocrlib.evaluation.calibration import SET_ASIDE, Reliability
from ocrlib.evaluation.coverage import Coverage
from ocrlib.evaluation.report import ErrorReport

MAX_WHOLE = 8  # rows; of a longer table only
NUM_WORST = 5  # are shown
NUM_CONFUSIONS = 8
_TITLES = {
    "font": "font",
    "degradation": "degradation (others: other degraded lines)",
    "strength": "strength of degradation, in thirds (others: other degraded lines)",
    "source": "source of the text",
    "background": "background",
    "skew_deg": "skew, degrees to either side",
    "blur_px": "blur, pixels",
    "text": "what the text is made of",
    "length": "length, characters",
    "width_px": "width, pixels",
}


def errors_text(report: ErrorReport, min_confidence: float | None = None) -> str:
    """Returns the report as text, aligned, each section after an empty line.

    Args:
      min_confidence: a threshold to tell of beside the others.
    """
    sections = [
        _face_lines(report),
        _table_lines(report),
        _confusion_lines(report.confusions),
        _reliability_lines(report.reliability),
        _coverage_lines(report.coverage, min_confidence),
        advice_lines(report),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in sections if lines)


def _face_lines(report: ErrorReport) -> list[str]:
    lines = []
    for name in ("known_fonts", "heldout_fonts"):
        if name in report.overall:
            part = report.overall[name]
            lines.append(f"  {name}: {part['lines']} lines, CER {part['cer']:.2%}, exact {part['exact_match']:.2%}")
    return lines


def _table_lines(report: ErrorReport) -> list[str]:
    """The tables, all with the same widths of columns; those with a single row share a line at the end."""
    compared = [table for table in report.tables if len(table.rows) > 1]
    shown = [(table, shown_rows(table)) for table in compared]
    names = max((len(row.name) for _, rows in shown for row in rows), default=0)
    lines = []
    if shown:
        lines.append(f"{'':{names + 2}}    lines     CER  others    exact  of lines  of errors")
    for table, rows in shown:
        many = f", the worst {NUM_WORST} of {len(table.rows)}" if len(rows) < len(table.rows) else ""
        lines.append(f"{table_title(table)}{many}")
        lines += [f"  {row.name:<{names}}{_row_text(row, report.heldout)}" for row in rows]
    if shown:
        lines.append(
            f"worst: most errors above the average; all rows: --out; few: under {FEW_LINES} lines; "
            f"fails: worse than others beyond chance (Fisher's exact test, {SIGNIFICANCE:.0%} over all rows)"
        )
    alike = [f"{table.kind} {table.rows[0].name}" for table in report.tables if len(table.rows) == 1]
    if alike:
        lines.append(f"the same in all lines: {', '.join(alike)}")
    return lines


def table_title(table: Table) -> str:
    """Returns what the lines of a table are grouped by."""
    return _TITLES[table.kind]


def shown_rows(table: Table) -> list[Row]:
    """Returns the rows to print: all rows of an ordered or a short table, else the worst ones and the row `apart`."""
    if table.ordered or len(table.rows) <= MAX_WHOLE:
        return list(table.rows)
    worst = list(table.rows[:NUM_WORST])
    return worst + [row for row in table.rows[NUM_WORST:] if row.name == table.apart]


def _row_text(row: Row, heldout: frozenset[str]) -> str:
    others = "-" if row.cer_others is None else f"{row.cer_others:.2%}"
    marks = ["held out"] * (row.name in heldout) + ["fails"] * row.beyond_chance
    marks += ["few"] * (row.few_lines and not row.beyond_chance)
    return (
        f"{row.lines:>9,} {row.cer:>7.2%} {others:>7} {row.exact_match:>8.2%} {row.share_of_lines:>9.1%}"
        f" {row.share_of_errors:>10.1%}  {', '.join(marks)}".rstrip()
    )


def _confusion_lines(confusions: Sequence[tuple[str, str, int]]) -> list[str]:
    if not confusions:
        return []
    shown = [f"{_visible(true)} -> {_visible(read)} ({count:,})" for true, read, count in confusions[:NUM_CONFUSIONS]]
    rest = confusions[NUM_CONFUSIONS:]
    more = f", {len(rest)} more ({sum(count for _, _, count in rest):,})" if rest else ""
    return [f"commonest confusions, true -> read: {', '.join(shown)}{more}"]


def _visible(character: str) -> str:
    return {"": "nothing", " ": "space"}.get(character, character)


def _reliability_lines(reliability: Reliability) -> list[str]:
    lines = ["confidence     lines    mean    exact"]
    for each in reliability.bins:
        if each.mean_confidence is not None and each.exact_match is not None:
            span = f"{each.low:.1f} to {each.high:.1f}"
            lines.append(f"  {span}  {each.lines:>8,}  {each.mean_confidence:>6.3f}  {each.exact_match:>7.2%}")
    lines.append(f"expected calibration error: {reliability.expected_calibration_error:.3f}")
    lines.append(_set_aside_line(reliability))
    return lines


def _coverage_lines(coverage: Coverage, min_confidence: float | None) -> list[str]:
    """What can be answered at which error; nothing to tell where all lines are right."""
    rows = [(f"at most {target:.1%} wrong", point) for target, point in coverage.targets.items()]
    rows.append(("all", coverage.points[-1]))
    if min_confidence is not None:
        rows.append((f"--min-confidence {min_confidence:g}", coverage.at(min_confidence)))
    elif coverage.points[-1].wrong == 0:
        return []
    lines = [f"{'answered, the surest lines first':<34}lines  of lines    wrong  from confidence"]
    for what, point in rows:
        if point is None:
            lines.append(f"  {what:<32}{'none':>5}")
        else:
            row = f"{point.answered:>9,} {point.coverage:>9.1%} {point.wrong:>8.2%}  {point.confidence:>15.4f}"
            lines.append(f"  {what:<28}{row}")
    lines.append(f"area under wrong lines against answered ones: {coverage.area:.4f}")
    return lines


def _set_aside_line(reliability: Reliability) -> str:
    if reliability.wrong_set_aside is None:
        return "no line is wrong"
    below = "" if reliability.set_aside_below is None else f", below {reliability.set_aside_below:.3f}"
    kept = reliability.exact_match_kept
    then = "" if kept is None else f"; of the others {kept:.2%} are exact"
    return (
        f"the least confident {SET_ASIDE:.0%} ({reliability.set_aside:,} lines{below}) hold "
        f"{reliability.wrong_set_aside:.1%} of the wrong lines{then}"
    )


def advice_lines(report: ErrorReport) -> list[str]:
    """Returns what to draw more of, a line each; nothing where there is no recipe."""
    if not report.recipe:
        return []
    if not report.advice:
        return ["draw more of: nothing that the recipe has a weight for fails beyond chance"]
    lines = ["draw more of (at twice the odds; check by --misses that a person can read them, else draw fewer):"]
    lines += [f"  {_advice_text(advice)}" for advice in report.advice]
    faces = [name for advice in report.advice if advice.kind == "font" for name in advice.names]
    if faces:
        entries = font_entries(faces, report.recipe)
        lines.append(f"the faces: {', '.join(faces)}" if not entries else "entries for render.fonts:")
        lines += [f"  {entry}," for entry in entries]
    return lines


def _advice_text(advice: Advice) -> str:
    what = f"the {len(advice.names)} worst faces" if advice.kind == "font" else f"{advice.kind} {advice.names[0]}"
    change = f"{advice.now:g} -> {advice.then:g}" if advice.now is not None else "twice their weight"
    return (
        f"{what}, {advice.share_of_lines:.1%} of lines, {advice.share_of_errors:.1%} of errors: {advice.key} {change}"
    )
