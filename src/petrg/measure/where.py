"""Where a voxel is, as a reader would look it up: slice number, SOP instance, mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.imaging import Grid, Series
from petrg.report.classes import Modality
from petrg.report.record import Where

__all__ = ["Index", "point", "slice_number", "unravel", "where"]

Index = tuple[int, int, int]
"""A voxel as (z, y, x), from 0."""


def slice_number(grid: Grid, z: int) -> int:
    """The number of slice ``z`` counted from 1 at the head end, as pages count.

    >>> slice_number(Grid.from_spacing((10, 2, 2), (3.0, 2.0, 2.0)), 9)
    1
    """
    up = grid.affine[2, 0] >= 0  # readers sort so that z runs to the head; a grid made by hand may not
    return grid.shape[0] - z if up else z + 1


def unravel(flat: int, grid: Grid) -> Index:
    """The (z, y, x) of a flat voxel index."""
    z, y, x = np.unravel_index(flat, grid.shape)
    return int(z), int(y), int(x)


def where(index: Index, grid: Grid, modality: Modality, series: Series | None) -> Where:
    """The place of voxel ``index`` with the identifiers its series gives it."""
    z = index[0]
    full = series is not None and len(series.sop_uids) == grid.shape[0]
    numbered = series is not None and len(series.instance_numbers) == grid.shape[0]
    return Where(
        modality=modality,
        index=index,
        mm=point(grid.to_mm(index)),
        slice_number=slice_number(grid, z),
        instance_number=series.instance_numbers[z] if series is not None and numbered else None,
        sop_uid=(series.sop_uids[z] or None) if series is not None and full else None,
    )


def point(mm: NDArray[np.float64]) -> tuple[float, float, float]:
    """(x, y, z) in mm as plain floats, to the micrometre."""
    x, y, z = (round(float(v), 3) for v in mm)
    return x, y, z
