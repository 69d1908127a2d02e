"""Every focus to be recorded: given masks first, then what was detected outside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.errors import Problem
from petrg.imaging import Volume
from petrg.measure.delineate import delineate_all
from petrg.measure.detect import Detection
from petrg.measure.masks import GivenMask, given_foci
from petrg.report.record import Threshold

__all__ = ["Found", "find_all"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A focus on its way to the record.

    Parameters
    ----------
    seed : int
        Flat index of the hottest voxel.
    voxels : (n,) int64
        Delineated voxels or the mask; empty below the rule.
    extent : (n,) int64
        Voxels above the floor of detection, or the mask: how far the focus reaches.
    mask : str or None
        Name of the given mask.
    """

    seed: int
    voxels: NDArray[np.int64]
    extent: NDArray[np.int64]
    threshold: Threshold
    mask: str | None = None


def find_all(
    suv: Volume, detection: Detection, masks: Sequence[GivenMask], threshold: Threshold
) -> tuple[list[Found], list[Problem]]:
    """Masks and foci, hottest first; a focus whose hottest voxel lies in a mask is that mask's.

    Raises
    ------
    MaskError
        If a mask is not on the PET grid.
    """
    given, problems = given_foci(suv, masks)
    out = [Found(g.seed, g.voxels, g.voxels, Threshold.MASK, g.name) for g in given]
    taken = np.zeros(suv.array.size, bool)
    for g in given:
        taken[g.voxels] = True
    free = [f for f in detection.foci if not taken[f.seed]]
    cut = delineate_all(suv, [f.seed for f in free], threshold, detection.limit_suv)
    out += [Found(f.seed, voxels[~taken[voxels]], f.voxels, threshold) for f, voxels in zip(free, cut, strict=True)]
    values = suv.array.ravel()
    return sorted(out, key=lambda f: (-float(values[f.seed]), f.seed, f.mask or "")), problems
