"""Lesions that come from outside as masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from petrg.errors import MaskError, Problem
from petrg.imaging import Volume

__all__ = ["GivenMask", "MaskFocus", "given_foci"]


class GivenMask(Protocol):
    """One mask on the native PET grid, as `petrg.imaging.masks.read_masks` returns them."""

    @property
    def name(self) -> str:
        """Name of the ROI or segment."""

    @property
    def array(self) -> NDArray[Any]:
        """(z, y, x) bool."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskFocus:
    """A given lesion: its name, its hottest voxel and its voxels, as flat indices."""

    name: str
    seed: int
    voxels: NDArray[np.int64]


def given_foci(suv: Volume, masks: Sequence[GivenMask]) -> tuple[list[MaskFocus], list[Problem]]:
    """One lesion a mask; empty masks and overlaps are problems, never dropped in silence.

    Raises
    ------
    MaskError
        If a mask is not on the PET grid.
    """
    foci: list[MaskFocus] = []
    problems: list[Problem] = []
    taken = np.zeros(suv.array.size, bool)
    for mask in masks:
        array = np.asarray(mask.array, bool)
        if array.shape != suv.grid.shape:
            raise MaskError(
                f"a mask of {'x'.join(map(str, array.shape))} voxels",
                f"one on the PET grid, {'x'.join(map(str, suv.grid.shape))}",
                "read it with read_masks, which puts it there",
            )
        voxels = np.flatnonzero(array)
        if voxels.size == 0:
            problems.append(Problem("mask-empty", f"mask {len(foci) + len(problems) + 1} holds no voxel of the PET"))
            continue
        if taken[voxels].any():
            problems.append(Problem("masks-overlap", "lesion masks overlap; totals count each voxel once"))
        taken[voxels] = True
        foci.append(MaskFocus(mask.name, int(voxels[np.argmax(suv.array.ravel()[voxels])]), voxels))
    return foci, list(dict.fromkeys(problems))
