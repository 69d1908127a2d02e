"""How sure a score is: its 95 % interval over draws of patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from petrg.evaluate.scores import Estimate
from petrg.evaluate.statistics.statistic import AT_ONCE, Floats, Ints, Statistic, Tally

__all__ = ["bootstrap", "draw_patients", "estimate", "range_of", "value_of"]

_DEFINED = 0.9
"""Share of draws that must have a score for an interval to be given."""


def draw_patients(patients: Sequence[str], draws: int, seed: int) -> Iterator[Floats]:
    """Draw patients with replacement, as many as there are, each with all its cases.

    Efron's bootstrap over clusters: cases of one patient resemble each other, so they are drawn together.

    Parameters
    ----------
    patients : (n,) str
        Whose each case is.

    Yields
    ------
    (m, n) float64
        How often each draw holds each case; together ``draws`` rows.

    Examples
    --------
    >>> times, = draw_patients(["a", "b", "b"], 4, seed=1)
    >>> times.shape, bool((times[:, 1] == times[:, 2]).all())
    ((4, 3), True)
    """
    index = {patient: number for number, patient in enumerate(dict.fromkeys(patients))}
    owner = np.array([index[patient] for patient in patients])
    chances = np.full(len(index), 1.0 / len(index))
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // len(owner))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        yield rng.multinomial(len(index), chances, size)[:, owner].astype(np.float64)


def bootstrap(
    statistics: Mapping[str, Statistic], patients: Sequence[str], draws: int, seed: int, where: Ints | None = None
) -> dict[str, Floats]:
    """Every statistic on the same draws of patients.

    Parameters
    ----------
    statistics : by metric key
    patients : (n,) str
        Whose each case is.
    where : (k,) int, optional
        The cases to draw from; default all n.

    Returns
    -------
    metric key -> (draws,) float64
        NaN where a draw has no score.
    """
    chosen = np.arange(len(patients)) if where is None else where
    owners = [patients[i] for i in chosen]
    found: dict[str, list[Floats]] = {key: [] for key in statistics}
    for times in draw_patients(owners, draws, seed):
        for key, statistic in statistics.items():
            found[key].append(_evaluate(statistic, times, chosen))
    return {key: np.concatenate(parts) if parts else np.empty(0) for key, parts in found.items()}


def _evaluate(statistic: Statistic, times: Floats, chosen: Ints) -> Floats:
    if isinstance(statistic, Tally):
        return np.asarray(statistic.reduce(times @ statistic.parts[chosen]), dtype=np.float64)
    sizes = times.sum(axis=1).astype(np.intp)
    scores = np.empty(len(times))
    for size in np.unique(sizes):  # draws of patients with several cases differ in length
        rows = np.flatnonzero(sizes == size)
        drawn = np.stack([np.repeat(chosen, times[row].astype(np.intp)) for row in rows])
        scores[rows] = statistic(drawn)
    return scores


def value_of(statistic: Statistic, n: int, where: Ints | None = None) -> float:
    """The score of all n cases, or of those in ``where``, each once; NaN where there is none."""
    if isinstance(statistic, Tally):
        parts = statistic.parts if where is None else statistic.parts[where]
        return float(statistic.reduce(parts.sum(axis=0)))
    return float(statistic((np.arange(n) if where is None else where)[None, :])[0])


def estimate(value: float, drawn: Floats, n: int, patients: int, why: str = "") -> Estimate:
    """A score with the 2.5th and 97.5th percentile of its draws.

    No interval is given for a single patient, nor where a tenth of the draws or more have no score. ``why`` there is
    no score is noted where there is none.

    Examples
    --------
    >>> estimate(0.5, np.linspace(0, 40, 41), n=3, patients=3)
    Estimate(value=0.5, low=1.0, high=39.0, interval='bootstrap by patient', n=3, note='')
    >>> estimate(float("nan"), np.empty(0), n=3, patients=3).value is None
    True
    """
    if not np.isfinite(value):
        return Estimate(value=None, n=n, note=why or "undefined on these cases")
    if patients < 2 or not len(drawn):
        return Estimate(value=value, n=n, note="no interval: one patient" if patients < 2 else "")
    defined = drawn[np.isfinite(drawn)]
    if len(defined) <= _DEFINED * len(drawn):
        return Estimate(value=value, n=n, note="no interval: undefined on many draws of these patients")
    low, high = np.percentile(defined, (2.5, 97.5))
    return Estimate(value=value, low=float(low), high=float(high), interval="bootstrap by patient", n=n)


def range_of(drawn: Floats, n: int) -> Estimate:
    """The mean of a score over random draws of reports, with the range that holds 95 % of them."""
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return Estimate(value=None, n=n, note="undefined on these cases")
    low, high = np.percentile(defined, (2.5, 97.5))
    return Estimate(value=float(defined.mean()), low=float(low), high=float(high), interval="range of draws", n=n)
