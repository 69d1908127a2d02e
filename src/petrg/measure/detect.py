"""Foci: places of the PET that stand out, whatever they are; apart from how they are delineated."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Volume
from petrg.measure.basins import find_hills, join_hills
from petrg.measure.field import edge_of_field
from petrg.measure.noise import Smoothing, choose_smoothing, gaussian
from petrg.report.record import Reference

__all__ = ["DEFAULT_SUV", "Detection", "Focus", "detect"]

DEFAULT_SUV = 2.5
"""The floor where no liver is in the field."""
BACKGROUND_RATIO = 1.5
_SHELL_MM = (6.0, 16.0)
_LEAST_ML = 0.25
_FAINT = 1.5
_STARK = 2.5
"""What stands above the floor over less than 0.25 ml, nowhere 1.5 times as high, is noise of a few voxels, unless it is
this many times its surroundings: noise grows with what it lies in, so a speck in dark lung is none."""
_JOIN = 0.5
"""Two maxima are one focus where the pass between them keeps this part of the lower one's height above the floor."""
_SHALLOW, _ALIKE = 0.65, 0.4
"""So are two of which the lower is at least 0.4 of the higher where the pass keeps 0.65 of the lower one's SUV: the
parts of one mass with a dead middle, but no lesion beside a kidney or a heart."""


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
    """The foci, hottest first, the floor they were searched with, the least radius and the rule in words."""

    foci: tuple[Focus, ...]
    floor: float
    radius_mm: float
    rule: str

    @property
    def limit_suv(self) -> float:
        """The floor rounded up to a tenth of an SUV: a denial may not claim more than was sought."""
        return math.ceil(self.floor * 10 - 1e-6) / 10


def detect(
    suv: Volume,
    body: NDArray[np.bool_],
    liver: Reference | None,
    *,
    liver_mask: NDArray[np.bool_] | None = None,
    brain: NDArray[np.bool_] | None = None,
) -> Detection:
    """Find local maxima above max(liver mean + 2 SD, 1.5 x local background) inside the body.

    Maxima are those of the PET after a Gaussian (`petrg.measure.noise`), over 0.25 ml, up to 1.5 times
    the floor, or 2.5 times their surroundings; every number is read without it. The edge of a round field is left out.
    Without a liver the floor is SUV 2.5. Maxima are joined into one focus where the pass between them
    keeps at least half of the lower one's height above the floor, or, of two about alike, 0.65 of its SUV.

    Parameters
    ----------
    suv : Volume
    body : (z, y, x) bool
    liver : Reference or None
    liver_mask : (z, y, x) bool, optional
        The liver without foci, where noise is measured.
    brain : (z, y, x) bool, optional
        Foci whose hottest voxel lies in it are one.
    """
    floor = round(DEFAULT_SUV if liver is None else liver.suv_mean + 2 * liver.suv_sd, 4)
    look = choose_smoothing(suv, body, liver_mask)
    smooth = _smoothed(suv, body, look)
    hills = find_hills(smooth, body & ~edge_of_field(suv) & (smooth >= floor))
    if hills.voxels.size == 0:
        return Detection((), floor, look.radius_mm, _rule(floor, liver, look))

    def joined(low: float, high: float, height: float) -> bool:
        if low - height <= (1 - _JOIN) * (low - floor):
            return True
        return low >= _ALIKE * high and height >= _SHALLOW * low

    owner = join_hills(hills, joined)[hills.hill]
    order = np.argsort(owner, kind="stable")
    cuts = np.flatnonzero(np.diff(owner[order])) + 1
    groups = np.split(order, cuts)
    values = suv.array.ravel()
    foci = []
    for rows in groups:
        voxels = hills.voxels[rows]
        around, height = _background(suv, body, voxels) or 0.0, float(hills.values[rows].max())
        small = voxels.size * suv.grid.voxel_ml < _LEAST_ML and float(values[voxels].max()) < _FAINT * floor
        if height >= (_STARK if small else BACKGROUND_RATIO) * around:
            seed = _hottest(suv, voxels)
            foci.append(Focus(seed, voxels, float(values[seed]), around))
    foci = _of_one_summit(foci)
    foci = foci if brain is None else _one_brain(foci, brain)
    foci.sort(key=lambda f: (-f.suv_max, f.seed))
    return Detection(tuple(foci), floor, look.radius_mm, _rule(floor, liver, look))


