"""PETRG-Score: macro-F1 of the uptake and structure classes of all regions of all cases.

A label that is missing or invalid must never pay. Counted as a false negative alone, leaving out just the labels that
one would get wrong lifts macro-F1 (they are false positives no more). So each gap is also charged, as a false positive,
to the classes where it costs most: the score is then never above that of any prediction the labels were taken from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from petrg.evaluate.classes.codes import CT, PET, Codes, Scale, codes_of, pair_counts, permuted_counts
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.scores import Metric
from petrg.evaluate.statistics.statistic import Floats, Ints, Tally, cohen_kappa, ratio

__all__ = ["MACRO", "METRICS", "ClassFamily", "accuracy", "class_f1", "kappa", "macro_f1"]


@dataclass(frozen=True)
class ClassFamily:
    """The class scores of a prediction against a reference on the cases ``ids``, in that order.

    A prediction that lacks the case, the region or a valid class is wrong, as wrong as it could be (`macro_f1`).
    Silence (None) is normal on either side.

    Raises
    ------
    ScoreError
        On first use, if the reference itself lacks a case, a region or a class.
    """

    reference: LabelSet
    prediction: LabelSet
    ids: Sequence[str]

    @cached_property
    def references(self) -> Mapping[str, Codes]:
        """Codes of the reference by modality."""
        return {s.modality: codes_of(self.reference, self.ids, s, reference=True) for s in (PET, CT)}

    @cached_property
    def predictions(self) -> Mapping[str, Codes]:
        """Codes of the prediction by modality."""
        return {s.modality: codes_of(self.prediction, self.ids, s, reference=False) for s in (PET, CT)}

    def confusion(self, scale: Scale) -> Floats:
        """Confusion counts (n, k, k + 1) of each case; reference in rows, the last column is missing and invalid."""
        m = scale.modality
        flat = pair_counts(self.references[m].codes, self.predictions[m].codes, scale)
        return flat.reshape(-1, scale.count, scale.count + 1)

    def statistics(self) -> Mapping[str, Tally]:
        """Every class score by metric key."""
        parts = {s.modality: self.confusion(s).reshape(len(self.ids), -1) for s in (PET, CT)}
        return {key: Tally(parts[scale.modality], reduce) for key, (scale, reduce) in _REDUCE.items()}

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every class score with the prediction of case ``orders[p, i]`` put to case i, each (p,)."""
        pooled = {}
        for s in (PET, CT):
            reference, prediction = self.references[s.modality].codes, self.predictions[s.modality].codes
            pooled[s.modality] = permuted_counts(reference, prediction, orders, s)
        return {key: reduce(pooled[scale.modality]) for key, (scale, reduce) in _REDUCE.items()}


def class_f1(sums: Floats, scale: Scale) -> Floats:
    """F1 of every class (..., k) in 0..1 from pooled confusion counts (..., k * (k + 1)); 0 where undefined.

    ``2 tp / (support + predicted)``, zero division 0 (the released scorer's choice); a gap is a false negative here.
    """
    hits, sizes, _ = _counts(sums, scale)
    return np.asarray(2.0 * hits / np.maximum(sizes, 1.0))


