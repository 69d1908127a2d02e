"""One NIfTI file to a volume and back: axes, units, scaling and missing voxels, checked at the door.

NIfTI-1 and -2, single file, plain or gzipped (through isal). RAS in any order and sense of the
axes becomes [z, y, x] in LPS with every axis increasing: x to the left, y to the back, z to the
head. An oblique grid stays oblique, in the affine.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import cc3d
import nibabel as nib
import numpy as np
from isal import igzip, isal_zlib
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from petrg.errors import GeometryError, PixelError, Problem
from petrg.files import write_file
from petrg.imaging.grid import VOXEL_MM, Grid
from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume

__all__ = ["LoadedNifti", "is_nifti", "load_nifti", "nifti_bytes", "read_nifti", "write_nifti"]

_LARGEST_BYTES = 8 << 30
_LARGEST_RATIO, _RATIO_FROM = 200, 1 << 28  # as in a zip; images of noise reach 10, empty ones 1000
_DAMAGED: tuple[Any, ...] = (OSError, EOFError, zlib.error, isal_zlib.error)
_MM = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}
FILL = {Quantity.HU: -1024.0, Quantity.ACTIVITY: 0.0, Quantity.SUV_BW: 0.0}
"""What stands outside the scanned field."""


@dataclass(frozen=True, slots=True)
class LoadedNifti:
    """A volume, the header extensions that came with it, what is unusual about it, and how it was stored.

    ``axes`` names what i, j and k run towards: "RAS" to the patient's right, front and head.
    """

    volume: Volume
    extensions: bytes
    problems: tuple[Problem, ...] = ()
    axes: str = ""


_KIND = {
    Quantity.HU: "the CT's NIfTI file",
    Quantity.SUV_BW: "the PET's NIfTI file",
    Quantity.ACTIVITY: "the PET's NIfTI file",
    Quantity.LABEL: "the NIfTI label map",
}
"""How a file is named in messages: its own name may hold an identity."""


def is_nifti(path: Path) -> bool:
    """Whether the name ends as a NIfTI file's does."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_nifti(path: Path, quantity: Quantity) -> Volume:
    """Read a NIfTI file whose values are of ``quantity``; labels keep an integer type.

    Raises
    ------
    PixelError
        If it is damaged, truncated, not 3D, or holds missing voxels within the image.
    GeometryError
        If its orientation is unknown or contradicts itself.
    """
    return load_nifti(Path(path), quantity).volume


def load_nifti(path: Path, quantity: Quantity) -> LoadedNifti:
    """Read a NIfTI file with its header and problems; errors as `read_nifti`."""
    name = _KIND[quantity]
    try:
        with _opened(path) as file:
            header, ahead = _header(file, name)
            raw, extensions = _raw(file, header, ahead, name, path.stat().st_size)
    except _DAMAGED as error:
        raise PixelError(
            f"{name} cannot be read ({type(error).__name__})", "a whole NIfTI file", "copy it again"
        ) from error
    affine, problems = _affine(header, name)
    array, lps = _to_zyx(raw, affine)
    values, more = _scaled(array, header, quantity, name)
    grid = Grid(cast("tuple[int, int, int]", values.shape), lps)
    _expect_size(grid, name)
    axes = "".join(nib.aff2axcodes(affine))
    return LoadedNifti(Volume(values, grid, quantity), extensions, (*problems, *more), axes)


def _expect_size(grid: Grid, name: str) -> None:
    """Refuse voxels that no scanner makes: the length unit or the orientation is wrong."""
    low, high = min(grid.spacing_mm), max(grid.spacing_mm)
    if low < VOXEL_MM[0] or high > VOXEL_MM[1]:
        raise GeometryError(
            f"{name} with voxels of {low:.3g} to {high:.3g} mm",
            f"{VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm",
            "correct its length unit or its orientation",
        )


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", igzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb"))


def _header(file: BinaryIO, name: str) -> tuple[Any, bytes]:
    """The header and what was read beyond it."""
    start = file.read(540)
    for cls in (nib.Nifti1Header, nib.Nifti2Header):
        try:
            header = cls(start[: cls.sizeof_hdr], check=False)
        except (ValueError, HeaderDataError, WrapStructError):
            continue
        if int(header["sizeof_hdr"]) == cls.sizeof_hdr and bytes(header["magic"]).startswith(b"n+"):
            return header, start[cls.sizeof_hdr :]
    raise PixelError(
        f"{name} has no NIfTI header", "NIfTI-1 or -2 in a single file (.nii, .nii.gz)", "convert it again"
    )


