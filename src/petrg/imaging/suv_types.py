"""What SUV is computed from and what comes out: header values, values the user gives, factors."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field

from petrg.errors import Problem, SuvError
from petrg.imaging.context import Sex
from petrg.imaging.study import SuvProvenance

__all__ = ["Given", "Injection", "SuvHeader", "SuvScale", "parse_injected_at", "suv_factor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What turns activity into SUV.

    Parameters
    ----------
    dose_bq : float
        Injected activity at the time of injection.
    half_life_s, weight_kg : float
    elapsed_s : float
        From injection to the time the image is decay-corrected to; 0 where that is the injection.

    Raises
    ------
    SuvError
        If a value is not a positive number, or the image precedes the injection.
    """

    dose_bq: float
    half_life_s: float
    weight_kg: float
    elapsed_s: float = 0.0

    def __post_init__(self) -> None:
        for name, unit in (("dose_bq", "Bq"), ("half_life_s", "s"), ("weight_kg", "kg")):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise SuvError(f"{name} {value!r}", f"a number of {unit} above 0", "check the header or give the value")
        if not (self.elapsed_s >= 0 and math.isfinite(self.elapsed_s)):
            raise SuvError(
                f"image {-self.elapsed_s:.0f} s before the injection", "an image after it", "give --injected-at"
            )


def suv_factor(injection: Injection) -> float:
    """Grams per becquerel: SUVbw (g/ml) = activity (Bq/ml) times this.

    Notes
    -----
    weight (g) / decayed dose (Bq), QIBA's vendor-neutral SUV computation. The bare formula: what is
    plausible is judged by `petrg.imaging.suv.suv_scale`.

    Examples
    --------
    >>> one_half_life = Injection(dose_bq=370e6, half_life_s=6586.2, weight_kg=74, elapsed_s=6586.2)
    >>> round(suv_factor(one_half_life), 10)
    0.0004
    """
    decayed_bq = injection.dose_bq * math.exp2(-injection.elapsed_s / injection.half_life_s)
    if decayed_bq <= 0:
        raise SuvError(
            f"no activity left after {injection.elapsed_s / injection.half_life_s:.0f} half-lives",
            "an image within hours of the injection",
            "check the half-life, give --injected-at",
        )
    return injection.weight_kg * 1000.0 / decayed_bq


def _range(name: str, value: float | None, low: float, high: float, unit: str, option: str) -> None:
    if value is not None and not low <= value <= high:
        raise SuvError(f"{name} {value:g} {unit} given", f"{low:g} to {high:g} {unit}", f"correct {option}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values the user enters; each wins over the header's and is marked user-entered.

    Parameters
    ----------
    weight_kg, height_m, dose_mbq : float or None
    sex : Sex or None
        A letter F, M or O is taken too.
    injected_at : datetime, time or None
        In the scanner's local time; a bare time is laid on the day of the scan.
    tracer : str or None

    Raises
    ------
    SuvError
        If a value cannot be: weight outside 0.5–500 kg, height outside 0.3–2.6 m, dose outside 1–20000 MBq.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: Sex | None = None
    dose_mbq: float | None = None
    injected_at: dt.datetime | dt.time | None = None
    tracer: str | None = None

    def __post_init__(self) -> None:
        _range("weight", self.weight_kg, 0.5, 500, "kg", "--weight-kg")
        _range("height", self.height_m, 0.3, 2.6, "m", "--height-m")
        _range("dose", self.dose_mbq, 1, 20000, "MBq", "--dose-mbq")
        if self.sex is not None:
            try:
                object.__setattr__(self, "sex", Sex(str(self.sex).upper()))
            except ValueError as error:
                raise SuvError("the sex given is unknown", "F, M or O", "correct --sex") from error
        if self.injected_at is not None and self.injected_at.tzinfo is not None:
            raise SuvError("a time zone in the injection time", "the scanner's local time", "correct --injected-at")


def parse_injected_at(text: str) -> dt.datetime | dt.time:
    """A time (``08:45``, ``08:45:30``) or a date and time (``2024-05-01T08:45``) as the user types it.

    Raises
    ------
    SuvError
        If it is neither.

    Examples
    --------
    >>> parse_injected_at("08:45")
    datetime.time(8, 45)
    """
    given = text.strip()
    if re.search(r"(?:^|[T ])\d{2}:\d{2}", given):  # a date alone would be read as midnight, 2024 as 20:24
        for parse in (dt.time.fromisoformat, dt.datetime.fromisoformat):
            try:
                return parse(given)
            except ValueError:
                continue
    raise SuvError("the injection time cannot be read", "HH:MM[:SS] or YYYY-MM-DDTHH:MM[:SS]", "correct --injected-at")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuvHeader:
    """Every header value of one image that the SUV rules need; what the header lacks is None.

    Dates and times are local, naive, with microseconds, and left out of the repr.

    Parameters
    ----------
    units, suv_type, decay_correction : str or None
        (0054,1001), (0054,1006), (0054,1102), upper case.
    corrected : tuple of str
        Corrected Image (0028,0051), upper case.
    height_m : float or None
        As the header writes it.
    injected_at, injected_time
        (0018,1078) and (0018,1072).
    series_start, acquired_at
        Series and Acquisition date and time.
    ge_scan_start
        GE's private scan time, (0009,xx0D) of creator GEMS_PETD_01.
    frame_reference_ms, frame_duration_ms
        (0054,1300) and (0018,1242).
    philips_suv, philips_activity
        Private (7053,xx00) and (7053,xx09) of creator Philips PET Private Group.
    injections : int
        Items of the Radiopharmaceutical Information Sequence.
    """

    units: str | None = None
    suv_type: str | None = None
    decay_correction: str | None = None
    corrected: tuple[str, ...] = ()
    weight_kg: float | None = None
    height_m: float | None = None
    sex: Sex | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    nuclide: str | None = None
    tracer: str | None = None
    injected_at: dt.datetime | None = field(default=None, repr=False)
    injected_time: dt.time | None = field(default=None, repr=False)
    series_start: dt.datetime | None = field(default=None, repr=False)
    acquired_at: dt.datetime | None = field(default=None, repr=False)
    ge_scan_start: dt.datetime | None = field(default=None, repr=False)
    frame_reference_ms: float | None = None
    frame_duration_ms: float | None = None
    philips_suv: float | None = None
    philips_activity: float | None = None
    injections: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SuvScale:
    """Factors of one PET series, image by image in the order of the headers given.

    Parameters
    ----------
    suv_per_image : tuple of float
        Rescaled pixel value (slope and intercept applied) times this is SUVbw, g/ml.
    activity_per_image : tuple of float or None
        Rescaled pixel value times this is Bq/ml; None where the header has no way to it.
    provenance : SuvProvenance
    uptake_s : float or None
        Injection to scan start.
    problems : tuple of Problem
    weight_kg, height_m, sex, dose_bq, half_life_s, nuclide, tracer
        The values in force: the user's, else the header's; None where unknown or unusable.
    user_entered : tuple of str
        Names of the values the user gave.
    dose_read_as_mbq : bool
        The header's dose was too small to be Bq; the activity balance must confirm the factor.
    """

    suv_per_image: tuple[float, ...]
    activity_per_image: tuple[float, ...] | None
    provenance: SuvProvenance
    uptake_s: float | None = None
    problems: tuple[Problem, ...] = ()
    weight_kg: float | None = None
    height_m: float | None = None
    sex: Sex | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    nuclide: str | None = None
    tracer: str | None = None
    user_entered: tuple[str, ...] = ()
    dose_read_as_mbq: bool = False
