"""Input that cannot be used: each with its exact line, and inspect goes on where it can."""

from __future__ import annotations

import random
from pathlib import Path

import pydicom
import pytest
from dicom_files import ct, drug, pet, save, uid, write
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from petrg import read_study
from petrg.errors import GeometryError, InputError, PixelError, StudyError, SuvError
from petrg.imaging import require
from petrg.imaging.inspect import inspect_path
from petrg.imaging.quantity import Quantity

WEIGHT = "expected a weight of 0.5 to 500 kg — give --weight-kg, or go on without SUV by --quantity activity"
SECRETS = ("Roe", "Jane", "P-0001", "19610402", "ACC-77", "20240501", "1961")


def line(path: object, **options: object) -> str:
    """The one line a user reads; checked to hold no identity and to stand in inspect's problems too."""
    with pytest.raises(InputError) as error:
        require(read_study(path, **options))  # type: ignore[arg-type]
    text = str(error.value)
    assert "\n" not in text
    assert text.count(" — ") == 2
    assert not any(secret in text for secret in SECRETS)
    if Path(str(path)).exists():
        seen = inspect_path(path, **options)  # type: ignore[arg-type]
        refused = [p.text for p in seen.problems if p.refusal]
        assert text in refused or not refused  # what only some verbs need is no refusal of the study
        assert not any(secret in seen.model_dump_json() for secret in SECRETS)
    return text


def test_empty_folder(tmp_path: Path) -> None:
    assert line(tmp_path) == "an empty folder — expected a folder of DICOM or NIfTI files — check the path"


def test_non_dicom_junk(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.dcm").write_bytes(random.Random(i).randbytes(900))
    assert line(tmp_path) == (
        "no CT or PET image among 3 files — expected a PET/CT study in DICOM or NIfTI — check the path"
    )


def test_no_pet(tmp_path: Path) -> None:
    write(tmp_path, ct())
    assert line(tmp_path) == (
        "no PET in the study — expected an attenuation-corrected PET — point to the folder that holds the PET"
    )


def test_no_ct(tmp_path: Path) -> None:
    write(tmp_path, pet())
    assert line(tmp_path) == (
        "no CT in the study — expected a CT beside the PET — point to the folder that holds it, or give --pet-only"
    )
    assert require(read_study(tmp_path), ct=False).pet is not None


def test_only_a_dynamic_pet(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, "SeriesType", ["DYNAMIC", "IMAGE"])))
    assert line(tmp_path) == (
        "no PET in the study (passed over: dynamic series (0054,1000)) — expected an attenuation-corrected PET — "
        "point to the folder that holds the PET"
    )


@pytest.mark.parametrize(
    ("keyword", "value", "what"),
    [
        ("PatientID", "P-0002", "patient IDs"),
        ("PatientBirthDate", "19700101", "birth dates"),
        ("PatientName", "Doe^Richard", "patient names"),
    ],
)
def test_two_patients(tmp_path: Path, keyword: str, value: str, what: str) -> None:
    write(tmp_path, ct(edit=lambda ds, i: setattr(ds, keyword, value)), pet())
    assert line(tmp_path) == (
        f"two patients: the images differ in {what} — expected images of one patient — "
        "give each patient's folder, or --study N"
    )


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", ""),
        ("PatientBirthDate", ""),
        ("PatientName", ""),
        ("PatientName", "ROE^JANE^^^"),
        ("PatientName", "roe jane"),
        ("PatientID", "p-0001 "),
    ],
)
def test_the_same_patient_written_otherwise_is_one(tmp_path: Path, keyword: str, value: str) -> None:
    write(tmp_path, ct(edit=lambda ds, i: setattr(ds, keyword, value)), pet())
    assert require(read_study(tmp_path)).identity.name in ("Roe^Jane", value)


def test_two_studies(tmp_path: Path) -> None:
    def second(ds: Dataset, i: int) -> None:
        ds.StudyInstanceUID, ds.AcquisitionDate = uid("second"), "20240801"

    write(tmp_path, ct(), pet(), pet(series="again", number=4, edit=second))
    assert line(tmp_path) == (
        "2 studies: 1 (4 CT + 4 PT images), 2 (4 PT images) — expected one study — choose one with --study N"
    )
    assert line(tmp_path, study=3) == (
        "no study by that number or UID — expected --study 1 to 2: 1 (4 CT + 4 PT images), 2 (4 PT images) — "
        "see petrg inspect"
    )
    assert read_study(tmp_path, study="1").ct is not None
    for choice in (2, "2", uid("second")):
        study = read_study(tmp_path, study=choice)
        assert study.ct is None
        assert study.pet_series is not None
        assert study.pet_series.number == 4
    seen = inspect_path(tmp_path)
    assert [f.reason for f in seen.found] == ["study 1 of 2"] * 2 + ["study 2 of 2"]


