"""Planes of the patient cut out of a volume, wherever its grid lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from petrg.imaging import Grid, Quantity, Volume

__all__ = ["Box", "Plane", "body_box", "bounds", "cut", "plane_through", "project"]

Axis = Literal["axial", "coronal", "sagittal"]

_COLUMN = {"axial": 0, "coronal": 0, "sagittal": 1}  # patient axis (x, y, z) that runs along a row of the picture
_ROW = {"axial": 1, "coronal": 2, "sagittal": 2}
_DEPTH = {"axial": 2, "coronal": 1, "sagittal": 0}
_OUTSIDE = {Quantity.HU: -1024.0}
_MARGIN_MM = 12.0
_FAINT = 0.12  # of the body's usual brightness: below it there is air and noise only


@dataclass(frozen=True, slots=True)
class Box:
    """A box in the patient: lowest and highest (x, y, z), mm."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """A picture plane in the patient, radiological convention.

    Columns run to the patient's left (axial, coronal) or back (sagittal), rows to the back (axial)
    or to the feet; so the patient's right is on the left of the picture.

    Parameters
    ----------
    axis : "axial", "coronal" or "sagittal"
    corner_mm : (x, y, z) of the centre of pixel (row 0, column 0)
    mm_per_pixel : float
    shape : (rows, columns)
    """

    axis: Axis
    corner_mm: tuple[float, float, float]
    mm_per_pixel: float
    shape: tuple[int, int]

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """Directions at the left, right, top and bottom of the picture."""
        return {
            "axial": ("R", "L", "A", "P"),
            "coronal": ("R", "L", "H", "F"),
            "sagittal": ("A", "P", "H", "F"),
        }[self.axis]

    @property
    def steps_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Patient vectors (x, y, z) of one row down and one column to the right, mm."""
        row, column = np.zeros(3), np.zeros(3)
        row[_ROW[self.axis]] = self.mm_per_pixel if self.axis == "axial" else -self.mm_per_pixel
        column[_COLUMN[self.axis]] = self.mm_per_pixel
        return row, column

    def pixel(self, mm: tuple[float, float, float]) -> tuple[float, float]:
        """Column and row of the point ``mm`` (x, y, z), projected onto the plane."""
        row, column = self.steps_mm
        offset = np.subtract(mm, self.corner_mm)
        scale = self.mm_per_pixel**2
        return float(offset @ column / scale), float(offset @ row / scale)


def plane_through(axis: Axis, box: Box, mm: tuple[float, float, float], mm_per_pixel: float = 1.0) -> Plane:
    """The plane of ``box`` through the point ``mm`` (x, y, z)."""
    low, high = np.array(box.low), np.array(box.high)
    size, step = high - low, mm_per_pixel
    width, height = size[_COLUMN[axis]], size[_ROW[axis]]
    shape = max(round(float(height / step)), 1), max(round(float(width / step)), 1)
    corner = low + step / 2
    if axis != "axial":
        corner[2] = high[2] - step / 2
    corner[_DEPTH[axis]] = mm[_DEPTH[axis]]
    return Plane(axis, tuple(corner.tolist()), float(step), shape)


def cut(volume: Volume, plane: Plane) -> NDArray[np.float32]:
    """Values of ``volume`` on ``plane``, (rows, columns), linear between voxels.

    Outside the scan: -1024 HU, or 0 SUV.
    """
    row, column = plane.steps_mm
    grid = volume.grid
    origin = grid.to_index(plane.corner_mm)
    to_index = np.linalg.inv(grid.affine[:3, :3])
    rows = np.arange(plane.shape[0])[:, None] * (to_index @ row)[:, None, None]
    columns = np.arange(plane.shape[1]) * (to_index @ column)[:, None, None]
    at = origin[:, None, None] + rows + columns
    last = np.array(grid.shape)[:, None, None] - 1
    outside = ((at < -0.5) | (at > last + 0.5)).any(axis=0)
    values: NDArray[np.float32] = map_coordinates(
        volume.array, np.clip(at, 0, last), output=np.float32, order=1, mode="nearest"
    )
    values[outside] = _OUTSIDE.get(volume.quantity, 0.0)
    return values


