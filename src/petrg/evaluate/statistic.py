"""What a score is to its intervals and tests: a function of which cases are drawn, and of who gets whose report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Family", "Floats", "Ints", "Statistic", "Tally", "mean_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


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

    Examples
    --------
    >>> hits = Tally(np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), lambda s: s[..., 0] / s[..., 1])
    >>> hits(np.array([[0, 1, 2], [1, 1, 1]])).round(2).tolist()
    [0.67, 0.0]
    """

    parts: Floats
    reduce: Callable[[Floats], Floats]

    def __call__(self, drawn: Ints) -> Floats:
        """The score of each draw (m, k) of cases."""
        times = np.zeros((len(drawn), len(self.parts)))
        np.add.at(times, (np.arange(len(drawn))[:, None], drawn), 1.0)
        return np.asarray(self.reduce(times @ self.parts), dtype=np.float64)

    def value(self) -> float:
        """The score of all cases, each once."""
        return float(self.reduce(self.parts.sum(axis=0)))


def mean_of(values: Floats) -> Tally:
    """The mean over cases; NaN marks a case that has no value and is left out.

    >>> mean_of(np.array([1.0, 2.0, np.nan])).value()
    1.5
    """
    there = ~np.isnan(values)
    return Tally(np.stack([np.where(there, values, 0.0), there.astype(float)], axis=1), _ratio)


def _ratio(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)


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
