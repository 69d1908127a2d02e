"""The numbers of one lesion, from its voxels and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import Side
from petrg.imaging import Grid, Volume
from petrg.measure.axes import axes_mm
from petrg.measure.delineate import cut_level
from petrg.measure.midline import Midline
from petrg.measure.peak import peak_4voxel, suv_peak
from petrg.measure.where import point, slice_number, unravel
from petrg.report.record import Threshold

__all__ = ["MIDLINE_MM", "Numbers", "numbers_of", "side_of"]

MIDLINE_MM = 10.0
"""Within this distance of the midsagittal plane a lesion has no side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the PET says of one lesion; fields as in `petrg.report.record.Lesion`."""

    centre_mm: tuple[float, float, float]
    slices: tuple[int, int]
    suv_max: float
    suv_mean: float | None
    suv_peak: float | None
    peak_4voxel: float
    mtv_ml: float | None
    tlg_g: float | None
    volume_ml: float | None
    axes_mm: tuple[float, float] | None


def numbers_of(suv: Volume, seed: int, voxels: NDArray[np.int64], threshold: Threshold) -> Numbers:
    """Measure a lesion on the native PET grid.

    Parameters
    ----------
    suv : Volume
    seed : int
        Flat index of its hottest voxel.
    voxels : (n,) int64
        Its delineated voxels or given mask; empty below the rule. Then it is known by its hottest voxel
        alone: no mean, volume or diameter, and SUVpeak is centred on that voxel or one that touches it.
    threshold : Threshold
        The rule that delineated it.
    """
    grid = suv.grid
    hottest = unravel(seed, grid)
    suv_max = float(suv.array[hottest])
    if voxels.size == 0:
        number = slice_number(grid, hottest[0])
        return Numbers(
            centre_mm=point(grid.to_mm(hottest)),
            slices=(number, number),
            suv_max=suv_max,
            suv_mean=None,
            suv_peak=suv_peak(suv, _round(hottest, grid)),
            peak_4voxel=peak_4voxel(suv.array, hottest),
            mtv_ml=None,
            tlg_g=None,
            volume_ml=None,
            axes_mm=None,
        )
    index = np.stack(np.unravel_index(voxels, grid.shape), 1)
    ends = sorted((slice_number(grid, int(index[:, 0].min())), slice_number(grid, int(index[:, 0].max()))))
    mean = float(suv.array.ravel()[voxels].mean(dtype=np.float64))
    volume = voxels.size * grid.voxel_ml
    return Numbers(
        centre_mm=point(grid.to_mm(index.mean(0))),
        slices=(ends[0], ends[1]),
        suv_max=suv_max,
        suv_mean=mean,
        suv_peak=suv_peak(suv, voxels),
        peak_4voxel=peak_4voxel(suv.array, hottest),
        mtv_ml=volume,
        tlg_g=mean * volume,
        volume_ml=volume,
        axes_mm=axes_mm(suv, voxels, cut_level(threshold, suv_max)),
    )


def _round(index: tuple[int, int, int], grid: Grid) -> NDArray[np.int64]:
    """Flat indices of a voxel and the 26 around it that lie in the grid."""
    near = np.array(index) + np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    near = near[((near >= 0) & (near < grid.shape)).all(1)]
    return np.asarray(np.ravel_multi_index(tuple(near.T), grid.shape), np.int64)


def side_of(centre_mm: tuple[float, float, float], grid: Grid, midline: Midline) -> Side | None:
    """The patient's side of a place: the sign of x against the midsagittal plane at that level.

    None where the plane is not known there. +x is the patient's left.
    """
    plane = midline.at(int(np.clip(round(float(grid.to_index(centre_mm)[0])), 0, grid.shape[0] - 1)))
    if plane is None:
        return None
    off = centre_mm[0] - plane
    if abs(off) <= MIDLINE_MM:
        return Side.MIDLINE
    return Side.LEFT if off > 0 else Side.RIGHT
