"""Delineation: named thresholds, touching lesions, and volumes against the isocontour of a blurred sphere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf

from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.basins import find_hills, join_hills, join_to_markers
from petrg.measure.delineate import cut_level, delineate, delineate_all
from petrg.report.record import Threshold


def blurred_sphere(r: np.ndarray | float, radius: float, sigma: float) -> np.ndarray:
    """A unit sphere after a Gaussian blur, in closed form (Hofheinz, Phys Med Biol 2010;55:1099)."""
    r = np.maximum(np.asarray(r, float), 1e-6)
    a, b = (radius - r) / (np.sqrt(2) * sigma), (radius + r) / (np.sqrt(2) * sigma)
    return 0.5 * (erf(a) + erf(b)) - sigma / (np.sqrt(2 * np.pi) * r) * (np.exp(-(a**2)) - np.exp(-(b**2)))


def ball(
    spacing: tuple[float, float, float], radius: float, suv: float, shift: np.ndarray, back: float = 0.8
) -> Volume:
    n = [int(2 * (radius + 15) / s) for s in spacing]
    grid = Grid.from_spacing((n[0], n[1], n[2]), spacing)
    centre = grid.to_mm(np.array(n) // 2) + shift
    mm = grid.to_mm(np.stack(np.meshgrid(*map(np.arange, n), indexing="ij"), -1))
    field = back + (suv - back) * blurred_sphere(np.linalg.norm(mm - centre, axis=-1), radius, 5.5 / 2.3548)
    return Volume(field.astype(np.float32), grid, Quantity.SUV_BW)


@pytest.mark.parametrize("spacing", [(3.0, 4.0728, 4.0728), (3.27, 5.46875, 5.46875), (2.0, 2.0, 2.0)])
@pytest.mark.parametrize(("ml", "allowed"), [(2.3, 0.2), (3.5, 0.2), (5.5, 0.1), (12.0, 0.1), (40.0, 0.1)])
@pytest.mark.parametrize("threshold", [Threshold.FIXED_4, Threshold.PERCENT_41])
def test_volume_is_that_of_the_isocontour(
    spacing: tuple[float, float, float], ml: float, allowed: float, threshold: Threshold
) -> None:
    sigma, suv, back = 5.5 / 2.3548, 9.0, 0.8
    wanted = (3 * ml * 1000 / (4 * np.pi)) ** (1 / 3)  # radius of the contour
    rng = np.random.default_rng(int(ml * 10))
    for _ in range(4):
        shift = rng.uniform(-0.5, 0.5, 3) * np.array(spacing)[::-1]

        def contour(radius: float) -> float:
            top = back + (suv - back) * float(blurred_sphere(0.0, radius, sigma))
            cut = 4.0 if threshold is Threshold.FIXED_4 else 0.41 * top
            profile = lambda r: back + (suv - back) * float(blurred_sphere(r, radius, sigma)) - cut  # noqa: E731
            return float(brentq(profile, 0.0, radius + 20.0)) - wanted

        radius = float(brentq(contour, 0.7 * wanted, 1.3 * wanted))
        volume = ball(spacing, radius, suv, shift)
        held = delineate(volume, int(np.argmax(volume.array)), threshold)
        assert held.size * volume.grid.voxel_ml == pytest.approx(ml, rel=allowed)


def test_a_lesion_below_the_rule_holds_nothing() -> None:
    volume = ball((3.0, 4.0, 4.0), 8.0, 3.5, np.zeros(3))
    seed = int(np.argmax(volume.array))
    assert delineate(volume, seed, Threshold.FIXED_4).size == 0
    assert delineate(volume, seed, Threshold.FIXED_2_5).size > 0
    assert delineate(volume, seed, Threshold.PERCENT_41).size > 0


def test_majority_is_what_two_of_three_hold() -> None:
    volume = ball((3.0, 3.0, 3.0), 12.0, 15.0, np.zeros(3))
    seed = int(np.argmax(volume.array))
    sets = [
        set(delineate(volume, seed, t).tolist()) for t in (Threshold.FIXED_4, Threshold.FIXED_2_5, Threshold.PERCENT_41)
    ]
    two = {v for v in set.union(*sets) if sum(v in s for s in sets) >= 2}
    assert set(delineate(volume, seed, Threshold.MAJORITY).tolist()) == two
    assert len({len(s) for s in sets}) == 3  # three different rules, or the vote would prove nothing


def two_peaks(pass_suv: float) -> Volume:
    line = np.array([1, 6, 10, 6, pass_suv, 6, 9, 6, 1], np.float32)
    array = np.ones((5, 5, 9), np.float32)
    array[2, 2] = line
    return Volume(array, Grid.from_spacing((5, 5, 9), (4.0, 4.0, 4.0)), Quantity.SUV_BW)


def test_touching_lesions_share_no_voxel() -> None:
    volume = two_peaks(5.0)
    a, b = (int(np.ravel_multi_index((2, 2, x), volume.array.shape)) for x in (2, 6))
    one, two = delineate_all(volume, [a, b], Threshold.FIXED_4)
    assert not set(one.tolist()) & set(two.tolist())
    assert one.size + two.size == 7
    assert a in one
    assert b in two


def test_an_unmarked_peak_belongs_to_the_lesion_it_hangs_on() -> None:
    volume = two_peaks(5.0)
    a = int(np.ravel_multi_index((2, 2, 2), volume.array.shape))
    assert delineate(volume, a, Threshold.FIXED_4).size == 7


def test_parts_are_bridged_down_to_the_floor_only() -> None:
    volume = two_peaks(3.0)
    a = int(np.ravel_multi_index((2, 2, 2), volume.array.shape))
    assert delineate(volume, a, Threshold.FIXED_4).size == 3
    assert delineate(volume, a, Threshold.FIXED_4, floor=2.5).size == 6  # the pass itself stays out


def test_a_mask_is_no_level() -> None:
    volume = two_peaks(5.0)
    assert cut_level(Threshold.MASK, 9.0) is None
    with pytest.raises(ValueError, match="not a rule"):
        delineate(volume, 0, Threshold.MASK)


def test_hills_meet_at_the_highest_pass() -> None:
    volume = two_peaks(5.0)
    hills = find_hills(volume.array, 2.0)
    assert hills.values[hills.peaks].tolist() == [10.0, 9.0]
    assert hills.passes.tolist() == [5.0]
    assert len(set(join_hills(hills, lambda low, high, height: height >= 5.0).tolist())) == 1
    assert len(set(join_hills(hills, lambda low, high, height: height >= 5.1).tolist())) == 2
    assert join_to_markers(hills, [-1, int(hills.peaks[0])]).tolist() == [1, 1]
    assert join_to_markers(hills, [-1, int(hills.peaks[1])]).tolist() == [-1, 1]  # the hotter is no part of it


def test_a_plateau_is_one_hill() -> None:
    array = np.zeros((3, 5, 7), np.float32)
    array[1, 1:4, 1:6] = 3.0
    array[1, 2, 3] = 0.0  # a ring
    hills = find_hills(array, 1.0)
    assert set(join_hills(hills, lambda low, high, height: height >= low).tolist()) == {
        int(join_hills(hills, lambda low, high, height: height >= low)[0])
    }


def test_no_voxel_above_the_floor() -> None:
    hills = find_hills(np.zeros((3, 3, 3), np.float32), 1.0)
    assert hills.voxels.size == hills.peaks.size == hills.passes.size == 0
