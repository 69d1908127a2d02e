"""A coarse look at the images, about 8 mm a voxel: enough to find organs, far too coarse to measure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.imaging import Grid, Volume

__all__ = ["block_mean", "central_width_mm", "coarse", "coarse_grid"]

COARSE_MM = 8.0


def coarse_grid(grid: Grid, step_mm: float = COARSE_MM) -> tuple[Grid, tuple[int, int, int]]:
    """The grid of whole blocks of about ``step_mm``, and the block in voxels."""
    z, y, x = (min(max(1, round(step_mm / s)), n) for s, n in zip(grid.spacing_mm, grid.shape, strict=True))
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm([(z - 1) / 2, (y - 1) / 2, (x - 1) / 2])
    affine[:3, :3] *= np.array([z, y, x])
    nz, ny, nx = grid.shape
    return Grid((nz // z, ny // y, nx // x), affine), (z, y, x)


def block_mean(array: NDArray[Any], block: tuple[int, int, int]) -> NDArray[np.float32]:
    """The mean of each whole block; what is left over at the end is dropped."""
    nz, ny, nx = (n // b for n, b in zip(array.shape, block, strict=True))
    z, y, x = block
    whole = array[: nz * z, : ny * y, : nx * x].reshape(nz, z, ny, y, nx, x)
    return np.asarray(whole.mean((1, 3, 5), dtype=np.float32))


def coarse(volume: Volume, step_mm: float = COARSE_MM) -> Volume:
    """The volume averaged over blocks of about ``step_mm``."""
    grid, block = coarse_grid(volume.grid, step_mm)
    return Volume(block_mean(volume.array, block), grid, volume.quantity)


def central_width_mm(body: NDArray[np.bool_], grid: Grid, midline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width of the part of the body that holds the midline, at each slice, mm; 0 where none does.

    Arms that lie apart from the trunk do not count.
    """
    dx = grid.spacing_mm[2]
    per_x = body.sum(1)
    solid = per_x * grid.spacing_mm[1] > 20.0
    out = np.zeros(body.shape[0])
    held = body.any((1, 2))
    for z in np.flatnonzero(held).tolist():
        y = float((body[z].sum(1) @ np.arange(body.shape[1])) / body[z].sum())
        at = grid.to_mm([z, y, 0.0])[0]
        step = grid.affine[0, 2]
        middle = int(np.clip(round((midline[z] - at) / step), 0, body.shape[2] - 1)) if step else 0
        row = solid[z]
        if row[middle]:
            left = middle - int(np.argmin(np.r_[row[: middle + 1][::-1], False])) + 1
            right = middle + int(np.argmin(np.r_[row[middle:], False]))
            out[z] = (right - left) * dx
    return out
