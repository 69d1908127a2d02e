"""Input as hospitals export it that once was read wrong, hung, or was refused without need."""

from __future__ import annotations

import gzip
import re
import struct
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dicom_files import Edit, ct, pet, save, write
from pydicom.dataset import Dataset

from petrg import read_study
from petrg.errors import ContextError, GeometryError, PixelError, StudyError, SuvError
from petrg.imaging import Grid, Quantity, Volume, read_context
from petrg.imaging.dicom.values import decode
from petrg.imaging.inspect import inspect_path
from petrg.imaging.nifti import read_nifti_study, write_nifti
from petrg.imaging.sanity import pose_problems
from petrg.imaging.suv import parse_injected_at
from petrg.imaging.write import convert

GRID = Grid.from_spacing((12, 10, 10), (3.0, 4.0, 4.0), (-20, -20, -20))


def pair(folder: Path, case: str = "case7") -> Path:
    body = np.zeros(GRID.shape, np.float32)
    body[2:-2, 2:-2, 2:-2] = 1
    write_nifti(Volume(body * 1040 - 1000, GRID, Quantity.HU), folder / f"{case}_0000.nii.gz")
    write_nifti(Volume(body * 2, GRID, Quantity.SUV_BW), folder / f"{case}_0001.nii.gz")
    return folder


def test_none_leaves_a_nifti_modality_out(tmp_path: Path) -> None:
    pair(tmp_path)
    study = read_nifti_study(tmp_path, ct_series="none")
    assert study.ct is None
    assert study.pet is not None
    assert [(f.modality, f.role, f.reason) for f in study.found] == [
        ("CT", None, "left out by --ct-series none"),
        ("PT", "pet", "nnunet layout"),
    ]
    assert read_nifti_study(tmp_path, pet_series="None").pet is None
    with pytest.raises(StudyError, match="neither CT nor PET"):
        read_nifti_study(tmp_path, ct_series="none", pet_series="none")


def test_a_case_named_like_a_person_is_shown_by_a_hash(tmp_path: Path) -> None:
    pair(pair(tmp_path, "李四光"), "Li_Siguang_1956")
    with pytest.raises(StudyError) as error:
        read_study(tmp_path)
    assert str(error.value) == (
        "2 cases: nifti-2de6f5a8, nifti-ce5e958f — expected one case — choose it with --study ID"
    )
    for given in ("Li_Siguang_1956", "nifti-2de6f5a8"):
        assert read_study(tmp_path, study=given).id == "nifti-2de6f5a8"
    shown = inspect_path(tmp_path, study="李四光").model_dump_json()
    assert "nifti-ce5e958f" in shown
    assert "李四光" not in shown
    assert [p.name for p in convert(read_study(tmp_path, study="李四光"), tmp_path / "out")] == [
        "nifti-ce5e958f_0000.nii.gz",
        "nifti-ce5e958f_0001.nii.gz",
    ]


def body(grid: Grid) -> Volume:
    """A trunk 400 x 240 x 600 mm with a head 150 x 190 x 240 mm, in g/ml."""
    z, y, x = (np.arange(n) * s - (n - 1) * s / 2 for n, s in zip(grid.shape, grid.spacing_mm, strict=True))
    trunk = ((x / 200) ** 2 + (y[:, None] / 120) ** 2 < 1) & (z < 180)[:, None, None]
    head = ((x / 75) ** 2 + (y[:, None] / 95) ** 2 < 1) & (z >= 180)[:, None, None]
    return Volume((trunk | head).astype(np.float32), grid, Quantity.SUV_BW)


WHOLE = Grid.from_spacing((84, 84, 84), (10.0, 10.0, 10.0))


@pytest.mark.parametrize(
    ("axes", "found"),
    [
        ((0, 1, 2), ""),
        ((0, 2, 1), "the trunk is widest 90 degrees off the patient's left-right axis"),
        ((1, 0, 2), "axial slices hold 2... cm2 of the body"),
        ((2, 1, 0), "the trunk is 3.. times as wide as deep"),
        ((1, 2, 0), "axial slices hold 2... cm2 of the body"),
    ],
)
def test_a_body_on_its_side_is_said_and_not_turned(axes: tuple[int, int, int], found: str) -> None:
    upright = body(WHOLE)
    lying = Volume(np.ascontiguousarray(upright.array.transpose(axes)), WHOLE, Quantity.SUV_BW)
    said = [str(p) for p in pose_problems(lying)]
    assert len(said) == bool(found)
    assert all(re.fullmatch(found + "; orientation: check, nothing was turned", line) for line in said)


