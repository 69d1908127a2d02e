import hashlib
import json
import math
from collections import defaultdict

import nibabel
import numpy as np
import pydicom
import pytest

import petrg
from petrg.errors import InputError, OutputError
from petrg.phantom import GENERATOR, Truth, make, write_dicom, write_nifti
from petrg.phantom.dicom import uncorrected
from petrg.phantom.splice import MARKS, Template, decimal

VENDORS = ("siemens", "ge", "philips")


@pytest.fixture(scope="module")
def phantom():
    return make(12, size="small", coverage="chest")


@pytest.fixture(scope="module", params=VENDORS)
def written(request, phantom, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param) / "study"
    folder = write_dicom(phantom, out, request.param)
    series = defaultdict(list)
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        series[ds.SeriesDescription].append(ds)
    for images in series.values():
        images.sort(key=lambda d: float(d.ImagePositionPatient[2]) if "ImagePositionPatient" in d else 0)
    return request.param, out, series


def seconds(text):
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])


def suv_by_hand(vendor, images):
    """SUVbw from the header alone: activity x weight / dose decayed to the scan's start."""
    first = images[-1]  # head first: the earliest bed
    stack = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in images])
    if vendor == "philips":
        assert first.Units == "CNTS"
        assert first[0x7053, 0x0010].value == "Philips PET Private Group"
        return stack * float(first[0x7053, 0x1000].value)
    assert first.Units == "BQML"
    dose = first.RadiopharmaceuticalInformationSequence[0]
    if vendor == "ge":
        assert first[0x0009, 0x0010].value == "GEMS_PETD_01"
        start = seconds(first[0x0009, 0x100D].value[8:])
        assert seconds(first.SeriesTime) > min(seconds(d.AcquisitionTime) for d in images)
    else:
        start = seconds(first.SeriesTime)
        assert start == min(seconds(d.AcquisitionTime) for d in images)
    elapsed = start - seconds(dose.RadiopharmaceuticalStartTime)
    assert elapsed == pytest.approx(3600)
    decayed = float(dose.RadionuclideTotalDose) * 0.5 ** (elapsed / float(dose.RadionuclideHalfLife))
    return stack * (float(first.PatientWeight) * 1000 / decayed)


def test_suv_read_back_by_hand_is_the_phantom_to_quantisation(written, phantom):
    vendor, _, series = written
    suv = suv_by_hand(vendor, series["PET WB"])
    step = phantom.pet.array.max((1, 2)) / 32767
    error = np.abs(suv - phantom.pet.array).max((1, 2))
    assert (error <= 0.51 * step + 1e-6).all()


def test_undecayed_dose_would_be_wrong(written, phantom):
    # what one package does: the dose at injection; 31 % low after an hour
    _, _, series = written
    ratio = 0.5 ** (3600 / 6586.2)
    assert ratio == pytest.approx(0.6847, abs=1e-3)
    dose = float(series["PET WB"][0].RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose)
    assert dose / phantom.truth.weight_kg == pytest.approx(4e6, rel=0.01)


def test_philips_factors_agree_with_each_other(phantom, tmp_path):
    folder = write_dicom(phantom, tmp_path / "out", "philips")
    images = [pydicom.dcmread(p) for p in folder.iterdir()]
    pet = next(d for d in images if d.SeriesDescription == "PET WB")
    dose = pet.RadiopharmaceuticalInformationSequence[0]
    decayed = float(dose.RadionuclideTotalDose) * 0.5 ** (3600 / float(dose.RadionuclideHalfLife))
    per_bq = float(pet.PatientWeight) * 1000 / decayed
    assert float(pet[0x7053, 0x1009].value) * per_bq == pytest.approx(float(pet[0x7053, 0x1000].value), rel=1e-6)