def macro_f1(sums: Floats, scale: Scale, codes: Sequence[int]) -> Floats:
    """Mean F1 of the classes ``codes`` x 100, from pooled confusion counts.

    Gaps (the last column) are false negatives, and are charged as false positives to the classes ``codes`` so that the
    mean is least. Of F1 = 2 tp / (size + charged) the least sum for a given total has (size + charged) / sqrt(tp) equal
    wherever something is charged (Lagrange); a gap may be shared between classes, so this is at most the least over
    all ways to fill the gaps with whole labels.

    Examples
    --------
    Reference 1 1 5 5, prediction 1 5 5 5: F1 is 2/3 of class 1, 4/5 of class 5, 0 of the three absent ones.

    >>> sums = np.zeros((5, 6)); sums[0, 0], sums[0, 4], sums[4, 4] = 1, 1, 2
    >>> round(float(macro_f1(sums.ravel(), PET, range(5))), 2)
    29.33

    The wrong label left out: a false negative of 1 still, and charged to both.

    >>> sums[0, 4], sums[0, 5] = 0, 1
    >>> round(float(macro_f1(sums.ravel(), PET, range(5))), 2)
    29.14
    """
    hits, sizes, gaps = _counts(sums, scale)
    hits, sizes = hits[..., list(codes)], sizes[..., list(codes)]
    root = np.sqrt(hits)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(hits > 0, sizes / root, np.inf)  # where a class stands before anything is charged
    order = np.argsort(level, axis=-1)
    level, root_, size_ = (np.take_along_axis(x, order, axis=-1) for x in (level, root, sizes))
    filled = (gaps[..., None] + np.cumsum(size_, axis=-1)) / np.maximum(np.cumsum(root_, axis=-1), 1e-300)
    charged = np.where(level <= filled, filled, -np.inf)  # the classes that the gaps reach, lowest first
    reached = np.argmax(np.where(np.isfinite(charged), np.arange(charged.shape[-1]), -1), axis=-1)
    common = np.take_along_axis(filled, reached[..., None], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(hits > 0, 2.0 * root / np.maximum(np.where(hits > 0, sizes / root, 0.0), common), 0.0)
        plain = 2.0 * hits / np.maximum(sizes, 1.0)
    return np.asarray(100.0 * np.where(gaps[..., None] > 0, f1, plain).mean(axis=-1))


def _counts(sums: Floats, scale: Scale) -> tuple[Floats, Floats, Floats]:
    """Hits (..., k), support plus predicted (..., k), and gaps (...)."""
    table = _table(sums, scale)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    return hits, table.sum(axis=-1) + table.sum(axis=-2)[..., : scale.count], table[..., -1].sum(axis=-1)


def accuracy(sums: Floats, scale: Scale) -> Floats:
    """Share of all labels that are right x 100; NaN where there is none."""
    table = _table(sums, scale)
    hits = np.trace(table, axis1=-2, axis2=-1)
    return ratio(100.0 * hits, table.sum(axis=(-2, -1)))


def kappa(sums: Floats, scale: Scale) -> Floats:
    """Cohen's kappa, unweighted; NaN where chance alone is 1.

    A gap agrees with nothing, and its share of the agreement by chance is that of the reference's commonest class, the
    largest there is. Cohen, Educ Psychol Meas 1960;20:37.
    """
    return cohen_kappa(_table(sums, scale))


def _table(sums: Floats, scale: Scale) -> Floats:
    return sums.reshape(*sums.shape[:-1], scale.count, scale.count + 1)


MACRO: Mapping[str, tuple[Scale, Sequence[int]]] = {
    "PET-All": (PET, range(PET.count)),
    "CT-All": (CT, range(CT.count)),
    "PET-Abnormal": (PET, PET.abnormal),
    "CT-Abnormal": (CT, CT.abnormal),
    "PET-124": (PET, PET.marked),
}
"""The macro-F1 by metric key: of which scale, over which codes."""
_Reduce = Callable[[Floats], Floats]
_REDUCE: Mapping[str, tuple[Scale, _Reduce]] = {
    **{key: (scale, partial(macro_f1, scale=scale, codes=codes)) for key, (scale, codes) in MACRO.items()},
    "PET-Accuracy": (PET, partial(accuracy, scale=PET)),
    "CT-Accuracy": (CT, partial(accuracy, scale=CT)),
    "PET-Kappa": (PET, partial(kappa, scale=PET)),
    "CT-Kappa": (CT, partial(kappa, scale=CT)),
}

_POOLED = "over all (case, region) pairs, zero division 0, missing and invalid labels as wrong as they could be"


def _f1(key: str, classes: str, note: str = "") -> Metric:
    modality = key.split("-")[0]
    return Metric(
        key=key,
        title=f"{modality} macro-F1, classes {classes}",
        group="classes",
        low=0.0,
        high=100.0,
        better="higher",
        unit="x 100",
        definition=f"mean F1 of {modality} classes {classes} {_POOLED}{note}",
        headline=True,
    )


def _agreement(key: str, title: str, low: float, high: float, unit: str, definition: str) -> Metric:
    return Metric(
        key=key, title=title, group="classes", low=low, high=high, better="higher", unit=unit, definition=definition
    )


METRICS: tuple[Metric, ...] = (
    _f1("PET-All", "1-5", " (PETRG-Score)"),
    _f1("CT-All", "1-8", " (PETRG-Score)"),
    _f1("PET-Abnormal", "1-4", " (PETRG-Score); class 3, stated physiologic, follows style"),
    _f1("CT-Abnormal", "1-7", " (PETRG-Score)"),
    _f1("PET-124", "1, 2 and 4", "; PET-Abnormal without class 3, which style alone can lift (petrg's addition)"),
    *(
        _agreement(
            f"{m}-Accuracy", f"{m} accuracy", 0.0, 100.0, "%", f"share of right {m} labels of all (case, region) pairs"
        )
        for m in ("PET", "CT")
    ),
    *(
        _agreement(f"{m}-Kappa", f"{m} kappa", -1.0, 1.0, "", f"Cohen's unweighted kappa of the {m} classes (1960)")
        for m in ("PET", "CT")
    ),
)