@pytest.mark.parametrize(("angle", "expected"), [(-12.0, 0), (12.0, 0), (20.0, 1), (-40.0, 1)])
def test_an_affine_turned_about_the_body_is_said(angle: float, expected: int) -> None:
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.eye(4)
    turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
    turned = Volume(body(WHOLE).array, Grid(WHOLE.shape, turn @ WHOLE.affine), Quantity.SUV_BW)
    said = pose_problems(turned)
    assert [p.code for p in said] == ["orientation"] * expected
    assert all(f"widest {abs(angle):.0f} degrees off" in p.text for p in said)


@pytest.mark.parametrize("part", [slice(0, 25), slice(61, 84), slice(40, 84)])
def test_parts_of_a_body_are_not_said_to_be_turned(part: slice) -> None:
    whole = body(WHOLE)
    cut = (part, slice(None), slice(None))
    assert pose_problems(Volume(whole.array[part], WHOLE.crop(cut), Quantity.SUV_BW)) == ()


@pytest.mark.parametrize("reader", ["dicom", "nifti"])
@pytest.mark.parametrize(
    ("shift", "where"),
    [((0, 0), ""), ((20, 20), ""), ((60, 0), "left"), ((-60, 0), "right"), ((0, 60), "back")],
)
def test_a_ct_beside_the_pet_is_said(tmp_path: Path, reader: str, shift: tuple[int, int], where: str) -> None:
    upright = body(WHOLE).array
    hu = upright * 1000 - 1000
    hu[:, 76:78, 20:64] = 100  # a couch
    if reader == "nifti":
        moved = Grid.from_spacing(WHOLE.shape, (10.0, 10.0, 10.0), (*map(float, shift), 0.0))
        write_nifti(Volume(hu, moved, Quantity.HU), tmp_path / "case_0000.nii.gz")
        write_nifti(Volume(upright, WHOLE, Quantity.SUV_BW), tmp_path / "case_0001.nii.gz")
    else:
        zs = [10.0 * i for i in range(84)]

        def move(ds: Dataset, i: int) -> None:
            x, y, z = ds.ImagePositionPatient
            ds.ImagePositionPatient = [x + shift[0], y + shift[1], z]

        images = ct((hu + 1024).astype(np.uint16), zs=zs, spacing=(10.0, 10.0), edit=move)
        write(tmp_path, images, pet((upright * 3000).astype(np.int16), zs=zs, spacing=(10.0, 10.0)))
    said = [p.text for p in read_study(tmp_path).problems if p.code == "ct-pet-apart"]
    assert len(said) == bool(where)
    for line in said:
        pattern = r"the body in the CT lies about (\d+) mm to the (\w+) of the body in the PET: are they of one scan\?"
        found = re.fullmatch(pattern, line)
        assert found is not None
        assert found[2] == where
        assert 45 <= int(found[1]) <= 75


@pytest.mark.parametrize("reader", ["dicom", "nifti"])
def test_both_readers_ask_for_the_pose(tmp_path: Path, reader: str) -> None:
    upright = body(WHOLE)
    lying = np.ascontiguousarray(upright.array.transpose(0, 2, 1))
    if reader == "nifti":
        write_nifti(Volume(lying, WHOLE, Quantity.SUV_BW), tmp_path / "case_0001.nii.gz")
    else:
        write(tmp_path, pet((lying * 3000).astype(np.int16), zs=[10.0 * i for i in range(84)], spacing=(10.0, 10.0)))
    problems = read_study(tmp_path).problems
    assert [p.text for p in problems if p.code == "orientation"] == [
        "the trunk is widest 90 degrees off the patient's left-right axis; orientation: check, nothing was turned"
    ]


@pytest.mark.parametrize("text", ["2024-05-01", "20240501", "2024", "09", "2024-05-01T09"])
def test_an_injection_without_minutes_is_refused(text: str) -> None:
    with pytest.raises(SuvError, match="the injection time cannot be read"):
        parse_injected_at(text)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_pet_without_activity_is_refused(tmp_path: Path, value: float) -> None:
    pair(tmp_path)
    write_nifti(Volume(np.full(GRID.shape, value, np.float32), GRID, Quantity.SUV_BW), tmp_path / "case7_0001.nii.gz")
    with pytest.raises(PixelError) as error:
        read_study(tmp_path)
    assert str(error.value) == (
        "a PET without any activity: no voxel above 0 — expected a PET of a patient — export it again, or choose "
        "another with --pet-series"
    )


