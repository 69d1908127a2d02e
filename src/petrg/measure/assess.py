"""What was searched for, where, and down to what: the ground every healthy sentence stands on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from petrg.anatomy import Region
from petrg.measure.anatomy import Anatomy, Located
from petrg.measure.detect import Detection
from petrg.measure.status import CERTAIN
from petrg.report.classes import FindingKind, Modality
from petrg.report.record import Assessment, AssessmentState, Lesion, LesionStatus

__all__ = ["assess"]

OUT_OF_FIELD = 0.1
"""A region of which the scan covers less than this part is out of the field."""
WHOLE = 0.95
_HIDES_ML = 100.0
"""Physiologic uptake of this size hides any focus in its region; that of the brain always does."""


def assess(anatomy: Anatomy, detection: Detection, lesions: Sequence[Lesion], *, ct: bool) -> tuple[Assessment, ...]:
    """One row for each region and kind of finding.

    Only focal uptake is searched in this version. The CT is read at foci of the PET and nowhere else, so no
    kind of finding that CT shows is searched anywhere.
    """
    rows = []
    for region in Region:
        located = anatomy.located(region)
        for kind in FindingKind:
            rows.append(_row(region, kind, located, detection, lesions, ct))
    return tuple(rows)


def _row(
    region: Region, kind: FindingKind, located: Located, detection: Detection, lesions: Sequence[Lesion], ct: bool
) -> Assessment:
    p = round(located.probability, 3)
    covered = located.in_field if kind.modality is Modality.PET else located.in_ct_field
    if kind.modality is Modality.CT and not ct:
        return Assessment(region=region, kind=kind, state=AssessmentState.NOT_SEARCHED, located=p, reason="no CT")
    seen = kind.modality is Modality.PET and any(_certain(lesion, region) for lesion in lesions)
    if covered < OUT_OF_FIELD and not seen:
        reason = f"{covered:.0%} of the region is in the field ({located.why})"
        return Assessment(region=region, kind=kind, state=AssessmentState.OUT_OF_FIELD, located=p, reason=reason)
    if kind is FindingKind.FOCAL_UPTAKE:
        return _focal(region, located, detection, lesions)
    reason = "the CT is read at foci of the PET only" if kind.modality is Modality.CT else "not measured"
    return Assessment(region=region, kind=kind, state=AssessmentState.NOT_SEARCHED, located=p, reason=reason)


def _certain(lesion: Lesion, region: Region) -> bool:
    """Whether a focus shows that part of the region is in the field, whatever landmarks say."""
    return lesion.region.id is region and lesion.region.probability >= CERTAIN


def _focal(region: Region, located: Located, detection: Detection, lesions: Sequence[Lesion]) -> Assessment:
    p = round(located.probability, 3)
    hidden = [
        lesion
        for lesion in lesions
        if lesion.status is LesionStatus.PHYSIOLOGIC
        and lesion.region.id is region
        and ((lesion.volume_ml or 0.0) >= _HIDES_ML or region is Region.BRAIN)
    ]
    if hidden:
        return Assessment(
            region=region,
            kind=FindingKind.FOCAL_UPTAKE,
            state=AssessmentState.NOT_SEARCHED,
            located=p,
            reason=f"physiologic uptake ({', '.join(h.id for h in hidden)}) hides foci",
        )
    radius = math.ceil(detection.radius_mm - 1e-6)
    part = "" if located.in_field >= WHOLE else f"{located.in_field:.0%} of the region is in the field; "
    return Assessment(
        region=region,
        kind=FindingKind.FOCAL_UPTAKE,
        state=AssessmentState.SEARCHED,
        method=detection.rule,
        detection_limit=f"SUV {detection.limit_suv:.1f}, radius {radius} mm",
        limit_suv=detection.limit_suv,
        limit_mm=2.0 * radius,
        located=p,
        reason=part + located.why,
    )
