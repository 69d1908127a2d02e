"""Which voxels a lesion holds, by a named threshold; apart from how it was detected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from petrg.imaging import Volume
from petrg.measure.basins import find_hills, join_to_markers
from petrg.report.record import Threshold

__all__ = ["cut_level", "delineate", "delineate_all"]

_FIXED = {Threshold.FIXED_4: 4.0, Threshold.FIXED_2_5: 2.5}
_VOTERS = (Threshold.FIXED_4, Threshold.FIXED_2_5, Threshold.PERCENT_41)


def cut_level(threshold: Threshold, suv_max: float) -> float | None:
    """The SUV a voxel of the lesion must reach; None where the rule is not one level.

    >>> cut_level(Threshold.FIXED_4, 9.0), cut_level(Threshold.PERCENT_41, 10.0)
    (4.0, 4.1)
    """
    if threshold is Threshold.PERCENT_41:
        return round(0.41 * suv_max, 6)
    return _FIXED.get(threshold)


def delineate(suv: Volume, seed: int, threshold: Threshold, floor: float = np.inf) -> NDArray[np.int64]:
    """The voxels of the one lesion whose hottest voxel is ``seed``, as flat indices; empty below the rule."""
    return delineate_all(suv, [seed], threshold, floor)[0]


def delineate_all(
    suv: Volume, seeds: Sequence[int], threshold: Threshold, floor: float = np.inf
) -> list[NDArray[np.int64]]:
    """Delineate every lesion at once, so that touching lesions share no voxel.

    Each voxel at or above the lowest level in use goes to the seed it is best connected to
    (watershed with markers); of those a lesion holds the ones at or above its own level, in one piece or
    several that are bridged above ``floor``. The majority vote keeps what at least two of SUV >= 4.0, SUV >= 2.5 and
    41 % of SUVmax hold.

    Parameters
    ----------
    suv : Volume
    seeds : sequence of int
        Flat index of each lesion's hottest voxel.
    threshold : Threshold
        Any but ``MASK``.
    floor : float
        SUV down to which parts of one lesion may be bridged, that of detection; by default the level itself.

    Returns
    -------
    list of (n,) int64
        Flat indices, ascending; empty where the lesion does not reach the rule.
    """
    if threshold is Threshold.MAJORITY:
        votes = [delineate_all(suv, seeds, voter, floor) for voter in _VOTERS]
        return [_majority([vote[k] for vote in votes]) for k in range(len(seeds))]
    values = suv.array.ravel()
    levels = [cut_level(threshold, float(values[seed])) for seed in seeds]
    if any(level is None for level in levels):
        raise ValueError(f"{threshold} is not a rule that cuts at a level")
    cuts = [float(level) for level in levels if level is not None]
    reached = [cut for cut, seed in zip(cuts, seeds, strict=True) if values[seed] >= cut]
    if not reached:
        return [np.empty(0, np.int64) for _ in seeds]
    hills = find_hills(suv.array, min(floor, *reached))
    rows = np.searchsorted(hills.voxels, seeds)
    marked = [int(r) if values[s] >= c else -1 for r, s, c in zip(rows, seeds, cuts, strict=True)]
    owner = join_to_markers(hills, marked)[hills.hill]
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(seeds) + 1))
    out = []
    for k, cut in enumerate(cuts):
        mine = order[starts[k] : starts[k + 1]]
        out.append(np.sort(hills.voxels[mine[hills.values[mine] >= cut]]))
    return out


def _majority(votes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    voxels, count = np.unique(np.concatenate(votes), return_counts=True)
    return voxels[count >= 2]
