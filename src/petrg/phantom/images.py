"""From a scene to images: grids, point spread, noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from petrg.imaging.grid import Grid
from petrg.phantom.anatomy import LABELS
from petrg.phantom.frame import Frame
from petrg.phantom.scene import AIR_HU, Canvas, Item, axes_of, paint
from petrg.phantom.spec import COVERAGES, Size, Spec, stream

__all__ = ["CENTRE_Y", "CT_FIELD_MM", "PSF_FWHM_MM", "add_pet_noise", "grids", "outside_field", "paint_ct", "paint_pet"]

PSF_FWHM_MM = 5.5
LIVER_COV = 0.10
"""Coefficient of variation of the noise in the liver."""
CT_FIELD_MM = 500.0
CT_NOISE_HU = 14.0

# (in-plane spacing, matrix) of CT and PET, slice spacing, mm.
_SIZES: dict[Size, tuple[tuple[float, int], tuple[float, int], float]] = {
    "full": ((500.0 / 512.0, 512), (4.0728, 200), 3.0),
    "small": ((5.2, 96), (6.0, 96), 5.0),
}
CENTRE_Y = 18.0
"""The scan is centred this far behind the body's axis, mm."""


def grids(spec: Spec, frame: Frame) -> tuple[Grid, Grid]:
    """The CT's and the PET's grid; both have the same slices, the highest at the coverage's top."""
    (ct_step, ct_n), (pet_step, pet_n), slice_mm = _SIZES[spec.size]
    low, high = COVERAGES[spec.coverage]
    count = round((high - low) / slice_mm)
    top = frame.z(high) - slice_mm / 2.0
    bottom = round(top - (count - 1) * slice_mm, 3)

    def plane(step: float, n: int) -> Grid:
        start = -step * (n - 1) / 2.0
        return Grid.from_spacing((count, n, n), (slice_mm, step, step), (start, start + CENTRE_Y, bottom))

    return plane(ct_step, ct_n), plane(pet_step, pet_n)


def paint_ct(items: Sequence[Item], table: Sequence[Item], grid: Grid, spec: Spec) -> NDArray[np.float32]:
    """CT in HU, whole numbers; air outside the reconstructed circle."""
    image = np.full(grid.shape, AIR_HU, np.float32)
    axes = axes_of(grid)
    paint([*table, *(i for i in items if i.hu is not None)], axes, Canvas(ct=image), {})
    if spec.noise:
        _add_ct_noise(image, spec)
    np.rint(image, out=image)
    image += np.float32(0.0)  # no -0, which a file of whole numbers does not hold: hashes would differ
    np.clip(image, -1024.0, 3071.0, out=image)
    image[:, outside_field(grid)] = -1024.0
    return image


def outside_field(grid: Grid) -> NDArray[np.bool_]:
    """Which pixels of a CT slice lie outside the reconstructed circle, (y, x)."""
    axes = axes_of(grid)
    return np.asarray(axes.x[None, :] ** 2 + (axes.y[:, None] - CENTRE_Y) ** 2 > (CT_FIELD_MM / 2.0) ** 2)


def _add_ct_noise(image: NDArray[np.float32], spec: Spec) -> None:
    """Smoothed noise from a small pool of slices, rolled differently in each image slice."""
    rng = stream(spec.seed, "CT noise")
    _, ny, nx = image.shape
    pool = rng.standard_normal((12, ny, nx), np.float32)
    pool = gaussian_filter(pool, (0.0, 0.8, 0.8), mode="wrap")
    pool *= np.float32(CT_NOISE_HU / pool.std())
    picks = rng.integers(0, [[12], [ny], [nx]], (3, len(image)))
    for plane, pick, dy, dx in zip(image, *picks, strict=True):
        tile = pool[pick]
        plane[dy:, dx:] += tile[: ny - dy, : nx - dx]
        plane[:dy, dx:] += tile[ny - dy :, : nx - dx]
        plane[dy:, :dx] += tile[: ny - dy, nx - dx :]
        plane[:dy, :dx] += tile[ny - dy :, nx - dx :]


def paint_pet(items: Sequence[Item], grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Noise-free PET in SUV, blurred and sampled on its grid, and the label map on the same grid."""
    image = np.zeros(grid.shape, np.float32)
    labels = np.zeros(grid.shape, np.uint8)
    paint(items, axes_of(grid), Canvas(pet=image, labels=labels), LABELS)
    sigma = [PSF_FWHM_MM / 2.3548 / step for step in grid.spacing_mm]
    return gaussian_filter(image, sigma, truncate=3.5), labels


def add_pet_noise(image: NDArray[np.float32], grid: Grid, spec: Spec) -> NDArray[np.float32]:
    """Smoothed noise whose variance goes with the signal: `LIVER_COV` in the liver, never below 0."""
    rng = stream(spec.seed, "PET noise")
    noise = rng.standard_normal(image.shape, np.float32)
    noise = gaussian_filter(noise, [2.4 / step for step in grid.spacing_mm], truncate=3.0)
    noise *= np.float32(LIVER_COV * np.sqrt(spec.physiology.liver) / noise.std())
    noise *= np.sqrt(image)
    noise += image
    return np.maximum(noise, 0.0, out=noise)
