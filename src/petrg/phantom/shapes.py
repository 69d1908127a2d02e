"""Analytic solids in patient millimetres, each evaluated only inside its own bounding box.

A solid gives, for voxel centres on three axes, its *coverage*: the part of the voxel it fills, from a
linear ramp one voxel wide across its surface. Axes broadcast as ``z[:, None, None]``, ``y[:, None]``, ``x``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ball", "Bounds", "Capsule", "Ellipsoid", "RibPair", "Solid", "Stack", "Voxel", "matched_radius", "tube"]

Array = NDArray[np.float32]
Point = tuple[float, float, float]
Bounds = tuple[Point, Point]
"""Lowest and highest (x, y, z) in mm."""


class Voxel(NamedTuple):
    """Spacing along x, y, z and the width of a cube of the same volume, mm."""

    x: float
    y: float
    z: float
    width: float


class Solid(Protocol):
    """Anything that can be painted."""

    @property
    def bounds(self) -> Bounds:
        """A box that holds the solid, mm."""

    def coverage(self, x: Array, y: Array, z: Array, voxel: Voxel) -> Array:
        """Part of each voxel filled, (z, y, x) in 0..1."""


def _ramp(distance: Array, width: float) -> Array:
    distance *= np.float32(-1.0 / width)
    distance += np.float32(0.5)
    np.maximum(distance, np.float32(0.0), out=distance)
    return np.minimum(distance, np.float32(1.0), out=distance)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid; ``axes`` are unit vectors as rows where it is rotated."""

    centre: Point
    semi: Point
    axes: tuple[Point, Point, Point] | None = None

    @property
    def bounds(self) -> Bounds:
        """A box that holds the solid, mm."""
        reach = list(self.semi)
        if self.axes is not None:
            long = [[e * s for e in axis] for axis, s in zip(self.axes, self.semi, strict=True)]
            reach = [math.hypot(*(row[k] for row in long)) for k in range(3)]
        x, y, z = self.centre
        rx, ry, rz = reach
        return (x - rx, y - ry, z - rz), (x + rx, y + ry, z + rz)

    def coverage(self, x: Array, y: Array, z: Array, voxel: Voxel) -> Array:
        """Part of each voxel filled."""
        dx, dy, dz = (v - np.float32(c) for v, c in zip((x, y, z), self.centre, strict=True))
        p, q, r = (np.float32(1.0 / s**2) for s in self.semi)
        if self.axes is None:
            u, v, t = dx * dx * p, (dy * dy * q)[:, None], (dz * dz * r)[:, None, None]
            value = u + v + t
            slope = u * p + v * q + t * r
        else:
            rotated = [
                dx * np.float32(e[0]) + (dy * np.float32(e[1]))[:, None] + (dz * np.float32(e[2]))[:, None, None]
                for e in self.axes
            ]
            squares = [a * a * f for a, f in zip(rotated, (p, q, r), strict=True)]
            value = squares[0] + squares[1] + squares[2]
            slope = squares[0] * p + squares[1] * q + squares[2] * r
        return _ramp(_first_order(value, slope), voxel.width)


def _first_order(value: Array, slope: Array) -> Array:
    """Distance to the ellipsoid, first order: k0 (k0 - 1) / k1 with k0 = |p/r|, k1 = |p/r^2|."""
    root = np.sqrt(value)
    value -= root
    np.maximum(slope, 1e-12, out=slope)
    value /= np.sqrt(slope, out=slope)
    return value


def matched_radius(radius: float, width: float) -> float:
    """Radius at which a ramp of ``width`` holds the volume of a ball of ``radius``.

    The ramp over a ball of radius R >= width / 2 holds 4/3 pi (R^3 + R width^2 / 4), below that
    pi (R + width / 2)^4 / (3 width).

    >>> round(matched_radius(10.0, 4.0), 3), round(matched_radius(10.0, 1e-6), 3)
    (9.867, 10.0)
    """
    small = math.sqrt(math.sqrt(4.0 * width * radius**3)) - width / 2.0
    if small < width / 2.0:
        return small
    half = radius**3 / 2.0
    third = width**2 / 12.0
    root = math.hypot(half, math.sqrt(third**3))
    return float(np.cbrt(half + root) + np.cbrt(half - root))


