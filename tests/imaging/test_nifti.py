"""NIfTI at the door: axes, units, scaling, missing voxels, damage."""

import contextlib
import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from petrg.errors import GeometryError, PixelError
from petrg.imaging import Grid, Quantity, Volume
from petrg.imaging.nifti import read_nifti, write_nifti
from petrg.imaging.nifti_file import load_nifti

SHAPE = (3, 4, 5)  # i, j, k
CODES = [a + b + c for a in "RL" for b in "AP" for c in "SI"]
CODES += ["SRA", "AIR", "PSL", "LSA"]


def rotation(degrees: float, axis: int = 2) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = np.eye(3)
    a, b = [k for k in range(3) if k != axis]
    out[a, a], out[a, b], out[b, a], out[b, b] = c, -s, s, c
    return out


def ras(spacing: tuple[float, ...] = (2.0, 3.0, 4.0), turn: np.ndarray | None = None) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ np.diag(spacing)
    affine[:3, 3] = 10, -20, 30
    return affine


def save(path: Path, array: np.ndarray, affine: np.ndarray, unit: str = "mm") -> Path:
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units(unit)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nib.save(image, path)
    return path


def numbered() -> np.ndarray:
    return np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)


def value_at(volume: Volume, mm_ras: np.ndarray) -> float:
    """The voxel at a place given in RAS."""
    index = volume.grid.to_index(mm_ras * [-1, -1, 1])
    assert np.allclose(index, np.rint(index), atol=1e-3)
    return float(volume.array[tuple(np.rint(index).astype(int))])


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_every_voxel_stays_where_it_was(codes: str, ending: str, tmp_path: Path) -> None:
    affine = ras()
    change = ornt_transform(io_orientation(affine), axcodes2ornt(tuple(codes)))
    array = apply_orientation(numbered(), change)
    stored = affine @ inv_ornt_aff(change, SHAPE)
    volume = read_nifti(save(tmp_path / f"a{ending}", array, stored), Quantity.SUV_BW)
    assert volume.grid.is_axial
    assert (np.diag(volume.grid.affine[:3, :3][::-1]) > 0).all()  # x left, y back, z head
    assert volume.grid.shape == SHAPE[::-1]
    for index in np.ndindex(SHAPE):
        assert value_at(volume, affine[:3, :3] @ index + affine[:3, 3]) == numbered()[index]


def test_a_swapped_side_is_seen(tmp_path: Path) -> None:
    """The mirror image must not read as the image."""
    array = numbered()
    mirrored = ras() @ np.diag([-1.0, 1, 1, 1])
    mirrored[0, 3] = ras()[0, 3] + 2.0 * (SHAPE[0] - 1)
    one = read_nifti(save(tmp_path / "a.nii", array, ras()), Quantity.SUV_BW)
    other = read_nifti(save(tmp_path / "b.nii", array, mirrored), Quantity.SUV_BW)
    assert one.grid.same_as(other.grid)
    assert not np.array_equal(one.array, other.array)
    assert np.array_equal(one.array, other.array[:, :, ::-1])


@given(st.floats(-40, 40), st.integers(0, 2), st.tuples(*[st.floats(0.5, 6)] * 3))
def test_oblique_grids_stay_in_the_affine(
    tmp_path_factory: pytest.TempPathFactory, degrees: float, axis: int, spacing: tuple[float, ...]
) -> None:
    affine = ras(spacing, rotation(degrees, axis))
    path = tmp_path_factory.mktemp("oblique") / "a.nii"
    volume = read_nifti(save(path, numbered(), affine), Quantity.SUV_BW)
    for index in ((0, 0, 0), (2, 3, 4), (2, 0, 1)):
        assert value_at(volume, affine[:3, :3] @ index + affine[:3, 3]) == numbered()[index]
    again = path.with_name("b.nii.gz")
    write_nifti(volume, again)
    back = read_nifti(again, Quantity.SUV_BW)
    assert np.array_equal(back.array, volume.array)
    assert back.grid.same_as(volume.grid, 1e-4)


def test_sheared_grid_survives(tmp_path: Path) -> None:
    """Gantry tilt: no qform can hold it."""
    affine = np.array([[0.0, 0, 2, -50], [0.6, 3, 0, -70], [4, 0, 0, 10], [0, 0, 0, 1]])
    volume = Volume(numbered().T.copy(), Grid(SHAPE[::-1], affine), Quantity.SUV_BW)
    write_nifti(volume, tmp_path / "a.nii.gz")
    assert read_nifti(tmp_path / "a.nii.gz", Quantity.SUV_BW).grid.same_as(volume.grid, 1e-4)


