"""The numbers of recorded lesions read again from the image, by another way than they were found.

Nothing is detected here: the record says which voxel is hottest, which rule or mask delineates and how far
parts may be bridged; all else is measured anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from petrg.errors import CheckError, MaskError
from petrg.imaging import Study, Volume
from petrg.measure.body import body_mask
from petrg.measure.ct_read import read_ct
from petrg.measure.delineate import delineate_all
from petrg.measure.lesions import numbers_of, side_of
from petrg.measure.masks import GivenMask
from petrg.measure.midline import Midline, find_midline
from petrg.measure.where import unravel, where
from petrg.report.classes import FindingKind, Modality
from petrg.report.record import Lesion, Record, Threshold

__all__ = ["remeasure"]


def remeasure(study: Study, record: Record, *, masks: Sequence[GivenMask] | None = None) -> tuple[Lesion, ...]:
    """Every lesion of ``record`` with its numbers, side and places as ``study`` shows them.

    Region, status and reason are kept: they are judgements, not numbers.

    Parameters
    ----------
    study : Study
    record : Record
    masks : sequence of masks, optional
        The given masks, where the record has lesions from masks.

    Raises
    ------
    CheckError
        If a lesion lies outside the PET.
    MaskError
        If a mask of the record is not among ``masks``.
    """
    suv = study.suv()
    for lesion in record.lesions:
        if not all(0 <= i < n for i, n in zip(lesion.hottest.index, suv.grid.shape, strict=True)):
            raise CheckError(f"lesion {lesion.id} outside the PET", "a voxel of the PET", "give the study it is of")
    voxels = _voxels(suv, record, masks or ())
    midline = find_midline(body_mask(suv, study.ct), suv)
    return tuple(_again(study, suv, lesion, v, midline) for lesion, v in zip(record.lesions, voxels, strict=True))


def _voxels(suv: Volume, record: Record, masks: Sequence[GivenMask]) -> list[NDArray[np.int64]]:
    """The voxels of every lesion, in the order of the record."""
    given = {m.name: np.flatnonzero(np.asarray(m.array, bool)) for m in masks}
    named = [lesion.mask for lesion in record.lesions if lesion.mask is not None]
    if missing := [name for name in named if name not in given]:
        raise MaskError(
            f"{len(missing)} of {len(named)} lesions from masks that are not given",
            "the masks the record was measured with",
            "give them with --lesions",
        )
    taken = np.zeros(suv.array.size, bool)
    for name in named:
        taken[given[str(name)]] = True
    free = [lesion for lesion in record.lesions if lesion.mask is None]
    seeds = {lesion.id: int(np.ravel_multi_index(lesion.hottest.index, suv.grid.shape)) for lesion in free}
    hottest_first = sorted(free, key=lambda x: (-float(suv.array.ravel()[seeds[x.id]]), seeds[x.id]))
    limits = [a.limit_suv for a in record.assessed if a.kind is FindingKind.FOCAL_UPTAKE and a.limit_suv is not None]
    cut = delineate_all(suv, [seeds[x.id] for x in hottest_first], record.threshold, min(limits, default=np.inf))
    found = {x.id: voxels[~taken[voxels]] for x, voxels in zip(hottest_first, cut, strict=True)}
    return [given[x.mask] if x.mask is not None else found[x.id] for x in record.lesions]


def _again(study: Study, suv: Volume, lesion: Lesion, voxels: NDArray[np.int64], midline: Midline) -> Lesion:
    seed = int(np.ravel_multi_index(lesion.hottest.index, suv.grid.shape))
    if voxels.size:
        seed = int(voxels[np.argmax(suv.array.ravel()[voxels])])
    threshold = Threshold.MASK if lesion.mask is not None else lesion.threshold
    n = numbers_of(suv, seed, voxels, threshold)
    return lesion.model_copy(
        update={
            "centre_mm": n.centre_mm,
            "slices": n.slices,
            "side": side_of(n.centre_mm, suv.grid, midline),
            "hottest": where(unravel(seed, suv.grid), suv.grid, Modality.PET, study.pet_series),
            "suv_max": n.suv_max,
            "suv_mean": n.suv_mean,
            "suv_peak": n.suv_peak,
            "peak_4voxel": n.peak_4voxel,
            "mtv_ml": n.mtv_ml,
            "tlg_g": n.tlg_g,
            "volume_ml": n.volume_ml,
            "axes_mm": n.axes_mm,
            "ct": None if study.ct is None else read_ct(study.ct, study.ct_series, voxels, suv.grid),
        }
    )
