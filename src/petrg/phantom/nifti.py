"""Write a phantom as a research pair, and its truth beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from petrg.files import output_directory
from petrg.imaging.nifti_file import write_nifti as write_volume
from petrg.imaging.volume import Volume
from petrg.phantom.build import Phantom
from petrg.phantom.spec import GENERATOR

__all__ = ["sha256", "write_nifti", "write_truth"]


def sha256(volume: Volume) -> str:
    """Hash of the voxels as float32, little-endian, ``[z, y, x]``."""
    return hashlib.sha256(np.ascontiguousarray(volume.array, "<f4").tobytes()).hexdigest()


def write_nifti(phantom: Phantom, directory: Path) -> Path:
    """Write CT (``_0000``, HU) and PET (``_0001``, SUV), ``phantom.json``, and the truth in ``truth/``.

    Raises
    ------
    OutputError
        If the folder cannot be written; nothing is left behind.
    """
    directory = Path(directory)
    with output_directory(directory) as aside:
        write_volume(phantom.ct, aside / f"{phantom.id}_0000.nii.gz")
        write_volume(phantom.pet, aside / f"{phantom.id}_0001.nii.gz")
        facts = {
            "generator": GENERATOR,
            "seed": phantom.spec.seed,
            "sha256": {"ct": sha256(phantom.ct), "pet": sha256(phantom.pet)},
        }
        (aside / "phantom.json").write_text(json.dumps(facts, indent=1) + "\n")
        write_truth(phantom, aside / "truth")
    return directory


def write_truth(phantom: Phantom, directory: Path) -> None:
    """Write ``truth.json``, the label map and its names into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "truth.json").write_text(phantom.truth.to_json(), encoding="utf-8")
    write_volume(phantom.label_map, directory / f"{phantom.id}_labels.nii.gz")
    names = {str(code): name for code, name in phantom.label_names.items()}
    (directory / f"{phantom.id}_labels.json").write_text(json.dumps(names, indent=1) + "\n")