def test_length_units(tmp_path: Path) -> None:
    mm = read_nifti(save(tmp_path / "a.nii", numbered(), ras()), Quantity.SUV_BW)
    metres = ras()
    metres[:3] /= 1000
    assert read_nifti(save(tmp_path / "b.nii", numbered(), metres, "meter"), Quantity.SUV_BW).grid.same_as(mm.grid)
    microns = ras()
    microns[:3] *= 1000
    assert read_nifti(save(tmp_path / "c.nii", numbered(), microns, "micron"), Quantity.SUV_BW).grid.same_as(mm.grid)
    unsaid = load_nifti(save(tmp_path / "d.nii", numbered(), ras(), "unknown"), Quantity.SUV_BW)
    assert unsaid.volume.grid.same_as(mm.grid)
    assert [p.code for p in unsaid.problems] == ["nifti-unit-unknown"]


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", "u2", "i4", "f4", ">f4", "f8"])
def test_types_and_scaling(dtype: str, tmp_path: Path) -> None:
    array = (numbered() - (20 if np.dtype(dtype).kind != "u" else 0)).astype(dtype)
    image = nib.Nifti1Image(array, ras())
    image.header.set_data_dtype(dtype)
    nib.save(image, tmp_path / "a.nii")
    assert np.array_equal(
        read_nifti(tmp_path / "a.nii", Quantity.SUV_BW).array, array.T.astype(np.float32)[:, ::-1, ::-1]
    )
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    order = ">" if image.header.endianness == ">" else "<"
    raw[112:120] = np.array([0.5, -7.0], order + "f4").tobytes()  # scl_slope, scl_inter
    (tmp_path / "b.nii").write_bytes(raw)
    scaled = read_nifti(tmp_path / "b.nii", Quantity.SUV_BW).array
    assert scaled.dtype == np.float32
    assert np.array_equal(scaled, (array.T.astype(np.float64) * 0.5 - 7)[:, ::-1, ::-1])


def test_one_frame_of_four_dimensions_is_an_image(tmp_path: Path) -> None:
    save(tmp_path / "a.nii", numbered()[..., None], ras())
    assert read_nifti(tmp_path / "a.nii", Quantity.SUV_BW).grid.shape == SHAPE[::-1]
    save(tmp_path / "b.nii", np.stack([numbered()] * 2, axis=-1), ras())
    with pytest.raises(PixelError, match="3 x 4 x 5 x 2"):
        read_nifti(tmp_path / "b.nii", Quantity.SUV_BW)
    save(tmp_path / "c.nii", numbered()[..., 0], ras())
    with pytest.raises(PixelError, match="one 3D image"):
        read_nifti(tmp_path / "c.nii", Quantity.SUV_BW)


def test_nifti_2(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(numbered(), ras()), tmp_path / "a.nii.gz")
    assert value_at(read_nifti(tmp_path / "a.nii.gz", Quantity.SUV_BW), ras()[:3, 3]) == 0


def test_missing_voxels(tmp_path: Path) -> None:
    array = np.ones((8, 8, 8), np.float32)
    array[0], array[1, :2, :2] = np.nan, np.nan
    for quantity, fill in ((Quantity.SUV_BW, 0), (Quantity.HU, -1024)):
        loaded = load_nifti(save(tmp_path / "a.nii", array, ras()), quantity)
        assert [p.code for p in loaded.problems] == ["nifti-outside-field"]
        assert set(np.unique(loaded.volume.array)) == {fill, 1}
        assert (loaded.volume.array == fill).sum() == 68
    for bad in (np.nan, np.inf, -np.inf):
        inside = np.ones((8, 8, 8), np.float32)
        inside[4, 4, 4] = bad
        with pytest.raises(PixelError, match="no number"):
            read_nifti(save(tmp_path / "b.nii", inside, ras()), Quantity.SUV_BW)
    with pytest.raises(PixelError, match="no number"):
        read_nifti(save(tmp_path / "c.nii", np.full((3, 3, 3), np.nan, np.float32), ras()), Quantity.SUV_BW)


