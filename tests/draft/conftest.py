"""Records and studies made by hand, so that every sentence can be told beforehand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from petrg.anatomy import Region, Side
from petrg.imaging import Context, Grid, Identity, Quantity, Series, Sex, Study, SuvProvenance, Volume
from petrg.report import (
    Assessment,
    AssessmentState,
    CtRead,
    FindingKind,
    InputFact,
    Lesion,
    LesionStatus,
    Modality,
    Record,
    Reference,
    References,
    RegionCandidate,
    RegionGuess,
    Threshold,
    Totals,
    Where,
)

SEARCHED, NOT_SEARCHED, OUT = AssessmentState.SEARCHED, AssessmentState.NOT_SEARCHED, AssessmentState.OUT_OF_FIELD
LIMIT = 3.1


def _study(**changes) -> Study:
    grid = Grid.from_spacing((12, 10, 10), (4.0, 4.0, 4.0), (-20.0, -20.0, 0.0))
    array = np.linspace(0.1, 1.5, 1200, dtype=np.float32).reshape(grid.shape)
    context = {"tracer": "FDG", "sex": Sex.F, "age_years": 61.0, "sources": {"tracer": "header", "sex": "header"}}
    context |= changes.pop("context", {})
    values = {
        "id": "study-0123456789ab",
        "pet": Volume(array, grid, Quantity.SUV_BW),
        "ct": Volume(array * 100 - 50, grid, Quantity.HU),
        "pet_series": Series(
            uid="1.2.840.99.1.77",
            study_uid="1.2.840.99.1",
            modality="PT",
            manufacturer="SIEMENS",
            model="Biograph",
            description="Doe thorax",
            dose_bq=3.1e8,
            uptake_s=3720.0,
            weight_kg=70.4,
            suv=SuvProvenance(branch="bqml-start", factor_g_per_bq=2e-4),
        ),
        "ct_series": Series(uid="1.2.840.99.1.78", modality="CT", kvp=120.0),
        "identity": Identity(
            name="Doe^Jane",
            patient_id="HID-4711",
            birth_date="19640203",
            accession_number="ACC-99",
            study_date="20250301",
        ),
        "context": Context(**context),
    }
    return Study(**(values | changes))


def _where(modality: Modality = Modality.PET) -> Where:
    return Where(modality=modality, index=(3, 4, 5), mm=(0.0, -4.0, 12.0), slice_number=9, sop_uid="1.2.840.99.1.77.4")


def _lesion(name: str, region: Region, suv: float, side: Side | None = None, **changes) -> Lesion:
    p = changes.pop("p", 0.95)
    rival = changes.pop("rival", None)
    candidates = [RegionCandidate(id=region, probability=p)]
    if rival is not None:
        candidates.append(RegionCandidate(id=rival, probability=round(1 - p, 3)))
    values = {
        "id": name,
        "status": LesionStatus.LESION,
        "region": RegionGuess(id=region, probability=p, candidates=tuple(candidates)),
        "side": side,
        "centre_mm": (0.0, 0.0, 0.0),
        "hottest": _where(),
        "slices": (8, 10),
        "suv_max": suv,
        "suv_mean": suv * 0.6,
        "suv_peak": suv * 0.8,
        "threshold": Threshold.FIXED_4,
        "mtv_ml": 3.14,
        "tlg_g": 9.0,
        "volume_ml": 3.14,
        "axes_mm": (21.0, 13.4),
        "ct": CtRead(hu_mean=41.2, hu_sd=5, hu_min=1, hu_max=90, voxels=30, where=_where(Modality.CT)),
    }
    return Lesion(**(values | changes))


def _assessed(
    pet: AssessmentState = SEARCHED,
    ct: AssessmentState = NOT_SEARCHED,
    located: float | None = 0.95,
    state: Callable[[Region, FindingKind], AssessmentState] | None = None,
) -> tuple[Assessment, ...]:
    """Focal uptake in state ``pet``, every kind of CT in state ``ct``, unless ``state`` decides."""
    rows = []
    for region in Region:
        for kind in FindingKind:
            if state is not None:
                chosen = state(region, kind)
            elif kind is FindingKind.FOCAL_UPTAKE:
                chosen = pet
            else:
                chosen = ct if kind.modality is Modality.CT else NOT_SEARCHED
            limit = LIMIT if kind is FindingKind.FOCAL_UPTAKE and chosen is SEARCHED else None
            rows.append(
                Assessment(
                    region=region, kind=kind, state=chosen, limit_suv=limit, limit_mm=limit and 12.0, located=located
                )
            )
    return tuple(rows)


def _record(study: Study, lesions=(), assessed=None, **changes) -> Record:
    inputs = tuple(
        InputFact(
            modality=modality,
            series_uid=None if series is None else series.uid,
            sha256="ab" * 32,
            shape=volume.grid.shape,
            spacing_mm=volume.grid.spacing_mm,
            affine=volume.grid.affine.tolist(),
        )
        for modality, volume, series in (
            (Modality.PET, study.pet, study.pet_series),
            (Modality.CT, study.ct, study.ct_series),
        )
        if volume is not None
    )
    values = {
        "study_id": study.id,
        "petrg_version": "0",
        "tracer": study.context.tracer,
        "inputs": inputs,
        "threshold": Threshold.FIXED_4,
        "detection": "by hand",
        "anatomy": "by hand",
        "lesions": tuple(lesions),
        "totals": Totals(lesions=len(lesions), mtv_ml=None, tlg_g=None, suv_max=None),
        "assessed": _assessed() if assessed is None else assessed,
    }
    return Record(**(values | changes))


def _liver(suv_mean: float = 2.14) -> References:
    reference = Reference(
        suv_mean=suv_mean,
        suv_sd=0.2,
        suv_max=2.9,
        volume_ml=14.0,
        voxels=200,
        centre_mm=(0.0, 0.0, 0.0),
        radius_mm=15.0,
        slice_number=5,
        method="by hand",
    )
    return References(liver=reference, blood_pool=reference.model_copy(update={"suv_mean": 1.52}))


@pytest.fixture(scope="session")
def hand() -> SimpleNamespace:
    """Builders: study, lesion, assessed, record, references."""
    return SimpleNamespace(study=_study, lesion=_lesion, assessed=_assessed, record=_record, references=_liver)
