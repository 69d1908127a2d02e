"""A de-identified report holds nothing that names the patient, and still is a report."""

from __future__ import annotations

import json
import re

import pytest

from petrg.anatomy import Region, Side
from petrg.draft.deidentify import remap_uid
from petrg.draft.pipeline import draft
from petrg.errors import Problem
from petrg.imaging import Identity, Series
from petrg.report import PatientBlock, Report


@pytest.fixture
def named(hand):
    """A study whose identity is written wherever a careless hospital writes it, and its record."""
    context = {
        "indication": "Doe, Jane (HID-4711), seen 20250301",
        "disease": "lymphoma of Jane Doe",
        "therapy": ({"name": "given at HID-4711"},),
        "age_years": 93.0,
        "sources": {},
    }
    series = Series(
        uid="2.25.4242424242",
        study_uid="1.2.840.99.1",
        modality="PT",
        model="Doe scanner 1.2.840.99.1.77.3",
        description="Doe thorax",
        dose_bq=3e8,
        weight_kg=70.0,
    )
    problems = (Problem("odd", "series 1.2.840.99.1.77 of HID-4711 was passed over"),)
    study = hand.study(context=context, pet_series=series, problems=problems)
    lesions = [
        hand.lesion("L1", Region.NECK_NODES, 12.3, Side.LEFT, mask="GTV Jane Doe"),
        hand.lesion("L2", Region.LIVER, 8.1),
    ]
    return study, hand.record(study, lesions, anatomy="labels of Doe")


def test_no_identity_and_no_original_uid_is_left_anywhere(named) -> None:
    study, record = named
    plain = draft(study, record=record).to_json()
    bare = draft(study, record=record, deidentify=True, salt="fixed").to_json()  # random digits may hold 1964
    secrets = [
        "Doe", "Jane", "HID-4711", "4711", "19640203", "1964", "ACC-99", "20250301", "study-0123456789ab", "thorax",
        "1.2.840.99", "2.25.4242424242", "GTV",
    ]  # fmt: skip
    for secret in secrets:
        assert secret not in bare, secret
    assert sum(secret in plain for secret in secrets) >= 10, "the test would prove nothing if they were never there"
    assert not re.search(r"1\.2\.840", bare)


def test_it_is_still_a_whole_report_with_the_same_numbers(named) -> None:
    study, record = named
    plain, bare = draft(study, record=record), draft(study, record=record, deidentify=True, salt="s")
    assert Report.from_json(bare.to_json()) == bare
    assert bare.deidentified
    assert bare.patient == PatientBlock()
    assert [f.text for f in bare.findings] == [f.text for f in plain.findings]
    assert [x.suv_max for x in bare.record.lesions] == [12.3, 8.1]
    assert [i.sha256 for i in bare.record.inputs] == [i.sha256 for i in plain.record.inputs]
    assert {fact.key: fact.value for fact in bare.context}["age_years"] == "90+"
    assert [s.text for s in bare.indication] == ["已去标识，不予显示。"]


def test_uids_are_remapped_alike_everywhere_and_by_salt(named) -> None:
    study, record = named
    one, again, other = (draft(study, record=record, deidentify=True, salt=salt) for salt in ("a", "a", "b"))
    assert one == again
    uid = one.record.lesions[0].hottest.sop_uid
    assert uid == remap_uid("1.2.840.99.1.77.4", "a")
    assert uid != other.record.lesions[0].hottest.sop_uid
    assert one.record.study_id == one.study_id != other.study_id
    assert one.provenance["pet_series_uid"] == one.record.inputs[0].series_uid == remap_uid("2.25.4242424242", "a")
    first, second = (draft(study, record=record, deidentify=True) for _ in range(2))
    assert first.study_id != second.study_id, "without a salt it is random"


def test_a_remapped_uid_is_a_valid_uid() -> None:
    for uid in ("1.2.3", "2.25.1", "x"):
        mapped = remap_uid(uid, "salt")
        assert re.fullmatch(r"2\.25\.(0|[1-9]\d{0,38})", mapped)
        assert len(mapped) <= 64


@pytest.mark.parametrize(("age", "shown"), [(89.0, 89.0), (89.5, "90+"), (90.0, "90+"), (None, None)])
def test_ages_over_89_become_one(hand, age, shown) -> None:
    study = hand.study(context={"age_years": age})
    report = draft(study, record=hand.record(study), deidentify=True)
    assert {fact.key: fact.value for fact in report.context}.get("age_years") == shown


def test_a_short_id_does_not_eat_the_numbers(hand) -> None:
    study = hand.study(identity=Identity(name="Li^Na", patient_id="12", accession_number="310"))
    report = draft(study, language="en", record=hand.record(study), deidentify=True)
    assert "310 MBq" in " ".join(s.text for s in report.technique)
    assert json.loads(report.to_json())["patient"]["patient_id"] is None


def test_a_chinese_name_is_found_in_running_text(hand) -> None:
    study = hand.study(
        identity=Identity(name="Zhang^San=张^三丰=", patient_id="A-100"),
        problems=(Problem("odd", "患者张三丰的系列已略过"),),
    )
    assert "三丰" not in draft(study, record=hand.record(study), deidentify=True).to_json()