def test_a_dicom_pet_without_activity_is_refused(tmp_path: Path) -> None:
    def empty(ds: Dataset, i: int) -> None:
        ds.PixelData = bytes(len(ds.PixelData))

    write(tmp_path, ct(), pet(edit=empty))
    with pytest.raises(PixelError, match="a PET without any activity"):
        read_study(tmp_path)


@pytest.mark.parametrize("unit", ["micron", "meter"])
def test_a_wrong_length_unit_is_refused(tmp_path: Path, unit: str) -> None:
    pair(tmp_path)
    target = tmp_path / "case7_0001.nii.gz"
    image = nib.load(target)
    image.header.set_xyzt_units(unit)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), target)
    with pytest.raises(GeometryError, match=r"with voxels of .* mm — expected 0.05 to 50 mm — correct its length unit"):
        read_study(tmp_path)


@pytest.mark.parametrize("factor", [0.001, 100.0])
def test_a_pixel_spacing_in_another_unit_is_refused(tmp_path: Path, factor: float) -> None:
    write(tmp_path, ct(), pet(spacing=(4.0 * factor, 4.0 * factor)))
    with pytest.raises(GeometryError, match=r"^PET with voxels of .* mm — expected 0.05 to 50 mm — export"):
        read_study(tmp_path)


def test_a_nifti_that_inflates_too_far_is_refused_unread(tmp_path: Path) -> None:
    pair(tmp_path)
    target = tmp_path / "case7_0001.nii.gz"
    raw = bytearray(gzip.decompress(target.read_bytes()))
    struct.pack_into("<3h", raw, 42, 1000, 1000, 1000)
    target.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(PixelError, match="claims more than 200 times its own size"):
        read_study(tmp_path)


def test_a_qform_of_no_numbers_warns_nobody(tmp_path: Path) -> None:
    pair(tmp_path)
    target = tmp_path / "case7_0001.nii.gz"
    raw = bytearray(gzip.decompress(target.read_bytes()))
    struct.pack_into("<f", raw, 268, np.nan)
    raw[270:272] = b"\xa0\x7f"  # a signalling one
    target.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(GeometryError):
        read_study(tmp_path)


def test_a_huge_file_that_begins_like_dicom_is_not_read_whole(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", ct(), pet())
    fakes = {"part10": b"\0" * 128 + b"DICM\x08\0\x05\0CS\xff\xff", "bare": b"\x08\0\x05\0CS\x0a\0ISO_IR 100"}
    fakes["deflated"] = b"\0" * 128 + b"DICM\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99"
    for name, start in fakes.items():
        with (folder / name).open("wb") as file:
            file.write(start)
            file.truncate(1 << 33)  # sparse
    study = read_study(folder)
    assert study.pet is not None
    assert [p.text for p in study.problems if p.code == "corrupt-files"] == [
        "3 DICOM files are truncated or corrupt and could not be read"
    ]


def test_a_header_longer_than_the_first_bytes_is_read(tmp_path: Path) -> None:
    def long(ds: Dataset, i: int) -> None:
        ds.add_new(0x00091001, "OB", bytes(1_500_000))
        ds.add_new(0x00090010, "LO", "SOMEBODY")

    plain, padded = write(tmp_path / "a", ct(), pet()), write(tmp_path / "b", ct(edit=long), pet(edit=long))
    first, second = read_study(plain), read_study(padded)
    assert first.pet is not None
    assert second.pet is not None
    assert np.array_equal(first.pet.array, second.pet.array)


@pytest.mark.parametrize(
    ("keyword", "found"),
    [
        ("RescaleIntercept", "CT without a rescale intercept"),
        ("PixelRepresentation", "CT that does not say whether its numbers are signed"),
    ],
)
def test_a_ct_that_would_be_read_off_by_a_thousand_is_refused(tmp_path: Path, keyword: str, found: str) -> None:
    def less(ds: Dataset, i: int) -> None:
        del ds[keyword]

    write(tmp_path, ct(edit=less), pet())
    with pytest.raises(PixelError) as error:
        read_study(tmp_path)
    assert str(error.value).startswith(f"{found} — expected ")


def test_bed_parts_of_two_factors_have_no_one_factor(tmp_path: Path) -> None:
    def later(ds: Dataset, i: int) -> None:
        ds.SeriesTime = ds.AcquisitionTime = "103000"

    write(tmp_path / "s", ct(), pet(), pet(series="bed 2", number=4, zs=(12, 15, 18, 21), edit=later))
    study = read_study(tmp_path / "s")
    assert study.pet is not None
    assert study.pet_series is not None
    assert study.pet.grid.shape[0] == 8
    assert study.pet_series.suv is not None
    assert study.pet_series.suv.factor_g_per_bq is None
    names = [p.name for p in convert(study, tmp_path / "out", "autopet")]
    assert names == ["CT.nii.gz", "CTres.nii.gz", "SUV.nii.gz"]


def test_a_broken_zip_among_other_files_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ct(), pet())
    (tmp_path / "viewer.jar").write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr("../up", b"x")
    study = read_study(tmp_path)
    assert study.pet is not None
    assert {p.reason for p in study.passed_over} == {
        "not opened: a damaged zip",
        "not opened: a zip with a name that leaves its folder ('../' or an absolute path)",
    }


