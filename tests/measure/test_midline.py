"""The plane between the body's halves: where it is shown, where it is carried to, where it is not known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from petrg.anatomy import Side
from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.lesions import side_of
from petrg.measure.midline import Midline, find_midline

GRID = Grid.from_spacing((80, 60, 100), (5.0, 5.0, 5.0), (-247.5, -150.0, 0.0))
X = GRID.to_mm(np.c_[np.zeros((100, 2)), np.arange(100)])[:, 0]
Body = NDArray[np.bool_]


def block(body: Body, z: slice, left: float, right: float, y: slice = slice(15, 45)) -> None:
    """Fill the slices between two x in mm."""
    body[z, y] |= (left < X) & (right > X)


def plane(body: Body, suv: NDArray[np.float32] | None = None) -> Midline:
    values = np.where(body, 0.6, 0.0).astype(np.float32) if suv is None else suv
    return find_midline(body, Volume(values, GRID, Quantity.SUV_BW))


def standing(shift: float = 0.0) -> Body:
    """Legs, trunk and head, 400 mm in all, moved to the left by ``shift`` mm."""
    body = np.zeros(GRID.shape, bool)
    for low in (-125.0, 5.0):
        block(body, slice(0, 25), low + shift, low + 120.0 + shift)
    block(body, slice(25, 60), -150.0 + shift, 150.0 + shift)
    block(body, slice(60, 80), -75.0 + shift, 75.0 + shift)
    return body


@pytest.mark.parametrize("shift", [0.0, 40.0, -35.0])
def test_trunk_head_and_legs_show_the_plane(shift: float) -> None:
    line = plane(standing(shift))
    assert line.known.all()
    assert line.x_mm == pytest.approx(shift, abs=3.0)


def test_arms_do_not_move_it() -> None:
    body = standing()
    block(body, slice(62, 80), 120.0, 190.0, slice(20, 30))  # one raised arm
    block(body, slice(25, 58), -215.0, -160.0, slice(25, 35))  # one at the side
    block(body, slice(30, 50), -160.0, -150.0, slice(25, 35))  # which touches the trunk
    assert plane(body).x_mm == pytest.approx(0.0, abs=3.0)


def test_the_plane_lies_between_two_legs_alone() -> None:
    body = np.zeros(GRID.shape, bool)
    block(body, slice(0, 80), -115.0, 5.0)
    block(body, slice(0, 80), 65.0, 185.0)
    line = plane(body)
    assert line.known.all()
    assert line.x_mm == pytest.approx(35.0, abs=3.0)
    block(body, slice(0, 80), 205.0, 240.0, slice(20, 30))  # a hand at one side only: what are legs is open
    assert not plane(body).known.any()


def test_one_leg_or_a_cut_outline_knows_no_plane() -> None:
    one = np.zeros(GRID.shape, bool)
    block(one, slice(0, 80), 40.0, 190.0)
    cut = np.zeros(GRID.shape, bool)
    block(cut, slice(0, 80), -300.0, 120.0)  # reaches the border of the image
    pair = np.zeros(GRID.shape, bool)
    block(pair, slice(0, 80), -300.0, -130.0)
    block(pair, slice(0, 80), -100.0, 60.0)  # two legs, the other of them cut
    for body in (one, cut, pair, np.zeros(GRID.shape, bool)):
        line = plane(body)
        assert not line.known.any()
        assert np.isfinite(line.x_mm).all()
        assert side_of((150.0, 0.0, 100.0), GRID, line) is None  # never guessed


def test_a_head_alone_is_known_by_its_brain() -> None:
    body = np.zeros(GRID.shape, bool)
    block(body, slice(20, 60), -55.0, 95.0)
    assert not plane(body).known.any()
    suv = np.where(body, 0.6, 0.0).astype(np.float32)
    suv[30:55, 20:42] = np.where((X > -40.0) & (X < 80.0), 8.0, suv[30:55, 20:42])
    line = plane(body, suv)
    assert line.known.all()
    assert line.x_mm == pytest.approx(20.0, abs=3.0)


def test_levels_near_take_it_and_levels_far_do_not() -> None:
    body = np.zeros(GRID.shape, bool)
    block(body, slice(50, 80), -150.0, 150.0)
    block(body, slice(0, 50), -300.0, 150.0)  # from here down an arm is cut by the border
    line = plane(body)
    assert line.known[50 - 150 // 5 : 80].all()
    assert not line.known[: 50 - 150 // 5 - 1].any()
    assert line.x_mm[25] == pytest.approx(0.0, abs=3.0)


def test_the_edge_of_a_round_field_cuts_as_the_border_does() -> None:
    body = np.zeros(GRID.shape, bool)
    block(body, slice(0, 80), -300.0, 150.0)
    y, x = np.ogrid[:60, :100]
    inside = np.hypot(y - 29.5, x - 49.5) <= 29.5
    body &= inside
    suv = np.where(body, 0.6, 0.0).astype(np.float32)
    suv[:, inside] = np.maximum(suv[:, inside], 0.01)
    assert not plane(body, suv).known.any()


def test_it_follows_a_body_that_lies_askew() -> None:
    grid = Grid.from_spacing((40, 60, 80), (5.0, 5.0, 5.0))
    body = np.zeros(grid.shape, bool)
    for z in range(5, 40):
        body[z, 20:40, 5 + z // 4 : 55 + z // 4] = True
    line = find_midline(body, Volume(body.astype(np.float32), grid, Quantity.SUV_BW))
    assert line.x_mm[10] == pytest.approx((5 + 2 + 24.5) * 5, abs=3.0)
    assert line.x_mm[35] == pytest.approx((5 + 8 + 24.5) * 5, abs=3.0)
    assert line.x_mm[0] == line.x_mm[5]  # no body there: the nearest level


@pytest.mark.parametrize(
    ("x", "side"), [(25.0, Side.LEFT), (-25.0, Side.RIGHT), (9.0, Side.MIDLINE), (-9.5, Side.MIDLINE)]
)
def test_side_is_the_patients_own(x: float, side: Side) -> None:
    grid = Grid.from_spacing((10, 10, 10), (5.0, 5.0, 5.0), (-25.0, 0.0, 0.0))
    here, shifted = (Midline(np.full(10, at), np.ones(10, bool)) for at in (0.0, 40.0))
    assert side_of((x, 0.0, 10.0), grid, here) is side
    assert side_of((x + 40.0, 0.0, 10.0), grid, shifted) is side  # a patient who lies 4 cm off
    assert side_of((-x, 0.0, 10.0), grid, here) is side.other  # swapped sides must not pass
