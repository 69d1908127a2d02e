"""A mask on the PET's own grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mask"]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """One lesion mask on the native PET grid.

    Parameters
    ----------
    name : str
        Name of the ROI or segment, or ``mask`` / ``label N`` of a NIfTI file.
    array : (z, y, x) bool
    sha256 : str
        Of the file it came from.
    source : str
        ``rtstruct``, ``seg`` or ``nifti``.
    note : str or None
        What was done to bring it to the PET grid, where that was not exact, and what of its file was passed over.
    """

    name: str
    array: NDArray[np.bool_]
    sha256: str
    source: str
    note: str | None = None

    def __post_init__(self) -> None:
        view = np.ascontiguousarray(self.array, bool).view()
        view.setflags(write=False)
        object.__setattr__(self, "array", view)

    def __repr__(self) -> str:
        return f"Mask({self.source}, {int(self.array.sum())} voxels)"
