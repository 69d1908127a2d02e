"""DICOM SEG to masks: binary, fractional and label map, frames placed by their own positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from petrg.errors import MaskError
from petrg.imaging.grid import Grid
from petrg.imaging.mask_files.mask import Mask
from petrg.imaging.mask_files.onto import onto
from petrg.imaging.quantity import Quantity
from petrg.imaging.study import Study
from petrg.imaging.volume import Volume

__all__ = ["masks"]

_WAY_OUT = "give the SEG drawn on this study"


def masks(ds: pydicom.Dataset, reference: Study, sha256: str) -> list[Mask]:
    """Every segment on the PET grid; a fractional one is taken from half of its maximum upward.

    Raises
    ------
    MaskError
        If the frame of reference is another, or its grid is neither the PET's nor the CT's. Other
        exceptions mean a damaged file.
    """
    series = reference.pet_series
    own, frame = (series.frame_of_reference_uid if series else None), str(ds.get("FrameOfReferenceUID", "") or "")
    if own and frame and own != frame:
        raise MaskError("a SEG in another frame of reference", "the PET's frame of reference", _WAY_OUT)
    names = {int(s.SegmentNumber): " ".join(str(s.get("SegmentLabel", "")).split()) for s in ds.SegmentSequence}
    frames, affine, numbers = _frames(ds)
    found = []
    for number, name in names.items():
        if number == 0:  # the background of a label map
            continue
        volume = _volume(frames, affine, numbers, number, reference)
        if volume is None:
            continue
        array, note = onto(volume, reference, f"segment {number}")
        found.append(Mask(name or f"segment {number}", array > 0, sha256, "seg", note))
    if not found:
        raise MaskError("a SEG without frames", "at least one segment with frames", _WAY_OUT)
    return found


def _frames(ds: pydicom.Dataset) -> tuple[NDArray[np.bool_] | NDArray[Any], NDArray[np.float64], list[int | None]]:
    """Frames (n, rows, columns) as inside or label, their (n, 3, 4) affines, their segment numbers (None: labels)."""
    pixels = ds.pixel_array
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    kind = str(ds.get("SegmentationType", "BINARY"))
    if kind == "FRACTIONAL":
        pixels = pixels * 2 >= int(ds.MaximumFractionalValue)
    shared = ds.SharedFunctionalGroupsSequence[0] if ds.get("SharedFunctionalGroupsSequence") else pydicom.Dataset()
    affines, numbers = [], []
    for group in ds.PerFrameFunctionalGroupsSequence:
        affines.append(_affine(group, shared))
        numbers.append(
            None
            if kind == "LABELMAP"
            else int(_of(group, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        )
    if len(affines) != len(pixels):
        raise ValueError("frames and their groups differ in number")
    return pixels, np.array(affines), numbers


def _of(group: pydicom.Dataset, shared: pydicom.Dataset, keyword: str) -> pydicom.Dataset:
    item: pydicom.Dataset = (group.get(keyword) or shared.get(keyword))[0]
    return item


def _affine(group: pydicom.Dataset, shared: pydicom.Dataset) -> NDArray[np.float64]:
    """(x, y, z) in mm of index (row, column, 1): (3, 3), and the slice normal: columns row, column, normal, origin."""
    position = np.array(_of(group, shared, "PlanePositionSequence").ImagePositionPatient, float)
    orientation = np.array(_of(group, shared, "PlaneOrientationSequence").ImageOrientationPatient, float)
    spacing = np.array(_of(group, shared, "PixelMeasuresSequence").PixelSpacing, float)
    along_row, along_column = orientation[:3], orientation[3:]
    normal = np.cross(along_row, along_column)
    return np.column_stack([along_column * spacing[0], along_row * spacing[1], normal, position])


def _volume(
    frames: NDArray[Any],
    affines: NDArray[np.float64],
    numbers: list[int | None],
    number: int,
    reference: Study,
) -> Volume | None:
    """Frames of one segment stacked on a grid of their own step; slices that were left out are empty."""
    mine = [k for k, own in enumerate(numbers) if own in (None, number)]
    if not mine:
        return None
    if np.abs(affines[mine][:, :, :3] - affines[mine[0]][:, :3]).max() > 1e-4:
        raise MaskError(f"segment {number} with frames of different grids", "one grid", _WAY_OUT)
    normal = affines[mine[0]][:, 2]
    place = affines[mine][:, :, 3] @ normal
    step = _step(np.sort(place), normal, reference)
    index = (place - place.min()) / step
    if np.abs(index - np.rint(index)).max() > 0.1 or index.max() > 10000:
        raise MaskError(f"segment {number} with uneven frames", "frames on the slices of the PET or CT", _WAY_OUT)
    array = np.zeros((round(float(index.max())) + 1, *frames.shape[1:]), np.uint8)
    for k, z in zip(mine, np.rint(index).astype(int), strict=True):
        inside = frames[k] == number if numbers[k] is None else frames[k] > 0
        array[z] |= inside.astype(np.uint8)
    first = affines[mine[int(np.argmin(place))]]
    affine = np.eye(4)
    affine[:3] = np.column_stack([normal * step, first[:, 0], first[:, 1], first[:, 3]])
    return _patient_axes(Volume(array, Grid((len(array), *frames.shape[1:]), affine), Quantity.LABEL))


def _step(place: NDArray[np.float64], normal: NDArray[np.float64], reference: Study) -> float:
    """Distance of slices: of the reference grid that the frames fit, else the least gap of the frames."""
    gaps = np.diff(place)
    gaps = gaps[gaps > 1e-3]
    for volume in (reference.pet, reference.ct):
        if volume is not None:
            step = abs(float(volume.grid.affine[:3, 0] @ normal))
            if step > 1e-6 and (not gaps.size or np.abs(gaps / step - np.rint(gaps / step)).max() <= 0.1):
                return step
    return float(gaps.min()) if gaps.size else 1.0


def _patient_axes(volume: Volume) -> Volume:
    """The same voxels with axes in the order and sense of the readers: z, y, x increasing in LPS."""
    closest: Mapping[int, int] = {
        int(np.abs(volume.grid.directions[row]).argmax()): 2 - row for row in range(3)
    }  # old axis -> new axis
    order = sorted(closest, key=lambda axis: closest[axis])
    array = volume.array.transpose(order)
    affine = volume.grid.affine[:, [*order, 3]].copy()
    for axis in range(3):
        if affine[2 - axis, axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
            array = np.flip(array, axis)
    z, y, x = array.shape
    return Volume(np.ascontiguousarray(array), Grid((z, y, x), affine), volume.quantity)
