"""The array-only form for training: 128 x 48 x 64 voxels of 8 mm, painted straight at that size."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.imaging.grid import Grid
from petrg.phantom.anatomy import LABELS
from petrg.phantom.images import CENTRE_Y, PSF_FWHM_MM
from petrg.phantom.patient import Patient, plan_patient, tell
from petrg.phantom.scene import AIR_HU, Axes, Canvas, Item, axes_of, paint, paint_item
from petrg.phantom.spec import COVERAGES, GENERATOR, Arms, Coverage, SexFM, draw, stream
from petrg.phantom.truth import Truth

__all__ = ["SHAPE", "SPACING_MM", "LowRes", "fingerprint", "low_res"]

SHAPE = (128, 48, 64)
"""z, y, x: 1024 x 384 x 512 mm."""
SPACING_MM = 8.0
_CT_NOISE_HU = 6.0
_LIVER_COV = 0.05  # a voxel of 8 mm averages over many of the scanner's


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
    grid = Grid.from_spacing(SHAPE, (SPACING_MM,) * 3, (start[2], start[1] + CENTRE_Y, bottom))
    axes = axes_of(grid)
    seen = slice(int(axes.z.searchsorted(low)), None)
    part = Axes(axes.x, axes.y, axes.z[seen], axes.voxel)
    ct, pet, labels, masks = (np.zeros(SHAPE, kind) for kind in (np.float32, np.float32, np.uint8, np.uint8))
    ct.fill(AIR_HU)
    paint(patient.items, part, Canvas(ct[seen], pet[seen], labels[seen]), LABELS, slab=SHAPE[0])
    _mark(patient, part, masks[seen])
    pet = _spread(pet)
    truth = tell(patient, pet, grid)
    if noise:
        pet = _noisy(pet, spec.physiology.liver, seed)
        ct += np.float32(_CT_NOISE_HU) * stream(seed, "CT noise").standard_normal(SHAPE, np.float32)
    return LowRes(ct, pet, labels, masks, grid, truth)


def _spread(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The point spread at this size: a Gaussian so narrow that three points an axis hold it."""
    sigma = PSF_FWHM_MM / 2.3548 / SPACING_MM
    beside = math.exp(-0.5 / sigma**2) / (1.0 + 2.0 * math.exp(-0.5 / sigma**2))
    for axis in range(3):
        view = np.moveaxis(image, axis, 0)
        step = np.diff(view, axis=0)
        step *= np.float32(beside)
        view[:-1] += step
        view[1:] -= step
    return image


def _noisy(image: NDArray[np.float32], liver: float, seed: int) -> NDArray[np.float32]:
    """Noise of neighbouring voxels is nearly independent at this size."""
    noise = stream(seed, "PET noise").standard_normal(image.shape, np.float32)
    noise *= np.float32(_LIVER_COV * math.sqrt(liver))
    noise *= np.sqrt(image)
    noise += image
    return np.maximum(noise, np.float32(0.0), out=noise)


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
