"""A training set on disk in the PETRG layout.

images/<id>_0000.nii.gz   CT in HU
images/<id>_0001.nii.gz   PET in SUV
masks/<id>.nii.gz         lesions, numbered from 1 (optional)
reports/<id>.json         {"检查所见": …} or {"text": …}; or reports/<id>.txt; or one reports.csv
template.json             {hospital: {sex: healthy report}}
manifest.csv              id, patient, split, sex, hospital
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.affines import apply_affine
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from petrg.anatomy.parts import body_part
from petrg.errors import InputError, ModelError
from petrg.evaluate.cases.case import Case
from petrg.evaluate.cases.meta import find_column, parse_sex
from petrg.evaluate.cases.tables import read_rows
from petrg.evaluate.cases.template import Template, read_template
from petrg.evaluate.labels.extract import extract
from petrg.imaging import Grid, Quantity, Study
from petrg.imaging.masks import read_label_map
from petrg.imaging.nifti import expect_overlap
from petrg.imaging.nifti_file import read_nifti
from petrg.imaging.resample import resample
from petrg.model.recipe import Recipe, StoredInput
from petrg.report import Structure, Uptake
from petrg.train.as_slots import as_slots
from petrg.train.cases import REGIONS, Classes, Raw, Split, Targets, TrainCase
from petrg.train.config import Directory

__all__ = ["DirectorySource", "directory_cases"]

_COLUMNS = ("id", "patient", "split", "sex", "hospital")
_SPLITS: Mapping[str, Split] = {"train": "train", "validation": "validation", "test": "test"}
_TEXT_KEYS = ("检查所见", "findings", "text")
_TEXT_COLUMNS = ("report", "gt_report", "findings", "reference", "text", "检查所见")
_CHUNK = 1 << 22
_APART_MM = 1.0  # corners of a pair that is said to lie on one grid
_MOST_LESIONS = 2000
_LONGEST_ID = 200  # bytes; a file's name has 255


@dataclass(frozen=True)
class DirectorySource:
    """The two files of a case, its mask and its label map where there are such; ``row`` is said of what is wrong."""

    ct: Path
    pet: Path
    mask: Path | None = None
    labels: Path | None = None
    row: str = "a study"

    def read(self, *, stored: bool) -> Raw:
        """Read the files.

        Raises
        ------
        ModelError
            With the row, if a file cannot be read, holds no numbers, or CT and PET lie apart.
        """
        try:
            return self._stored() if stored else self._in_mm()
        except InputError as error:
            raise ModelError(f"{self.row}: {error.found}", error.expected, error.do) from error

    def _stored(self) -> Raw:
        return Raw(stored=(_voxels(self.ct, "the CT"), _voxels(self.pet, "the PET")))

    def _in_mm(self) -> Raw:
        ct, pet = read_nifti(self.ct, Quantity.HU), read_nifti(self.pet, Quantity.SUV_BW)
        expect_overlap(ct, pet)
        study = Study(id=self.ct.name.removesuffix("_0000.nii.gz"), ct=ct, pet=pet)
        return Raw(study=study, targets=self._targets(pet.grid))

    def _targets(self, grid: Grid) -> Targets | None:
        """What mask and label map tell; nothing is said of lesions where there is no mask."""
        if self.mask is None and self.labels is None:
            return None
        regions = None if self.labels is None else _regions(self.labels, grid)
        if self.mask is None:
            return Targets(regions=regions)
        lesions = _lesions(self.mask, grid)
        numbers = tuple(_region_of(lesions == k, regions) for k in range(1, int(lesions.max()) + 1))
        return Targets(regions=regions, lesions=lesions, lesion_regions=numbers)

    def digest(self) -> str:
        """Hash of the files' bytes, the names of the label map's labels among them."""
        files = {"ct": self.ct, "pet": self.pet, "mask": self.mask, "labels": self.labels}
        if self.labels is not None and (names := _names_beside(self.labels)).is_file():
            files["names"] = names
        digest = hashlib.sha256(b"directory 2")
        for role, path in files.items():
            _hash(digest, role, path)
        return digest.hexdigest()


def _names_beside(labels: Path) -> Path:
    """Where `read_label_map` looks for the names of labels that the file itself does not name."""
    return labels.with_name(labels.name.removesuffix(".nii.gz") + ".json")


def _hash(digest: hashlib._Hash, role: str, path: Path | None) -> None:
    """Add a file and what it is for."""
    if path is None:
        return
    digest.update(f"{role} {path.stat().st_size} ".encode())
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)


def _lesions(path: Path, grid: Grid) -> NDArray[np.integer[Any]]:
    """A mask with its lesions numbered from 1 without gaps, in the order of their labels."""
    mask = read_nifti(path, Quantity.LABEL)
    if mask.grid.shape != grid.shape or not np.allclose(mask.grid.affine, grid.affine, atol=1e-3):
        raise ModelError("a lesion mask lies on another grid than its PET", "the PET's grid", "resample the mask")
    labels = np.unique(mask.array)
    labels = labels[labels > 0]
    if len(labels) > _MOST_LESIONS:
        raise ModelError(
            f"a lesion mask of {len(labels)} lesions",
            f"at most {_MOST_LESIONS}",
            "number connected lesions, not voxels",
        )
    numbered = np.zeros(int(mask.array.max()) + 1, np.int16)
    numbered[labels] = np.arange(1, len(labels) + 1)
    return numbered[mask.array]


def _regions(path: Path, grid: Grid) -> NDArray[np.uint8]:
    """A label map as numbers of regions on ``grid``."""
    organs = read_label_map(path)
    table = np.zeros(int(organs.volume.array.max()) + 1, np.uint8)
    for label, name in organs.names.items():
        if (part := body_part(name)) is not None:
            table[label] = 1 + REGIONS.index(part.region)
    return table[resample(organs.volume, grid).array]


def _region_of(lesion: NDArray[np.bool_], regions: NDArray[np.uint8] | None) -> int:
    """The region that most of a lesion lies in; -1 where it is not known."""
    if regions is None or not lesion.any():
        return -1
    return int(np.bincount(regions[lesion], minlength=len(REGIONS) + 1).argmax()) - 1


def directory_cases(config: Directory, recipe: Recipe, *, images: bool = True) -> list[TrainCase]:
    """Every case that the manifest lists.

    Parameters
    ----------
    images : bool
        Whether image files must be there.

    Raises
    ------
    ModelError
        If a column, a file or a report is missing, or a split is none; if the template file is not there and has a name
        of its own. Messages name rows, never an id.
    """
    home = Path(config.path)
    if not (home / config.manifest).is_file():
        raise ModelError(f"data.path holds no {config.manifest}", "a folder in the PETRG layout", "correct data.path")
    columns, rows = read_rows(home / config.manifest)
    names = {name: find_column(columns, (name,)) for name in _COLUMNS}
    lacking = [name for name, column in names.items() if column is None]
    if lacking:
        raise ModelError(
            f"the manifest lacks the columns {', '.join(lacking)}",
            ", ".join(_COLUMNS),
            "add them; sex and hospital may be empty where they are not known, never left to a guess",
        )
    texts = _reports(home)
    told = _classes(texts, config.language) if images else {}
    template = _template(home, config.template)
    cases = []
    for number, row in enumerate(rows, 1):
        cell = {name: (row[column or ""] or "").strip() for name, column in names.items()}
        classes = told.get(cell["id"]) if images else None
        cases.append(_case(home, config, recipe, cell, number, texts, template, images, classes))
    return cases


def _template(home: Path, name: str) -> Template | None:
    """The hospitals' healthy reports; None where there are none and none were asked for."""
    if (home / name).is_file():
        return read_template(home / name)
    if name != Directory.model_fields["template"].default:
        raise ModelError(f"there is no template file {name!r}", "one in data.path", "correct data.template")
    return None


