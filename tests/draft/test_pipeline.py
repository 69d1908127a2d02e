"""A whole report: its sections, its facts, its provenance, and what it refuses."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

import petrg
from petrg.anatomy import Region, Side
from petrg.draft.pipeline import draft
from petrg.errors import ReportError, StudyError, StyleError, UnitError
from petrg.imaging import Quantity, Series, TimePoint, Volume
from petrg.language.style import load_style, style_names
from petrg.report import Report, StatementKind


def test_the_room_is_the_verb(hand) -> None:
    study = hand.study()
    report = petrg.draft(study, record=hand.record(study))
    assert report == draft(study, record=hand.record(study))
    assert report.style == "zh-prose"
    assert report.language == "zh"


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = "import sys, petrg.draft; print({'numpy', 'pydantic', 'torch'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize("name", style_names())
def test_a_report_survives_its_json_and_every_number_prints_its_value(hand, name: str) -> None:
    study = hand.study()
    lesions = [
        hand.lesion("L1", Region.NECK_NODES, 12.34, Side.LEFT),
        hand.lesion("L2", Region.NECK_NODES, 8.06, Side.LEFT),
        hand.lesion("L3", Region.LIVER, 6.0),
    ]
    report = draft(study, style=name, record=hand.record(study, lesions, references=hand.references()))
    assert Report.from_json(report.to_json()) == report
    assert [f.region for f in report.findings] == list(Region)
    for statement in report.statements():
        for number in statement.numbers:
            assert statement.text[number.span.start : number.span.end] == f"{number.value:.{number.decimals}f}"
    shown = {(n.source, n.quantity.value): n.value for s in report.statements() for n in s.numbers}
    assert shown["L1", "suv_max"] == 12.34
    assert shown["L1+L2", "lesions"] == 2
    assert shown["L1", "long_axis_cm"] == pytest.approx(2.1)
    assert shown["liver", "suv_mean"] == 2.14
    assert shown["blood_pool", "suv_mean"] == 1.52
    assert shown["acquisition", "dose_mbq"] == 310.0
    assert {i for s in report.impression for i in s.lesion_ids} == {"L1", "L2", "L3"}


def test_an_english_report_reads_as_expected(hand) -> None:
    study = hand.study(context={"glucose_mmol_l": 5.62, "sources": {"tracer": "user", "glucose_mmol_l": "user"}})
    lesion = hand.lesion("L1", Region.NECK_NODES, 12.34, Side.LEFT)
    report = draft(study, language="en", record=hand.record(study, [lesion]))
    assert [s.text for s in report.indication] == ["Not given."]
    assert [s.text for s in report.comparison] == ["No prior given."]
    assert [s.text for s in report.technique] == [
        "Tracer: FDG (entered by the user).",
        "Injected activity 310 MBq, scan start 62 min after injection, body weight 70.4 kg, "
        "blood glucose 5.6 mmol/L (entered by the user).",
        "Scanner: SIEMENS Biograph.",
        "SUV by body weight (bqml-start).",
        "Volumes and diameters delineated at SUV>=4.0; SUV read on the native PET voxels.",
        "Focal uptake means above SUV 3.1 and one and a half times its surroundings, from 12 mm in diameter; "
        "fainter or smaller foci were not sought.",
        "CT of the same session acquired.",
    ]
    assert report[Region.NECK_NODES].text == (
        "FDG-avid focus in the left neck, SUVmax 12.3, 2.1 x 1.3 cm as delineated on PET, MTV 3.1 ml, "
        "mean attenuation 41 HU (PET slice 9). CT morphology not assessed."
    )
    assert [s.text for s in report.impression] == [
        "FDG-avid focus in the left neck, SUVmax 12.3.",
        "Outside physiologic uptake, no further focal uptake above SUV 3.1 from 12 mm in diameter in the scanned body.",
    ]


def test_values_the_user_gave_are_marked_in_the_table_and_in_the_text(hand) -> None:
    base = hand.study()
    series = Series(
        uid="1.2.3", modality="PT", dose_bq=2e8, weight_kg=80.0, uptake_s=3600.0, user_entered=("dose_mbq", "weight_kg")
    )
    study = hand.study(pet_series=series)
    report = draft(study, language="en", record=hand.record(base))
    rows = {fact.key: fact for fact in report.acquisition}
    assert rows["dose_mbq"].source == rows["weight_kg"].source == "user"
    assert rows["uptake_min"].source == "computed"
    assert rows["dose_mbq"].value == 200.0
    assert rows["dose_mbq"].unit == "MBq"
    assert rows["suv_branch"].value is None
    assert "200 MBq (entered by the user)" in report.technique[1].text


def test_what_is_not_known_of_the_acquisition_is_not_said(hand) -> None:
    base = hand.study()
    study = hand.study(pet_series=None, ct_series=None)
    report = draft(study, language="en", record=hand.record(base))
    told = " ".join(s.text for s in report.technique)
    assert "MBq" not in told
    assert "Scanner" not in told
    assert report.acquisition == ()


def test_context_stands_as_given(hand) -> None:
    therapy = {"name": "R-CHOP", "start": dt.date(2025, 1, 2)}
    context = {
        "indication": "staging {L1.suv_max} of\n DLBCL.",
        "disease": "DLBCL",
        "time_point": TimePoint.BASELINE,
        "therapy": (therapy,),
        "g_csf": False,
        "sources": {"indication": "user", "tracer": "header"},
    }
    study = hand.study(context=context)
    report = draft(study, language="zh", record=hand.record(study))
    assert [s.text for s in report.indication] == [
        "staging (L1.suv_max) of DLBCL。",
        "临床诊断：DLBCL。",
        "检查时机：治疗前基线。",
    ]
    rows = {fact.key: (fact.value, fact.source) for fact in report.context}
    assert rows["indication"][1] == "user"
    assert rows["tracer"] == ("FDG", "header")
    assert rows["g_csf"][0] == "no"
    assert rows["therapy"][0] == "R-CHOP (2025-01-02 – ?)"


def test_identity_stands_as_in_the_header_and_only_in_its_block(hand) -> None:
    study = hand.study()
    report = draft(study, record=hand.record(study))
    assert report.patient.name == "Doe^Jane"
    assert report.patient.patient_id == "HID-4711"
    rest = report.model_copy(update={"patient": type(report.patient)()}).to_json()
    for value in ("Doe", "4711", "19640203", "ACC-99", "20250301"):
        assert value not in rest


def test_provenance_names_what_the_report_rests_on(hand) -> None:
    study = hand.study()
    report = draft(study, style="en-structured", record=hand.record(study))
    assert report.provenance == {
        "petrg": petrg.__version__,
        "writer": "measured-1",
        "style": "en-structured",
        "style_sha256": load_style("en-structured").sha256,
        "anatomy": "by hand",
        "pet_sha256": "ab" * 32,
        "ct_sha256": "ab" * 32,
        "pet_series_uid": "1.2.840.99.1.77",
        "ct_series_uid": "1.2.840.99.1.78",
    }


def test_problems_of_study_and_record_stand_on_the_report(hand) -> None:
    from petrg.errors import Problem
    from petrg.report import Note

    study = hand.study(problems=(Problem("late", "uptake outside 45 to 120 min"),))
    report = draft(study, record=hand.record(study, problems=(Note(code="situs", text="orientation or situs"),)))
    assert [n.code for n in report.problems] == ["late", "situs"]


def test_without_foci_the_impression_says_no_more_than_was_sought(hand) -> None:
    study = hand.study()
    (only,) = draft(study, record=hand.record(study), language="en").impression
    assert only.text == (
        "Outside physiologic uptake, no further focal uptake above SUV 3.1 from 12 mm in diameter in the scanned body."
    )
    assert [n.source for n in only.numbers] == ["search.all", "search.all"]
    assert draft(study, record=hand.record(study, assessed=())).impression == ()
    other = hand.study(context={"tracer": "PSMA-11"})
    assert draft(other, record=hand.record(other)).impression == ()


def test_a_study_without_ct_needs_pet_only(hand) -> None:
    study = hand.study(ct=None, ct_series=None)
    with pytest.raises(StudyError) as caught:
        draft(study, record=hand.record(study))
    assert str(caught.value) == (
        "no CT in the study — expected a CT beside the PET — point to the folder that holds it, or give --pet-only"
    )
    report = draft(study, record=hand.record(study), pet_only=True, language="en")
    assert "CT not assessed." in [s.text for s in report.technique]


def test_what_is_refused(hand) -> None:
    study = hand.study()
    record = hand.record(study)
    with pytest.raises(StudyError, match="no PET in the study"):
        draft(hand.study(pet=None), record=record)
    activity = Volume(study.pet.array, study.pet.grid, Quantity.ACTIVITY)
    with pytest.raises(UnitError, match="Bq/ml"):
        draft(hand.study(pet=activity), record=record)
    with pytest.raises(ReportError, match="a record of another study"):
        draft(study, record=record.model_copy(update={"study_id": "study-ffff"}))
    with pytest.raises(StyleError, match="language 'de' — expected zh or en"):
        draft(study, record=record, language="de")
    with pytest.raises(StyleError, match="no style 'ward'"):
        draft(study, record=record, style="ward")


def test_a_named_style_brings_its_language(hand) -> None:
    study = hand.study()
    assert draft(study, record=hand.record(study), style="en-prose").language == "en"
    assert draft(study, record=hand.record(study), style=load_style("zh-structured")).style == "zh-structured"


def test_an_indeterminate_focus_is_left_to_the_reader(hand) -> None:
    study = hand.study()
    lesion = hand.lesion("L1", Region.GI_TRACT, 7.0, status="indeterminate")
    report = draft(study, language="en", record=hand.record(study, [lesion]))
    first = report[Region.GI_TRACT].statements[0]
    assert first.kind is StatementKind.INDETERMINATE
    assert first.text.endswith("; indeterminate, reader to decide.")
    assert report.impression[0].kind is StatementKind.INDETERMINATE
