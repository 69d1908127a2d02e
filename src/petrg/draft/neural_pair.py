"""A study as the pair of NIfTI files that the released recipe takes as stored, for training on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from petrg.draft.neural_body import find_body
from petrg.files import output_directory
from petrg.imaging import Grid, Study, Volume
from petrg.imaging.nifti_file import write_nifti
from petrg.model.prepare import prepared_pair
from petrg.progress import Progress, silent, track

__all__ = ["write_pair"]


def write_pair(study: Study, directory: Path, *, progress: Progress = silent) -> list[Path]:
    """Write ``images/<id>_0000.nii.gz`` (CT, HU) and ``images/<id>_0001.nii.gz`` (PET, SUV), prepared and in RAS.

    They hold the very values that a draft of the study is made from (`petrg.model.prepare.prepared`).

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    StudyError, UnitError
        As `petrg.model.prepare.prepared_pair`.
    OutputError
        If a file cannot be written; nothing is left behind then.
    """
    pair = prepared_pair(study, find_body(study))
    names = [f"images/{study.id}_{ending}.nii.gz" for ending in ("0000", "0001")]
    with output_directory(Path(directory)) as aside:
        for name, volume in track(list(zip(names, pair, strict=True)), "writing NIfTI", progress):
            write_nifti(_ras(volume), aside / name)
    return [Path(directory) / name for name in names]


def _ras(volume: Volume) -> Volume:
    """The same voxels in the same places, x running to the right and y to the front."""
    turn = np.diag([1.0, -1.0, -1.0, 1.0])
    turn[1:3, 3] = np.array(volume.grid.shape[1:]) - 1
    array = np.ascontiguousarray(volume.array[:, ::-1, ::-1])
    return Volume(array, Grid(volume.grid.shape, volume.grid.affine @ turn), volume.quantity)
