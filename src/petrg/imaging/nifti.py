"""Research NIfTI to a study: CT in HU, PET in SUVbw, in each layout of formats.md.

A NIfTI file holds no header to compute SUV from: its PET must be SUV already, or activity with a
BIDS sidecar that says the rest. Tracer, weight and times are unknown unless given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from petrg.errors import GeometryError, Problem, StudyError, SuvError
from petrg.imaging.bids import bids_header, read_sidecar, to_bq_ml
from petrg.imaging.context import Context
from petrg.imaging.dicom.choose import NONE
from petrg.imaging.lean import lean_mass_kg, mean_of_sexes
from petrg.imaging.nifti_file import is_nifti, load_nifti, nifti_bytes, read_nifti, write_nifti
from petrg.imaging.nifti_layout import Case, Named, cases_in, id_of, shown, stem_of, without_name
from petrg.imaging.phantom_mark import phantom_maker
from petrg.imaging.quantity import Quantity
from petrg.imaging.sanity import (
    apart_problems,
    balance_problems,
    ct_problems,
    expect_activity,
    expect_suv,
    pose_problems,
)
from petrg.imaging.study import FoundSeries, HeaderValue, PassedOver, Series, Study, SuvProvenance
from petrg.imaging.suv import Given, SuvScale, suv_scale
from petrg.imaging.volume import Volume
from petrg.progress import Progress, silent

__all__ = ["expect_overlap", "is_nifti", "nifti_bytes", "read_nifti", "read_nifti_study", "stem_role", "write_nifti"]

_NO_GIVEN = Given()
_CT_ONLY_HU = -500.0
_CT_ROLES, _PET_ROLES = ("ct", "ct-on-pet"), ("suv", "activity")


def read_nifti_study(
    path: Path | Sequence[Path],
    *,
    given: Given = _NO_GIVEN,
    quantity: Quantity = Quantity.SUV_BW,
    ct_series: str | int | None = None,
    pet_series: str | int | None = None,
    study: str | None = None,
    context: Context | None = None,
    progress: Progress = silent,
) -> Study:
    """Read one case.

    Parameters
    ----------
    path : Path or sequence of Path
        A folder, searched through all its levels, a file, or files.
    given : Given
        Values of the user; weight, height and sex also give SUL.
    quantity : Quantity
        SUV_BW, or ACTIVITY where the layout holds it.
    ct_series, pet_series : str, optional
        Name of a file, without .nii.gz, to be read as that whatever its name says; ``"none"`` leaves that one out.
    study : str, optional
        Case id, where there are several; also as messages write it, without what may be a name.
    context : Context, optional
        Laid over what is known.

    Raises
    ------
    StudyError
        If there is no case, there are several and none is named, or PET is not in the quantity asked for.
    """
    files, others, one_by_one = _files(path)
    cases, outside = cases_in(files, named_one_by_one=one_by_one)
    without = tuple(roles for name, roles in ((ct_series, _CT_ROLES), (pet_series, _PET_ROLES)) if _is_none(name))
    ct_series, pet_series = (None if _is_none(name) else name for name in (ct_series, pet_series))
    case = _overridden(files, ct_series, pet_series) or _chosen(cases, outside, study)
    if case is None:
        case = _lone(files)
    left = Case(case.id, case.layout, tuple(f for f in case.files if not any(f.role in roles for roles in without)))
    used = {file.path for file in case.files}
    outside = [file for file in outside if file.path not in used]
    ct_file = _one(left, "CT", _CT_ROLES)
    pet_file = _one(left, "PET", _PET_ROLES if quantity is Quantity.SUV_BW else _PET_ROLES[::-1])
    progress("reading NIfTI", 0, 2)
    ct = _Read.ct(ct_file) if ct_file else None
    progress("reading NIfTI", 1, 2)
    pet = _pet(pet_file, given, quantity) if pet_file else None
    progress("reading NIfTI", 2, 2)
    if ct and pet:
        expect_overlap(ct.volume, pet.volume)
    scale = pet.scale if pet else None
    problems = [*(ct.problems if ct else ()), *(pet.problems if pet else ())]
    problems += pose_problems(pet.volume) if pet else ()
    problems += apart_problems(ct.volume, pet.volume) if ct and pet else ()
    result = Study(
        id=without_name(case.id),
        ct=ct.volume if ct else None,
        pet=pet.volume if pet else None,
        ct_series=_ct_series(ct, ct_file) if ct and ct_file else None,
        pet_series=_pet_series(pet, pet_file, given) if pet and pet_file else None,
        context=_context(given, scale),
        found=tuple(
            _found(file, file in (ct_file, pet_file), ct, pet, left_out=file not in left.files) for file in case.files
        ),
        passed_over=_passed_over(outside, len(cases) - 1, others),
        problems=tuple(problems),
    )
    return result.with_context(context) if context is not None else result


@dataclass(frozen=True, slots=True)
class _Read:
    """A volume read, how SUV was had, and what is unusual."""

    volume: Volume
    problems: tuple[Problem, ...]
    scale: SuvScale | None = None
    provenance: SuvProvenance | None = None
    axes: str = ""

    @classmethod
    def ct(cls, file: Named) -> _Read:
        loaded = load_nifti(file.path, Quantity.HU)
        return cls(loaded.volume, (*loaded.problems, *ct_problems(loaded.volume)), axes=loaded.axes)


def _files(path: Path | Sequence[Path]) -> tuple[list[Path], int, bool]:
    """NIfTI files of the input, how many others there are, and whether the user named them singly."""
    one = isinstance(path, str | Path)
    tops: Iterable[Path] = [Path(path)] if isinstance(path, str | Path) else map(Path, path)
    files: list[Path] = []
    folder = False
    for top in tops:
        if top.is_dir():
            folder = True
            files += [item for item in top.rglob("*") if item.is_file()]
        elif top.is_file():
            files.append(top)
        else:
            raise StudyError("a path that does not exist", "a folder or files", "check the path")
    nifti = [file for file in files if is_nifti(file)]
    if not nifti:
        raise StudyError("no NIfTI file", "at least one .nii or .nii.gz", "point to the folder that holds the images")
    return nifti, len(files) - len(nifti), not (one and folder)


def _overridden(files: list[Path], ct: str | int | None, pet: str | int | None) -> Case | None:
    """The case of files the user names as CT and PET."""
    if ct is None and pet is None:
        return None
    named: list[Named] = []
    for name, role, option in ((ct, "ct", "--ct-series"), (pet, "suv", "--pet-series")):
        if name is None:
            continue
        matching = [file for file in files if stem_of(file) == str(name)]
        if len(matching) != 1:
            raise StudyError(f"{len(matching)} NIfTI files of the name given", "one", f"correct {option}")
        named.append(Named(matching[0], "named", "named", role))
    return Case(id_of(named), "named", tuple(named))


def _chosen(cases: list[Case], outside: list[Named], study: str | None) -> Case | None:
    names = shown([without_name(case.id) for case in cases])
    if study is not None:
        matching = [case for case in cases if study in (case.id, without_name(case.id))]
        if len(matching) == 1:
            return matching[0]
        raise StudyError(f"{len(matching)} cases of the id given among {names}", "one", "correct --study")
    if len(cases) > 1:
        raise StudyError(f"{len(cases)} cases: {names}", "one case", "choose it with --study ID")
    return cases[0] if cases else None


def _lone(files: list[Path]) -> Case:
    """A single file of any name that holds values only a CT holds."""
    if len(files) == 1 and float(read_nifti(files[0], Quantity.HU).array.min()) < _CT_ONLY_HU:
        named = Named(files[0], "lone", "lone", "ct")
        return Case(id_of([named]), "lone", (named,))
    raise StudyError(
        f"{len(files)} NIfTI files whose names say neither CT nor PET",
        "a layout of docs/formats, such as <id>_0000 (CT) and <id>_0001 (PET)",
        "rename them, or name them by --ct-series and --pet-series",
    )


def _one(case: Case, what: str, roles: tuple[str, ...]) -> Named | None:
    files = case.of(*roles)
    option = "--ct-series" if what == "CT" else "--pet-series"
    if len(files) > 1:
        raise StudyError(f"{len(files)} files that may be the {what} in one case", "one", f"name it by {option}")
    return files[0] if files else None


def _pet(file: Named, given: Given, quantity: Quantity) -> _Read:
    if file.role == "suv":
        return _stored_suv(file, given, quantity)
    facts = read_sidecar(file.path) if file.layout == "bids" else None
    if facts is not None and str(facts.get("Units", "")).lower() in ("suv", "g/ml", "suvbw"):
        return _stored_suv(file, given, quantity)
    loaded = load_nifti(file.path, Quantity.ACTIVITY)
    expect_activity(loaded.volume)
    to_bq = to_bq_ml(facts) if facts is not None else 1.0
    activity = Volume(loaded.volume.array * np.float32(to_bq), loaded.volume.grid, Quantity.ACTIVITY)
    if quantity is Quantity.ACTIVITY:
        return _Read(activity, loaded.problems, provenance=SuvProvenance(branch="activity"), axes=loaded.axes)
    if facts is None:
        raise SuvError(
            "PET in Bq/ml without the header SUV needs",
            "a PET in SUV (_0001, SUV or PET_SUV)",
            "convert it from DICOM, or go on without SUV by --quantity activity",
        )
    scale = suv_scale([bids_header(facts)], given)
    volume = Volume(activity.array * np.float32(scale.suv_per_image[0]), activity.grid, Quantity.SUV_BW)
    weight = scale.weight_kg
    more = balance_problems(volume, weight, dose_read_as_mbq=scale.dose_read_as_mbq) if weight else ()
    return _Read(volume, (*loaded.problems, *scale.problems, *more), scale, scale.provenance, loaded.axes)


def _stored_suv(file: Named, given: Given, quantity: Quantity) -> _Read:
    if quantity is Quantity.ACTIVITY:
        raise SuvError("PET stored as SUV only", "a PET in Bq/ml", "read it without --quantity activity")
    loaded = load_nifti(file.path, Quantity.SUV_BW)
    expect_activity(loaded.volume)
    expect_suv(loaded.volume, stem_role(file))
    problems = list(loaded.problems)
    sul = None
    if given.weight_kg is not None:
        problems += balance_problems(loaded.volume, given.weight_kg)
        if given.height_m and not mean_of_sexes(given.sex):
            sul = lean_mass_kg("LBMJANMA", given.weight_kg, given.height_m, given.sex) / given.weight_kg
    if given.tracer is None:
        problems.append(Problem("tracer-unknown", "NIfTI holds no tracer, dose or times: unknown unless given"))
    user: Mapping[str, Any] = {
        "PatientWeight": given.weight_kg,
        "PatientSize": given.height_m,
        "PatientSex": given.sex and str(given.sex),
        "Radiopharmaceutical": given.tracer,
    }
    inputs = {key: HeaderValue(value, "user") for key, value in user.items() if value is not None}
    provenance = SuvProvenance(branch="nifti-suv", sul_factor=sul, inputs=inputs)
    return _Read(loaded.volume, tuple(problems), provenance=provenance, axes=loaded.axes)


def stem_role(file: Named | None) -> str:
    """What a file is called in tables and messages: its part in the layout, never its own name."""
    if file is None:
        return ""
    names = {"ct": "CT", "ct-on-pet": "CTres", "suv": "SUV", "activity": "PET (Bq/ml)"}
    part = {"nnunet": {"ct": "_0000", "suv": "_0001"}}.get(file.layout, {})
    return part.get(file.role, names.get(file.role, file.role))


def expect_overlap(ct: Volume, pet: Volume) -> None:
    """Refuse a CT and a PET that lie nowhere near each other.

    Raises
    ------
    GeometryError
        If their boxes do not meet.
    """
    boxes = []
    for grid in (ct.grid, pet.grid):
        ends = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * (np.array(grid.shape) - 1)
        corners = grid.to_mm(ends)
        boxes.append((corners.min(axis=0), corners.max(axis=0)))
    gap = np.maximum(boxes[0][0], boxes[1][0]) - np.minimum(boxes[0][1], boxes[1][1])
    if gap.max() > 0:
        raise GeometryError(
            f"CT and PET lie {gap.max():.0f} mm apart", "one frame of reference", "check that both are of one study"
        )


def _ct_series(ct: _Read, file: Named) -> Series:
    return Series(
        uid=None,
        modality="CT",
        source="nifti",
        stored_axes=ct.axes,
        description=stem_role(file),
        manufacturer=phantom_maker(file.path, "ct", ct.volume),
    )


def _pet_series(pet: _Read, file: Named, given: Given) -> Series:
    scale = pet.scale
    user = ("weight_kg", "height_m", "sex", "dose_mbq", "injected_at", "tracer")
    return Series(
        uid=None,
        modality="PT",
        source="nifti",
        stored_axes=pet.axes,
        description=stem_role(file),
        manufacturer=phantom_maker(file.path, "pet", pet.volume),
        units="BQML" if file.role == "activity" else "GML",
        nuclide=scale.nuclide if scale else None,
        dose_bq=scale.dose_bq if scale else None,
        half_life_s=scale.half_life_s if scale else None,
        uptake_s=scale.uptake_s if scale else None,
        weight_kg=scale.weight_kg if scale else given.weight_kg,
        height_m=scale.height_m if scale else given.height_m,
        suv=pet.provenance,
        user_entered=tuple(name for name in user if getattr(given, name) is not None),
    )


def _context(given: Given, scale: SuvScale | None) -> Context:
    tracer, sex = (scale.tracer, scale.sex) if scale else (given.tracer, given.sex)
    values = {"tracer": (tracer, given.tracer), "sex": (sex, given.sex)}
    sources = {k: "user" if user is not None else "header" for k, (value, user) in values.items() if value is not None}
    return Context.model_validate({"tracer": tracer, "sex": sex, "sources": sources})


def _is_none(name: str | int | None) -> bool:
    return str(name).strip().lower() == NONE if name is not None else False


def _found(file: Named, used: bool, ct: _Read | None, pet: _Read | None, *, left_out: bool) -> FoundSeries:
    is_ct = file.role in _CT_ROLES
    read = (ct if is_ct else pet) if used else None
    reason = file.reason or (f"{file.layout} layout" if used else "the native CT and SUV are preferred")
    if left_out:
        reason = f"left out by {'--ct-series' if is_ct else '--pet-series'} {NONE}"
    return FoundSeries(
        uid=None,
        modality="CT" if is_ct else "PT" if file.role in _PET_ROLES else None,
        description=stem_role(file),
        number=None,
        images=read.volume.grid.shape[0] if read else 0,
        role=("ct" if is_ct else "pet") if used else None,
        reason=reason,
    )


def _passed_over(outside: list[Named], other_cases: int, others: int) -> tuple[PassedOver, ...]:
    counts: dict[str, int] = {}
    for file in outside:
        counts[file.reason or "of another case"] = counts.get(file.reason or "of another case", 0) + 1
    if other_cases > 0:
        counts["other cases"] = other_cases
    if others:
        counts["no NIfTI file"] = others
    return tuple(PassedOver(count, reason) for reason, count in counts.items())
