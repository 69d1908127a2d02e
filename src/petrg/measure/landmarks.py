"""Levels of the body found in the images: head, shoulders, lungs, liver, bladder.

Each found level is an anchor: its z in the patient and its height above the sole in a standard body of
1.70 m. Between anchors heights are interpolated, beyond them the standard body's scale is kept, and the
less certain the farther.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Quantity, Volume
from petrg.measure.body import sample_mask
from petrg.measure.brain import BRAIN_SUV, cut_brain, whole_brain
from petrg.measure.coarse import central_width_mm, coarse
from petrg.measure.midline import Midline

__all__ = ["STANDARD_MM", "Anchor", "Landmarks", "find_landmarks", "heart_like"]

STANDARD_MM = {
    "vertex": 1700.0,
    "brain base": 1552.0,
    "shoulders": 1405.0,
    "raised arms": 1430.0,
    "lung apex": 1420.0,
    "lung dome": 1238.0,
    "liver top": 1235.0,
    "liver bottom": 1045.0,
    "bladder": 888.0,
}
"""Height above the sole of each landmark in an adult of 1.70 m, mm."""

_ERROR_MM = {"shoulders": 30.0, "raised arms": 50.0, "liver top": 18.0, "liver bottom": 30.0}
"""Standard error of a landmark's height over patients, mm, where it is more than ``_LEAST_ERROR_MM``."""
_LEAST_ERROR_MM = 12.0

_LUNG_HU = (-980.0, -500.0)
_ARMS_LEVEL_MM, _ARMS_MM = 50.0, 80.0
"""Arms lie raised where beside the head, over 50 mm above the widening, other pieces are this wide together."""
_ABOVE_ARMS = ("brain base", "vertex", "lung apex")
_HEART_SUV, _HEART_ML, _HEART_MM, _HEART_HEIGHT_MM = 4.0, (50.0, 450.0), 150.0, (1215.0, 1335.0)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A landmark found in the images."""

    name: str
    z_mm: float

    @property
    def height_mm(self) -> float:
        """Its height in the standard body."""
        return STANDARD_MM[self.name]


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """What was found, on the PET grid.

    Parameters
    ----------
    anchors : tuple of Anchor
        From head to foot, consistent with each other.
    midline : Midline
    front_y, back_y : (z,) float64
        The front and back of the trunk at each slice, mm.
    brain : (z, y, x) bool or None
        On the PET grid.
    heart : (z, y, x) bool or None
        Coarse, on ``coarse_grid``: a hot mass that may be the myocardium, on whichever side.
    liver : (z, y, x) bool or None
        Coarse, on ``coarse_grid``.
    lungs : (z, y, x) bool or None
        On the PET grid, from the CT.
    """

    grid: Grid
    anchors: tuple[Anchor, ...]
    midline: Midline
    front_y: NDArray[np.float64]
    back_y: NDArray[np.float64]
    brain: NDArray[np.bool_] | None
    heart: NDArray[np.bool_] | None
    liver: NDArray[np.bool_] | None
    lungs: NDArray[np.bool_] | None
    coarse_grid: Grid
    field_mm: tuple[float, float]

    @property
    def midline_x(self) -> NDArray[np.float64]:
        """The midsagittal plane at each slice, mm; where it is not known the best guess."""
        return self.midline.x_mm

    def slice_of(self, mm: NDArray[np.float64]) -> int:
        """The PET slice nearest to a point."""
        return int(np.clip(round(float(self.grid.to_index(mm)[0])), 0, self.grid.shape[0] - 1))

    @property
    def scale(self) -> float:
        """How much larger the standard body is than the patient; 1 without two anchors far apart."""
        if len(self.anchors) < 2:
            return 1.0
        first, last = self.anchors[0], self.anchors[-1]
        span = first.z_mm - last.z_mm
        return float(np.clip((first.height_mm - last.height_mm) / span, 0.8, 1.6)) if span > 200.0 else 1.0

    def height(self, z_mm: float) -> tuple[float, float]:
        """Height in the standard body of a patient's z, and its standard error, mm; (nan, inf) without anchors."""
        if not self.anchors:
            return float("nan"), float("inf")
        z = np.array([a.z_mm for a in self.anchors])
        h = np.array([a.height_mm for a in self.anchors])
        order = np.argsort(z)
        z, h = z[order], h[order]
        if z_mm <= z[0]:
            value = h[0] + (z_mm - z[0])
        elif z_mm >= z[-1]:
            value = h[-1] + (z_mm - z[-1])
        else:
            value = float(np.interp(z_mm, z, h))
        own = np.array([_ERROR_MM.get(a.name, _LEAST_ERROR_MM) for a in self.anchors])[order]
        return float(value), float(np.hypot(own, 0.12 * (z - z_mm)).min())


