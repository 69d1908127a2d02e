"""DICOM headers of a phantom study, by the table of each vendor's habits."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from petrg.errors import InputError
from petrg.imaging.grid import Grid
from petrg.phantom.build import Phantom
from petrg.phantom.spec import GENERATOR
from petrg.phantom.splice import INDEX_MARK, MARKS, uid

__all__ = [
    "BED_S",
    "HALF_LIFE_S",
    "UPTAKE_S",
    "Habits",
    "Vendor",
    "base",
    "ct_header",
    "dose_bq",
    "habits",
    "nac_marks",
    "pet_header",
    "scan_start",
    "suv_factor",
]

Vendor = Literal["siemens", "ge", "philips"]

HALF_LIFE_S = 6586.2
UPTAKE_S = 3600.0
BED_S = 120.0
BED_MM = 150.0
_START = dt.datetime(2024, 1, 15, 10, 0, 0)

_CT = "1.2.840.10008.5.1.4.1.1.2"
_PET = "1.2.840.10008.5.1.4.1.1.128"


class Habits(BaseModel):
    """How one vendor writes headers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: Literal["BQML", "CNTS"]
    corrected: tuple[str, ...]
    uncorrected: tuple[str, ...]
    ct_signed: bool
    ct_bits: int
    ct_padding: int | None = None
    subsecond: float
    start_datetime: bool
    series_time_late_s: float
    reconstruction: str
    kernel: str
    counts_per_bqml: float


@cache
def _table() -> dict[str, Habits]:
    text = files("petrg.phantom").joinpath("vendors.toml").read_text(encoding="utf-8")
    return {name: Habits.model_validate(row) for name, row in tomllib.loads(text).items()}


def habits(vendor: str) -> Habits:
    """The habits of ``vendor``.

    Raises
    ------
    InputError
        If the table has no such vendor.
    """
    if vendor not in _table():
        raise InputError(f"vendor {vendor!r}", f"one of {', '.join(_table())}", "give another --vendor")
    return _table()[vendor]


def scan_start(how: Habits) -> dt.datetime:
    """When the first bed began."""
    return _START + dt.timedelta(seconds=how.subsecond)


def dose_bq(weight_kg: float) -> float:
    """4 MBq/kg, to a tenth of a MBq."""
    return round(4.0 * weight_kg, 1) * 1e6


def suv_factor(weight_kg: float) -> float:
    """SUVbw per Bq/ml at the start of the scan."""
    return weight_kg * 1000.0 / (dose_bq(weight_kg) * math.exp2(-UPTAKE_S / HALF_LIFE_S))


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%H%M%S.%f")


def base(phantom: Phantom, how: Habits, series: str, number: int, description: str) -> Dataset:
    """Patient, study and series of one series of the study."""
    spec, truth = phantom.spec, phantom.truth
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPInstanceUID = MARKS["sop"]
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = _START.strftime("%Y%m%d")
    ds.StudyTime = _time(_START - dt.timedelta(minutes=10))
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = _time(scan_start(how))
    ds.AccessionNumber = f"PH{spec.seed:06d}"
    ds.Manufacturer = "petrg phantom"
    ds.ManufacturerModelName = GENERATOR
    ds.InstitutionName = "petrg"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "PET/CT whole body (phantom)"
    ds.SeriesDescription = description
    ds.PatientName = f"Nobody^Seed {spec.seed}"
    ds.PatientID = f"NOBODY-{spec.seed:06d}"
    ds.PatientBirthDate = f"{_START.year - spec.age_years}0101"
    ds.PatientSex = spec.sex
    ds.PatientAge = f"{spec.age_years:03d}Y"
    ds.PatientSize = f"{spec.height_m:.2f}"
    ds.PatientWeight = f"{truth.weight_kg:.1f}"
    ds.StudyInstanceUID = uid(GENERATOR, spec.to_json(), "study")
    ds.SeriesInstanceUID = uid(ds.StudyInstanceUID, series)
    ds.FrameOfReferenceUID = uid(ds.StudyInstanceUID, "frame")
    ds.PositionReferenceIndicator = ""
    ds.StudyID = str(spec.seed)
    ds.SeriesNumber = number
    ds.InstanceNumber = MARKS["number"]
    ds.PatientPosition = "HFS"
    return ds


