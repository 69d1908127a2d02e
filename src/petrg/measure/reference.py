"""Reference regions: a 3 cm sphere in the right lobe of the liver, 1 x 2 cm in the descending aorta."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Volume
from petrg.measure.where import point, slice_number
from petrg.report.record import Reference

__all__ = ["AORTA_LENGTH_MM", "AORTA_RADIUS_MM", "LIVER_RADIUS_MM", "blood_pool_reference", "liver_reference"]

LIVER_RADIUS_MM = 15.0
AORTA_RADIUS_MM = 5.0
AORTA_LENGTH_MM = 20.0
AORTA_WALL_MM = 4.0
_MOST_CENTRES = 400
_MOST_VARIATION = 0.2
"""A reference sphere whose SD is more than this part of its mean is not homogeneous."""


def liver_reference(suv: Volume, allowed: NDArray[np.bool_], method: str) -> Reference | None:
    """A homogeneous 3 cm sphere wholly in ``allowed``, as deep in it as can be; None where none is homogeneous.

    Parameters
    ----------
    suv : Volume
    allowed : (z, y, x) bool
        Right lobe of the liver as far as known, without foci.
    method : str
        How the liver was found, for the record.
    """
    inner = _inside_by(allowed, suv.grid, LIVER_RADIUS_MM)
    if inner is None:
        return None
    box, core, depth = inner
    part = suv.array[box].astype(np.float64)
    ball = _ball(suv.grid, LIVER_RADIUS_MM)
    centres = np.argwhere(core)
    centres = centres[np.argsort(-depth[tuple(centres.T)], kind="stable")]
    centres = centres[:: -(-len(centres) // _MOST_CENTRES)]
    values = part[tuple((centres[:, None] + ball).transpose(2, 0, 1))]  # (centre, voxel)
    spread = values.std(1) / np.maximum(values.mean(1), 1e-9)
    # The deepest sphere of ordinary spread: taking the least spread would understate the noise.
    even = np.flatnonzero((spread <= _MOST_VARIATION) & (spread <= np.median(spread)))
    if even.size == 0:
        return None
    start, centre = np.array([s.start for s in box]), centres[even[0]]
    return _reference(suv, centre + ball + start, centre + start, LIVER_RADIUS_MM, None, method)


def blood_pool_reference(suv: Volume, aorta: NDArray[np.bool_], method: str) -> Reference | None:
    """A cylinder of 1 cm x 2 cm along the body in ``aorta``, at least 4 mm from its wall everywhere.

    Parameters
    ----------
    suv : Volume
    aorta : (z, y, x) bool
        The descending thoracic aorta on the PET grid.
    """
    inner = _inside_by(aorta, suv.grid, AORTA_RADIUS_MM + AORTA_WALL_MM, in_plane=True)
    if inner is None:
        return None
    box, core, _ = inner
    dz = suv.grid.spacing_mm[0]
    half = max(round((AORTA_LENGTH_MM / dz - 1) / 2), 0)
    disc = _ball(suv.grid, AORTA_RADIUS_MM, flat=True)
    centres = np.array([np.argwhere(s).mean(0) if s.any() else (np.nan, np.nan) for s in core])
    part = suv.array[box]
    best: tuple[float, NDArray[np.int64], NDArray[np.int64]] | None = None
    for z in range(half, len(core) - half):
        run = centres[z - half : z + half + 1]
        if np.isnan(run).any():
            continue
        yx = np.rint(run).astype(np.int64)
        voxels = np.concatenate([np.c_[np.full(len(disc), z - half + k), c + disc[:, 1:]] for k, c in enumerate(yx)])
        values = part[tuple(voxels.T)]
        spread = float(values.std() / max(float(values.mean()), 1e-9))
        if best is None or spread < best[0]:
            best = spread, voxels, np.array([z, *yx[half]])
    if best is None or best[0] > 2 * _MOST_VARIATION:
        return None
    start = np.array([s.start for s in box])
    return _reference(suv, best[1] + start, best[2] + start, AORTA_RADIUS_MM, AORTA_LENGTH_MM, method)


def _inside_by(
    mask: NDArray[np.bool_], grid: Grid, depth_mm: float, in_plane: bool = False
) -> tuple[tuple[slice, ...], NDArray[np.bool_], NDArray[np.float64]] | None:
    """A box, the voxels in it at least ``depth_mm`` inside ``mask``, and all depths; None where there is none."""
    found = ndimage.find_objects(mask.astype(np.uint8))
    if not found:
        return None
    box = found[0]
    padded = np.pad(mask[box], 1)
    if in_plane:
        depth = np.stack([ndimage.distance_transform_edt(s, sampling=grid.spacing_mm[1:]) for s in padded])
    else:
        depth = ndimage.distance_transform_edt(padded, sampling=grid.spacing_mm)
    depth = depth[1:-1, 1:-1, 1:-1]
    core: NDArray[np.bool_] = depth > depth_mm
    return (box, core, depth) if core.any() else None


def _ball(grid: Grid, radius_mm: float, flat: bool = False) -> NDArray[np.int64]:
    """Voxel steps (n, 3) whose centres lie within ``radius_mm``; in the slice only where ``flat``."""
    reach = [0 if flat and a == 0 else int(radius_mm / s) for a, s in enumerate(grid.spacing_mm)]
    steps = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), -1).reshape(-1, 3)
    inside: NDArray[np.int64] = steps[np.linalg.norm(steps * np.array(grid.spacing_mm), axis=1) <= radius_mm]
    return inside


def _reference(
    suv: Volume, voxels: NDArray[Any], centre: NDArray[Any], radius: float, length: float | None, method: str
) -> Reference:
    values = suv.array[tuple(voxels.T)].astype(np.float64)
    return Reference(
        suv_mean=float(values.mean()),
        suv_sd=float(values.std()),
        suv_max=float(values.max()),
        volume_ml=len(voxels) * suv.grid.voxel_ml,
        voxels=len(voxels),
        centre_mm=point(suv.grid.to_mm(centre)),
        radius_mm=radius,
        length_mm=length,
        slice_number=slice_number(suv.grid, int(centre[0])),
        method=method,
    )
