"""Values that cannot be what they are said to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.errors import PixelError, SuvError, UnitError
from petrg.imaging import Grid, Quantity, Volume
from petrg.imaging.sanity import activity_balance, balance_problems, ct_problems, expect_suv


def body(value: float, slices: int = 40, quantity: Quantity = Quantity.SUV_BW) -> Volume:
    """A block of 40 x 20 x 100 cm that holds ``value``, in air."""
    grid = Grid.from_spacing((slices, 30, 30), (25.0, 20.0, 20.0))
    array = np.zeros(grid.shape, np.float32)
    array[:, 5:15, 5:25] = value
    return Volume(array, grid, quantity)


def test_balance_is_the_share_of_the_dose() -> None:
    assert activity_balance(body(1.0), 80) == pytest.approx(1.0)  # 80 l at SUV 1 in 80 kg
    assert activity_balance(body(0.8), 100) == pytest.approx(0.64)
    with pytest.raises(UnitError):
        activity_balance(body(1.0, quantity=Quantity.ACTIVITY), 80)


@given(st.floats(0.01, 100), st.floats(1, 300))
def test_balance_is_linear_in_suv_and_inverse_in_weight(value: float, weight: float) -> None:
    assert activity_balance(body(value), weight) == pytest.approx(value * 80 / weight, rel=1e-5)


def test_balance_outside_its_range_is_a_problem() -> None:
    assert balance_problems(body(0.9), 80) == ()
    assert [p.code for p in balance_problems(body(1.5), 80)] == ["activity-balance"]
    assert [p.code for p in balance_problems(body(0.2), 80)] == ["activity-balance"]
    assert balance_problems(body(0.9, slices=10), 80) == ()  # a quarter of the body holds a quarter
    assert balance_problems(body(9.0, slices=10), 80) != ()


def test_balance_refuses_where_the_dose_was_a_guess() -> None:
    assert balance_problems(body(0.9), 80, dose_read_as_mbq=True) == ()
    with pytest.raises(SuvError, match="--dose-mbq"):
        balance_problems(body(9e2), 80, dose_read_as_mbq=True)


@pytest.mark.parametrize("suv_in_bq", [150.0, 3400.0, 10000.0])
def test_activity_is_not_taken_for_suv(suv_in_bq: float) -> None:
    rng = np.random.default_rng(0)
    grid = Grid.from_spacing((60, 50, 50), (4.0, 4.0, 4.0))
    suv = rng.gamma(2, 0.5, grid.shape).astype(np.float32)
    suv[:10], suv[20:22, 20:22, 20:22] = 0, 60
    expect_suv(Volume(suv, grid, Quantity.SUV_BW), "_0001")
    with pytest.raises(SuvError, match="look like Bq/ml"):
        expect_suv(Volume(suv * np.float32(suv_in_bq), grid, Quantity.SUV_BW), "_0001")
    expect_suv(Volume(np.zeros(grid.shape, np.float32), grid, Quantity.SUV_BW), "_0001")


def test_ct_not_in_hu() -> None:
    grid = Grid.from_spacing((2, 2, 2), (1.0, 1.0, 1.0))
    good = np.full(grid.shape, -1000, np.float32)
    good[0] = 40
    assert ct_problems(Volume(good, grid, Quantity.HU)) == ()
    assert [p.code for p in ct_problems(Volume(good + 1024, grid, Quantity.HU))] == ["ct-without-air"]
    assert [p.code for p in ct_problems(Volume(good * 50, grid, Quantity.HU))] == ["ct-range"]
    with pytest.raises(PixelError, match="CT values of 100,000 and more — expected CT numbers in HU"):
        ct_problems(Volume(good * 1e4, grid, Quantity.HU))
