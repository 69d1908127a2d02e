"""A drawn patient: the scene with its lesions and other findings, and the truth read from its PET."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import Region
from petrg.errors import InputError
from petrg.imaging.grid import Grid
from petrg.phantom.anatomy import healthy
from petrg.phantom.body import frame_of, weight_kg
from petrg.phantom.frame import Frame
from petrg.phantom.incidental import PlannedIncidental, plan_incidental
from petrg.phantom.lesions import Planned, lesion_count, plan
from petrg.phantom.physiologic import in_field, normal_findings
from petrg.phantom.scene import Item
from petrg.phantom.spec import Spec
from petrg.phantom.truth import TrueIncidental, TrueLesion, Truth, measure_lesion
from petrg.report.classes import FindingKind
from petrg.report.finding import Finding
from petrg.report.labels import project

__all__ = ["Patient", "plan_patient", "tell"]

MOST_LESIONS = 48


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """What will be painted."""

    spec: Spec
    frame: Frame
    lesions: tuple[Planned, ...]
    incidental: tuple[PlannedIncidental, ...]
    items: tuple[Item, ...]


def plan_patient(spec: Spec, *, lesions: int | None, ct_only: int | Sequence[str] | None) -> Patient:
    """Build the body of ``spec`` and place its findings.

    Raises
    ------
    InputError
        If so many lesions cannot be placed, or a CT-only finding has no place.
    """
    if lesions is not None and not 0 <= lesions <= MOST_LESIONS:
        raise InputError(f"{lesions} lesions", f"0 to {MOST_LESIONS}", "give another --lesions")
    frame = frame_of(spec)
    placed = plan(spec, frame, lesion_count(spec.seed, lesions))
    found = plan_incidental(spec, frame, ct_only, placed)
    fluid = {
        region: [i for f in found if _is_fluid(f) and f.row.region is region for i in f.items] for region in _FLUID
    }
    rest = [i for f in found if not _is_fluid(f) for i in f.items]
    body = healthy(spec, frame, fluid[Region.LUNG_PLEURA], fluid[Region.PERITONEUM])
    items = (*body, *rest, *(p.item() for p in placed))
    return Patient(spec, frame, placed, found, items)


_FLUID = (Region.LUNG_PLEURA, Region.PERITONEUM)


def _is_fluid(found: PlannedIncidental) -> bool:
    return found.row.kind is FindingKind.EFFUSION


def tell(patient: Patient, clean: NDArray[np.float32], grid: Grid) -> Truth:
    """The truth of a patient whose noise-free PET is ``clean`` on ``grid``."""
    spec = patient.spec
    lesions = tuple(measure_lesion(i, p, clean, grid, spec.physiology.liver) for i, p in enumerate(patient.lesions, 1))
    ct_only = tuple(_true_incidental(i, p) for i, p in enumerate(patient.incidental, 1))
    every = (*normal_findings(spec), *_lesion_findings(lesions), *_ct_findings(ct_only))
    findings = tuple(f for f in every if in_field(spec, f.region))
    return Truth(
        spec=spec,
        weight_kg=round(weight_kg(patient.frame, spec.sex), 1),
        lesions=lesions,
        ct_only=ct_only,
        findings=findings,
        labels=project(findings),
    )


def _true_incidental(number: int, planned: PlannedIncidental) -> TrueIncidental:
    row = planned.row
    return TrueIncidental(
        id=f"C{number}",
        name=planned.name,
        region=row.region,
        kind=row.kind,
        side=planned.side,
        centre_mm=planned.centre_mm,
        size_mm=planned.size_mm,
        hu=row.hu,
        structure=row.structure,
        uptake=row.uptake,
        look=row.text,
    )


def _lesion_findings(lesions: Sequence[TrueLesion]) -> Iterator[Finding]:
    for lesion in lesions:
        yield Finding(
            region=lesion.region,
            uptake=lesion.uptake,
            structure=lesion.structure,
            site=lesion.site,
            side=lesion.side,
            nodal_group=lesion.nodal_group,
            suv_max=lesion.suv_max,
            size_mm=(2.0 * lesion.radius_mm,),
            description=lesion.look if lesion.structure is not None else "",
            lesion_ids=(lesion.id,),
        )


def _ct_findings(found: Sequence[TrueIncidental]) -> Iterator[Finding]:
    for one in found:
        yield Finding(
            region=one.region,
            uptake=one.uptake,
            structure=one.structure,
            side=one.side,
            size_mm=(one.size_mm,),
            description=one.look,
            lesion_ids=(one.id,),
        )