def project(volume: Volume, axis: Literal["coronal", "sagittal"], box: Box, mm_per_pixel: float) -> tuple[Any, Plane]:
    """Maximum intensity projection across ``axis`` and the plane it is drawn on.

    The maximum is taken over native voxels, so no hot voxel is averaged away; only an oblique grid
    is resampled first.
    """
    straight = volume if volume.grid.is_axial else _straightened(volume)
    depth = 2 - _DEPTH[axis]  # array axis [z, y, x] of the patient axis looked along
    array = straight.array.max(axis=depth, keepdims=True)
    grid = straight.grid
    affine = grid.affine.copy()
    middle = np.zeros(3)
    middle[depth] = (grid.shape[depth] - 1) / 2
    affine[:3, 3] = grid.to_mm(middle)
    affine[:3, depth] *= grid.shape[depth]
    flat = Volume(array, Grid(array.shape, affine), straight.quantity)
    plane = plane_through(axis, box, flat.grid.origin_mm, mm_per_pixel)
    return cut(flat, plane), plane


def bounds(grid: Grid) -> Box:
    """The box that holds every voxel of ``grid``, edges included."""
    ends = np.array([[z, y, x] for z in (-0.5, 0.5) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
    middle = (np.array(grid.shape) - 1) / 2
    corners = grid.to_mm(middle + ends * np.array(grid.shape))
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def body_box(pet: Volume, near_z_mm: float | None = None) -> Box:
    """The box round what takes up tracer, with a margin; the whole height of the scan.

    With ``near_z_mm`` only slices within 30 mm of that height say how wide the body is.
    """
    whole = bounds(pet.grid)
    low, high = list(whole.low), list(whole.high)
    if not pet.grid.is_axial:
        return whole
    array = pet.array[_slab(pet.grid, near_z_mm)]
    for axis in (0, 1):
        kept = 2 - axis
        slabs = np.clip(array, 0, None).mean(axis=3 - kept)  # (z, kept): averaged along the depth
        profile = slabs.max(axis=0)  # arms lie in a few slices only
        seen = np.flatnonzero(profile > _FAINT * np.percentile(profile, 60))
        if seen.size == 0:
            continue
        ends = np.zeros((2, 3))
        ends[:, kept] = seen[0] - 0.5, seen[-1] + 0.5
        near, far = sorted(pet.grid.to_mm(ends)[:, axis].tolist())
        low[axis], high[axis] = max(low[axis], near - _MARGIN_MM), min(high[axis], far + _MARGIN_MM)
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _slab(grid: Grid, near_z_mm: float | None) -> slice:
    """Slices to look at: some 64 of all, or those within 30 mm of a height."""
    if near_z_mm is None:
        return slice(None, None, max(grid.shape[0] // 64, 1))
    steps = 30.0 / grid.spacing_mm[0]
    at = float(grid.to_index([*grid.origin_mm[:2], near_z_mm])[0])
    first = min(max(round(at - steps), 0), grid.shape[0] - 1)
    return slice(first, max(round(at + steps), first) + 1)


def _straightened(volume: Volume) -> Volume:
    """``volume`` on an axis-aligned grid that holds all of it."""
    from petrg.imaging.resample import resample

    box = bounds(volume.grid)
    step = min(volume.grid.spacing_mm)
    z, y, x = (max(int(np.ceil((box.high[k] - box.low[k]) / step)), 1) for k in (2, 1, 0))
    origin = (box.low[0] + step / 2, box.low[1] + step / 2, box.low[2] + step / 2)
    return resample(volume, Grid.from_spacing((z, y, x), (step, step, step), origin), linear=True)
