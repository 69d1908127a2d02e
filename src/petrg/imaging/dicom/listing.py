"""The list of what was found: each series with its role or the reason, and other files counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from petrg.imaging.dicom.choose import Choice
from petrg.imaging.dicom.header import Passed, Slice
from petrg.imaging.dicom.patient import list_studies
from petrg.imaging.dicom.scan import Found
from petrg.imaging.dicom.series import Part, parts_of
from petrg.imaging.study import FoundSeries, PassedOver

__all__ = ["list_series", "list_studies_found", "passed_over"]

_NOT_IMAGES = ("RT", "segmentation", "structured", "presentation", "registration", "DICOMDIR", "DICOM without")


def list_series(choice: Choice, role: str) -> list[FoundSeries]:
    """The parts taken in this role, then the others with the reason."""
    taken = [_row(p, role, choice.reason) for p in choice.taken]
    return taken + [_row(p, None, why) for p, why in choice.others]


def list_studies_found(slices: Sequence[Slice]) -> list[FoundSeries]:
    """Every series with the number of its study, for when no study could be settled on."""
    uids = list_studies(slices)
    return [_row(p, None, f"study {uids.index(p.first.study_uid) + 1} of {len(uids)}") for p in parts_of(slices)]


def _row(part: Part, role: str | None, reason: str) -> FoundSeries:
    return FoundSeries(
        uid=part.uid,
        modality=part.modality,
        description=part.first.description,
        number=part.number,
        images=len(part.slices),
        role=role,
        reason=reason,
    )


def passed_over(passed: Iterable[Passed], files: Found) -> tuple[list[FoundSeries], tuple[PassedOver, ...]]:
    """Series of images that are not read; and all other files, counted by reason."""
    series: Counter[Passed] = Counter()
    reasons: Counter[str] = Counter()
    for p in passed:
        if p.series_uid and not p.reason.startswith(_NOT_IMAGES):
            series[p] += 1
        else:
            reasons[p.reason] += 1
    for over in files.passed_over:
        reasons[over.reason] += over.files
    if files.nifti:
        reasons["NIfTI beside DICOM: the DICOM is read"] += len(files.nifti)
    found = [
        FoundSeries(
            uid=p.series_uid, modality=p.modality, description=p.description, number=p.number, images=n, reason=p.reason
        )
        for p, n in series.items()
    ]
    return found, tuple(PassedOver(n, why) for why, n in sorted(reasons.items()))
