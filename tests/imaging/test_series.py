"""Which series is taken, and why the others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import FACTOR_ONE_HOUR, SECONDARY_CLASS, ct, default_words, drug, pet, uid, write
from numpy.testing import assert_allclose
from pydicom.dataset import Dataset

from petrg import read_study
from petrg.errors import StudyError
from petrg.imaging.study import FoundSeries, Study


def taken(study: Study) -> dict[str, int | None]:
    return {f.role: f.number for f in study.found if f.role}


def entry(study: Study, number: int) -> FoundSeries:
    return next(f for f in study.found if f.number == number)


def nac(ds: Dataset, i: int) -> None:
    ds.CorrectedImage = ["DECY", "SCAT"]


def derived(ds: Dataset, i: int) -> None:
    ds.ImageType = ["DERIVED", "SECONDARY"]


def frame(name: str):  # type: ignore[no-untyped-def]
    return lambda ds, i: setattr(ds, "FrameOfReferenceUID", uid(name))


def at(time: str):  # type: ignore[no-untyped-def]
    return lambda ds, i: setattr(ds, "AcquisitionTime", time)


def test_ac_before_nac_whatever_their_size(tmp_path: Path) -> None:
    longer = pet(default_words(9), series="NAC", number=4, zs=range(0, 27, 3), edit=nac)
    write(tmp_path, ct(), pet(), longer)
    study = read_study(tmp_path)
    assert taken(study) == {"ct": 2, "pet": 3}
    assert entry(study, 4).reason == "series 3 comes first by rule: attenuation-corrected"
    assert entry(study, 3).reason == "first by rule: attenuation-corrected; 1 other passed over"


def test_attenuation_method_counts_where_corrections_are_not_listed(tmp_path: Path) -> None:
    def method(text: str):  # type: ignore[no-untyped-def]
        def edit(ds: Dataset, i: int) -> None:
            del ds.CorrectedImage
            ds.AttenuationCorrectionMethod = text
            ds.Units, ds.SUVType = "GML", "BW"

        return edit

    write(tmp_path, pet(series="a", number=3, edit=method("NONE")), pet(series="b", number=4, edit=method("CT")))
    assert taken(read_study(tmp_path)) == {"pet": 4}


def test_original_before_derived_before_coverage(tmp_path: Path) -> None:
    longer = pet(default_words(9), series="derived", number=4, zs=range(0, 27, 3), edit=derived)
    write(tmp_path, pet(), longer)
    study = read_study(tmp_path)
    assert taken(study) == {"pet": 3}
    assert entry(study, 4).reason.endswith("original")


def test_largest_coverage_then_earliest(tmp_path: Path) -> None:
    early, late = pet(series="b", number=5, edit=at("093000")), pet(series="a", number=4, edit=at("110000"))
    write(tmp_path / "1", late, early)
    assert taken(read_study(tmp_path / "1")) == {"pet": 5}
    longer = pet(default_words(6), series="c", number=6, zs=range(0, 18, 3), edit=at("120000"))
    write(tmp_path / "2", late, early, longer)
    study = read_study(tmp_path / "2")
    assert taken(study) == {"pet": 6}
    assert entry(study, 5).reason.endswith("largest coverage")


def test_whole_body_ct_before_diagnostic_part(tmp_path: Path) -> None:
    whole = ct(default_words(40), series="CTAC", number=7, zs=range(0, 120, 3))
    chest = ct(default_words(41), series="chest", number=2, zs=np.arange(41) * 1.0, spacing=(0.7, 0.7))
    write(tmp_path, whole, chest, pet(default_words(40), zs=range(0, 120, 3)))
    study = read_study(tmp_path)
    assert taken(study) == {"ct": 7, "pet": 3}
    assert entry(study, 2).reason == "series 7 comes first by rule: covers the whole scan"


def test_ct_matched_to_the_pet_before_another_whole_body_ct(tmp_path: Path) -> None:
    contrast = ct(default_words(60), series="contrast", number=2, zs=np.arange(60) * 2.0 + 0.5)
    matched = ct(default_words(39), series="CTAC", number=7, zs=np.arange(39) * 3.0 + 3)
    write(tmp_path, contrast, matched, pet(default_words(40), zs=range(0, 120, 3)))
    study = read_study(tmp_path)
    assert taken(study)["ct"] == 7
    assert entry(study, 2).reason.endswith("matched to the PET")


def test_ct_named_by_the_pet_is_matched(tmp_path: Path) -> None:
    other = ct(series="other", number=2, zs=np.arange(5) * 2.5 - 0.6, words=default_words(5))
    source = ct(series="source", number=7, zs=np.arange(5) * 2.5 - 0.6, words=default_words(5))

    def cite(ds: Dataset, i: int) -> None:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source[0].SOPClassUID, source[2].SOPInstanceUID
        ds.SourceImageSequence = [item]

    write(tmp_path, other, source, pet(edit=cite))
    assert taken(read_study(tmp_path))["ct"] == 7


def test_without_contrast_before_with(tmp_path: Path) -> None:
    enhanced = ct(series="a", number=2, edit=lambda ds, i: setattr(ds, "ContrastBolusAgent", "Iohexol"))
    write(tmp_path, enhanced, ct(series="b", number=8), pet())
    assert taken(read_study(tmp_path))["ct"] == 8


def test_same_frame_of_reference_decides_on_both_sides(tmp_path: Path) -> None:
    longer = ct(default_words(9), series="elsewhere", number=2, zs=range(0, 27, 3), edit=frame("elsewhere"))
    write(tmp_path / "ct", longer, ct(series="here", number=7), pet())
    assert taken(read_study(tmp_path / "ct")) == {"ct": 7, "pet": 3}
    late = pet(default_words(9), series="elsewhere", number=4, zs=range(0, 27, 3), edit=frame("elsewhere"))
    write(tmp_path / "pet", ct(), late, pet())
    assert taken(read_study(tmp_path / "pet")) == {"ct": 2, "pet": 3}


def sets(**values: object):  # type: ignore[no-untyped-def]
    def edit(ds: Dataset, i: int) -> None:
        for keyword, value in values.items():
            setattr(ds, keyword, value)

    return edit


NEVER = {
    "scout": (sets(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "scout (ImageType LOCALIZER)"),
    "dynamic": (sets(SeriesType=["DYNAMIC", "IMAGE"]), "dynamic series (0054,1000)"),
    "gated": (sets(SeriesType=["GATED", "IMAGE"]), "gated series (0054,1000)"),
    "projection": (sets(SeriesType=["WHOLE BODY", "REPROJECTION"]), "projection (0054,1000)"),
    "mip": (sets(ImageType=["ORIGINAL", "PRIMARY", "MIP"]), "maximum intensity projection"),
    "fused": (sets(ImageType=["ORIGINAL", "PRIMARY", "FUSED"]), "fused images"),
    "description": (sets(SeriesDescription="WB_MIP_rot"), "projection or fused images by their description"),
    "colour": (sets(SamplesPerPixel=3), "colour images (fused or captured)"),
    "secondary capture": (sets(SOPClassUID=SECONDARY_CLASS), "secondary capture"),
}


@pytest.mark.parametrize("kind", NEVER)
def test_these_are_never_taken_and_say_why(tmp_path: Path, kind: str) -> None:
    edit, reason = NEVER[kind]
    zs = range(0, 60, 3)
    write(tmp_path, ct(), pet(), pet(default_words(20), series="never", number=9, zs=zs, edit=edit))
    study = read_study(tmp_path)
    assert taken(study) == {"ct": 2, "pet": 3}
    assert entry(study, 9).reason == reason


@pytest.mark.parametrize("kind", NEVER)
def test_alone_they_are_no_pet(tmp_path: Path, kind: str) -> None:
    write(tmp_path, ct(), pet(edit=NEVER[kind][0]))
    assert read_study(tmp_path).pet is None


def test_secondary_capture_is_told_by_sop_class_never_by_image_type(tmp_path: Path) -> None:
    write(tmp_path, ct(edit=derived), pet(edit=derived))
    assert taken(read_study(tmp_path)) == {"ct": 2, "pet": 3}


def test_manufacturer_is_never_asked(tmp_path: Path) -> None:
    def brand(ds: Dataset, i: int) -> None:
        ds.Manufacturer = ["Philips Medical Systems", "GE MEDICAL SYSTEMS"][i % 2]

    write(tmp_path, pet(edit=brand))
    study = read_study(tmp_path)
    assert study.pet_series is not None
    assert study.pet_series.suv is not None
    assert study.pet_series.suv.factor_g_per_bq == pytest.approx(FACTOR_ONE_HOUR, rel=1e-12)


def test_overrides_by_number_and_uid(tmp_path: Path) -> None:
    write(tmp_path, ct(), ct(series="other", number=8), pet(), pet(series="late", number=9, edit=at("120000")))
    study = read_study(tmp_path, ct_series="8", pet_series=uid("late"))
    assert taken(study) == {"ct": 8, "pet": 9}
    assert entry(study, 8).reason == "named by --ct-series"


def test_none_leaves_a_modality_out(tmp_path: Path) -> None:
    write(tmp_path, ct(edit=frame("elsewhere")), pet())
    study = read_study(tmp_path, ct_series="none")
    assert study.ct is None
    assert study.pet is not None
    assert entry(study, 2).reason == "left out by --ct-series none"


@pytest.mark.parametrize("wanted", ["77", "1.2.3", "chest"])
def test_an_override_that_names_nothing_is_refused(tmp_path: Path, wanted: str) -> None:
    write(tmp_path, ct(), pet())
    with pytest.raises(StudyError) as error:
        read_study(tmp_path, pet_series=wanted)
    assert str(error.value) == (
        "no series by the name given to --pet-series — expected one of the series numbers 3 — see petrg inspect"
    )


def test_an_override_by_an_ambiguous_number_is_refused(tmp_path: Path) -> None:
    write(tmp_path, ct(), ct(series="twin"), pet())
    with pytest.raises(StudyError, match="2 series of that number — expected one series — give its UID to --ct-series"):
        read_study(tmp_path, ct_series=2)


def test_bed_parts_join_each_with_its_own_factor(tmp_path: Path) -> None:
    def later(ds: Dataset, i: int) -> None:
        ds.SeriesTime = ds.AcquisitionTime = "103000"

    upper = pet(series="bed 2", number=4, zs=(12, 15, 18), words=default_words(3), edit=later)
    write(tmp_path, pet(), upper)
    study = read_study(tmp_path)
    assert study.pet is not None
    assert study.pet.grid.shape == (7, 6, 5)
    assert_allclose(study.pet.grid.spacing_mm, [3, 4, 4])
    slopes = np.array([2.0, 3, 4, 5, 2, 3, 4])[:, None, None]
    half_hour_more = 2 ** (1800 / 6586.2)
    factors = FACTOR_ONE_HOUR * np.array([1.0] * 4 + [half_hour_more] * 3)[:, None, None]
    words = np.concatenate([default_words(4), default_words(3)])
    assert_allclose(study.pet.array, words * slopes * factors, rtol=1e-6)
    assert [f.role for f in study.found] == ["pet", "pet"]
    assert "2 bed parts joined, each with its own SUV factor" in map(str, study.problems)


def shift(ds: Dataset, i: int) -> None:
    ds.ImagePositionPatient[0] += 1.0


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("a gap of two slices", {"zs": (40, 43, 46)}),
        ("half a slice off", {"zs": (31.5, 34.5, 37.5)}),
        ("another pixel spacing", {"zs": (30, 33, 36), "spacing": (4.0, 3.9)}),
        ("another slice distance", {"zs": (30, 34, 38)}),
        ("another in-plane origin", {"zs": (30, 33, 36), "edit": shift}),
        ("another dose unit", {"zs": (30, 33, 36), "edit": lambda ds, i: setattr(ds, "Units", "GML")}),
    ],
)  # fmt: skip
def test_parts_that_would_need_resampling_are_not_joined(tmp_path: Path, name: str, change: dict) -> None:
    lower = pet(default_words(10), zs=range(0, 30, 3))
    far = {
        **change,
        "zs": (*change["zs"], *(change["zs"][-1] + (change["zs"][1] - change["zs"][0]) * k for k in (1, 2, 3, 4))),
    }
    upper = pet(default_words(7), series="bed 2", number=4, **far)
    write(tmp_path, lower, upper)
    study = read_study(tmp_path)
    assert study.pet is not None
    assert study.pet.grid.shape[0] == 10
    assert any(p.code == "part-left-out" and "PET series 4 (7 images) reaches" in p.text for p in study.problems)


def test_two_doses_in_one_series_are_refused(tmp_path: Path) -> None:
    def dose(ds: Dataset, i: int) -> None:
        drug(ds).RadionuclideTotalDose = 370e6 + i

    write(tmp_path, pet(edit=dose))
    with pytest.raises(StudyError):
        read_study(tmp_path)