@dataclass(frozen=True, slots=True)
class Ball:
    """A ball whose painted volume is exact at any voxel size."""

    centre: Point
    radius: float

    @property
    def bounds(self) -> Bounds:
        """A box that holds the solid, mm."""
        return _box(np.array(self.centre) - self.radius, np.array(self.centre) + self.radius)

    def coverage(self, x: Array, y: Array, z: Array, voxel: Voxel) -> Array:
        """Part of each voxel filled."""
        cuts = [math.ceil(step / _FINE_MM) for step in voxel[:3]]
        fine = [
            (v[:, None] + _offsets(step, n)).ravel() - np.float32(c)
            for v, step, n, c in zip((x, y, z), voxel[:3], cuts, self.centre, strict=True)
        ]
        width = float(np.cbrt(math.prod(step / n for step, n in zip(voxel[:3], cuts, strict=True))))
        distance = np.sqrt(fine[0] ** 2 + (fine[1] ** 2)[:, None] + (fine[2] ** 2)[:, None, None])
        distance -= np.float32(matched_radius(self.radius, width))
        parts = _ramp(distance, width).reshape(len(z), cuts[2], len(y), cuts[1], len(x), cuts[0])
        return np.asarray(parts.mean((1, 3, 5)), np.float32)


_FINE_MM = 1.7  # a ball is sampled this finely within each voxel


def _offsets(step: float, parts: int) -> Array:
    """Centres of ``parts`` equal parts of a voxel, from its centre."""
    return (((np.arange(parts) + 0.5) / parts - 0.5) * step).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Capsule:
    """A line from ``a`` to ``b`` with a radius at each end."""

    a: Point
    b: Point
    radius_a: float
    radius_b: float

    @property
    def bounds(self) -> Bounds:
        """A box that holds the solid, mm."""
        ra, rb = self.radius_a, self.radius_b
        low = [min(p - ra, q - rb) for p, q in zip(self.a, self.b, strict=True)]
        high = [max(p + ra, q + rb) for p, q in zip(self.a, self.b, strict=True)]
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def coverage(self, x: Array, y: Array, z: Array, voxel: Voxel) -> Array:
        """Part of each voxel filled.

        With s = (p - a) . l and t = s / |l|^2 held to 0..1, the squared distance to the line is
        |p - a|^2 - t (2 s - t |l|^2).
        """
        line = [np.float32(q - p) for p, q in zip(self.a, self.b, strict=True)]
        length2 = max(float(line[0] ** 2 + line[1] ** 2 + line[2] ** 2), 1e-6)
        dx, dy, dz = (v - np.float32(c) for v, c in zip((x, y, z), self.a, strict=True))
        dot = (dy * line[1])[:, None] + dx * line[0] + (dz * line[2])[:, None, None]
        share = dot * np.float32(1.0 / length2)
        np.maximum(share, np.float32(0.0), out=share)
        np.minimum(share, np.float32(1.0), out=share)
        dot *= np.float32(2.0)
        dot -= share * np.float32(length2)
        dot *= share
        distance = (dy * dy)[:, None] + dx * dx + (dz * dz)[:, None, None]
        distance -= dot
        np.maximum(distance, np.float32(0.0), out=distance)
        np.sqrt(distance, out=distance)
        distance -= np.float32(self.radius_a)
        if self.radius_a != self.radius_b:
            share *= np.float32(self.radius_b - self.radius_a)
            distance -= share
        return _ramp(distance, voxel.width)


