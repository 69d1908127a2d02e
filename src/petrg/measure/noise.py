"""How noisy a PET is, and how wide a Gaussian has to be before its maxima mean anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Volume

__all__ = ["FWHM_MM", "MOST_NOISE", "Smoothing", "choose_smoothing", "gaussian"]

FWHM_MM = (5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
"""The Gaussians to choose from."""
MOST_NOISE = 0.08
"""SD over mean in the liver that detection bears. The floor lies 2 raw SD above the liver's mean, so that a raw SD of
12 % or more puts it three or more smoothed SD above: next to no noise of the liver reaches it."""
_LEAST_LIVER_ML = 60.0
_RIM_MM = 9.0
"""How much of the liver's rim is blur and breathing, not noise."""
_BOX_MM = 24.0
_QUIET = 0.15
"""Without a liver: the part of the body taken for homogeneous."""
_LIVER_SUV = 2.0
"""Noise elsewhere is brought to this SUV; its variance goes with the signal."""
_MOST_VOXELS = 1_500_000


@dataclass(frozen=True, slots=True)
class Smoothing:
    """The Gaussian that detection looks through.

    Parameters
    ----------
    fwhm_mm : float
    noise : float
        SD over mean in the liver, or what it would be there, after that Gaussian.
    raw : float
        The same before it.
    where : str
        Where it was measured, in words.
    """

    fwhm_mm: float
    noise: float
    raw: float
    where: str

    @property
    def radius_mm(self) -> float:
        """The least sphere that is searched for: at 1.2 FWHM its middle keeps 95 % of its contrast.

        At the middle of a sphere of radius R a Gaussian leaves erf(u) - 2 u exp(-u^2) / sqrt(pi) of the
        contrast, u = R / (sigma sqrt 2).
        """
        return 1.2 * self.fwhm_mm


def choose_smoothing(suv: Volume, body: NDArray[np.bool_], liver: NDArray[np.bool_] | None) -> Smoothing:
    """The least of the Gaussians that leaves the liver at most 8 % noise, or the widest.

    Parameters
    ----------
    suv : Volume
    body : (z, y, x) bool
    liver : (z, y, x) bool or None
        The liver without foci. Where it is absent or small the noise is that of the quietest sixth of the
        body over boxes of 24 mm, brought to SUV 2.
    """
    inside = None if liver is None else _eroded(liver, suv.grid, _RIM_MM)
    known = inside is not None and inside.sum() * suv.grid.voxel_ml >= _LEAST_LIVER_ML
    region = inside if inside is not None and known else _middle(body)
    found = ndimage.find_objects(region.astype(np.uint8))
    if not found:
        return Smoothing(FWHM_MM[0], 0.0, 0.0, "nowhere")
    margin = np.ceil(2.0 * FWHM_MM[-1] / np.array(suv.grid.spacing_mm)).astype(int)
    box = tuple(
        slice(max(s.start - m, 0), min(s.stop + m, n))
        for s, m, n in zip(found[0], margin, suv.array.shape, strict=True)
    )
    values, held = suv.array[box], region[box]

    def noise(image: NDArray[np.float32]) -> float:
        return _in_liver(image, held) if known else _in_body(image, held, suv.grid)

    where, raw = "liver" if known else "quietest soft tissue", noise(values)
    for fwhm in FWHM_MM:
        left = noise(gaussian(values, suv.grid, fwhm))
        if left <= MOST_NOISE:
            break
    return Smoothing(fwhm, left, raw, where)


def gaussian(array: NDArray[np.float32], grid: Grid, fwhm_mm: float) -> NDArray[np.float32]:
    """``array`` blurred by a Gaussian of that FWHM."""
    sigma = [fwhm_mm / 2.3548 / s for s in grid.spacing_mm]
    return np.asarray(ndimage.gaussian_filter(array, sigma, output=np.float32, truncate=3.0))


def _in_liver(image: NDArray[np.float32], held: NDArray[np.bool_]) -> float:
    """1.4826 x median absolute deviation over the median: what a focus left in the liver cannot raise much."""
    values = image[held]
    middle = float(np.median(values))
    return 1.4826 * float(np.median(np.abs(values - middle))) / max(middle, 1e-6)


def _in_body(image: NDArray[np.float32], held: NDArray[np.bool_], grid: Grid) -> float:
    size = [max(3, 2 * int(_BOX_MM / s / 2) + 1) for s in grid.spacing_mm]
    mean = ndimage.uniform_filter(image.astype(np.float64), size)
    square = ndimage.uniform_filter(np.square(image, dtype=np.float64), size)
    use = held & (mean > 0.3)
    if not use.any():
        return 0.0
    spread = np.sqrt(np.maximum(square[use] - mean[use] ** 2, 0.0))
    return float(np.quantile(spread / np.sqrt(mean[use] * _LIVER_SUV), _QUIET))


def _middle(body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """So many slices round the body's middle that measuring noise takes no time."""
    held = np.flatnonzero(body.any((1, 2)))
    out = np.zeros_like(body)
    if held.size:
        half = max(2, _MOST_VOXELS // (2 * body.shape[1] * body.shape[2]))
        near = slice(max(int(held[held.size // 2]) - half, 0), int(held[held.size // 2]) + half + 1)
        out[near] = body[near]
    return out


def _eroded(mask: NDArray[np.bool_], grid: Grid, depth_mm: float) -> NDArray[np.bool_]:
    found = ndimage.find_objects(mask.astype(np.uint8))
    out = np.zeros_like(mask)
    if found:
        inner = np.pad(mask[found[0]], 1)
        out[found[0]] = ndimage.distance_transform_edt(inner, sampling=grid.spacing_mm)[1:-1, 1:-1, 1:-1] > depth_mm
    return out
