"""Small DICOM studies made with pydicom alone, so that no test of reading rests on the phantom's writer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
PET_CLASS = "1.2.840.10008.5.1.4.1.1.128"
SECONDARY_CLASS = "1.2.840.10008.5.1.4.1.1.7"
STUDY, FRAME = "1.2.3.1", "1.2.3.2"
DOSE_BQ, HALF_LIFE_S, WEIGHT_KG = 370e6, 6586.2, 74.0
FACTOR_ONE_HOUR = WEIGHT_KG * 1000 / (DOSE_BQ * 2 ** (-3600 / HALF_LIFE_S))
"""SUVbw per Bq/ml of `pet`: injected at 9:00, scanned at 10:00; by hand from the definition."""

Edit = Callable[[Dataset, int], None]


def uid(*parts: object) -> str:
    return "1.2.3." + str(int(hashlib.sha256(repr(parts).encode()).hexdigest()[:16], 16))


def base(series: str, index: int, z: float, words: NDArray[Any], spacing: tuple[float, float]) -> Dataset:
    ds = Dataset()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, uid(series), FRAME
    ds.SOPInstanceUID = uid(series, index)
    ds.PatientID, ds.PatientName, ds.PatientBirthDate = "P-0001", "Roe^Jane", "19610402"
    ds.PatientSex, ds.PatientSize, ds.PatientWeight = "F", 1.7, WEIGHT_KG
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = "20240501"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = "100000"
    ds.AccessionNumber, ds.SeriesDescription = "ACC-77", series
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.InstanceNumber = index + 1
    ds.ImagePositionPatient = [-10.0, -20.0, z]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = list(spacing)
    ds.Rows, ds.Columns = words.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = 8 * words.dtype.itemsize
    ds.BitsStored, ds.HighBit = ds.BitsAllocated, ds.BitsAllocated - 1
    ds.PixelRepresentation = int(words.dtype.kind == "i")
    ds.PixelData = words.tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def ct(
    words: NDArray[Any] | None = None,
    *,
    series: str = "CT",
    number: int = 2,
    zs: Sequence[float] = (0, 3, 6, 9),
    spacing: tuple[float, float] = (2.0, 1.5),
    edit: Edit | None = None,
) -> list[Dataset]:
    """A CT; by default word = 100 slice + 10 row + column, HU = word - 1024."""
    if words is None:
        words = default_words(len(zs))
    found = []
    for i, z in enumerate(zs):
        ds = base(series, i, z, words[i], spacing)
        ds.SOPClassUID, ds.Modality, ds.SeriesNumber = CT_CLASS, "CT", number
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1024, "HU"
        ds.KVP, ds.ConvolutionKernel = 120, "B30f"
        if edit:
            edit(ds, i)
        found.append(ds)
    return found


def pet(
    words: NDArray[Any] | None = None,
    *,
    series: str = "PET",
    number: int = 3,
    zs: Sequence[float] = (0, 3, 6, 9),
    spacing: tuple[float, float] = (4.0, 4.0),
    edit: Edit | None = None,
) -> list[Dataset]:
    """A PET in Bq/ml, decay-corrected to the start; slopes rise from slice to slice as GE's do."""
    if words is None:
        words = default_words(len(zs))
    found = []
    for i, z in enumerate(zs):
        ds = base(series, i, z, words[i], spacing)
        ds.SOPClassUID, ds.Modality, ds.SeriesNumber = PET_CLASS, "PT", number
        ds.RescaleSlope, ds.RescaleIntercept = 2.0 + i, 0
        ds.Units, ds.DecayCorrection, ds.SeriesType = "BQML", "START", ["WHOLE BODY", "IMAGE"]
        ds.CorrectedImage = ["DECY", "ATTN", "SCAT"]
        ds.FrameReferenceTime, ds.ActualFrameDuration = 0, 120000
        drug, code = Dataset(), Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
        drug.Radiopharmaceutical, drug.RadiopharmaceuticalStartTime = "FDG", "090000"
        drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = DOSE_BQ, HALF_LIFE_S
        drug.RadionuclideCodeSequence = [code]
        ds.RadiopharmaceuticalInformationSequence = [drug]
        if edit:
            edit(ds, i)
        found.append(ds)
    return found


def default_words(n: int, rows: int = 6, columns: int = 5) -> NDArray[np.int16]:
    z, y, x = np.indices((n, rows, columns))
    return (100 * z + 10 * y + x).astype("<i2")


def drug(ds: Dataset) -> Dataset:
    return ds.RadiopharmaceuticalInformationSequence[0]


def save(ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian, preamble: bool = True) -> Path:
    """Write one file in an uncompressed transfer syntax, with or without preamble and meta header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    implicit = syntax == ImplicitVRLittleEndian
    little = syntax != ExplicitVRBigEndian
    if not preamble:
        ds.save_as(path, implicit_vr=implicit, little_endian=little)
        return path
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID") or SECONDARY_CLASS
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID") or "1.2.3.9"
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(path, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return path


def write(folder: Path, *series: Sequence[Dataset], syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write series into one folder under names that tell nothing and sort against the positions."""
    n = sum(map(len, series))
    for i, ds in enumerate(ds for one in series for ds in one):
        save(ds, folder / f"{(n - i) * 7919 % 10007:05d}", syntax)
    return folder
