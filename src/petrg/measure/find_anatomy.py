"""Which anatomy stands behind a measurement, and the reference regions it leads to."""

from __future__ import annotations

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
from petrg.measure.reference import blood_pool_reference, liver_reference
from petrg.report.record import Reference, References

__all__ = ["find_anatomy"]

_LESION_FREE = 1.5
"""Voxels above this many times the liver's median are no background liver."""


def find_anatomy(
    study: Study, suv: Volume, body: NDArray[np.bool_], label_map: LabelMapLike | None
) -> tuple[Anatomy, References]:
    """Anatomy from the label map where there is one, else from landmarks; references by the same way.

    Raises
    ------
    MaskError
        If the label map covers nothing of the PET.
    """
    marks = find_landmarks(suv, study.ct, body)
    if label_map is None:
        tube = None if study.ct is None else find_descending_aorta(study.ct, suv.grid, marks)
        return LandmarkAnatomy(marks, study.ct), References(
            liver=_coarse_liver(suv, marks),
            blood_pool=None
            if tube is None
            else blood_pool_reference(suv, tube, "tube between left lung and spine, CT"),
        )
    anatomy = LabelAnatomy(label_map, suv.grid, marks, study.ct)
    right = _right_half(suv.grid, marks)
    liver, aorta = anatomy.part("liver"), anatomy.descending_aorta()
    return anatomy, References(
        liver=None if liver is None else liver_reference(suv, _even(suv, liver & right), f"label map, {anatomy.name}"),
        blood_pool=None if aorta is None else blood_pool_reference(suv, aorta, f"label map, {anatomy.name}"),
    )


def _coarse_liver(suv: Volume, marks: Landmarks) -> Reference | None:
    if marks.liver is None:
        return None
    liver = sample_mask(marks.liver, marks.coarse_grid, suv.grid)
    return liver_reference(suv, _even(suv, liver & _right_half(suv.grid, marks)), "largest homogeneous part of the PET")


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
