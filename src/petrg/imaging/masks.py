"""Lesion masks and label maps from outside, on the grid they are needed on, or refused.

A mask is taken only where its place is certain: an RTSTRUCT or SEG of the PET's frame of
reference, or a NIfTI mask on the PET's grid (or a crop of it) or on the CT's.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pydicom

from petrg.errors import MaskError
from petrg.imaging.dicom.values import BROKEN
from petrg.imaging.mask_files import rtstruct, seg
from petrg.imaging.mask_files.label_map import LabelMap, read_label_map
from petrg.imaging.mask_files.mask import Mask
from petrg.imaging.mask_files.onto import onto
from petrg.imaging.nifti_file import is_nifti, read_nifti
from petrg.imaging.quantity import Quantity
from petrg.imaging.study import Study

__all__ = ["LabelMap", "Mask", "read_label_map", "read_masks"]

_MOST_LESIONS = 2000
_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


def read_masks(path: Path, reference: Study) -> list[Mask]:
    """Read lesion masks onto the PET grid of ``reference``.

    Parameters
    ----------
    path : Path
        An RTSTRUCT, a DICOM SEG (binary, fractional or label map), a NIfTI mask (0 and 1: one mask,
        else one per label), or a folder of these.
    reference : Study

    Returns
    -------
    list of Mask
        In the order of the file; a mask may be empty where an ROI holds no voxel centre.

    Raises
    ------
    MaskError
        If the study has no PET, the file is no mask, or its place on the PET is not certain.
    """
    if reference.pet is None:
        raise MaskError("a study without PET", "a PET to lay the masks on", "give the study that holds the PET")
    masks = [mask for file in _files(Path(path)) for mask in _read(file, reference)]
    if not any(mask.array.any() for mask in masks):
        raise MaskError(
            "masks that hold no voxel of the PET", "at least one voxel", "check that they are of this study"
        )
    return masks


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        if files:
            return files
    if path.is_file():
        return [path]
    raise MaskError("no mask file at the path given", "RTSTRUCT, DICOM SEG or NIfTI", "check --lesions")


def _read(path: Path, reference: Study) -> list[Mask]:
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise MaskError(
            f"a mask that cannot be read ({type(error).__name__})", "a readable file", "check it"
        ) from error
    if is_nifti(path):
        return _nifti(path, reference, sha256)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on values out of the standard
        try:
            return _dicom(pydicom.dcmread(path), reference, sha256)
        except pydicom.errors.InvalidDicomError as error:
            raise MaskError(
                "a file that is neither DICOM nor NIfTI", "RTSTRUCT, DICOM SEG or NIfTI", "check it"
            ) from error
        except BROKEN as error:
            raise MaskError(
                f"a damaged mask file ({type(error).__name__})", "a whole one", "export it again"
            ) from error


def _dicom(ds: pydicom.Dataset, reference: Study, sha256: str) -> list[Mask]:
    kind = str(ds.get("SOPClassUID", ""))
    if kind == _RTSTRUCT:
        return rtstruct.masks(ds, reference, sha256)
    if kind in _SEGMENTATIONS:
        return seg.masks(ds, reference, sha256)
    raise MaskError("a DICOM file that is no mask", "RTSTRUCT or SEG", "check --lesions")


def _nifti(path: Path, reference: Study, sha256: str) -> list[Mask]:
    volume = read_nifti(path, Quantity.LABEL)
    labels = [int(label) for label in np.unique(volume.array) if label]
    if len(labels) > _MOST_LESIONS:
        raise MaskError(f"{len(labels)} labels in one mask", f"at most {_MOST_LESIONS}", "give a lesion mask")
    array, note = onto(volume, reference, "the NIfTI mask")
    if labels == [1]:
        return [Mask("mask", array > 0, sha256, "nifti", note)]
    return [Mask(f"label {label}", array == label, sha256, "nifti", note) for label in labels]
