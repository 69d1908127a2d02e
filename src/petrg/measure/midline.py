"""The midsagittal plane at each level, and whether the images show it at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Volume
from petrg.measure.field import edge_of_field

__all__ = ["Midline", "find_midline"]

TRUNK_MM = 220.0
"""A single outline at least this wide is a trunk; a neck, a head or a thigh alone is narrower."""
LEG_MM = 90.0
NEAR_MM = 150.0
"""How far from a level that shows the plane it is still taken to be the same."""
_SOLID_MM = 20.0
_PIECE_CM2 = 15.0
_CORE = 0.5
"""Columns at least this part as thick as the thickest are trunk, head or thigh; arms at their side are thinner."""
_HEAD_MM = 110.0
BRAIN_SUV = 3.5
_BRAIN_SHARE = 0.25
_ALIKE = 1.6
_SMOOTH_MM = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Midline:
    """The midsagittal plane of the patient.

    Parameters
    ----------
    x_mm : (z,) float64
        At each slice of the PET; where it is not known the middle of what body there is.
    known : (z,) bool
        Whether the plane is known at that level. Where the outline is cut by the edge of the field, or one
        leg alone is seen, it is not.
    """

    x_mm: NDArray[np.float64]
    known: NDArray[np.bool_]

    def at(self, z: int) -> float | None:
        """The plane at slice ``z``, mm; None where it is not known."""
        return float(self.x_mm[z]) if self.known[z] else None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the body in one slice, as seen from the front; ends and middle in columns."""

    start: int
    stop: int
    middle: float
    area_cm2: float
    cut: bool


def find_midline(body: NDArray[np.bool_], suv: Volume) -> Midline:
    """Find the plane where a level shows it, and carry it to levels near those.

    A level shows it where the whole outline of the trunk is in the field, or of a head with its brain, or of
    two legs alike. There the plane is the middle of the thick part of the outline, or midway between the legs.
    From such levels it is followed up and down through narrower outlines (neck, head, legs).

    Parameters
    ----------
    body : (z, y, x) bool
    suv : Volume
        On the same grid.
    """
    grid = suv.grid
    nz = body.shape[0]
    thick = np.asarray(body.sum(1) * grid.spacing_mm[1], np.float64)
    cut = np.asarray((body & edge_of_field(suv)).any(1))
    cut[:, [0, -1]] |= thick[:, [0, -1]] > 0
    pieces = [_pieces(thick[z], cut[z], grid.spacing_mm[2]) for z in range(nz)]
    hot = (body & (suv.array >= BRAIN_SUV)).sum((1, 2)) / np.maximum(body.sum((1, 2)), 1)
    dx = grid.spacing_mm[2]
    column = np.array([_of_one(row, float(share), dx) for row, share in zip(pieces, hot, strict=True)])
    if np.isnan(column).all():
        column = np.array([_of_legs(row, dx) for row in pieces])
    column = _followed(column, pieces, dx)
    return _smoothed(column, body, suv)


def _pieces(thick: NDArray[np.float64], cut: NDArray[np.bool_], dx: float) -> tuple[_Piece, ...]:
    edges = np.flatnonzero(np.diff(np.r_[False, thick > _SOLID_MM, False].astype(np.int8)))
    out = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        part = thick[start:stop]
        area = float(part.sum()) * dx / 100.0
        if area >= _PIECE_CM2:
            core = np.where(part >= _CORE * part.max(), part, 0.0)
            middle = start + float(core @ np.arange(stop - start) / core.sum())
            out.append(_Piece(start, stop, middle, area, bool(cut[start:stop].any())))
    return tuple(out)


def _of_one(pieces: tuple[_Piece, ...], hot: float, dx: float) -> float:
    """The column of the plane where a level shows a trunk, or a head with its brain; else NaN."""
    if not pieces:
        return np.nan
    largest = max(pieces, key=lambda p: p.area_cm2)
    width = (largest.stop - largest.start) * dx
    holds = width >= TRUNK_MM or (width >= _HEAD_MM and hot >= _BRAIN_SHARE)
    return largest.middle if holds and not largest.cut else np.nan


def _of_legs(pieces: tuple[_Piece, ...], dx: float) -> float:
    """The column between two legs alike, with a hand at the side of each or none; else NaN."""
    if len(pieces) not in (2, 4):
        return np.nan
    one, other = pieces if len(pieces) == 2 else pieces[1:3]
    thin = min(one.stop - one.start, other.stop - other.start) * dx < LEG_MM
    return np.nan if thin else _between(one, other)


def _between(one: _Piece, other: _Piece) -> float:
    alike = max(one.area_cm2, other.area_cm2) <= _ALIKE * min(one.area_cm2, other.area_cm2)
    return (one.middle + other.middle) / 2 if alike and not (one.cut or other.cut) else np.nan


def _followed(column: NDArray[np.float64], pieces: list[tuple[_Piece, ...]], dx: float) -> NDArray[np.float64]:
    """The plane at levels that show it only to who knows where to look: neck, head and legs."""
    shown = np.flatnonzero(~np.isnan(column))
    if shown.size == 0:
        return column
    out = column.copy()
    others = np.flatnonzero(np.isnan(column))
    nearest_first = np.argsort(np.abs(others[:, None] - shown).min(1), kind="stable")
    for z in others[nearest_first].tolist():
        done = np.flatnonzero(~np.isnan(out))
        about = float(out[done[np.argmin(np.abs(done - z))]])
        slack = 15.0 / dx
        held = [p for p in pieces[z] if p.start - slack <= about <= p.stop + slack]
        if len(held) == 1 and held[0].start <= about < held[0].stop:
            out[z] = np.nan if held[0].cut else held[0].middle
            continue
        left = [p for p in pieces[z] if p.stop <= about + slack]
        right = [p for p in pieces[z] if p.start >= about - slack]
        if left and right:
            out[z] = _between(left[-1], right[0])
    return out


def _smoothed(column: NDArray[np.float64], body: NDArray[np.bool_], suv: Volume) -> Midline:
    """Median over 30 mm of what is known, in mm; levels within ``NEAR_MM`` of a known one are known."""
    grid, nz = suv.grid, body.shape[0]
    known = np.flatnonzero(~np.isnan(column))
    count = body.sum((1, 2), dtype=np.int64)
    held = np.flatnonzero(count)
    per_y = body.sum(2, dtype=np.int64) @ np.arange(body.shape[1])
    y = np.where(count > 0, per_y / np.maximum(count, 1), (body.shape[1] - 1) / 2)
    if known.size == 0:
        rows = held if held.size else np.arange(nz)
        per_x = body.sum(1, dtype=np.int64) @ np.arange(body.shape[2])
        x = np.where(count > 0, per_x / np.maximum(count, 1), (body.shape[2] - 1) / 2)
    else:
        rows, x = known, column
    middle = grid.to_mm(np.stack([rows.astype(float), y[rows], x[rows]], 1))[:, 0]
    width = 2 * int(_SMOOTH_MM / grid.spacing_mm[0]) + 1
    smooth = np.interp(np.arange(nz), rows, ndimage.median_filter(middle, size=width, mode="nearest"))
    line = Midline(np.asarray(smooth, np.float64), np.zeros(nz, bool))
    if known.size == 0:
        return line
    away = np.abs(np.arange(nz)[:, None] - known).min(1) * grid.spacing_mm[0]
    return replace(line, known=np.asarray(away <= NEAR_MM))
