"""Whether values can be what they are said to be; needs no anatomy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.errors import PixelError, Problem, SuvError
from petrg.imaging.grid import Grid
from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume

__all__ = [
    "activity_balance",
    "apart_problems",
    "balance_problems",
    "ct_problems",
    "expect_activity",
    "expect_suv",
    "pose_problems",
    "typical_value",
]

BALANCE = (0.5, 1.1)
"""Share of the dose that skull base to thigh or more should hold."""
LONG_FIELD_MM = 800.0
_NO_CT_NUMBER = 1e5
"""A field of about skull base to thigh; shorter ones are not judged by too little activity."""
_SUV_CEILING = 50.0
_APART_MM = 25.0  # phantoms and a real pair lie within 15
_POSE_MM, _TRUNK_CM2, _SLICE_CM2 = 8.0, 350.0, 2500.0  # a head's slice is below 300, the stoutest trunk's below 2000
_TURNED_DEG, _ROUND, _WIDEST = 15.0, 1.25, 3.3  # phantoms and a real whole body lie within 2 degrees, 1.4 to 2.2 wide


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


def pose_problems(pet: Volume) -> tuple[Problem, ...]:
    """Whether the trunk is widest from left to right; nothing is turned.

    A header or an affine with axes in the wrong order, or a volume that was rotated, shows here: no anatomy but the
    shape of the trunk's slices is asked. Fields shorter than 300 mm and slices that are nearly round are not judged.

    Examples
    --------
    >>> from petrg.imaging.grid import Grid
    >>> body = np.zeros((40, 50, 50), np.float32)
    >>> body[:, 17:33, 8:42] = 1
    >>> grid = Grid.from_spacing(body.shape, (10.0, 10.0, 10.0))
    >>> pose_problems(Volume(body, grid, Quantity.SUV_BW))
    ()
    >>> print(*pose_problems(Volume(body.transpose(0, 2, 1), grid, Quantity.SUV_BW)))
    the trunk is widest 90 degrees off the patient's left-right axis; orientation: check, nothing was turned
    """
    grid = pet.grid
    steps = [max(1, round(_POSE_MM / s)) for s in grid.spacing_mm]
    coarse = pet.array[:: steps[0], :: steps[1], :: steps[2]]
    if len(coarse) < 3 or grid.shape[0] * grid.spacing_mm[0] < 300.0:
        return ()
    inside = coarse > 0.2 * typical_value(pet.array)
    area = inside.sum(axis=(1, 2)) * (grid.voxel_ml * 1000 / grid.spacing_mm[0] * steps[1] * steps[2] / 100)
    trunk = np.flatnonzero(area > max(0.6 * float(area.max()), _TRUNK_CM2))
    turns = [_turn(inside[z], steps, grid) for z in trunk]
    if len(turns) < 3:
        return ()
    angle, width = (float(v) for v in np.median(np.abs(turns), axis=0))
    if area.max() > _SLICE_CM2:
        found = f"axial slices hold {area.max():.0f} cm2 of the body"
    elif width > _WIDEST:
        found = f"the trunk is {width:.1f} times as wide as deep"
    elif angle > _TURNED_DEG and width > _ROUND:
        found = f"the trunk is widest {angle:.0f} degrees off the patient's left-right axis"
    else:
        return ()
    return (Problem("orientation", f"{found}; orientation: check, nothing was turned"),)


def _turn(inside: NDArray[np.bool_], steps: list[int], grid: Grid) -> tuple[float, float]:
    """Angle of the widest axis of one slice from the patient's x axis, degrees, and width over depth."""
    index = np.argwhere(inside) * steps[1:]
    x, y = (grid.affine[:2, 1:3] @ index.T.astype(np.float64)).tolist()
    (low, high), axes = np.linalg.eigh(np.cov(np.stack([x, y])))
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    return float((angle + 90) % 180 - 90), float(np.sqrt(high / max(low, 1e-9)))


def apart_problems(ct: Volume, pet: Volume) -> tuple[Problem, ...]:
    """Whether the body lies at one place in CT and PET, from left to right and from front to back.

    Both borders must be off the same way, so that a couch, a field cut short and a tracer that shows organs only
    are no reason; the lesser distance is said.

    Examples
    --------
    >>> from petrg.imaging.grid import Grid
    >>> body = np.zeros((40, 50, 50), np.float32)
    >>> body[:, 17:33, 8:42] = 1
    >>> grid = Grid.from_spacing(body.shape, (10.0, 10.0, 10.0))
    >>> pet = Volume(body, grid, Quantity.SUV_BW)
    >>> apart_problems(Volume(1000 * body - 1000, grid, Quantity.HU), pet)
    ()
    >>> moved = Grid.from_spacing(body.shape, (10.0, 10.0, 10.0), (-60.0, 0.0, 0.0))
    >>> print(*apart_problems(Volume(1000 * body - 1000, moved, Quantity.HU), pet))
    the body in the CT lies about 60 mm to the right of the body in the PET: are they of one scan?
    """
    if float(ct.array.min()) > -200:  # said by `ct_problems`
        return ()
    reach = [np.sort(v.grid.to_mm([[0, 0, 0], [v.grid.shape[0] - 1, 0, 0]])[:, 2]) for v in (ct, pet)]
    low, high = max(r[0] for r in reach), min(r[1] for r in reach)
    ends = [_borders(v, level, low, high) for v, level in ((ct, -300.0), (pet, 0.2 * typical_value(pet.array)))]
    if any(e is None for e in ends):
        return ()
    first, second = ends
    for axis, names in ((0, ("right", "left")), (1, ("front", "back"))):
        off = (first - second)[:, axis]  # type: ignore[operator]
        if np.abs(off).min() > _APART_MM and off[0] * off[1] > 0:
            where = f"{np.abs(off).min():.0f} mm to the {names[int(off[0] > 0)]} of the body in the PET"
            return (Problem("ct-pet-apart", f"the body in the CT lies about {where}: are they of one scan?"),)
    return ()


def _borders(volume: Volume, level: float, low: float, high: float) -> NDArray[np.float64] | None:
    """The 5th and 95th percentile of x and of y, mm, of what is above ``level`` between two heights."""
    steps = np.array([max(1, round(_POSE_MM / s)) for s in volume.grid.spacing_mm])
    coarse = volume.array[:: steps[0], :: steps[1], :: steps[2]]
    places = volume.grid.to_mm(np.argwhere(coarse > level) * steps)
    places = places[(places[:, 2] >= low) & (places[:, 2] <= high)]
    return np.percentile(places[:, :2], [5, 95], axis=0) if len(places) > 50 else None


def ct_problems(ct: Volume) -> tuple[Problem, ...]:
    """A CT without air, or beyond any CT number, is probably not in HU.

    Raises
    ------
    PixelError
        If a value cannot be a CT number of any scanner, metal and extended scales included.
    """
    low, high = float(ct.array.min()), float(ct.array.max())
    if max(-low, high) >= _NO_CT_NUMBER:
        raise PixelError("CT values of 100,000 and more", "CT numbers in HU", "check rescale slope and intercept")
    if low > -200:
        return (Problem("ct-without-air", f"CT holds no air (lowest value {low:.0f}): is it in HU?"),)
    if low < -32768 or high > 65536:
        return (Problem("ct-range", f"CT values {low:.0f} to {high:.0f} are beyond CT numbers"),)
    return ()
