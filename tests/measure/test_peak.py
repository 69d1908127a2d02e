"""SUVpeak against integration by brute force, qPET's peak against hand-worked neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.peak import PEAK_RADIUS_MM, peak_4voxel, sphere_weights, suv_peak

SPACINGS = [(3.0, 4.0728, 4.0728), (3.27, 5.46875, 5.46875), (5.0, 2.0, 2.0), (1.0, 1.0, 1.0)]


def brute(volume: Volume, index: tuple[int, int, int], points: int = 400_000) -> float:
    """Mean of the voxelwise constant image over random points of the sphere: an independent integral."""
    rng = np.random.default_rng(1)
    away = rng.normal(size=(points, 3))
    away *= (PEAK_RADIUS_MM * rng.random(points) ** (1 / 3) / np.linalg.norm(away, axis=1))[:, None]
    at = np.rint(volume.grid.to_index(volume.grid.to_mm(index) + away)).astype(int)
    return float(volume.array[tuple(at.T)].mean(dtype=np.float64))


def test_the_sphere_is_one_millilitre() -> None:
    assert 4 / 3 * np.pi * PEAK_RADIUS_MM**3 == pytest.approx(1000.0)
    assert pytest.approx(6.2035, abs=1e-4) == PEAK_RADIUS_MM


@pytest.mark.parametrize("spacing", SPACINGS)
def test_weights_hold_the_part_of_each_voxel_inside(spacing: tuple[float, float, float]) -> None:
    grid = Grid.from_spacing((9, 9, 9), spacing)
    weights = sphere_weights(grid)
    assert weights.sum() == pytest.approx(1.0)
    middle = tuple(n // 2 for n in weights.shape)
    assert weights[middle] == pytest.approx(grid.voxel_ml, rel=0.01)  # a voxel wholly inside is its share of 1 ml


@pytest.mark.parametrize("spacing", SPACINGS)
def test_peak_is_the_integral_over_the_sphere(spacing: tuple[float, float, float]) -> None:
    grid = Grid.from_spacing((21, 21, 21), spacing)
    array = np.random.default_rng(0).gamma(2.0, 2.0, grid.shape).astype(np.float32)
    volume = Volume(array, grid, Quantity.SUV_BW)
    seed = np.ravel_multi_index((10, 10, 10), grid.shape)
    assert suv_peak(volume, np.array([seed])) == pytest.approx(brute(volume, (10, 10, 10)), rel=5e-3)


def test_peak_of_an_oblique_grid() -> None:
    turn = np.radians(20.0)
    affine = np.eye(4)
    affine[:3, :3] = np.array(
        [[0, -np.sin(turn) * 3, np.cos(turn) * 4], [0, np.cos(turn) * 3, np.sin(turn) * 4], [5, 0, 0]]
    )
    grid = Grid((15, 15, 15), affine)
    volume = Volume(np.random.default_rng(2).random(grid.shape).astype(np.float32), grid, Quantity.SUV_BW)
    seed = np.ravel_multi_index((7, 7, 7), grid.shape)
    assert suv_peak(volume, np.array([seed])) == pytest.approx(brute(volume, (7, 7, 7)), rel=5e-3)


def test_peak_may_leave_the_lesion_and_takes_the_best_centre() -> None:
    grid = Grid.from_spacing((15, 15, 15), (3.0, 3.0, 3.0))
    array = np.zeros(grid.shape, np.float32)
    array[7, 7, 5:10] = 9.0
    line = np.ravel_multi_index((np.full(5, 7), np.full(5, 7), np.arange(5, 10)), grid.shape)
    volume = Volume(array, grid, Quantity.SUV_BW)
    each = [suv_peak(volume, line[k : k + 1]) for k in range(5)]
    assert suv_peak(volume, line) == max(v for v in each if v is not None) == each[2]
    assert each[2] < 9.0  # the sphere holds cold voxels outside the line


def test_peak_is_none_where_the_hottest_sphere_leaves_the_scan() -> None:
    grid = Grid.from_spacing((12, 15, 15), (3.0, 4.0, 4.0))
    array = np.ones(grid.shape, np.float32)
    array[0, 7, 7] = 20.0
    volume = Volume(array, grid, Quantity.SUV_BW)
    edge = np.ravel_multi_index((0, 7, 7), grid.shape)
    inner = np.ravel_multi_index((6, 7, 7), grid.shape)
    assert suv_peak(volume, np.array([edge])) is None
    assert suv_peak(volume, np.array([edge, inner])) is None  # the hottest one decides
    assert suv_peak(volume, np.array([inner])) == pytest.approx(1.0)
    assert suv_peak(volume, np.array([], np.int64)) is None


def test_peak_4voxel_is_another_thing() -> None:
    array = np.zeros((3, 3, 3), np.float32)
    array[1, 1, 1], array[0, 0, 0], array[2, 1, 1], array[1, 0, 1], array[0, 2, 2] = 10, 8, 6, 4, 3
    assert peak_4voxel(array, (1, 1, 1)) == pytest.approx((10 + 8 + 6 + 4) / 4)


def test_peak_4voxel_does_not_lose_an_equal_neighbour() -> None:
    array = np.full((3, 3, 3), 5.0, np.float32)
    assert peak_4voxel(array, (1, 1, 1)) == 5.0
    assert peak_4voxel(array, (0, 0, 0)) == 5.0