def _classes(texts: Mapping[str, str], language: str) -> dict[str, Classes]:
    """Uptake and structure of each region, read from the reports; what is not said is normal."""
    found = extract(texts, language)
    return {
        key: {r: (cell.pet or Uptake.NORMAL, cell.ct or Structure.NORMAL) for r, cell in cells.items()}
        for key, cells in found.cases.items()
    }


def _case(
    home: Path,
    config: Directory,
    recipe: Recipe,
    cell: Mapping[str, str],
    number: int,
    texts: Mapping[str, str],
    template: Template | None,
    images: bool,
    classes: Classes | None,
) -> TrainCase:
    where = f"row {number} of the manifest"
    key = cell["id"]
    if not key or not cell["patient"]:
        raise ModelError(f"{where} has no id or no patient", "both", "fill them in")
    if Path(key).name != key or "\\" in key or len(key.encode()) > _LONGEST_ID:
        raise ModelError(f"{where} has an id that names no file", "the files' name without its ending", "correct it")
    if cell["split"] not in _SPLITS:
        raise ModelError(f"{where} has no known split", "train, validation or test", "write it so")
    if not texts.get(key, "").strip():
        raise ModelError(f"{where} has no report", "reports/ID.json, reports/ID.txt or reports.csv", "add it")
    sex = parse_sex(cell["sex"] or None, number)
    hospital = cell["hospital"] or None
    answer = texts[key].strip()
    known = Case(id=key, reference=answer, prediction=None, sex=sex, hospital=hospital)
    return TrainCase(
        id=key,
        patient=cell["patient"],
        split=_SPLITS[cell["split"]],
        answer=_slotted(answer, where) if recipe.slots else answer,
        language=config.language,
        sex=sex,
        hospital=hospital,
        template=None if template is None else template.of(known),
        source=_source(home, key, where, stored=isinstance(recipe.input, StoredInput)) if images else None,
        classes=classes,
    )


