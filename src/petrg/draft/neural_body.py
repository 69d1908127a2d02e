"""Where the body lies, and where the upper thigh: what the released recipe cuts a DICOM study by."""

from __future__ import annotations

import numpy as np

from petrg.imaging import Study
from petrg.measure.body import body_mask
from petrg.measure.landmarks import STANDARD_MM, Landmarks, find_landmarks
from petrg.measure.midline import find_midline
from petrg.model.prepare import SPACING_MM, Body

__all__ = ["find_body"]

_FLOOR_MM = 835.0
"""Height of the pelvic floor above the sole in the standard body of 1.70 m."""
_BELOW, _MOST_SLICES = 0.2, 50
"""The paper keeps 20 % of the trunk below its floor, at most 50 slices."""


def find_body(study: Study) -> Body:
    """The body without the couch on the PET grid, and the z of the upper thigh where landmarks tell it."""
    suv = study.suv()
    mask = body_mask(suv, study.ct)
    marks = find_landmarks(suv, study.ct, mask, find_midline(mask, suv))
    return Body(mask, suv.grid, _lowest_mm(marks))


def _lowest_mm(marks: Landmarks) -> float | None:
    if not marks.anchors:
        return None
    trunk = (STANDARD_MM["shoulders"] - _FLOOR_MM) / marks.scale
    below = min(_BELOW * trunk, _MOST_SLICES * SPACING_MM[0])
    z = np.arange(marks.field_mm[0], marks.field_mm[1], 1.0)
    heights = np.array([marks.height(float(at))[0] for at in z])
    above = z[heights >= _FLOOR_MM]
    if not len(above) or heights[0] > _FLOOR_MM:
        return None
    return float(above[0] - below)