def test_two_patients_in_two_studies_can_be_chosen(tmp_path: Path) -> None:
    def second(ds: Dataset, i: int) -> None:
        ds.StudyInstanceUID, ds.PatientID = uid("second"), "P-0002"

    write(tmp_path, ct(), pet(series="again", edit=second))
    assert line(tmp_path).startswith("two patients: the images differ in patient IDs")
    assert read_study(tmp_path, study=1).ct is not None


def test_different_frames_of_reference(tmp_path: Path) -> None:
    write(tmp_path, ct(edit=lambda ds, i: setattr(ds, "FrameOfReferenceUID", "1.2.3.99")), pet())
    assert line(tmp_path) == (
        "CT and PET in different frames of reference — expected both in one, so that places agree — "
        "choose a matching CT with --ct-series, or leave it out with --ct-series none"
    )


def test_an_absent_frame_of_reference_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, ct(edit=lambda ds, i: delattr(ds, "FrameOfReferenceUID")), pet())
    assert [p.code for p in read_study(tmp_path).problems] == ["frame-of-reference-absent"]


def test_weight_zero_leaves_the_ct_to_inspect(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, "PatientWeight", 0)))
    text = line(tmp_path)
    assert text == f"weight 0 kg in the header — {WEIGHT}"
    seen = inspect_path(tmp_path)
    assert seen.ct is not None
    assert seen.pet is None
    assert [(p.code, p.text) for p in seen.problems if p.refusal] == [("suv-error", text)]
    assert read_study(tmp_path, quantity=Quantity.ACTIVITY).pet is not None


def test_weight_absent(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: delattr(ds, "PatientWeight")))
    assert line(tmp_path) == f"no weight in the header — {WEIGHT}"


def test_nac_only(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, "CorrectedImage", ["DECY", "SCAT"])))
    assert line(tmp_path) == (
        "only PET without attenuation correction (NAC) — expected an attenuation-corrected PET — "
        "export the AC series, or go on without PET by --pet-series none"
    )


def test_counts_without_factors(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, "Units", "CNTS")))
    assert line(tmp_path) == (
        "PET in counts (CNTS) without Philips' factors (7053,xx00 and 7053,xx09) — expected one of them above 0 — "
        "export the series again with its private tags, or as BQML or GML"
    )


def test_unknown_units(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, "Units", "PROPCPS")))
    assert line(tmp_path) == (
        "PET units 'PROPCPS' — expected BQML, GML, CM2ML, or CNTS with Philips' factors — "
        "export the PET in Bq/ml (BQML) or as SUV (GML)"
    )


def test_injection_after_the_scan(tmp_path: Path) -> None:
    def late(ds: Dataset, i: int) -> None:
        drug(ds).RadiopharmaceuticalStartTime = "113000"

    write(tmp_path, ct(), pet(edit=late))
    assert line(tmp_path) == (
        "injection 90.0 min after the scan — expected an injection before the scan — "
        "give --injected-at, or go on without SUV by --quantity activity"
    )


def test_shifted_dates(tmp_path: Path) -> None:
    def shifted(ds: Dataset, i: int) -> None:
        drug(ds).RadiopharmaceuticalStartDateTime = "20240220090000"

    write(tmp_path, ct(), pet(edit=shifted))
    assert line(tmp_path) == (
        "the injection is dated on another day than the scan (dates shifted by de-identification?) — expected an "
        "injection within 6.0 h before the scan — give --injected-at, or go on without SUV by --quantity activity"
    )


def test_dose_in_mbq_is_refused_where_the_balance_fails(tmp_path: Path) -> None:
    """370 Bq read as MBq; the few voxels hold no such share of it that the guess could stand."""

    def mbq(ds: Dataset, i: int) -> None:
        drug(ds).RadionuclideTotalDose = 370
        ds.RescaleSlope = 1e7

    write(tmp_path, ct(), pet(edit=mbq))
    assert line(tmp_path) == (
        "dose in the header under 1e6 Bq, and read as MBq the activity in the image is 40.2 of the dose — "
        "expected 0.5 to 1.1 — give --dose-mbq"
    )


