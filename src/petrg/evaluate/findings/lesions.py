"""Lesions a report finds, invents or puts on the other side, counted by site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.findings.sites import Lesions, Site, meet
from petrg.evaluate.scores import Count, Metric
from petrg.evaluate.statistics.statistic import AT_ONCE, Floats, Ints, Tally, ratio

__all__ = ["METRICS", "LesionFamily"]

_KINDS: Mapping[str, int] = {"": 0, "CT-": 1}
"""Prefix of the metric -> which of `Lesions`."""


@dataclass(frozen=True)
class LesionFamily:
    """The lesions of predictions against those of references, case by case.

    Parameters
    ----------
    references : sequence of Lesions
        ``lesions_of(petrg.language.reading.read(text).grounded)`` of each reference.
    predictions : sequence of Lesions or None
        The same of each prediction; None where it is missing: it finds nothing.
    ids : sequence of str

    Notes
    -----
    A lesion is a site, see `petrg.evaluate.findings.sites.avid_sites`: several nodules of one lobe count once. Lesions
    on PET and those that CT alone shows (keys that begin with ``CT-``) are counted apart.
    """

    references: Sequence[Lesions]
    predictions: Sequence[Lesions | None]
    ids: Sequence[str]

    def __post_init__(self) -> None:
        if not len(self.references) == len(self.predictions) == len(self.ids):
            raise ScoreError(
                f"{len(self.references)} references, {len(self.predictions)} predictions and {len(self.ids)} ids",
                "as many of each",
                "give one prediction (or None) for every reference",
            )

    @cached_property
    def tables(self) -> Mapping[str, _Tables]:
        """Prefix of the metric -> what is needed to count any pairing of cases."""
        return {
            prefix: _Tables.of([one[k] for one in self.references], [(one or Lesions())[k] for one in self.predictions])
            for prefix, k in _KINDS.items()
        }

    def statistics(self) -> Mapping[str, Tally]:
        """Every lesion score by metric key."""
        own = np.arange(len(self.ids), dtype=np.intp)[None]
        return {
            f"{prefix}{key}": Tally(tables.counts(own)[0], reduce)
            for prefix, tables in self.tables.items()
            for key, reduce in _REDUCE.items()
        }

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every lesion score with the prediction of case ``orders[p, i]`` put to case i, each (p,)."""
        found = {}
        step = max(1, AT_ONCE // max(1, orders.shape[1] * 5))
        for prefix, tables in self.tables.items():
            parts = [tables.counts(orders[k : k + step]).sum(axis=1) for k in range(0, len(orders), step)]
            sums = np.concatenate(parts) if parts else np.zeros((0, 5))
            found.update({f"{prefix}{key}": reduce(sums) for key, reduce in _REDUCE.items()})
        return found

    def counts(self) -> tuple[Count, ...]:
        """Lesions in the references, found, invented and on the other side."""
        rows = []
        own = np.arange(len(self.ids), dtype=np.intp)[None]
        for prefix, tables in self.tables.items():
            _, there, named, found, mirrored = (int(v) for v in tables.counts(own)[0].sum(axis=0))
            what = "lesions on CT alone" if prefix else "lesions on PET"
            for key, title, value, of in (
                ("found", f"{what} found", found, there),
                ("false", f"{what} that the reference does not have", named - found, named),
                ("other-side", f"{what} named on the other side", mirrored, there),
            ):
                rows.append(Count(key=f"{prefix.lower()}lesions-{key}", title=title, value=value, of=of))
        return tuple(rows)

    def case_columns(self) -> Mapping[str, list[float | None]]:
        """Columns of cases.csv, in the order of ``ids``: lesions of the reference, found, false, on the other side."""
        columns: dict[str, list[float | None]] = {}
        own = np.arange(len(self.ids), dtype=np.intp)[None]
        for prefix, tables in self.tables.items():
            _, there, named, found, mirrored = tables.counts(own)[0].T
            for key, values in (
                ("Lesions", there),
                ("Lesions-Found", found),
                ("False-Findings", named - found),
                ("Other-Side", mirrored),
            ):
                columns[f"{prefix}{key}"] = values.tolist()
        return columns


@dataclass(frozen=True)
class _Tables:
    """For each region, which list of sites each case has, and how any two lists meet."""

    reference: Ints
    prediction: Ints
    met: tuple[Floats, ...]
    there: Floats
    named: Floats

    @classmethod
    def of(cls, references: Sequence[Sequence[Site]], predictions: Sequence[Sequence[Site]]) -> _Tables:
        columns, met = [], []
        for region in Region:
            a, a_lists = _lists(references, region)
            b, b_lists = _lists(predictions, region)
            columns.append((a, b))
            met.append(np.array([[meet(x, y) for y in b_lists] for x in a_lists], dtype=np.float64))
        return cls(
            np.stack([a for a, _ in columns], axis=1),
            np.stack([b for _, b in columns], axis=1),
            tuple(met),
            np.array([len(s) for s in references], dtype=np.float64),
            np.array([len(s) for s in predictions], dtype=np.float64),
        )

    def counts(self, orders: Ints) -> Floats:
        """(p, n, 5): cases, lesions of the reference, of the prediction, found, on the other side."""
        counts = np.zeros((*orders.shape, 5))
        counts[..., 0] = 1.0
        counts[..., 1] = self.there
        counts[..., 2] = self.named[orders]
        for column, met in enumerate(self.met):
            if met.any():
                counts[..., 3:] += met[self.reference[:, column][None], self.prediction[orders, column]]
        return counts


def _lists(cases: Sequence[Sequence[Site]], region: Region) -> tuple[Ints, list[tuple[Site, ...]]]:
    """Which of the distinct lists of sites each case has in ``region``, and those lists."""
    known: dict[tuple[Site, ...], int] = {}
    which = [known.setdefault(tuple(s for s in case if s.region is region), len(known)) for case in cases]
    return np.array(which, dtype=np.intp), list(known)


_REDUCE: Mapping[str, Callable[[Floats], Floats]] = {
    "Lesion-Recall": lambda s: ratio(s[..., 3], s[..., 1]),
    "Lesion-Precision": lambda s: ratio(s[..., 3], s[..., 2]),
    "Lesion-F1": lambda s: ratio(2.0 * s[..., 3], s[..., 1] + s[..., 2]),
    "False-Findings": lambda s: ratio(s[..., 2] - s[..., 3], s[..., 0]),
    "Side-Errors": lambda s: ratio(s[..., 4], s[..., 3] + s[..., 4]),
}


def _metrics(prefix: str, what: str) -> tuple[Metric, ...]:
    headline = not prefix
    rule = "by region, then side and nodal group where both say one"

    def metric(key: str, title: str, definition: str, *, lower: bool = False, unit: str = "") -> Metric:
        return Metric(
            key=f"{prefix}{key}",
            title=f"{title}, {what}",
            group="lesions",
            low=0.0,
            high=None if unit else 1.0,
            better="lower" if lower else "higher",
            unit=unit,
            definition=definition,
            headline=headline and key in ("Lesion-Recall", "False-Findings"),
        )

    return (
        metric("Lesion-Recall", "Lesion recall", f"share of the reference's sites with {what} that are found, {rule}"),
        metric("Lesion-Precision", "Lesion precision", f"share of the named sites with {what} that the reference has"),
        metric("Lesion-F1", "Lesion F1", "2 found / (sites of the reference + sites named)"),
        metric(
            "False-Findings",
            "False findings",
            f"sites with {what} that the reference does not have, a case",
            lower=True,
            unit="a case",
        ),
        metric(
            "Side-Errors",
            "Side errors",
            "sites left for right of all that are found but for the side",
            lower=True,
        ),
    )


METRICS: tuple[Metric, ...] = (*_metrics("", "raised uptake"), *_metrics("CT-", "a focal CT lesion, uptake not raised"))
