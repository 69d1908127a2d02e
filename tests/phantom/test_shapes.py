import math

import numpy as np
import pytest

from petrg.imaging import Grid
from petrg.phantom.frame import rotation
from petrg.phantom.scene import Canvas, Item, axes_of, paint, paint_item
from petrg.phantom.shapes import Ball, Capsule, Ellipsoid, Stack, matched_radius


def painted_ml(solid, spacing, shape=(64, 64, 64)):
    start = [-s * (n - 1) / 2 + 0.37 for s, n in zip(spacing, shape, strict=True)]
    grid = Grid.from_spacing(shape, spacing, (start[2], start[1], start[0]))
    image = np.zeros(shape, np.float32)
    paint_item(Item(solid, suv=1.0), axes_of(grid), Canvas(pet=image), {})
    return float(image.sum(dtype=np.float64)) * grid.voxel_ml


@pytest.mark.parametrize("spacing", [(3.0, 4.0728, 4.0728), (5.0, 6.0, 6.0), (8.0, 8.0, 8.0), (3.0, 0.977, 0.977)])
@pytest.mark.parametrize("radius", [4.0, 6.2035, 12.0, 25.0])
def test_ball_holds_its_volume_at_any_voxel_size(spacing, radius):
    n = 96 if radius > 20 and min(spacing) < 1 else 64
    expected = 4 / 3 * math.pi * radius**3 / 1000
    assert painted_ml(Ball((0.0, 0.0, 0.0), radius), spacing, (n, n, n)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("radius", "width"), [(10.0, 4.0), (4.0, 3.7), (4.0, 8.0), (2.0, 8.0)])
def test_matched_radius_against_the_integral(radius, width):
    matched = matched_radius(radius, width)
    r = np.linspace(0, radius + 2 * width, 200_001)
    ramp = np.clip(0.5 - (r - matched) / width, 0, 1)
    volume = np.sum((4 * math.pi * r**2 * ramp)[:-1]) * (r[1] - r[0])
    assert volume == pytest.approx(4 / 3 * math.pi * radius**3, rel=1e-3)


def test_ellipsoid_capsule_and_stack_hold_their_volumes():
    tilt = rotation((1.0, 1.0, 0.3), (0.0, 1.0, 0.0))
    a, b, c = 30.0, 20.0, 14.0
    for axes in (None, tilt):
        got = painted_ml(Ellipsoid((2.0, 1.0, 0.0), (a, b, c), axes), (2.0, 2.0, 2.0))
        assert got == pytest.approx(4 / 3 * math.pi * a * b * c / 1000, rel=0.02)
    capsule = Capsule((-20.0, 3.0, -10.0), (15.0, -8.0, 22.0), 9.0, 9.0)
    length = math.dist(capsule.a, capsule.b)
    expected = (math.pi * 81 * length + 4 / 3 * math.pi * 9**3) / 1000
    assert painted_ml(capsule, (2.0, 2.0, 2.0)) == pytest.approx(expected, rel=0.02)
    stack = Stack((-30.0, 30.0), (0.0, 0.0), (0.0, 0.0), (25.0, 25.0), (15.0, 15.0))
    assert painted_ml(stack, (2.0, 2.0, 2.0)) == pytest.approx(math.pi * 25 * 15 * 60 / 1000, rel=0.02)


def test_a_stack_cut_at_the_midline_is_half_and_on_its_own_side():
    half = Stack((-30.0, 30.0), (0.0,) * 2, (0.0,) * 2, (25.0,) * 2, (15.0,) * 2, side=1, beyond=(0.0, 0.0))
    assert painted_ml(half, (2.0, 2.0, 2.0)) == pytest.approx(math.pi * 25 * 15 * 30 / 1000, rel=0.02)
    assert half.bounds[0][0] == 0.0
    right = Stack((-30.0, 30.0), (0.0,) * 2, (0.0,) * 2, (25.0,) * 2, (15.0,) * 2, side=-1, beyond=(5.0, 5.0))
    assert right.bounds[1][0] == -5.0


def test_a_fluid_level_keeps_what_is_behind_it():
    fluid = Stack((-30.0, 30.0), (0.0,) * 2, (0.0,) * 2, (25.0,) * 2, (15.0,) * 2, behind=(0.0, 0.0))
    assert painted_ml(fluid, (2.0, 2.0, 2.0)) == pytest.approx(math.pi * 25 * 15 * 30 / 1000, rel=0.02)


def test_later_items_lie_on_earlier_ones_and_slabs_do_not_matter():
    grid = Grid.from_spacing((40, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -39.0))
    items = [
        Item(Ball((0, 0, 0), 30), hu=50.0, suv=1.0, label="liver"),
        Item(Ball((0, 0, 0), 10), hu=None, suv=8.0),
        Item(Ball((0, 20, 0), 6), hu=-900.0, suv=None, label=""),
    ]
    images = []
    for slab in (3, 40):
        canvas = Canvas(*(np.zeros(grid.shape, np.float32) for _ in range(2)), np.zeros(grid.shape, np.uint8))
        paint(items, axes_of(grid), canvas, {"liver": 5}, slab=slab)
        images.append(canvas)
    one, two = images
    assert np.array_equal(one.ct, two.ct)
    assert np.array_equal(one.pet, two.pet)
    assert np.array_equal(one.labels, two.labels)
    middle, hole = (20, 20, 20), tuple(np.round(grid.to_index((0, 20, 0))).astype(int))
    assert one.ct[middle] == 50.0
    assert one.pet[middle] == 8.0
    assert one.labels[middle] == 5
    assert one.ct[hole] == -900.0
    assert one.pet[hole] == 1.0
    assert one.labels[hole] == 0
