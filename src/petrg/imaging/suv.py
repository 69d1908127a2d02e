"""SUVbw from what a PET header says, by every branch that scanners use.

QIBA's vendor-neutral pseudo-code, the IBSI SUV computation, DICOM PS3.3 C.8.9.1. `suv_factor` is
the bare formula; `suv_scale` decides which formula applies, refuses what cannot be trusted, and
records the branch and every value that went in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from petrg.errors import Problem, SuvError
from petrg.imaging.decay import Moment, injected, longest_uptake_s, scan_start, uptake_problems
from petrg.imaging.lean import body_surface_cm2, lean_mass_kg, mean_of_sexes
from petrg.imaging.nuclide import F18, HALF_LIFE_S
from petrg.imaging.study import HeaderValue, SuvProvenance
from petrg.imaging.suv_facts import Facts, facts_of
from petrg.imaging.suv_types import Given, Injection, SuvHeader, SuvScale, parse_injected_at, suv_factor

__all__ = [
    "Given",
    "Injection",
    "SuvHeader",
    "SuvScale",
    "activity_scale",
    "parse_injected_at",
    "suv_factor",
    "suv_scale",
]

_ACTIVITY = "or go on without SUV by --quantity activity"
_NO_GIVEN = Given()


def suv_scale(headers: Sequence[SuvHeader], given: Given = _NO_GIVEN) -> SuvScale:
    """How to bring the rescaled pixel values of one PET series to SUVbw.

    Parameters
    ----------
    headers : sequence of SuvHeader
        One per image, in any order; the factors come back in the same order.
    given : Given
        Values of the user; they win over the header's.

    Raises
    ------
    SuvError
        If SUV cannot be had or not be trusted; the message names the way out.
    """
    if not headers:
        raise SuvError("no PET image", "at least one", "point to the folder that holds the PET")
    _expect_one_series(headers, given)
    facts = facts_of(headers[0], given)
    match headers[0].units:
        case "BQML":
            return _from_activity(headers, given, facts, "bqml", (1.0,) * len(headers))
        case "CNTS":
            return _from_counts(headers, given, facts)
        case "GML" | "CM2ML":
            return _from_suv(headers, given, facts)
    raise _unknown_units(headers[0].units)


def activity_scale(headers: Sequence[SuvHeader]) -> tuple[float, ...]:
    """Factors from rescaled pixel values to Bq/ml, image by image; needs no dose, weight or time.

    Raises
    ------
    SuvError
        If the series is neither in Bq/ml nor in counts with Philips' activity factor.
    """
    units = {h.units for h in headers}
    if units == {"BQML"}:
        return (1.0,) * len(headers)
    if units == {"CNTS"}:
        factors = _philips(headers, "philips_activity")
        if factors is not None:
            return factors
        raise SuvError(
            "PET in counts (CNTS) without Philips' activity factor (7053,xx09)",
            "a PET in Bq/ml, or in counts with that factor",
            "export the series again with its private tags",
        )
    found = _shown(next(iter(units))) if len(units) == 1 else "mixed"
    raise SuvError(f"PET units {found}", "BQML for activity", "read it without --quantity activity")


_SAME = {
    "units": None, "suv_type": None, "decay_correction": None, "nuclide": None, "half_life_s": None,
    "weight_kg": "weight_kg", "height_m": "height_m", "sex": "sex", "dose_bq": "dose_mbq", "injections": "dose_mbq",
    "injected_at": "injected_at", "injected_time": "injected_at",
}  # fmt: skip
"""What must be the same for a whole series, and the user's value that makes it so."""


def _expect_one_series(headers: Sequence[SuvHeader], given: Given) -> None:
    for name, own in _SAME.items():
        if (own is None or getattr(given, own) is None) and len({getattr(h, name) for h in headers}) > 1:
            way = f"give --{own.replace('_', '-')}, {_ACTIVITY}" if own else f"choose one series, {_ACTIVITY}"
            raise SuvError(f"images of one PET series differ in {name}", "one value for the series", way)


