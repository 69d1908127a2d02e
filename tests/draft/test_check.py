"""The check: silent on a true report, and loud on each single thing that was changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from petrg.anatomy import Side
from petrg.draft.check import check
from petrg.draft.mismatch import Mismatch
from petrg.draft.pipeline import draft
from petrg.errors import MaskError
from petrg.imaging import Context, Grid, Identity, Quantity, Series, Sex, Study, Volume
from petrg.imaging.masks import LabelMap, Mask
from petrg.language.style import style_names
from petrg.measure.measure import measure
from petrg.report import AssessmentState, Record, Report, Span, StatementKind

FOCI_MM = ((55.0, 0.0, 60.0), (-60.0, 5.0, 210.0), (-45.0, -20.0, 110.0), (70.0, 10.0, 130.0))


def body(seed: int = 0) -> Study:
    """A trunk of warm noise with four hot balls off the midline, two on each side."""
    grid = Grid.from_spacing((64, 44, 60), (5.0, 5.0, 5.0), (-147.5, -107.5, 0.0))
    mm = grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    inside = (mm[..., 0] / 130) ** 2 + (mm[..., 1] / 90) ** 2 < 1
    rng = np.random.default_rng(seed)
    suv = np.where(inside, 0.8 + 0.1 * rng.random(grid.shape), 0.01)
    for i, centre in enumerate(FOCI_MM):
        distance = np.linalg.norm(mm - np.array(centre), axis=-1)
        suv += (9.0 + i) * np.exp(-((distance / 12.0) ** 2))
    ct = np.where(inside, 40.0 + rng.integers(0, 9, grid.shape), -1000.0)
    slices = grid.shape[0]
    pet_series = Series(
        uid="1.2.840.5.1",
        modality="PT",
        sop_uids=tuple(f"1.2.840.5.1.{k}" for k in range(slices)),
        instance_numbers=tuple(range(1, slices + 1)),
        dose_bq=2.5e8,
        weight_kg=71.0,
        uptake_s=3600.0,
        manufacturer="MAKER",
    )
    return Study(
        id="study-aaaaaaaaaaaa",
        pet=Volume(suv.astype(np.float32), grid, Quantity.SUV_BW),
        ct=Volume(ct.astype(np.float32), grid, Quantity.HU),
        pet_series=pet_series,
        ct_series=Series(uid="1.2.840.5.2", modality="CT"),
        identity=Identity(name="Roe^Richard", patient_id="R-77"),
        context=Context(tracer="FDG", sex=Sex.M, age_years=50.0, sources={"sex": "header", "age_years": "header"}),
    )


def organs(study: Study) -> LabelMap:
    """Labels as an outside program would give them: both lungs, halved at the midline."""
    grid = study.pet.grid
    mm = grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    inside = (mm[..., 0] / 120) ** 2 + (mm[..., 1] / 80) ** 2 < 1
    labels = np.where(inside, np.where(mm[..., 0] > 0, 1, 2), 0).astype(np.uint8)
    return LabelMap(Volume(labels, grid, Quantity.LABEL), {1: "lung_upper_lobe_left", 2: "lung_upper_lobe_right"})


@pytest.fixture(scope="module")
def study() -> Study:
    return body()


@pytest.fixture(scope="module")
def record(study: Study) -> Record:
    made = measure(study)
    assert {lesion.side for lesion in made.lesions[:4]} == {Side.LEFT, Side.RIGHT}
    return made


@pytest.fixture(scope="module")
def report(study: Study, record: Record) -> Report:
    return draft(study, record=record, language="en")


def codes(found: tuple[Mismatch, ...]) -> set[str]:
    return {mismatch.code for mismatch in found}


def retold(report: Report, change: Callable[[str], str]) -> Report:
    """The report with the first finding's text changed behind the back of its validator."""
    sections = list(report.findings)
    for i, section in enumerate(sections):
        for k, said in enumerate(section.statements):
            if said.kind in (StatementKind.FINDING, StatementKind.INDETERMINATE) and change(said.text) != said.text:
                statements = list(section.statements)
                statements[k] = said.model_copy(update={"text": change(said.text)})
                sections[i] = section.model_copy(update={"statements": tuple(statements)})
                return report.model_copy(update={"findings": tuple(sections)})
    raise AssertionError("nothing to change")


