"""One volume on another grid: for pictures, anatomy and networks; never for SUV or HU in numbers.

Grids whose axes are parallel, which is nearly every pair of a CT and a PET, go axis by axis in
numpy (three passes over a slice instead of eight neighbours a voxel); oblique ones through
SimpleITK. Both sample alike: centre to centre, edges held for half a voxel, fill beyond.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from petrg.imaging.grid import Grid
from petrg.imaging.quantity import Quantity
from petrg.imaging.study import Study
from petrg.imaging.volume import Volume

__all__ = ["common_grid", "resample"]

_FILL = {Quantity.HU: -1024.0}
_PARALLEL_VOXELS = 1e-3
"""Axes count as parallel where no voxel is off by more than this part of one."""


class _Axis(NamedTuple):
    """Where the output's positions along one axis fall in the input."""

    low: NDArray[np.intp]  # neighbour below
    weight: NDArray[np.float32]  # of the neighbour above
    nearest: NDArray[np.intp]
    inside: slice  # of the output


def resample(volume: Volume, grid: Grid, *, linear: bool = True, fill: float | None = None) -> Volume:
    """Sample ``volume`` at the voxel centres of ``grid``.

    Parameters
    ----------
    volume : Volume
    grid : Grid
    linear : bool
        Trilinear; else nearest voxel. Labels are always sampled by nearest voxel and keep their type.
    fill : float, optional
        Value outside the volume: -1024 for HU, else 0.

    Returns
    -------
    Volume
        Of the same quantity, float32 (labels as they were).
    """
    label = volume.quantity is Quantity.LABEL
    outside = _FILL.get(volume.quantity, 0.0) if fill is None else fill
    dtype = volume.array.dtype if label else np.dtype(np.float32)
    step = np.linalg.inv(volume.grid.affine) @ grid.affine
    off = np.abs(step[:3, :3] - np.diag(np.diag(step[:3, :3]))) @ np.array(grid.shape)
    if off.max() > _PARALLEL_VOXELS:
        array = _oblique(volume, grid, linear and not label, outside).astype(dtype, copy=False)
        return Volume(array, grid, volume.quantity)
    out = np.full(grid.shape, outside, dtype)
    axes = [_axis(volume.array.shape[k], grid.shape[k], step[k, k], step[k, 3]) for k in range(3)]
    if all(axis.inside.stop > axis.inside.start for axis in axes):
        sample = _linear if linear and not label else _nearest
        sample(volume.array, axes, out[tuple(axis.inside for axis in axes)])
    return Volume(out, grid, volume.quantity)


def _axis(size_in: int, size_out: int, scale: float, offset: float) -> _Axis:
    position = offset + scale * np.arange(size_out)
    seen = np.flatnonzero((position >= -0.5 - 1e-9) & (position < size_in - 0.5 - 1e-9))
    inside = slice(int(seen[0]), int(seen[-1]) + 1) if seen.size else slice(0, 0)
    position = np.clip(position[inside], 0, size_in - 1)
    nearest = np.minimum(np.floor(position + 0.5), size_in - 1).astype(np.intp)
    near = np.abs(position - nearest) < 1e-7
    position = np.where(near, nearest, position)  # rounding of the affines is no shift
    low = np.floor(position).astype(np.intp)
    return _Axis(low, (position - low).astype(np.float32), nearest, inside)


def _nearest(array: NDArray[Any], axes: list[_Axis], out: NDArray[Any]) -> None:
    z, y, x = (axis.nearest for axis in axes)
    for k, source in enumerate(z):
        out[k] = array[source][y][:, x]


def _linear(array: NDArray[Any], axes: list[_Axis], out: NDArray[np.float32]) -> None:
    """Each input slice is brought to the output's rows and columns once, then slices are mixed."""
    z, y, x = axes
    kept: dict[int, NDArray[np.float32]] = {}

    def plane(k: int) -> NDArray[np.float32]:
        if k not in kept:
            for old in [old for old in kept if abs(old - k) > 1]:
                del kept[old]
            rows = _mixed(array[k], y.low, y.weight[:, None], 0)
            kept[k] = _mixed(rows, x.low, x.weight, 1)
        return kept[k]

    for k, (low, weight) in enumerate(zip(z.low.tolist(), z.weight.tolist(), strict=True)):
        if weight == 0:
            out[k] = plane(low)
            continue
        below = plane(low)
        np.subtract(plane(low + 1), below, out=out[k])
        out[k] *= np.float32(weight)
        out[k] += below


def _mixed(array: NDArray[Any], low: NDArray[np.intp], weight: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Neighbours along one axis, mixed by weight."""
    below: NDArray[np.float32] = array.take(low, axis).astype(np.float32, copy=False)
    above: NDArray[np.float32] = array.take(np.minimum(low + 1, array.shape[axis] - 1), axis).astype(
        np.float32, copy=False
    )
    above -= below
    above *= weight
    above += below
    return above


def _oblique(volume: Volume, grid: Grid, linear: bool, fill: float) -> NDArray[Any]:
    """Through SimpleITK: output indices go to input indices by one affine, so any shear is right."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.array))
    flip = np.eye(3)[::-1]  # SimpleITK's x, y, z against z, y, x
    step = np.linalg.inv(volume.grid.affine) @ grid.affine
    transform = sitk.AffineTransform(3)
    transform.SetMatrix((flip @ step[:3, :3] @ flip).ravel().tolist())
    transform.SetTranslation((flip @ step[:3, 3]).tolist())
    z, y, x = grid.shape
    kind = sitk.sitkLinear if linear else sitk.sitkNearestNeighbor
    out = sitk.Resample(
        image, (x, y, z), transform, kind, (0.0,) * 3, (1.0,) * 3, np.eye(3).ravel().tolist(), fill, image.GetPixelID()
    )
    return np.array(sitk.GetArrayViewFromImage(out))  # a view of a temporary crashes: `out` is kept


def common_grid(study: Study, spacing_mm: float = 2.0) -> Grid:
    """An isotropic grid along the patient's axes that holds every voxel centre of the PET (CT where none).

    >>> from petrg.imaging.grid import Grid
    >>> pet = Volume(np.zeros((11, 6, 6), np.float32), Grid.from_spacing((11, 6, 6), (3, 4, 4)), Quantity.SUV_BW)
    >>> common_grid(Study(id="a", pet=pet), 2.0)
    Grid(16x11x11, 2.00x2.00x2.00 mm)
    """
    volume = study.pet if study.pet is not None else study.ct
    assert volume is not None  # a study holds at least one
    ends = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * (np.array(volume.grid.shape) - 1)
    corners = volume.grid.to_mm(ends)
    low, high = corners.min(axis=0), corners.max(axis=0)
    x, y, z = (int(n) for n in np.ceil((high - low) / spacing_mm - 1e-6) + 1)
    return Grid.from_spacing((z, y, x), (spacing_mm,) * 3, (float(low[0]), float(low[1]), float(low[2])))