def _plane(ds: Dataset, grid: Grid, bits: int, signed: bool) -> None:
    x, y, _ = grid.origin_mm
    dz, dy, dx = grid.spacing_mm
    ds.ImagePositionPatient = [f"{x:.6f}", f"{y:.6f}", MARKS["z"]]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.SliceLocation = MARKS["location"]
    ds.SliceThickness = f"{dz:g}"
    ds.PixelSpacing = [f"{dy:.10g}", f"{dx:.10g}"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = grid.shape[1:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, bits, bits - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = bytes(2 * grid.shape[1] * grid.shape[2])
    ds["PixelData"].VR = "OW"


def ct_header(phantom: Phantom, how: Habits) -> Dataset:
    """One CT slice with marks."""
    ds = base(phantom, how, "ct", 2, "CT WB low dose")
    ds.SOPClassUID, ds.Modality = _CT, "CT"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    before = scan_start(how) - dt.timedelta(minutes=3)
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = _time(before)
    ds.AcquisitionNumber = 1
    ds.KVP, ds.XRayTubeCurrent, ds.Exposure = "120", "60", "40"
    ds.ConvolutionKernel, ds.DataCollectionDiameter = how.kernel, "500"
    ds.ReconstructionDiameter, ds.GantryDetectorTilt, ds.TableHeight = "500", "0", "150"
    _plane(ds, phantom.ct.grid, how.ct_bits, how.ct_signed)
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    if how.ct_padding is not None:
        ds.PixelPaddingValue = how.ct_padding
        ds["PixelPaddingValue"].VR = "SS"
    return ds


def nac_marks(ds: Dataset, how: Habits) -> Dataset:
    """Say of a PET header that it is not corrected for attenuation."""
    ds.CorrectedImage = list(how.uncorrected)
    ds.SeriesDescription = "PET WB uncorrected"
    del ds.AttenuationCorrectionMethod
    del ds.ScatterCorrectionMethod
    return ds


def pet_header(phantom: Phantom, vendor: str, series: str, number: int) -> Dataset:
    """One PET slice with marks."""
    how = habits(vendor)
    ds = base(phantom, how, series, number, "PET WB")
    ds.SOPClassUID, ds.Modality = _PET, "PT"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SeriesTime = _time(scan_start(how) + dt.timedelta(seconds=how.series_time_late_s))
    ds.AcquisitionTime = MARKS["time"]
    ds.Units, ds.DecayCorrection, ds.CorrectedImage = how.units, "START", list(how.corrected)
    ds.SeriesType, ds.CountsSource = ["WHOLE BODY", "IMAGE"], "EMISSION"
    ds.AttenuationCorrectionMethod, ds.ScatterCorrectionMethod = "CT measured", "model based"
    ds.RandomsCorrectionMethod, ds.ReconstructionMethod = "DLYD", how.reconstruction
    ds.ReprojectionMethod, ds.CollimatorType, ds.DecayFactor = "", "NONE", "1"
    ds.NumberOfSlices, ds.ImageIndex = phantom.pet.grid.shape[0], INDEX_MARK
    ds.ActualFrameDuration = str(int(BED_S * 1000))
    ds.FrameReferenceTime = MARKS["reference"]
    _plane(ds, phantom.pet.grid, 16, True)
    ds.RescaleIntercept, ds.RescaleSlope = "0", MARKS["slope"]
    ds.PatientOrientationCodeSequence, ds.PatientGantryRelationshipCodeSequence = DicomSequence(), DicomSequence()
    ds.RadiopharmaceuticalInformationSequence = DicomSequence([_injection(phantom, how)])
    _private(ds, phantom, vendor, how)
    return ds


def _injection(phantom: Phantom, how: Habits) -> Dataset:
    item = Dataset()
    given = scan_start(how) - dt.timedelta(seconds=UPTAKE_S)
    item.Radiopharmaceutical = "FDG -- fluorodeoxyglucose"
    item.RadiopharmaceuticalRoute = "INTRAVENOUS"
    item.RadiopharmaceuticalStartTime = _time(given)
    if how.start_datetime:
        item.RadiopharmaceuticalStartDateTime = given.strftime("%Y%m%d%H%M%S.%f")
    item.RadionuclideTotalDose = f"{dose_bq(phantom.truth.weight_kg):.0f}"
    item.RadionuclideHalfLife = f"{HALF_LIFE_S:g}"
    item.RadionuclidePositronFraction = "0.967"
    item.RadionuclideCodeSequence = DicomSequence([_code("C-111A1", "SRT", "^18^Fluorine")])
    item.RadiopharmaceuticalCodeSequence = DicomSequence([_code("C-B1031", "SRT", "Fluorodeoxyglucose F^18^")])
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _private(ds: Dataset, phantom: Phantom, vendor: str, how: Habits) -> None:
    if vendor == "ge":
        block = ds.private_block(0x0009, "GEMS_PETD_01", create=True)
        block.add_new(0x0D, "DT", scan_start(how).strftime("%Y%m%d%H%M%S.00"))
    if vendor == "philips":
        block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
        per_count = 1.0 / how.counts_per_bqml
        block.add_new(0x00, "DS", f"{suv_factor(phantom.truth.weight_kg) * per_count:.10g}")
        block.add_new(0x09, "DS", f"{per_count:.10g}")
