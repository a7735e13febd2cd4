"""Plots as SVG, for pages that are one file each: sharp at any size, small, and in the page's own colours."""

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 42
_MAX_TICKS = 6
_MOST = 1e100  # of a value: differences of larger ones overflow, and shares of ones below 1 / _MOST vanish
_MAX_NAMED = 40  # bars that have their names written below


def line_chart(
    series: Mapping[str, Sequence[tuple[float, float]]],
    x_label: str,
    y_label: str,
    *,
    logarithmic: bool = False,
    percent: bool = False,
    diagonal: bool = False,
) -> Markup:
    """Returns a plot of lines with a mark at each point.

    Args:
      series: {name: points (x, y)}; values that are not finite, or too large to count with, are left out.
      x_label, y_label: of the axes.
      logarithmic: the y axis; a value of 0 is drawn at half of the smallest other one.
      percent: y is a share, written in per cent.
      diagonal: draw where y is x, for both from 0 to 1.
    """
    kept = {name: [p for p in points if all(abs(value) < _MOST for value in p)] for name, points in series.items()}
    kept = {name: [(_or_zero(x), _or_zero(y)) for x, y in points] for name, points in kept.items()}
    if logarithmic:
        least = min((y for points in kept.values() for _, y in points if y > 0), default=1e-4)
        kept = {name: [(x, max(y, least / 2)) for x, y in points] for name, points in kept.items()}
    every = [point for points in kept.values() for point in points]
    if not every:
        return Markup("")
    xs, ys = ([0.0, *(p[0] for p in every)], [p[1] for p in every])
    y_ticks = _log_ticks(min(ys), max(ys)) if logarithmic else _ticks(min(0.0, *ys), 1.0 if diagonal else max(ys))
    x_ticks = _ticks(min(xs), max(xs))
    across, up = _scale(x_ticks, _LEFT, _WIDTH - _RIGHT), _scale(y_ticks, _HEIGHT - _BOTTOM, _TOP, logarithmic)
    parts = [_axes(x_ticks, y_ticks, across, up, x_label, y_label, _percent if percent else _number)]
    if diagonal:
        parts.append(
            Markup('<path class="quiet" d="M{},{}L{},{}"/>').format(*map(_place, (across(0), up(0), across(1), up(1))))
        )
    for number, (name, points) in enumerate(kept.items()):
        places = [(across(x), up(y)) for x, y in points]
        path = "L".join(f"{_place(x)},{_place(y)}" for x, y in places)
        parts.append(Markup('<path class="series s{}" d="M{}"/>').format(number, path))
        if len(places) <= 60:
            dots = (
                Markup('<circle class="s{}" cx="{}" cy="{}" r="2.5"/>').format(number, *map(_place, p)) for p in places
            )
            parts.append(Markup("").join(dots))
        if len(kept) > 1:
            parts.append(
                Markup('<text class="s{}" x="{}" y="{}" text-anchor="end">{}</text>').format(
                    number, _WIDTH - _RIGHT - 4, _TOP + 14 + 16 * number, name
                )
            )
    return _svg(parts, f"{y_label} over {x_label}: {', '.join(kept)}")


def bar_chart(rows: Sequence[tuple[str, int]], x_label: str, y_label: str) -> Markup:
    """Returns a plot of counts, a bar for each name, in order; of many names every second or third is written."""
    if not rows:
        return Markup("")
    ticks = _ticks(0, max(count for _, count in rows))
    up = _scale(ticks, _HEIGHT - _BOTTOM, _TOP)
    room = (_WIDTH - _LEFT - _RIGHT) / len(rows)
    named = max(1, math.ceil(len(rows) * max(len(name) for name, _ in rows) / _MAX_NAMED))
    parts = [_axes([], ticks, lambda x: x, up, x_label, y_label, _number)]
    for number, (name, count) in enumerate(rows):
        x, top = _LEFT + number * room, up(count)
        parts.append(
            Markup('<rect class="s0" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>').format(
                _place(x + room * 0.08), _place(top), _place(room * 0.84), _place(up(0) - top), name, count
            )
        )
        if number % named == 0:
            parts.append(
                Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                    _place(x + room / 2), _HEIGHT - _BOTTOM + 15, name
                )
            )
    return _svg(parts, f"{y_label} by {x_label}")


def _svg(parts: Sequence[Markup], about: str) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="chart">').format(_WIDTH, _HEIGHT, about)
    return head + Markup("").join(parts) + Markup("</svg>")


def _axes(
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    across: Callable[[float], float],
    up: Callable[[float], float],
    x_label: str,
    y_label: str,
    written: Callable[[float], str],
) -> Markup:
    left, right, bottom = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [
        Markup('<path class="grid" d="M{},{}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>').format(
            left, _place(up(y)), right, left - 5, _place(up(y) + 4), written(y)
        )
        for y in y_ticks
    ]
    parts += [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(_place(across(x)), bottom + 15, _number(x))
        for x in x_ticks
    ]
    parts.append(
        Markup(
            '<path class="axis" d="M{},{}V{}H{}"/><text x="{}" y="{}" text-anchor="middle">{}</text>'
            '<text transform="translate(11,{}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format(
            left, _TOP, bottom, right, (left + right) / 2, _HEIGHT - 6, x_label, (_TOP + bottom) / 2, escape(y_label)
        )
    )
    return Markup("").join(parts)


def _scale(
    ticks: Sequence[float], low_px: float, high_px: float, logarithmic: bool = False
) -> Callable[[float], float]:
    """Returns what places a value between the first and the last tick."""
    shape: Callable[[float], float] = math.log if logarithmic else float
    first, last = shape(ticks[0]), shape(ticks[-1])
    return lambda value: low_px + (shape(value) - first) / (last - first) * (high_px - low_px)


def _ticks(low: float, high: float) -> list[float]:
    """Returns round numbers at even distances, from at most `low` to at least `high`."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span / _MAX_TICKS))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= _MAX_TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Returns powers of ten, from at most `low` to at least `high`."""
    first = math.floor(math.log10(low) + 1e-9)
    return [10.0**power for power in range(first, max(math.ceil(math.log10(high) - 1e-9), first + 1) + 1)]


def _or_zero(value: float) -> float:
    return value if abs(value) > 1 / _MOST else 0.0


def _place(value: float) -> str:
    return f"{value:.1f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _percent(value: float) -> str:
    return f"{100 * value:g}%"