def with_lesion(report: Report, **changes) -> Report:
    first = report.record.lesions[0].model_copy(update=changes)
    record = report.record.model_copy(update={"lesions": (first, *report.record.lesions[1:])})
    return report.model_copy(update={"record": record})


@pytest.mark.parametrize("name", style_names())
def test_a_true_report_of_every_style_agrees(study: Study, record: Record, name: str) -> None:
    assert check(draft(study, record=record, style=name), study) == ()


def test_a_true_report_agrees_after_its_json(study: Study, report: Report) -> None:
    assert check(Report.from_json(report.to_json()), study) == ()


def test_a_report_of_the_pet_alone_agrees_with_a_study_that_holds_a_ct(study: Study) -> None:
    alone = draft(study, pet_only=True, language="en")
    assert all(lesion.ct is None for lesion in alone.record.lesions)
    assert check(alone, study) == check(alone, replace(study, ct=None, ct_series=None)) == ()
    forged = with_lesion(alone, suv_max=alone.record.lesions[0].suv_max + 1)
    assert "number" in codes(check(forged, study))


def test_a_deidentified_report_is_known_by_its_voxels(study: Study, record: Record) -> None:
    bare = draft(study, record=record, deidentify=True)
    assert check(bare, study) == ()
    assert codes(check(bare, body(1))) == {"study"}


def test_lesions_from_masks_are_measured_again_with_the_masks_and_refused_without(study: Study) -> None:
    mm = study.pet.grid.to_mm(np.moveaxis(np.indices(study.pet.grid.shape), 0, -1))
    ball = np.linalg.norm(mm - np.array(FOCI_MM[0]), axis=-1) < 14
    masks = [Mask(name="GTV Roe", array=ball, sha256="0" * 64, source="nifti")]
    made = draft(study, masks=masks, language="en")
    bare = draft(study, masks=masks, language="en", deidentify=True)
    assert check(made, study, masks=masks) == check(bare, study, masks=masks) == ()
    with pytest.raises(MaskError, match="give them with --lesions"):
        check(made, study)
    assert "place" in codes(check(bare, study))
    shifted = [Mask(name="GTV Roe", array=np.roll(ball, 1, axis=2), sha256="0" * 64, source="nifti")]
    assert "number" in codes(check(made, study, masks=shifted))


def test_one_digit_changed_in_the_text_is_found(study: Study, report: Report) -> None:
    value = f"{report.record.lesions[0].suv_max:.1f}"
    forged = retold(report, lambda text: text.replace(value, f"{float(value) + 1:.1f}".zfill(len(value))))
    found = check(forged, study)
    assert "text" in codes(found)
    assert value in " ".join(map(str, found))


def test_a_digit_that_no_measurement_stands_behind_is_found(study: Study, report: Report) -> None:
    forged = retold(report, lambda text: text[:-1] + ", SUVmean 6.6.")
    assert "text" in codes(check(forged, study))


def test_left_for_right_in_the_words_is_found(study: Study) -> None:
    labels = organs(study)
    for language, left, right in (("en", "left", "right"), ("zh", "左", "右")):
        true = draft(study, label_map=labels, language=language)
        assert check(true, study, label_map=labels) == ()
        for old, new in ((left, right), (right, left)):
            forged = retold(true, lambda text, old=old, new=new: text.replace(old, new))
            assert "side" in codes(check(forged, study, label_map=labels)), (language, old)


def test_a_swapped_side_in_the_record_is_found(study: Study, report: Report) -> None:
    other = report.record.lesions[0].side.other
    found = check(with_lesion(report, side=other), study)
    assert ("side", "record.L1.side") in {(m.code, m.at) for m in found}


