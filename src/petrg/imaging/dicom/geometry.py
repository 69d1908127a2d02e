"""From image positions to one regular grid; names, instance numbers and SliceThickness are never asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.errors import GeometryError
from petrg.imaging.grid import VOXEL_MM, Grid

__all__ = ["MAX_TILT_DEG", "Lattice", "lattice"]

MAX_TILT_DEG = 0.5
"""Above it a stack is sheared (gantry tilt) and is refused: what follows measures on right angles."""
SAME_PLACE_MM = 0.05
_DO_GEOMETRY = "export the series again, or choose another with --ct-series or --pet-series"


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Slices in order and the grid they make.

    Parameters
    ----------
    order : indices of the given images, by rising z index
    grid : Grid
        The affine runs from the first to the last position; z index rises toward the head where the stack is axial.
    positions_mm : (n, 3), in that order, as in the headers
    uneven_mm : the largest distance of a header position from its place on the grid
    """

    order: tuple[int, ...]
    grid: Grid
    positions_mm: NDArray[np.float64]
    uneven_mm: float


def lattice(
    positions: Sequence[Sequence[float] | None],
    orientations: Sequence[Sequence[float] | None],
    spacing: Sequence[float] | None,
    rows: int,
    columns: int,
    what: str = "series",
) -> Lattice:
    """Order images by their position along the normal and lay the grid through them.

    Parameters
    ----------
    positions : n x (x, y, z), mm, LPS+ (0020,0032)
    orientations : n x 6 (0020,0037), one direction for all
    spacing : row spacing and column spacing, mm (0028,0030)
    what : how messages name the stack

    Raises
    ------
    GeometryError
        If a position is missing, two images share a position, a gap differs from the median by more than
        0.1 mm and more than 3 %, slices shift sideways, the stack is tilted by more than `MAX_TILT_DEG`, or a
        voxel's side is outside `VOXEL_MM`.

    Examples
    --------
    >>> found = lattice([(0, 0, z) for z in (6, 0, 3)], [(1, 0, 0, 0, 1, 0)] * 3, (2, 2), 4, 5)
    >>> found.order, found.grid
    ((1, 2, 0), Grid(3x4x5, 3.00x2.00x2.00 mm))
    """
    if len(positions) < 2:
        raise GeometryError(
            f"{what} of one image", "two images or more, the grid comes from their positions", _DO_GEOMETRY
        )
    if any(p is None for p in positions) or any(o is None for o in orientations) or spacing is None:
        raise GeometryError(
            f"{what} with an image that lacks its position, orientation or pixel spacing",
            "Image Position, Image Orientation and Pixel Spacing in every image",
            _DO_GEOMETRY,
        )
    row, column, normal = _directions(np.array(orientations, np.float64), what)
    if min(spacing) <= 0:
        raise GeometryError(f"{what} with pixel spacing {min(spacing):g} mm", "a spacing above 0 mm", _DO_GEOMETRY)
    places = np.array(positions, np.float64)
    along = places @ normal
    order = np.argsort(along, kind="stable")
    places, along = places[order], along[order]
    _check_gaps(along, what)
    step = (places[-1] - places[0]) / (len(places) - 1)
    _check_tilt(step, normal, what)
    residual = places - (places[0] + np.arange(len(places))[:, None] * step)
    sideways = np.abs(residual - np.outer(residual @ normal, normal)).max()
    if sideways > max(0.1, 0.1 * min(spacing)):
        raise GeometryError(
            f"{what} whose slices shift sideways by {sideways:.2f} mm",
            "slices stacked in a straight line",
            _DO_GEOMETRY,
        )
    sides = (float(np.linalg.norm(step)), *spacing)
    low, high = min(sides), max(sides)
    if not (VOXEL_MM[0] <= low and high <= VOXEL_MM[1]):
        raise GeometryError(
            f"{what} with voxels of {low:.3g} to {high:.3g} mm", f"{VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm", _DO_GEOMETRY
        )
    affine = np.eye(4)
    affine[:3, :3] = np.stack([step, column * spacing[0], row * spacing[1]], axis=1)
    affine[:3, 3] = places[0]
    grid = Grid((len(places), rows, columns), affine)
    return Lattice(tuple(map(int, order)), grid, places, float(np.linalg.norm(residual, axis=1).max()))


def _directions(orientations: NDArray[np.float64], what: str) -> tuple[NDArray[np.float64], ...]:
    """Unit vectors along a row, along a column, and the normal that points to the head (else to +x, +y)."""
    row, column = orientations[0, :3], orientations[0, 3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > 1e-2 or abs(row @ column) > 1e-2:
        raise GeometryError(
            f"{what} whose image axes are not at right angles", "two perpendicular unit vectors", _DO_GEOMETRY
        )
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise GeometryError(f"{what} whose images point in different directions", "one orientation", _DO_GEOMETRY)
    row, column = row / lengths[0], column / lengths[1]
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return row, column, normal * np.sign(normal[np.argmax(np.abs(normal))])


def _check_gaps(along: NDArray[np.float64], what: str) -> None:
    gaps = np.diff(along)
    same = np.flatnonzero(gaps <= SAME_PLACE_MM)
    if same.size:
        raise GeometryError(
            f"{what} with two images at one position, at {_places(along[same])} mm",
            "one image at each position",
            _DO_GEOMETRY,
        )
    median = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    odd = np.flatnonzero(np.abs(gaps - median) > max(0.1, 0.03 * median))
    if odd.size:
        between = ", ".join(f"{along[i]:.2f} and {along[i + 1]:.2f} mm" for i in odd[:3])
        more = f" and {odd.size - 3} more" if odd.size > 3 else ""
        kind = "a hole" if gaps[odd[0]] > median else "an odd gap"
        raise GeometryError(
            f"{what} with {kind} between {between}{more}",
            f"gaps of {median:.2f} mm within {max(0.1, 0.03 * median):.2f} mm",
            _DO_GEOMETRY,
        )


def _check_tilt(step: NDArray[np.float64], normal: NDArray[np.float64], what: str) -> None:
    cosine = float(np.clip(abs(step @ normal) / np.linalg.norm(step), 0, 1))
    tilt = float(np.degrees(np.arccos(cosine)))
    if tilt > MAX_TILT_DEG:
        raise GeometryError(
            f"{what} with a gantry tilt of {tilt:.1f} degrees",
            f"slices stacked at right angles, within {MAX_TILT_DEG:g} degrees",
            "choose another with --ct-series, or export an untilted reconstruction",
        )


def _places(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{v:.2f}" for v in values[:3]) + (f" and {len(values) - 3} more" if len(values) > 3 else "")