def test_a_truncated_file(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet())
    for keep, text in (
        (-20, "1 of 4 images of the CT truncated or corrupt — expected complete files — copy or export them again"),
        (500, None),
    ):
        folder = tmp_path / str(keep)
        write(folder, ct(), pet())
        target = next(p for p in folder.iterdir() if pydicom.dcmread(p).Modality == "CT")
        target.write_bytes(target.read_bytes()[:keep])
        if text is not None:
            assert line(folder) == text
        else:
            assert any("truncated or corrupt" in p.text or p.refusal for p in inspect_path(folder).problems)


def test_every_truncation_of_a_file_is_noticed(tmp_path: Path) -> None:
    series = ct()
    write(tmp_path, series)
    target = sorted(tmp_path.iterdir())[-1]
    whole = target.read_bytes()
    for keep in range(0, len(whole), 7):
        target.write_bytes(whole[:keep])
        seen = inspect_path(tmp_path)
        assert seen.ct is None or seen.problems or seen.passed_over, keep


def test_empty_uids_are_read_with_a_problem(tmp_path: Path) -> None:
    def empty(ds: Dataset, i: int) -> None:
        ds.SOPInstanceUID = ds.SeriesInstanceUID = ds.StudyInstanceUID = ds.SOPClassUID = ""

    write(tmp_path, ct(edit=empty))
    study = read_study(tmp_path)
    assert study.ct is not None
    assert study.ct.grid.shape[0] == 4
    assert [str(p) for p in study.problems] == [
        "CT with empty UIDs: its images were grouped by their geometry and cannot be cited"
    ]


def test_text_in_gb18030(tmp_path: Path) -> None:
    def chinese(ds: Dataset, i: int) -> None:
        ds.SpecificCharacterSet = "GB18030"
        ds.PatientName, ds.SeriesDescription = "Roe^Jane=王^小东", "全身 衰减校正"

    write(tmp_path, ct(), pet(edit=chinese))
    study = require(read_study(tmp_path))
    assert study.identity.name == "Roe^Jane=王^小东" or study.identity.name == "Roe^Jane"
    assert study.pet_series is not None
    assert study.pet_series.description == "全身 衰减校正"


def test_undeclared_gb18030(tmp_path: Path) -> None:
    for i, ds in enumerate(pet()):
        ds.PatientName = "XXXXXX"
        path = save(ds, tmp_path / str(i))
        path.write_bytes(path.read_bytes().replace(b"XXXXXX", "王^东".encode("gb18030") + b" "))
    assert read_study(tmp_path).identity.name == "王^东"


def test_an_unknown_character_set_does_not_stop_the_reading(tmp_path: Path) -> None:
    write(tmp_path, pet(edit=lambda ds, i: setattr(ds, "SpecificCharacterSet", "ISO_IR 100")))
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", b"ISO_IR 999"))
    assert read_study(tmp_path).pet is not None


def test_private_tags_without_their_creator(tmp_path: Path) -> None:
    def private(ds: Dataset, i: int) -> None:
        ds.add_new(0x7053_1000, "UN", b"0.5 ")
        ds.add_new(0x0009_100D, "UN", b"20240501093000")

    write(tmp_path, pet(edit=private))
    study = read_study(tmp_path)
    assert study.pet_series is not None
    assert study.pet_series.suv is not None
    assert study.pet_series.suv.branch.startswith("bqml")


def test_enhanced_pet_is_refused_aloud(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.130")))
    assert line(tmp_path) == (
        "the PET is an enhanced multi-frame object, whose SUV rules differ — expected single-frame or legacy-converted "
        "PET — export it as single images, or go on without PET by --pet-series none"
    )


def test_errors_are_of_their_kind() -> None:
    assert issubclass(GeometryError, StudyError)
    assert issubclass(PixelError, StudyError)
    assert issubclass(SuvError, StudyError)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_damaged_headers_lead_to_typed_errors_only(tmp_path: Path, syntax: str) -> None:
    for i, ds in enumerate([*ct(zs=(0, 3)), *pet(zs=(0, 3))]):
        save(ds, tmp_path / str(i), syntax)
    whole = {p: p.read_bytes() for p in tmp_path.iterdir()}
    rng = random.Random(11)
    outcomes = set()
    for _ in range(90):
        path = rng.choice(sorted(whole))
        raw = bytearray(whole[path])
        for _ in range(rng.randint(1, 12)):
            raw[rng.randrange(len(raw))] = rng.choice((0, 255, rng.randrange(256)))
        path.write_bytes(raw[: rng.randrange(len(raw))] if rng.random() < 0.1 else raw)
        try:
            read_study(tmp_path)
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
        inspect_path(tmp_path)
        path.write_bytes(whole[path])
    assert outcomes == {"read", "refused"}