def find_landmarks(suv: Volume, ct: Volume | None, body: NDArray[np.bool_], plane: Midline) -> Landmarks:
    """Find what levels the images show.

    Parameters
    ----------
    suv : Volume
    ct : Volume or None
    body : (z, y, x) bool
        On the PET grid.
    plane : Midline
    """
    grid, midline = suv.grid, plane.x_mm
    width = central_width_mm(body, grid, midline)
    small = coarse(suv)
    lungs = _lungs(ct, body, grid) if ct is not None else None
    liver = _liver(small, midline, width, grid)
    z_mm = np.asarray(grid.to_mm(np.c_[np.arange(grid.shape[0]), np.zeros((grid.shape[0], 2))])[:, 2])
    brain = whole_brain(small, suv, width, midline)
    if brain is None:
        brain = cut_brain(suv, body, width, midline)
    found = [*_outline_anchors(body, width, z_mm, grid), *_brain_base(brain, z_mm)]
    found += _bladder(small, width, z_mm, midline, grid, _lowest_mm(liver, small.grid))
    if lungs is not None:
        found += _lung_anchors(lungs, z_mm, grid, midline)
    if liver is not None:
        found += _liver_anchors(liver, small.grid, midline, grid, bottom=not any(a.name == "bladder" for a in found))
    if any(a.name in _ABOVE_ARMS for a in found):
        found = [a for a in found if a.name != "raised arms"]  # how high they join the trunk differs by posture
    front, back = _front_back(body, grid, midline)
    ends = (float(z_mm.min()), float(z_mm.max()))
    marks = Landmarks(grid, _consistent(found), plane, front, back, brain, None, liver, lungs, small.grid, ends)
    return replace(marks, heart=heart_like(small, marks))


def _outline_anchors(
    body: NDArray[np.bool_], width: NDArray[np.float64], z_mm: NDArray[np.float64], grid: Grid
) -> list[Anchor]:
    """Vertex and shoulders, or where raised arms join the trunk, from the outline alone."""
    order = np.argsort(-z_mm)
    w, z = width[order], z_mm[order]
    held = np.flatnonzero(np.asarray(body.any((1, 2)))[order])
    out: list[Anchor] = []
    if held.size == 0:
        return out
    wide = np.flatnonzero(w > 260.0)
    shoulder = int(wide[0]) if wide.size else w.size
    above = w[:shoulder]
    if wide.size and above.size and z[0] - z[shoulder] > 40.0 and 0 < above[above > 0].min(initial=1e9) < 200.0:
        solid = (body.sum(1) * grid.spacing_mm[1] > 20.0).sum(1)[order] * grid.spacing_mm[2]
        near = slice(max(shoulder - 1 - int(_ARMS_LEVEL_MM / grid.spacing_mm[0]), 0), shoulder - 1)
        raised = (solid - w)[near].size and np.median((solid - w)[near]) > _ARMS_MM
        out.append(Anchor("raised arms" if raised else "shoulders", float(z[shoulder])))
        if held[0] > 0 and 0 < np.median(above[above > 0]) < 230.0:
            out.append(Anchor("vertex", float(z[held[0]])))
    return out


def _brain_base(brain: NDArray[np.bool_] | None, z_mm: NDArray[np.float64]) -> list[Anchor]:
    if brain is None:
        return []
    count = brain.sum((1, 2))
    order = np.argsort(z_mm)
    low = int(np.searchsorted(np.cumsum(count[order]), 0.03 * count.sum()))
    return [Anchor("brain base", float(z_mm[order][low]) - 4.0)]


