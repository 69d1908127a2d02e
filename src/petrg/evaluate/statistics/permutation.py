"""Whether a score knows whose report is whose: exact tests by permutation, nothing assumed of distributions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.statistics.statistic import AT_ONCE, Floats, Ints, Tally

__all__ = [
    "Pool",
    "Swaps",
    "block_size",
    "deal",
    "exchangeable",
    "holm",
    "others",
    "p_value",
    "paired_p",
    "ways_to_deal",
]

_MOST, _LEAST, _PAIRS = 150, 25, 20_000
_SAME = 1e-9
"""Relative difference below which two scores are equal: sums in another order differ in their last digits."""


@dataclass(frozen=True)
class Pool:
    """Patients who may trade their reports: of one sex, with equally many cases; (m, k) indices of cases."""

    cases: Ints


def exchangeable(cases: Cases) -> tuple[Pool, ...]:
    """Pools of at least two patients of one known sex with equally many cases each.

    Reports are traded between patients as wholes, so that the cases of one patient, which resemble each other,
    stay together and the test is exact. A patient of unknown sex is in no pool.
    """
    owned: dict[str, list[int]] = {}
    for index, patient in enumerate(cases.patients):
        owned.setdefault(patient, []).append(index)
    pools: dict[tuple[str, int], list[list[int]]] = {}
    for indices in owned.values():
        sexes = {cases.cases[i].sex for i in indices} - {None}
        if len(sexes) > 1:
            raise ScoreError(
                f"cases {indices[0] + 1} and {indices[1] + 1} are of one patient and of different sex",
                "one sex a patient",
                "correct the table of patients",
            )
        for sex in sexes:
            pools.setdefault((str(sex), len(indices)), []).append(indices)
    return tuple(Pool(np.array(pool, dtype=np.intp)) for _, pool in sorted(pools.items()) if len(pool) > 1)


def block_size(n: int) -> int:
    """Most patients that trade reports with each other: 20,000 / ``n`` within 25 to 150.

    So up to 133 cases trade in blocks of at most 150, up to 800 cases make about 20,000 pairs of texts, and of more
    each case has 25.

    >>> block_size(45), block_size(200), block_size(5000)
    (150, 100, 25)
    """
    return max(_LEAST, min(_MOST, _PAIRS // max(n, 1)))


def deal(pools: Sequence[Pool], n: int, draws: int, seed: int, block: int | None = None) -> Ints:
    """Random permutations of reports within pools; a case in no pool keeps its own.

    Every permutation within a pool is as likely as any other, those that leave reports in place included. A pool of
    more than ``block`` patients (default :func:`block_size`) is first cut at random into parts, the same in all
    draws: fewer pairs of texts have to be scored, and the test stays exact, since the cut does not look at reports.

    Returns
    -------
    (draws, n) int
        ``orders[p, i]``: the case whose report case i gets in draw p.
    """
    rng = np.random.default_rng(seed)
    orders = np.tile(np.arange(n, dtype=np.intp), (draws, 1))
    for part in _parts(pools, block or block_size(n), rng):
        order = rng.permuted(np.tile(np.arange(len(part)), (draws, 1)), axis=1)
        for column in part.T:  # the k-th cases of all patients
            orders[:, column] = column[order]
    return orders


def ways_to_deal(pools: Sequence[Pool], n: int) -> float:
    """How many permutations :func:`deal` chooses among, at most 1e18.

    >>> ways_to_deal([Pool(np.arange(4)[:, None])], 4)
    24.0
    """
    block = block_size(n)
    ways = sum(math.lgamma(1 + min(len(pool.cases), block)) for pool in pools)
    return round(math.exp(ways)) * 1.0 if ways < 30 else 1e18


def others(pools: Sequence[Pool], n: int, draws: int, seed: int, block: int | None = None) -> Ints:
    """For every case a random case of another patient of its pool; a case in no pool keeps its own.

    Returns
    -------
    (draws, n) int
    """
    rng = np.random.default_rng(seed)
    orders = np.tile(np.arange(n, dtype=np.intp), (draws, 1))
    for part in _parts(pools, block or block_size(n), rng):
        patients = len(part)
        other = rng.integers(0, patients - 1, (draws, *part.shape))
        other += other >= np.arange(patients)[None, :, None]  # the own place is skipped
        which = rng.integers(0, part.shape[1], other.shape)
        orders[:, part] = part[other, which]
    return orders


def _parts(pools: Sequence[Pool], block: int, rng: np.random.Generator) -> Iterator[Ints]:
    for pool in pools:
        count = min(-(-len(pool.cases) // block), len(pool.cases) // 2)  # no part of one patient
        if count < 2:
            yield pool.cases
        else:
            yield from np.array_split(pool.cases[rng.permutation(len(pool.cases))], count)


def p_value(observed: float, permuted: Floats, *, higher_is_better: bool = True) -> float:
    """The chance of a score as good as the observed one if reports had nothing to do with patients; one-sided.

    ``(1 + as good or better) / (1 + draws)`` (Phipson & Smyth, Stat Appl Genet Mol Biol 2010;9:39), so never 0.

    >>> p_value(1.0, np.array([0.0, 0.5, 1.0]))
    0.5
    """
    sign = 1.0 if higher_is_better else -1.0
    slack = _SAME * max(1.0, abs(observed))
    return float((1 + np.count_nonzero(~(sign * permuted < sign * observed - slack))) / (1 + len(permuted)))


@dataclass(frozen=True)
class Swaps:
    """Which patients' reports two systems trade in each draw: (draws, n) bool, equal within a patient."""

    swapped: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    @classmethod
    def draw(cls, patients: Sequence[str], draws: int, seed: int) -> Swaps:
        """Swap each patient's reports with chance one half."""
        index = {patient: number for number, patient in enumerate(dict.fromkeys(patients))}
        owner = np.array([index[patient] for patient in patients])
        return cls(np.random.default_rng(seed).integers(0, 2, (draws, len(index)), dtype=np.uint8)[:, owner] > 0)


def paired_p(one: Tally, other: Tally, swaps: Swaps, where: Ints | None = None) -> tuple[float, float]:
    """Two systems on the same cases: their difference, and the chance of one as large if they were alike.

    Two-sided: in each draw the two systems trade the reports of some patients, and the difference of their scores
    is taken anew.

    Returns
    -------
    difference : float
        ``one`` minus ``other``; NaN where either has no score.
    p : float
    """
    mine, theirs = (t.parts if where is None else t.parts[where] for t in (one, other))
    sums, apart = mine.sum(axis=0), theirs.sum(axis=0)
    observed = float(one.reduce(sums)) - float(other.reduce(apart))
    if not np.isfinite(observed):
        return observed, float("nan")
    as_large = 0
    step = max(1, AT_ONCE // len(mine))
    for start in range(0, len(swaps.swapped), step):
        moved = swaps.swapped[start : start + step].astype(np.float64) @ (theirs - mine)
        differences = one.reduce(sums + moved) - other.reduce(apart - moved)
        slack = _SAME * max(1.0, abs(observed))
        as_large += int(np.count_nonzero(~(np.abs(differences) < abs(observed) - slack)))
    return observed, (1 + as_large) / (1 + len(swaps.swapped))


def holm(ps: Sequence[float]) -> list[float]:
    """P values after Holm's correction (Scand J Stat 1979;6:65), in the order given.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted
