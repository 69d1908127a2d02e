"""What was measured on: each input volume with its fingerprint."""

from __future__ import annotations

from petrg.imaging import Series, Study, Volume
from petrg.report.classes import Modality
from petrg.report.record import InputFact

__all__ = ["input_facts"]


def input_facts(study: Study) -> tuple[InputFact, ...]:
    """One row a volume, PET first."""
    rows = ((Modality.PET, study.pet, study.pet_series), (Modality.CT, study.ct, study.ct_series))
    return tuple(_fact(m, volume, series) for m, volume, series in rows if volume is not None)


def _fact(modality: Modality, volume: Volume, series: Series | None) -> InputFact:
    suv = series.suv if series is not None else None
    return InputFact(
        modality=modality,
        series_uid=series.uid if series is not None else None,
        sha256=volume.sha256(),
        shape=volume.grid.shape,
        spacing_mm=volume.grid.spacing_mm,
        affine=tuple(tuple(float(v) for v in row) for row in volume.grid.affine),
        suv_branch=suv.branch if suv is not None else None,
        suv_factor_g_per_bq=suv.factor_g_per_bq if suv is not None else None,
    )