def _one_brain(foci: list[Focus], brain: NDArray[np.bool_]) -> list[Focus]:
    """The foci with those of the brain's cortex as one."""
    held = brain.ravel()
    inside = sorted((f for f in foci if held[f.seed]), key=lambda f: (-f.suv_max, f.seed))
    if len(inside) < 2:
        return foci
    voxels = np.sort(np.concatenate([f.voxels for f in inside]))
    whole = Focus(inside[0].seed, voxels, inside[0].suv_max, inside[0].background)
    return [*(f for f in foci if not held[f.seed]), whole]


def _rule(floor: float, liver: Reference | None, look: Smoothing) -> str:
    rule = (
        f"local maxima (Gaussian of {look.fwhm_mm:.0f} mm, which leaves {look.noise:.0%} of {look.raw:.0%} noise in "
        f"the {look.where}; 0.25 ml, 1.5 x the floor or 2.5 x background) above "
        f"max(SUV {floor:.2f}, 1.5 x local background); "
    )
    if liver is None:
        return rule + f"no liver found, so SUV {DEFAULT_SUV}"
    return rule + f"{floor:.2f} = liver mean {liver.suv_mean:.2f} + 2 x SD {liver.suv_sd:.2f}"


def _smoothed(suv: Volume, body: NDArray[np.bool_], look: Smoothing) -> NDArray[np.float32]:
    """The PET as detection sees it; hot voxels of noise fall below the floor."""
    out = np.zeros_like(suv.array, np.float32)
    found = ndimage.find_objects(body.astype(np.uint8))
    if found:
        out[found[0]] = gaussian(suv.array[found[0]], suv.grid, look.fwhm_mm)
    return out


def _hottest(suv: Volume, voxels: NDArray[np.int64]) -> int:
    """The hottest voxel of a focus that no neighbour outshines.

    At a border with a hotter focus others are hotter. Where each of its voxels has a hotter neighbour the way
    is followed up to the top, which may be that of another focus.
    """
    index = np.stack(np.unravel_index(voxels, suv.grid.shape))
    low = np.maximum(index.min(1) - 1, 0)
    box = suv.array[tuple(slice(a, b) for a, b in zip(low, index.max(1) + 2, strict=True))]
    local = tuple(index - low[:, None])
    values = box[local]
    summits = np.flatnonzero(values >= ndimage.maximum_filter(box, 3)[local])
    if summits.size:
        return int(voxels[summits[np.argmax(values[summits])]])
    return _climbed(suv, index[:, np.argmax(values)])


def _climbed(suv: Volume, index: NDArray[np.int64]) -> int:
    while True:
        low = np.maximum(index - 1, 0)
        box = suv.array[tuple(slice(a, b) for a, b in zip(low, index + 2, strict=True))]
        up = low + np.array(np.unravel_index(int(np.argmax(box)), box.shape))
        if suv.array[tuple(up)] <= suv.array[tuple(index)]:
            return int(np.ravel_multi_index(tuple(index), suv.grid.shape))
        index = up


def _of_one_summit(foci: list[Focus]) -> list[Focus]:
    """Foci that share their hottest voxel are one."""
    groups: dict[int, list[Focus]] = {}
    for focus in foci:
        groups.setdefault(focus.seed, []).append(focus)
    return [
        replace(max(same, key=lambda f: f.voxels.size), voxels=np.sort(np.concatenate([f.voxels for f in same])))
        for same in groups.values()
    ]


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