_TERMS = {
    "CNTS", "NONE", "CM2", "CM2ML", "PCNT", "CPS", "BQML", "MGMINML", "UMOLMINML", "MLMING", "MLG", "1CM", "UMOLML",
    "PROPCNTS", "PROPCPS", "MLMINML", "MLML", "GML", "STDDEV", "START", "ADMIN", "BSA", "BW", "LBM", "LBMJAMES128",
    "LBMJANMA", "IBW",
}  # fmt: skip
"""Defined terms, DICOM PS3.3 C.8.9.1; a damaged header may hold a name or a date in their place."""


def _shown(term: str | None) -> str:
    """A value as it may stand in a message: a defined term, or nothing of the header's text."""
    return repr(term) if term in _TERMS else "unreadable" if term else "absent"


def _unknown_units(units: str | None) -> SuvError:
    return SuvError(
        f"PET units {_shown(units)}",
        "BQML, GML, CM2ML, or CNTS with Philips' factors",
        "export the PET in Bq/ml (BQML) or as SUV (GML)",
    )


def _expect_corrected(headers: Sequence[SuvHeader], *needed: str) -> None:
    lacking = [term for term in needed if any(term not in h.corrected for h in headers)]
    if "ATTN" in lacking:
        raise SuvError(
            "PET without attenuation correction (NAC: CorrectedImage lacks ATTN)",
            "CorrectedImage with " + " and ".join(needed),
            "choose the attenuation-corrected series with --pet-series, " + _ACTIVITY,
        )
    if lacking:
        raise SuvError(
            "DecayCorrection says corrected, CorrectedImage lacks DECY",
            "CorrectedImage with " + " and ".join(needed),
            "export the decay-corrected series, " + _ACTIVITY,
        )


def _scale(
    facts: Facts,
    branch: str,
    suv: tuple[float, ...],
    activity: tuple[float, ...] | None,
    factor: float | None,
    uptake_s: float | None,
) -> SuvScale:
    """The result, with its provenance and SUL factor (Janmahasatian; height and sex must be known)."""
    sul = None
    if facts.weight_kg and facts.height_m and not mean_of_sexes(facts.sex):
        sul = lean_mass_kg("LBMJANMA", facts.weight_kg, facts.height_m, facts.sex) / facts.weight_kg
    inputs = dict(facts.inputs)
    if uptake_s is not None:
        user = "injected_at" in facts.user_entered
        inputs["InjectionToScanStart_s"] = HeaderValue(uptake_s, "user" if user else "header")
    return SuvScale(
        suv_per_image=suv,
        activity_per_image=activity,
        provenance=SuvProvenance(branch=branch, factor_g_per_bq=factor, sul_factor=sul, inputs=inputs),
        uptake_s=uptake_s,
        problems=facts.problems,
        weight_kg=facts.weight_kg,
        height_m=facts.height_m,
        sex=facts.sex,
        dose_bq=facts.dose_bq,
        half_life_s=facts.half_life_s,
        nuclide=facts.nuclide,
        tracer=facts.tracer,
        user_entered=facts.user_entered,
        dose_read_as_mbq=facts.dose_read_as_mbq,
    )


def _from_activity(
    headers: Sequence[SuvHeader], given: Given, facts: Facts, kind: str, to_bq: tuple[float, ...]
) -> SuvScale:
    """Activity times weight over decayed dose; ``to_bq`` brings each image to Bq/ml first."""
    decay = headers[0].decay_correction
    if decay not in ("START", "ADMIN", "NONE"):
        raise SuvError(
            f"DecayCorrection {_shown(decay)}", "START, ADMIN or NONE", "export the series again with it, " + _ACTIVITY
        )
    _expect_corrected(headers, *(("ATTN",) if decay == "NONE" else ("ATTN", "DECY")))
    if decay == "NONE" and any("DECY" in h.corrected for h in headers):
        text = "DecayCorrection NONE, yet CorrectedImage holds DECY: read as not decay-corrected"
        facts = facts.noting(Problem("decay-contradiction", text))
    if headers[0].injections > 1 and given.dose_mbq is None:
        raise SuvError(
            f"{headers[0].injections} injections in the header",
            "one",
            "give --dose-mbq and --injected-at, " + _ACTIVITY,
        )
    weight_kg, dose_bq = facts.need_weight(), facts.need_dose()
    half_life_s = facts.need_half_life() if decay != "ADMIN" else facts.half_life_s or HALF_LIFE_S[F18]
    facts, injection, scan = _times(headers, given, facts, half_life_s)
    if injection is None and decay != "ADMIN":
        raise SuvError("no injection time", "the time of injection", "give --injected-at, " + _ACTIVITY)
    uptake_s = (scan.at - injection.at).total_seconds() if injection and scan else None
    elapsed: tuple[float, ...]
    if decay == "START" and uptake_s is not None:
        elapsed = (uptake_s,) * len(headers)
    elif decay == "NONE" and injection is not None:
        elapsed = _to_each_acquisition(headers, injection)
    else:
        elapsed = (0.0,) * len(headers)
    factors = _factors(dose_bq, half_life_s, weight_kg, elapsed)
    one = factors[0] if len(set(factors)) == 1 else None
    if one is None:
        inputs = {**facts.inputs, "InjectionToFrames_s": HeaderValue(f"{min(elapsed):.6f} to {max(elapsed):.6f}")}
        facts = replace(facts, inputs=inputs)
    suv = tuple(factor * scale for factor, scale in zip(factors, to_bq, strict=True))
    return _scale(facts, f"{kind}-{decay.lower()}", suv, to_bq, one, uptake_s)


