"""What is written reads back as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from petrg.errors import OutputError, StudyError
from petrg.imaging import Grid, Identity, Quantity, Series, Study, SuvProvenance, Volume
from petrg.imaging.nifti import read_nifti, read_nifti_study
from petrg.imaging.write import convert


def tilted(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Grid:
    """A slice step that leans by 5 degrees, and rows turned by 2."""
    c, s = np.cos(np.radians(2)), np.sin(np.radians(2))
    affine = np.eye(4)
    affine[:3, 0] = 0, spacing[0] * np.sin(np.radians(5)), spacing[0] * np.cos(np.radians(5))
    affine[:3, 1] = -s * spacing[1], c * spacing[1], 0
    affine[:3, 2] = c * spacing[2], s * spacing[2], 0
    affine[:3, 3] = -21.09375, 13.7, -881.3
    return Grid(shape, affine)


def study(pet_quantity: Quantity = Quantity.SUV_BW, scale: float = 1.0, tilt: bool = False) -> Study:
    rng = np.random.default_rng(0)
    make = tilted if tilt else lambda shape, spacing: Grid.from_spacing(shape, spacing, (-21.09375, 13.7, -881.3))
    ct_grid, pet_grid = make((9, 24, 20), (3.27, 0.9765625, 0.9765625)), make((9, 8, 10), (3.27, 4.6875, 4.07283))
    ct = np.rint(rng.normal(0, 300, ct_grid.shape)).astype(np.float32)
    ct[0] = -1000
    pet = (rng.gamma(2, 0.7, pet_grid.shape) * scale).astype(np.float32)
    return Study(
        id="study-0123456789ab",
        ct=Volume(ct, ct_grid, Quantity.HU),
        pet=Volume(pet, pet_grid, pet_quantity),
        identity=Identity(name="王小明", patient_id="P-77", study_date="20210304"),
    )


@pytest.mark.parametrize("tilt", [False, True])
@pytest.mark.parametrize("layout", ["nnunet", "autopet", "petrg"])
def test_round_trip(layout: str, tilt: bool, tmp_path: Path) -> None:
    before = study(tilt=tilt)
    written = convert(before, tmp_path / "out", layout)
    assert all(path.is_file() for path in written)
    after = read_nifti_study(tmp_path / "out")
    for one, other in ((before.ct, after.ct), (before.pet, after.pet)):
        assert one is not None
        assert other is not None
        assert other.grid.same_as(one.grid, 1e-4)
        assert np.array_equal(one.array, other.array)
    names = " ".join(str(path.relative_to(tmp_path)) for path in written)
    assert not any(secret in names for secret in ("王", "P-77", "2021"))
    assert before.id in names
    for path in written:
        assert not any(secret.encode() in path.read_bytes() for secret in ("王小明", "P-77"))


def test_what_lies_where(tmp_path: Path) -> None:
    def names(layout: str, one: Study) -> list[str]:
        return sorted(str(p.relative_to(tmp_path / layout)) for p in convert(one, tmp_path / layout, layout))

    sid = "study-0123456789ab"
    assert names("nnunet", study()) == [f"{sid}_0000.nii.gz", f"{sid}_0001.nii.gz"]
    assert names("petrg", study()) == [f"images/{sid}_0000.nii.gz", f"images/{sid}_0001.nii.gz"]
    assert names("autopet", study()) == [f"{sid}/study/{name}.nii.gz" for name in ("CT", "CTres", "SUV")]
    activity = study(Quantity.ACTIVITY, 5000)
    assert names("autopet", activity) == [f"{sid}/study/{name}.nii.gz" for name in ("CT", "CTres", "PET")]


def test_autopet_holds_activity_where_suv_came_from_it(tmp_path: Path) -> None:
    before = study()
    assert before.pet is not None
    from_bq = SuvProvenance(branch="bqml-start", factor_g_per_bq=2.5e-4)
    series = Series(uid="1.2", modality="PT", suv=from_bq)
    convert(replace(before, pet_series=series), tmp_path, "autopet")
    activity = read_nifti(next(tmp_path.rglob("PET.nii.gz")), Quantity.ACTIVITY)
    assert np.allclose(activity.array * 2.5e-4, before.pet.array, rtol=1e-6)
    after = read_nifti_study(tmp_path)
    assert np.array_equal(after.suv().array, before.pet.array)


def test_ctres_lies_on_the_pet(tmp_path: Path) -> None:
    before = study()
    convert(before, tmp_path, "autopet")
    resampled = read_nifti(next(tmp_path.rglob("CTres.nii.gz")), Quantity.HU)
    assert before.pet is not None
    assert resampled.grid.same_as(before.pet.grid, 1e-4)


def test_activity_is_no_suv(tmp_path: Path) -> None:
    for layout in ("nnunet", "petrg"):
        with pytest.raises(StudyError, match="--layout autopet"):
            convert(study(Quantity.ACTIVITY, 5000), tmp_path / "out", layout)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petrg.imaging import write

    real = write.write_nifti

    def full(volume: Volume, path: Path) -> None:
        if path.name.endswith("_0001.nii.gz"):
            raise OSError(28, "No space left on device")
        real(volume, path)

    monkeypatch.setattr(write, "write_nifti", full)
    with pytest.raises(OutputError, match="No space left"):
        convert(study(), tmp_path / "out", "nnunet")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="unknown layout"):
        convert(study(), tmp_path / "out", "bids")


def test_one_modality(tmp_path: Path) -> None:
    both = study()
    assert len(convert(Study(id="a", ct=both.ct), tmp_path / "ct", "autopet")) == 1
    assert len(convert(Study(id="a", pet=both.pet), tmp_path / "pet", "nnunet")) == 1
