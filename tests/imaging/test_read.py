"""A folder into a Study: identity, context, facts, user-given values, multi-frame objects."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np
import pytest
from dicom_files import FACTOR_ONE_HOUR, STUDY, ct, default_words, drug, pet, save, uid, write
from numpy.testing import assert_allclose, assert_array_equal
from pydicom.dataset import Dataset

from petrg import Context, Quantity, read_study
from petrg.errors import StudyError
from petrg.imaging import Sex
from petrg.imaging.suv import Given


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, ct(), pet())


def test_a_study_holds_what_its_headers_say(folder: Path) -> None:
    study = read_study(folder)
    assert study.id == "study-" + hashlib.sha256(STUDY.encode()).hexdigest()[:12]
    assert study.identity.name == "Roe^Jane"
    assert study.identity.patient_id == "P-0001"
    assert study.identity.birth_date == "19610402"
    assert study.identity.accession_number == "ACC-77"
    assert study.identity.study_date == "20240501"
    assert study.context == Context(
        tracer="FDG", sex=Sex.F, age_years=63.0, sources=dict.fromkeys(("tracer", "sex", "age_years"), "header")
    )
    assert study.ct is not None
    assert study.pet is not None
    assert_array_equal(study.ct.array, default_words(4) - 1024)
    slopes = np.array([2.0, 3, 4, 5])[:, None, None]
    assert_allclose(study.pet.array, default_words(4) * slopes * FACTOR_ONE_HOUR, rtol=1e-6)
    assert study.ct.quantity is Quantity.HU
    assert study.pet.quantity is Quantity.SUV_BW
    assert study.problems == ()


def test_repr_never_shows_who(folder: Path) -> None:
    assert not any(secret in repr(read_study(folder)) for secret in ("Roe", "P-0001", "19610402", "ACC-77"))


def test_facts_run_with_z(folder: Path) -> None:
    series = read_study(folder).pet_series
    assert series is not None
    assert series.sop_uids == tuple(uid("PET", i) for i in range(4))
    assert series.positions_mm == tuple((-10.0, -20.0, 3.0 * i) for i in range(4))
    assert series.instance_numbers == (1, 2, 3, 4)
    assert series.uptake_s == 3600
    assert series.frame_duration_s == 120
    assert series.dose_bq == 370e6
    assert series.weight_kg == 74
    assert series.units == "BQML"
    assert series.suv is not None
    assert series.suv.factor_g_per_bq == pytest.approx(FACTOR_ONE_HOUR, rel=1e-12)


def test_files_written_the_other_way_round_read_the_same(tmp_path: Path) -> None:
    write(tmp_path / "a", ct())
    write(tmp_path / "b", list(reversed(ct())))
    one, two = read_study(tmp_path / "a"), read_study(tmp_path / "b")
    assert one.ct is not None
    assert two.ct is not None
    assert_array_equal(one.ct.array, two.ct.array)


def test_user_given_values_win_and_are_marked(folder: Path) -> None:
    study = read_study(folder, given=Given(weight_kg=37.0, tracer="PSMA-11"))
    plain = read_study(folder)
    assert study.pet is not None
    assert plain.pet is not None
    assert_allclose(study.pet.array, plain.pet.array / 2, rtol=1e-6)
    assert study.pet_series is not None
    assert "weight_kg" in study.pet_series.user_entered
    assert study.context.tracer == "PSMA-11"
    assert study.context.sources["tracer"] == "user"


@pytest.mark.parametrize("given", [Sex.M, Sex.OTHER])
def test_a_sex_that_is_given_wins_over_the_header_s(tmp_path: Path, given: Sex) -> None:
    write(tmp_path, [*ct(), *pet(edit=lambda ds, i: setattr(ds, "PatientSex", "F"))])
    plain, told = read_study(tmp_path), read_study(tmp_path, given=Given(sex=given))
    assert (plain.context.sex, plain.context.sources["sex"]) == (Sex.F, "header")
    assert (told.context.sex, told.context.sources["sex"]) == (given, "user")


def test_activity_needs_no_weight_and_is_no_suv(tmp_path: Path) -> None:
    write(tmp_path, pet(edit=lambda ds, i: delattr(ds, "PatientWeight")))
    study = read_study(tmp_path, quantity=Quantity.ACTIVITY)
    assert study.pet is not None
    assert study.pet.quantity is Quantity.ACTIVITY
    assert_allclose(study.pet.array[3, 5, 4], default_words(4)[3, 5, 4] * 5.0)
    assert [p.code for p in study.problems] == ["suv-unavailable"]


def test_a_given_context_lies_over_the_header(folder: Path) -> None:
    study = read_study(
        folder, context=Context(disease="DLBCL", age_years=50, sources={"disease": "user", "age_years": "user"})
    )
    assert (study.context.disease, study.context.age_years, study.context.tracer) == ("DLBCL", 50, "FDG")


@pytest.mark.parametrize(("age", "years"), [("059Y", 59.0), ("018M", 1.5), ("026W", 0.5), ("", 63.0), ("abcY", 63.0)])
def test_age_by_its_own_value_else_by_birth_date(tmp_path: Path, age: str, years: float) -> None:
    def edit(ds: Dataset, i: int) -> None:
        if age != "abcY":
            ds.PatientAge = age

    write(tmp_path, pet(edit=edit))
    assert read_study(tmp_path).context.age_years == pytest.approx(years, abs=0.01)


@pytest.mark.parametrize(
    ("text", "code", "tracer"),
    [
        ("Fluorodeoxyglucose", None, "FDG"),
        ("FDG -- fluorodeoxyglucose", None, "FDG"),
        ("Solution", "35321007", "FDG"),
        ("", "C-B1031", "FDG"),
        ("68Ga-DOTATATE", None, "DOTATATE"),
        ("[18F]PSMA-1007", None, "PSMA-1007"),
        ("Ga-68 FAPI-04", None, "FAPI-04"),
        ("16a-[18F]Fluoroestradiol", None, "FES"),
        ("Solution", None, None),
        ("", None, None),
    ],
)
def test_tracer_by_text_or_code(tmp_path: Path, text: str, code: str | None, tracer: str | None) -> None:
    def edit(ds: Dataset, i: int) -> None:
        drug(ds).Radiopharmaceutical = text
        if code:
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator = code, "SCT"
            drug(ds).RadiopharmaceuticalCodeSequence = [item]

    write(tmp_path, pet(edit=edit))
    study = read_study(tmp_path)
    assert study.context.tracer == tracer
    assert study.context.is_fdg == (tracer == "FDG")


def test_pet_longer_than_ct_is_said(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(default_words(9), zs=range(0, 27, 3)))
    assert "the PET reaches 15 mm beyond the CT along the body" in map(str, read_study(tmp_path).problems)


def test_no_overlap_is_said(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(zs=(500, 503, 506)))
    assert "no-overlap" in [p.code for p in read_study(tmp_path).problems]


# --- multi-frame


def multi(frames: list[Dataset], sop_class: str, *, legacy: bool) -> Dataset:
    """Pack single images into one multi-frame object (PS3.3 C.7.6.16); frames in the order given."""
    top = copy.deepcopy(frames[0])
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(top, keyword)
    top.SOPClassUID, top.SOPInstanceUID, top.NumberOfFrames = sop_class, uid("multi", sop_class), len(frames)
    top.PixelData = b"".join(f.PixelData for f in frames)
    shared = Dataset()
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = frames[0].ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = frames[0].PixelSpacing, 99
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    if legacy:
        moved = Dataset()
        for keyword in ("Units", "DecayCorrection", "CorrectedImage", "RadiopharmaceuticalInformationSequence", "KVP"):
            if keyword in top:
                moved[keyword] = top[keyword]
                delattr(top, keyword)
        shared.UnassignedSharedConvertedAttributesSequence = [moved]
    top.SharedFunctionalGroupsSequence = [shared]
    top.PerFrameFunctionalGroupsSequence = [per_frame(f) for f in frames]
    return top


def per_frame(frame: Dataset) -> Dataset:
    item, position, rescale = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = frame.ImagePositionPatient
    rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = (
        frame.RescaleSlope,
        frame.RescaleIntercept,
        "US",
    )
    item.PlanePositionSequence, item.PixelValueTransformationSequence = [position], [rescale]
    return item


def test_legacy_converted_and_enhanced_read_as_the_single_images_do(tmp_path: Path) -> None:
    write(tmp_path / "single", ct(), pet())
    single = read_study(tmp_path / "single")
    order = [2, 0, 3, 1]
    cts, pets = ct(), pet()
    many = tmp_path / "many"
    save(multi([cts[i] for i in order], "1.2.840.10008.5.1.4.1.1.2.1", legacy=False), many / "ct")
    save(multi([pets[i] for i in order], "1.2.840.10008.5.1.4.1.1.128.1", legacy=True), many / "pet")
    study = read_study(many)
    for one, other in ((study.ct, single.ct), (study.pet, single.pet)):
        assert one is not None
        assert other is not None
        assert one.grid.same_as(other.grid)
        assert_array_equal(one.array, other.array)


def test_frames_that_do_not_match_their_groups_are_refused(tmp_path: Path) -> None:
    whole = multi(ct(), "1.2.840.10008.5.1.4.1.1.2.1", legacy=False)
    whole.PerFrameFunctionalGroupsSequence = whole.PerFrameFunctionalGroupsSequence[:3]
    save(whole, tmp_path / "ct")
    with pytest.raises(StudyError, match="truncated or corrupt"):
        read_study(tmp_path)


def test_doubles_of_a_multi_frame_object_are_dropped(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(multi(ct(), "1.2.840.10008.5.1.4.1.1.2.1", legacy=False), tmp_path / name)
    study = read_study(tmp_path)
    assert study.ct is not None
    assert study.ct.grid.shape[0] == 4
    assert [p.code for p in study.problems if p.code != "ct-rescale-type"] == ["doubles-dropped"]


def test_progress_is_told(folder: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    read_study(folder, progress=lambda *step: seen.append(step))
    assert ("reading headers", 8, 8) in seen
    assert ("reading CT", 4, 4) in seen
    assert ("reading PET", 4, 4) in seen