def _raw(file: BinaryIO, header: Any, ahead: bytes, name: str, stored: int) -> tuple[NDArray[Any], bytes]:
    """Stored values as (k, j, i), Fortran order read backwards, and the header's extensions."""
    shape, dtype = _layout(header, name)
    size = int(np.prod(shape, dtype=np.float64)) * dtype.itemsize
    if size > _LARGEST_BYTES:
        raise PixelError(f"{name} claims {size / (1 << 30):.0f} GiB", "at most 8 GiB", "check the file")
    if size > _RATIO_FROM and size > _LARGEST_RATIO * stored:
        raise PixelError(
            f"{name} claims more than {_LARGEST_RATIO} times its own size", "a compressed image", "check the file"
        )
    offset = float(header["vox_offset"])
    if not 0 <= offset < 1 << 24:
        raise PixelError(f"{name} with voxels at an impossible offset", "voxels after the header", "convert it again")
    between = max(int(offset) - int(header.sizeof_hdr), 0)
    extensions = ahead[:between] + file.read(max(between - len(ahead), 0))
    data = ahead[between:] + file.read(max(size - len(ahead[between:]), 0))
    if len(data) < size:
        raise PixelError(f"{name} ends after {len(data)} of {size} bytes", "a whole file", "copy it again")
    return np.frombuffer(data, dtype, count=size // dtype.itemsize).reshape(shape[::-1]), extensions


def _layout(header: Any, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape (i, j, k) and type of the stored values."""
    shape = tuple(int(n) for n in header.get_data_shape())
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        shown = " x ".join(map(str, shape[:8]))
        raise PixelError(f"{name} of shape {shown}", "one 3D image", "split it into single frames")
    try:
        dtype = header.get_data_dtype()
    except (ValueError, KeyError, HeaderDataError) as error:
        raise PixelError(f"{name} with an unknown data type", "integers or floats", "convert it") from error
    if dtype.kind not in "iuf":
        raise PixelError(f"{name} of type {dtype}", "integers or floats", "convert it to one value per voxel")
    return shape, dtype


def _affine(header: Any, name: str) -> tuple[NDArray[np.float64], tuple[Problem, ...]]:
    """Voxel (i, j, k) to RAS mm; sform before qform, as the standard's readers do."""
    try:
        unit = header.get_xyzt_units()[0]
        with np.errstate(invalid="ignore", over="ignore"):  # numbers that are none are refused below
            sform, qform = header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]
    except (ValueError, KeyError, np.linalg.LinAlgError, HeaderDataError) as error:
        raise GeometryError(
            f"{name} with an impossible orientation", "a valid sform or qform", "convert it again"
        ) from error
    scale = np.diag([_MM.get(unit, 1.0)] * 3 + [1.0])
    forms = [scale @ form for form in (sform, qform) if form is not None]
    if not forms:
        raise GeometryError(
            f"{name} without orientation (sform and qform code 0): left and right are unknown",
            "an sform or qform",
            "convert it again from the source",
        )
    if any(not np.isfinite(f).all() or abs(np.linalg.det(f[:3, :3])) < 1e-9 for f in forms):
        raise GeometryError(f"{name} with a singular orientation", "three independent axes", "convert it again")
    problems = [Problem("nifti-unit-unknown", f"{name} does not say its length unit: mm assumed")] * (unit == "unknown")
    if len(forms) == 2:
        problems += _disagreement(forms[0], forms[1], header.get_data_shape()[:3], name)
    return forms[0].astype(np.float64), tuple(problems)


def _disagreement(sform: Any, qform: Any, shape: tuple[int, ...], name: str) -> list[Problem]:
    ends = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(shape) - 1)
    apart = np.abs(ends @ (sform - qform)[:3, :3].T + (sform - qform)[:3, 3]).max()
    if apart <= 0.1:
        return []
    if not np.array_equal(io_orientation(sform), io_orientation(qform)):
        raise GeometryError(
            f"{name}: sform and qform name different axes (left and right may be swapped)",
            "both to agree",
            "convert it again from the source",
        )
    return [Problem("nifti-forms-differ", f"{name}: sform and qform lie up to {apart:.1f} mm apart; sform is used")]


