"""Masks on the PET grid: by arithmetic, by real contours, and refused where they do not fit."""

import contextlib
import hashlib
import math
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from petrg.errors import MaskError
from petrg.imaging import Grid, Quantity, Series, Study, Volume
from petrg.imaging.mask_files.rtstruct import inside_polygons
from petrg.imaging.masks import read_masks
from petrg.imaging.nifti import write_nifti

FRAME = "1.2.826.0.1.3680043.8.498.1"
PET = Grid.from_spacing((12, 20, 24), (3.27, 4.0, 4.0), (-40.0, -30.0, -100.0))
CT = Grid.from_spacing((12, 40, 48), (3.27, 2.0, 2.0), (-41.0, -31.0, -100.02))


def study(pet: Grid = PET, ct: Grid | None = CT, frame: str | None = FRAME) -> Study:
    return Study(
        id="a",
        pet=Volume(np.ones(pet.shape, np.float32), pet, Quantity.SUV_BW),
        ct=None if ct is None else Volume(np.zeros(ct.shape, np.float32), ct, Quantity.HU),
        pet_series=Series(uid="1.2", modality="PT", frame_of_reference_uid=frame),
    )


# ------------------------------------------------------------------ polygons


def brute(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Ray casting, voxel by voxel: PNPOLY."""
    out = np.zeros(shape, bool)
    for row, column in np.ndindex(shape):
        inside = False
        for points in polygons:
            for (y0, x0), (y1, x1) in zip(points, np.roll(points, -1, axis=0), strict=True):
                if (y0 > row) != (y1 > row) and column < (x1 - x0) * (row - y0) / (y1 - y0) + x0:
                    inside = not inside
        out[row, column] = inside
    return out


POINT = st.tuples(st.floats(-2, 11), st.floats(-2, 9))


@given(st.lists(st.lists(POINT, min_size=3, max_size=9), min_size=1, max_size=3))
def test_even_odd_as_ray_casting(contours: list[list[tuple[float, float]]]) -> None:
    polygons = [np.array(points) for points in contours]
    expected = brute(polygons, (10, 8))
    got = inside_polygons(polygons, (10, 8))
    assert np.count_nonzero(got != expected) <= 1  # a centre on a side by rounding


@given(st.floats(2, 40), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_a_circle_holds_its_area(radius: float, dy: float, dx: float) -> None:
    angle = np.linspace(0, 2 * math.pi, 720, endpoint=False)
    circle = np.column_stack([50 + dy + radius * np.sin(angle), 50 + dx + radius * np.cos(angle)])
    got = inside_polygons([circle], (101, 101))
    rows, columns = np.nonzero(got)
    assert (np.hypot(rows - 50 - dy, columns - 50 - dx) <= radius + 1e-9).all()
    assert abs(got.sum() - math.pi * radius**2) <= 2 * math.pi * radius


def test_keyhole_and_inner_contour_are_the_same_hole() -> None:
    outer = np.array([[0.5, 0.5], [0.5, 8.5], [8.5, 8.5], [8.5, 0.5]])
    inner = np.array([[3.5, 3.5], [3.5, 5.5], [5.5, 5.5], [5.5, 3.5]])
    keyhole = np.concatenate([outer, outer[:1], inner[::-1][-1:], inner[::-1], outer[:1]])
    by_two = inside_polygons([outer, inner], (10, 10))
    assert by_two.sum() == 64 - 4
    assert np.array_equal(by_two, inside_polygons([keyhole], (10, 10)))


# ------------------------------------------------------------------ RTSTRUCT


def box_contour(grid: Grid, z: float, y: tuple[float, float], x: tuple[float, float]) -> list[float]:
    corners = [(z, y[0], x[0]), (z, y[0], x[1]), (z, y[1], x[1]), (z, y[1], x[0])]
    return [float(v) for corner in corners for v in grid.to_mm(corner)]


def rtstruct(path: Path, rois: dict[str, list[list[float]]], frame: str = FRAME, kind: str = "CLOSED_PLANAR") -> Path:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.3.4", "RTSTRUCT"
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(rois.items(), 1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for points in contours:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points) // 3
            contour.ContourData = [f"{v:.6f}"[:16] for v in points]
            drawn.ContourSequence.append(contour)
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawn)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path


def box(grid: Grid = PET, planes: tuple[float, ...] = (4, 5, 6), shift: float = 0.0) -> list[list[float]]:
    """Rows 3..8, columns 10..12, on the planes given in slices."""
    return [box_contour(grid, z + shift, (2.5, 8.5), (9.5, 12.5)) for z in planes]


def expected_box() -> np.ndarray:
    out = np.zeros(PET.shape, bool)
    out[4:7, 3:9, 10:13] = True
    return out


def test_contours_fill_their_voxels(tmp_path: Path) -> None:
    path = rtstruct(tmp_path / "rs.dcm", {"GTV": box(), "other": box(planes=(1,))})
    first, second = read_masks(path, study())
    assert (first.name, second.name, first.source, first.note) == ("GTV", "other", "rtstruct", None)
    assert np.array_equal(first.array, expected_box())
    assert second.array.sum() == 18
    assert first.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "GTV" not in repr(first)


@pytest.mark.parametrize("shift", [-0.49, -0.1, 0.1, 0.49])
def test_planes_a_part_of_a_slice_off_meet_each_slice_once(shift: float, tmp_path: Path) -> None:
    (mask,) = read_masks(rtstruct(tmp_path / "rs.dcm", {"a": box(shift=shift)}), study())
    assert np.array_equal(mask.array, expected_box())


def test_finer_and_coarser_planes(tmp_path: Path) -> None:
    fine = tuple(np.arange(3.75, 6.5, 0.25))
    (mask,) = read_masks(rtstruct(tmp_path / "a.dcm", {"a": box(planes=fine)}), study())
    assert np.array_equal(mask.array, expected_box())
    (mask,) = read_masks(rtstruct(tmp_path / "b.dcm", {"a": box(planes=(3.5, 5.5, 7.5))}), study())
    assert mask.array.any(axis=(1, 2)).nonzero()[0].tolist() == [3, 4, 5, 6, 7, 8]


def test_a_gap_in_the_roi_stays_a_gap(tmp_path: Path) -> None:
    (mask,) = read_masks(rtstruct(tmp_path / "a.dcm", {"a": box(planes=(2, 3, 4, 8, 9))}), study())
    assert mask.array.any(axis=(1, 2)).nonzero()[0].tolist() == [2, 3, 4, 8, 9]


def test_oblique_pet(tmp_path: Path) -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([4.0, 4.0, 3.27])[:, ::-1]
    grid = Grid(PET.shape, affine)
    (mask,) = read_masks(rtstruct(tmp_path / "a.dcm", {"a": box(grid)}), study(grid, None))
    assert np.array_equal(mask.array, expected_box())
    with pytest.raises(MaskError, match="across the slices"):
        read_masks(rtstruct(tmp_path / "b.dcm", {"a": box(PET)}), study(grid, None))


def test_another_frame_of_reference_is_refused(tmp_path: Path) -> None:
    path = rtstruct(tmp_path / "a.dcm", {"SECRET^NAME": box()}, frame="1.2.3")
    with pytest.raises(MaskError, match="frame of reference") as caught:
        read_masks(path, study())
    assert "SECRET" not in str(caught.value)
    assert len(read_masks(path, study(frame=None))) == 1  # NIfTI has none to compare


def test_contours_that_leave_the_pet_are_refused(tmp_path: Path) -> None:
    moved = Grid.from_spacing(PET.shape, PET.spacing_mm, (-40.0, -30.0, 500.0))
    with pytest.raises(MaskError, match="outside the PET"):
        read_masks(rtstruct(tmp_path / "a.dcm", {"a": box()}), study(moved, None))
    with pytest.raises(MaskError, match="outside the PET"):
        read_masks(rtstruct(tmp_path / "b.dcm", {"a": box(planes=(10, 11, 12, 13))}), study())


def test_an_outline_beyond_the_pet_is_passed_over_and_told(tmp_path: Path) -> None:
    wide = [box_contour(PET, z, (-3.0, 25.0), (-4.0, 30.0)) for z in (3, 4, 5)]  # a BODY drawn on the planning CT
    path = rtstruct(tmp_path / "a.dcm", {"BODY": wide, "GTV": box(), "other": box(planes=(1,))})
    first, second = read_masks(path, study())
    assert (first.name, second.name) == ("GTV", "other")
    assert np.array_equal(first.array, expected_box())
    assert first.note == second.note == "ROI 1 passed over: reaching outside the PET"


def test_rtstruct_without_contours(tmp_path: Path) -> None:
    for rois, kind in (({}, "CLOSED_PLANAR"), ({"a": box()}, "POINT")):
        with pytest.raises(MaskError, match="without closed contours"):
            read_masks(rtstruct(tmp_path / "a.dcm", rois, kind=kind), study())
    tiny = [box_contour(PET, 4, (2.6, 2.7), (9.6, 9.7))]
    with pytest.raises(MaskError, match="no voxel"):
        read_masks(rtstruct(tmp_path / "b.dcm", {"a": tiny}), study())
    both = read_masks(rtstruct(tmp_path / "c.dcm", {"a": tiny, "b": box()}), study())
    assert [mask.array.sum() for mask in both] == [0, 54]


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
def test_damaged_contours(tmp_path: Path) -> None:
    for points in (box_contour(PET, 4, (2.5, 8.5), (9.5, 12.5))[:-1], [float("nan")] * 12):
        with pytest.raises(MaskError, match="damaged contour"):
            read_masks(rtstruct(tmp_path / "a.dcm", {"a": [points]}), study())


@given(st.data())
def test_any_damage_of_a_file_is_a_typed_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damage")
    raw = bytearray(rtstruct(folder / "a.dcm", {"a": box()}).read_bytes())
    place = data.draw(st.integers(132, len(raw) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=6))
    raw[place : place + len(junk)] = junk
    (folder / "b.dcm").write_bytes(bytes(raw[: data.draw(st.integers(140, len(raw)))]))
    with contextlib.suppress(MaskError):
        read_masks(folder / "b.dcm", study())


# ------------------------------------------------------------------ DICOM SEG


def pet_slices(grid: Grid, frame: str = FRAME) -> list[Dataset]:
    """Headers of the PET that a SEG refers to."""
    series, study_uid = generate_uid(), generate_uid()
    slices = []
    for z in range(grid.shape[0]):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.128", generate_uid()
        ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID = series, study_uid, frame
        ds.PatientID = ds.PatientName = ds.PatientBirthDate = ds.PatientSex = ds.AccessionNumber = ds.StudyID = ""
        ds.StudyDate = ds.StudyTime = ds.ReferringPhysicianName = ""
        ds.Modality, ds.InstanceNumber = "PT", z + 1
        ds.Rows, ds.Columns = grid.shape[1:]
        ds.PixelSpacing, ds.SliceThickness = [grid.spacing_mm[1], grid.spacing_mm[2]], grid.spacing_mm[0]
        ds.ImageOrientationPatient = [*grid.directions[:, 2], *grid.directions[:, 1]]
        ds.ImagePositionPatient = [float(v) for v in grid.to_mm([z, 0, 0])]
        slices.append(ds)
    return slices


def seg(path: Path, array: np.ndarray, kind: str = "BINARY", grid: Grid = PET, frame: str = FRAME, **more: Any) -> Path:
    numbers = [1] if kind == "FRACTIONAL" else [int(v) for v in np.unique(array) if v]
    code = hd.sr.CodedConcept("108369006", "SCT", "Neoplasm")
    segments = [
        hd.seg.SegmentDescription(
            segment_number=n,
            segment_label=f"lesion {n}",
            segmented_property_category=hd.sr.CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure"),
            segmented_property_type=code,
            algorithm_type="MANUAL",
        )
        for n in numbers
    ]
    hd.seg.Segmentation(
        source_images=pet_slices(grid, frame),
        pixel_array=array,
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=generate_uid(),
        series_number=9,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="x",
        manufacturer_model_name="x",
        software_versions="1",
        device_serial_number="1",
        **more,
    ).save_as(path)
    return path


def two_lesions() -> np.ndarray:
    out = np.zeros(PET.shape, np.uint8)
    out[4:7, 3:9, 10:13] = 1
    out[9, 15, 2:5] = 2
    return out


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments(kind: str, tmp_path: Path) -> None:
    first, second = read_masks(seg(tmp_path / "a.dcm", two_lesions(), kind), study())
    assert (first.name, second.name, first.source) == ("lesion 1", "lesion 2", "seg")
    assert np.array_equal(first.array, two_lesions() == 1)
    assert np.array_equal(second.array, two_lesions() == 2)


def test_fractional_from_half_upward(tmp_path: Path) -> None:
    array = np.zeros(PET.shape, np.float32)
    array[4:7, 3:9, 10:13], array[7, 3:9, 10:13], array[3, 3:9, 10:13] = 1.0, 0.4, 0.6
    path = seg(tmp_path / "a.dcm", array, "FRACTIONAL", max_fractional_value=100)
    (mask,) = read_masks(path, study())
    assert np.array_equal(mask.array, array >= 0.5)


@pytest.mark.parametrize("axes", [(-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, 1)])
def test_segments_drawn_on_flipped_images(axes: tuple[int, int, int], tmp_path: Path) -> None:
    """Feet-first or flipped storage is the same place in the patient."""
    affine = PET.affine.copy()
    for axis, sign in enumerate(axes):
        if sign < 0:
            affine[:3, 3] += affine[:3, axis] * (PET.shape[axis] - 1)
            affine[:3, axis] *= -1
    stored = two_lesions()[tuple(slice(None, None, sign) for sign in axes)]
    path = seg(tmp_path / "a.dcm", np.ascontiguousarray(stored), grid=Grid(PET.shape, affine))
    first, second = read_masks(path, study())
    assert np.array_equal(first.array, two_lesions() == 1)
    assert np.array_equal(second.array, two_lesions() == 2)


def test_slices_left_out_of_a_seg_are_empty(tmp_path: Path) -> None:
    array = np.zeros(PET.shape, np.uint8)
    array[2, 5, 5], array[8, 5, 5] = 1, 1
    (mask,) = read_masks(seg(tmp_path / "a.dcm", array, omit_empty_frames=True), study())
    assert np.argwhere(mask.array).tolist() == [[2, 5, 5], [8, 5, 5]]
    array[8] = 0
    (mask,) = read_masks(seg(tmp_path / "b.dcm", array, omit_empty_frames=True), study())
    assert np.argwhere(mask.array).tolist() == [[2, 5, 5]]


def test_segments_of_the_ct_are_resampled_and_say_so(tmp_path: Path) -> None:
    array = np.zeros(CT.shape, np.uint8)
    array[4:7, 6:18, 20:26] = 1
    (mask,) = read_masks(seg(tmp_path / "a.dcm", array, grid=CT), study())
    assert np.array_equal(mask.array, expected_box())
    assert mask.note == "segment 1 lies on the CT grid: brought to the PET grid by nearest voxel"


def test_segments_elsewhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="frame of reference"):
        read_masks(seg(tmp_path / "a.dcm", two_lesions(), frame="1.2.3"), study())
    moved = Grid.from_spacing(PET.shape, PET.spacing_mm, (-38.5, -30.0, -100.0))
    with pytest.raises(MaskError, match="another grid"):
        read_masks(seg(tmp_path / "b.dcm", two_lesions(), grid=moved), study())
    with pytest.raises(MaskError, match="damaged mask"):
        (tmp_path / "t.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:-400])
        read_masks(tmp_path / "t.dcm", study(frame=None))
    ds = pydicom.dcmread(tmp_path / "b.dcm")
    del ds.PerFrameFunctionalGroupsSequence
    ds.save_as(tmp_path / "c.dcm")
    with pytest.raises(MaskError, match="damaged mask"):
        read_masks(tmp_path / "c.dcm", study())


# ------------------------------------------------------------------ NIfTI


def nifti(path: Path, array: np.ndarray, grid: Grid = PET) -> Path:
    write_nifti(Volume(array, grid, Quantity.LABEL), path)
    return path


def test_nifti_mask_and_instances(tmp_path: Path) -> None:
    (mask,) = read_masks(nifti(tmp_path / "wang.nii.gz", expected_box().astype(np.uint8)), study())
    assert (mask.name, mask.source, mask.note) == ("mask", "nifti", None)
    assert np.array_equal(mask.array, expected_box())
    assert [m.name for m in read_masks(nifti(tmp_path / "b.nii", two_lesions()), study())] == ["label 1", "label 2"]
    with pytest.raises(ValueError, match="read-only"):
        mask.array[0] = True


def test_a_crop_of_the_pet_falls_into_place(tmp_path: Path) -> None:
    crop = (slice(2, 9), slice(1, 12), slice(8, 20))
    path = nifti(tmp_path / "a.nii.gz", expected_box()[crop].astype(np.uint8), PET.crop(crop))
    (mask,) = read_masks(path, study())
    assert np.array_equal(mask.array, expected_box())
    assert mask.note is None


def test_mask_of_the_ct(tmp_path: Path) -> None:
    array = np.zeros(CT.shape, np.uint8)
    array[4:7, 6:18, 20:26] = 1
    (mask,) = read_masks(nifti(tmp_path / "a.nii.gz", array, CT), study())
    assert np.array_equal(mask.array, expected_box())
    assert mask.note is not None
    with pytest.raises(MaskError, match="another grid"):
        read_masks(tmp_path / "a.nii.gz", study(ct=None))


@pytest.mark.parametrize(
    "moved",
    [
        Grid.from_spacing(PET.shape, PET.spacing_mm, (-38.0, -30.0, -100.0)),
        Grid.from_spacing(PET.shape, PET.spacing_mm, (-40.0, -30.0, -101.0)),
        Grid.from_spacing(PET.shape, (3.3, 4.0, 4.0), (-40.0, -30.0, -100.0)),
        Grid.from_spacing(PET.shape, PET.spacing_mm, (-36.0, -30.0, -100.0)),  # one whole voxel to the left
    ],
)
def test_a_moved_mask_is_refused(moved: Grid, tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="another grid"):
        read_masks(nifti(tmp_path / "a.nii.gz", expected_box().astype(np.uint8), moved), study())


def test_swapped_sides_do_not_pass_for_each_other(tmp_path: Path) -> None:
    """The mirrored array on the same grid is another place."""
    lesion = (two_lesions() == 2).astype(np.uint8)
    (mask,) = read_masks(nifti(tmp_path / "a.nii.gz", lesion[:, :, ::-1]), study())
    assert mask.array.sum() == lesion.sum()
    assert not (mask.array & (lesion > 0)).any()


def test_what_is_no_mask(tmp_path: Path) -> None:
    junk = tmp_path / "junk.bin"
    junk.write_bytes(b"x" * 500)
    with pytest.raises(MaskError, match="neither DICOM nor NIfTI"):
        read_masks(junk, study())
    with pytest.raises(MaskError, match="no mask file"):
        read_masks(tmp_path / "none", study())
    with pytest.raises(MaskError, match="no voxel"):
        read_masks(nifti(tmp_path / "e.nii.gz", np.zeros(PET.shape, np.uint8)), study())
    ct_only = Study(id="a", ct=study().ct)
    with pytest.raises(MaskError, match="without PET"):
        read_masks(junk, ct_only)
    pet_slices(PET)[0].save_as(tmp_path / "pet.dcm", enforce_file_format=True)
    with pytest.raises(MaskError, match="no mask"):
        read_masks(tmp_path / "pet.dcm", study())


def test_a_folder_of_masks(tmp_path: Path) -> None:
    rtstruct(tmp_path / "a.dcm", {"one": box()})
    nifti(tmp_path / "b.nii.gz", expected_box().astype(np.uint8))
    assert [mask.source for mask in read_masks(tmp_path, study())] == ["rtstruct", "nifti"]


# ------------------------------------------------------------------ real contours


@pytest.mark.reference
class TestReal:
    @pytest.mark.parametrize("case", ["ibsi_sts_001/dicom", "sts_001_ge_pet"])
    def test_gtv_mass(self, case: str, shared: Path) -> None:
        from petrg.imaging.read import read_study

        folder = shared / "data" / case
        one = read_study(folder)
        seen = 0
        for path in folder.rglob("mask/*.dcm"):
            for mask in read_masks(path, one):
                if mask.name.startswith("GTV_Mass") and not mask.name.endswith(("_CT", "_MR_T1")):
                    values = one.suv().array[mask.array]
                    assert mask.array.sum() * one.suv().grid.voxel_ml == pytest.approx(366.08, rel=1e-4)
                    assert float(values.mean()) == pytest.approx(2.5551, abs=2e-4)
                    assert round(float(values.max()), 4) == 7.9107
                    seen += 1
        assert seen

    def test_contours_give_the_published_mask_voxel_by_voxel(self, shared: Path) -> None:
        from petrg.imaging.read import read_study

        folder = shared / "data" / "ibsi_sts_001"
        one = read_study(folder / "dicom")
        (published,) = read_masks(folder / "nifti" / "PET_mask.nii.gz", one)
        (ours,) = read_masks(next((folder / "dicom" / "PET").rglob("mask/*.dcm")), one)
        assert np.array_equal(ours.array, published.array)
        (from_ct,) = read_masks(next((folder / "dicom" / "CT").rglob("mask/*.dcm")), one)
        assert from_ct.array.sum() == pytest.approx(published.array.sum(), rel=0.005)
