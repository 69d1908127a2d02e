"""The descending aorta on a CT without labels: the tube between left lung and vertebra.

Found only where the picture leaves no doubt: left of the spine, a disc of soft tissue 9 mm round a centre
that lies 9 to 17 mm from the left lung and 9 to 28 mm from vertebral bone, over at least 3 cm of the body.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.imaging import Grid, Volume
from petrg.measure.landmarks import Landmarks

__all__ = ["find_descending_aorta"]

_LEVELS_MM = (1245.0, 1325.0)
"""Heights in the standard body between diaphragm and arch."""
_SOFT_HU = (0.0, 160.0)
_LUNG_HU, _BONE_HU = -400.0, 160.0
_WINDOW_MM = (5.0, 50.0)
_TO_LUNG_MM, _TO_BONE_MM = (9.0, 17.0), (9.0, 28.0)
_RADIUS_MM = 9.0
_LEAST_RUN_MM = 30.0
_STEADY_MM = 5.0
_GAP_MM = 6.0


def find_descending_aorta(ct: Volume, suv_grid: Grid, marks: Landmarks) -> NDArray[np.bool_] | None:
    """A tube of 9 mm radius that lies inside the descending aorta, on the PET grid; None where in doubt.

    Parameters
    ----------
    ct : Volume
    suv_grid : Grid
        Of the PET.
    marks : Landmarks
        Without the lungs among them there is no search.
    """
    if marks.lungs is None or not suv_grid.is_axial or not ct.grid.is_axial:
        return None
    centres: dict[int, NDArray[np.float64]] = {}
    for z in range(suv_grid.shape[0]):
        z_mm = float(suv_grid.to_mm([z, 0, 0])[2])
        height, error = marks.height(z_mm)
        if _LEVELS_MM[0] <= height <= _LEVELS_MM[1] and error < 40.0:
            centre = _centre(ct, z_mm, float(marks.midline_x[z]), marks.front_y[z], marks.back_y[z])
            if centre is not None:
                centres[z] = centre
    found = _longest_run(centres, max(1, int(_GAP_MM / suv_grid.spacing_mm[0])))
    if not found or (found[-1] - found[0] + 1) * suv_grid.spacing_mm[0] < _LEAST_RUN_MM:
        return None
    run = np.arange(found[0], found[-1] + 1)
    x, y = (np.interp(run, found, [centres[z][k] for z in found]) for k in (0, 1))
    out = np.zeros(suv_grid.shape, bool)
    ny, nx = suv_grid.shape[1:]
    for z, at in zip(run.tolist(), np.stack([x, y], 1), strict=True):
        mm = suv_grid.to_mm(np.stack(np.meshgrid([z], np.arange(ny), np.arange(nx), indexing="ij"), -1))[0]
        out[z] = np.hypot(*(mm[..., :2] - at).transpose(2, 0, 1)) <= _RADIUS_MM + suv_grid.spacing_mm[2]
    return out


def _centre(ct: Volume, z_mm: float, midline: float, front: float, back: float) -> NDArray[np.float64] | None:
    """(x, y) mm of the aorta's middle in one slice."""
    (oz, oy, ox), (_, dy, dx) = ct.grid.to_index([midline, (front + back) / 2, z_mm]), ct.grid.spacing_mm
    z = round(float(oz))
    if not 0 <= z < ct.grid.shape[0]:
        return None
    step = max(1, int(2.0 / dx))
    y0, y1 = (int(np.clip(oy + sign * 75.0 / dy, 0, ct.grid.shape[1])) for sign in (-0.6, 1.0))
    x0, x1 = (int(np.clip(ox + sign * 90.0 / dx, 0, ct.grid.shape[2])) for sign in (-0.5, 1.0))
    plane = ndimage.uniform_filter(ct.array[z, y0:y1, x0:x1].astype(np.float32), 3)[::step, ::step]
    if min(plane.shape) < 8:
        return None
    spacing = (dy * step, dx * step)
    lung, bone = plane < _LUNG_HU, _large(plane > _BONE_HU, spacing)
    if not lung.any() or not bone.any():
        return None
    soft = (plane > _SOFT_HU[0]) & (plane < _SOFT_HU[1])
    room = ndimage.distance_transform_edt(np.pad(soft, 1), sampling=spacing)[1:-1, 1:-1]
    to_lung = ndimage.distance_transform_edt(~lung, sampling=spacing)
    to_bone = ndimage.distance_transform_edt(~bone, sampling=spacing)
    y, x = np.indices(plane.shape)
    mm = ct.grid.to_mm(np.stack([np.full_like(y, z), y * step + y0, x * step + x0], -1))
    left = mm[..., 0] - midline
    spine_front = mm[..., 1][bone].min() if bone.any() else np.inf
    fits = (
        (room >= _RADIUS_MM)
        & _between(to_lung, _TO_LUNG_MM)
        & _between(to_bone, _TO_BONE_MM)
        & _between(left, _WINDOW_MM)
        & (mm[..., 1] > spine_front - 12.0)
    )
    return mm[fits][:, :2].mean(0) if fits.any() else None


def _large(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """The largest piece, the vertebra; ribs and calcified plaques are small."""
    label, count = ndimage.label(mask)
    if count == 0:
        return mask
    size = np.bincount(label.ravel())
    size[0] = 0
    return np.asarray((label == size.argmax()) & (size.max() * spacing[0] * spacing[1] > 300.0))


def _between(values: NDArray[np.float64], ends: tuple[float, float]) -> NDArray[np.bool_]:
    return (values >= ends[0]) & (values <= ends[1])


def _longest_run(centres: dict[int, NDArray[np.float64]], gap: int) -> list[int]:
    """The longest row of slices at most ``gap`` apart whose centres move steadily."""
    best: list[int] = []
    run: list[int] = []
    for z in sorted(centres):
        near = bool(run) and z - run[-1] <= gap + 1
        steady = near and float(np.linalg.norm(centres[z] - centres[run[-1]])) <= _STEADY_MM
        run = [*run, z] if steady else [z]
        if len(run) > len(best):
            best = run
    return best