def test_a_mirrored_image_is_another_study(study: Study, report: Report) -> None:
    mirrored = Volume(study.pet.array[:, :, ::-1].copy(), study.pet.grid, Quantity.SUV_BW)
    assert codes(check(report, replace(study, pet=mirrored))) == {"study"}


def test_a_hottest_voxel_moved_by_one_is_found(study: Study, report: Report) -> None:
    hottest = report.record.lesions[0].hottest
    z, y, x = hottest.index
    for index in ((z + 1, y, x), (z, y + 1, x), (z, y, x - 1)):
        found = check(with_lesion(report, hottest=hottest.model_copy(update={"index": index})), study)
        assert {"place", "number"} <= codes(found), index
    far = hottest.model_copy(update={"index": (999, 0, 0)})
    assert "place" in codes(check(with_lesion(report, hottest=far), study))


@pytest.mark.parametrize(
    ("field", "value"),
    [("slice_number", 3), ("sop_uid", "1.2.3.4"), ("mm", (0.0, 0.0, 0.0)), ("instance_number", 2)],
)
def test_a_wrong_slice_or_uid_or_place_in_mm_is_found(study: Study, report: Report, field: str, value) -> None:
    hottest = report.record.lesions[0].hottest.model_copy(update={field: value})
    assert "place" in codes(check(with_lesion(report, hottest=hottest), study))


@pytest.mark.parametrize("field", ["suv_max", "suv_mean", "suv_peak", "peak_4voxel", "mtv_ml", "tlg_g", "volume_ml"])
def test_every_number_of_a_lesion_is_measured_again(study: Study, report: Report, field: str) -> None:
    value = getattr(report.record.lesions[0], field)
    found = check(with_lesion(report, **{field: value * 1.01}), study)
    assert ("number", f"record.L1.{field}") in {(m.code, m.at) for m in found}
    found = check(with_lesion(report, **{field: None if field != "suv_max" else 0.0}), study)
    assert ("number", f"record.L1.{field}") in {(m.code, m.at) for m in found}


def test_diameters_hu_and_totals_are_measured_again(study: Study, report: Report) -> None:
    lesion = report.record.lesions[0]
    long, short = lesion.axes_mm
    assert "number" in codes(check(with_lesion(report, axes_mm=(long, short + 1)), study))
    ct = lesion.ct.model_copy(update={"hu_mean": lesion.ct.hu_mean + 1})
    assert "number" in codes(check(with_lesion(report, ct=ct), study))
    assert "number" in codes(check(with_lesion(report, ct=None), study))
    totals = report.record.totals.model_copy(update={"lesions": 17, "mtv_ml": 999.0})
    forged = report.model_copy(update={"record": report.record.model_copy(update={"totals": totals})})
    assert {"record.totals.lesions", "record.totals.mtv_ml"} <= {m.at for m in check(forged, study)}


def test_a_limit_of_detection_nobody_reached_is_found(study: Study, report: Report) -> None:
    rows = tuple(
        a.model_copy(update={"limit_suv": 1.0}) if a.limit_suv is not None else a for a in report.record.assessed
    )
    forged = report.model_copy(update={"record": report.record.model_copy(update={"assessed": rows})})
    assert any(m.at.endswith(".limit_suv") for m in check(forged, study))


def test_a_search_that_never_was_is_found(study: Study, report: Report) -> None:
    rows = tuple(a.model_copy(update={"state": AssessmentState.SEARCHED}) for a in report.record.assessed)
    forged = report.model_copy(update={"record": report.record.model_copy(update={"assessed": rows})})
    assert "claim" in codes(check(forged, study))


def test_another_study_is_said_to_be_another(study: Study, report: Report) -> None:
    (mismatch, *_) = check(report, body(1))
    assert str(mismatch).startswith("this report is of another study: PET")
    assert codes(check(report, replace(study, id="study-bbbbbbbbbbbb"))) == {"study"}
    shifted = Grid.from_spacing(study.pet.grid.shape, (5.0, 5.0, 5.0), (-147.5, -107.5, 5.0))
    moved = replace(study, pet=Volume(study.pet.array, shifted, Quantity.SUV_BW))
    assert codes(check(report, moved)) == {"study"}
    assert codes(check(report, replace(study, ct=None))) == {"study"}
    assert codes(check(report, replace(study, pet_series=replace(study.pet_series, uid="1.2.3")))) == {"study"}


