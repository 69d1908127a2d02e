"""The body without the couch, on the PET grid."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Volume

__all__ = ["body_mask", "sample_mask"]

AIR_SUV = 0.15
"""Skin and fat of an FDG scan lie above, air and couch below."""
AIR_HU = -400.0
COUCH_MM = 10.0
"""Anything thinner is couch, tube or sheet and no part of a body."""
_STEPS_MM = (6.6, 4.0, 4.0)


def body_mask(suv: Volume | None, ct: Volume | None = None) -> NDArray[np.bool_]:
    """The body on the PET grid (on the CT's without PET): largest component, lungs filled, couch dropped.

    PET and CT are each thresholded on voxels of about 4 mm and opened by 10 mm, which cuts couch, tubes and
    blankets off; their union is taken, as a CT may be narrower and a PET's cold limbs fainter than the body.

    Raises
    ------
    ValueError
        If there is neither.
    """
    parts = [(v, low) for v, low in ((suv, AIR_SUV), (ct, AIR_HU)) if v is not None]
    if not parts:
        raise ValueError("a body needs a PET or a CT")
    grid = parts[0][0].grid
    masks = []
    for volume, low in parts:
        thin, thin_grid = _thinned(volume)
        masks.append(sample_mask(_trunk(thin >= low, thin_grid), thin_grid, grid))
    if len(masks) == 2 and not (masks[0] & masks[1]).any():
        return masks[0]
    return np.asarray(np.logical_or.reduce(masks), bool)


def _thinned(volume: Volume) -> tuple[NDArray[Any], Grid]:
    """Every n-th voxel, about ``_STEPS_MM`` apart."""
    z, y, x = (max(1, int(step / s)) for step, s in zip(_STEPS_MM, volume.grid.spacing_mm, strict=True))
    affine = volume.grid.affine.copy()
    affine[:3, :3] *= np.array([z, y, x])
    thin = volume.array[::z, ::y, ::x]
    return thin, Grid((thin.shape[0], thin.shape[1], thin.shape[2]), affine)


def _trunk(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """Open by the couch's thickness, keep the largest component and its like, fill each slice."""
    opened = _opened(mask, grid, COUCH_MM / 2)  # before filling: a couch is a hollow shell
    label: NDArray[Any] = cc3d.connected_components(opened, connectivity=6)
    count = np.bincount(label.ravel())
    if count.size < 2:
        return opened
    count[0] = 0
    keep = count >= 0.1 * count.max()  # the second leg of a part-body scan
    keep[0] = False
    return _filled(keep[label])


def _opened(mask: NDArray[np.bool_], grid: Grid, radius_mm: float) -> NDArray[np.bool_]:
    """``mask`` without what is thinner than a disc in the slice: erosion, then dilation."""
    _, dy, dx = grid.spacing_mm
    ry, rx = int(radius_mm // dy), int(radius_mm // dx)
    disc = [(y, x) for y in range(-ry, ry + 1) for x in range(-rx, rx + 1) if np.hypot(y * dy, x * dx) <= radius_mm]
    _, ny, nx = mask.shape
    padded = np.pad(mask, ((0, 0), (ry, ry), (rx, rx)))
    eroded = np.logical_and.reduce([padded[:, ry + y : ry + y + ny, rx + x : rx + x + nx] for y, x in disc])
    padded = np.pad(eroded, ((0, 0), (ry, ry), (rx, rx)))
    grown: NDArray[np.bool_] = np.logical_or.reduce(
        [padded[:, ry + y : ry + y + ny, rx + x : rx + x + nx] for y, x in disc]
    )
    return grown


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``mask`` with the holes of each slice filled: what the slice's border cannot reach."""
    in_plane = np.zeros((3, 3, 3), bool)
    in_plane[1, 1, :] = in_plane[1, :, 1] = True
    label, _ = ndimage.label(~mask, in_plane)
    edges = (label[:, 0], label[:, -1], label[:, :, 0], label[:, :, -1])
    outside = np.zeros(int(label.max()) + 1, bool)
    outside[np.unique(np.concatenate([e.ravel() for e in edges]))] = True
    outside[0] = False
    return np.asarray(~outside[label], bool)


def sample_mask(mask: NDArray[np.bool_], grid: Grid, onto: Grid) -> NDArray[np.bool_]:
    """``mask`` on ``grid`` read at the voxel centres of ``onto``, nearest neighbour; False outside."""
    to_index = np.linalg.inv(grid.affine) @ onto.affine  # index of onto -> index of grid
    if np.abs(to_index[:3, :3] - np.diag(np.diag(to_index[:3, :3]))).max() < 1e-6:
        axes = [np.rint(to_index[a, a] * np.arange(n) + to_index[a, 3]) for a, n in enumerate(onto.shape)]
        valid = [(i >= 0) & (i < n) for i, n in zip(axes, grid.shape, strict=True)]
        clipped = [i.clip(0, n - 1).astype(int) for i, n in zip(axes, grid.shape, strict=True)]
        out: NDArray[np.bool_] = mask.take(clipped[0], 0).take(clipped[1], 1).take(clipped[2], 2)
        for axis, inside in enumerate(valid):
            if not inside.all():
                out[(slice(None),) * axis + (~inside,)] = False
        return out
    sampled = ndimage.affine_transform(
        mask.astype(np.uint8), to_index[:3, :3], to_index[:3, 3], onto.shape, order=0, mode="constant"
    )
    return sampled.astype(bool)
