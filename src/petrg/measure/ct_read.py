"""What the native CT shows at a lesion of the PET."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.imaging import Grid, Series, Volume
from petrg.measure.where import where
from petrg.report.classes import Modality
from petrg.report.record import CtRead

__all__ = ["read_ct"]


def read_ct(ct: Volume, series: Series | None, lesion: NDArray[np.int64], grid: Grid) -> CtRead | None:
    """HU over the CT voxels whose centre lies inside the lesion; None where the CT does not reach it.

    Parameters
    ----------
    ct : Volume
        On its own grid; nothing is resampled.
    lesion : (n,) int64
        Flat indices on the PET's ``grid``; a CT voxel lies inside if the PET voxel round its centre does.
    """
    if lesion.size == 0:
        return None
    index = np.stack(np.unravel_index(lesion, grid.shape), 1)
    low, high = index.min(0) - 0.5, index.max(0) + 0.5
    corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)])
    ends = ct.grid.to_index(grid.to_mm(low + corners * (high - low)))
    first = np.floor(ends.min(0)).clip(0).astype(int)
    last = np.minimum(np.ceil(ends.max(0)).astype(int) + 1, ct.grid.shape)
    if (last <= first).any():
        return None
    box = np.zeros(np.array(high - low, int) + 2, bool)
    box[tuple((index - index.min(0) + 1).T)] = True
    z, y, x = (np.arange(a, b) for a, b in zip(first, last, strict=True))
    to_pet = np.linalg.inv(grid.affine) @ ct.grid.affine
    at = (
        to_pet[:3, 0] * z[:, None, None, None]
        + to_pet[:3, 1] * y[:, None, None]
        + to_pet[:3, 2] * x[:, None]
        + to_pet[:3, 3]
    )
    local = np.floor(at + 0.5).astype(np.int64) - index.min(0) + 1
    local = local.clip(0, np.array(box.shape) - 1)
    inside = box[local[..., 0], local[..., 1], local[..., 2]]
    if not inside.any():
        return None
    values = ct.array[tuple(slice(a, b) for a, b in zip(first, last, strict=True))][inside].astype(np.float64)
    spots = np.argwhere(inside)
    middle = spots[np.argmin(np.square(spots - spots.mean(0)).sum(1))] + first
    return CtRead(
        hu_mean=float(values.mean()),
        hu_sd=float(values.std()),
        hu_min=float(values.min()),
        hu_max=float(values.max()),
        voxels=int(values.size),
        where=where((int(middle[0]), int(middle[1]), int(middle[2])), ct.grid, Modality.CT, series),
    )
