"""One case out of each research layout."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from petrg.errors import GeometryError, StudyError, SuvError
from petrg.imaging import Context, Grid, Quantity, Sex, Volume
from petrg.imaging.nifti import read_nifti_study, write_nifti
from petrg.imaging.suv import Given

GRID = Grid.from_spacing((12, 10, 10), (3.0, 4.0, 4.0), (-20, -20, -20))
CT_GRID = Grid.from_spacing((12, 20, 20), (3.0, 2.0, 2.0), (-20, -20, -20))


def ct(path: Path, grid: Grid = CT_GRID) -> Path:
    array = np.full(grid.shape, -1000, np.float32)
    array[2:-2, 3:-3, 3:-3] = 40
    write_nifti(Volume(array, grid, Quantity.HU), path)
    return path


def pet(path: Path, scale: float = 1.0, grid: Grid = GRID) -> Path:
    array = np.zeros(grid.shape, np.float32)
    array[2:-2, 2:-2, 2:-2] = 1.0
    array[5, 5, 5] = 12.0
    write_nifti(Volume(array * np.float32(scale), grid, Quantity.SUV_BW), path)
    return path


def nnunet(top: Path) -> str:
    ct(top / "images" / "case7_0000.nii.gz"), pet(top / "images" / "case7_0001.nii.gz")
    ct(top / "labels" / "case7.nii.gz")
    return "case7"


def autopet(top: Path) -> str:
    home = top / "PETCT_01" / "03-23-2003-NA-Ganzkoerper"
    ct(home / "CT.nii.gz"), ct(home / "CTres.nii.gz", GRID), pet(home / "SUV.nii.gz")
    pet(home / "PET.nii.gz", 5000), ct(home / "SEG.nii.gz", GRID)
    return "PETCT_01_"


def petwb(top: Path) -> str:
    for name, write in (("CT_RAW", ct), ("CT_NORM", ct), ("PET_SUV", pet)):
        write(top / "P12" / f"{name}.nii.gz")
    pet(top / "P12" / "PET_RAW.nii.gz", 5000)
    return "P12"


def petwb_folders(top: Path) -> str:
    ct(top / "P12" / "CT_RAW" / "a.nii.gz"), pet(top / "P12" / "PET_SUV" / "b.nii.gz")
    return "P12"


def lion(top: Path) -> str:
    ct(top / "S1" / "CT_S1.nii.gz"), pet(top / "S1" / "PT_S1.nii.gz"), ct(top / "S1" / "PT_S1_seg.nii.gz", GRID)
    return "S1"


@pytest.mark.parametrize("layout", [nnunet, autopet, petwb, petwb_folders, lion])
def test_layouts(layout: Callable[[Path], str], tmp_path: Path) -> None:
    case = layout(tmp_path)
    study = read_nifti_study(tmp_path)
    assert study.id.startswith(case)
    assert "2003" not in study.id
    assert study.ct is not None
    assert study.ct.grid.same_as(CT_GRID)  # never CTres, never CT_NORM
    assert study.suv().grid.same_as(GRID)
    assert study.suv().array.max() == 12
    assert study.pet_series is not None
    assert study.pet_series.suv is not None
    assert study.pet_series.suv.branch == "nifti-suv"
    assert {f.role for f in study.found if f.role} == {"ct", "pet"}
    assert all(f.reason for f in study.found)
    assert "tracer-unknown" in {p.code for p in study.problems}
    assert study.context.tracer is None


def test_activity_where_the_layout_holds_it(tmp_path: Path) -> None:
    autopet(tmp_path)
    study = read_nifti_study(tmp_path, quantity=Quantity.ACTIVITY)
    assert study.pet is not None
    assert study.pet.quantity is Quantity.ACTIVITY
    assert study.pet.array.max() == 60000
    nnunet(tmp_path / "other")
    with pytest.raises(SuvError, match="stored as SUV only"):
        read_nifti_study(tmp_path / "other", quantity=Quantity.ACTIVITY)


def test_ct_on_the_pet_grid_only_where_there_is_no_other(tmp_path: Path) -> None:
    ct(tmp_path / "a" / "b" / "CTres.nii.gz", GRID), pet(tmp_path / "a" / "b" / "SUV.nii.gz")
    study = read_nifti_study(tmp_path)
    assert study.ct is not None
    assert study.ct.grid.same_as(GRID)


def test_bq_ml_is_not_suv(tmp_path: Path) -> None:
    ct(tmp_path / "x_0000.nii.gz"), pet(tmp_path / "x_0001.nii.gz", 4000)
    with pytest.raises(SuvError) as caught:
        read_nifti_study(tmp_path)
    assert str(caught.value) == (
        "_0001: these look like Bq/ml (typical value 4000) — expected SUV (g/ml), near 1 in most of the body — "
        "convert it to SUV, or read the DICOM it came from"
    )


def test_activity_without_a_header_is_no_suv(tmp_path: Path) -> None:
    pet(tmp_path / "a" / "b" / "PET.nii.gz", 4000)
    with pytest.raises(SuvError, match="--quantity activity"):
        read_nifti_study(tmp_path)


def test_several_cases_are_listed_and_chosen(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        ct(tmp_path / f"{name}_0000.nii.gz"), pet(tmp_path / f"{name}_0001.nii.gz")
    with pytest.raises(StudyError) as caught:
        read_nifti_study(tmp_path)
    assert str(caught.value) == "3 cases: a, b, c — expected one case — choose it with --study ID"
    study = read_nifti_study(tmp_path, study="b")
    assert study.id == "b"
    assert {"other cases": 2}.items() <= {p.reason: p.files for p in study.passed_over}.items()
    with pytest.raises(StudyError, match="correct --study"):
        read_nifti_study(tmp_path, study="d")


def test_one_id_in_two_folders_is_two_cases(tmp_path: Path) -> None:
    for part in ("train", "valid"):
        nnunet(tmp_path / part)
    with pytest.raises(StudyError, match="2 cases: case7, case7"):
        read_nifti_study(tmp_path)
    with pytest.raises(StudyError, match="correct --study"):
        read_nifti_study(tmp_path, study="case7")
    assert read_nifti_study(tmp_path / "valid").id == "case7"


def test_either_may_be_missing(tmp_path: Path) -> None:
    assert read_nifti_study(ct(tmp_path / "x_0000.nii.gz")).pet is None
    assert read_nifti_study(pet(tmp_path / "x_0001.nii.gz")).ct is None


def test_files_named_one_by_one(tmp_path: Path) -> None:
    one, other = ct(tmp_path / "wang ct low dose.nii.gz"), pet(tmp_path / "wang pet.nii.gz")
    study = read_nifti_study([one, other])
    assert study.ct is not None
    assert study.suv().array.max() == 12
    assert "wang" not in study.id
    with pytest.raises(StudyError, match="neither CT nor PET"):
        read_nifti_study(tmp_path)  # within a folder no part of a name is guessed at
    lone = ct(tmp_path / "lone" / "wang.nii.gz")
    assert read_nifti_study(lone).ct is not None  # values below -500 are a CT's
    with pytest.raises(StudyError):
        read_nifti_study(pet(tmp_path / "lone" / "zhang.nii.gz"))
    chosen = read_nifti_study(tmp_path / "lone", ct_series="wang", pet_series="zhang")
    assert chosen.suv().array.max() == 12
    with pytest.raises(StudyError, match="--pet-series"):
        read_nifti_study(tmp_path / "lone", pet_series="nobody")


def test_masks_are_no_images(tmp_path: Path) -> None:
    ct(tmp_path / "CT_image.nii.gz"), ct(tmp_path / "CT_mask.nii.gz"), pet(tmp_path / "PET_image.nii.gz")
    study = read_nifti_study(tmp_path)
    assert [f.reason for f in study.found if f.role is None] == ["a mask or label map, no image"]
    ct(tmp_path / "CT_other.nii.gz")
    with pytest.raises(StudyError, match="2 files that may be the CT"):
        read_nifti_study(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(StudyError, match="no NIfTI"):
            read_nifti_study(path)
    with pytest.raises(StudyError, match="does not exist"):
        read_nifti_study(tmp_path / "none")


def test_ct_and_pet_that_lie_apart(tmp_path: Path) -> None:
    ct(tmp_path / "x_0000.nii.gz", Grid.from_spacing((12, 20, 20), (3.0, 2.0, 2.0), (-20, -20, 500)))
    pet(tmp_path / "x_0001.nii.gz")
    with pytest.raises(GeometryError, match="mm apart"):
        read_nifti_study(tmp_path)


def test_given_values(tmp_path: Path) -> None:
    nnunet(tmp_path)
    given = Given(weight_kg=70, height_m=1.7, sex=Sex.F, tracer="FDG")
    study = read_nifti_study(tmp_path, given=given, context=Context(disease="lymphoma", sources={"disease": "user"}))
    assert (study.context.tracer, study.context.sex, study.context.disease) == ("FDG", Sex.F, "lymphoma")
    assert study.context.sources == {"tracer": "user", "sex": "user", "disease": "user"}
    assert study.pet_series is not None
    assert study.pet_series.suv is not None
    assert study.pet_series.suv.sul_factor == pytest.approx(9270 / (8780 + 244 * 70 / 1.7**2))
    assert study.pet_series.user_entered == ("weight_kg", "height_m", "sex", "tracer")
    assert "tracer-unknown" not in {p.code for p in study.problems}


# ------------------------------------------------------------------ BIDS

SIDECAR = {
    "Units": "Bq/mL",
    "TracerName": "FDG",
    "TracerRadionuclide": "F18",
    "InjectedRadioactivity": 370.0,
    "InjectedRadioactivityUnits": "MBq",
    "BodyWeight": 74.0,
    "TimeZero": "10:00:00",
    "InjectionStart": -3600,
    "ScanStart": 0,
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
    "AttenuationCorrection": "CT-based",
    "FrameTimesStart": [0],
    "FrameDuration": [120],
}


def bids(top: Path, scale: float = 5000.0, **changes: object) -> Path:
    path = pet(top / "sub-01" / "ses-1" / "pet" / "sub-01_ses-1_trc-FDG_pet.nii.gz", scale)
    facts = {key: value for key, value in {**SIDECAR, **changes}.items() if value is not None}
    path.with_name("sub-01_ses-1_trc-FDG_pet.json").write_text(json.dumps(facts))
    return top


HOUR = 74e3 / 370e6 * 2 ** (3600 / 6586.2)


def test_bids_sidecar_gives_suv(tmp_path: Path) -> None:
    study = read_nifti_study(bids(tmp_path))
    assert study.id == "sub-01_ses-1"
    assert study.suv().array.max() == pytest.approx(60000 * HOUR, rel=1e-6)
    assert study.pet_series is not None
    assert (study.pet_series.uptake_s, study.pet_series.dose_bq) == (3600, 370e6)
    assert study.pet_series.suv is not None
    assert study.pet_series.suv.branch == "bqml-start"
    assert (study.context.tracer, study.context.sources["tracer"]) == ("FDG", "header")


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({"ImageDecayCorrectionTime": -3600}, 74e3 / 370e6),
        ({"ImageDecayCorrected": False}, HOUR),
        ({"Units": "kBq/mL", "InjectedRadioactivity": 0.37, "InjectedRadioactivityUnits": "TBq"}, None),
        ({"Units": "kBq/mL", "InjectedRadioactivity": 0.37, "InjectedRadioactivityUnits": "GBq"}, 1000 * HOUR),
        ({"TimeZero": "00:15:00"}, HOUR),
        ({"AttenuationCorrection": "none"}, None),
        ({"BodyWeight": None}, None),
        ({"InjectionStart": None}, None),
        ({"InjectionStart": 600}, None),
        ({"Units": "counts"}, None),
    ],
)
def test_bids_variants(changes: dict[str, object], factor: float | None, tmp_path: Path) -> None:
    folder = bids(tmp_path, **changes)
    if factor is None:
        with pytest.raises(SuvError):
            read_nifti_study(folder)
    else:
        assert read_nifti_study(folder).suv().array.max() == pytest.approx(60000 * factor, rel=1e-6)


def test_bids_weight_of_the_participants_table(tmp_path: Path) -> None:
    bids(tmp_path, BodyWeight=None)
    (tmp_path / "participants.tsv").write_text("participant_id\tsex\tweight\nsub-02\tF\t50\nsub-01\tM\t74\n")
    study = read_nifti_study(tmp_path)
    assert study.suv().array.max() == pytest.approx(60000 * HOUR, rel=1e-6)
    assert study.context.sex is Sex.M


def test_bids_without_sidecar_or_with_suv(tmp_path: Path) -> None:
    bids(tmp_path)
    next(tmp_path.rglob("*.json")).unlink()
    with pytest.raises(SuvError, match="without the header"):
        read_nifti_study(tmp_path)
    bids(tmp_path, 1.0, Units="SUV")
    assert read_nifti_study(tmp_path).suv().array.max() == 12
    next(tmp_path.rglob("*.json")).write_text("{")
    with pytest.raises(SuvError, match="sidecar"):
        read_nifti_study(tmp_path)


def test_bids_nac_and_dynamic_are_passed_over(tmp_path: Path) -> None:
    bids(tmp_path)
    home = tmp_path / "sub-01" / "ses-1" / "pet"
    pet(home / "sub-01_ses-1_rec-nacstat_pet.nii.gz"), pet(home / "sub-01_ses-1_rec-acdyn_pet.nii.gz")
    study = read_nifti_study(tmp_path)
    assert {f.reason for f in study.found if f.role is None} == {"not attenuation-corrected", "dynamic PET"}


# ------------------------------------------------------------------ real files


@pytest.mark.reference
def test_real_pair(shared: Path) -> None:
    study = read_nifti_study(shared / "data" / "ibsi_sts_001" / "nifti")
    assert study.ct is not None
    assert study.suv().grid.shape == (59, 43, 41)
    assert study.ct.grid.shape == (59, 202, 198)
    assert study.suv().array.max() == pytest.approx(25.4123, abs=1e-4)
    assert study.suv().grid.origin_mm == pytest.approx((-21.09375, -86.71875, -881.3), abs=1e-3)  # of the DICOM
