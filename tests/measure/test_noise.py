"""How wide detection looks: noise of known size, and the Gaussian that arithmetic asks for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.field import edge_of_field
from petrg.measure.noise import FWHM_MM, MOST_NOISE, choose_smoothing

GRID = Grid.from_spacing((48, 64, 64), (3.0, 4.0, 4.0))


def noisy(cov: float, suv: float = 2.0, seed: int = 0) -> Volume:
    """An even image with white noise of that SD over mean."""
    noise = np.random.default_rng(seed).standard_normal(GRID.shape)
    return Volume((suv * (1.0 + cov * noise)).astype(np.float32), GRID, Quantity.SUV_BW)


def left(cov: float, fwhm_mm: float) -> float:
    """What a Gaussian leaves of white noise: the root of voxel volume over (4 pi)^(3/2) sigma^3."""
    sigma = fwhm_mm / math.sqrt(8.0 * math.log(2.0))
    return cov * math.sqrt(3.0 * 4.0 * 4.0 / ((4.0 * math.pi) ** 1.5 * sigma**3))


def liver() -> NDArray[np.bool_]:
    mask = np.zeros(GRID.shape, bool)
    mask[6:42, 8:56, 8:56] = True
    return mask


@pytest.mark.parametrize("cov", [0.05, 0.2, 0.3, 0.4, 0.5, 2.0])
def test_the_least_gaussian_that_leaves_eight_percent(cov: float) -> None:
    look = choose_smoothing(noisy(cov), np.ones(GRID.shape, bool), liver())
    expected = next((f for f in FWHM_MM if left(cov, f) <= MOST_NOISE), FWHM_MM[-1])
    assert look.where == "liver"
    assert look.raw == pytest.approx(cov, rel=0.05)
    assert look.noise == pytest.approx(left(cov, look.fwhm_mm), rel=0.15)
    assert abs(FWHM_MM.index(look.fwhm_mm) - FWHM_MM.index(expected)) <= (0 if cov in (0.05, 2.0) else 1)


def test_a_focus_in_the_liver_is_no_noise() -> None:
    image = noisy(0.05)
    hot = image.array.copy()
    hot[20:26, 28:36, 28:36] = 20.0
    look = choose_smoothing(Volume(hot, GRID, Quantity.SUV_BW), np.ones(GRID.shape, bool), liver())
    assert look.fwhm_mm == 5.0
    assert look.raw == pytest.approx(0.05, rel=0.1)


def test_without_a_liver_it_is_brought_to_its_suv() -> None:
    body = np.ones(GRID.shape, bool)
    at_liver = choose_smoothing(noisy(0.2), body, None)
    assert at_liver.where == "quietest soft tissue"
    assert at_liver.raw == pytest.approx(0.2, rel=0.2)
    faint = choose_smoothing(noisy(0.4, suv=0.5), body, None)  # variance goes with the signal: 0.4 at 0.5 is 0.2 at 2
    assert faint.raw == pytest.approx(at_liver.raw, rel=0.05)
    assert choose_smoothing(noisy(0.03), body, None).fwhm_mm == 5.0
    assert choose_smoothing(noisy(3.0), body, None).fwhm_mm == 10.0


def test_no_body_is_no_noise() -> None:
    look = choose_smoothing(noisy(0.3), np.zeros(GRID.shape, bool), None)
    assert (look.fwhm_mm, look.noise) == (5.0, 0.0)


def test_the_radius_keeps_its_contrast() -> None:
    look = choose_smoothing(noisy(0.05), np.ones(GRID.shape, bool), liver())
    u = look.radius_mm / (look.fwhm_mm / 2.35482) / math.sqrt(2.0)
    assert math.erf(u) - 2.0 * u * math.exp(-u * u) / math.sqrt(math.pi) == pytest.approx(0.95, abs=0.01)


def field(radius: float, zero_inside: bool = False) -> Volume:
    y, x = np.ogrid[:64, :64]
    inside = np.hypot(y - 31.5, x - 31.5) <= radius
    array = np.where(inside, 0.0 if zero_inside else 0.01, 0.0) * np.ones(GRID.shape)
    array[:, 20:40, 20:40] = 1.0
    return Volume(array.astype(np.float32), GRID, Quantity.SUV_BW)


def test_a_round_field_has_an_edge_and_others_have_none() -> None:
    edge = edge_of_field(field(31.5))
    assert edge[31, 0]
    assert edge[31, 2]
    assert not edge[31, 4]
    assert not edge_of_field(field(60.0)).any()  # a square field
    assert not edge_of_field(field(20.0)).any()  # a round object in a larger field
    assert not edge_of_field(field(31.5, zero_inside=True)).any()  # air set to zero
