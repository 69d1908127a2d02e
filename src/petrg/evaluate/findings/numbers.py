"""SUV agreement of two sets of reports, by region and by the highest of each case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from petrg.anatomy import Region
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.scores import Count, Metric
from petrg.evaluate.statistics.statistic import AT_ONCE, Floats, Ints, Statistic, Tally, ratio

__all__ = ["METRICS", "SuvFamily"]

_NEAR = 0.1
"""Of the reference: what two readers of one scan differ by. Labellers of one TEXT are held to the printed digit
(`petrg.evaluate.labels.agreement.SUV_TOLERANCE`)."""
_LEVELS = {"": "region", "-Highest": "highest of the case"}


@dataclass(frozen=True)
class SuvFamily:
    """How the SUVmax values of a prediction agree with those of a reference on the cases ``ids``, in that order.

    Twice: for every (case, region) by what both name, and by the highest value named in the case (keys that end in
    ``-Highest``). Correlation and errors rest on the pairs where both name a value; ``SUV-Agreement`` rests on all
    where either does, so that naming few values gains nothing. A missing prediction names nothing.
    """

    reference: LabelSet
    prediction: LabelSet
    ids: Sequence[str]

    @cached_property
    def levels(self) -> Mapping[str, tuple[Floats, Floats]]:
        """Suffix of the metric -> reference and prediction (n, c), NaN where no value is named."""
        by_region = _named(self.reference, self.ids), _named(self.prediction, self.ids)
        return {"": by_region, "-Highest": (_highest(by_region[0]), _highest(by_region[1]))}

    def statistics(self) -> Mapping[str, Statistic]:
        """Every number score by metric key."""
        found: dict[str, Statistic] = {}
        for suffix, (x, y) in self.levels.items():
            moments, hits = _moments(x, y), _hits(x, y)
            found[f"SUV-r{suffix}"] = Tally(moments.sum(axis=1), _pearson)
            found[f"SUV-Median-Error{suffix}"] = _Median.of(x, y)
            found[f"SUV-Within-10%{suffix}"] = Tally(hits.sum(axis=1), _share_of_both)
            found[f"SUV-Agreement{suffix}"] = Tally(hits.sum(axis=1), _share_of_either)
        return found

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every number score with the prediction of case ``orders[p, i]`` put to case i, each (p,)."""
        found: dict[str, Floats] = {}
        for suffix, (x, y) in self.levels.items():
            rows = [_permuted(x, y, part) for part in _parts(orders, x.size)]
            for column, name in enumerate(("r", "Median-Error", "Within-10%", "Agreement")):
                found[f"SUV-{name}{suffix}"] = np.concatenate([row[column] for row in rows])
        return found

    def counts(self) -> tuple[Count, ...]:
        """How many values both name, only the reference names and only the prediction names."""
        rows = []
        for suffix, (x, y) in self.levels.items():
            a, b = ~np.isnan(x), ~np.isnan(y)
            for key, title, there in (
                ("both", "named by both", a & b),
                ("reference-only", "named by the reference only", a & ~b),
                ("prediction-only", "named by the prediction only", b & ~a),
            ):
                title = f"SUVmax ({_LEVELS[suffix]}) {title}"
                rows.append(Count(key=f"suv{suffix.lower()}-{key}", title=title, value=int(there.sum()), of=there.size))
        return tuple(rows)

    def case_columns(self) -> Mapping[str, list[float | None]]:
        """Columns of cases.csv, in the order of ``ids``: the highest SUVmax either side names, None where none."""
        return {
            f"SUV-Highest-{side}": [None if np.isnan(v) else float(v) for v in values[:, 0]]
            for side, values in zip(("Reference", "Prediction"), self.levels["-Highest"], strict=True)
        }


def _named(labels: LabelSet, ids: Sequence[str]) -> Floats:
    named = np.full((len(ids), len(Region)), np.nan)
    for row, case in enumerate(ids):
        cells = labels.cases.get(case, {})
        for column, region in enumerate(Region):
            if (cell := cells.get(region)) is not None and cell.suv_max is not None:
                named[row, column] = cell.suv_max
    return named


def _highest(named: Floats) -> Floats:
    low = np.where(np.isnan(named), -np.inf, named).max(axis=1, keepdims=True)
    return np.where(np.isfinite(low), low, np.nan)


def _moments(x: Floats, y: Floats) -> Floats:
    """(..., 6): n, sums of x, y, x x, y y, x y over nothing yet; zeros where either is absent."""
    both = ~(np.isnan(x) | np.isnan(y))
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    return np.stack([both.astype(float), x, y, x * x, y * y, x * y], axis=-1)


def _hits(x: Floats, y: Floats) -> Floats:
    """(..., 3): within 10 % of the reference, named by both, named by either."""
    a, b = ~np.isnan(x), ~np.isnan(y)
    return np.stack([_near(x, y), a & b, a | b], axis=-1).astype(float)


