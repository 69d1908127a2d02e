"""Patient, dose and nuclide in force: the user's value, else the header's where it can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from petrg.errors import Problem, SuvError
from petrg.imaging.context import Sex
from petrg.imaging.nuclide import HALF_LIFE_S, TOLERANCE, nuclide_of_half_life, nuclide_of_tracer
from petrg.imaging.study import HeaderValue
from petrg.imaging.suv_types import Given, SuvHeader

__all__ = ["Facts", "facts_of"]

_SMALLEST_DOSE_BQ = 1e6
_LARGEST_DOSE_BQ = 20e9
_ACTIVITY = "or go on without SUV by --quantity activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Values in force; None where unknown or unusable, with the reason in ``unusable``."""

    weight_kg: float | None
    height_m: float | None
    sex: Sex | None
    dose_bq: float | None
    half_life_s: float | None
    nuclide: str | None
    tracer: str | None
    user_entered: tuple[str, ...]
    dose_read_as_mbq: bool
    inputs: Mapping[str, HeaderValue]
    problems: tuple[Problem, ...]
    unusable: Mapping[str, str] = field(default_factory=dict)

    def noting(self, problem: Problem) -> Facts:
        """The facts with one more problem."""
        return replace(self, problems=(*self.problems, problem))

    def need_weight(self) -> float:
        """Weight in kg, or `SuvError`."""
        if self.weight_kg is None:
            raise SuvError(self.unusable["weight"], "a weight of 0.5 to 500 kg", f"give --weight-kg, {_ACTIVITY}")
        return self.weight_kg

    def need_height(self) -> float:
        """Height in m, or `SuvError`."""
        if self.height_m is None:
            raise SuvError(self.unusable["height"], "a height of 0.3 to 2.6 m", "give --height-m")
        return self.height_m

    def need_dose(self) -> float:
        """Injected dose in Bq, or `SuvError`."""
        if self.dose_bq is None:
            raise SuvError(self.unusable["dose"], "an injected dose above 0", f"give --dose-mbq, {_ACTIVITY}")
        return self.dose_bq

    def need_half_life(self) -> float:
        """Half-life in s that agrees with the nuclide, or `SuvError`."""
        own = HALF_LIFE_S.get(self.nuclide or "")
        if self.half_life_s is None:
            raise SuvError(
                "neither half-life nor nuclide in the header",
                "one of them",
                f"give --tracer (FDG is F-18), {_ACTIVITY}",
            )
        if own is not None and abs(self.half_life_s - own) > TOLERANCE * own:
            raise SuvError(
                f"half-life {self.half_life_s:g} s for {self.nuclide}",
                f"{own:g} s",
                f"correct the header, {_ACTIVITY}",
            )
        return self.half_life_s


def facts_of(header: SuvHeader, given: Given) -> Facts:
    """Resolve header and user values of one series."""
    problems: list[Problem] = []
    unusable: dict[str, str] = {}
    weight_kg = given.weight_kg or _within("weight", header.weight_kg, 0.5, 500.0, "kg", unusable)
    height_m = given.height_m or _within("height", header.height_m, 0.3, 2.6, "m", unusable)
    if header.height_m and height_m is None:
        problems.append(Problem("height-unusable", f"{unusable['height']}: read as absent, give --height-m"))
    dose_bq, as_mbq = _dose(header, given, unusable)
    if as_mbq:
        text = f"dose {header.dose_bq:g} is under 1e6 Bq: read as MBq, checked by the activity balance"
        problems.append(Problem("dose-read-as-mbq", text))
    tracer = given.tracer or header.tracer
    nuclide = nuclide_of_tracer(given.tracer) or header.nuclide or nuclide_of_tracer(header.tracer)
    half_life_s = header.half_life_s if header.half_life_s and header.half_life_s > 0 else None
    if half_life_s is None and nuclide is not None:
        half_life_s = HALF_LIFE_S[nuclide]
        problems.append(Problem("half-life-of-nuclide", f"half-life absent: {half_life_s:g} s of {nuclide} used"))
    elif nuclide is None and half_life_s is not None and nuclide_of_half_life(half_life_s) is None:
        problems.append(Problem("half-life-unknown", f"half-life {half_life_s:g} s belongs to no known nuclide"))
    user = tuple(
        name
        for name in ("weight_kg", "height_m", "sex", "dose_mbq", "injected_at", "tracer")
        if getattr(given, name) is not None
    )
    return Facts(
        weight_kg=weight_kg,
        height_m=height_m,
        sex=given.sex or header.sex,
        dose_bq=dose_bq,
        half_life_s=half_life_s,
        nuclide=nuclide or nuclide_of_half_life(half_life_s),
        tracer=tracer,
        user_entered=user,
        dose_read_as_mbq=as_mbq,
        inputs=_inputs(header, given, half_life_s),
        problems=tuple(problems),
        unusable=unusable,
    )


def _within(
    name: str, value: float | None, low: float, high: float, unit: str, unusable: dict[str, str]
) -> float | None:
    if value is not None and low <= value <= high:
        return value
    unusable[name] = f"no {name} in the header" if value is None else f"{name} {value:g} {unit} in the header"
    return None


def _dose(header: SuvHeader, given: Given, unusable: dict[str, str]) -> tuple[float | None, bool]:
    """Dose in Bq, and whether the header wrote it in MBq: no patient gets under 1 MBq of these tracers."""
    if given.dose_mbq is not None:
        return given.dose_mbq * 1e6, False
    dose = header.dose_bq
    if dose is None or dose <= 0:
        unusable["dose"] = (
            "no injected dose in the header" if dose is None else f"injected dose {dose:g} Bq in the header"
        )
        return None, False
    as_mbq = dose < _SMALLEST_DOSE_BQ
    dose_bq = dose * 1e6 if as_mbq else dose
    if not _SMALLEST_DOSE_BQ <= dose_bq <= _LARGEST_DOSE_BQ:
        unusable["dose"] = f"injected dose {dose:g} in the header is neither Bq nor MBq of a PET tracer"
        return None, False
    return dose_bq, as_mbq


def _inputs(header: SuvHeader, given: Given, half_life_s: float | None) -> dict[str, HeaderValue]:
    """Every value that went in, by DICOM keyword; the user's are marked so."""
    user = {
        "PatientWeight": given.weight_kg,
        "PatientSize": given.height_m,
        "PatientSex": given.sex and str(given.sex),
        "RadionuclideTotalDose": given.dose_mbq and given.dose_mbq * 1e6,
        "Radiopharmaceutical": given.tracer,
    }
    own = {
        "Units": header.units,
        "SUVType": header.suv_type,
        "DecayCorrection": header.decay_correction,
        "CorrectedImage": "\\".join(header.corrected) or None,
        "PatientWeight": header.weight_kg,
        "PatientSize": header.height_m,
        "PatientSex": header.sex and str(header.sex),
        "RadionuclideTotalDose": header.dose_bq,
        "RadionuclideHalfLife": half_life_s,
        "Radionuclide": header.nuclide,
        "Radiopharmaceutical": header.tracer,
    }
    inputs = {key: HeaderValue(value) for key, value in own.items() if value is not None}
    return inputs | {key: HeaderValue(value, "user") for key, value in user.items() if value is not None}
