"""Hills of an image: every voxel above a floor belongs to the maximum that steepest ascent reaches.

Two hills meet at a saddle, the highest pass between them. Joining hills over their saddles, highest
first, is a watershed: without markers by a rule on the pass (`join_hills`), with markers by letting
every unmarked hill fall to the marked one it is best connected to (`join_to_markers`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hills", "find_hills", "join_hills", "join_to_markers"]


@dataclass(frozen=True, slots=True, eq=False)
class Hills:
    """Hills of an image above a floor.

    Parameters
    ----------
    voxels : (n,) int64
        Flat indices of the voxels at or above the floor, ascending.
    values : (n,) float32
    hill : (n,) int64
        For each voxel the hill it belongs to, 0 ... k - 1.
    peaks : (k,) int64
        Row in ``voxels`` of each hill's maximum.
    saddles : (m, 2) int64, passes : (m,) float32
        Neighbouring hills and the height of the pass between them, highest first.
    """

    voxels: NDArray[np.int64]
    values: NDArray[np.float32]
    hill: NDArray[np.int64]
    peaks: NDArray[np.int64]
    saddles: NDArray[np.int64]
    passes: NDArray[np.float32]


def find_hills(array: NDArray[Any], floor: float | NDArray[np.bool_]) -> Hills:
    """Find the hills of ``array`` (z, y, x) among voxels >= ``floor``, or where ``floor`` is True.

    Neighbours are the 26 around a voxel; of equal ones the later in memory is the higher, so a plateau
    is one hill or several whose passes are as high as themselves.
    """
    above = array >= floor if np.isscalar(floor) else np.asarray(floor, bool)
    voxels = np.flatnonzero(above)
    values = array.ravel()[voxels].astype(np.float32, copy=False)
    rows = np.full([n + 2 for n in array.shape], -1, np.int32)  # one voxel of margin: no edge cases below
    rows[1:-1, 1:-1, 1:-1][above] = np.arange(voxels.size, dtype=np.int32)
    z, y, x = np.unravel_index(voxels, array.shape)
    place = np.ravel_multi_index((z + 1, y + 1, x + 1), rows.shape)
    flat = rows.ravel()
    up = np.arange(voxels.size)
    best = values.copy()
    for step in _steps(rows.shape):
        near = flat[place + step]
        height = np.where(near >= 0, values[near], -np.inf) if values.size else values
        higher = (height > best) | ((height == best) & (near > up))
        up[higher] = near[higher]
        best[higher] = height[higher]
    while not np.array_equal(up, further := up[up]):
        up = further
    peaks, hill = np.unique(up, return_inverse=True)
    saddles, passes = _passes(flat, place, values, hill, _steps(rows.shape)[:13], peaks.size)
    return Hills(voxels, values, hill, peaks, saddles, passes)


def _steps(shape: tuple[int, ...]) -> list[int]:
    """Flat offsets of the 26 neighbours; the first 13 are the mirror of the last 13."""
    _, y, x = shape
    return [(dz * y + dy) * x + dx for dz, dy, dx in product((-1, 0, 1), repeat=3) if (dz, dy, dx) != (0, 0, 0)]


def _passes(
    flat: NDArray[np.int32],
    place: NDArray[np.int64],
    values: NDArray[np.float32],
    hill: NDArray[np.int64],
    steps: Sequence[int],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    keys, heights = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for step in steps:
        near = flat[place + step]
        here = np.flatnonzero(near >= 0)
        there = near[here]
        apart = hill[here] != hill[there]
        here, there = here[apart], there[apart]
        low, high = np.minimum(hill[here], hill[there]), np.maximum(hill[here], hill[there])
        keys.append(low * count + high)
        heights.append(np.minimum(values[here], values[there]))
    key, height = np.concatenate(keys), np.concatenate(heights)
    order = np.lexsort((-height, key))
    key, height = key[order], height[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    key, height = key[first], height[first]
    down = np.lexsort((key, -height))
    return np.stack([key[down] // max(count, 1), key[down] % max(count, 1)], 1), height[down]


def join_hills(hills: Hills, joined: Callable[[float, float, float], bool]) -> NDArray[np.int64]:
    """Join hills over their passes, highest first, where ``joined(lower peak, higher peak, pass)`` holds.

    Returns
    -------
    (k,) int64
        For each hill the hill of the highest peak it ends up with.
    """
    top = hills.values[hills.peaks]
    root = list(range(top.size))
    for (a, b), height in zip(hills.saddles.tolist(), hills.passes.tolist(), strict=True):
        a, b = _root(root, a), _root(root, b)
        if a == b:
            continue
        low, high = (a, b) if (top[a], a) < (top[b], b) else (b, a)
        if joined(float(top[low]), float(top[high]), height):
            root[low] = high
    return np.array([_root(root, k) for k in range(top.size)], np.int64)


def join_to_markers(hills: Hills, markers: Sequence[int]) -> NDArray[np.int64]:
    """Give every hill to the marker it is best connected to.

    Parameters
    ----------
    markers : sequence of int
        Rows of ``hills.voxels``; -1 where a marker lies below the floor.

    Returns
    -------
    (k,) int64
        For each hill the position of its marker in ``markers``, or -1 where none is connected.
        Markers on one hill go to the first of them; a hill higher than a marker's never falls to it.
    """
    owner: dict[int, int] = {}
    top = hills.values[hills.peaks].tolist()
    for position, row in enumerate(markers):
        if row >= 0:
            owner.setdefault(int(hills.hill[row]), position)
    root = list(range(hills.peaks.size))
    for a, b in hills.saddles.tolist():
        a, b = _root(root, a), _root(root, b)
        if a == b or (a in owner and b in owner):
            continue
        low, high = (b, a) if a in owner else (a, b)
        if high in owner and top[low] > top[high]:
            continue  # what is hotter than a lesion's hottest voxel is no part of it
        root[low] = high
        top[high] = max(top[low], top[high])
    return np.array([owner.get(_root(root, k), -1) for k in range(hills.peaks.size)], np.int64)


def _root(root: list[int], k: int) -> int:
    while root[k] != k:
        root[k] = root[root[k]]
        k = root[k]
    return k