def test_a_report_under_another_name_is_found_and_the_name_is_not_told(study: Study, report: Report) -> None:
    other = replace(study, identity=Identity(name="Poe^Edgar", patient_id="R-77"))
    found = check(report, other)
    assert codes(found) == {"patient"}
    line = " ".join(map(str, found))
    assert "Poe" not in line
    assert "Roe" not in line


def test_a_wrong_unit_is_found_in_the_field_and_in_the_text(study: Study, report: Report) -> None:
    assert "unit" in codes(check(retold(report, lambda text: text.replace(" cm", " mm", 1)), study))
    assert "unit" in codes(check(retold(report, lambda text: text.replace(" HU", " ml", 1)), study))
    sections = list(report.findings)
    i, k = next(
        (i, k)
        for i, s in enumerate(sections)
        for k, said in enumerate(s.statements)
        if said.numbers and said.lesion_ids
    )
    said = sections[i].statements[k]
    numbers = (said.numbers[0].model_copy(update={"unit": "Bq/ml"}), *said.numbers[1:])
    statements = list(sections[i].statements)
    statements[k] = said.model_copy(update={"numbers": numbers})
    sections[i] = sections[i].model_copy(update={"statements": tuple(statements)})
    assert "unit" in codes(check(report.model_copy(update={"findings": tuple(sections)}), study))


def test_facts_of_the_header_are_read_again(study: Study, report: Report) -> None:
    other = replace(study, pet_series=replace(study.pet_series, dose_bq=2.6e8))
    found = check(report, other)
    assert {"acquisition.dose_mbq", "technique[1].dose_mbq"} <= {m.at for m in found}
    older = replace(study, context=study.context.model_copy(update={"age_years": 51.0}))
    assert {m.at for m in check(report, older)} == {"context.age_years"}


def test_what_the_user_gave_at_drafting_is_not_asked_of_the_image(study: Study, record: Record) -> None:
    given = Context(glucose_mmol_l=5.5, indication="staging", sources={"glucose_mmol_l": "user", "indication": "user"})
    asked = draft(study.with_context(given), record=record, language="en")
    assert "5.5 mmol/L (entered by the user)" in " ".join(s.text for s in asked.technique)
    assert check(asked, study) == ()


def test_a_lesion_left_out_or_made_up_is_found(study: Study, report: Report) -> None:
    sections = [
        s.model_copy(update={"statements": tuple(x.model_copy(update={"lesion_ids": ()}) for x in s.statements)})
        for s in report.findings
    ]
    assert "source" in codes(check(report.model_copy(update={"findings": tuple(sections)}), study))
    ghost = report.record.lesions[0].model_copy(update={"id": "L99"})
    record = report.record.model_copy(update={"lesions": (ghost, *report.record.lesions[1:])})
    assert "source" in codes(check(report.model_copy(update={"record": record}), study))


def test_a_number_linked_to_another_lesion_is_found(study: Study, report: Report) -> None:
    said = report.impression[0]
    number = next(n for n in said.numbers if n.quantity.value == "suv_max")
    other = next(x.id for x in report.record.lesions if x.id != number.source)
    numbers = tuple(n.model_copy(update={"source": other}) if n is number else n for n in said.numbers)
    forged = report.model_copy(
        update={"impression": (said.model_copy(update={"numbers": numbers}), *report.impression[1:])}
    )
    assert {"number", "place"} & codes(check(forged, study))


def test_spans_that_point_elsewhere_are_found(study: Study, report: Report) -> None:
    said = report.impression[0]
    numbers = tuple(n.model_copy(update={"span": Span(start=0, end=3)}) for n in said.numbers)
    forged = report.model_copy(
        update={"impression": (said.model_copy(update={"numbers": numbers}), *report.impression[1:])}
    )
    assert "text" in codes(check(forged, study))


