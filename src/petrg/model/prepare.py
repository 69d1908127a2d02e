"""How a study is prepared for the released network: its grid, without the couch, from head to upper thigh.

The paper (arXiv 2511.20145) resamples CT and PET to 1.5 x 1.5 x 3 mm in RAS, takes the couch away by a mask of the
body and cuts from the head to the upper thigh. The sizes it works with (about 430 mm across) are those of a body and
not of a scanner's field, so the cut is taken along all axes; the paper does not say so in words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from petrg.errors import StudyError
from petrg.imaging import Grid, Quantity, Study, Volume
from petrg.imaging.resample import resample

__all__ = ["SPACING_MM", "Body", "as_stored", "prepared", "prepared_pair", "to_ras"]

SPACING_MM = (3.0, 1.5, 1.5)
"""Along z, y and x."""

_AIR_HU = -1000.0

Array = NDArray[np.float32]


class Body(NamedTuple):
    """Where the patient is, as measured elsewhere.

    ``mask`` (z, y, x) bool on ``grid`` is the body without couch; ``lowest_mm`` the z below which nothing is kept, None
    where the upper thigh was not located or the scan ends above it.
    """

    mask: NDArray[np.bool_]
    grid: Grid
    lowest_mm: float | None = None


def to_ras(array: NDArray[np.float32]) -> Array:
    """(z, y, x) of LPS+ -> (x, y, z) of RAS+, the axes (H, W, D) of the released network.

    >>> to_ras(np.arange(4, dtype=np.float32).reshape(1, 2, 2))[:, :, 0].tolist()
    [[3.0, 1.0], [2.0, 0.0]]
    """
    return np.ascontiguousarray(array[:, ::-1, ::-1].transpose(2, 1, 0))


def as_stored(volume: Volume, axes: str) -> Array:
    """A volume in the order its NIfTI file holds it, (i, j, k); ``axes`` names what each runs towards.

    >>> from petrg.imaging import Grid
    >>> grid = Grid.from_spacing((1, 2, 2), (1.0, 1.0, 1.0))
    >>> volume = Volume(np.arange(4, dtype=np.float32).reshape(1, 2, 2), grid, Quantity.HU)
    >>> as_stored(volume, "LPS")[:, :, 0].tolist(), as_stored(volume, "RAS")[:, :, 0].tolist()
    ([[0.0, 2.0], [1.0, 3.0]], [[3.0, 1.0], [2.0, 0.0]])
    """
    lps = {"L": 2, "R": 2, "P": 1, "A": 1, "S": 0, "I": 0}
    back = tuple(slice(None, None, -1) if code in "RAI" else slice(None) for code in axes)
    return np.ascontiguousarray(volume.array.transpose([lps[code] for code in axes])[back])


def prepared(study: Study, body: Body) -> tuple[Array, Array]:
    """CT in HU and PET in SUV as the paper prepares them, (H, W, D) of RAS, on one grid; errors as `prepared_pair`."""
    ct, pet = prepared_pair(study, body)
    return to_ras(ct.array), to_ras(pet.array)


def prepared_pair(study: Study, body: Body) -> tuple[Volume, Volume]:
    """CT in HU and PET in SUV as the paper prepares them, on one grid.

    Outside the body the CT is air and the PET 0.

    Raises
    ------
    StudyError
        If CT or PET is missing, or no body is found where both were scanned.
    UnitError
        If the PET is not in SUVbw.
    """
    if study.ct is None or study.pet is None:
        raise StudyError("a modality is missing", "CT and PET", "give a study that has both")
    grid = _grid(study, body)
    mask = resample(Volume(body.mask.astype(np.uint8), body.grid, Quantity.LABEL), grid).array > 0
    ct = resample(study.ct, grid, fill=_AIR_HU).array
    pet = resample(study.suv(), grid).array
    return (
        Volume(np.where(mask, ct, np.float32(_AIR_HU)), grid, Quantity.HU),
        Volume(np.where(mask, pet, np.float32(0.0)), grid, Quantity.SUV_BW),
    )


def _grid(study: Study, body: Body) -> Grid:
    """The body's bounding box, where CT and PET were both scanned."""
    found = np.argwhere(body.mask)
    if not len(found):
        raise _no_body()
    low, high = _corners(body.grid, found.min(axis=0).astype(float), found.max(axis=0).astype(float))
    for volume in (study.ct, study.pet):
        assert volume is not None  # the caller looked
        first, last = _corners(volume.grid, np.zeros(3), np.array(volume.grid.shape) - 1.0)
        low[2], high[2] = max(low[2], first[2]), min(high[2], last[2])
    if body.lowest_mm is not None:
        low[2] = max(low[2], body.lowest_mm)
    step = np.array(SPACING_MM)[::-1]
    if (high - low < step).any():
        raise _no_body()
    x, y, z = (int(n) for n in np.floor((high - low) / step) + 1)
    return Grid.from_spacing((z, y, x), SPACING_MM, (float(low[0]), float(low[1]), float(low[2])))


def _corners(grid: Grid, first: NDArray[np.float64], last: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    ends = np.array([np.where(pick, last, first) for pick in np.ndindex(2, 2, 2)])
    corners = grid.to_mm(ends)
    return corners.min(axis=0), corners.max(axis=0)


def _no_body() -> StudyError:
    return StudyError("no body is found where CT and PET were scanned", "a patient in both", "check the study")