def _bladder(
    small: Volume,
    width: NDArray[np.float64],
    z_mm: NDArray[np.float64],
    midline: NDArray[np.float64],
    grid: Grid,
    liver_mm: float | None,
) -> list[Anchor]:
    """The bladder by its uptake: the lowest hot mass in the middle of a trunk, below any liver."""
    label: NDArray[Any] = cc3d.connected_components(small.array >= BRAIN_SUV, connectivity=6)
    roof = z_mm.max() - 500.0 if liver_mm is None else liver_mm - 20.0
    bladders = []
    for k in range(1, int(label.max()) + 1):
        index = np.argwhere(label == k)
        if len(index) * small.grid.voxel_ml < 20.0:
            continue
        mm = small.grid.to_mm(index)
        z = grid.to_index(mm)[:, 0].round().astype(int).clip(0, grid.shape[0] - 1)
        off = np.abs(mm[:, 0].mean() - midline[z].mean())
        if off < 20.0 and np.median(width[z]) > 240.0 and mm[:, 2].max() < roof:
            bladders.append((float(mm[:, 2].min()), float(mm[:, 2].mean())))
    return [Anchor("bladder", min(bladders)[1])] if bladders else []


def heart_like(small: Volume, marks: Landmarks) -> NDArray[np.bool_] | None:
    """The largest hot mass at the height and depth of a heart and of its size, on either side; None without one."""
    label: NDArray[Any] = cc3d.connected_components(small.array >= _HEART_SUV, connectivity=6)
    ml = np.bincount(label.ravel()) * small.grid.voxel_ml
    for k in np.argsort(-ml[1:]).tolist():
        if ml[k + 1] < _HEART_ML[0]:
            break
        mm = small.grid.to_mm(np.argwhere(label == k + 1))
        middle = mm.mean(0)
        z = marks.slice_of(middle)
        height, error = marks.height(float(middle[2]))
        depth = (middle[1] - marks.front_y[z]) / max(marks.back_y[z] - marks.front_y[z], 1.0)
        held = _HEART_HEIGHT_MM[0] < height < _HEART_HEIGHT_MM[1] and error < 40.0
        if held and 0.1 < depth < 0.6 and ml[k + 1] < _HEART_ML[1] and np.ptp(mm, 0).max() < _HEART_MM:
            return np.asarray(label == k + 1)
    return None


def _lungs(ct: Volume, body: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_] | None:
    """Air inside the body that is large enough to be lung, on the PET grid."""
    small, _ = _thin(ct)
    air = (small.array > _LUNG_HU[0]) & (small.array < _LUNG_HU[1])
    inside = sample_mask(body, grid, small.grid)
    label: NDArray[Any] = cc3d.connected_components(
        ndimage.binary_opening(air & inside, np.ones((1, 3, 3), bool)), connectivity=6
    )
    ml = np.bincount(label.ravel()) * small.grid.voxel_ml
    keep = ml > 250.0
    keep[0] = False
    return sample_mask(keep[label], small.grid, grid) if keep.any() else None


def _thin(volume: Volume, step_mm: float = 4.0) -> tuple[Volume, tuple[int, int, int]]:
    z, y, x = (max(1, int(step_mm / s)) for s in volume.grid.spacing_mm)
    affine = volume.grid.affine.copy()
    affine[:3, :3] *= np.array([z, y, x])
    thin = volume.array[::z, ::y, ::x]
    return Volume(thin, Grid((thin.shape[0], thin.shape[1], thin.shape[2]), affine), Quantity.HU), (z, y, x)


def _lung_anchors(
    lungs: NDArray[np.bool_], z_mm: NDArray[np.float64], grid: Grid, midline: NDArray[np.float64]
) -> list[Anchor]:
    area = lungs.sum((1, 2)) * grid.spacing_mm[1] * grid.spacing_mm[2] / 100.0  # cm2
    held = np.flatnonzero(area > 4.0)
    if held.size < 5:
        return []
    order = held[np.argsort(-z_mm[held])]
    out = []
    if z_mm.max() - z_mm[order[0]] > 8.0:
        out.append(Anchor("lung apex", float(z_mm[order[0]])))
    x = grid.to_mm(np.c_[np.zeros((grid.shape[2], 2)), np.arange(grid.shape[2])])[:, 0]
    right = np.array([(lungs[z].sum(0) * (x < midline[z])).sum() for z in order], float)
    peak = int(np.argmax(right))
    below = np.flatnonzero(right[peak:] < 0.6 * right[peak])
    if below.size and z_mm[order[peak + below[0]]] - z_mm.min() > 20.0:
        out.append(Anchor("lung dome", float(z_mm[order[peak + below[0]]])))
    return out


