"""Which anatomy stands behind a measurement, and the reference regions it leads to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Study, Volume
from petrg.measure.anatomy import Anatomy
from petrg.measure.aorta import find_descending_aorta
from petrg.measure.body import sample_mask
from petrg.measure.label_anatomy import LabelAnatomy, LabelMapLike
from petrg.measure.landmark_anatomy import LandmarkAnatomy
from petrg.measure.landmarks import Landmarks, find_landmarks
from petrg.measure.midline import Midline
from petrg.measure.reference import blood_pool_reference, liver_reference
from petrg.report.record import References

__all__ = ["FoundAnatomy", "find_anatomy"]

_TUBE = "tube between left lung and spine, CT"
_LESION_FREE = 1.5
"""Voxels above this many times the liver's median are no background liver."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundAnatomy:
    """Where things are, and the reference regions.

    Parameters
    ----------
    anatomy : Anatomy
    references : References
    liver, brain : (z, y, x) bool or None
        On the PET grid: the right half of the liver without foci, and the brain.
    """

    anatomy: Anatomy
    references: References
    liver: NDArray[np.bool_] | None
    brain: NDArray[np.bool_] | None


def find_anatomy(
    study: Study, suv: Volume, body: NDArray[np.bool_], midline: Midline, label_map: LabelMapLike | None
) -> FoundAnatomy:
    """Anatomy from the label map where there is one, else from landmarks; references by the same way.

    Raises
    ------
    MaskError
        If the label map covers nothing of the PET.
    """
    marks = find_landmarks(suv, study.ct, body, midline)
    if label_map is None:
        tube = None if study.ct is None else find_descending_aorta(study.ct, suv.grid, marks)
        coarse = None if marks.liver is None else sample_mask(marks.liver, marks.coarse_grid, suv.grid)
        found, how = LandmarkAnatomy(marks, study.ct), ("largest homogeneous part of the PET", _TUBE)
        return _with_references(found, suv, marks, coarse, tube, how)
    labels = LabelAnatomy(label_map, suv.grid, marks, study.ct)
    named = f"label map, {labels.name}"
    return _with_references(labels, suv, marks, labels.part("liver"), labels.descending_aorta(), (named, named))


def _with_references(
    anatomy: Anatomy,
    suv: Volume,
    marks: Landmarks,
    liver: NDArray[np.bool_] | None,
    aorta: NDArray[np.bool_] | None,
    methods: tuple[str, str],
) -> FoundAnatomy:
    even = None if liver is None else _even(suv, liver & _right_half(suv.grid, marks))
    references = References(
        liver=None if even is None else liver_reference(suv, even, methods[0]),
        blood_pool=None if aorta is None else blood_pool_reference(suv, aorta, methods[1]),
    )
    return FoundAnatomy(anatomy, references, None if references.liver is None else even, marks.brain)


def _right_half(grid: Grid, marks: Landmarks) -> NDArray[np.bool_]:
    """Voxels more than 20 mm to the patient's right of the midline."""
    nz, _, nx = grid.shape
    z, x = np.meshgrid(np.arange(nz), np.arange(nx), indexing="ij")
    mm = grid.to_mm(np.stack([z, np.full_like(z, grid.shape[1] // 2), x], -1))[..., 0]
    right: NDArray[np.bool_] = mm < marks.midline_x[:, None] - 20.0
    return right[:, None, :]


def _even(suv: Volume, liver: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The liver without what stands out of it: foci and their rim are no disease-free liver."""
    if not liver.any():
        return liver
    middle = float(np.median(suv.array[liver]))
    box = ndimage.find_objects(liver.astype(np.uint8))[0]
    smooth = ndimage.uniform_filter(suv.array[box], 3)
    out = np.zeros_like(liver)
    out[box] = liver[box] & ~ndimage.binary_dilation(smooth > _LESION_FREE * middle, iterations=2)
    return out