def test_orientation_must_be_known_and_agree(tmp_path: Path) -> None:
    image = nib.Nifti1Image(numbered(), ras())
    image.set_sform(ras(), 0)
    image.set_qform(ras(), 0)
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(GeometryError, match="left and right are unknown"):
        read_nifti(tmp_path / "a.nii", Quantity.SUV_BW)
    image.set_sform(ras(), 1)
    image.set_qform(ras() @ np.diag([-1.0, 1, 1, 1]), 1)
    nib.save(image, tmp_path / "b.nii")
    with pytest.raises(GeometryError, match="swapped"):
        read_nifti(tmp_path / "b.nii", Quantity.SUV_BW)
    moved = ras()
    moved[2, 3] += 5
    image.set_qform(moved, 1)
    nib.save(image, tmp_path / "c.nii")
    loaded = load_nifti(tmp_path / "c.nii", Quantity.SUV_BW)
    assert "nifti-forms-differ" in {p.code for p in loaded.problems}
    assert value_at(loaded.volume, ras()[:3, 3]) == 0  # sform
    image.set_sform(None, 0)
    nib.save(image, tmp_path / "d.nii")
    assert value_at(read_nifti(tmp_path / "d.nii", Quantity.SUV_BW), moved[:3, 3]) == 0  # qform alone
    image.set_sform(np.zeros((4, 4)), 1)
    nib.save(image, tmp_path / "e.nii")
    with pytest.raises(GeometryError):
        read_nifti(tmp_path / "e.nii", Quantity.SUV_BW)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_damage_is_a_typed_error(ending: str, tmp_path: Path) -> None:
    whole = save(tmp_path / f"a{ending}", numbered(), ras()).read_bytes()
    bad = tmp_path / f"b{ending}"
    for content in (b"", b"x" * 1000, whole[:100], whole[:-20], gzip.compress(b"junk")):
        bad.write_bytes(content)
        with pytest.raises(PixelError):
            read_nifti(bad, Quantity.SUV_BW)
    with pytest.raises(PixelError):
        read_nifti(tmp_path / f"none{ending}", Quantity.SUV_BW)


def test_a_header_that_claims_too_much_allocates_nothing(tmp_path: Path) -> None:
    raw = bytearray(save(tmp_path / "a.nii", numbered(), ras()).read_bytes())
    raw[42:48] = np.array([30000] * 3, "<i2").tobytes()
    for name, content in (("b.nii", bytes(raw)), ("b.nii.gz", gzip.compress(bytes(raw)))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PixelError, match="GiB"):
            read_nifti(tmp_path / name, Quantity.SUV_BW)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_any_header_bytes_give_typed_errors(tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    raw = bytearray(save(folder / "a.nii", numbered(), ras()).read_bytes())
    raw[place : place + len(junk)] = junk
    (folder / "b.nii").write_bytes(raw)
    with contextlib.suppress(PixelError, GeometryError):
        read_nifti(folder / "b.nii", Quantity.SUV_BW)


def test_labels_keep_whole_numbers(tmp_path: Path) -> None:
    labels = (numbered() % 7).astype(np.float32)
    volume = read_nifti(save(tmp_path / "a.nii", labels, ras()), Quantity.LABEL)
    assert volume.array.dtype == np.uint8
    with pytest.raises(PixelError, match="not whole"):
        read_nifti(save(tmp_path / "b.nii", labels + 0.25, ras()), Quantity.LABEL)
    with pytest.raises(PixelError, match="labels"):
        read_nifti(save(tmp_path / "c.nii", labels - 3, ras()), Quantity.LABEL)


def test_written_as_int16_only_where_whole(tmp_path: Path) -> None:
    grid = Grid.from_spacing((2, 2, 2), (1.0, 1.0, 1.0))
    for values, dtype in (([-1024, 40], "int16"), ([-1024.5, 40], "float32"), ([-1024, 40000], "float32")):
        array = np.resize(np.array(values, np.float32), (2, 2, 2))
        write_nifti(Volume(array, grid, Quantity.HU), tmp_path / "a.nii.gz")
        assert nib.load(tmp_path / "a.nii.gz").get_data_dtype() == np.dtype(dtype)
        assert np.array_equal(read_nifti(tmp_path / "a.nii.gz", Quantity.HU).array, array)


def test_other_readers_see_the_same_places(tmp_path: Path) -> None:
    import SimpleITK as sitk

    volume = Volume(numbered().T.copy(), Grid.from_spacing(SHAPE[::-1], (4, 3, 2), (-10, 20, 30)), Quantity.SUV_BW)
    write_nifti(volume, tmp_path / "a.nii.gz")
    image = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    for index in ((0, 0, 0), (2, 3, 4)):
        place = image.TransformIndexToPhysicalPoint(index)  # LPS
        assert np.allclose(place, volume.grid.to_mm(index[::-1]), atol=1e-4)
        assert image.GetPixel(*index) == volume.array[index[::-1]]


def test_a_file_longer_than_its_voxels_is_read(tmp_path: Path) -> None:
    """Fewer voxel bytes than were read ahead with the header."""
    grid = Grid.from_spacing((1, 2, 3), (3.0, 2.0, 1.0))
    write_nifti(Volume(np.arange(6, dtype=np.float32).reshape(1, 2, 3), grid, Quantity.SUV_BW), tmp_path / "a.nii")
    with (tmp_path / "a.nii").open("ab") as file:
        file.write(bytes(400))
    assert read_nifti(tmp_path / "a.nii", Quantity.SUV_BW).array.ravel().tolist() == [0, 1, 2, 3, 4, 5]
