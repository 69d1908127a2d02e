"""A label map of organs and the names that must come with it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from petrg.errors import MaskError
from petrg.imaging.nifti_file import is_nifti, load_nifti
from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume

__all__ = ["LabelMap", "read_label_map"]

_WAY_OUT = "give its names as JSON, {label: name}"
_LABEL = re.compile(r'<Label\b[^>]*\bKey="(\d+)"[^>]*>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))\s*</Label>', re.S)


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Organs by label, on the grid of the file.

    Parameters
    ----------
    volume : Volume of labels
    names : mapping of int to str
        Name of every label that occurs, as TotalSegmentator writes them.
    """

    volume: Volume
    names: Mapping[int, str]


def read_label_map(path: Path, names: Path | Mapping[int, str] | None = None) -> LabelMap:
    """Read a NIfTI label map with its names.

    Parameters
    ----------
    path : Path
    names : Path or mapping, optional
        A JSON object {label: name} or {name: label}, or the mapping itself. Else the names that
        TotalSegmentator embeds in the file (an XML extension), else the JSON of the same name beside it.

    Raises
    ------
    MaskError
        If the names are missing, damaged, or lack a label that occurs.
    """
    path = Path(path)
    if not path.is_file() or not is_nifti(path):
        raise MaskError("no NIfTI label map at the path given", "a .nii or .nii.gz file", "check --anatomy")
    loaded = load_nifti(path, Quantity.LABEL)
    known = _names(path, names, loaded.extensions)
    present = [int(label) for label in np.unique(loaded.volume.array) if label]
    nameless = [label for label in present if label not in known]
    if nameless:
        shown = ", ".join(map(str, nameless[:5]))
        raise MaskError(
            f"{len(nameless)} of {len(present)} labels without a name ({shown})", "a name for every label", _WAY_OUT
        )
    return LabelMap(loaded.volume, {label: known[label] for label in present})


def _names(path: Path, names: Path | Mapping[int, str] | None, extensions: bytes) -> Mapping[int, str]:
    if isinstance(names, Mapping):
        return {int(label): str(name) for label, name in names.items()}
    if names is not None:
        return _from_json(Path(names))
    embedded = {
        int(label): html.unescape(data or text).strip()
        for label, data, text in _LABEL.findall(extensions.decode("utf-8", "replace"))
    }
    if embedded:
        return embedded
    beside = path.with_name(re.sub(r"\.nii(\.gz)?$", ".json", path.name, flags=re.I))
    return _from_json(beside) if beside.is_file() else {}


def _from_json(path: Path) -> Mapping[int, str]:
    """Either way round: {label: name} or {name: label}."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise TypeError("no object")
        by_label = all(str(key).isdigit() for key in data)
        return {int(key): str(value) for key, value in (data if by_label else {v: k for k, v in data.items()}).items()}
    except (OSError, ValueError, TypeError) as error:
        raise MaskError("the names of the label map cannot be read", "a JSON object {label: name}", _WAY_OUT) from error
