"""Resampling against arithmetic and against SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from petrg.imaging import Grid, Quantity, Study, Volume
from petrg.imaging.resample import common_grid, resample


def turned(shape: tuple[int, int, int], spacing: tuple[float, float, float], degrees: float) -> Grid:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag(spacing[::-1])[:, ::-1]
    affine[:3, 3] = -11, 7, -30
    return Grid(shape, affine)


def image(volume: Volume) -> sitk.Image:
    out = sitk.GetImageFromArray(volume.array)
    out.SetOrigin(volume.grid.origin_mm)
    out.SetSpacing(volume.grid.spacing_mm[::-1])
    out.SetDirection(volume.grid.directions[:, ::-1].ravel().tolist())
    return out


def by_sitk(volume: Volume, grid: Grid, kind: int, fill: float) -> np.ndarray:
    z, y, x = grid.shape
    directions = grid.directions[:, ::-1].ravel().tolist()
    out = sitk.Resample(
        image(volume), (x, y, z), sitk.Transform(), kind, grid.origin_mm, grid.spacing_mm[::-1], directions, fill
    )
    return sitk.GetArrayFromImage(out)


def noise(grid: Grid, quantity: Quantity = Quantity.HU, seed: int = 0) -> Volume:
    return Volume(np.random.default_rng(seed).normal(0, 100, grid.shape).astype(np.float32), grid, quantity)


SPACING = st.tuples(*[st.floats(0.7, 6)] * 3)
PLACE = st.tuples(*[st.floats(-30, 30)] * 3)


@given(SPACING, SPACING, PLACE, st.booleans())
def test_parallel_grids_as_simpleitk(
    spacing: tuple[float, float, float],
    target: tuple[float, float, float],
    place: tuple[float, float, float],
    linear: bool,
) -> None:
    volume = noise(Grid.from_spacing((7, 9, 8), spacing, (-3.0, -4.0, -5.0)))
    grid = Grid.from_spacing((6, 5, 9), target, place)
    ours = resample(volume, grid, linear=linear).array
    theirs = by_sitk(volume, grid, sitk.sitkLinear if linear else sitk.sitkNearestNeighbor, -1024)
    # a position on a border or halfway between voxels may fall either way by rounding
    assert np.mean(np.abs(ours - theirs) > 0.02) < 0.02


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("degrees", [0.0, 3.0, 25.0])
def test_oblique_grids_as_simpleitk(degrees: float, linear: bool) -> None:
    volume = noise(turned((12, 14, 13), (3.0, 2.0, 2.5), degrees))
    grid = Grid.from_spacing((10, 11, 12), (2.9, 3.1, 1.7), (-5.0, -10.0, -20.0))
    theirs = by_sitk(volume, grid, sitk.sitkLinear if linear else sitk.sitkNearestNeighbor, -1024)
    ours = resample(volume, grid, linear=linear).array
    assert ours.dtype == np.float32
    assert np.mean(np.abs(ours - theirs) > 0.02) < 0.005


def test_a_linear_ramp_is_exact() -> None:
    grid = Grid.from_spacing((8, 9, 10), (3.0, 2.0, 2.0), (1.0, 2.0, 3.0))
    x, y, z = np.moveaxis(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)
    volume = Volume((2 * x - 3 * y + z).astype(np.float32), grid, Quantity.SUV_BW)
    inner = Grid.from_spacing((5, 6, 7), (2.3, 1.9, 1.7), (3.0, 4.0, 5.0))
    x, y, z = np.moveaxis(inner.to_mm(np.moveaxis(np.indices(inner.shape), 0, -1)), -1, 0)
    assert np.allclose(resample(volume, inner).array, 2 * x - 3 * y + z, atol=1e-3)


def test_own_grid_is_the_identity() -> None:
    for grid in (
        Grid.from_spacing((5, 6, 7), (3.27, 0.9766, 0.9766), (-249.5, -1, 3)),
        turned((5, 6, 7), (3, 2, 2), 10),
    ):
        for linear in (True, False):
            volume = noise(grid)
            assert np.array_equal(resample(volume, grid, linear=linear).array, volume.array)


def test_a_moved_grid_is_not_the_identity() -> None:
    grid = Grid.from_spacing((5, 6, 7), (3.0, 2.0, 2.0))
    moved = Grid.from_spacing((5, 6, 7), (3.0, 2.0, 2.0), (2.0, 0.0, 0.0))
    volume = noise(grid)
    assert np.allclose(resample(volume, moved).array[:, :, :-1], volume.array[:, :, 1:])


def test_outside_is_filled() -> None:
    grid = Grid.from_spacing((3, 3, 3), (2.0, 2.0, 2.0))
    far = Grid.from_spacing((3, 3, 3), (2.0, 2.0, 2.0), (100.0, 0.0, 0.0))
    assert (resample(noise(grid), far).array == -1024).all()
    assert (resample(noise(grid, Quantity.SUV_BW), far).array == 0).all()
    assert (resample(noise(grid), far, fill=7).array == 7).all()
    assert (resample(noise(turned((3, 3, 3), (2, 2, 2), 20)), far).array == -1024).all()


def test_labels_are_never_mixed() -> None:
    grid = Grid.from_spacing((6, 6, 6), (2.0, 2.0, 2.0))
    labels = Volume(np.random.default_rng(0).choice([0, 5, 117], grid.shape).astype(np.uint8), grid, Quantity.LABEL)
    for target in (Grid.from_spacing((9, 9, 9), (1.3, 1.3, 1.3)), turned((6, 6, 6), (2, 2, 2), 15)):
        out = resample(labels, target).array
        assert out.dtype == np.uint8
        assert set(np.unique(out)) <= {0, 5, 117}


def test_one_slice() -> None:
    grid = Grid.from_spacing((1, 4, 4), (3.0, 2.0, 2.0))
    volume = noise(grid)
    out = resample(volume, Grid.from_spacing((3, 4, 4), (1.0, 2.0, 2.0), (0.0, 0.0, -1.0)))
    assert np.allclose(out.array, volume.array)


def test_common_grid_holds_every_pet_voxel_and_no_more() -> None:
    ct = noise(Grid.from_spacing((10, 30, 30), (3.0, 1.0, 1.0)))
    pet = noise(turned((9, 10, 11), (3.0, 4.0, 4.0), 12), Quantity.SUV_BW)
    study = Study(id="a", ct=ct, pet=pet)
    grid = common_grid(study, 2.0)
    assert grid.spacing_mm == (2.0, 2.0, 2.0)
    index = grid.to_index(pet.grid.to_mm(np.moveaxis(np.indices(pet.grid.shape), 0, -1)))
    assert index.min() > -1e-6
    assert (index.max(axis=(0, 1, 2)) <= np.array(grid.shape) - 1 + 1e-6).all()
    assert (index.max(axis=(0, 1, 2)) > np.array(grid.shape) - 2 - 1e-6).all()
    assert common_grid(Study(id="a", ct=ct), 3.0).shape == (10, 11, 11)