def _liver(
    small: Volume, midline: NDArray[np.float64], width: NDArray[np.float64], grid: Grid
) -> NDArray[np.bool_] | None:
    """The largest homogeneous part of the trunk at SUV 1.2 to 4.5, more than 250 ml, coarse; no side is assumed."""
    a = small.array.astype(np.float64)
    mean = ndimage.uniform_filter(a, 3)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(a * a, 3) - mean * mean, 0.0))
    even = (mean > 1.2) & (mean < 4.5) & (spread < 0.16 * mean)
    z = small.grid.to_mm(np.c_[np.arange(small.grid.shape[0]), np.zeros((small.grid.shape[0], 2))])
    rows = grid.to_index(z)[:, 0].round().astype(int).clip(0, grid.shape[0] - 1)
    even &= (width[rows] > 230.0)[:, None, None]
    label: NDArray[Any] = cc3d.connected_components(even, connectivity=6)
    ml = np.bincount(label.ravel()) * small.grid.voxel_ml
    ml[0] = 0.0
    best = int(np.argmax(ml))
    return label == best if ml[best] > 250.0 else None


def _lowest_mm(liver: NDArray[np.bool_] | None, coarse_grid: Grid) -> float | None:
    if liver is None:
        return None
    return float(coarse_grid.to_mm(np.argwhere(liver))[:, 2].min())


def _liver_anchors(
    liver: NDArray[np.bool_], coarse_grid: Grid, midline: NDArray[np.float64], grid: Grid, *, bottom: bool
) -> list[Anchor]:
    """Where the part right of the midline begins and, if nothing lower was found, where it ends."""
    index = np.argwhere(liver)
    mm = coarse_grid.to_mm(index)
    rows = grid.to_index(mm)[:, 0].round().astype(int).clip(0, grid.shape[0] - 1)
    right = index[mm[:, 0] < midline[rows] - 30.0, 0]
    if right.size < 20:
        return []
    count = np.bincount(right, minlength=liver.shape[0])
    levels = np.flatnonzero(count >= 0.15 * count.max())
    ends = coarse_grid.to_mm(np.c_[levels[[0, -1]], np.zeros((2, 2))])[:, 2]
    out = [Anchor("liver top", float(ends.max()) + 12.0)]
    return [*out, Anchor("liver bottom", float(ends.min()) - 12.0)] if bottom else out


def _front_back(
    body: NDArray[np.bool_], grid: Grid, midline: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Y of the front and back of the trunk near the midline at each slice, mm, smoothed over 30 mm."""
    x = grid.to_mm(np.c_[np.zeros((grid.shape[2], 2)), np.arange(grid.shape[2])])[:, 0]
    y = grid.to_mm(np.c_[np.zeros(grid.shape[1]), np.arange(grid.shape[1]), np.zeros(grid.shape[1])])[:, 1]
    ends = []
    for z in range(grid.shape[0]):
        column = body[z][:, np.abs(x - midline[z]) < 60.0].any(1)
        ends.append((y[column].min(), y[column].max()) if column.any() else (np.nan, np.nan))
    both = np.array(ends)
    held = np.flatnonzero(~np.isnan(both[:, 0]))
    if held.size == 0:
        return np.full(grid.shape[0], y.min()), np.full(grid.shape[0], y.max())
    size = 2 * int(15.0 / grid.spacing_mm[0]) + 1
    front, back = (ndimage.median_filter(both[held, k], size=size, mode="nearest") for k in (0, 1))
    every = np.arange(grid.shape[0])
    return np.interp(every, held, front), np.interp(every, held, back)


def _consistent(found: list[Anchor]) -> tuple[Anchor, ...]:
    """Anchors head to foot; of two that contradict each other the one that fewer others support goes."""
    rows = list(found)

    def clash(a: Anchor, b: Anchor) -> bool:
        patient, standard = a.z_mm - b.z_mm, a.height_mm - b.height_mm
        return abs(patient - standard) > 35.0 + 0.22 * abs(standard)

    while rows:
        count = [sum(clash(a, b) for b in rows) for a in rows]
        if max(count) == 0:
            break
        rows.pop(int(np.argmax(count)))
    kept: list[Anchor] = []
    for anchor in sorted(rows, key=lambda a: -a.height_mm):
        if not kept or (kept[-1].z_mm - anchor.z_mm > 5.0):
            kept.append(anchor)
    return tuple(kept)
