"""Stored words to HU and SUV: signs, widths, padding, rescale, compression."""

from __future__ import annotations

import warnings
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from dicom_files import FACTOR_ONE_HOUR, ct, default_words, pet, save, write
from numpy.testing import assert_allclose, assert_array_equal
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from petrg import read_study
from petrg.errors import PixelError

HU = default_words(4).astype(np.float32) - 1024


def hu(folder: Path) -> np.ndarray:
    study = read_study(folder)
    assert study.ct is not None
    return study.ct.array


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda s: s.name,
)
def test_uncompressed_syntaxes_read_the_same(tmp_path: Path, syntax: str) -> None:
    series = ct()
    if syntax == ExplicitVRBigEndian:
        for ds in series:
            ds.PixelData = np.frombuffer(ds.PixelData, "<i2").astype(">i2").tobytes()
    write(tmp_path, series, syntax=syntax)
    assert_array_equal(hu(tmp_path), HU)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda s: s.name)
def test_files_without_preamble_read_the_same(tmp_path: Path, syntax: str) -> None:
    for i, ds in enumerate(ct()):
        save(ds, tmp_path / str(i), syntax, preamble=False)
    assert_array_equal(hu(tmp_path), HU)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless], ids=lambda s: s.name)
@pytest.mark.parametrize("signed", [True, False])
def test_pydicoms_lossless_coders_read_the_same(tmp_path: Path, syntax: str, signed: bool) -> None:
    words = np.arange(4 * 16 * 16).reshape(4, 16, 16).astype("<i2" if signed else "<u2")
    words -= 700 if signed else 0
    write(tmp_path, ct(words))
    for path in tmp_path.iterdir():
        ds = pydicom.dcmread(path)
        ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(path, enforce_file_format=True)
    assert_array_equal(hu(tmp_path), np.maximum(words.astype(np.float32) - 1024, -1024))


@pytest.mark.parametrize("name", ["JPEGLosslessProcess14_1", "JPEG2000Lossless", "JPEGLSLossless", "RLELossless"])
def test_gdcms_lossless_coders_read_the_same(tmp_path: Path, name: str) -> None:
    words = np.arange(4 * 16 * 16).reshape(4, 16, 16).astype("<u2")
    write(tmp_path, ct(words))
    for path in tmp_path.iterdir():
        recode(path, name)
    assert_array_equal(hu(tmp_path), words.astype(np.float32) - 1024)


def recode(path: Path, name: str) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def as_kind(kind: str, stored: int | None = None):
    def edit(ds: Dataset, i: int) -> None:
        ds.PixelRepresentation = int(kind[1] == "i")
        if stored is not None:
            ds.BitsStored, ds.HighBit = stored, stored - 1

    return edit


@pytest.mark.parametrize(
    ("kind", "stored", "word", "value"),
    [
        ("<i2", 16, -24, -1048),
        ("<u2", 16, 40000, 38976),
        ("<u2", 12, 0xF00A, 10 - 1024),  # an overlay in the four upper bits
        ("<i2", 12, 0x0FFF, -1 - 1024),  # -1 in 12 bits, upper bits not sign-extended
        ("<i2", 12, -1, -1 - 1024),
        ("<i2", 12, 0x07FF, 2047 - 1024),
    ],
)
def test_words_mean_what_their_bits_say(kind: str, stored: int, word: int, value: float) -> None:
    from petrg.imaging.dicom.header import Pixels
    from petrg.imaging.dicom.pixels import meant

    pixels = Pixels(
        transfer_syntax=ExplicitVRLittleEndian, rows=1, columns=1, allocated=16, stored=stored, high_bit=stored - 1,
        signed=kind[1] == "i", samples=1, photometric="MONOCHROME2", frames=1, offset=0, start=0, complete=True,
    )  # fmt: skip
    stored_word = np.array([[word & 0xFFFF]], "<u2").view(kind)
    assert int(meant(stored_word, pixels)[0, 0]) - 1024 == value


