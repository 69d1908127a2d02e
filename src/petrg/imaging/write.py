"""A study as NIfTI in the layouts research uses; nothing is resampled but where a layout asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from petrg.errors import OutputError, StudyError
from petrg.files import output_directory
from petrg.imaging.nifti_file import write_nifti
from petrg.imaging.quantity import Quantity
from petrg.imaging.resample import resample
from petrg.imaging.study import Study
from petrg.imaging.volume import Volume
from petrg.progress import Progress, silent, track

__all__ = ["Layout", "convert", "volumes_of"]

Layout = Literal["nnunet", "autopet", "petrg"]


def convert(study: Study, directory: Path, layout: Layout = "nnunet", *, progress: Progress = silent) -> list[Path]:
    """Write a study; names hold its id and no identity.

    Parameters
    ----------
    study : Study
    directory : Path
    layout : "nnunet", "autopet" or "petrg"
        ``<id>_0000`` and ``<id>_0001``; or ``<id>/study/{CT,CTres,PET,SUV}``, where PET is in
        Bq/ml and left out where the series was not SUV by a factor on activity, and SUV left out
        where it was read as activity; or as nnU-Net under ``images``.

    Returns
    -------
    list of Path
        The files written. The grid of each is the native one within rounding of float32, CTres
        alone is resampled.

    Raises
    ------
    StudyError
        If the layout cannot hold the study: nnU-Net's and PETRG's PET must be SUV.
    OutputError
        If a file cannot be written; nothing is left behind then.
    """
    if layout not in ("nnunet", "autopet", "petrg"):
        raise OutputError("an unknown layout", "nnunet, autopet or petrg", "correct --layout")
    volumes = list(volumes_of(study, layout))
    directory = Path(directory)
    with output_directory(directory) as aside:
        for name, volume in track(volumes, "writing NIfTI", progress):
            write_nifti(volume, aside / name)
    return [directory / name for name, _ in volumes]


def volumes_of(study: Study, layout: Layout) -> Iterator[tuple[str, Volume]]:
    """File names of a layout, relative, with what goes into each."""
    if layout == "autopet":
        home = f"{study.id}/study"
        if study.ct is not None:
            yield f"{home}/CT.nii.gz", study.ct
        if study.ct is not None and study.pet is not None:
            yield f"{home}/CTres.nii.gz", resample(study.ct, study.pet.grid)
        for name, pet in (("PET", _activity(study)), ("SUV", study.pet)):
            if pet is not None and (name == "PET" or pet.quantity is Quantity.SUV_BW):
                yield f"{home}/{name}.nii.gz", pet
        return
    if study.pet is not None and study.pet.quantity is not Quantity.SUV_BW:
        raise StudyError(
            f"a PET in {study.pet.quantity}",
            "SUV for _0001",
            "read it without --quantity activity, or --layout autopet",
        )
    home = "images/" if layout == "petrg" else ""
    for ending, volume in (("0000", study.ct), ("0001", study.pet)):
        if volume is not None:
            yield f"{home}{study.id}_{ending}.nii.gz", volume


def _activity(study: Study) -> Volume | None:
    """The PET in Bq/ml: as read, or SUV by its own factor; None where there is none."""
    if study.pet is None or study.pet.quantity is Quantity.ACTIVITY:
        return study.pet
    suv = study.pet_series.suv if study.pet_series else None
    if suv is None or not suv.factor_g_per_bq:
        return None
    return Volume(study.pet.array / np.float32(suv.factor_g_per_bq), study.pet.grid, Quantity.ACTIVITY)
