"""The body frame: a 1.70 m patient in mm, x left, y back, z above the sole; stretched to each patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from petrg.phantom.scene import Item
from petrg.phantom.shapes import Capsule, Ellipsoid, Point, RibPair, Solid, Stack

__all__ = ["Frame", "Tissue", "rotation"]

ORIGIN_Z = 1000.0
NECK_Z = (1430.0, 1490.0)


@dataclass(frozen=True, slots=True)
class Tissue:
    """What a solid is made of: CT number, SUV, class name (None keeps what is there)."""

    hu: float | None = None
    suv: float | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """Scale of the patient along x, y, z, that of the head along x and y, and the depth of fat under the skin, mm.

    A stout patient's head is as wide as a lean one's: the scale along x and y passes over in the neck.
    """

    sx: float
    sy: float
    sz: float
    head: float
    fat: float

    def across(self, z: float) -> tuple[float, float]:
        """Scale along x and y at a height of the body frame."""
        share = min(max((z - NECK_Z[0]) / (NECK_Z[1] - NECK_Z[0]), 0.0), 1.0)
        return self.sx + share * (self.head - self.sx), self.sy + share * (self.head - self.sy)

    def at(self, point: Point) -> Point:
        """Patient LPS mm of a point of the body frame."""
        sx, sy = self.across(point[2])
        return point[0] * sx, point[1] * sy, (point[2] - ORIGIN_Z) * self.sz

    def z(self, value: float) -> float:
        """Patient z in mm of a height in the body frame."""
        return (value - ORIGIN_Z) * self.sz

    @property
    def scale(self) -> float:
        """One scale for what has only a radius."""
        return float(np.cbrt(self.sx * self.sy * self.sz))

    def ellipsoid(self, centre: Point, semi: Point, of: Tissue, turn: tuple[Point, Point, Point] | None = None) -> Item:
        """An ellipsoid of the body frame."""
        sx, sy = self.across(centre[2])
        sizes = (semi[0] * sx, semi[1] * sy, semi[2] * self.sz)
        if turn is not None:
            sizes = (semi[0] * self.scale, semi[1] * self.scale, semi[2] * self.scale)
        return _item(Ellipsoid(self.at(centre), sizes, turn), of)

    def ball(self, centre: Point, radius: float, of: Tissue) -> Item:
        """A ball of the body frame."""
        r = radius * self.scale
        return _item(Ellipsoid(self.at(centre), (r, r, r)), of)

    def line(self, points: Sequence[Point], radii: Sequence[float] | float, of: Tissue) -> list[Item]:
        """A tube along ``points`` with one radius a point, or one for all."""
        widths = [radii] * len(points) if isinstance(radii, (int, float)) else list(radii)
        ends = [(self.at(p), r * self.scale) for p, r in zip(points, widths, strict=True)]
        return [_item(Capsule(a, b, ra, rb), of) for (a, ra), (b, rb) in pairwise(ends)]

    def stack(
        self,
        rows: Sequence[tuple[float, float, float, float, float]],
        of: Tissue,
        *,
        power: float = 2.0,
        grow: float = 0.0,
        side: int = 0,
        beyond: Sequence[float] = (),
        behind: Sequence[float] = (),
    ) -> Item:
        """Superellipses of rows (z, centre x, centre y, a, b), grown by ``grow`` mm of the patient."""
        z, cx, cy, a, b = (np.array(v, float) for v in zip(*rows, strict=True))
        sx, sy = np.array([self.across(row[0]) for row in rows]).T
        solid = Stack(
            _tuple((z - ORIGIN_Z) * self.sz),
            _tuple(cx * sx),
            _tuple(cy * sy),
            _tuple(np.maximum(a * sx + grow, 0.5)),
            _tuple(np.maximum(b * sy + grow, 0.5)),
            power,
            side,
            tuple(v * self.sx for v in beyond),
            tuple(v * self.sy for v in behind),
        )
        return _item(solid, of)

    def rib(
        self,
        centre: Point,
        a: float,
        b: float,
        drop: float,
        of: Tissue,
        *,
        gap: float,
        side: int,
        half: tuple[float, float],
    ) -> Item:
        """One rib of the body frame."""
        solid = RibPair(self.at(centre), a * self.sx, b * self.sy, drop * self.sz, half, gap * self.sx, side)
        return _item(solid, of)


def rotation(first: Point, second: Point) -> tuple[Point, Point, Point]:
    """Unit axes: along ``first``, along the part of ``second`` normal to it, and normal to both.

    >>> rotation((0, 0, 2), (3, 0, 1))
    ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    """
    u = _unit(first)
    along = sum(a * b for a, b in zip(u, second, strict=True))
    v = _unit((second[0] - along * u[0], second[1] - along * u[1], second[2] - along * u[2]))
    w = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    return u, v, w


def _unit(v: Point) -> Point:
    length = math.hypot(*v)
    return v[0] / length, v[1] / length, v[2] / length


def _tuple(v: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(v.tolist())


def _item(solid: Solid, of: Tissue) -> Item:
    return Item(solid, of.hu, of.suv, of.label)
