"""Forest plots: one panel a metric, one line a system or control, with its interval; SVG without a library."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from petrg.evaluate.page.numerals import interval, number, places
from petrg.evaluate.page.safe import visible
from petrg.evaluate.scores import Estimate, Metric, Row

__all__ = ["Axis", "forest", "scale"]

_WIDTH, _LEFT, _RIGHT, _LINE, _TOP = 384.0, 152.0, 328.0, 30.0, 4.0
_LETTERS = 24  # of a label's line; a Chinese character takes two
_LEAST = 0.02  # of a scale that an axis shows, however alike the values are
_CUT = 0.6  # an axis shows the whole scale unless the values would take less than this share of it


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, where its ticks are, and whether its scale goes on beyond it to the left or the right."""

    low: float
    high: float
    ticks: tuple[float, ...]
    digits: int
    cut_left: bool = False
    cut_right: bool = False

    def place(self, value: float) -> float:
        """Position of ``value`` in the panel, in its units; values beyond an end stand at that end."""
        share = (value - self.low) / (self.high - self.low)
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)


def scale(metric: Metric, values: Sequence[float]) -> Axis:
    """The axis of ``metric`` for ``values``, at round ticks.

    It begins at the scale's own low end and goes to its high end where the values fill most of it; else it ends at the
    next round number, and ``cut_right`` or ``cut_left`` say so.

    >>> unit = Metric(key="m", title="m", group="text", low=0, high=1, better="higher", definition="")
    >>> scale(unit, [0.5, 0.8]).ticks, scale(unit, [0.1, 0.3]).ticks, scale(unit, [0.1, 0.3]).cut_right
    ((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (0.0, 0.1, 0.2, 0.3), True)
    """
    least, most = min(values, default=0.0), max(values, default=1.0)
    low = metric.low if metric.low is not None else least
    if metric.low is not None and metric.low < 0 <= least:
        low = 0.0
    high = metric.high if metric.high is not None and most >= low + _CUT * (metric.high - low) else most
    if metric.high is not None:
        high = min(high, metric.high)
    span = metric.high - metric.low if metric.high is not None and metric.low is not None else max(1.0, abs(most))
    if high - low < _LEAST * span:
        high = low + _LEAST * span
    step = _step(high - low)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(k * step, 10) for k in range(first, last + 1))
    return Axis(
        ticks[0],
        ticks[-1],
        ticks,
        max(0, -math.floor(math.log10(step) + 1e-9)),
        cut_left=metric.low is not None and ticks[0] > metric.low + 1e-9,
        cut_right=metric.high is not None and ticks[-1] < metric.high - 1e-9,
    )


def _step(span: float) -> float:
    raw = span / 5
    ten = 10.0 ** math.floor(math.log10(raw))
    return next(m * ten for m in (1, 2, 5, 10) if m * ten >= raw * (1 - 1e-9))


def forest(
    metric: Metric, rows: Sequence[Row], titles: Mapping[str, str], say: Mapping[str, Any], title: str = ""
) -> str:
    """One panel as an ``<svg>`` element, with all its numbers in its text alternative.

    ``titles`` gives a row's name on the page by its key. The dotted lines lead from each control up to the system, so
    that one sees where the system falls among them.
    """
    estimates = [row.estimates.get(metric.key) for row in rows]
    ends = [v for e in estimates if e for v in (e.value, e.low, e.high) if v is not None]
    axis = scale(metric, ends)
    base = _TOP + _LINE * len(rows)
    height = base + 38
    drawn = [_grid(axis, base), _drop_lines(rows, estimates, axis)]
    first = next((row for row in rows if row.kind == "system"), None)
    for k, (row, estimate) in enumerate(zip(rows, estimates, strict=True)):
        kind = "system other" if row.kind == "system" and row is not first else row.kind
        line = _line(row, estimate, _TOP + _LINE * (k + 0.5), axis, titles[row.key], metric, say)
        drawn.append(f'<g class="{kind}">{line}</g>')
    drawn.append(_foot(axis, base, metric, say))
    alt = escape(visible(f"{title or metric.title}: {_alternative(metric, rows, estimates, titles, say)}"))
    return (
        f'<svg class="forest" role="img" viewBox="0 0 {_WIDTH:g} {height:g}" aria-label="{alt}">'
        f"<title>{alt}</title>{''.join(drawn)}</svg>"
    )


def _grid(axis: Axis, base: float) -> str:
    return "".join(
        f'<path class="grid" d="M{axis.place(t):.1f} {_TOP:g}V{base:g}"/>'
        f'<text class="tick" x="{axis.place(t):.1f}" y="{base + 14:g}" text-anchor="middle">'
        f"{number(t, axis.digits)}</text>"
        for t in axis.ticks
    )


