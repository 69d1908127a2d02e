"""The quick walk over a header finds what pydicom finds."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from dicom_files import drug, pet, save
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from petrg.imaging.dicom.walk import walk


def nested(undefined: bool) -> Dataset:
    ds = pet()[0]
    code = drug(ds).RadionuclideCodeSequence[0]
    code.private_block(0x0011, "ACME", create=True).add_new(0x01, "LO", "text")
    for sequence, item in (
        (ds["RadiopharmaceuticalInformationSequence"], drug(ds)),
        (drug(ds)["RadionuclideCodeSequence"], code),
    ):
        sequence.is_undefined_length = undefined
        item.is_undefined_length_sequence_item = undefined
    return ds


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("undefined", [True, False])
def test_every_element_is_the_same(tmp_path: Path, syntax: str, undefined: bool) -> None:
    raw = save(nested(undefined), tmp_path / "x", syntax).read_bytes()
    found = walk(raw)
    assert found is not None
    ds, at = found
    file = io.BytesIO(raw)
    expected = pydicom.dcmread(file, stop_before_pixels=True)
    assert at == file.tell()
    assert list(ds.keys()) == list(expected.keys())
    assert ds == expected
    assert ds.file_meta == expected.file_meta


def test_what_it_does_not_know_is_left_to_pydicom(tmp_path: Path) -> None:
    assert walk(save(nested(False), tmp_path / "big", ExplicitVRBigEndian).read_bytes()) is None
    raw = save(nested(False), tmp_path / "x").read_bytes()
    assert walk(raw[: len(raw) // 3]) is None
    assert walk(raw.replace(b"CS", b"??", 1)) is None