def _slotted(report: str, where: str) -> str:
    try:
        return as_slots(report)
    except ModelError as error:
        raise ModelError(f"{where}: {error.found}", error.expected, error.do) from error


def _source(home: Path, key: str, where: str, *, stored: bool) -> DirectorySource:
    ct, pet = (home / "images" / f"{key}_{k}.nii.gz" for k in ("0000", "0001"))
    mask = home / "masks" / f"{key}.nii.gz"
    for path, what in ((ct, "CT (ID_0000.nii.gz)"), (pet, "PET (ID_0001.nii.gz)")):
        if not path.is_file():
            raise ModelError(f"{where} has no {what} in images/", "both files of each study", "add it")
    if stored:
        _expect_one_grid(ct, pet, where)
    labels = home / "labels" / f"{key}.nii.gz"
    mask_there, labels_there = (path if path.is_file() else None for path in (mask, labels))
    return DirectorySource(ct, pet, mask_there, labels_there, where)


def _expect_one_grid(ct: Path, pet: Path, where: str) -> None:
    """Refuse a pair that a recipe cannot take as stored; headers alone are read."""
    first, second = _opened(ct, f"{where}: the CT"), _opened(pet, f"{where}: the PET")
    shown = [" x ".join(map(str, image.shape)) for image in (first, second)]
    found = f"a CT of {shown[0]} and a PET of {shown[1]} voxels"
    if first.shape == second.shape and len(first.shape) == 3:
        ends = np.indices((2, 2, 2)).reshape(3, -1).T * (np.array(first.shape) - 1)
        apart = np.abs(apply_affine(first.affine, ends) - apply_affine(second.affine, ends)).max()
        if apart <= _APART_MM:
            return
        found = f"a CT and a PET of one shape that lie {apart:.1f} mm apart"
    raise ModelError(
        f"{where} has {found}",
        "both on one grid, since this recipe takes them as stored",
        "petrg convert STUDY --recipe petrg3d-2025 writes such a pair",
    )


def _opened(path: Path, what: str) -> Any:
    """A NIfTI file, its voxels not read yet."""
    try:
        return nibabel.load(path)
    except (ImageFileError, OSError, EOFError) as error:
        raise ModelError(f"{what} cannot be read", "a whole NIfTI file", "copy it again") from error


def _voxels(path: Path, what: str) -> NDArray[np.float32]:
    """The values of a NIfTI file as stored."""
    try:
        values = np.asarray(_opened(path, what).dataobj, dtype=np.float32)
    except (OSError, EOFError, zlib.error) as error:
        raise ModelError(f"{what} cannot be read", "a whole NIfTI file", "copy it again") from error
    if not np.isfinite(values).all():
        raise ModelError(f"{what} holds values that are no numbers", "numbers", "convert it again from the source")
    return values


def _reports(home: Path) -> dict[str, str]:
    table, folder = home / "reports.csv", home / "reports"
    if table.is_file():
        columns, rows = read_rows(table)
        ids, text = find_column(columns, ("id", "accnum", "case")), find_column(columns, _TEXT_COLUMNS)
        if ids is None or text is None:
            raise ModelError("reports.csv lacks a column", "id and report", "name its columns so")
        return {str(row[ids]).strip(): row[text] or "" for row in rows}
    if not folder.is_dir():
        raise ModelError("the data folder has no reports", "reports.csv, or the folder reports", "check data.path")
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".json", ".txt"))
    if twice := len(paths) - len({path.stem for path in paths}):
        raise ModelError(f"{twice} ids have a report as .json and as .txt", "one of them", "remove the other")
    return {path.stem: _text(path, f"report {number} of reports/, by name,") for number, path in enumerate(paths, 1)}


def _text(path: Path, which: str) -> str:
    try:
        raw = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".txt":
            return raw
        document = json.loads(raw)
    except (OSError, ValueError) as error:
        raise ModelError(f"{which} cannot be read", "JSON or text in UTF-8", "save it anew") from error
    found = [document[k] for k in _TEXT_KEYS if isinstance(document, dict) and isinstance(document.get(k), str)]
    if not found:
        raise ModelError(f"{which} is JSON without findings", f"one of the keys {', '.join(_TEXT_KEYS)}", "add it")
    return str(found[0])
