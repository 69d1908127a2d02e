"""A faint speck far above dark surroundings is a focus; one as faint in warm tissue is noise."""

from __future__ import annotations

import numpy as np
import pytest

from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.detect import detect


@pytest.mark.parametrize(("background", "peak", "found"), [(0.4, 3.6, 1), (1.5, 3.2, 0)])
def test_a_speck_counts_by_its_contrast(background: float, peak: float, found: int) -> None:
    rng = np.random.default_rng(3)
    grid = Grid.from_spacing((40, 48, 48), (3.0, 4.0, 4.0))
    array = np.full(grid.shape, background) * rng.normal(1, 0.02, grid.shape)
    place = grid.to_mm(np.stack(np.indices(grid.shape), -1)) - grid.to_mm([20, 24, 24])
    array += (peak - background) * np.exp(-0.5 * (place**2).sum(-1) / (10.0 / 2.3548) ** 2)
    pet = Volume(array.astype(np.float32), grid, Quantity.SUV_BW)
    foci = detect(pet, np.ones(grid.shape, bool), None).foci
    near = [f for f in foci if np.abs(np.array(np.unravel_index(f.seed, grid.shape)) - [20, 24, 24]).max() <= 1]
    assert len(near) == found
    assert all(f.suv_max < 1.5 * 2.5 and f.voxels.size * grid.voxel_ml < 0.25 for f in near)  # a speck indeed
