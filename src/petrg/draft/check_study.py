"""Whether a report is of this study: voxels, grids, identifiers, patient, facts of the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from petrg.draft.facts import acquisition_facts, context_facts, slot_values
from petrg.draft.mismatch import Mismatch, differs, shown
from petrg.imaging import Series, Study, Volume
from petrg.report import InputFact, Modality, Report

__all__ = ["check_facts", "check_study", "facts_for"]

_GRID_MM = 1e-3


def check_study(report: Report, study: Study) -> Iterator[Mismatch]:
    """Reasons to say that ``report`` is of another study; a de-identified one is known by its voxels alone."""
    if not report.deidentified and report.study_id != study.id:
        yield Mismatch("study", "study_id", "one id", "another")
    if report.record.study_id != report.study_id:
        yield Mismatch("study", "record.study_id", "one id", "another in the report itself")
    inputs = {fact.modality: fact for fact in report.record.inputs}
    if Modality.PET not in inputs:
        yield Mismatch("study", "PET", "none", "one")
    for modality, volume, series in (
        (Modality.PET, study.pet, study.pet_series),
        (Modality.CT, study.ct, study.ct_series),
    ):
        if modality in inputs:
            yield from _input(inputs[modality], volume, series, identified=not report.deidentified)
            yield from _provenance(inputs[modality], report.provenance)
    if not report.deidentified:
        yield from _patient(report, study)


def check_facts(report: Report, study: Study) -> Iterator[Mismatch]:
    """Rows of the acquisition table and of the context that the header does not bear out; the user's are his own."""
    told = {fact.key: fact.value for fact in report.context}
    for key in () if report.deidentified else ("sex", "age_years"):
        if getattr(report.patient, key) != told.get(key):
            yield Mismatch("text", f"patient.{key}", "one value", "another in the report's own context")
    again = {fact.key: fact for fact in (*acquisition_facts(study), *context_facts(study.context))}
    for part in ("acquisition", "context"):
        for fact in getattr(report, part):
            at, now = f"{part}.{fact.key}", again.get(fact.key)
            if fact.source in ("user", "given") or fact.value == "90+":
                continue
            if isinstance(fact.value, float):
                value = now.value if now is not None and isinstance(now.value, float) else None
                if differs(fact.value, value, relative=1e-6):
                    yield Mismatch("number", at, shown(fact.value), shown(value))
                elif now is not None and now.unit != fact.unit:
                    yield Mismatch("unit", at, fact.unit or "no unit", now.unit or "no unit")
            elif not report.deidentified and (now is None or now.value != fact.value):
                yield Mismatch("text", at, "one value", "another")


def facts_for(report: Report, study: Study) -> Mapping[str, float]:
    """Values of the slot source ``acquisition`` from the study; what the user gave at drafting is taken as given."""
    rows = (*report.acquisition, *report.context)
    given = {f.key: f.value for f in rows if f.source in ("user", "given") and isinstance(f.value, float)}
    return {**given, **slot_values(study)}


def _input(fact: InputFact, volume: Volume | None, series: Series | None, *, identified: bool) -> Iterator[Mismatch]:
    name = fact.modality.name
    if volume is None:
        yield Mismatch("study", name, f"a {name}", "none")
        return
    if fact.shape != volume.grid.shape:
        sizes = ("x".join(map(str, shape)) for shape in (fact.shape, volume.grid.shape))
        yield Mismatch("study", name, *sizes)
    elif fact.sha256 != volume.sha256():
        yield Mismatch("study", name, "its voxels", "other voxels")
    if np.abs(np.array(fact.affine) - volume.grid.affine).max() > _GRID_MM:
        yield Mismatch("study", name, "its grid", "another grid")
    uid = None if series is None else series.uid
    if identified and fact.series_uid is not None and fact.series_uid != uid:
        yield Mismatch("study", name, "one series UID", "another")


def _provenance(fact: InputFact, provenance: Mapping[str, str]) -> Iterator[Mismatch]:
    name = fact.modality.name
    for key, value in (("sha256", fact.sha256), ("series_uid", fact.series_uid)):
        if provenance.get(f"{name.lower()}_{key}", value) != value:
            yield Mismatch("study", name, f"one {key} in its provenance", "another in its record")


def _patient(report: Report, study: Study) -> Iterator[Mismatch]:
    who = study.identity
    for key in ("name", "patient_id", "birth_date", "accession_number", "study_date"):
        if getattr(report.patient, key) != getattr(who, key):
            yield Mismatch("patient", f"patient.{key}", "one value", "another")