def _drop_lines(rows: Sequence[Row], estimates: Sequence[Estimate | None], axis: Axis) -> str:
    """From every control's point up to the first system's row."""
    system = next((k for k, row in enumerate(rows) if row.kind == "system"), None)
    if system is None:
        return ""
    top = _TOP + _LINE * system + 4
    return "".join(
        f'<path class="drop" d="M{axis.place(e.value):.1f} {_TOP + _LINE * (k + 0.5):.1f}V{top:.1f}"/>'
        for k, (row, e) in enumerate(zip(rows, estimates, strict=True))
        if row.kind == "control" and k > system and e is not None and e.value is not None
    )


def _line(
    row: Row, estimate: Estimate | None, y: float, axis: Axis, title: str, metric: Metric, say: Mapping[str, Any]
) -> str:
    out = [_label(title, y)]
    if estimate is None or estimate.value is None:
        out.append(f'<text class="none" x="{_LEFT + 6:g}" y="{y + 4:.1f}">{escape(say["not_given"])}</text>')
        return "".join(out)
    if estimate.low is not None and estimate.high is not None:
        x, to = axis.place(estimate.low), axis.place(estimate.high)
        if estimate.interval == "range of draws":
            out.append(f'<rect class="draws" x="{x:.1f}" y="{y - 5:.1f}" width="{max(to - x, 1):.1f}" height="10"/>')
        else:
            out.append(f'<path class="whisker" d="M{x:.1f} {y - 4:.1f}v8m0 -4H{to:.1f}m0 -4v8"/>')
    out.append(_point(row.kind, axis.place(estimate.value), y))
    value = number(estimate.value, places(metric))
    out.append(f'<text class="value" x="{_WIDTH - 2:g}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    return "".join(out)


def _point(kind: str, x: float, y: float) -> str:
    if kind == "system":
        return f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    if kind == "reader":
        return f'<rect class="point" x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"/>'
    return f'<path class="point" d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>'


def _label(title: str, y: float) -> str:
    lines = _wrapped(visible(title))
    top = y + 4 - 6.5 * (len(lines) - 1)
    return "".join(
        f'<text class="label" x="2" y="{top + 13 * k:.1f}">{escape(line)}</text>' for k, line in enumerate(lines)
    )


def _wrapped(title: str) -> list[str]:
    """At most two lines; what does not fit ends in an ellipsis."""
    lines = [""]
    for word in _words(title):
        if _wide(lines[-1] + word) > _LETTERS and lines[-1]:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    lines = [line.rstrip() for line in lines if line.strip()] or [""]
    return lines[:2] if len(lines) <= 2 else [lines[0], _clipped(lines[1])]


def _words(title: str) -> list[str]:
    out: list[str] = []
    for letter in title:
        joins = out and letter != " " and not _is_wide(letter) and not _is_wide(out[-1][-1])
        if joins and _wide(out[-1]) < _LETTERS - 1:
            out[-1] += letter
        else:
            out.append(letter)
    return out


def _clipped(line: str) -> str:
    while _wide(line) > _LETTERS - 1:
        line = line[:-1]
    return line + "…"


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def _wide(text: str) -> int:
    return sum(2 if _is_wide(letter) else 1 for letter in text)


def _foot(axis: Axis, base: float, metric: Metric, say: Mapping[str, Any]) -> str:
    better = say[f"better_{metric.better}"]
    x, anchor = (_LEFT, "start") if metric.better == "lower" else (_RIGHT, "end")
    edges = "".join(
        f'<path class="cut" d="M{at - 3:g} {base + 4:g}l6 -8"/>'
        for at, cut in ((_LEFT, axis.cut_left), (_RIGHT, axis.cut_right))
        if cut
    )
    return (
        f'<path class="axis" d="M{_LEFT:g} {base:g}H{_RIGHT:g}"/>{edges}'
        f'<text class="better" x="{x:g}" y="{base + 31:g}" text-anchor="{anchor}">{escape(better)}</text>'
        f'<text class="scale" x="2" y="{base + 31:g}">{escape(_range(axis, metric, say))}</text>'
    )


def _range(axis: Axis, metric: Metric, say: Mapping[str, Any]) -> str:
    low, high = number(axis.low, axis.digits), number(axis.high, axis.digits)
    if axis.cut_left or axis.cut_right:
        return str(say["axis_part"]).format(
            low=low, high=high, least=f"{metric.low:g}".replace("-", "\u2212"), most=f"{metric.high:g}"
        )
    return str(say["axis_open"] if metric.high is None or metric.low is None else say["axis_whole"])


def _alternative(
    metric: Metric,
    rows: Sequence[Row],
    estimates: Sequence[Estimate | None],
    titles: Mapping[str, str],
    say: Mapping[str, Any],
) -> str:
    parts = []
    for row, estimate in zip(rows, estimates, strict=True):
        digits = places(metric)
        if estimate is None or estimate.value is None:
            parts.append(f"{titles[row.key]} {say['not_given']}")
            continue
        between = interval(estimate, digits)
        parts.append(f"{titles[row.key]} {number(estimate.value, digits)}" + (f" ({between})" if between else ""))
    return "; ".join(parts)