def tube(points: Sequence[Point], radii: Sequence[float]) -> list[Capsule]:
    """A tube along a centre line, one capsule a segment."""
    ends = list(zip(points, radii, strict=True))
    return [Capsule(a, b, ra, rb) for (a, ra), (b, rb) in pairwise(ends)]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Superellipses stacked along z: centre, semi-axes and the exponent, linear between knots.

    ``beyond`` keeps only the part with ``side * x > beyond(z)``: a lung ends at the mediastinum;
    ``behind`` only that with ``y > behind(z)``: fluid has a level.
    """

    z: tuple[float, ...]
    cx: tuple[float, ...]
    cy: tuple[float, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]
    power: float = 2.0
    side: int = 0
    beyond: tuple[float, ...] = ()
    behind: tuple[float, ...] = ()

    @property
    def bounds(self) -> Bounds:
        """A box that holds the solid, mm."""
        x0 = min(c - a for c, a in zip(self.cx, self.a, strict=True))
        x1 = max(c + a for c, a in zip(self.cx, self.a, strict=True))
        if self.side > 0:
            x0 = max(x0, min(self.beyond))
        if self.side < 0:
            x1 = min(x1, -min(self.beyond))
        y0 = min(c - b for c, b in zip(self.cy, self.b, strict=True))
        y1 = max(c + b for c, b in zip(self.cy, self.b, strict=True))
        return (x0, y0, self.z[0]), (x1, y1, self.z[-1])

    def coverage(self, x: Array, y: Array, z: Array, voxel: Voxel) -> Array:
        """Part of each voxel filled."""
        width = voxel.width
        cx, cy, a, b = (np.interp(z, self.z, v).astype(np.float32)[:, None] for v in (self.cx, self.cy, self.a, self.b))
        steep = np.sqrt(a * b) / np.float32(self.power * width)
        across = _power(np.abs((x - cx) / a), self.power) * steep
        along = _power(np.abs((y - cy) / b), self.power) * steep
        offset = np.float32(0.5) + steep - across
        filled: Array = offset[:, None, :] - along[:, :, None]
        np.clip(filled, 0.0, 1.0, out=filled)
        ends = np.minimum(z - np.float32(self.z[0]), np.float32(self.z[-1]) - z) / np.float32(width) + np.float32(0.5)
        if (ends < 1.0).any():
            filled *= np.clip(ends, 0.0, 1.0)[:, None, None]
        if self.side:
            plane = np.interp(z, self.z, self.beyond).astype(np.float32)[:, None]
            keep = np.clip((self.side * x - plane) / np.float32(width) + np.float32(0.5), 0.0, 1.0)
            filled *= keep[:, None, :]
        if self.behind:
            level = np.interp(z, self.z, self.behind).astype(np.float32)[:, None]
            filled *= np.clip((y - level) / np.float32(width) + np.float32(0.5), 0.0, 1.0)[:, :, None]
        return filled


def _power(value: Array, power: float) -> Array:
    return value * value if power == 2.0 else np.asarray(np.power(value, np.float32(power)), np.float32)


@dataclass(frozen=True, slots=True)
class RibPair:
    """The rib of both sides: a band along a tilted ellipse that falls ``drop`` mm from back to front.

    ``gap`` is how far from the midline the bony rib ends in front; ``half`` its thickness and height.
    """

    centre: Point
    a: float
    b: float
    drop: float
    half: tuple[float, float]
    gap: float
    side: int = 0

    @property
    def bounds(self) -> Bounds:
        """A box that holds the solid, mm."""
        x, y, z = self.centre
        t, h = self.half
        left = x if self.side > 0 else x - self.a - t
        right = x if self.side < 0 else x + self.a + t
        return (left, y - self.b - t, z - self.drop - h), (right, y + self.b + t, z + h)

    def coverage(self, x: Array, y: Array, z: Array, voxel: Voxel) -> Array:
        """Part of each voxel filled."""
        cx, cy, cz = self.centre
        t, h = self.half
        width = voxel.width
        u, v = ((x - np.float32(cx)) / np.float32(self.a)), ((y - np.float32(cy)) / np.float32(self.b))[:, None]
        ring = np.sqrt(u * u + v * v)
        gradient = np.sqrt((u / self.a) ** 2 + (v / self.b) ** 2) / np.maximum(ring, 1e-6)
        ring = np.abs((ring - 1.0) / np.maximum(gradient, 1e-6))
        flat = np.clip((t - ring) / np.float32(width) + np.float32(0.5), 0.0, 1.0)
        flat *= np.clip((np.abs(x - np.float32(cx)) - np.where(v < 0, self.gap, 0.0)) / width + 0.5, 0.0, 1.0)
        height = np.float32(cz) - np.float32(self.drop) * (np.float32(1.0) - v[:, 0]) * np.float32(0.5)
        tall = np.abs(z[:, None] - height)
        tall = np.clip((np.float32(h) - tall) / np.float32(width) + np.float32(0.5), 0.0, 1.0)
        return np.asarray(flat.astype(np.float32) * tall[:, :, None].astype(np.float32))


def _box(low: NDArray[np.float64], high: NDArray[np.float64]) -> Bounds:
    lx, ly, lz = low.tolist()
    hx, hy, hz = high.tolist()
    return (lx, ly, lz), (hx, hy, hz)