def test_a_broken_zip_alone_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(StudyError, match="a damaged zip"):
        read_study(tmp_path)


def test_a_name_in_another_group_is_the_same_patient(tmp_path: Path) -> None:
    def named(name: str) -> Edit:
        def edit(ds: Dataset, i: int) -> None:
            ds.SpecificCharacterSet, ds.PatientName = "ISO_IR 192", name

        return edit

    write(tmp_path, ct(edit=named("Wang^Xiaoming=王^小明")), pet(edit=named("王^小明")))
    assert read_study(tmp_path).pet is not None
    write(tmp_path, ct(edit=named("Wang^Xiaoming=王^小明")), pet(edit=named("李^小明")))
    with pytest.raises(StudyError, match="two patients: the images differ in patient names"):
        read_study(tmp_path)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("", "gb18030"),
        ("", "utf-8"),
        ("ISO_IR 6", "gbk"),
        ("ISO_IR 192", "gb18030"),
        ("\\ISO 2022 IR 58", "gbk"),
        ("GBK", "gbk"),
        ("GB2312", "gbk"),
        ("CHINESE", "utf-8"),
        ("GB18030", "gb18030"),
    ],
)
def test_a_chinese_name_is_read_under_a_wrong_declaration(declared: str, encoding: str) -> None:
    assert decode("王^小明".encode(encoding), declared.encode()) == "王^小明"


@pytest.mark.filterwarnings("ignore")
def test_bytes_that_a_declaration_explains_are_left_to_it() -> None:
    assert decode("Müller^Jörg".encode("latin-1"), b"ISO_IR 100") == "Müller^Jörg"
    assert decode(b"Wang^XiaoDong=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab=", b"\\ISO 2022 IR 58") == (
        "Wang^XiaoDong=王^小东="
    )
    assert decode(b"PET\x1b]0;x\x07\x1b[31m", b"ISO_IR 192") == "PET ]0;x  [31m"


def test_series_without_uid_are_told_apart_by_their_corrections(tmp_path: Path) -> None:
    def nameless(ds: Dataset, i: int) -> None:
        ds.SeriesInstanceUID = ds.SOPInstanceUID = ds.SeriesDescription = ""
        ds.SeriesNumber = None

    def uncorrected(ds: Dataset, i: int) -> None:
        nameless(ds, i)
        ds.CorrectedImage = ["DECY"]

    for name, images in (("ac", pet(edit=nameless)), ("nac", pet(edit=uncorrected)), ("ct", ct(edit=nameless))):
        for i, ds in enumerate(images):
            save(ds, tmp_path / f"{name}{i}")
    study = read_study(tmp_path)
    assert study.pet is not None
    assert study.pet_series is not None
    assert "ATTN" in study.pet_series.corrections


def test_a_context_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b'\xef\xbb\xbfdisease = "x"\n')
    assert read_context(tmp_path / "c.toml").disease == "x"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[[therapy]]\nname = "a"\nstart = 2024-05-01\nend = 2024-01-01\n', "ends before it starts"),
        ("a = " + "[" * 5000, "the context cannot be read"),
    ],
)
def test_a_context_that_cannot_be_is_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ContextError, match=found):
        read_context(tmp_path / "c.toml")
