"""SUV values out of a DICOM header: private tags by creator, raw bytes, ill-formed text."""

import datetime as dt
import io

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from petrg.imaging.context import Sex
from petrg.imaging.dicom.suv_header import parse_date, parse_datetime, parse_time, suv_header
from petrg.imaging.suv import SuvHeader

PHILIPS = "Philips PET Private Group"


def plain() -> Dataset:
    ds, injection, code = Dataset(), Dataset(), Dataset()
    ds.SeriesDate, ds.SeriesTime = "20210304", "100000.250000"
    ds.AcquisitionDate, ds.AcquisitionTime = "20210304", "100001"
    ds.PatientWeight, ds.PatientSize, ds.PatientSex = "74", "1.80", "M"
    ds.Units, ds.DecayCorrection, ds.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
    ds.FrameReferenceTime, ds.ActualFrameDuration = "90000.5", "180000"
    injection.RadionuclideTotalDose, injection.RadionuclideHalfLife = "370000000", "6586.2"
    injection.RadiopharmaceuticalStartTime = "090000"
    injection.Radiopharmaceutical = "FDG -- fluorodeoxyglucose"
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
    injection.RadionuclideCodeSequence = [code]
    ds.RadiopharmaceuticalInformationSequence = [injection]
    return ds


def through_a_file(ds: Dataset, syntax: str = ImplicitVRLittleEndian) -> Dataset:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=False)
    buffer.seek(0)
    return pydicom.dcmread(buffer, force=True)


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_every_value(syntax: str | None) -> None:
    ds = plain() if syntax is None else through_a_file(plain(), syntax)
    assert suv_header(ds) == SuvHeader(
        units="BQML",
        decay_correction="START",
        corrected=("DECY", "ATTN"),
        weight_kg=74.0,
        height_m=1.8,
        sex=Sex.M,
        dose_bq=370e6,
        half_life_s=6586.2,
        nuclide="F-18",
        tracer="FDG",
        injected_time=dt.time(9),
        series_start=dt.datetime(2021, 3, 4, 10, 0, 0, 250000),
        acquired_at=dt.datetime(2021, 3, 4, 10, 0, 1),
        frame_reference_ms=90000.5,
        frame_duration_ms=180000.0,
    )


def test_an_empty_header_is_all_absent() -> None:
    assert suv_header(Dataset()) == SuvHeader()


@pytest.mark.parametrize("block", [0x10, 0x11, 0xFF])
def test_private_tags_wherever_their_block_lies(block: int) -> None:
    ds = plain()
    ds.add_new((0x7053, block), "LO", PHILIPS)
    ds.add_new((0x7053, (block << 8) | 0x00), "DS", "0.000551")
    ds.add_new((0x7053, (block << 8) | 0x09), "DS", "1.602563")
    ds.add_new((0x0009, block), "LO", "GEMS_PETD_01")
    ds.add_new((0x0009, (block << 8) | 0x0D), "DT", "20210304095900.50")
    for one in (ds, through_a_file(ds)):
        header = suv_header(one)
        assert (header.philips_suv, header.philips_activity) == (0.000551, 1.602563)
        assert header.ge_scan_start == dt.datetime(2021, 3, 4, 9, 59, 0, 500000)


def test_another_creator_or_none_says_nothing() -> None:
    for creator in ("Someone Else", None):
        ds = plain()
        if creator:
            ds.add_new((0x7053, 0x10), "LO", creator)
        ds.add_new((0x7053, 0x1000), "DS", "0.5")
        ds.add_new((0x7053, 0x1009), "DS", "0.5")
        header = suv_header(ds)
        assert (header.philips_suv, header.philips_activity) == (None, None)


def test_the_manufacturer_decides_nothing() -> None:
    ds = plain()
    before = suv_header(ds)
    ds.Manufacturer = "Philips Medical Systems"
    assert suv_header(ds) == before


def test_offset_from_utc_counts_only_where_the_scanner_says_its_own() -> None:
    ds = plain()
    ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = "20210304010000+0000"
    assert suv_header(ds).injected_at == dt.datetime(2021, 3, 4, 1)
    ds.TimezoneOffsetFromUTC = "+0800"
    assert suv_header(ds).injected_at == dt.datetime(2021, 3, 4, 9)


def test_dates() -> None:
    assert parse_date("20210229") is None
    assert parse_time("235960") == dt.time(23, 59, 59)
    assert parse_time("10:00:00.5") == dt.time(10, 0, 0, 500000)
    assert parse_time("24") is None
    assert parse_datetime("20210304") is None
    assert parse_datetime("00010101000000+1400", dt.timedelta(0)) is None


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("text", ["abc", "", "1e999", "nan", "1\\2", "7O", "74 kg"])
def test_text_that_is_no_number(text: str) -> None:
    ds = Dataset()
    ds[0x00101030] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00101030), "DS", len(text), text.encode(), 0, True, True
    )
    expected = 1.0 if text == "1\\2" else None
    assert suv_header(ds).weight_kg == expected


def test_a_sequence_that_is_none() -> None:
    ds = Dataset()
    raw = pydicom.dataelem.RawDataElement(pydicom.tag.Tag(0x00540016), "UN", 5, b"\x01\x02\x03\x04\x05", 0, True, True)
    ds[0x00540016] = raw
    assert suv_header(ds).dose_bq is None


@given(st.text(max_size=30))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_date, parse_time, parse_datetime):
        parse(text)
