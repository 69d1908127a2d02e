"""Longest axial diameter and the longest one perpendicular to it in the same slice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.imaging import Volume

__all__ = ["axes_mm", "outline_mm"]


def axes_mm(volume: Volume, lesion: NDArray[np.int64], level: float | None = None) -> tuple[float, float] | None:
    """The two axial diameters of a lesion as callipers would take them.

    Ends lie on the outline of the lesion in its slice, between voxels: where the image crosses ``level``
    by linear interpolation, or half way to the next voxel where no level is given (masks, votes).

    Parameters
    ----------
    volume : Volume
        The image the lesion was cut from.
    lesion : (n,) int64
        Flat indices.
    level : float, optional

    Returns
    -------
    (longest, perpendicular) : mm, or None for no voxel
    """
    if lesion.size == 0:
        return None
    best, outline = 0.0, np.empty((0, 2))
    area = volume.grid.shape[1] * volume.grid.shape[2]
    z = lesion // area
    for s in np.unique(z).tolist():
        hull = _hull(outline_mm(volume, s, lesion[z == s] - s * area, level))
        longest = float(_distances(hull).max())
        if longest > best:
            best, outline = longest, hull
    a, b = np.unravel_index(int(np.argmax(_distances(outline))), (len(outline), len(outline)))
    along = (outline[b] - outline[a]) / best
    return best, _widest_across(outline, along)


def outline_mm(volume: Volume, z: int, voxels: NDArray[np.int64], level: float | None) -> NDArray[np.float64]:
    """Points (n, 2) on the outline of ``voxels`` (flat in slice ``z``), mm along the slice's x and y."""
    _, ny, nx = volume.grid.shape
    y, x = np.unravel_index(voxels, (ny, nx))
    low = np.array([y.min(), x.min()]) - 1
    inside = np.zeros((y.max() - low[0] + 2, x.max() - low[1] + 2), bool)
    inside[y - low[0], x - low[1]] = True
    values: NDArray[Any] = np.pad(volume.array[z], 1, mode="edge")[
        low[0] + 1 : low[0] + 1 + inside.shape[0], low[1] + 1 : low[1] + 1 + inside.shape[1]
    ].astype(np.float64)
    ends = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        iy, ix = np.nonzero(inside & ~np.roll(inside, (-dy, -dx), (0, 1)))
        part = np.full(iy.size, 0.5)
        if level is not None:
            here, there = values[iy, ix], values[iy + dy, ix + dx]
            part = np.where(there < level, (here - level) / np.maximum(here - there, 1e-12), 0.5).clip(0.0, 1.0)
        ends.append(np.stack([iy + low[0] + part * dy, ix + low[1] + part * dx], 1))
    steps = volume.grid.affine[:3, 1:3]
    plane = np.linalg.qr(steps)[0]  # orthonormal in the slice: right for sheared grids too
    return np.asarray(np.concatenate(ends) @ (plane.T @ steps).T, np.float64)


def _distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    away: NDArray[np.float64] = np.linalg.norm(points[:, None] - points[None], axis=2)
    return away


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convex hull, counter-clockwise (Andrew's monotone chain); degenerate sets are fine."""
    rows = sorted(map(tuple, np.unique(points.round(9), axis=0).tolist()))
    if len(rows) < 3:
        return np.array(rows)

    def chain(items: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        out: list[tuple[float, ...]] = []
        for p in items:
            while len(out) > 1 and _turn(out[-2], out[-1], p) <= 0:
                out.pop()
            out.append(p)
        return out[:-1]

    return np.array(chain(rows) + chain(rows[::-1]))


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _widest_across(hull: NDArray[np.float64], along: NDArray[np.float64]) -> float:
    """Longest chord of a convex outline perpendicular to ``along``; it ends at a corner of the hull."""
    u, v = hull @ along, hull @ np.array([-along[1], along[0]])
    start, end = int(np.argmin(u)), int(np.argmax(u))
    ring = np.arange(len(hull))
    one = ring[(ring - start) % len(hull) <= (end - start) % len(hull)]
    two = ring[(ring - end) % len(hull) <= (start - end) % len(hull)]

    def side(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        order = rows[np.argsort(u[rows], kind="stable")]
        return np.asarray(np.interp(u, u[order], v[order]), np.float64)

    return float(np.abs(side(one) - side(two)).max())