def test_ct_read_back_is_the_phantom(written, phantom):
    vendor, _, series = written
    images = series["CT WB low dose"]
    hu = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in images])
    if vendor == "ge":
        padded = np.stack([d.pixel_array for d in images]) == images[0].PixelPaddingValue
        assert padded.any()
        assert (phantom.ct.array[padded] == -1024).all()
        hu[padded] = -1024
    assert np.array_equal(hu, phantom.ct.array)
    assert images[0].PixelRepresentation == (1 if vendor == "ge" else 0)


def test_positions_and_sides_are_those_of_the_grid(written, phantom):
    _, _, series = written
    for name, volume in (("PET WB", phantom.pet), ("CT WB low dose", phantom.ct)):
        images = series[name]
        assert len(images) == volume.grid.shape[0]
        for i in (0, len(images) // 2, len(images) - 1):
            assert np.allclose(
                [float(v) for v in images[i].ImagePositionPatient], volume.grid.to_mm([i, 0, 0]), atol=1e-4
            )
        assert [float(v) for v in images[0].ImageOrientationPatient] == [1, 0, 0, 0, 1, 0]
        assert [float(v) for v in images[0].PixelSpacing] == pytest.approx(volume.grid.spacing_mm[1:])
    assert [int(d.InstanceNumber) for d in series["PET WB"]] == list(range(len(series["PET WB"]), 0, -1))
    assert [int(d.ImageIndex) for d in series["PET WB"]] == list(range(len(series["PET WB"]), 0, -1))


def test_the_study_holds_what_a_hospital_exports(written):
    vendor, out, series = written
    assert set(series) == {"CT WB low dose", "PET WB", "PET WB uncorrected", "Topogram", "MIP screen save"}
    every = [d for images in series.values() for d in images]
    assert {d.Manufacturer for d in every} == {"petrg phantom"}
    assert vendor not in {d.Manufacturer.lower() for d in every}
    assert {str(d.PatientName) for d in every} == {"Nobody^Seed 12"}
    assert len({d.StudyInstanceUID for d in every}) == 1
    assert len({d.SOPInstanceUID for d in every}) == len(every)
    assert len({images[0].SeriesInstanceUID for images in series.values()}) == 5
    assert len({d.FrameOfReferenceUID for d in every if "FrameOfReferenceUID" in d}) == 1
    assert all(len(d.SOPInstanceUID) <= 64 and d.SOPInstanceUID.is_valid for d in every)
    assert all(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID for d in every)
    assert all("ATTN" in d.CorrectedImage and "DECY" in d.CorrectedImage for d in series["PET WB"])
    assert all("ATTN" not in d.CorrectedImage for d in series["PET WB uncorrected"])
    assert "LOCALIZER" in series["Topogram"][0].ImageType
    assert series["MIP screen save"][0].SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    for path in (out / "dicom").iterdir():
        assert int(path.name, 16) >= 0 if not path.name.isdigit() else True
        assert "Phantom" not in path.name


def test_fdg_is_coded(written):
    _, _, series = written
    item = series["PET WB"][0].RadiopharmaceuticalInformationSequence[0]
    assert item.RadiopharmaceuticalCodeSequence[0].CodeValue == "C-B1031"  # DICOM CID 4021, FDG
    assert item.RadionuclideCodeSequence[0].CodeValue == "C-111A1"  # CID 4020, 18F
    assert float(item.RadionuclideHalfLife) == 6586.2


def test_frame_reference_time_is_when_the_activity_is_the_frames_mean(written):
    _, _, series = written
    first = series["PET WB"][-1]
    frame, reference = 120.0, float(first.FrameReferenceTime) / 1000
    decay = math.log(2) / 6586.2
    t = np.linspace(0, frame, 100_001)
    mean = float(np.exp(-decay * t).mean())
    assert math.exp(-decay * reference) == pytest.approx(mean, rel=1e-6)


def test_headers_are_valid_and_the_truth_lies_beside(written, phantom):
    _, out, series = written
    pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
    try:
        for images in series.values():
            for element in pydicom.dcmread(images[0].filename).iterall():
                assert element.value is not None or element.is_empty
    finally:
        pydicom.config.settings.reading_validation_mode = pydicom.config.WARN
    assert sorted(p.name for p in out.iterdir()) == ["dicom", "truth"]
    assert Truth.read(out / "truth" / "truth.json") == phantom.truth


def test_two_runs_write_the_same_bytes(phantom, tmp_path):
    digests = []
    for name in ("a", "b"):
        folder = write_dicom(phantom, tmp_path / name)
        digests.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()})
    assert digests[0] == digests[1]


