"""SUVpeak (1 cm3 sphere) and the four-voxel peak of qPET: two different things, never mixed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Volume
from petrg.measure.where import Index

__all__ = ["PEAK_RADIUS_MM", "peak_4voxel", "sphere_weights", "suv_peak"]

PEAK_RADIUS_MM = float((3000.0 / (4.0 * np.pi)) ** (1.0 / 3.0))
"""Radius of a sphere of 1 cm3: 6.2035 mm (Wahl, JNM 2009;50 Suppl 1:122S)."""

_FINE = 16  # sub-samples along each voxel axis; the summed weight is within 0.1 % of 1 cm3


def sphere_weights(grid: Grid, radius_mm: float = PEAK_RADIUS_MM) -> NDArray[np.float64]:
    """The part of each voxel that a sphere round the middle voxel covers, summing to 1.

    Returns
    -------
    (2a + 1, 2b + 1, 2c + 1) float64
    """
    key = tuple(float(v) for v in grid.affine[:3, :3].round(6).ravel())
    return _sphere_weights(key, radius_mm)


@lru_cache(maxsize=32)
def _sphere_weights(axes: tuple[float, ...], radius_mm: float) -> NDArray[np.float64]:
    steps = np.array(axes).reshape(3, 3)
    reach = radius_mm * np.linalg.norm(np.linalg.inv(steps), axis=1)  # half extent in voxels, oblique too
    half = np.ceil(reach - 0.5).astype(int).clip(0)
    fine = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    lines = [(np.arange(-h, h + 1)[:, None] + fine).ravel() for h in half]
    mm = sum(
        steps[:, axis].reshape(3, 1, 1, 1) * line.reshape([-1 if a == axis else 1 for a in range(3)])
        for axis, line in enumerate(lines)
    )
    inside = np.square(mm).sum(0) <= radius_mm**2
    n = 2 * half + 1
    weights: NDArray[np.float64] = inside.reshape(n[0], _FINE, n[1], _FINE, n[2], _FINE).mean((1, 3, 5))
    weights /= weights.sum()
    weights.setflags(write=False)
    return weights


def suv_peak(suv: Volume, lesion: NDArray[np.int64]) -> float | None:
    """The highest mean over a 1 cm3 sphere with partial voxels, centred on any voxel of the lesion.

    The sphere may leave the lesion. Where the hottest sphere leaves the scan there is no peak: None.

    Parameters
    ----------
    suv : Volume
    lesion : (n,) int64
        Flat indices of its voxels.
    """
    if lesion.size == 0:
        return None
    weights = sphere_weights(suv.grid)
    half = np.array(weights.shape) // 2
    index = np.stack(np.unravel_index(lesion, suv.grid.shape))
    low, high = index.min(1) - half, index.max(1) + half + 1
    inside = np.maximum(low, 0), np.minimum(high, suv.grid.shape)
    box = suv.array[tuple(slice(a, b) for a, b in zip(*inside, strict=True))].astype(np.float64)
    pad = list(zip(inside[0] - low, high - inside[1], strict=True))
    local = tuple(index - low[:, None])
    total = ndimage.correlate(np.pad(box, pad), weights, mode="constant")[local]
    if any(sum(p) for p in pad):
        covered = ndimage.correlate(np.pad(np.ones_like(box), pad), weights, mode="constant")[local]
        best = int(np.argmax(total / covered))
        return float(total[best]) if covered[best] > 1 - 1e-9 else None
    return float(total.max())


def peak_4voxel(array: NDArray[Any], hottest: Index) -> float:
    """The mean of a voxel and its three hottest of 26 neighbours (qPET: Hasenclever, EJNMMI 2014;41:1301).

    >>> array = np.zeros((3, 3, 3)); array[1, 1, 1:], array[0, 0, 0], array[2, 2, 2] = (8, 6), 4, 2
    >>> peak_4voxel(array, (1, 1, 1))
    5.0
    """
    near = array[tuple(slice(max(i - 1, 0), i + 2) for i in hottest)].ravel()
    own = float(array[hottest])
    others = np.sort(np.delete(near, int(np.flatnonzero(near == array[hottest])[0])))[::-1][:3]
    return float((own + others.astype(np.float64).sum()) / (1 + others.size))
