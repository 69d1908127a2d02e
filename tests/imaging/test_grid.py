"""Grids, volumes and studies: arithmetic, laws, and the negative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.errors import StudyError, UnitError
from petrg.imaging import Context, Grid, Identity, Quantity, Sex, Study, Volume


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    shape = tuple(draw(st.integers(1, 9)) for _ in range(3))
    spacing = [draw(st.floats(0.2, 8)) for _ in range(3)]
    angles = [draw(st.floats(-np.pi, np.pi)) for _ in range(3)]
    rotation = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        rotation = rotation @ turn
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing
    affine[:3, 3] = [draw(st.floats(-500, 500)) for _ in range(3)]
    return Grid(shape, affine)


@given(grids(), st.tuples(*[st.floats(-20, 20)] * 3))
def test_index_and_mm_are_inverse(grid: Grid, index: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(grid.to_index(grid.to_mm(index)), index, atol=1e-6)


@given(grids())
def test_volume_of_a_voxel_is_the_product_of_the_spacings_where_axes_are_orthogonal(grid: Grid) -> None:
    assert grid.voxel_ml == pytest.approx(np.prod(grid.spacing_mm) / 1000)


@given(grids())
def test_a_crop_keeps_its_voxels_where_they_were(grid: Grid) -> None:
    part = grid.crop((slice(grid.shape[0] // 2, None), slice(None), slice(0, 1)))
    np.testing.assert_allclose(part.to_mm([0, 0, 0]), grid.to_mm([grid.shape[0] // 2, 0, 0]))
    assert part.shape[2] == 1


@given(grids(), st.integers(0, 2))
def test_a_moved_or_flipped_grid_is_another_grid(grid: Grid, axis: int) -> None:
    moved = grid.affine.copy()
    moved[axis, 3] += 5.0
    assert grid.same_as(grid)
    assert not grid.same_as(Grid(grid.shape, moved))
    if grid.shape[axis] > 1:
        flipped = grid.affine.copy()
        flipped[:3, axis] *= -1
        assert not grid.same_as(Grid(grid.shape, flipped))


def test_a_rotation_that_keeps_origin_and_spacing_is_noticed_far_from_the_origin() -> None:
    grid = Grid.from_spacing((1, 1, 512), (3, 1, 1))
    turned = grid.affine.copy()
    turned[:3, 2] = [np.cos(1e-3), np.sin(1e-3), 0]
    assert not grid.same_as(Grid(grid.shape, turned))


@pytest.mark.parametrize(
    ("affine", "words"),
    [(np.zeros((4, 4)), "singular"), (np.full((4, 4), np.nan), "not finite"), (np.eye(3), "4 x 4")],
)
def test_an_impossible_affine_is_refused(affine: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Grid((1, 1, 1), affine)


def test_axial_means_axial() -> None:
    assert Grid.from_spacing((2, 2, 2), (3, 2, 1)).is_axial
    sagittal = np.eye(4)[[2, 0, 1, 3]]
    assert not Grid((2, 2, 2), sagittal).is_axial


def volume(quantity: Quantity) -> Volume:
    return Volume(np.ones((2, 2, 2), np.float32), Grid.from_spacing((2, 2, 2), (1, 1, 1)), quantity)


def test_a_volume_cannot_be_written_to_or_taken_for_another_quantity() -> None:
    pet = volume(Quantity.ACTIVITY)
    with pytest.raises(ValueError, match="read-only"):
        pet.array[0, 0, 0] = 2
    with pytest.raises(UnitError, match=r"Bq/ml \(ACTIVITY\) — expected g/ml \(SUV_BW\)"):
        pet.expect(Quantity.SUV_BW)
    with pytest.raises(ValueError, match="grid is"):
        Volume(np.ones((1, 2, 2), np.float32), pet.grid, Quantity.HU)


def test_a_study_refuses_swapped_modalities_and_emptiness() -> None:
    with pytest.raises(UnitError):
        Study(id="s", ct=volume(Quantity.SUV_BW))
    with pytest.raises(UnitError):
        Study(id="s", pet=volume(Quantity.HU))
    with pytest.raises(StudyError, match="neither CT nor PET"):
        Study(id="s")
    with pytest.raises(UnitError):
        Study(id="s", pet=volume(Quantity.ACTIVITY)).suv()
    with pytest.raises(StudyError, match="no PET"):
        Study(id="s", ct=volume(Quantity.HU)).suv()


def test_identity_never_shows_in_a_repr() -> None:
    who = Identity(name="Doe^Jane", patient_id="4711", birth_date="19700101")
    study = Study(id="study-1", pet=volume(Quantity.SUV_BW), identity=who)
    assert "Doe" not in repr(who) + repr(study)
    assert "4711" not in repr(who) + repr(study)


def test_a_given_context_wins_over_the_header_and_says_so() -> None:
    header = Context(tracer="FDG", sex=Sex.F, sources={"tracer": "header", "sex": "header"})
    study = Study(id="s", pet=volume(Quantity.SUV_BW), context=header)
    given_context = Context(sex=Sex.M, disease="DLBCL", sources={"sex": "user", "disease": "user"})
    merged = study.with_context(given_context).context
    assert (merged.tracer, merged.sex, merged.disease) == ("FDG", Sex.M, "DLBCL")
    assert merged.sources == {"tracer": "header", "sex": "user", "disease": "user"}