def _to_zyx(raw: NDArray[Any], affine: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Axes by the closest patient axis, each increasing in LPS; no voxel is interpolated."""
    change = ornt_transform(io_orientation(affine), axcodes2ornt(("L", "P", "S")))
    xyz = raw.T
    shape = xyz.shape
    if any(flip < 0 for _, flip in change):
        xyz = xyz[tuple(slice(None, None, int(flip)) for _, flip in change)]
    order = [int(np.flatnonzero(change[:, 0] == axis)[0]) for axis in range(3)]
    ras = affine @ inv_ornt_aff(change, shape)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ras
    return xyz.transpose(order).T, lps[:, [2, 1, 0, 3]]


def _scaled(
    array: NDArray[Any], header: Any, quantity: Quantity, name: str
) -> tuple[NDArray[Any], tuple[Problem, ...]]:
    """Values with slope and intercept applied, float32; labels as integers."""
    slope, intercept = header.get_slope_inter()
    slope, intercept = 1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept)
    plain = slope == 1.0 and intercept == 0.0
    if quantity is Quantity.LABEL:
        return _labels(array, slope, intercept, plain, name), ()
    out: NDArray[np.float32] = np.empty(array.shape, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for z in range(len(array)):  # slice by slice: float64 for one slice only
            out[z] = array[z] if plain else array[z].astype(np.float64) * slope + intercept
    if array.dtype.kind == "f" or not plain:
        return out, _filled(out, quantity, name)
    return out, ()


def _labels(array: NDArray[Any], slope: float, intercept: float, plain: bool, name: str) -> NDArray[Any]:
    values = array if plain else array.astype(np.float64) * slope + intercept
    if values.dtype.kind == "f" and (not np.isfinite(values).all() or (values != np.rint(values)).any()):
        raise PixelError(f"{name} holds labels that are not whole", "whole numbers", "resample it by nearest voxel")
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise PixelError(f"{name} holds labels {low} to {high}", "labels 0 to 65535", "renumber them")
    return np.ascontiguousarray(values.astype(np.uint8 if high < 256 else np.uint16))


def _filled(values: NDArray[np.float32], quantity: Quantity, name: str) -> tuple[Problem, ...]:
    """Fill missing voxels (NaN) that reach the border, in place; refuse any within the image."""
    finite = np.isfinite(values)
    missing = int(values.size - np.count_nonzero(finite))
    if not missing:
        return ()
    if not np.isnan(values[~finite]).all() or missing == values.size or _enclosed(~finite):
        raise PixelError(
            f"{name} holds {missing} voxels that are no number",
            "numbers everywhere but outside the field",
            "convert it again from the source",
        )
    values[~finite] = FILL[quantity]
    text = f"{name}: {missing} voxels outside the field hold no number; read as {FILL[quantity]:g} {quantity}"
    return (Problem("nifti-outside-field", text),)


def _enclosed(missing: NDArray[np.bool_]) -> bool:
    """Whether a missing part touches no face of the volume."""
    parts = cc3d.connected_components(missing, connectivity=26)
    border = np.unique(
        np.concatenate([part.ravel() for axis in range(3) for part in (parts.take(0, axis), parts.take(-1, axis))])
    )
    return bool(np.setdiff1d(np.unique(parts), np.append(border, 0)).size)


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as NIfTI-1 in RAS, at once or not at all; ``.nii.gz`` is compressed by isal.

    HU that are all whole are written as int16, labels as they are, everything else as float32.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_file(Path(path), nifti_bytes(volume, compress=path.name.endswith(".gz")))


def nifti_bytes(volume: Volume, *, compress: bool = True) -> bytes:
    """The bytes `write_nifti` writes."""
    xyz = _stored(volume).T
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.grid.affine[:, [2, 1, 0, 3]]
    image = nib.Nifti1Image(xyz, ras, dtype=xyz.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(ras, code=1)
    if _is_rigid(ras):
        image.set_qform(ras, code=1)
    buffer = io.BytesIO()
    image.to_stream(buffer)
    raw = buffer.getvalue()
    return cast("bytes", igzip.compress(raw, compresslevel=1)) if compress else raw


def _is_rigid(affine: NDArray[np.float64]) -> bool:
    """Whether a qform can hold it: a qform has no shear."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() < 1e-6)


def _stored(volume: Volume) -> NDArray[Any]:
    array = volume.array
    if volume.quantity is Quantity.LABEL:
        return array.astype(np.uint8) if array.dtype == bool else array
    values = array.astype(np.float32, copy=False)
    if volume.quantity is not Quantity.HU or not np.isfinite(values).all():
        return values
    whole = values.astype(np.int16) if values.min() >= -32768 and values.max() <= 32767 else None
    return whole if whole is not None and np.array_equal(whole, values) else values
