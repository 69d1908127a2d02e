"""A patient of a few solids, made here so that no test of measuring rests on the phantom alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from petrg.imaging import Context, Grid, Quantity, Series, Study, Volume

Lesion = tuple[tuple[float, float, float], float, float]
"""Centre (x, y, z) mm, radius mm, SUV."""

SHAPE, SPACING = (96, 64, 80), (6.0, 6.0, 6.0)


def patient(
    lesions: Sequence[Lesion] = (),
    *,
    ct: bool = True,
    tracer: str | None = "FDG",
    liver_x: float = -60.0,
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    liver_suv: float = 2.2,
) -> Study:
    """A trunk with lungs, liver, heart-free mediastinum, bladder and a couch; z 0 at the thighs."""
    origin = (-SPACING[2] * (SHAPE[2] - 1) / 2 + shift_mm[0], -190.0 + shift_mm[1], shift_mm[2])
    grid = Grid.from_spacing(SHAPE, SPACING, origin)
    mm = grid.to_mm(np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)) - np.array(shift_mm)
    x, y, z = mm[..., 0], mm[..., 1], mm[..., 2]
    rng = np.random.default_rng(0)
    pet, hu = np.zeros(SHAPE, np.float32), np.full(SHAPE, -1000.0, np.float32)

    def ellipsoid(centre: Sequence[float], semi: Sequence[float]) -> np.ndarray:
        return sum(((a - c) / s) ** 2 for a, c, s in zip((x, y, z), centre, semi, strict=True)) <= 1.0

    def paint(where: np.ndarray, suv: float, value: float) -> None:
        pet[where], hu[where] = suv, value

    paint((x / 165) ** 2 + (y / 105) ** 2 <= 1.0, 0.6, 40.0)
    hu[(np.abs(x) < 200) & (np.abs(y - 130) <= 4)] = 100.0  # couch
    for side in (-1, 1):
        paint(ellipsoid((side * 80, 0, 470), (55, 75, 95)), 0.4, -850.0)
    paint(ellipsoid((liver_x, 0, 330), (85, 75, 75)), liver_suv, 55.0)
    paint(ellipsoid((0, -30, 50), (35, 28, 24)), 30.0, 10.0)
    for centre, radius, suv in lesions:
        paint(np.hypot(np.hypot(x - centre[0], y - centre[1]), z - centre[2]) <= radius, suv, 60.0)
    pet *= (1.0 + 0.05 * rng.standard_normal(SHAPE)).astype(np.float32)
    uids = tuple(f"1.2.3.{n}" for n in range(SHAPE[0]))
    series = Series(uid="1.2.3", modality="PT", sop_uids=uids, instance_numbers=tuple(range(1, SHAPE[0] + 1)))
    return Study(
        id="study-0123456789ab",
        pet=Volume(pet, grid, Quantity.SUV_BW),
        ct=Volume(hu, grid, Quantity.HU) if ct else None,
        pet_series=series,
        context=Context(tracer=tracer),
    )


@pytest.fixture(scope="session")
def make_patient() -> Callable[..., Study]:
    """Makes the simple patient."""
    return patient
