"""The main hazard of a draft is a healthy sentence on something that nobody looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region, Side
from petrg.draft.pipeline import draft
from petrg.language.style import load_style, style_names
from petrg.report import AssessmentState, FindingKind, LesionStatus, Modality, RegionGuess, StatementKind

SEARCHED, NOT_SEARCHED, OUT = AssessmentState.SEARCHED, AssessmentState.NOT_SEARCHED, AssessmentState.OUT_OF_FIELD
ALL = style_names()
CT_KINDS = [kind for kind in FindingKind if kind.modality is Modality.CT]


def normal(section, modality):
    return [s for s in section.statements if s.kind is StatementKind.NORMAL and s.modality is modality]


def healthy_ct_texts(style):
    return [claim.text for claim in style.claims if claim.modality is Modality.CT]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("sex", ["F", "M", None])
def test_a_ct_lesion_that_nothing_searches_for_meets_no_healthy_ct_sentence(hand, name: str, sex) -> None:
    """The record is that of a patient with an effusion: PET clean, CT kinds not searched anywhere."""
    study = hand.study(context={"sex": sex})
    report = draft(study, style=name, record=hand.record(study))
    text = " ".join(s.text for s in report.statements())
    assert not [s for s in report.statements() if s.kind is StatementKind.NORMAL and s.modality is Modality.CT]
    for claim in healthy_ct_texts(load_style(name)):
        assert claim.lower() not in text.lower()
    for section in report.findings:
        states = [s for s in section.statements if s.modality is Modality.CT]
        assert [s.kind for s in states] == [StatementKind.NOT_ASSESSED]


@pytest.mark.parametrize("name", ALL)
def test_a_clean_pet_region_says_above_what_and_that_the_ct_was_not_assessed(hand, name: str) -> None:
    study = hand.study()
    report = draft(study, style=name, record=hand.record(study))
    for section in report.findings:
        pet = normal(section, Modality.PET)
        assert pet, section.region
        assert all("SUV" in s.text and "3.1" in s.text for s in pet)
        assert {n.source for s in pet for n in s.numbers} == {f"search.{section.region.value}"}


@given(data=st.data())
def test_no_claim_is_written_unless_all_its_kinds_were_searched_and_the_region_located(hand, data) -> None:
    name = data.draw(st.sampled_from(ALL))
    states = data.draw(st.lists(st.sampled_from([SEARCHED, SEARCHED, NOT_SEARCHED, OUT]), min_size=288, max_size=288))
    keys = [(r, k) for r in Region for k in FindingKind]
    table = dict(zip(keys, states, strict=True))
    located = data.draw(st.sampled_from([None, 0.0, 0.79, 0.8, 1.0]))
    sex = data.draw(st.sampled_from(["F", "M", None]))
    study = hand.study(context={"sex": sex})
    assessed = hand.assessed(located=located, state=lambda r, k: table[r, k])
    assessed = tuple(a for a in assessed if data.draw(st.integers(0, 19)) or a.kind is FindingKind.EFFUSION)
    kept = {(a.region, a.kind) for a in assessed}
    style = load_style(name)
    report = draft(study, style=style, record=hand.record(study, assessed=assessed))
    for section in report.findings:
        told = " ".join(s.text for s in section.statements).lower()
        for claim in style.claims_of(section.region, sex):
            above = style.phrases.above.format(limit="3.1", size="12")
            said = claim.bounded(above).lower() in told
            searched = all(
                (section.region, kind) in kept and table[section.region, kind] is SEARCHED for kind in claim.kinds
            )
            may = searched and located is not None and located >= 0.8
            if claim.modality is Modality.PET:
                focal = (section.region, FindingKind.FOCAL_UPTAKE)
                may = may and focal in kept and table[focal] is SEARCHED
            assert said == may, (claim.text, told)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("status", [LesionStatus.LESION, LesionStatus.INDETERMINATE])
def test_a_region_with_a_focus_is_called_normal_in_neither_modality(hand, name: str, status) -> None:
    study = hand.study()
    lesion = hand.lesion("L1", Region.SPLEEN, 6.0, status=status)
    everything = hand.assessed(state=lambda r, k: SEARCHED)
    report = draft(study, style=name, record=hand.record(study, [lesion], everything))
    assert not [s for s in report[Region.SPLEEN].statements if s.kind is StatementKind.NORMAL]
    assert normal(report[Region.PANCREAS], Modality.CT)
    assert normal(report[Region.PANCREAS], Modality.PET)


@pytest.mark.parametrize("status", list(LesionStatus))
@pytest.mark.parametrize("p", [0.6, 0.78])
def test_a_region_that_may_hold_a_focus_listed_elsewhere_is_not_called_normal(hand, status, p: float) -> None:
    study = hand.study()
    lesion = hand.lesion("L1", Region.SPINE, 6.0, p=p, rival=Region.RETROPERITONEUM, status=status)
    record = hand.record(study, [lesion], hand.assessed(state=lambda r, k: SEARCHED))
    report = draft(study, language="en", record=record)
    rival = report[Region.RETROPERITONEUM]
    assert not [s for s in rival.statements if s.kind is StatementKind.NORMAL]
    assert "listed under spine" in rival.text or "described under spine" in rival.text


def test_a_located_lesion_still_holds_open_the_region_it_has_a_fair_chance_to_lie_in(hand) -> None:
    study = hand.study()
    for p, open_ in ((0.9, True), (0.96, False)):
        lesion = hand.lesion("L1", Region.SPINE, 6.0, p=p, rival=Region.RETROPERITONEUM)
        report = draft(study, language="en", record=hand.record(study, [lesion]))
        assert bool(normal(report[Region.RETROPERITONEUM], Modality.PET)) != open_


@pytest.mark.parametrize("tracer", [None, "PSMA-11"])
@pytest.mark.parametrize("name", ALL)
def test_of_another_tracer_numbers_only(hand, name: str, tracer: str | None) -> None:
    study = hand.study(context={"tracer": tracer})
    lesions = [
        hand.lesion("L1", Region.NECK_NODES, 9.3, Side.LEFT, status=LesionStatus.INDETERMINATE),
        hand.lesion("L2", Region.PELVIC_ORGANS, 31.0, status=LesionStatus.PHYSIOLOGIC),
    ]
    record = hand.record(study, lesions, hand.assessed(state=lambda r, k: SEARCHED))
    report = draft(study, style=name, record=record)
    kinds = {s.kind for s in report.statements() if s.modality is Modality.PET}
    assert kinds == {StatementKind.MEASUREMENT, StatementKind.NOT_ASSESSED}
    told = " ".join(s.text for section in report.findings for s in section.statements)
    assert "9.3" in told
    assert "31.0" in told
    for word in ("FDG", "生理性", "hysiologic", "代谢增高", "avid"):
        assert word not in told
    assert normal(report[Region.SPLEEN], Modality.CT), "what CT was searched for does not hang on the tracer"
    assert not normal(report[Region.NECK_NODES], Modality.CT)


def test_beside_physiologic_uptake_nothing_is_called_clean(hand) -> None:
    """Myocardium, cortex of the kidney or bowel may hold a lesion that no threshold tells from them."""
    study = hand.study()
    lesion = hand.lesion("L1", Region.PELVIC_ORGANS, 22.0, status=LesionStatus.PHYSIOLOGIC)
    report = draft(study, language="en", record=hand.record(study, [lesion]))
    first, second, ct = report[Region.PELVIC_ORGANS].statements
    assert first.text == "Physiologic uptake in the pelvic organs, SUVmax 22.0."
    assert second.text == "Foci may be hidden by this physiologic uptake; PET otherwise not assessed."
    assert second.kind is StatementKind.NOT_ASSESSED
    assert ct.text == "CT morphology not assessed."


def test_physiologic_uptake_that_hides_a_region_leaves_nothing_called_clean(hand) -> None:
    study = hand.study()
    lesion = hand.lesion("L1", Region.BRAIN, 14.0, status=LesionStatus.PHYSIOLOGIC)
    assessed = hand.assessed(state=lambda r, k: NOT_SEARCHED)
    report = draft(study, language="en", record=hand.record(study, [lesion], assessed))
    kinds = [s.kind for s in report[Region.BRAIN].statements]
    assert kinds == [StatementKind.PHYSIOLOGIC, StatementKind.NOT_ASSESSED, StatementKind.NOT_ASSESSED]
    assert "may be hidden" in report[Region.BRAIN].text


def test_out_of_the_field_is_said_once_where_both_are_out_and_by_modality_else(hand) -> None:
    study = hand.study()
    both = hand.assessed(state=lambda r, k: OUT)
    report = draft(study, language="en", record=hand.record(study, assessed=both))
    assert all(f.text == "Not in the field of view." for f in report.findings)
    ct_only = hand.assessed(state=lambda r, k: OUT if k in CT_KINDS else SEARCHED)
    report = draft(study, language="en", record=hand.record(study, assessed=ct_only))
    assert report[Region.ADRENALS].text == (
        "No focal uptake above SUV 3.1 from 12 mm in diameter in the adrenal glands. Not in the CT field of view."
    )


def test_a_region_that_was_not_located_is_not_assessable(hand) -> None:
    study = hand.study()
    report = draft(study, language="en", record=hand.record(study, assessed=hand.assessed(located=0.79)))
    assert all("not assessable" in f.text and not normal(f, Modality.PET) for f in report.findings)


def test_a_record_that_is_silent_on_a_region_makes_nothing_normal(hand) -> None:
    study = hand.study()
    report = draft(study, language="en", record=hand.record(study, assessed=()))
    assert {s.kind for f in report.findings for s in f.statements} == {StatementKind.NOT_ASSESSED}


def test_partly_searched_ct_says_what_was_searched_and_that_the_rest_was_not(hand) -> None:
    study = hand.study()
    assessed = hand.assessed(
        state=lambda r, k: SEARCHED if k in (FindingKind.EFFUSION, FindingKind.THICKENING) else NOT_SEARCHED
    )
    report = draft(study, language="en", record=hand.record(study, assessed=assessed))
    assert [s.text for s in report[Region.LUNG_PLEURA].statements if s.modality is Modality.CT] == [
        "No pleural effusion or thickening.",
        "Other CT features not assessed.",
    ]


def test_pet_only_sets_aside_a_ct_that_was_searched(hand) -> None:
    study = hand.study()
    record = hand.record(study, assessed=hand.assessed(state=lambda r, k: SEARCHED))
    report = draft(study, language="en", record=record, pet_only=True)
    assert {s.kind for s in report.statements() if s.modality is Modality.CT} == {StatementKind.NOT_ASSESSED}
    assert "CT not assessed." in [s.text for s in report.technique]


def test_pet_only_takes_no_number_from_the_ct(hand) -> None:
    study = hand.study()
    lesion = hand.lesion("L1", Region.LIVER, 9.0)
    record = hand.record(study, [lesion], assessed=hand.assessed(state=lambda r, k: SEARCHED))
    assert "41 HU" in draft(study, language="en", record=record)[Region.LIVER].text
    report = draft(study, language="en", record=record, pet_only=True)
    assert "HU" not in " ".join(s.text for s in report.statements())
    assert [fact.modality for fact in report.record.inputs] == [Modality.PET]
    assert report.record.lesions[0].ct is None
    assert {a.state for a in report.record.assessed if a.kind.modality is Modality.CT} == {NOT_SEARCHED}
    assert not [fact.key for fact in report.acquisition if fact.key.startswith("ct_")]


@pytest.mark.parametrize("name", ALL)
def test_without_a_sex_no_sentence_on_organs_of_one_sex_and_it_says_so(hand, name: str) -> None:
    study = hand.study(context={"sex": None})
    record = hand.record(study, assessed=hand.assessed(state=lambda r, k: SEARCHED))
    report = draft(study, style=name, record=record)
    told = " ".join(s.text for f in report.findings for s in f.statements)
    for word in ("子宫", "前列腺", "附件区", "精囊", "uter", "prostat", "adnex", "seminal"):
        assert word not in told.lower()
    assert any("性别" in s.text or "Sex not given" in s.text for s in report.technique)
    assert "sex-unknown" in {note.code for note in report.problems}


@pytest.mark.parametrize(
    ("p", "rest", "blocked"),
    [
        (0.5, {}, {Region.AXILLA_CHEST_WALL, Region.BREAST, Region.NECK_NODES}),
        (0.5, {Region.BREAST: 0.45}, {Region.BREAST}),
        (0.85, {}, {Region.AXILLA_CHEST_WALL, Region.BREAST, Region.NECK_NODES}),
        (0.93, {}, set()),
    ],
)
def test_a_focus_that_its_candidates_do_not_explain_may_lie_across_the_border(hand, p, rest, blocked) -> None:
    """Half a guess at muscle and nothing else named: the axilla next to it is not called clean."""
    study = hand.study()
    lesion = hand.lesion("L1", Region.MUSCLE_SUBCUTIS, 4.0, status=LesionStatus.INDETERMINATE)
    candidates = [{"id": Region.MUSCLE_SUBCUTIS, "probability": p}]
    candidates += [{"id": region, "probability": q} for region, q in rest.items()]
    guess = RegionGuess.model_validate({**candidates[0], "candidates": candidates})
    record = hand.record(study, [lesion.model_copy(update={"region": guess})])
    report = draft(study, language="en", record=record)
    for region in (Region.AXILLA_CHEST_WALL, Region.BREAST, Region.NECK_NODES):
        assert bool(normal(report[region], Modality.PET)) != (region in blocked)
    assert normal(report[Region.SPLEEN], Modality.PET), "the spleen does not border muscle"


def test_a_focus_at_the_edge_of_the_field_leaves_the_rest_outside_not_the_whole(hand) -> None:
    study = hand.study()
    brain = hand.lesion("L1", Region.BRAIN, 12.0, status=LesionStatus.PHYSIOLOGIC)
    record = hand.record(study, [brain], assessed=hand.assessed(state=lambda r, k: OUT))
    told = draft(study, language="en", record=record)[Region.BRAIN].text
    assert "The rest of this region lies outside the PET field of view." in told
    assert "Not in the PET field of view" not in told