def _near(x: Floats, y: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(x - y) <= _NEAR * x + 1e-9, dtype=float)  # NaN compares as false


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    n = np.maximum(n, 1.0)
    vx, vy = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
    floor = 1e-12 * np.maximum(np.maximum(xx, yy) / n, 1e-300)  # a variance below it is rounding: no spread, no r
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (xy / n - x * y / n**2) / np.sqrt(vx * vy)
    return np.where((vx > floor) & (vy > floor) & (sums[..., 0] >= 3), np.clip(r, -1.0, 1.0), np.nan)


def _share_of_both(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def _share_of_either(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 2])


@dataclass(frozen=True)
class _Median:
    """The median absolute error of any draw: errors sorted once, then counted as often as their case is drawn."""

    errors: Floats
    case: Ints
    cases: int

    @classmethod
    def of(cls, x: Floats, y: Floats) -> _Median:
        case, column = np.nonzero(~(np.isnan(x) | np.isnan(y)))
        errors = np.abs(x - y)[case, column]
        order = np.argsort(errors, kind="stable")
        return cls(errors[order], case[order], len(x))

    def __call__(self, drawn: Ints) -> Floats:
        return np.concatenate([self._part(part) for part in _parts(drawn, max(self.cases, len(self.errors)))])

    def value(self) -> float:
        """Of all cases, each once."""
        return float(self(np.arange(self.cases, dtype=np.intp)[None])[0])

    def _part(self, drawn: Ints) -> Floats:
        times = np.zeros((len(drawn), self.cases), dtype=np.intp)
        np.add.at(times, (np.arange(len(drawn))[:, None], drawn), 1)
        so_far = np.cumsum(times[:, self.case], axis=1)
        if not len(self.errors):
            return np.full(len(drawn), np.nan)
        total = so_far[:, -1:]
        low, high = ((so_far > rank).argmax(axis=1) for rank in ((total - 1) // 2, total // 2))
        return np.where(total[:, 0] > 0, (self.errors[low] + self.errors[high]) / 2.0, np.nan)


def _permuted(x: Floats, y: Floats, orders: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """r, median error, within 10 % and agreement of each order; looks only where the reference names a value."""
    case, column = np.nonzero(~np.isnan(x))
    a, b = x[case, column][None], y[orders[:, case], column]
    pairs = _moments(np.broadcast_to(a, b.shape), b)
    both = pairs[..., 0].sum(axis=1)
    near = _near(a, b).sum(axis=1)
    predicted = (~np.isnan(y)).sum(axis=1)[orders].sum(axis=1)
    errors = np.sort(np.abs(a - b), axis=1)  # NaN goes last
    return (
        _pearson(pairs.sum(axis=1)),
        _median_of_sorted(errors, both.astype(np.intp)),
        ratio(near, both),
        ratio(near, len(case) + predicted - both),
    )


def _median_of_sorted(errors: Floats, count: Ints) -> Floats:
    if not errors.shape[1]:
        return np.full(len(errors), np.nan)
    rows = np.arange(len(errors))
    low, high = errors[rows, np.maximum(count - 1, 0) // 2], errors[rows, np.minimum(count // 2, errors.shape[1] - 1)]
    return np.where(count > 0, (low + high) / 2.0, np.nan)


def _parts(orders: Ints, size: int) -> list[Ints]:
    step = max(1, AT_ONCE // max(1, size))
    return [orders[start : start + step] for start in range(0, max(1, len(orders)), step)]


def _metrics(suffix: str, where: str, highest: bool) -> tuple[Metric, ...]:
    def metric(key: str, title: str, low: float, high: float | None, unit: str, definition: str) -> Metric:
        return Metric(
            key=f"SUV-{key}{suffix}",
            title=f"SUVmax {title}, {where}",
            group="numbers",
            low=low,
            high=high,
            better="lower" if key == "Median-Error" else "higher",
            unit=unit,
            definition=definition,
            headline=highest and key == "r",
        )

    what = "the highest SUVmax named in each case" if highest else "SUVmax of every (case, region)"
    return (
        metric("r", "correlation", -1.0, 1.0, "", f"Pearson's r of {what}, where both name one"),
        metric(
            "Median-Error", "median error", 0.0, None, "g/ml", f"median |difference| of {what}, where both name one"
        ),
        metric("Within-10%", "within 10 %", 0.0, 1.0, "", f"share within 10 % of the reference: {what}, both named"),
        metric(
            "Agreement",
            "agreement within 10 %",
            0.0,
            1.0,
            "",
            f"share within 10 % of the reference: {what}, where EITHER names one",
        ),
    )


METRICS: tuple[Metric, ...] = (*_metrics("", "by region", False), *_metrics("-Highest", "highest of the case", True))
