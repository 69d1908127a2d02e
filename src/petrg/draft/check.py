"""Report and study: whether every number and side of a report is what the image shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from petrg.draft.check_record import check_record
from petrg.draft.check_study import check_facts, check_study, facts_for
from petrg.draft.check_text import check_text
from petrg.draft.mismatch import Mismatch
from petrg.draft.pet_alone import without_ct
from petrg.imaging import Study
from petrg.measure.label_anatomy import LabelMapLike
from petrg.measure.masks import GivenMask
from petrg.report import Modality, Report

__all__ = ["Mismatch", "check"]


def check(
    report: Report,
    study: Study,
    *,
    masks: Sequence[GivenMask] | None = None,
    label_map: LabelMapLike | None = None,
) -> tuple[Mismatch, ...]:
    """Read every number and side of ``report`` again from ``study``.

    In this order: that the report is of this study (voxel hashes, grids, and unless it is de-identified also
    UIDs and the patient block); the facts of the header; the record against the voxels; the sentences against
    the record. If the report is of another study nothing else is compared. The CT is set aside where the
    report was drafted from the PET alone.

    Parameters
    ----------
    report : Report
    study : Study
    masks, label_map : optional
        What the report was drafted with, if anything.

    Returns
    -------
    tuple of Mismatch
        Empty where everything agrees.

    Raises
    ------
    StudyError, UnitError
        If there is no PET in SUV to read.
    MaskError
        If lesions came from masks that are not given.
    """
    study.suv()
    if all(fact.modality is not Modality.CT for fact in report.record.inputs):
        study = without_ct(study)
    if other := tuple(check_study(report, study)):
        return other
    study = _with_tracer(study, report)
    found = (
        *check_facts(report, study),
        *check_record(report.record, study, masks, label_map, identified=not report.deidentified),
        *check_text(report, facts_for(report, study)),
    )
    return tuple(dict.fromkeys(found))


def _with_tracer(study: Study, report: Report) -> Study:
    """The study with the tracer the user named at drafting, where the header names none."""
    if study.context.tracer is not None or report.record.tracer is None:
        return study
    context = study.context.model_copy(update={"tracer": report.record.tracer})
    return replace(study, context=context)
