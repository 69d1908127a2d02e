"""Weights see what their encoder was trained on, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from petrg import phantom
from petrg.draft.domain import expect_domain
from petrg.errors import ModelError
from petrg.imaging import read_study
from petrg.imaging.phantom_mark import PHANTOM_MAKER


@pytest.fixture(scope="module")
def small():
    return phantom.make(5, size="small", lesions=1)


@pytest.fixture(scope="module")
def dicom(small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom.write_dicom(small, tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def nifti(small, tmp_path: Path) -> Path:
    return phantom.write_nifti(small, tmp_path / "pair")


@pytest.mark.parametrize("vendor", ["siemens", "ge", "philips"])
def test_a_phantom_s_dicom_says_so_whatever_the_vendor(small, tmp_path: Path, vendor: str) -> None:
    expect_domain(read_study(phantom.write_dicom(small, tmp_path, vendor=vendor)), "phantoms")


def test_a_phantom_s_nifti_proves_itself_by_its_hash(nifti: Path) -> None:
    study = read_study(nifti)
    assert study.ct_series.manufacturer == study.pet_series.manufacturer == PHANTOM_MAKER
    expect_domain(study, "phantoms")


def _sidecar(folder: Path, **sha256: str) -> None:
    facts = json.loads((folder / "phantom.json").read_text())
    facts["sha256"] |= sha256
    (folder / "phantom.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("spoil", ["none", "ct", "pet", "swapped", "text", "list", "huge"])
def test_without_the_right_sidecar_it_is_no_phantom(nifti: Path, spoil: str) -> None:
    told = json.loads((nifti / "phantom.json").read_text())["sha256"]
    match spoil:
        case "none":
            (nifti / "phantom.json").unlink()
        case "ct" | "pet":
            _sidecar(nifti, **{spoil: "0" * 64})
        case "swapped":
            _sidecar(nifti, ct=told["pet"], pet=told["ct"])
        case "text":
            (nifti / "phantom.json").write_text("petrg phantom")
        case "list":
            (nifti / "phantom.json").write_text("[1]")
        case "huge":
            (nifti / "phantom.json").write_text(json.dumps({"sha256": told, "x": "y" * 70000}))
    with pytest.raises(ModelError, match="does not prove to be one") as refused:
        expect_domain(read_study(nifti), "phantoms")
    assert "leave --weights out for the measured writer, or take weights trained on patients" in str(refused.value)


def test_one_changed_voxel_is_enough(small, nifti: Path) -> None:
    from petrg.imaging import Quantity, Volume
    from petrg.imaging.nifti_file import write_nifti

    array = np.array(small.pet.array)
    array[10, 10, 10] += 0.5
    write_nifti(Volume(array, small.pet.grid, Quantity.SUV_BW), next(nifti.glob("*_0001.nii.gz")))
    with pytest.raises(ModelError, match="does not prove"):
        expect_domain(read_study(nifti), "phantoms")


def test_each_modality_has_to_prove_itself(dicom: Path) -> None:
    study = read_study(dicom)
    for part in ("ct_series", "pet_series"):
        odd = replace(study, **{part: replace(getattr(study, part), manufacturer="SIEMENS")})
        with pytest.raises(ModelError, match="does not prove"):
            expect_domain(odd, "phantoms")
        with pytest.raises(ModelError, match="does not prove"):
            expect_domain(replace(study, **{part: None}), "phantoms")
    expect_domain(replace(study, ct=None, ct_series=None), "phantoms")


def test_a_patient_is_no_phantom(hand) -> None:
    with pytest.raises(ModelError, match="does not prove"):
        expect_domain(hand.study(), "phantoms")
    expect_domain(hand.study(), "patients")


def test_untrained_weights_write_in_tests_only(hand) -> None:
    with pytest.raises(ModelError, match="untrained"):
        expect_domain(hand.study(), "untrained")
    expect_domain(hand.study(), "untrained", allow_untrained=True)


def test_a_domain_that_nobody_knows_is_refused(hand) -> None:
    with pytest.raises(ModelError, match="unknown domain"):
        expect_domain(hand.study(), "mice", allow_untrained=True)
