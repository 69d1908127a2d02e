"""Write a phantom as a research pair, and its truth beside it."""

from __future__ import annotations

import json
from pathlib import Path

from petrg.files import output_directory
from petrg.imaging.nifti_file import write_nifti as write_volume
from petrg.phantom.build import Phantom
from petrg.phantom.spec import GENERATOR

__all__ = ["write_nifti", "write_truth"]


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
            "sha256": {"ct": phantom.ct.sha256(), "pet": phantom.pet.sha256()},
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
