"""Facts of the acquisition and of the clinical context, as table rows and as values for slots."""

from __future__ import annotations

from petrg.imaging import Context, Series, Study, TimePoint
from petrg.report import Fact, NumberQuantity

__all__ = ["acquisition_facts", "context_facts", "slot_values"]

_USER_NAMES = {
    "dose_mbq": {"dose_mbq", "dose_bq", "RadionuclideTotalDose"},
    "weight_kg": {"weight_kg", "PatientWeight"},
    "height_m": {"height_m", "PatientSize"},
    "uptake_min": {"injected_at", "uptake_s", "RadiopharmaceuticalStartDateTime"},
    "nuclide": {"tracer"},
}


def slot_values(study: Study) -> dict[str, float]:
    """Values of the slot source ``acquisition``: dose, uptake minutes, weight, glucose, where known."""
    series, glucose = study.pet_series, study.context.glucose_mmol_l
    values = {
        NumberQuantity.DOSE_MBQ: None if series is None or series.dose_bq is None else series.dose_bq / 1e6,
        NumberQuantity.UPTAKE_MIN: None if series is None or series.uptake_s is None else series.uptake_s / 60,
        NumberQuantity.WEIGHT_KG: None if series is None else series.weight_kg,
        NumberQuantity.GLUCOSE_MMOL_L: glucose,
    }
    return {quantity.value: float(value) for quantity, value in values.items() if value is not None}


def acquisition_facts(study: Study) -> tuple[Fact, ...]:
    """The acquisition table: every value with its unit and where it came from; absent values are None."""
    values = slot_values(study)
    rows: list[Fact] = []
    if (pet := study.pet_series) is not None:
        suv = pet.suv
        rows += [
            Fact(key="dose_mbq", value=values.get("dose_mbq"), unit="MBq", source=_source(pet, "dose_mbq")),
            Fact(key="weight_kg", value=values.get("weight_kg"), unit="kg", source=_source(pet, "weight_kg")),
            Fact(key="height_m", value=pet.height_m, unit="m", source=_source(pet, "height_m")),
            Fact(key="uptake_min", value=values.get("uptake_min"), unit="min", source=_uptake_source(pet)),
            Fact(key="nuclide", value=pet.nuclide, source=_source(pet, "nuclide")),
            Fact(key="half_life_s", value=pet.half_life_s, unit="s"),
            Fact(key="frame_duration_s", value=pet.frame_duration_s, unit="s"),
            Fact(key="pet_scanner", value=_scanner(pet)),
            Fact(key="pet_reconstruction", value=pet.reconstruction),
            Fact(key="pet_corrections", value=", ".join(pet.corrections) or None),
            Fact(key="pet_decay_correction", value=pet.decay_correction),
            Fact(key="pet_units", value=pet.units),
            Fact(key="suv_branch", value=None if suv is None else suv.branch, source="computed"),
            Fact(
                key="suv_factor",
                value=None if suv is None else suv.factor_g_per_bq,
                unit="g/Bq",
                source="computed",
            ),
            Fact(key="sul_factor", value=None if suv is None else suv.sul_factor, source="computed"),
        ]
    if (glucose := values.get("glucose_mmol_l")) is not None:
        source = study.context.sources.get("glucose_mmol_l", "given")
        rows.append(Fact(key="glucose_mmol_l", value=glucose, unit="mmol/l", source=source))
    if (ct := study.ct_series) is not None:
        rows += [
            Fact(key="ct_scanner", value=_scanner(ct)),
            Fact(key="ct_kernel", value=ct.kernel),
            Fact(key="ct_kvp", value=ct.kvp, unit="kV"),
        ]
    return tuple(rows)


def context_facts(context: Context) -> tuple[Fact, ...]:
    """The clinical context as given; what is not known has no row."""
    therapy = "; ".join(
        t.name + (f" ({t.start or '?'} – {t.end or '?'})" if t.start or t.end else "") for t in context.therapy
    )
    values: dict[str, tuple[str | float | None, str]] = {
        "tracer": (context.tracer, ""),
        "time_point": (None if context.time_point is TimePoint.UNKNOWN else context.time_point.value, ""),
        "disease": (context.disease, ""),
        "indication": (context.indication, ""),
        "glucose_mmol_l": (context.glucose_mmol_l, "mmol/l"),
        "therapy": (therapy or None, ""),
        "g_csf": (None if context.g_csf is None else ("yes" if context.g_csf else "no"), ""),
        "age_years": (context.age_years, "a"),
        "sex": (None if context.sex is None else context.sex.value, ""),
    }
    return tuple(
        Fact(key=key, value=value, unit=unit, source=context.sources.get(key, "given"))
        for key, (value, unit) in values.items()
        if value is not None
    )


def _scanner(series: Series) -> str | None:
    return " ".join(part for part in (series.manufacturer, series.model) if part) or None


def _source(series: Series, key: str) -> str:
    return "user" if _USER_NAMES[key] & set(series.user_entered) else "header"


def _uptake_source(series: Series) -> str:
    return "user" if _source(series, "uptake_min") == "user" else "computed"
