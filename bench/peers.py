"""What petrg is measured against: bare SimpleITK, and MONAI with ITK, on the same files and the same grid."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom

if TYPE_CHECKING:
    from petrg import Grid, Study

__all__ = ["monai_work", "series_folders", "sitk_read", "sitk_read_unsorted", "sitk_resample", "why_no_monai"]


def series_folders(study: Study, folder: Path, home: Path) -> tuple[Path, Path]:
    """Folders that hold nothing but the CT and nothing but the PET that petrg chose (hard links)."""
    of = {study.ct_series.uid: home / "ct", study.pet_series.uid: home / "pet"}  # type: ignore[union-attr]
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            uid = pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"]).get("SeriesInstanceUID")
        except pydicom.errors.InvalidDicomError:
            continue
        if uid in of:
            of[uid].mkdir(parents=True, exist_ok=True)
            os.link(path, of[uid] / f"{len(os.listdir(of[uid])):05d}.dcm")
    return home / "ct", home / "pet"


def sitk_read(folders: tuple[Path, Path]) -> Callable[[], list[Any]]:
    """Read two series by `ImageSeriesReader`; the sorted file names are known before the clock starts."""
    import SimpleITK as sitk

    names = [sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)) for folder in folders]

    def work() -> list[Any]:
        return [sitk.ReadImage(n) for n in names]

    return work


def sitk_read_unsorted(folders: tuple[Path, Path]) -> Callable[[], list[Any]]:
    """The same, with GDCM finding and sorting the names on the clock."""

    def work() -> list[Any]:
        return sitk_read(folders)()

    return work


def sitk_resample(study: Study, grid: Grid) -> Callable[[], list[Any]]:
    """Bare linear resampling of both volumes, already SimpleITK images, to ``grid``."""
    import SimpleITK as sitk

    images = [_image(volume.array, volume.grid) for volume in (study.ct, study.pet) if volume is not None]
    z, y, x = grid.shape
    directions = grid.directions[:, ::-1]  # columns x, y, z
    spacing = grid.spacing_mm[::-1]

    def work() -> list[Any]:
        return [
            sitk.Resample(
                image, (x, y, z), sitk.Transform(), sitk.sitkLinear, grid.origin_mm, spacing,
                directions.ravel().tolist(), fill, sitk.sitkFloat32,
            )
            for image, fill in zip(images, (-1024.0, 0.0), strict=True)
        ]  # fmt: skip

    return work


def _image(array: Any, grid: Grid) -> Any:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(array, np.float32))
    image.SetOrigin(grid.origin_mm)
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetDirection(grid.directions[:, ::-1].ravel().tolist())
    return image


def why_no_monai() -> str | None:
    """Why the MONAI row is left out, or None where it can run."""
    try:
        import itk  # noqa: F401
        import monai.transforms  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed (make bench installs it)"
    return None


def monai_work(folders: tuple[Path, Path], spacing_mm: float) -> Callable[[], Any]:
    """LoadImage with ITKReader, Orientation, Spacing, and ResampleToMatch for the CT, in float32."""
    from monai.transforms import EnsureChannelFirst, LoadImage, Orientation, ResampleToMatch, Spacing

    load = LoadImage(reader="ITKReader", image_only=True, dtype=np.float32)
    first, orient = EnsureChannelFirst(), Orientation(axcodes="LPS")
    space, match = Spacing(pixdim=(spacing_mm,) * 3, dtype=np.float32), ResampleToMatch(dtype=np.float32)

    def work() -> Any:
        ct, pet = (orient(first(load(str(folder)))) for folder in folders)
        pet = space(pet)  # the grid of the PET, as petrg's common grid: both sides make the same voxels
        return match(ct, pet), pet

    return work
