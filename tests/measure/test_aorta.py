"""The descending aorta without labels: where it is plain to see, and not where it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from petrg.imaging import Grid, Quantity, Volume
from petrg.imaging.nifti import read_nifti
from petrg.measure.aorta import find_descending_aorta
from petrg.measure.body import body_mask
from petrg.measure.landmarks import Anchor, Landmarks, find_landmarks
from petrg.measure.midline import Midline, find_midline
from petrg.measure.reference import blood_pool_reference

AORTA = (26.0, 40.0)


def chest(aorta_radius: float = 15.0) -> Volume:
    """Lungs round a vertebra and an aorta, 60 mm of it, CT 2 x 2 x 3 mm."""
    grid = Grid.from_spacing((20, 90, 90), (3.0, 2.0, 2.0), (-89.0, -69.0, 0.0))
    mm = grid.to_mm(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1))
    x, y = mm[..., 0], mm[..., 1]
    hu = np.full(grid.shape, -850.0, np.float32)
    hu[np.abs(x) < 18] = -80.0
    hu[np.hypot(x - AORTA[0], y - AORTA[1]) <= aorta_radius] = 45.0
    hu[np.hypot(x, y - 66) <= 20] = 300.0
    return Volume(hu, grid, Quantity.HU)


def marks(ct: Volume) -> Landmarks:
    n = ct.grid.shape[0]
    flat = np.zeros(n)
    anchors = (Anchor("lung apex", 170.0), Anchor("lung dome", 0.0))
    plane = Midline(flat, np.ones(n, bool))
    lungs, field = ct.array < -500, (0.0, 57.0)
    return Landmarks(ct.grid, anchors, plane, flat - 69.0, flat + 109.0, None, None, None, lungs, ct.grid, field)


def test_a_tube_between_lung_and_spine_is_found() -> None:
    ct = chest()
    tube = find_descending_aorta(ct, ct.grid, marks(ct))
    assert tube is not None
    mm = ct.grid.to_mm(np.argwhere(tube))
    assert mm[:, :2].mean(0) == pytest.approx(AORTA, abs=2.0)
    assert np.hypot(mm[:, 0] - AORTA[0], mm[:, 1] - AORTA[1]).max() <= 15.0
    suv = Volume(np.where(ct.array > 0, 1.7, 0.4).astype(np.float32), ct.grid, Quantity.SUV_BW)
    pool = blood_pool_reference(suv, tube, "test")
    assert pool is not None
    assert pool.suv_mean == pytest.approx(1.7)
    assert pool.volume_ml == pytest.approx(np.pi * 25 * 20 / 1000, rel=0.25)


def test_none_rather_than_a_guess() -> None:
    narrow = chest(aorta_radius=7.0)  # no room for the cylinder and its 4 mm to the wall
    assert find_descending_aorta(narrow, narrow.grid, marks(narrow)) is None
    ct = chest()
    right = Volume(ct.array[:, :, ::-1].copy(), ct.grid, Quantity.HU)
    assert find_descending_aorta(right, ct.grid, marks(ct)) is None  # never on the right
    dense = Volume(np.where(ct.array == 45.0, 400.0, ct.array).astype(np.float32), ct.grid, Quantity.HU)
    assert find_descending_aorta(dense, ct.grid, marks(ct)) is None


@pytest.mark.reference
def test_on_a_real_chest(shared: Path) -> None:
    ct = read_nifti(shared / "data" / "chest_ct" / "cptac_pda_chest.nii.gz", Quantity.HU)
    body = body_mask(None, ct)
    assert 15_000 < body.sum() * ct.grid.voxel_ml < 40_000  # the couch is no part of it
    blank = Volume(np.where(body, 0.5, 0.0).astype(np.float32), ct.grid, Quantity.SUV_BW)
    tube = find_descending_aorta(ct, ct.grid, find_landmarks(blank, ct, body, find_midline(body, blank)))
    assert tube is not None
    inside = ct.array[tube]
    assert tube.any((1, 2)).sum() * 3.0 >= 30.0
    assert 60.0 < np.median(inside) < 200.0  # enhanced blood, neither lung nor bone
    assert np.mean((inside > 20.0) & (inside < 250.0)) > 0.97
