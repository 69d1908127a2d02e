"""A volume of labels on the PET grid, where its place is certain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.errors import MaskError
from petrg.imaging.grid import Grid
from petrg.imaging.resample import resample
from petrg.imaging.study import Study
from petrg.imaging.volume import Volume

__all__ = ["onto"]

_EXACT_VOXELS = 0.02
"""How far, in voxels, the centres of two grids may lie apart and still be the same."""


def onto(volume: Volume, reference: Study, what: str) -> tuple[NDArray[Any], str | None]:
    """Labels on the PET grid, and a note where they were resampled.

    Taken are the PET's own grid, a crop of it, and the CT's grid or a crop of that (nearest voxel).

    Raises
    ------
    MaskError
        If it lies on any other grid: of the same shape but moved, or of another scan.
    """
    assert reference.pet is not None
    pet = reference.pet.grid
    start = _start(volume.grid, pet)
    if start is not None:
        out = np.zeros(pet.shape, volume.array.dtype)
        out[tuple(slice(s, s + n) for s, n in zip(start, volume.array.shape, strict=True))] = volume.array
        return out, None
    if reference.ct is not None and _start(volume.grid, reference.ct.grid) is not None:
        note = f"{what} lies on the CT grid: brought to the PET grid by nearest voxel"
        return resample(volume, pet, linear=False).array, note
    raise MaskError(
        f"{what} lies on another grid ({volume.grid!r}, {_moved(volume.grid, pet)})",
        f"the PET's grid ({pet!r}), a crop of it, or the CT's",
        "give the mask drawn on this PET",
    )


def _start(part: Grid, whole: Grid) -> tuple[int, int, int] | None:
    """Index in ``whole`` of the first voxel of ``part``; None where voxels do not fall on voxels."""
    step = np.linalg.inv(whole.affine) @ part.affine
    drift = np.abs(step[:3, :3] - np.eye(3)) @ (np.array(part.shape) - 1)
    start = np.rint(step[:3, 3])
    if drift.max() > _EXACT_VOXELS or np.abs(step[:3, 3] - start).max() > _EXACT_VOXELS:
        return None
    if (start < 0).any() or (start + part.shape > whole.shape).any():
        return None
    z, y, x = (int(s) for s in start)
    return z, y, x


def _moved(grid: Grid, pet: Grid) -> str:
    middle = np.array(grid.shape) / 2 - 0.5, np.array(pet.shape) / 2 - 0.5
    return f"centres {np.linalg.norm(grid.to_mm(middle[0]) - pet.to_mm(middle[1])):.1f} mm apart"