def test_references_are_measured_again(study: Study) -> None:
    """With a liver from outside: its mean, its place, and that it was found at all."""
    grid = study.pet.grid
    mm = grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    liver = np.linalg.norm(mm - np.array((-60.0, 0.0, 160.0)), axis=-1) < 40
    labels = LabelMap(Volume(liver.astype(np.uint8), grid, Quantity.LABEL), {1: "liver"})
    true = draft(study, label_map=labels, language="en")
    assert true.record.references.liver is not None
    assert check(true, study, label_map=labels) == ()

    def forged(**changes) -> Report:
        reference = true.record.references.liver.model_copy(update=changes)
        references = true.record.references.model_copy(update={"liver": reference})
        return true.model_copy(update={"record": true.record.model_copy(update={"references": references})})

    def at(report: Report) -> set[str]:
        return {m.at for m in check(report, study, label_map=labels)}

    assert "record.references.liver.suv_mean" in at(forged(suv_mean=2.0))
    assert "record.references.liver.centre_mm" in at(forged(centre_mm=(0.0, 0.0, 0.0)))
    gone = true.record.model_copy(update={"references": true.record.references.model_copy(update={"liver": None})})
    assert "record.references.liver" in at(true.model_copy(update={"record": gone}))


def test_the_tracer_the_user_named_at_drafting_is_taken_as_named(study: Study) -> None:
    unknown = replace(study, context=study.context.model_copy(update={"tracer": None}))
    made = draft(study, language="en")
    assert [m for m in check(made, unknown) if m.code in ("claim", "number")] == []


def with_record(report: Report, **changes) -> Report:
    return report.model_copy(update={"record": report.record.model_copy(update=changes)})


def test_the_inputs_are_those_of_the_image(study: Study, report: Report) -> None:
    first, *rest = report.record.inputs
    for field, value in (("spacing_mm", (5.0, 5.0, 5.1)), ("suv_factor_g_per_bq", 1e-4), ("suv_branch", "gml-bw")):
        forged = with_record(report, inputs=(first.model_copy(update={field: value}), *rest))
        assert f"record.inputs.PET.{field}" in {m.at for m in check(forged, study)}
    assert codes(check(report.model_copy(update={"provenance": {"pet_sha256": "0" * 64}}), study)) == {"study"}


def test_how_sure_a_region_is_and_what_was_sought_are_measured_again(study: Study, report: Report) -> None:
    region = report.record.lesions[0].region
    for changes in ({"probability": region.probability / 2}, {"candidates": region.candidates[:-1]}):
        found = check(with_lesion(report, region=region.model_copy(update=changes)), study)
        assert any(m.at.startswith("record.L1.region.") for m in found), changes
    assert "1" in report.record.detection
    forged = with_record(report, detection=report.record.detection.replace("1", "7"))
    assert ("number", "record.detection") in {(m.code, m.at) for m in check(forged, study)}
    rows = tuple(
        a.model_copy(update={"detection_limit": "SUV 0.1, radius 1 mm"}) if a.detection_limit else a
        for a in report.record.assessed
    )
    assert any(m.at.endswith(".detection_limit") for m in check(with_record(report, assessed=rows), study))


def test_a_label_map_that_is_not_given_again_is_missed(study: Study) -> None:
    made = draft(study, label_map=organs(study), language="en")
    assert check(made, study, label_map=organs(study)) == ()
    assert "record.anatomy" in {m.at for m in check(made, study)}


def test_sex_and_age_stand_alike_in_the_patient_block_and_the_context(study: Study, report: Report) -> None:
    for field, value in (("sex", "F"), ("age_years", 51.0)):
        forged = report.model_copy(update={"patient": report.patient.model_copy(update={field: value})})
        assert {m.at for m in check(forged, study)} == {f"patient.{field}"}
