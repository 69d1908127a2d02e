"""What a path holds and what can be done with it, without ever refusing; no identity in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from petrg.errors import InputError, Problem, StudyError
from petrg.imaging.context import Context
from petrg.imaging.dicom.reader import Options, Reading, read_dicom
from petrg.imaging.dicom.scan import scan
from petrg.imaging.quantity import Quantity
from petrg.imaging.read import PathLike, as_study, has_dicom, read_nifti
from petrg.imaging.redact import hider, redacted
from petrg.imaging.sanity import activity_balance
from petrg.imaging.study import Series, Study
from petrg.imaging.suv import Given
from petrg.imaging.volume import Volume
from petrg.progress import Progress, silent

__all__ = [
    "CtFacts",
    "FoundItem",
    "GridFacts",
    "HuRange",
    "InputValue",
    "Inspection",
    "PassedOverItem",
    "PetFacts",
    "ProblemItem",
    "SeriesFacts",
    "SuvFacts",
    "inspect_path",
    "problem_code",
]
_NOTHING_GIVEN = Given()


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GridFacts(_Model):
    """Where voxels lie: shape and spacing as (z, y, x), origin as (x, y, z), LPS+, mm."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    affine: tuple[tuple[float, ...], ...]
    axial: bool


class SeriesFacts(_Model):
    """Facts of a series that was read; absent is null."""

    series_uid: str | None
    number: int | None
    description: str | None
    images: int
    source: str
    frame_of_reference_uid: str | None
    manufacturer: str | None
    model: str | None
    reconstruction: str | None
    kernel: str | None
    patient_position: str | None
    kvp: float | None
    grid: GridFacts


class HuRange(_Model):
    """Smallest, median and largest CT number, HU."""

    min: float
    median: float
    max: float


class CtFacts(SeriesFacts):
    """The CT."""

    hu: HuRange


class InputValue(_Model):
    """A value that went into SUV and where it came from: ``header`` or ``user``."""

    value: float | str | None
    source: str


class SuvFacts(_Model):
    """How SUV was had."""

    branch: str
    factor_g_per_bq: float | None
    sul_factor: float | None
    activity_balance: float | None
    inputs: dict[str, InputValue]


class PetFacts(SeriesFacts):
    """The PET; ``suv_*`` are null where it was read as activity."""

    quantity: str
    units: str | None
    corrections: tuple[str, ...]
    decay_correction: str | None
    nuclide: str | None
    dose_mbq: float | None
    half_life_s: float | None
    uptake_min: float | None
    weight_kg: float | None
    height_m: float | None
    user_entered: tuple[str, ...]
    suv: SuvFacts | None
    suv_min: float | None
    suv_median: float | None
    suv_max: float | None


class FoundItem(_Model):
    """One series seen: its role (``ct``, ``pet`` or null) and the reason."""

    series_uid: str | None
    modality: str | None
    description: str | None
    number: int | None
    images: int
    role: str | None
    reason: str


class PassedOverItem(_Model):
    """Files that are no part of an image series."""

    files: int
    reason: str


class ProblemItem(_Model):
    """Something to know; a refusal stops every verb but inspect."""

    code: str
    text: str
    refusal: bool


class Inspection(_Model):
    """All of what `petrg inspect --json` prints."""

    petrg: int = 1
    study_id: str | None
    study_uid: str | None
    context: Context
    ct: CtFacts | None
    pet: PetFacts | None
    found: tuple[FoundItem, ...]
    passed_over: tuple[PassedOverItem, ...]
    problems: tuple[ProblemItem, ...]

    @property
    def refused(self) -> bool:
        """Whether any problem would stop another verb."""
        return any(p.refusal for p in self.problems)


def inspect_path(
    path: PathLike,
    *,
    given: Given = _NOTHING_GIVEN,
    quantity: Quantity = Quantity.SUV_BW,
    ct_series: str | int | None = None,
    pet_series: str | int | None = None,
    study: str | int | None = None,
    context: Context | None = None,
    progress: Progress = silent,
) -> Inspection:
    """Look at a path as `read_study` would; what it would raise stands in ``problems`` with ``refusal`` true.

    Parameters are those of `petrg.imaging.read.read_study`.

    Raises
    ------
    StudyError
        If the path does not exist or cannot be opened.
    """
    options = Options(given=given, quantity=quantity, ct_series=ct_series, pet_series=pet_series, study=study)
    refusals: list[Problem] = []

    def refuse(error: InputError) -> None:
        refusals.append(Problem(problem_code(error), str(error), refusal=True))

    try:
        files = scan(path)
    except StudyError as error:
        if not _exists(path):
            raise
        refuse(error)
        return _inspection(None, (), refusals)
    if files.nifti and not has_dicom(files):
        try:
            study_found = read_nifti(path, files, options, context, progress)
        except InputError as error:
            refuse(error)
            return _inspection(None, (), refusals)
        return _inspection(study_found, study_found.problems, refusals)
    reading = read_dicom(files, options, refuse, progress)
    for gone in ("ct", "pet"):  # a volume is shown as far as it was read, whatever was refused of the other
        if getattr(reading, gone) is None and not refusals and not any(f.role == gone for f in reading.found):
            reading.problems.append(_absent(gone))
    whole = as_study(reading, context) if reading.ct or reading.pet else None
    return _inspection(whole, tuple(reading.problems), refusals, reading)


