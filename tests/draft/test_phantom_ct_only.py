"""Patients whose only abnormality is one that CT shows and nothing searches for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from petrg import phantom
from petrg.draft.check import check
from petrg.draft.pipeline import draft
from petrg.imaging import Context, Sex, Study
from petrg.imaging.masks import LabelMap
from petrg.language.style import load_style, style_names
from petrg.measure.measure import measure
from petrg.report import AssessmentState, Modality, StatementKind


@pytest.fixture(scope="module")
def patient() -> SimpleNamespace:
    made = phantom.make(11, sex="F", lesions=0, ct_only=4, size="small")
    assert len(made.truth.ct_only) == 4
    study = Study(id=made.id, ct=made.ct, pet=made.pet, context=Context(tracer="FDG", sex=Sex.F))
    labels = LabelMap(made.label_map, made.label_names)
    return SimpleNamespace(study=study, truth=made.truth, labels=labels, record=measure(study, label_map=labels))


def test_nothing_searched_for_what_was_planted(patient) -> None:
    for planted in patient.truth.ct_only:
        row = patient.record.assessment(planted.region, planted.kind)
        assert row is None or row.state is not AssessmentState.SEARCHED


@pytest.mark.parametrize("name", style_names())
def test_no_healthy_ct_sentence_is_written(patient, name: str) -> None:
    report = draft(patient.study, style=name, record=patient.record)
    normal = [s for s in report.statements() if s.kind is StatementKind.NORMAL]
    assert {s.modality for s in normal} <= {Modality.PET}
    assert normal, "with organs from outside some regions are located, and their PET is called clean"
    told = " ".join(s.text for f in report.findings for s in f.statements).lower()
    for claim in load_style(name).claims:
        assert claim.modality is Modality.PET or claim.text.lower() not in told
    for planted in patient.truth.ct_only:
        said = [s for s in report[planted.region].statements if s.modality in (Modality.CT, None)]
        assert {s.kind for s in said} <= {StatementKind.NOT_ASSESSED, StatementKind.OUT_OF_FIELD}
        assert said


def test_the_report_of_the_phantom_agrees_with_its_image(patient) -> None:
    assert check(draft(patient.study, record=patient.record), patient.study, label_map=patient.labels) == ()
