"""What petrg-1 is shown: one grid in mm, one SUV curve for everyone, air left out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from petrg.errors import StudyError
from petrg.imaging import Grid, Study, Volume
from petrg.imaging.resample import resample
from petrg.model.recipe import MmInput

__all__ = ["MmVolumes", "body_mask", "body_patches", "mm_grid", "mm_volumes", "suv_curve", "suv_of", "windows"]

Array = NDArray[np.float32]
_PET_BODY_SUV = 0.1  # without CT the body is where the PET is above this


class MmVolumes(NamedTuple):
    """A study on its grid, axes (z, y, x) of LPS+, each side whole patches.

    ``ct`` (windows, z, y, x) and ``pet`` (1, z, y, x) are None where the study or the wish has none; ``wanted``
    (patches) bool marks those that hold some of the body, the last axis fastest.
    """

    ct: Array | None
    pet: Array | None
    wanted: NDArray[np.bool_]
    grid: Grid


def suv_curve(suv: Array, recipe: MmInput) -> Array:
    """SUV -> 0 at 0, 1.0 at the ceiling, never clipped above; negative counts as 0.

    >>> recipe = MmInput(spacing_mm=(4, 4, 4), windows_hu=((-1000, 1000),))
    >>> [round(float(v), 3) for v in suv_curve(np.array([0, 1, 30, 60], np.float32), recipe)]
    [0.0, 0.202, 1.0, 1.197]
    """
    scale = np.float32(1.0 / np.log1p(recipe.suv_ceiling / recipe.suv_knee))
    return np.asarray(np.log1p(np.maximum(suv, 0) / np.float32(recipe.suv_knee)) * scale, np.float32)


def suv_of(value: Array, recipe: MmInput) -> Array:
    """The SUV that `suv_curve` shows as ``value``."""
    return np.asarray(np.expm1(value * np.log1p(recipe.suv_ceiling / recipe.suv_knee)) * recipe.suv_knee, np.float32)


def windows(hu: Array, recipe: MmInput) -> Array:
    """HU (z, y, x) -> (windows, z, y, x), -1 at a window's low end and 1 at its high one, clipped."""
    out = [np.clip((hu - (low + high) / 2) * (2 / (high - low)), -1, 1) for low, high in recipe.windows_hu]
    return np.stack(out).astype(np.float32)


def mm_grid(volume: Volume, spacing_mm: tuple[float, float, float], patch: tuple[int, int, int]) -> Grid:
    """A grid of whole patches over ``volume``: from the scan's top down, as many to both sides of its middle.

    So a longer scan adds patches at the feet and a wider field on both sides; none is stretched or moved.
    """
    ends = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * (np.array(volume.grid.shape) - 1)
    corners = volume.grid.to_mm(ends)
    low, high = corners.min(axis=0)[::-1], corners.max(axis=0)[::-1]  # z, y, x
    step = np.array(spacing_mm)
    count = np.ceil((high - low) / step - 1e-6).astype(int) + 1
    shape = count + (-count % (np.array(patch) * (1, 2, 2)))
    origin = (low + high - (shape - 1) * step) / 2
    origin[0] = high[0] - (shape[0] - 1) * step[0]
    z, y, x = (int(n) for n in shape)
    return Grid.from_spacing((z, y, x), spacing_mm, (float(origin[2]), float(origin[1]), float(origin[0])))


def mm_volumes(
    study: Study, recipe: MmInput, patch: tuple[int, int, int], *, use: tuple[str, ...] = ("ct", "pet")
) -> MmVolumes:
    """Bring the modalities named in ``use`` onto one grid.

    Beyond the scan the CT is air and the PET 0.

    Raises
    ------
    StudyError
        If the study lacks a modality asked for.
    UnitError
        If the PET is not in SUVbw.
    """
    if ("ct" in use and study.ct is None) or ("pet" in use and study.pet is None):
        raise StudyError("a modality is missing", f"{' and '.join(use).upper()}", "give a study that has it")
    field = study.pet if study.pet is not None else study.ct
    assert field is not None  # a study holds at least one
    grid = mm_grid(field, recipe.spacing_mm, patch)
    hu = None if "ct" not in use or study.ct is None else resample(study.ct, grid, fill=-1000.0).array
    suv = None if "pet" not in use else resample(study.suv(), grid).array
    solid = hu > recipe.air_hu if hu is not None else np.asarray(suv) > _PET_BODY_SUV
    body = body_mask(solid, recipe.couch_mm, recipe.spacing_mm)
    return MmVolumes(
        None if hu is None else windows(hu, recipe),
        None if suv is None else suv_curve(suv, recipe)[None],
        body_patches(body, patch, recipe.margin_mm, recipe.spacing_mm),
        grid,
    )


def body_mask(solid: NDArray[np.bool_], couch_mm: float, spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """``solid`` without its thin pieces, and the holes of each axial slice (lungs, bowel gas) filled.

    A piece of a slice that is nowhere as thick as ``couch_mm`` is couch, tube or sheet. It is dropped before holes are
    filled, since a couch is a hollow shell; voxels wider than half of ``couch_mm`` drop nothing.

    >>> plane = np.zeros((1, 12, 9), bool)
    >>> plane[0, :6, 1:8], plane[0, 3, 4], plane[0, 9, :] = True, False, True  # a body with a lung, a couch
    >>> body_mask(plane, 10.0, (4.0, 4.0, 4.0)).sum(axis=(0, 2)).tolist()
    [7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0]
    """
    from scipy.ndimage import binary_fill_holes, label, minimum_filter

    size = [1, *(2 * int(couch_mm / 2 / step) + 1 for step in spacing_mm[1:])]
    if max(size) > 1:
        in_plane = np.zeros((3, 3, 3), bool)
        in_plane[1] = True
        pieces, count = label(solid, in_plane)
        thick = np.zeros(count + 1, bool)
        thick[pieces[minimum_filter(solid, size=size)]] = True
        thick[0] = False
        solid = thick[pieces]
    return np.stack([binary_fill_holes(plane) for plane in solid])


def body_patches(
    body: NDArray[np.bool_], patch: tuple[int, int, int], margin_mm: float, spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Which patches (flat, the last axis fastest) come within ``margin_mm`` (along each axis) of the body.

    >>> body = np.zeros((2, 2, 6), bool)
    >>> body[0, 0, 1] = True
    >>> body_patches(body, (2, 2, 2), 0.0, (4, 4, 4)).tolist(), body_patches(body, (2, 2, 2), 4.0, (4, 4, 4)).tolist()
    ([True, False, False], [True, True, False])
    """
    from scipy.ndimage import maximum_filter

    reach = [2 * int(np.ceil(margin_mm / step)) + 1 for step in spacing_mm]
    near: Any = body if max(reach) == 1 else maximum_filter(body, size=reach)
    (n0, p0), (n1, p1), (n2, p2) = ((size // p, p) for size, p in zip(body.shape, patch, strict=True))
    return np.asarray(near.reshape(n0, p0, n1, p1, n2, p2).any(axis=(1, 3, 5)).ravel(), bool)
