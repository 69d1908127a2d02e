"""Where voxels lie, in mm of the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["VOXEL_MM", "Grid"]

VOXEL_MM = (0.05, 50.0)
"""Sides of a voxel that a scanner of people makes; beyond them a length unit or an orientation is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular lattice of voxels: a shape and an affine.

    Parameters
    ----------
    shape : (z, y, x)
    affine : (4, 4) float64
        Index ``(z, y, x, 1)`` of a voxel centre to patient coordinates ``(x, y, z, 1)`` in mm,
        LPS+ (DICOM PS3.3 C.7.6.2): +x to the patient's left, +y to the back, +z to the head.

    Raises
    ------
    ValueError
        If the affine is not 4 x 4, not finite, or singular.

    Examples
    --------
    >>> grid = Grid.from_spacing((2, 3, 4), (3.0, 2.0, 1.5), origin_mm=(10, 20, 30))
    >>> grid.to_mm([1, 0, 2]).tolist()
    [13.0, 20.0, 33.0]
    >>> grid.to_index([13.0, 20.0, 33.0]).tolist()
    [1.0, 0.0, 2.0]
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        affine = np.array(self.affine, np.float64)
        if affine.shape != (4, 4):
            raise ValueError(f"affine must be 4 x 4, got {affine.shape}")
        if not np.isfinite(affine).all():
            raise ValueError("affine holds a value that is not finite")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise ValueError("affine is singular: two voxel axes are parallel or a spacing is 0 mm")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @classmethod
    def from_spacing(
        cls,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> Grid:
        """An axis-aligned grid: spacing along (z, y, x), origin (x, y, z) of voxel 0, mm."""
        affine = np.zeros((4, 4))
        for axis, step in enumerate(spacing_mm):
            affine[2 - axis, axis] = step
        affine[:3, 3] = origin_mm
        affine[3, 3] = 1.0
        return cls(shape, affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxel centres along (z, y, x), mm."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @property
    def origin_mm(self) -> tuple[float, float, float]:
        """Centre of voxel (0, 0, 0) as (x, y, z), mm."""
        x, y, z = self.affine[:3, 3]
        return float(x), float(y), float(z)

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors of the z, y and x axes as columns, (3, 3)."""
        axes: NDArray[np.float64] = self.affine[:3, :3]
        return np.asarray(axes / np.linalg.norm(axes, axis=0), np.float64)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def is_axial(self) -> bool:
        """Whether the z axis runs along the body and y, x along the patient's axes, within 1 degree."""
        return bool(np.all(np.abs(np.diag(np.abs(self.directions)[::-1])) > np.cos(np.radians(1.0))))

    def to_mm(self, index: ArrayLike) -> NDArray[np.float64]:
        """Patient coordinates (..., 3) as x, y, z in mm of indices (..., 3) as z, y, x."""
        return np.asarray(index, np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, mm: ArrayLike) -> NDArray[np.float64]:
        """Fractional indices (..., 3) as z, y, x of patient coordinates (..., 3) in mm."""
        inverse = np.linalg.inv(self.affine[:3, :3])
        return (np.asarray(mm, np.float64) - self.affine[:3, 3]) @ inverse.T

    def same_as(self, other: Grid, tolerance_mm: float = 1e-2) -> bool:
        """Whether every voxel of both grids lies at the same place within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        ends = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)])
        corners = ends * (np.array(self.shape) - 1)
        return bool(np.abs(self.to_mm(corners) - other.to_mm(corners)).max() <= tolerance_mm)

    def crop(self, slices: tuple[slice, slice, slice]) -> Grid:
        """The grid of ``array[slices]`` for slices of step 1."""
        starts = [s.indices(n) for s, n in zip(slices, self.shape, strict=True)]
        if any(step != 1 for _, _, step in starts):
            raise ValueError("crop takes slices of step 1")
        affine = self.affine.copy()
        affine[:3, 3] = self.to_mm([start for start, _, _ in starts])
        z, y, x = (max(stop - start, 0) for start, stop, _ in starts)
        return Grid((z, y, x), affine)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        spacing = "x".join(f"{s:.2f}" for s in self.spacing_mm)
        return f"Grid({shape}, {spacing} mm)"
