"""Contours to voxels: a voxel belongs to an ROI where its centre lies inside the polygon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pydicom
from numpy.typing import NDArray

from petrg.errors import MaskError
from petrg.imaging.grid import Grid
from petrg.imaging.mask_files.mask import Mask
from petrg.imaging.study import Study

__all__ = ["inside_polygons", "masks"]

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
_SAME_PLANE_MM = 0.05
_FLAT_VOXELS = 0.1
_WAY_OUT = "give an RTSTRUCT that holds only lesions drawn on this study"


def masks(ds: pydicom.Dataset, reference: Study, sha256: str) -> list[Mask]:
    """Every ROI of an RTSTRUCT that has closed contours, on the PET grid.

    Contours of one plane are combined by even-odd, so that an inner contour, or a keyhole, is a
    hole. A plane of contours stands for the slab halfway to its neighbours: planes of the PET
    itself, or of a CT a little off, meet their own slices. An ROI that reaches outside the PET (the
    outline of the body on a planning CT) is passed over; the notes of the others say so.

    Raises
    ------
    MaskError
        If the frame of reference is another, contours are damaged or not parallel to the slices, or
        every ROI reaches outside the PET.
    """
    if reference.pet is None:
        raise MaskError("a study without PET", "a PET to lay the contours on", "give the study that holds the PET")
    names = {}
    frames = {}
    for roi in ds.get("StructureSetROISequence", []) or []:
        number = roi.get("ROINumber")
        names[number] = " ".join(str(roi.get("ROIName", "") or "").split()) or f"ROI {number}"
        frames[number] = str(roi.get("ReferencedFrameOfReferenceUID", "") or "")
    series = reference.pet_series
    own = series.frame_of_reference_uid if series else None
    found, outside = [], []
    for contours in ds.get("ROIContourSequence", []) or []:
        number = contours.get("ReferencedROINumber")
        polygons = _polygons(contours, number)
        if not polygons:
            continue
        frame = frames.get(number, "")
        if own and frame and frame != own:
            raise MaskError(f"ROI {number} in another frame of reference", "the PET's frame of reference", _WAY_OUT)
        array = _mask(polygons, reference.pet.grid, number)
        if array is None:
            outside.append(number)
        else:
            found.append((names.get(number, f"ROI {number}"), array))
    if not found and not outside:
        raise MaskError("an RTSTRUCT without closed contours", "at least one ROI with contours", _WAY_OUT)
    if not found:
        raise MaskError(f"ROI {outside[0]} reaches outside the PET", "contours within the PET's field", _WAY_OUT)
    numbers = ", ".join(map(str, outside))
    note = f"ROI {numbers} passed over: reaching outside the PET" if outside else None
    return [Mask(name, array, sha256, "rtstruct", note) for name, array in found]


def _polygons(roi: pydicom.Dataset, number: object) -> list[NDArray[np.float64]]:
    """Contours as (n, 3) points x, y, z in mm."""
    polygons = []
    for contour in roi.get("ContourSequence", []) or []:
        if str(contour.get("ContourGeometricType", "")) not in _CLOSED:
            continue
        try:
            points = np.array(contour.get("ContourData") or [], np.float64)
        except (TypeError, ValueError):
            points = np.array([np.nan])
        if points.size % 3 or not np.isfinite(points).all():
            raise MaskError(f"ROI {number} with a damaged contour", "three numbers a point", "export it again")
        if points.size >= 9:
            polygons.append(points.reshape(-1, 3))
    return polygons


def _mask(polygons: Sequence[NDArray[np.float64]], grid: Grid, number: object) -> NDArray[np.bool_] | None:
    """The voxels of one ROI; None where it reaches outside the grid."""
    index = [grid.to_index(points) for points in polygons]  # z, y, x
    flat = [float(np.ptp(points[:, 0])) for points in index]
    if max(flat) > _FLAT_VOXELS:
        raise MaskError(
            f"ROI {number} with contours across the slices", "contours parallel to the PET's slices", _WAY_OUT
        )
    everything = np.concatenate(index)
    low, high = everything.min(axis=0), everything.max(axis=0)
    if (low < -0.75).any() or (high > np.array(grid.shape) - 0.25).any():
        return None
    planes = _planes(index, grid.spacing_mm[0])
    out = np.zeros(grid.shape, bool)
    bounds = _slabs(np.array(sorted(planes)))
    for z in range(max(int(np.floor(low[0])) - 1, 0), min(int(np.ceil(high[0])) + 2, grid.shape[0])):
        for plane, (start, stop) in zip(sorted(planes), bounds, strict=True):
            if start <= z < stop:
                out[z] = inside_polygons([points[:, 1:] for points in planes[plane]], grid.shape[1:])
    return out


def _planes(index: Sequence[NDArray[np.float64]], step_mm: float) -> dict[float, list[NDArray[np.float64]]]:
    """Contours by their plane, in slices."""
    planes: dict[float, list[NDArray[np.float64]]] = {}
    for points in sorted(index, key=lambda p: float(p[:, 0].mean())):
        z = float(points[:, 0].mean())
        near = [plane for plane in planes if abs(plane - z) * step_mm <= _SAME_PLANE_MM]
        planes.setdefault(near[0] if near else z, []).append(points)
    return planes


def _slabs(planes: NDArray[np.float64]) -> list[tuple[float, float]]:
    """What part of the z axis each plane stands for, in slices.

    Halfway to the neighbours; a gap of more than 1.5 steps is a gap in the ROI and stays empty.
    """
    gaps = np.diff(planes)
    step = float(np.median(gaps)) if gaps.size else 1.0
    middles = (planes[:-1] + planes[1:]) / 2  # one number for both sides: no slice is met twice or never
    whole = gaps <= 1.5 * step
    stops = np.append(np.where(whole, middles, planes[:-1] + step / 2), planes[-1] + step / 2)
    starts = np.insert(np.where(whole, middles, planes[1:] - step / 2), 0, planes[0] - step / 2)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def inside_polygons(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Voxel centres inside an odd number of polygons.

    Parameters
    ----------
    polygons : sequence of (n, 2)
        Points as row, column in voxels; each is closed by its first point.
    shape : (rows, columns)

    Examples
    --------
    >>> square = np.array([[0.5, 0.5], [0.5, 3.5], [3.5, 3.5], [3.5, 0.5]])
    >>> hole = np.array([[1.5, 1.5], [1.5, 2.5], [2.5, 2.5], [2.5, 1.5]])
    >>> inside_polygons([square, hole], (5, 5)).astype(int).tolist()[1:4]
    [[0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0]]
    """
    rows, columns = shape
    starts = np.concatenate(polygons)
    ends = np.concatenate([np.roll(points, -1, axis=0) for points in polygons])
    first = np.maximum(np.ceil(np.minimum(starts[:, 0], ends[:, 0])), 0).astype(int)
    last = np.minimum(np.ceil(np.maximum(starts[:, 0], ends[:, 0])), rows).astype(int)  # half open: no vertex twice
    count = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(starts)), count)
    row = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    (y0, x0), (y1, x1) = starts[edge].T, ends[edge].T
    crossing = x0 + (row - y0) * (x1 - x0) / (y1 - y0)
    column = np.clip(np.ceil(crossing), 0, columns).astype(int)
    toggles = np.zeros((rows, columns + 1), np.int32)
    np.add.at(toggles, (row, column), 1)
    inside: NDArray[np.bool_] = (np.cumsum(toggles, axis=1) % 2 == 1)[:, :columns]
    return inside
