"""The array-only form for training: 128 x 48 x 64 voxels of 8 mm, painted straight at that size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from petrg.imaging.grid import Grid
from petrg.phantom.anatomy import LABELS
from petrg.phantom.images import PSF_FWHM_MM, add_pet_noise
from petrg.phantom.patient import Patient, plan_patient, tell
from petrg.phantom.scene import AIR_HU, Axes, Canvas, Item, axes_of, paint, paint_item
from petrg.phantom.spec import COVERAGES, GENERATOR, Arms, Coverage, SexFM, draw, stream
from petrg.phantom.truth import Truth

__all__ = ["SHAPE", "SPACING_MM", "LowRes", "fingerprint", "low_res"]

SHAPE = (128, 48, 64)
"""z, y, x: 1024 x 384 x 512 mm."""
SPACING_MM = 8.0
_CT_NOISE_HU = 6.0
_CENTRE_Y = 18.0


@dataclass(frozen=True, slots=True, eq=False)
class LowRes:
    """A training case, every array (128, 48, 64) as z, y, x with +z to the head, +y back, +x left.

    Parameters
    ----------
    ct : float32, HU
    pet : float32, SUVbw
    labels : uint8
        Codes of TotalSegmentator's class names as in `LABELS`.
    lesions : uint8
        Number of the lesion (``truth.lesions[n - 1]``) that fills most of the voxel, or at its centre; else 0.
    grid : Grid
    truth : Truth
        Its SUVs are of the noise-free PET of this size.
    """

    ct: NDArray[np.float32]
    pet: NDArray[np.float32]
    labels: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    grid: Grid
    truth: Truth


def low_res(
    seed: int,
    *,
    sex: SexFM | None = None,
    lesions: int | None = None,
    arms: Arms | None = None,
    coverage: Coverage = "whole",
    noise: bool = True,
    ct_only: int | Sequence[str] | None = None,
) -> LowRes:
    """Make a training case; options as in `make`, the number of lesions by the seed unless given.

    The highest slice is the coverage's top, or what of it fits in 1024 mm; below and above the coverage
    the arrays hold air.
    """
    spec = draw(seed, sex=sex, arms=arms, coverage=coverage, noise=noise, size="small")
    patient = plan_patient(spec, lesions=lesions, ct_only=ct_only)
    low, high = (patient.frame.z(z) for z in COVERAGES[coverage])
    start = [-SPACING_MM * (n - 1) / 2.0 for n in SHAPE]
    bottom = high - SPACING_MM * (SHAPE[0] - 0.5)
    grid = Grid.from_spacing(SHAPE, (SPACING_MM,) * 3, (start[2], start[1] + _CENTRE_Y, bottom))
    axes = axes_of(grid)
    seen = slice(int(axes.z.searchsorted(low)), None)
    part = Axes(axes.x, axes.y, axes.z[seen], axes.width)
    ct, pet, labels, masks = (np.zeros(SHAPE, kind) for kind in (np.float32, np.float32, np.uint8, np.uint8))
    ct.fill(AIR_HU)
    paint(patient.items, part, Canvas(ct[seen], pet[seen], labels[seen]), LABELS, slab=SHAPE[0])
    _mark(patient, part, masks[seen])
    pet = gaussian_filter(pet, PSF_FWHM_MM / 2.3548 / SPACING_MM, truncate=3.5)
    truth = tell(patient, pet, grid)
    if noise:
        pet = add_pet_noise(pet, grid, spec)
        ct += np.float32(_CT_NOISE_HU) * stream(seed, "CT noise").standard_normal(SHAPE, np.float32)
    return LowRes(ct, pet, labels, masks, grid, truth)


def _mark(patient: Patient, axes: Axes, masks: NDArray[np.uint8]) -> None:
    for number, lesion in enumerate(patient.lesions, 1):
        item = Item(lesion.item().solid, label="lesion")
        paint_item(item, axes, Canvas(labels=masks), {"lesion": number})
        x, y, z = (
            int(np.abs(values - at).argmin())
            for values, at in zip((axes.x, axes.y, axes.z), lesion.centre_mm, strict=True)
        )
        masks[z, y, x] = number


def fingerprint(seeds: Iterable[int]) -> str:
    """Hash of the generator's version and of the low-resolution cases of ``seeds``: 16 hex digits.

    Voxels are rounded (0.5 HU, 0.01 SUV), so that another processor's last bit does not count.
    """
    digest = hashlib.sha256(GENERATOR.encode())
    for seed in seeds:
        case = low_res(seed, noise=False)
        digest.update(np.rint(case.ct * 2.0).astype("<i4").tobytes())
        digest.update(np.rint(case.pet * 100.0).astype("<i4").tobytes())
        digest.update(case.labels.tobytes() + case.lesions.tobytes())
    return digest.hexdigest()[:16]
