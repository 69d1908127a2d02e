"""The body without its couch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from petrg.imaging import Grid, Study
from petrg.measure.body import body_mask, sample_mask


def test_body_is_the_trunk_without_the_couch(make_patient: Callable[..., Study]) -> None:
    study = make_patient()
    for body in (body_mask(study.pet, study.ct), body_mask(study.pet), body_mask(None, study.ct)):
        ml = body.sum() * study.pet.grid.voxel_ml
        assert ml == pytest.approx(np.pi * 165 * 105 * 96 * 6 / 1000, rel=0.06)  # lungs filled
        y = study.pet.grid.to_mm(np.argwhere(body))[:, 1]
        assert y.max() < 115.0  # the couch lies at 126 to 134


def test_both_legs_are_kept() -> None:
    grid = Grid.from_spacing((20, 60, 80), (5.0, 5.0, 5.0))
    x = np.arange(80) * 5.0
    legs = (np.abs(x - 120) < 60) | (np.abs(x - 300) < 60)
    array = np.zeros(grid.shape, np.float32)
    array[:, 15:40, legs] = 0.6
    from petrg.imaging import Quantity, Volume

    body = body_mask(Volume(array, grid, Quantity.SUV_BW))
    assert body[10, 25, 24]
    assert body[10, 25, 60]


def test_a_body_needs_an_image() -> None:
    with pytest.raises(ValueError, match="PET or a CT"):
        body_mask(None)


def test_sampling_between_grids_keeps_places() -> None:
    coarse = Grid.from_spacing((10, 10, 10), (6.0, 6.0, 6.0))
    mask = np.zeros(coarse.shape, bool)
    mask[4, 5, 6] = True
    fine = Grid.from_spacing((30, 30, 30), (2.0, 2.0, 2.0), (-2.0, -2.0, -2.0))
    mm = fine.to_mm(np.argwhere(sample_mask(mask, coarse, fine)))
    assert mm.mean(0) == pytest.approx([36.0, 30.0, 24.0])
    turn = np.radians(10.0)
    affine = np.eye(4)
    affine[:3, :3] = 2.0 * np.array([[0, -np.sin(turn), np.cos(turn)], [0, np.cos(turn), np.sin(turn)], [1, 0, 0]])
    oblique = Grid((30, 60, 60), affine)
    mm = oblique.to_mm(np.argwhere(sample_mask(mask, coarse, oblique)))
    assert mm.mean(0) == pytest.approx([36.0, 30.0, 24.0], abs=1.5)
