"""What the released network is shown of a study: NIfTI as stored, DICOM as the paper prepares it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from petrg.errors import StudyError
from petrg.imaging import Grid, Quantity, Series, Study, Volume, read_study
from petrg.model.inputs import needs_body, study_input
from petrg.model.prepare import SPACING_MM, Body, as_stored, prepared, to_ras
from petrg.model.recipe import Recipe

RELEASED = Recipe.of("petrg3d-2025")
PATCH = (32, 32, 4)


def scanned(couch: bool = True) -> tuple[Study, Body]:
    """A box of a body, hot on its left and at its head, on a couch; CT and PET on grids of their own."""
    ct_grid = Grid.from_spacing((60, 64, 64), (5.0, 4.0, 4.0), (-126.0, -126.0, 0.0))
    pet_grid = Grid.from_spacing((70, 40, 40), (5.0, 8.0, 8.0), (-156.0, -156.0, -20.0))
    volumes = []
    for grid, air, flesh in ((ct_grid, -1000.0, 40.0), (pet_grid, 0.0, 1.0)):
        z, y, x = (grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))[..., k] for k in (2, 1, 0))
        body = (np.abs(x) < 80) & (np.abs(y) < 50)
        array = np.where(body, flesh, air)
        array = np.where(body & (x > 40), 2 * flesh, array)
        array = np.where(body & (z > 250), 3 * flesh, array)
        if couch:
            array = np.where((y > 90) & (y < 100), flesh, array)
        volumes.append(array.astype(np.float32))
    study = Study(
        id="study-1",
        ct=Volume(volumes[0], ct_grid, Quantity.HU),
        pet=Volume(volumes[1], pet_grid, Quantity.SUV_BW),
        ct_series=Series(uid="1", modality="CT"),
        pet_series=Series(uid="2", modality="PT"),
    )
    at = pet_grid.to_mm(np.moveaxis(np.indices(pet_grid.shape), 0, -1))
    return study, Body((np.abs(at[..., 0]) < 80) & (np.abs(at[..., 1]) < 50), pet_grid)


def test_spacing_axes_and_couch() -> None:
    study, body = scanned()
    ct, pet = prepared(study, body)
    assert ct.shape == pet.shape
    h, w, d = ct.shape
    assert (h - 1) * SPACING_MM[2] == pytest.approx(160, abs=17)  # from left to right
    assert (w - 1) * SPACING_MM[1] == pytest.approx(100, abs=17)
    assert (d - 1) * SPACING_MM[0] == pytest.approx(295, abs=4)  # where both were scanned, not the PET's 345
    assert ct[h // 8, w // 2, d // 2] == pytest.approx(80), "i runs to the right: it starts at the hot left"
    assert ct[-h // 4, w // 2, d // 2] == pytest.approx(40)
    assert ct[h // 2, w // 2, -2] == pytest.approx(120), "k runs to the head"
    assert ct[h // 2, w // 2, 2] == pytest.approx(40)
    assert pet[h // 8, w // 2, d // 2] == pytest.approx(2)


def test_nothing_of_the_couch_is_left() -> None:
    with_couch, without = (prepared(*scanned(couch)) for couch in (True, False))
    for one, other in zip(with_couch, without, strict=True):
        assert np.array_equal(one, other)


def test_it_ends_at_the_upper_thigh() -> None:
    study, body = scanned()
    whole, cut = prepared(study, body)[0], prepared(study, body._replace(lowest_mm=120.0))[0]
    assert whole.shape[2] - cut.shape[2] == pytest.approx(120 / SPACING_MM[0], abs=1)
    assert np.allclose(whole[..., -cut.shape[2] :], cut, atol=1e-3), "the head's end stays where it was"


def test_no_body_is_refused() -> None:
    study, body = scanned()
    with pytest.raises(StudyError, match="no body"):
        prepared(study, body._replace(mask=np.zeros_like(body.mask)))
    with pytest.raises(StudyError, match="no body"):
        prepared(study, body._replace(lowest_mm=9999.0))


@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "RSA", "PIR", "SLA"])
def test_a_nifti_file_is_shown_as_it_is_stored(tmp_path: Path, axes: str) -> None:
    """Written by nibabel in that orientation, read by petrg, and back in the order of the file."""
    rng = np.random.default_rng(1)
    stored = {"0000": rng.uniform(-1000, 900, (5, 6, 7)), "0001": rng.uniform(0, 9, (5, 6, 7))}
    towards = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    for axis, code in enumerate(axes):
        row, sign = towards[code]
        affine[row, axis] = sign * (3.0 + axis)
    for part, array in stored.items():
        nibabel.save(nibabel.Nifti1Image(array.astype(np.float32), affine), tmp_path / f"case7_{part}.nii.gz")
    study = read_study(tmp_path)
    assert study.ct_series is not None
    assert study.ct_series.stored_axes == axes
    assert np.array_equal(as_stored(study.ct, axes), stored["0000"].astype(np.float32))
    assert np.array_equal(as_stored(study.suv(), axes), stored["0001"].astype(np.float32))
    assert not needs_body(study, RELEASED)
    seen = study_input(study, RELEASED, (1, 1, 1))
    assert np.array_equal(seen.ct[0], np.clip(stored["0000"].astype(np.float32), -1000, 1000) / 1000)


def test_a_pair_on_two_grids_is_refused() -> None:
    study, _ = scanned()
    parts = {k: Series(uid=None, modality=m, source="nifti", stored_axes="RAS") for k, m in
             (("ct_series", "CT"), ("pet_series", "PT"))}  # fmt: skip
    from dataclasses import replace

    with pytest.raises(StudyError, match="64 x 64 x 60 and PET of 40 x 40 x 70"):
        study_input(replace(study, **parts), RELEASED, PATCH)


def test_one_modality_alone_is_no_input_of_the_released_recipe() -> None:
    study, body = scanned()
    with pytest.raises(StudyError, match="one modality alone"):
        study_input(study, RELEASED, PATCH, use=("pet",), body=body)


def test_a_dicom_study_is_prepared_and_padded_to_patches() -> None:
    study, body = scanned()
    assert needs_body(study, RELEASED)
    seen = study_input(study, RELEASED, PATCH, body=body)
    assert all(n % p == 0 for n, p in zip(seen.ct.shape[1:], PATCH, strict=True))
    assert seen.ct.shape == seen.pet.shape
    assert seen.wanted is None
    with pytest.raises(ValueError, match="body"):
        study_input(study, RELEASED, PATCH)


def test_ras_turns_left_and_back() -> None:
    lps = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    ras = to_ras(lps)
    assert ras.shape == (4, 3, 2)
    assert ras[0, 0, 0] == lps[0, 2, 3]
    assert ras[3, 2, 1] == lps[1, 0, 0]


def test_the_reference_case_through_the_study_is_what_the_released_code_saw(shared: Path) -> None:
    """Through petrg's own reader, as `petrg report` takes it."""
    home = shared / "data" / "petrg3d_parity"
    for case in sorted((home / "cases").iterdir()):
        arrays = np.load(case / "arrays.npz")
        study = read_study([case / f"{case.name}_0000.nii.gz", case / f"{case.name}_0001.nii.gz"])
        seen = study_input(study, RELEASED, PATCH)
        for mine, name in ((seen.ct, "ct_norm"), (seen.pet, "pet_norm")):
            assert np.abs(mine[0] - arrays[name].reshape(mine[0].shape)).max() <= 1e-6