def problem_code(error: InputError) -> str:
    """A stable name for machines: the kind of error in kebab-case, e.g. ``suv-error``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()


def _absent(gone: str) -> Problem:
    name = "PET" if gone == "pet" else "CT"
    return Problem(f"no-{gone}", f"no {name} in the study")


def _exists(path: PathLike) -> bool:
    paths = [path] if isinstance(path, (str, Path)) else path
    return all(Path(p).exists() for p in paths)


def _inspection(
    study: Study | None, problems: Sequence[Problem], refusals: Sequence[Problem], reading: Reading | None = None
) -> Inspection:
    seen = study or reading or Reading()
    ct_uid = study.ct_series.study_uid if study and study.ct_series else None
    pet_uid = study.pet_series.study_uid if study and study.pet_series else None
    found = Inspection(
        study_id=seen.id or None,
        study_uid=pet_uid or ct_uid,
        context=seen.context,
        ct=_ct(study.ct, study.ct_series) if study and study.ct and study.ct_series else None,
        pet=_pet(study.pet, study.pet_series) if study and study.pet and study.pet_series else None,
        found=tuple(
            FoundItem(
                series_uid=f.uid,
                modality=f.modality,
                description=f.description,
                number=f.number,
                images=f.images,
                role=f.role,
                reason=f.reason,
            )
            for f in seen.found
        ),
        passed_over=tuple(PassedOverItem(files=p.files, reason=p.reason) for p in seen.passed_over),
        problems=tuple(ProblemItem(code=p.code, text=p.text, refusal=p.refusal) for p in (*refusals, *problems)),
    )
    # a header may hold a name or a date in any of its fields
    who = reading.identifying if reading else frozenset[str]()
    return Inspection.model_validate(redacted(found.model_dump(), hider(who)))


def _facts(volume: Volume, series: Series) -> dict[str, object]:
    affine = volume.grid.affine.tolist()
    return {
        "series_uid": series.uid,
        "number": series.number,
        "description": series.description,
        "images": volume.grid.shape[0],
        "source": series.source,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "manufacturer": series.manufacturer,
        "model": series.model,
        "reconstruction": series.reconstruction,
        "kernel": series.kernel,
        "patient_position": series.patient_position,
        "kvp": series.kvp,
        "grid": GridFacts(
            shape=volume.grid.shape,
            spacing_mm=volume.grid.spacing_mm,
            origin_mm=volume.grid.origin_mm,
            affine=tuple(tuple(row) for row in affine),
            axial=volume.grid.is_axial,
        ),
    }


def _range(volume: Volume) -> tuple[float, float, float]:
    """Smallest, median and largest value; the median by selection, not by a sort."""
    array = volume.array
    return float(array.min()), float(np.median(array)), float(array.max())


def _ct(volume: Volume, series: Series) -> CtFacts:
    low, middle, high = _range(volume)
    return CtFacts.model_validate({**_facts(volume, series), "hu": HuRange(min=low, median=middle, max=high)})


def _pet(volume: Volume, series: Series) -> PetFacts:
    is_suv = volume.quantity is Quantity.SUV_BW
    low, middle, high = _range(volume) if is_suv else (None, None, None)
    suv = None
    if series.suv is not None:
        balance = activity_balance(volume, series.weight_kg) if is_suv and series.weight_kg else None
        suv = SuvFacts(
            branch=series.suv.branch,
            factor_g_per_bq=series.suv.factor_g_per_bq,
            sul_factor=series.suv.sul_factor,
            activity_balance=balance,
            inputs={k: InputValue(value=v.value, source=v.source) for k, v in series.suv.inputs.items()},
        )
    return PetFacts.model_validate(
        {
            **_facts(volume, series),
            "quantity": volume.quantity.value,
            "units": series.units,
            "corrections": series.corrections,
            "decay_correction": series.decay_correction,
            "nuclide": series.nuclide,
            "dose_mbq": None if series.dose_bq is None else series.dose_bq / 1e6,
            "half_life_s": series.half_life_s,
            "uptake_min": None if series.uptake_s is None else series.uptake_s / 60,
            "weight_kg": series.weight_kg,
            "height_m": series.height_m,
            "user_entered": series.user_entered,
            "suv": suv,
            "suv_min": low,
            "suv_median": middle,
            "suv_max": high,
        }
    )
