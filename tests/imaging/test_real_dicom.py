"""Real scanners' files in the shared folder, found by listing."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose

from petrg import read_study
from petrg.imaging.inspect import inspect_path

pytestmark = pytest.mark.reference


def is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


@cache
def dicom_files(case: Path) -> list[Path]:
    return [p for p in sorted(case.rglob("*")) if p.is_file() and is_dicom(p)]


def folders(shared: Path, *, ct: bool, pet: bool) -> list[Path]:
    """Folders of shared data below which there are DICOM images of these modalities, and no others of the two."""
    found = []
    for top in sorted(p for p in (shared / "data").iterdir() if p.is_dir()):
        firsts = {p.parent: p for p in reversed(dicom_files(top))}.values()
        kinds = {pydicom.dcmread(p, stop_before_pixels=True).Modality for p in firsts}
        if kinds and ("CT" in kinds, "PT" in kinds) == (ct, pet):
            found.append(top)
    return found


def listed(shared: Path, **kinds: bool) -> list[Path]:
    found = folders(shared, **kinds)
    if not found:
        pytest.skip("no such case in the shared folder")
    return found


def test_the_factor_of_a_whole_body_pet(shared: Path) -> None:
    for case in listed(shared, ct=False, pet=True):
        seen = inspect_path(case)
        assert seen.pet is not None
        assert seen.pet.suv is not None
        assert not seen.refused
        first = next(p for p in dicom_files(case) if pydicom.dcmread(p, stop_before_pixels=True).Modality == "PT")
        ds = pydicom.dcmread(first)
        drug = ds.RadiopharmaceuticalInformationSequence[0]
        if ds.Units == "BQML" and ds.DecayCorrection == "START" and ds.SeriesTime <= ds.AcquisitionTime:
            minutes = [
                int(t[:2]) * 3600 + int(t[2:4]) * 60 + float(t[4:])
                for t in (ds.SeriesTime, drug.RadiopharmaceuticalStartTime)
            ]
            decayed = float(drug.RadionuclideTotalDose) * 2 ** (
                -(minutes[0] - minutes[1]) / float(drug.RadionuclideHalfLife)
            )
            assert seen.pet.suv.factor_g_per_bq == pytest.approx(1000 * float(ds.PatientWeight) / decayed, rel=1e-9)
        if case.name == "sts_001_ge_pet":
            assert seen.pet.suv.factor_g_per_bq == pytest.approx(2.429029766e-4, rel=1e-6)


def test_every_slice_of_a_whole_body_pet_is_its_own_file(shared: Path) -> None:
    for case in listed(shared, ct=False, pet=True):
        study = read_study(case)
        assert study.pet is not None
        assert study.pet_series is not None
        assert study.pet_series.suv is not None
        factor = study.pet_series.suv.factor_g_per_bq
        if factor is None:
            continue
        by_uid = {}
        for path in dicom_files(case):
            ds = pydicom.dcmread(path)
            by_uid[ds.SOPInstanceUID] = ds
        for z in (0, len(study.pet_series.sop_uids) // 2, -1):
            ds = by_uid[study.pet_series.sop_uids[z]]
            assert_allclose(study.pet.array[z], ds.pixel_array * float(ds.RescaleSlope) * factor, rtol=1e-6)
            at = study.pet.grid.to_mm([range(study.pet.grid.shape[0])[z], 0, 0])
            assert_allclose(at, [float(v) for v in ds.ImagePositionPatient], atol=0.1)


def test_a_real_pair_of_derived_secondary_images_reads_as_its_nifti(shared: Path) -> None:
    for case in listed(shared, ct=True, pet=True):
        study = read_study(case / "dicom" if (case / "dicom").is_dir() else case)
        assert study.ct is not None
        assert study.pet is not None
        assert any(f.reason == "neither CT nor PET (MR)" for f in study.found) or not list(case.rglob("*MR*"))
        for volume, name in ((study.ct, "CT"), (study.pet, "PET")):
            for file in case.rglob(f"{name}_image.nii.gz"):
                image = nibabel.load(file)
                other = np.asarray(image.dataobj, np.float32).transpose(2, 1, 0)
                lps = np.diag([-1.0, -1, 1, 1]) @ image.affine
                assert other.shape == volume.array.shape
                # the same voxel by place, whatever the order of the axes in the file
                for index in ((0, 0, 0), (5, 20, 30), (40, 10, 12)):
                    x, y, z = np.linalg.solve(lps, [*volume.grid.to_mm(index), 1])[:3]
                    place = tuple(round(v) for v in (z, y, x))
                    assert_allclose(np.array(place), (z, y, x), atol=0.05)
                    assert other[place] == pytest.approx(volume.array[index], abs=1 if name == "CT" else 2e-4)


def test_roi_and_its_neighbours_are_passed_over(shared: Path) -> None:
    for case in listed(shared, ct=True, pet=True):
        over = {
            p.reason: p.files for p in read_study(case / "dicom" if (case / "dicom").is_dir() else case).passed_over
        }
        assert over["RT structure set: contours are read as lesion masks, not as images"] >= 2


def test_jpeg_2000_slices_with_empty_uids_read_by_their_places(shared: Path) -> None:
    for case in listed(shared, ct=True, pet=False):
        study = read_study(case)
        assert study.ct is not None
        files = [pydicom.dcmread(p) for p in dicom_files(case)]
        assert study.ct.grid.shape[0] == len(files)
        files.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
        for z in (0, len(files) - 1):
            hu = files[z].pixel_array * float(files[z].RescaleSlope) + float(files[z].RescaleIntercept)
            assert_allclose(study.ct.array[z], np.maximum(hu, -1024))
        assert ("empty-uids" in [p.code for p in study.problems]) == (not files[0].SOPInstanceUID)


def test_nothing_of_a_real_header_leaks(shared: Path) -> None:
    for case in [*folders(shared, ct=True, pet=True), *folders(shared, ct=False, pet=True)]:
        text = json.dumps(json.loads(inspect_path(case).model_dump_json()))
        identity = read_study(case).identity
        for value in (identity.name, identity.patient_id, identity.birth_date, identity.accession_number):
            assert not value or value not in text
