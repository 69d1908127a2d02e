"""Whether values can be what they are said to be; needs no anatomy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.errors import PixelError, Problem, SuvError
from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume

__all__ = ["activity_balance", "balance_problems", "ct_problems", "expect_activity", "expect_suv", "typical_value"]

BALANCE = (0.5, 1.1)
"""Share of the dose that skull base to thigh or more should hold."""
LONG_FIELD_MM = 800.0
"""A field of about skull base to thigh; shorter ones are not judged by too little activity."""
_SUV_CEILING = 50.0


def activity_balance(pet: Volume, weight_kg: float) -> float:
    """Share of the injected dose seen in the field: sum(SUV dV) / weight in ml.

    About 0.5 to 1.1 from skull base to thigh or more (what was voided and what lies outside are
    missing); another value says: check dose, weight, times or units.

    Raises
    ------
    UnitError
        If the volume is not SUVbw.

    Examples
    --------
    >>> from petrg.imaging.grid import Grid
    >>> grid = Grid.from_spacing((10, 10, 10), (10.0, 10.0, 10.0))
    >>> round(activity_balance(Volume(np.ones(grid.shape, np.float32), grid, Quantity.SUV_BW), 2.0), 3)
    0.5
    """
    pet.expect(Quantity.SUV_BW)
    return float(pet.array.sum(dtype=np.float64)) * pet.grid.voxel_ml / (weight_kg * 1000.0)


def balance_problems(pet: Volume, weight_kg: float, *, dose_read_as_mbq: bool = False) -> tuple[Problem, ...]:
    """Judge the activity balance.

    Parameters
    ----------
    pet : Volume in SUVbw
    weight_kg : float
    dose_read_as_mbq : bool
        The dose was a guess (MBq written as Bq): a failing balance then refuses.

    Raises
    ------
    SuvError
        If the dose was a guess and the balance fails.
    """
    balance = activity_balance(pet, weight_kg)
    long = pet.grid.shape[0] * pet.grid.spacing_mm[0] >= LONG_FIELD_MM
    if balance <= BALANCE[1] and (balance >= BALANCE[0] or not long) and balance > 0:
        return ()
    found = f"activity in the image is {balance:.3g} of the dose"
    if dose_read_as_mbq:
        raise SuvError(
            f"dose in the header under 1e6 Bq, and read as MBq the {found}",
            f"{BALANCE[0]:g} to {BALANCE[1]:g}",
            "give --dose-mbq",
        )
    text = f"{found}, usual is {BALANCE[0]:g} to {BALANCE[1]:g}: check dose, weight, times or units"
    return (Problem("activity-balance", text),)


def typical_value(array: NDArray[np.float32]) -> float:
    """Median of the voxels above a tenth of the 99.5th percentile: about the body's own uptake."""
    sample = array[:: max(1, array.shape[0] // 64), :: max(1, array.shape[1] // 96), :: max(1, array.shape[2] // 96)]
    positive = sample[sample > 0]
    if not positive.size:
        return 0.0
    return float(np.median(positive[positive > 0.1 * np.percentile(positive, 99.5)]))


def expect_suv(pet: Volume, source: str) -> None:
    """Refuse values that cannot be SUV: in SUV the body is near 1, in Bq/ml near some thousand.

    Raises
    ------
    SuvError
        If the body's typical value is above 50.

    Examples
    --------
    >>> from petrg.imaging.grid import Grid
    >>> grid = Grid.from_spacing((4, 4, 4), (4.0, 4.0, 4.0))
    >>> expect_suv(Volume(np.full(grid.shape, 3400, np.float32), grid, Quantity.SUV_BW), "_0001")
    Traceback (most recent call last):
        ...
    petrg.errors.SuvError: _0001: these look like Bq/ml (typical value 3400) — expected SUV (g/ml), near 1 in most \
of the body — convert it to SUV, or read the DICOM it came from
    """
    typical = typical_value(pet.array)
    if typical > _SUV_CEILING:
        raise SuvError(
            f"{source}: these look like Bq/ml (typical value {typical:.0f})",
            "SUV (g/ml), near 1 in most of the body",
            "convert it to SUV, or read the DICOM it came from",
        )


def expect_activity(pet: Volume) -> None:
    """Refuse a PET without any activity: it would read as a body without any focus.

    Raises
    ------
    PixelError
        If no voxel is above 0.

    Examples
    --------
    >>> from petrg.imaging.grid import Grid
    >>> grid = Grid.from_spacing((4, 4, 4), (4.0, 4.0, 4.0))
    >>> expect_activity(Volume(np.zeros(grid.shape, np.float32), grid, Quantity.SUV_BW))
    Traceback (most recent call last):
        ...
    petrg.errors.PixelError: a PET without any activity: no voxel above 0 — expected a PET of a patient — export it \
again, or choose another with --pet-series
    """
    if not float(pet.array.max()) > 0:
        raise PixelError(
            "a PET without any activity: no voxel above 0",
            "a PET of a patient",
            "export it again, or choose another with --pet-series",
        )


def ct_problems(ct: Volume) -> tuple[Problem, ...]:
    """A CT without air, or beyond any CT number, is probably not in HU."""
    low, high = float(ct.array.min()), float(ct.array.max())
    if low > -200:
        return (Problem("ct-without-air", f"CT holds no air (lowest value {low:.0f}): is it in HU?"),)
    if low < -32768 or high > 65536:
        return (Problem("ct-range", f"CT values {low:.0f} to {high:.0f} are beyond CT numbers"),)
    return ()
