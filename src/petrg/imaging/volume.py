"""A 3D image that knows where it lies and what it measures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.errors import UnitError
from petrg.imaging.grid import Grid
from petrg.imaging.quantity import Quantity

__all__ = ["Volume"]

_WAY_OUT = {
    Quantity.SUV_BW: "read the study without --quantity activity, or give what SUV needs (--weight-kg, --dose-mbq …)",
    Quantity.HU: "pass the CT",
    Quantity.ACTIVITY: "read the study with --quantity activity",
    Quantity.LABEL: "pass a label map or mask",
}


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A 3D image on its own grid; immutable, the only axis order is ``[z, y, x]``.

    Parameters
    ----------
    array : (z, y, x) float32; labels may be of an integer type
    grid : Grid
    quantity : Quantity

    Raises
    ------
    ValueError
        If the shapes of array and grid differ.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.from_spacing((2, 2, 2), (3.0, 2.0, 2.0))
    >>> pet = Volume(np.full(grid.shape, 5e3, np.float32), grid, Quantity.ACTIVITY)
    >>> pet
    Volume(2x2x2, 3.00x2.00x2.00 mm, Bq/ml, 5000…5000)
    >>> pet.expect(Quantity.SUV_BW)
    Traceback (most recent call last):
        ...
    petrg.errors.UnitError: a volume in Bq/ml (ACTIVITY) — expected g/ml (SUV_BW) — read the study \
without --quantity activity, or give what SUV needs (--weight-kg, --dose-mbq …)
    """

    array: NDArray[Any]
    grid: Grid
    quantity: Quantity

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            raise ValueError(f"array is {self.array.shape}, grid is {self.grid.shape}")
        view = self.array.view()
        view.setflags(write=False)
        object.__setattr__(self, "array", view)

    def expect(self, quantity: Quantity) -> Volume:
        """Return self, or raise `UnitError` if it holds another quantity."""
        if self.quantity is not quantity:
            raise UnitError(
                f"a volume in {self.quantity} ({self.quantity.name})",
                f"{quantity} ({quantity.name})",
                _WAY_OUT[quantity],
            )
        return self

    def sha256(self) -> str:
        """Fingerprint of the voxels: sha256 of them as float32, little-endian, ``[z, y, x]``.

        >>> grid = Grid.from_spacing((1, 1, 2), (1.0, 1.0, 1.0))
        >>> Volume(np.array([[[0, 1]]], np.float32), grid, Quantity.HU).sha256()[:8]
        '22b6f43b'
        """
        return hashlib.sha256(np.ascontiguousarray(self.array, "<f4").data).hexdigest()

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.grid.shape))
        spacing = "x".join(f"{s:.2f}" for s in self.grid.spacing_mm)
        low, high = (float(self.array.min()), float(self.array.max())) if self.array.size else (0.0, 0.0)
        return f"Volume({shape}, {spacing} mm, {self.quantity}, {low:g}…{high:g})"