def _factors(dose_bq: float, half_life_s: float, weight_kg: float, elapsed: tuple[float, ...]) -> tuple[float, ...]:
    def factor(elapsed_s: float) -> float:
        return suv_factor(Injection(dose_bq=dose_bq, half_life_s=half_life_s, weight_kg=weight_kg, elapsed_s=elapsed_s))

    known = {elapsed_s: factor(elapsed_s) for elapsed_s in set(elapsed)}
    return tuple(known[elapsed_s] for elapsed_s in elapsed)


def _to_each_acquisition(headers: Sequence[SuvHeader], injection: Moment) -> tuple[float, ...]:
    """Seconds from injection to each image's own acquisition (DecayCorrection NONE)."""
    moments = [h.acquired_at for h in headers]
    if any(moment is None for moment in moments):
        raise SuvError(
            "images without an acquisition time",
            "one on every image without decay correction",
            "export it again, " + _ACTIVITY,
        )
    return tuple((moment - injection.at).total_seconds() for moment in moments if moment is not None)


def _times(
    headers: Sequence[SuvHeader], given: Given, facts: Facts, half_life_s: float
) -> tuple[Facts, Moment | None, Moment]:
    """Injection and scan start, with what they say noted in the facts."""
    scan = scan_start(headers, half_life_s)
    longest_s = longest_uptake_s(facts.nuclide, half_life_s)
    injection = injected(headers[0], given, scan.at, longest_s)
    problems = [*facts.problems, *scan.problems]
    inputs = {**facts.inputs, "ScanStart": HeaderValue(scan.rule)}
    series = min((h.series_start for h in headers if h.series_start), default=None)
    earliest = min((h.acquired_at for h in headers if h.acquired_at), default=None)
    if series and earliest:
        inputs["SeriesToEarliestAcquisition_s"] = HeaderValue((earliest - series).total_seconds())
    if scan.rule == "frame-reference":
        first = min((h for h in headers if h.acquired_at and h.frame_reference_ms), key=_acquired)
        inputs["FrameReferenceTime"] = HeaderValue(first.frame_reference_ms)
        inputs["ActualFrameDuration"] = HeaderValue(first.frame_duration_ms)
    if injection is None:
        problems.append(Problem("injection-time-unknown", "injection time unknown: no uptake time"))
    else:
        inputs["InjectionTime"] = HeaderValue(injection.rule, "user" if injection.rule == "user" else "header")
        uptake_s = (scan.at - injection.at).total_seconds()
        problems += [*injection.problems, *uptake_problems(uptake_s, facts.tracer, longest_s)]
    return replace(facts, problems=tuple(problems), inputs=inputs), injection, scan


def _acquired(header: SuvHeader) -> float:
    return header.acquired_at.timestamp() if header.acquired_at else 0.0


def _philips(headers: Sequence[SuvHeader], name: str) -> tuple[float, ...] | None:
    """A private Philips factor of every image; 0 counts as absent."""
    factors = tuple(getattr(h, name) or 0.0 for h in headers)
    if all(factor > 0 for factor in factors):
        return factors
    if any(factor > 0 for factor in factors):
        raise SuvError(
            "Philips' factor on some images only", "one on every image", "export the series again with its private tags"
        )
    return None


