"""Pictures lie as the patient lies: sides, head and feet, scale, whatever the grid."""

from __future__ import annotations

import numpy as np
import pytest

from petrg.export.planes import Box, body_box, bounds, cut, plane_through, project
from petrg.imaging import Grid, Quantity, Volume

LEFT_MARK = (60.0, -20.0, 90.0)  # 60 mm to the patient's left, 20 mm to the front, 90 mm up


def rotation(degrees: float, axis: int) -> np.ndarray:
    a, b = [k for k in range(3) if k != axis]
    turn, angle = np.eye(3), np.radians(degrees)
    turn[a, a] = turn[b, b] = np.cos(angle)
    turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    return turn


def marked(grid: Grid, mark: tuple[float, float, float] = LEFT_MARK, radius: float = 9.0) -> Volume:
    """A body of SUV 1 in air with one hot ball at ``mark``, drawn from coordinates in mm alone."""
    mm = grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    body = (mm[..., 0] / 110) ** 2 + (mm[..., 1] / 80) ** 2 < 1
    array = np.where(body, 1.0, 0.0)
    array[np.linalg.norm(mm - mark, axis=-1) < radius] = 9.0
    return Volume(array.astype(np.float32), grid, Quantity.SUV_BW)


def grids() -> dict[str, Grid]:
    straight = Grid.from_spacing((40, 60, 60), (4.0, 4.0, 4.0), (-118.0, -118.0, 0.0))
    flipped = straight.affine.copy()  # columns toward the right, rows toward the front: prone, feet first
    flipped[:3, 3] = straight.to_mm([0, 59, 59])
    flipped[:3, 1:3] *= -1
    oblique = straight.affine.copy()
    turn = rotation(20, 2) @ rotation(10, 0)
    middle = straight.to_mm([19.5, 29.5, 29.5])
    oblique[:3, :3] = turn @ straight.affine[:3, :3]
    oblique[:3, 3] = middle - oblique[:3, :3] @ [19.5, 29.5, 29.5]
    return {"straight": straight, "flipped": Grid(straight.shape, flipped), "oblique": Grid(straight.shape, oblique)}


def brightest(picture: np.ndarray) -> tuple[float, float]:
    """Column and row of the middle of the hot ball."""
    rows, columns = np.nonzero(picture > 5)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("name", ["straight", "flipped", "oblique"])
def test_a_mark_on_the_patients_left_is_on_the_right_of_the_axial_picture(name: str) -> None:
    volume = marked(grids()[name])
    plane = plane_through("axial", bounds(volume.grid), LEFT_MARK)
    column, row = brightest(cut(volume, plane))
    assert column > plane.shape[1] / 2 + 40  # right half
    assert row < plane.shape[0] / 2 - 10  # to the front, above the middle
    assert (column, row) == pytest.approx(plane.pixel(LEFT_MARK), abs=1.5)
    assert plane.letters == ("R", "L", "A", "P")


def test_a_swapped_side_would_be_seen() -> None:
    volume = marked(grids()["straight"])
    swapped = Volume(volume.array[:, :, ::-1], volume.grid, volume.quantity)
    plane = plane_through("axial", bounds(volume.grid), LEFT_MARK)
    column, _ = brightest(cut(swapped, plane))
    assert column < plane.shape[1] / 2 - 40
    assert abs(column - plane.pixel(LEFT_MARK)[0]) > 80


@pytest.mark.parametrize("name", ["straight", "flipped"])
@pytest.mark.parametrize(("axis", "across"), [("coronal", 60.0), ("sagittal", -20.0)])
def test_projections_show_left_on_the_right_front_on_the_left_head_on_top(name: str, axis: str, across: float) -> None:
    volume = marked(grids()[name])
    picture, plane = project(volume, axis, bounds(volume.grid), 0.7)
    column, row = brightest(picture)
    assert np.sign(column - plane.shape[1] / 2) == np.sign(across)
    assert row < plane.shape[0] / 2  # 90 of 160 mm up
    assert (column, row) == pytest.approx(plane.pixel(LEFT_MARK), abs=2 / plane.mm_per_pixel)
    assert picture.max() == pytest.approx(9.0)  # projected before it is drawn: nothing is averaged away


def test_an_oblique_grid_is_projected_straight() -> None:
    volume = marked(grids()["oblique"])
    picture, plane = project(volume, "coronal", bounds(volume.grid), 0.7)
    assert brightest(picture) == pytest.approx(plane.pixel(LEFT_MARK), abs=3 / plane.mm_per_pixel)


def test_distances_in_a_picture_are_mm() -> None:
    plane = plane_through("coronal", Box((-200, -100, 0), (200, 100, 800)), (0, 0, 0), 2.0)
    assert plane.shape == (400, 200)
    (c1, r1), (c2, r2) = plane.pixel((-50, 0, 100)), plane.pixel((50, 0, 300))
    assert ((c2 - c1) * plane.mm_per_pixel, (r1 - r2) * plane.mm_per_pixel) == pytest.approx((100, 200))


def test_values_are_linear_between_voxels_and_air_outside() -> None:
    grid = Grid.from_spacing((3, 4, 5), (2.0, 2.0, 2.0))
    x = grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))[..., 0]
    volume = Volume(x.astype(np.float32), grid, Quantity.HU)
    plane = plane_through("axial", Box((-20, -20, 0), (20, 20, 4)), (0, 0, 3.0))
    picture = cut(volume, plane)
    column, row = (round(v) for v in plane.pixel((5.5, 3.5, 3.0)))
    assert picture[row, column] == pytest.approx(5.5)
    assert picture[0, 0] == -1024


def test_a_single_slice_can_be_cut() -> None:
    grid = Grid.from_spacing((1, 8, 8), (5.0, 2.0, 2.0))
    volume = Volume(np.full(grid.shape, 3.0, np.float32), grid, Quantity.SUV_BW)
    plane = plane_through("axial", bounds(grid), grid.to_mm([0, 4, 4]).tolist())
    assert cut(volume, plane).min() == pytest.approx(3.0)


def test_the_body_box_leaves_air_out_and_keeps_the_whole_height() -> None:
    volume = marked(grids()["flipped"])
    box = body_box(volume)
    assert box.low[0] == pytest.approx(-110 - 12, abs=5)
    assert box.high[1] == pytest.approx(80 + 12, abs=5)
    assert (box.low[2], box.high[2]) == pytest.approx((-2.0, 158.0))
