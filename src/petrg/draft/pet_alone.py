"""The PET of a study alone: its CT set aside, so that nothing of it reaches the report."""

from __future__ import annotations

from dataclasses import replace

from petrg.imaging import Study
from petrg.report import AssessmentState, Modality, Record

__all__ = ["record_without_ct", "without_ct"]


def without_ct(study: Study) -> Study:
    """``study`` with its PET alone; the same study where it holds no CT."""
    return study if study.ct is None else replace(study, ct=None, ct_series=None)


def record_without_ct(record: Record) -> Record:
    """``record`` without what was read on the CT: the input, HU at lesions, searches for kinds that CT shows.

    Where things lie stays as it was measured, with the CT's help: measuring anew without it is the purer way.
    """
    assessed = (
        row.model_copy(update={"state": AssessmentState.NOT_SEARCHED, "reason": "the CT was set aside"})
        if row.kind.modality is Modality.CT and row.state is AssessmentState.SEARCHED
        else row
        for row in record.assessed
    )
    return record.model_copy(
        update={
            "inputs": tuple(fact for fact in record.inputs if fact.modality is not Modality.CT),
            "lesions": tuple(lesion.model_copy(update={"ct": None}) for lesion in record.lesions),
            "assessed": tuple(assessed),
        }
    )