def _from_counts(headers: Sequence[SuvHeader], given: Given, facts: Facts) -> SuvScale:
    """Counts: Philips' SUV factor, else Philips' activity factor and the dose."""
    suv, activity = _philips(headers, "philips_suv"), _philips(headers, "philips_activity")
    if suv is None and activity is None:
        raise SuvError(
            "PET in counts (CNTS) without Philips' factors (7053,xx00 and 7053,xx09)",
            "one of them above 0",
            "export the series again with its private tags, or as BQML or GML",
        )
    inputs = dict(facts.inputs)
    for name, factors in (("PhilipsSUVScaleFactor", suv), ("PhilipsActivityScaleFactor", activity)):
        if factors:
            inputs[name] = HeaderValue(factors[0])
    facts = replace(facts, inputs=inputs)
    if suv is None and activity is not None:
        return _from_activity(headers, given, facts, "philips-activity-factor", activity)
    _expect_corrected(headers, "ATTN", "DECY")
    facts, uptake_s = _uptake_if_known(headers, given, facts)
    return _scale(facts, "philips-suv-factor", suv or (), activity, None, uptake_s)


def _uptake_if_known(headers: Sequence[SuvHeader], given: Given, facts: Facts) -> tuple[Facts, float | None]:
    """Uptake time where the factor does not depend on it: what is wrong is a problem, no refusal."""
    half_life_s = facts.half_life_s or HALF_LIFE_S.get(facts.nuclide or F18, HALF_LIFE_S[F18])
    try:
        facts, injection, scan = _times(headers, given, facts, half_life_s)
    except SuvError as error:
        problem = Problem("uptake-unknown", f"uptake time unknown: {error.found}")
        return replace(facts, problems=(*facts.problems, problem)), None
    return facts, (scan.at - injection.at).total_seconds() if injection else None


def _from_suv(headers: Sequence[SuvHeader], given: Given, facts: Facts) -> SuvScale:
    """Already an SUV: never scaled by the dose again, brought to body weight by its own normalisation."""
    if any(h.corrected for h in headers):
        _expect_corrected(headers, "ATTN")
    factor, kind, facts = _to_body_weight(headers[0], facts)
    facts, uptake_s = _uptake_if_known(headers, given, facts)
    return _scale(facts, kind, (factor,) * len(headers), None, None, uptake_s)


def _to_body_weight(header: SuvHeader, facts: Facts) -> tuple[float, str, Facts]:
    suv_type = header.suv_type or None
    if header.units == "CM2ML":
        if suv_type not in (None, "BSA"):
            raise SuvError(
                f"PET units CM2ML with SUVType {_shown(suv_type)}", "SUVType BSA", "export it as SUVbw (GML)"
            )
        surface = body_surface_cm2(facts.need_weight(), facts.need_height())
        return facts.need_weight() * 1000.0 / surface, "cm2ml-bsa", facts
    if suv_type in (None, "BW"):
        if suv_type is None:
            facts = facts.noting(Problem("suv-type-absent", "SUV type absent: read as body weight"))
        return 1.0, "gml-bw", facts
    if suv_type not in ("LBMJAMES128", "LBMJANMA", "LBM", "IBW"):
        raise SuvError(
            f"PET units GML with SUVType {_shown(suv_type)}",
            "BW, LBM, LBMJAMES128, LBMJANMA or IBW",
            "export it as SUVbw (GML, BW) or in Bq/ml",
        )
    weight_kg = facts.need_weight()
    mass_kg = lean_mass_kg(suv_type, weight_kg, facts.need_height(), facts.sex)
    if mass_kg <= 0:
        raise SuvError(f"{suv_type} mass {mass_kg:.1f} kg", "a mass above 0", "check --weight-kg and --height-m")
    if mean_of_sexes(facts.sex):
        text = f"sex {'other' if facts.sex else 'absent'}: {suv_type} is the mean of both sexes' formulas"
        facts = facts.noting(Problem("mean-of-sexes", text))
    if suv_type == "LBM":
        facts = facts.noting(Problem("obsolete-formula", "SUV type LBM: obsolete formula (Morgan)"))
    return weight_kg / mass_kg, f"gml-{suv_type.lower()}", facts
