"""The edge of a round field of view, where reconstruction piles up spikes that are no uptake."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.imaging import Volume

__all__ = ["edge_of_field"]

_RIM_VOXELS = 3.0
_FILLED = 0.95
"""A field is filled with reconstructed noise nearly everywhere; air set to zero is no field."""


def edge_of_field(volume: Volume) -> NDArray[np.bool_]:
    """Columns of voxels at the rim of a round field of view and outside it.

    The field is round where every slice is exactly zero outside one circle that reaches the sides of the grid, and
    hardly anywhere inside it. Any other image (a crop, a square field, air set to zero) has no such edge.

    Returns
    -------
    (y, x) bool
    """
    used = np.asarray(volume.array.any(0))
    ny, nx = used.shape
    y, x = np.ogrid[:ny, :nx]
    away = np.hypot(y - (ny - 1) / 2, x - (nx - 1) / 2)
    radius = float(away[used].max(initial=0.0))
    whole = radius >= min(ny, nx) / 2 - _RIM_VOXELS and radius < float(away.max()) - _RIM_VOXELS
    if not whole or used[away <= radius].mean() < _FILLED:
        return np.zeros((ny, nx), bool)
    return np.asarray(away > radius - _RIM_VOXELS)
