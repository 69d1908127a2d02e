"""Grids from positions alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import ct, pet, write
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pydicom.dataset import Dataset

from petrg import read_study
from petrg.errors import GeometryError
from petrg.imaging.dicom.geometry import lattice

HFS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def stack(zs: list[float], orientation: tuple[float, ...] = HFS, **other: object):
    places = [(-10.0, -20.0, z) for z in zs]
    return lattice(places, [orientation] * len(zs), (2.0, 1.5), 6, 5, **other)


def test_every_voxel_lies_where_its_header_says() -> None:
    found = stack([6, 0, 9, 3])
    assert found.order == (1, 3, 0, 2)
    assert_allclose(found.grid.to_mm([2, 4, 3]), [-10 + 3 * 1.5, -20 + 4 * 2.0, 6.0])


@given(st.permutations(range(8)))
def test_order_of_files_changes_nothing(order: list[int]) -> None:
    found = stack([3.0 * i for i in order])
    assert_allclose([3.0 * order[i] for i in found.order], np.arange(8) * 3.0)


@pytest.mark.parametrize(
    ("name", "orientation"),
    [
        ("supine", (1, 0, 0, 0, 1, 0)),
        ("prone", (-1, 0, 0, 0, -1, 0)),
        ("flipped in plane", (-1, 0, 0, 0, 1, 0)),
        ("feet first, columns upwards", (1, 0, 0, 0, -1, 0)),
        ("coronal", (1, 0, 0, 0, 0, -1)),
        ("sagittal", (0, 1, 0, 0, 0, -1)),
    ],
)
def test_any_direction_keeps_every_corner(name: str, orientation: tuple[float, ...]) -> None:
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    normal = np.cross(row, column)
    places = [tuple(np.array([5.0, 6.0, 7.0]) + 3.0 * i * normal) for i in (2, 0, 1)]
    found = lattice(places, [orientation] * 3, (2.0, 1.5), 6, 5)
    for z, file in enumerate(found.order):
        expected = np.array(places[file]) + 1 * 2.0 * column + 3 * 1.5 * row
        assert_allclose(found.grid.to_mm([z, 1, 3]), expected, atol=1e-9)
    if abs(normal[2]) > 0.5:  # axial: z index rises to the head
        assert found.grid.affine[2, 0] > 0


def test_uneven_gaps_of_ge_are_kept() -> None:
    zs = [0.0]
    for gap in (3.27, 3.19, 3.29, 3.27, 3.27):
        zs.append(zs[-1] + gap)
    found = stack(zs)
    assert_allclose(found.positions_mm[:, 2], zs)
    assert found.grid.spacing_mm[0] == pytest.approx(zs[-1] / 5)
    assert found.uneven_mm < 0.1


@pytest.mark.parametrize("gap", [3.0 - 0.11, 3.0 + 0.11, 6.0])
def test_a_gap_beyond_tolerance_is_refused(gap: float) -> None:
    zs = [0.0, 3.0, 6.0, 6.0 + gap, 9.0 + gap]
    with pytest.raises(GeometryError, match=f"between 6.00 and {6 + gap:.2f} mm"):
        stack(zs)


@pytest.mark.parametrize("gap", [3.0 - 0.09, 3.0 + 0.09])
def test_a_gap_within_tolerance_is_not(gap: float) -> None:
    stack([0.0, 3.0, 6.0, 6.0 + gap, 9.0 + gap])


def test_three_percent_rules_where_slices_are_thick() -> None:
    stack([0.0, 10.0, 20.0, 30.29])
    with pytest.raises(GeometryError):
        stack([0.0, 10.0, 20.0, 30.31])


def test_a_hole_is_refused_with_its_positions(tmp_path: Path) -> None:
    write(tmp_path, ct(zs=(0, 3, 9, 12)))
    with pytest.raises(GeometryError) as error:
        read_study(tmp_path)
    assert str(error.value) == (
        "CT with a hole between 3.00 and 9.00 mm — expected gaps of 3.00 mm within 0.10 mm — "
        "export the series again, or choose another with --ct-series or --pet-series"
    )


def test_two_images_at_one_position_are_refused_with_it(tmp_path: Path) -> None:
    write(tmp_path, ct(zs=(0, 3, 3, 6)))
    with pytest.raises(GeometryError) as error:
        read_study(tmp_path)
    assert str(error.value) == (
        "CT with two images at one position, at 3.00 mm — expected one image at each position — "
        "export the series again, or choose another with --ct-series or --pet-series"
    )


def test_a_file_given_twice_is_dropped_and_noted(tmp_path: Path) -> None:
    series = ct()
    write(tmp_path / "a", series)
    write(tmp_path / "b", series[:1])
    study = read_study(tmp_path)
    assert study.ct is not None
    assert study.ct.grid.shape[0] == 4
    assert [str(p) for p in study.problems] == ["1 CT image given twice (same SOP UID, same pixels), dropped"]


def test_one_sop_uid_with_other_pixels_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", ct())
    other = ct()[:1]
    other[0].PixelData = bytes(len(other[0].PixelData))
    write(tmp_path / "b", other)
    with pytest.raises(GeometryError, match="two different images under one SOP UID"):
        read_study(tmp_path)


def tilted(degrees: float):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def edit(ds: Dataset, i: int) -> None:
        ds.ImageOrientationPatient = [1, 0, 0, 0, float(c), float(s)]

    return edit


def test_gantry_tilt_is_refused_aloud(tmp_path: Path) -> None:
    write(tmp_path, ct(edit=tilted(12.0)))
    with pytest.raises(GeometryError, match=r"gantry tilt of 12\.0 degrees — expected .* within 0\.5 degrees"):
        read_study(tmp_path)


def test_a_tilt_within_half_a_degree_keeps_its_true_affine() -> None:
    c, s = np.cos(np.radians(0.3)), np.sin(np.radians(0.3))
    found = stack([0, 3, 6], orientation=(1, 0, 0, 0, c, s))
    assert_allclose(found.grid.to_mm([2, 0, 0]), [-10, -20, 6])


def test_an_oblique_stack_at_right_angles_is_no_tilt() -> None:
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    normal = np.cross([1, 0, 0], [0, c, s])
    places = [tuple(3.0 * i * normal) for i in range(4)]
    found = lattice(places, [(1, 0, 0, 0, c, s)] * 4, (2.0, 2.0), 4, 4)
    assert_allclose(found.grid.spacing_mm, [3, 2, 2])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"orientation": (1, 0, 0, 0.9, 0.1, 0)}, "not at right angles"),
        ({"orientation": (2, 0, 0, 0, 1, 0)}, "not at right angles"),
        ({"orientation": (0, 0, 0, 0, 0, 0)}, "not at right angles"),
    ],
)
def test_impossible_axes_are_refused(change: dict, line: str) -> None:
    with pytest.raises(GeometryError, match=line):
        stack([0, 3, 6], **change)


def test_sideways_jumps_are_refused() -> None:
    places = [(-10.0, -20.0, 0.0), (-10.0, -18.0, 3.0), (-10.0, -20.0, 6.0), (-10.0, -20.0, 9.0)]
    with pytest.raises(GeometryError, match="shift sideways"):
        lattice(places, [HFS] * 4, (2.0, 1.5), 6, 5)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_series_without_geometry_is_refused(tmp_path: Path, keyword: str) -> None:
    write(tmp_path, ct(edit=lambda ds, i: delattr(ds, keyword)))
    with pytest.raises(GeometryError, match="lacks its position, orientation or pixel spacing"):
        read_study(tmp_path)


def test_names_instance_numbers_and_thickness_are_never_asked(tmp_path: Path) -> None:
    def mislead(ds: Dataset, i: int) -> None:
        ds.InstanceNumber, ds.SliceThickness, ds.SliceLocation = (9 * i) % 4, 99, -5.0 * i

    write(tmp_path, ct(edit=mislead), pet(edit=mislead))
    study = read_study(tmp_path)
    assert study.ct is not None
    assert study.pet is not None
    assert_allclose(study.ct.grid.spacing_mm, [3, 2, 1.5])
    assert_allclose(study.ct.array[2, 4, 3], 200 + 40 + 3 - 1024)
    assert_allclose(study.pet.grid.origin_mm, [-10, -20, 0])


def test_feet_first_series_is_stored_toward_the_head(tmp_path: Path) -> None:
    def feet_first(ds: Dataset, i: int) -> None:
        ds.PatientPosition = "FFS"
        ds.ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [10.0, -20.0, -3.0 * i]

    write(tmp_path, ct(edit=feet_first))
    study = read_study(tmp_path)
    assert study.ct is not None
    assert study.ct.grid.affine[2, 0] > 0
    assert study.ct.array[-1, 0, 0] == -1024  # the first file lies at z = 0, the others below it
    assert_allclose(study.ct.grid.to_mm([3, 0, 2]), [10 - 2 * 1.5, -20, 0])
    assert study.ct_series is not None
    assert study.ct_series.instance_numbers == (4, 3, 2, 1)


def test_mixed_matrix_sizes_keep_the_largest_and_name_the_rest(tmp_path: Path) -> None:
    small = np.zeros((2, 3, 3), "<i2")
    odd = ct(small, zs=(20, 23))
    for ds in odd:
        ds.SOPInstanceUID += ".7"
    write(tmp_path, ct(), odd)
    study = read_study(tmp_path)
    assert study.ct is not None
    assert study.ct.grid.shape == (4, 6, 5)
    assert "2 images of the CT series taken make another grid and are left out" in map(str, study.problems)
