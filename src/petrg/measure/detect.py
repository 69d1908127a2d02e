"""Foci: places of the PET that stand out, whatever they are; apart from how they are delineated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Volume
from petrg.measure.basins import find_hills, join_hills
from petrg.report.record import Reference

__all__ = ["DEFAULT_SUV", "Detection", "Focus", "detect"]

DEFAULT_SUV = 2.5
"""The floor where no liver is in the field."""
BACKGROUND_RATIO = 1.5
_SHELL_MM = (6.0, 16.0)
_FWHM_MM = 5.0
_LEAST_ML = 0.25
_FAINT = 1.5
"""What stands above the floor over less than 0.25 ml, and nowhere 1.5 times as high, is noise of a few voxels."""
_JOIN = 0.5
"""Two maxima are one focus where the pass between them keeps this part of the lower one's height above the floor."""


@dataclass(frozen=True, slots=True, eq=False)
class Focus:
    """One place of raised uptake.

    Parameters
    ----------
    seed : int
        Flat index of the hottest voxel.
    voxels : (n,) int64
        Flat indices of its voxels above the floor of detection; not a delineation.
    suv_max, background : float
        ``background`` is the median of the body 6 to 16 mm around.
    """

    seed: int
    voxels: NDArray[np.int64]
    suv_max: float
    background: float


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The foci, hottest first, the floor they were searched with and the rule in words."""

    foci: tuple[Focus, ...]
    floor: float
    rule: str


def detect(suv: Volume, body: NDArray[np.bool_], liver: Reference | None) -> Detection:
    """Find local maxima above max(liver mean + 2 SD, 1.5 x local background) inside the body.

    Maxima are those of the PET after a Gaussian of 5 mm FWHM, over 0.25 ml or up to
    1.5 times the floor at least; every number is read without it.
    Without a liver the floor is SUV 2.5. Maxima are joined into one focus where the pass between them
    keeps at least half of the lower one's height above the floor.

    Parameters
    ----------
    suv : Volume
    body : (z, y, x) bool
    liver : Reference or None
    """
    floor = round(DEFAULT_SUV if liver is None else liver.suv_mean + 2 * liver.suv_sd, 4)
    smooth = _smoothed(suv, body)
    hills = find_hills(smooth, body & (smooth >= floor))
    if hills.voxels.size == 0:
        return Detection((), floor, _rule(floor, liver))
    owner = join_hills(hills, lambda low, height: low - height <= (1 - _JOIN) * (low - floor))[hills.hill]
    order = np.argsort(owner, kind="stable")
    cuts = np.flatnonzero(np.diff(owner[order])) + 1
    groups = np.split(order, cuts)
    values = suv.array.ravel()
    foci = []
    for rows in groups:
        voxels = hills.voxels[rows]
        if voxels.size * suv.grid.voxel_ml < _LEAST_ML and float(values[voxels].max()) < _FAINT * floor:
            continue
        around = _background(suv, body, voxels) or 0.0
        if float(hills.values[rows].max()) >= BACKGROUND_RATIO * around:
            seed = _hottest(suv, voxels)
            foci.append(Focus(seed, voxels, float(values[seed]), around))
    foci.sort(key=lambda f: (-f.suv_max, f.seed))
    return Detection(tuple(foci), floor, _rule(floor, liver))


def _rule(floor: float, liver: Reference | None) -> str:
    rule = (
        f"local maxima (5 mm Gaussian, 0.25 ml or 1.5 x the floor) above max(SUV {floor:.2f}, 1.5 x local background); "
    )
    if liver is None:
        return rule + f"no liver found, so SUV {DEFAULT_SUV}"
    return rule + f"{floor:.2f} = liver mean {liver.suv_mean:.2f} + 2 x SD {liver.suv_sd:.2f}"


def _smoothed(suv: Volume, body: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The PET blurred by a Gaussian of 5 mm FWHM, which takes single hot voxels for the noise they are."""
    out = np.zeros_like(suv.array, np.float32)
    found = ndimage.find_objects(body.astype(np.uint8))
    if found:
        sigma = [_FWHM_MM / 2.3548 / s for s in suv.grid.spacing_mm]
        out[found[0]] = ndimage.gaussian_filter(suv.array[found[0]], sigma, output=np.float32, truncate=3.0)
    return out


def _hottest(suv: Volume, voxels: NDArray[np.int64]) -> int:
    """The hottest voxel of a focus that no neighbour outshines; at a border with a hotter focus others may."""
    index = np.stack(np.unravel_index(voxels, suv.grid.shape))
    low = np.maximum(index.min(1) - 1, 0)
    box = suv.array[tuple(slice(a, b) for a, b in zip(low, index.max(1) + 2, strict=True))]
    local = tuple(index - low[:, None])
    values = box[local]
    summits = np.flatnonzero(values >= ndimage.maximum_filter(box, 3)[local])
    best = summits[np.argmax(values[summits])] if summits.size else np.argmax(values)
    return int(voxels[best])


def _background(suv: Volume, body: NDArray[np.bool_], voxels: NDArray[np.int64]) -> float | None:
    """Median SUV of the body 6 to 16 mm from the focus; None where it fills its surroundings."""
    index = np.stack(np.unravel_index(voxels, suv.grid.shape))
    margin = np.ceil(_SHELL_MM[1] / np.array(suv.grid.spacing_mm)).astype(int)
    low = np.maximum(index.min(1) - margin, 0)
    high = np.minimum(index.max(1) + margin + 1, suv.grid.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    outside = np.ones(high - low, bool)
    outside[tuple(index - low[:, None])] = False
    distance = ndimage.distance_transform_edt(outside, sampling=suv.grid.spacing_mm)
    ring = (distance > _SHELL_MM[0]) & (distance <= _SHELL_MM[1]) & body[box]
    values = suv.array[box][ring]
    return float(np.median(values)) if values.size else None
