"""The least macro-F1 that a prediction with gaps can stand for, so that a gap never pays."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

import numpy as np

from petrg.evaluate.class_codes import CT, PET, Scale
from petrg.evaluate.classes import ClassFamily
from petrg.evaluate.statistic import Floats

__all__ = ["class_floors", "floor_f1"]

_SETS: Mapping[str, tuple[Scale, Sequence[int]]] = {
    "PET-All": (PET, range(PET.count)),
    "CT-All": (CT, range(CT.count)),
    "PET-Abnormal": (PET, PET.abnormal),
    "CT-Abnormal": (CT, CT.abnormal),
    "PET-124": (PET, PET.marked),
}


def class_floors(family: ClassFamily) -> dict[str, float]:
    """The floor of each macro-F1 of a family by metric key, x 100; the score itself where nothing is missing.

    A missing label is a false negative. It is no false positive, so a system that leaves out just the labels it would
    have got wrong scores higher than one that gives them. The floor gives every missing label the wrong class that
    costs most: it is never above the score of any prediction from which labels were taken away, whichever they were.
    """
    pooled = {s.modality: family.confusion(s).sum(axis=0) for s in (PET, CT)}
    return {key: floor_f1(pooled[scale.modality], codes) for key, (scale, codes) in _SETS.items()}


def floor_f1(table: Floats, codes: Sequence[int]) -> float:
    """The least mean F1 of the classes ``codes`` x 100 over all ways to fill in the missing labels.

    Parameters
    ----------
    table : (k, k + 1) float64
        Pooled confusion counts, missing in the last column.
    codes : sequence of int

    Notes
    -----
    Of a class, F1 = 2 tp / (support + predicted) falls ever more slowly with each false positive, so giving one label
    at a time to the class that it costs most finds the least sum. That a label may not go to its own true class is
    not enforced; this can only lower the floor.

    Examples
    --------
    One right and one missing label of class 0: the missing one is charged to class 0 once more.

    >>> round(floor_f1(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]), [0]), 1)
    50.0
    """
    hits = np.diagonal(table)[list(codes)]
    sizes = (table.sum(axis=1) + table.sum(axis=0)[:-1])[list(codes)]
    f1 = [2.0 * h / max(s, 1.0) for h, s in zip(hits, sizes, strict=True)]
    queue = [(-_cost(h, s), k) for k, (h, s) in enumerate(zip(hits, sizes, strict=True)) if h > 0]
    heapq.heapify(queue)
    added = np.zeros(len(f1))
    for _ in range(int(table[:, -1].sum()) if queue else 0):
        cost, k = queue[0]
        f1[k] += cost
        added[k] += 1.0
        heapq.heapreplace(queue, (-_cost(hits[k], sizes[k] + added[k]), k))
    return float(100.0 * np.mean(f1))


def _cost(hits: float, size: float) -> float:
    """What one more false positive takes from 2 tp / size."""
    return float(2.0 * hits / size - 2.0 * hits / (size + 1.0))
