"""The brain by its uptake, whole or cut off by the top of the scan."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Volume
from petrg.measure.body import sample_mask

__all__ = ["BRAIN_SUV", "cut_brain", "whole_brain"]

BRAIN_SUV = 3.5
_WHOLE_ML = 300.0
_HEAD_MM = 230.0
_TO_TOP_MM = 120.0
_OFF_MM = 25.0
_FILLS, _FADES = 0.2, 0.05
"""The part of the head's cross-section that is hot where the scan cuts a brain, and where a cut brain ends."""
_DEEPEST_MM = 120.0


def whole_brain(
    small: Volume, suv: Volume, width: NDArray[np.float64], midline: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """The largest hot mass of more than 300 ml in a head near the top of the scan, on the PET grid.

    Parameters
    ----------
    small : Volume
        The PET averaged over blocks of 8 mm.
    suv : Volume
    width, midline : (z,) float64
        Of the body that holds the midline, and the plane, at each slice of ``suv``, mm.
    """
    grid = suv.grid
    label: NDArray[Any] = cc3d.connected_components(small.array >= BRAIN_SUV, connectivity=6)
    ml = np.bincount(label.ravel()) * small.grid.voxel_ml
    top = _top_mm(suv)
    for k in np.argsort(-ml[1:]).tolist():
        if ml[k + 1] <= _WHOLE_ML:
            return None
        mm = small.grid.to_mm(np.argwhere(label == k + 1))
        z = grid.to_index(mm)[:, 0].round().astype(int).clip(0, grid.shape[0] - 1)
        centred = abs(mm[:, 0].mean() - midline[z].mean()) < _OFF_MM
        if np.median(width[z]) < _HEAD_MM and top - mm[:, 2].max() < _TO_TOP_MM and centred:
            return sample_mask(label == k + 1, small.grid, grid)
    return None


def cut_brain(
    suv: Volume, body: NDArray[np.bool_], width: NDArray[np.float64], midline: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """What the scan's top shows of a brain it cuts: hot voxels of a head whose cross-section they fill.

    The first slices hold a head, and a fifth of it or more is hot; the brain reaches down as far as at least a
    twentieth is. Arms beside the head do not count.
    """
    grid = suv.grid
    z_mm = grid.to_mm(np.c_[np.arange(grid.shape[0]), np.zeros((grid.shape[0], 2))])[:, 2]
    x_mm = grid.to_mm(np.c_[np.zeros((grid.shape[2], 2)), np.arange(grid.shape[2])])[:, 0]
    out = np.zeros(body.shape, bool)
    fullest = 0.0
    for z in np.argsort(-z_mm).tolist():
        if not 0.0 < width[z] < _HEAD_MM or z_mm.max() - z_mm[z] > _DEEPEST_MM:
            break
        head = body[z] & (np.abs(x_mm - midline[z]) <= width[z] / 2 + grid.spacing_mm[2])
        hot = head & (suv.array[z] >= BRAIN_SUV)
        share = hot.sum() / max(int(head.sum()), 1)
        if share < _FADES:
            break
        fullest = max(fullest, float(share))
        out[z] = ndimage.binary_dilation(hot, iterations=1) & head
    return out if fullest >= _FILLS else None


def _top_mm(suv: Volume) -> float:
    ends = suv.grid.to_mm([[0, 0, 0], [suv.grid.shape[0] - 1, 0, 0]])[:, 2]
    return float(ends.max())