@pytest.mark.parametrize(
    ("kind", "stored", "padding", "word"),
    [
        ("<i2", 16, -2000, -2000),
        ("<u2", 16, 63536, 63536),
        ("<u2", 12, 63536, 63536),  # the word lies above the stored bits: masked it would read 1072 HU
        ("<u2", 16, None, 63536),  # GE leaves the tag out
        ("<i2", 16, None, -2000),
        ("<i2", 12, -2000, -2000),
    ],
)
def test_padding_reads_as_air(tmp_path: Path, kind: str, stored: int, padding: int | None, word: int) -> None:
    words = default_words(4).astype(kind)
    words[:, 0, :] = np.array(word & 0xFFFF, "<u2").view(kind)

    def edit(ds: Dataset, i: int) -> None:
        as_kind(kind, stored)(ds, i)
        if padding is not None:
            ds.add_new(0x00280120, "SS" if kind == "<i2" else "US", padding)

    write(tmp_path, ct(words, edit=edit))
    expected = HU.copy()
    expected[:, 0, :] = -1024
    assert_array_equal(hu(tmp_path), expected)


def test_a_padding_value_within_tissue_is_left_as_read(tmp_path: Path) -> None:
    """Some headers name 0 as padding where 0 is water: air there would punch holes into the body."""

    def edit(ds: Dataset, i: int) -> None:
        ds.RescaleIntercept = 0
        ds.add_new(0x00280120, "SS", 0)

    write(tmp_path, ct(edit=edit))
    assert hu(tmp_path)[0, 0, 0] == 0


def test_pet_keeps_each_slices_slope_and_its_negatives(tmp_path: Path) -> None:
    words = default_words(4) - 50
    write(tmp_path, pet(words))
    study = read_study(tmp_path)
    assert study.pet is not None
    slopes = np.array([2.0, 3.0, 4.0, 5.0])[:, None, None]
    assert_allclose(study.pet.array, words * slopes * FACTOR_ONE_HOUR, rtol=1e-6)


def test_slopes_kept_apart_is_not_one_slope(tmp_path: Path) -> None:
    write(tmp_path, pet())
    study = read_study(tmp_path)
    assert study.pet is not None
    assert not np.allclose(study.pet.array, default_words(4) * 2.0 * FACTOR_ONE_HOUR, rtol=1e-2)


def test_rescale_intercept_counts(tmp_path: Path) -> None:
    def edit(ds: Dataset, i: int) -> None:
        ds.RescaleSlope, ds.RescaleIntercept = 0.5, -200.25

    write(tmp_path, ct(edit=edit))
    assert_allclose(hu(tmp_path), default_words(4) * 0.5 - 200.25)


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda ds, i: delattr(ds, "RescaleSlope"), "CT without a rescale slope"),
        (lambda ds, i: setattr(ds, "RescaleSlope", "nan"), "CT without a rescale slope"),
        (lambda ds, i: setattr(ds, "BitsStored", 17), "CT of 17 bits in 16"),
        (lambda ds, i: setattr(ds, "PhotometricInterpretation", "MONOCHROME1"), "not grey"),
        (lambda ds, i: setattr(ds, "PixelData", ds.PixelData[:-8]), "4 of 4 images of the CT truncated or corrupt"),
        (lambda ds, i: setattr(ds, "Rows", 4000), "4 of 4 images of the CT truncated or corrupt"),
    ],
)
def test_pixels_that_cannot_be_trusted_are_refused(tmp_path: Path, edit, line: str) -> None:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(tmp_path, ct(edit=edit))
    with pytest.raises(PixelError, match=line):
        read_study(tmp_path)


@pytest.mark.parametrize("name", ["JPEGLosslessProcess14_1", "JPEG2000Lossless", "JPEGLSLossless"])
def test_corrupt_frames_are_refused_though_the_decoder_crashes(tmp_path: Path, name: str) -> None:
    """GDCM ends the process that runs it on some of these."""
    write(tmp_path, ct(np.arange(2 * 32 * 32).reshape(2, 32, 32).astype("<u2"), zs=(0, 3)))
    for path in tmp_path.iterdir():
        recode(path, name)
    target = sorted(tmp_path.iterdir())[0]
    whole = target.read_bytes()
    start = whole.index(b"\xe0\x7f\x10\x00") + 20
    refused = 0
    for seed in range(3):
        raw = bytearray(whole)
        rng = np.random.default_rng(seed)
        for at in rng.integers(start, len(raw), 12):
            raw[at] = rng.integers(256)
        target.write_bytes(raw)
        try:
            read_study(tmp_path)
        except PixelError as error:
            refused += "cannot be read or decoded" in str(error)
    assert refused
