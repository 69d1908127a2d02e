"""Real scanner headers against factors of an independent implementation."""

import json
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from petrg.errors import SuvError
from petrg.imaging.dicom.suv_header import suv_header
from petrg.imaging.suv import Injection, suv_factor, suv_scale

pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore:Invalid value for VR CS")]

OF_INJECTION = {
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
}


def dataset(facts: dict) -> Dataset:
    """A PET header as pydicom would read it, private groups under their creators."""
    ds, injection = Dataset(), Dataset()
    for key, value in facts.items():
        if key == "PhilipsPETPrivateGroup":
            block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
            for element, name in ((0x00, "SUVScaleFactor"), (0x09, "ActivityConcentrationScaleFactor")):
                if name in value:
                    block.add_new(element, "DS", str(value[name]).strip())
        elif key == "GEPrivatePostInjectionDateTime":
            ds.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", value.strip())
        elif key in OF_INJECTION:
            setattr(injection, key, str(value).strip())
        else:
            setattr(ds, key, value if isinstance(value, list) else str(value).strip())
    ds.RadiopharmaceuticalInformationSequence = [injection]
    return ds


def headers(case: dict) -> list:
    return [suv_header(dataset(instance)) for instance in case["instances"]]


@pytest.fixture
def cases(shared: Path) -> list[dict]:
    return json.loads((shared / "data/suv_oracle/expected_suvbw.json").read_text())


def real(cases: list[dict]) -> list[dict]:
    return [case for case in cases if case["kind"].startswith("real")]


def test_every_real_header_to_1e_9(cases: list[dict]) -> None:
    assert len(real(cases)) >= 8
    for case in real(cases):
        expected = [float(one["suvbw"]) for one in case["oracle"]]
        assert suv_scale(headers(case)).suv_per_image == pytest.approx(expected, rel=1e-9), case["name"]


def test_real_headers_survive_a_file(cases: list[dict], tmp_path: Path) -> None:
    """Written and read back, so that values come as raw bytes and not as converted ones."""
    for case in real(cases):
        ds = dataset(case["instances"][0])
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        pydicom.dcmwrite(tmp_path / "one.dcm", ds, enforce_file_format=False)
        again = suv_header(pydicom.dcmread(tmp_path / "one.dcm", force=True))
        expected = float(case["oracle"][0]["suvbw"])
        assert suv_scale([again]).suv_per_image[0] == pytest.approx(expected, rel=1e-9), case["name"]


def test_unit_cases_are_the_bare_formula(cases: list[dict]) -> None:
    seen = 0
    for case in cases:
        if case["kind"] == "upstream unit test" and case["instances"][0]["Units"] == "BQML":
            one = case["instances"][0]
            factor = suv_factor(
                Injection(
                    dose_bq=one["RadionuclideTotalDose"],
                    half_life_s=one["RadionuclideHalfLife"],
                    weight_kg=one["PatientWeight"],
                )
            )
            assert factor == pytest.approx(float(case["oracle"][0]["suvbw"]), rel=1e-12)
            seen += 1
    assert seen


def test_cases_the_oracle_refuses_are_refused(cases: list[dict]) -> None:
    refused = [case for case in cases if case["kind"] == "upstream error test"]
    assert refused
    for case in refused:
        with pytest.raises(SuvError):
            suv_scale(headers(case))


def test_where_the_oracle_is_wrong_the_rules_of_qiba_hold(cases: list[dict]) -> None:
    """Its README: ADMIN decayed again, no day-before for a bare time."""
    for case in cases:
        if not case["kind"].startswith("probe") or case["instances"][0]["Units"] != "BQML":
            continue
        one = case["instances"][0]
        scale = suv_scale(headers(case))
        undecayed = one["PatientWeight"] * 1000 / one["RadionuclideTotalDose"]
        if one["DecayCorrection"] == "ADMIN":
            assert scale.suv_per_image[0] == pytest.approx(undecayed, rel=1e-12)
        elif case.get("oracle_error"):
            assert scale.uptake_s == 3600  # 23:15 to 00:15
            expected = undecayed * 2 ** (3600 / one["RadionuclideHalfLife"])
            assert scale.suv_per_image[0] == pytest.approx(expected, rel=1e-12)
            assert "injection-day-before" in {p.code for p in scale.problems}
        else:
            assert scale.suv_per_image[0] == pytest.approx(float(case["oracle"][0]["suvbw"]), rel=1e-9)


def test_ge_study_has_its_published_factor(shared: Path) -> None:
    """STS_001, IBSI: 2.429029766e-4 to 1e-6."""
    image = next(p for p in (shared / "data/sts_001_ge_pet").rglob("image/*.dcm"))
    scale = suv_scale([suv_header(pydicom.dcmread(image, stop_before_pixels=True))])
    assert scale.provenance.factor_g_per_bq == pytest.approx(2.429029766e-4, rel=1e-6)
    assert (scale.provenance.branch, scale.tracer, scale.nuclide) == ("bqml-start", "FDG", "F-18")
    assert scale.uptake_s == 45 * 60 + 11
