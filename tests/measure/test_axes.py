"""Axial diameters against ellipsoids, and what a calliper would do with other shapes."""

from __future__ import annotations

import numpy as np
import pytest

from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.axes import axes_mm


def ellipse(a: float, b: float, turn_deg: float, spacing: tuple[float, float, float] = (3.0, 4.0, 4.0)) -> Volume:
    """A field that falls linearly with the elliptic radius: its 1.0 contour is the ellipse."""
    grid = Grid.from_spacing((7, 41, 41), spacing, (10.0, -20.0, 5.0))
    mm = grid.to_mm(np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1))
    d = mm - grid.to_mm([3, 20.3, 19.8])
    t = np.radians(turn_deg)
    u, v = d[..., 0] * np.cos(t) + d[..., 1] * np.sin(t), -d[..., 0] * np.sin(t) + d[..., 1] * np.cos(t)
    rho = np.sqrt((u / a) ** 2 + (v / b) ** 2 + (d[..., 2] / 12.0) ** 2)
    return Volume((3.0 - 2.0 * rho).astype(np.float32), grid, Quantity.SUV_BW)


@pytest.mark.parametrize("turn", [0.0, 30.0, 45.0, 77.0])
@pytest.mark.parametrize(("a", "b"), [(30.0, 12.0), (20.0, 20.0), (15.0, 9.0)])
def test_diameters_of_an_ellipsoid(a: float, b: float, turn: float) -> None:
    volume = ellipse(a, b, turn)
    found = axes_mm(volume, np.flatnonzero(volume.array >= 1.0), 1.0)
    assert found is not None
    assert found[0] == pytest.approx(2 * a, abs=1.0)
    assert found[1] == pytest.approx(2 * b, abs=1.0)


def test_a_mask_ends_half_way_to_the_next_voxel() -> None:
    grid = Grid.from_spacing((3, 20, 20), (3.0, 4.0, 4.0))
    mask = np.zeros(grid.shape, bool)
    mask[1, 10, 5:12] = True
    volume = Volume(np.zeros(grid.shape, np.float32), grid, Quantity.SUV_BW)
    assert axes_mm(volume, np.flatnonzero(mask)) == pytest.approx((28.0, 4.0), abs=0.2)


def test_the_longest_slice_decides() -> None:
    grid = Grid.from_spacing((4, 20, 20), (3.0, 2.0, 2.0))
    mask = np.zeros(grid.shape, bool)
    mask[0, 5:15, 10] = True
    mask[2, 8:10, 8:12] = True
    volume = Volume(np.zeros(grid.shape, np.float32), grid, Quantity.SUV_BW)
    found = axes_mm(volume, np.flatnonzero(mask))
    assert found == pytest.approx((20.0, 2.0), abs=0.2)


def test_one_voxel_and_none() -> None:
    grid = Grid.from_spacing((3, 5, 5), (3.0, 4.0, 4.0))
    volume = Volume(np.zeros(grid.shape, np.float32), grid, Quantity.SUV_BW)
    assert axes_mm(volume, np.array([37])) == pytest.approx((4.0, 4.0))
    assert axes_mm(volume, np.array([], np.int64)) is None


def test_a_lesion_at_the_edge_of_the_image() -> None:
    grid = Grid.from_spacing((2, 6, 6), (3.0, 4.0, 4.0))
    mask = np.zeros(grid.shape, bool)
    mask[0, 0, :] = True
    volume = Volume(np.full(grid.shape, 5.0, np.float32), grid, Quantity.SUV_BW)
    found = axes_mm(volume, np.flatnonzero(mask), 4.0)
    assert found is not None
    assert found[0] == pytest.approx(24.0, abs=0.5)