def test_uncorrected_is_bright_at_the_skin_and_dark_in_the_depth():
    body = np.zeros((40, 60, 60), np.float32)
    body[:, 10:50, 10:50] = 1.0
    seen = uncorrected(body)
    assert seen[20, 11, 30] > 1.3 * seen[20, 30, 30] > 0
    assert seen[20, 2, 30] == 0


def test_nifti_pair_and_its_facts(phantom, tmp_path):
    write_nifti(phantom, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "phantom-000012_0000.nii.gz",
        "phantom-000012_0001.nii.gz",
        "phantom.json",
        "truth",
    ]
    facts = json.loads((tmp_path / "out" / "phantom.json").read_text())
    assert facts["generator"] == GENERATOR
    assert facts["seed"] == 12
    for name, suffix, volume in (("ct", "0000", phantom.ct), ("pet", "0001", phantom.pet)):
        image = nibabel.load(tmp_path / "out" / f"phantom-000012_{suffix}.nii.gz")
        array = np.asarray(image.dataobj)
        # voxel by voxel through both affines: RAS = (-x, -y, z) of LPS
        for index in ((3, 5, 7), (20, 40, 60)):
            lps = volume.grid.to_mm(index)
            i, j, k = np.round(np.linalg.inv(image.affine) @ [-lps[0], -lps[1], lps[2], 1])[:3].astype(int)
            assert array[i, j, k] == pytest.approx(volume.array[index])
        raw = np.ascontiguousarray(volume.array, "<f4").tobytes()
        assert facts["sha256"][name] == hashlib.sha256(raw).hexdigest()
    study = petrg.read_study(tmp_path / "out")
    for name, volume in (("ct", study.ct), ("pet", study.pet)):  # and the files hold just these voxels
        assert facts["sha256"][name] == hashlib.sha256(volume.array.astype("<f4").tobytes()).hexdigest()
    truth = tmp_path / "out" / "truth"
    assert Truth.read(truth / "truth.json") == phantom.truth
    labels = nibabel.load(truth / "phantom-000012_labels.nii.gz")
    names = json.loads((truth / "phantom-000012_labels.json").read_text())
    seen = {names[str(int(c))] for c in np.unique(np.asarray(labels.dataobj)) if c}
    assert {"heart", "aorta", "vertebrae_T6"} <= seen


def test_unknown_vendor_and_a_file_in_the_way_are_refused(phantom, tmp_path):
    with pytest.raises(
        InputError, match="vendor 'acme' — expected one of siemens, ge, philips — give another --vendor"
    ):
        write_dicom(phantom, tmp_path / "x", "acme")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_dicom(phantom, tmp_path / "file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_value_of_the_wrong_length_never_shifts_a_header():
    template = Template((b"a", b"b"), ("number",))
    assert template.fill({"number": " " * 11 + "7"}, b"!") == b"a           7b!"
    with pytest.raises(ValueError, match="number is 3 characters long, its mark 12"):
        template.fill({"number": "123"}, b"")
    assert all(len(decimal(v)) == len(MARKS["slope"]) for v in (1e-12, 1 / 3, 12345.678901234, -2.5e-7))


def test_inspect_shows_that_a_phantom_is_one(tmp_path):
    """Manufacturer would be hidden if the made-up patient bore a word of it in the name or ID."""
    from petrg.imaging.inspect import inspect_path

    write_dicom(make(12, size="small", coverage="chest"), tmp_path, vendor="ge")
    found = inspect_path(tmp_path / "dicom")
    assert found.pet is not None
    assert found.pet.manufacturer == "petrg phantom"
