"""What a score is to its intervals and tests: a function of which cases are drawn, and of who gets whose report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["AT_ONCE", "Family", "Floats", "Ints", "Statistic", "Tally", "cohen_kappa", "finite", "mean_of", "ratio"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

AT_ONCE = 4_000_000
"""Numbers held at a time while drawing or permuting, so that memory grows neither with cases nor with draws."""


class Statistic(Protocol):
    """A score that can be computed again on any draw of the cases."""

    def __call__(self, drawn: Ints) -> Floats:
        """The score of each draw.

        Parameters
        ----------
        drawn : (m, k) int
            m draws of k cases each, by index, repeats allowed.

        Returns
        -------
        (m,) float64
            NaN where a draw has no score; the only place where a NaN may stand, it never reaches a file.
        """


@dataclass(frozen=True)
class Tally:
    """A score that depends on sums over cases only, so that thousands of draws are one product of matrices.

    Parameters
    ----------
    parts : (n, k) float64
        What each case adds.
    reduce : callable
        Sums (..., k) -> score (...); NaN where there is none.
    why : str
        What to say where there is none; empty: that it is undefined on these cases.

    Examples
    --------
    >>> hits = Tally(np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), lambda s: s[..., 0] / s[..., 1])
    >>> hits(np.array([[0, 1, 2], [1, 1, 1]])).round(2).tolist()
    [0.67, 0.0]
    """

    parts: Floats
    reduce: Callable[[Floats], Floats]
    why: str = ""

    def __call__(self, drawn: Ints) -> Floats:
        """The score of each draw (m, k) of cases."""
        times = np.zeros((len(drawn), len(self.parts)))
        np.add.at(times, (np.arange(len(drawn))[:, None], drawn), 1.0)
        return np.asarray(self.reduce(times @ self.parts), dtype=np.float64)

    def value(self) -> float:
        """The score of all cases, each once."""
        return float(self.reduce(self.parts.sum(axis=0)))


def mean_of(values: Floats, why: str = "") -> Tally:
    """The mean over cases; NaN marks a case that has no value and is left out; ``why`` as in :class:`Tally`.

    >>> mean_of(np.array([1.0, 2.0, np.nan])).value()
    1.5
    """
    there = ~np.isnan(values)
    return Tally(np.stack([np.where(there, values, 0.0), there.astype(float)], axis=1), _mean, why)


def _mean(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def ratio(top: Floats, bottom: Floats) -> Floats:
    """``top / bottom``; NaN where ``bottom`` is 0, or so near that it is rounding.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.abs(bottom) > 1e-12, top / bottom, np.nan)


def cohen_kappa(table: Floats) -> Floats:
    """Cohen's kappa, unweighted, of counts (..., k, m); NaN where there is none, or chance alone agrees on all.

    Columns from k on are gaps: they agree with nothing, and their share of the agreement by chance is that of the
    commonest row, the largest there is, so that a gap never pays. Cohen, Educ Psychol Meas 1960;20:37.

    Examples
    --------
    20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: .7 agree, .5 by chance.

    >>> round(float(cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]))), 3)
    0.4
    """
    total, rows, columns = table.sum(axis=(-2, -1)), table.sum(axis=-1), table.sum(axis=-2)
    seen = ratio(np.trace(table, axis1=-2, axis2=-1), total)
    size = table.shape[-2]
    both = (rows * columns[..., :size]).sum(axis=-1) + rows.max(axis=-1) * columns[..., size:].sum(axis=-1)
    chance = ratio(both, total**2)
    return ratio(seen - chance, 1.0 - chance)


def finite(value: float | Floats) -> float | None:
    """A number for a file: None where it is none.

    >>> finite(float("nan")) is None, finite(1.5)
    (True, 1.5)
    """
    return float(value) if np.isfinite(value) else None


class Family(Protocol):
    """The scores of one kind (text, classes, lesions, numbers, faults) of one system on n cases, by metric key."""

    def statistics(self) -> Mapping[str, Statistic]:
        """Every metric of the family on the system's reports as they are."""

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every metric with the prediction of case ``orders[p, i]`` put to the reference of case i.

        Parameters
        ----------
        orders : (p, n) int

        Returns
        -------
        mapping of metric key -> (p,) float64
            A metric that no permutation can change (length, repetition) may be absent.
        """
