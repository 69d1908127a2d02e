"""When the scan began, when the tracer was injected, and how far apart that is.

The rules are QIBA's vendor-neutral pseudo-code. No date or time leaves this module in a message:
only differences in minutes do.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from petrg.errors import Problem, SuvError
from petrg.imaging.nuclide import F18, is_fdg, nuclide_of_half_life
from petrg.imaging.suv_types import Given, SuvHeader

__all__ = ["Moment", "frame_centre_s", "injected", "longest_uptake_s", "scan_start", "uptake_problems"]

_DAY = dt.timedelta(days=1)
_WAY_OUT = "give --injected-at, or go on without SUV by --quantity activity"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time and the rule that gave it."""

    at: dt.datetime
    rule: str
    problems: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        return f"Moment({self.rule!r})"


def frame_centre_s(duration_s: float, half_life_s: float) -> float:
    """From a frame's start to the time of its mean count rate, s.

    >>> round(frame_centre_s(120.0, 6586.2), 5)
    59.93685
    """
    constant = math.log(2) / half_life_s
    during = constant * duration_s
    if during < 1e-9:  # the formula's limit, which it cannot be trusted to reach in floats
        return duration_s / 2
    return math.log(during / -math.expm1(-during)) / constant


def scan_start(headers: Sequence[SuvHeader], half_life_s: float) -> Moment:
    """The time the series is decay-corrected to under DecayCorrection START.

    Series date and time, unless that lies after the earliest acquisition (a series stored again
    later); then GE's private scan time, else worked back from the frame reference time, else the
    earliest acquisition.

    Raises
    ------
    SuvError
        If the header holds neither a series nor an acquisition time.
    """
    series = min((h.series_start for h in headers if h.series_start), default=None)
    earliest = min((h.acquired_at for h in headers if h.acquired_at), default=None)
    if series is not None and (earliest is None or series <= earliest):
        return Moment(series, "series", () if earliest else (_unchecked(),))
    ge = min((h.ge_scan_start for h in headers if h.ge_scan_start), default=None)
    if ge is not None:
        late = earliest is not None and ge > earliest + dt.timedelta(seconds=1)
        return Moment(ge, "ge-private", (_ge_late(),) if late else ())
    back = _worked_back(headers, half_life_s)
    if back is not None:
        return back
    if earliest is not None:
        text = "scan start taken from the earliest acquisition: the series time is later and no frame reference helps"
        return Moment(earliest, "earliest-acquisition", (Problem("scan-start-earliest-acquisition", text),))
    raise SuvError(
        "no series and no acquisition time",
        "a scan start to decay the dose to",
        "export the series again with its times, or go on without SUV by --quantity activity",
    )


def _unchecked() -> Problem:
    return Problem("scan-start-unchecked", "no acquisition times: the series time stands as scan start unchecked")


def _ge_late() -> Problem:
    return Problem("scan-start-ge-late", "the scanner's private scan time lies after the earliest acquisition")


def _worked_back(headers: Sequence[SuvHeader], half_life_s: float) -> Moment | None:
    """Scan start from the frame reference time of the first bed position that has one (QIBA)."""
    starts: list[tuple[dt.datetime, dt.datetime]] = []
    for h in headers:
        reference_ms, duration_ms = h.frame_reference_ms or 0.0, h.frame_duration_ms or 0.0
        if h.acquired_at and reference_ms > 0 and duration_ms > 0:
            back_s = reference_ms / 1000.0 - frame_centre_s(duration_ms / 1000.0, half_life_s)
            starts.append((h.acquired_at, _shift(h.acquired_at, -back_s)))
    if not starts:
        return None
    first = min(starts)[1]
    spread_s = max(abs((start - first).total_seconds()) for _, start in starts)
    text = f"scan starts worked back from bed positions differ by {spread_s:.0f} s; the first bed's is used"
    return Moment(first, "frame-reference", (Problem("scan-start-spread", text),) if spread_s > 60 else ())


def _shift(moment: dt.datetime, seconds: float) -> dt.datetime:
    try:
        return moment + dt.timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise SuvError("a frame reference time of centuries", "milliseconds within one scan", _WAY_OUT) from error


def longest_uptake_s(nuclide: str | None, half_life_s: float) -> float:
    """Longest uptake believed when a time crosses midnight: 6 h for F-18, else 3 half-lives.

    >>> longest_uptake_s("F-18", 6586.2) / 3600, longest_uptake_s("Ga-68", 4062.6)
    (6.0, 12187.8)
    """
    return 6 * 3600.0 if (nuclide or nuclide_of_half_life(half_life_s)) == F18 else 3 * half_life_s


def injected(header: SuvHeader, given: Given, scan: dt.datetime, longest_s: float) -> Moment | None:
    """When the tracer was injected; None where neither header nor user says.

    The user's time wins, then (0018,1078), then (0018,1072).

    Raises
    ------
    SuvError
        If it lies after the scan, or on another day than the scan and not within ``longest_s``
        before it (de-identification that shifted dates).
    """
    if given.injected_at is not None:
        rule = "user"
        if isinstance(given.injected_at, dt.time):
            return _bare_time(given.injected_at, scan, longest_s, rule)
        return _dated(given.injected_at, scan, longest_s, rule)
    if header.injected_at is not None:
        moment = _dated(header.injected_at, scan, longest_s, "RadiopharmaceuticalStartDateTime")
        return Moment(moment.at, moment.rule, (*moment.problems, *_disagreement(header)))
    if header.injected_time is not None:
        return _bare_time(header.injected_time, scan, longest_s, "RadiopharmaceuticalStartTime")
    return None


def _disagreement(header: SuvHeader) -> tuple[Problem, ...]:
    if header.injected_time is None or header.injected_at is None:
        return ()
    other = dt.datetime.combine(header.injected_at.date(), header.injected_time)
    apart_s = abs((header.injected_at - other).total_seconds())
    apart_s = min(apart_s, 86400 - apart_s)
    if apart_s <= 60:
        return ()
    text = f"two injection times {apart_s / 60:.0f} min apart in the header; the one with a date is used"
    return (Problem("injection-times-differ", text),)


def _bare_time(time: dt.time, scan: dt.datetime, longest_s: float, rule: str) -> Moment:
    at = dt.datetime.combine(scan.date(), time)
    return Moment(at, rule) if at <= scan else _day_before(at, scan, longest_s, rule)


def _dated(at: dt.datetime, scan: dt.datetime, longest_s: float, rule: str) -> Moment:
    days = (scan.date() - at.date()).days
    uptake_s = (scan - at).total_seconds()
    if uptake_s >= 0 and (days == 0 or (days == 1 and uptake_s <= longest_s)):
        return Moment(at, rule)
    if days == 0:
        return _day_before(at, scan, longest_s, rule)
    raise SuvError(
        "the injection is dated on another day than the scan (dates shifted by de-identification?)",
        f"an injection within {longest_s / 3600:.1f} h before the scan",
        _WAY_OUT,
    )


def _day_before(at: dt.datetime, scan: dt.datetime, longest_s: float, rule: str) -> Moment:
    """The same time of the day before, where that gives an uptake that can be believed."""
    late_s = (at - scan).total_seconds()
    uptake_s = 86400.0 - late_s
    if uptake_s > longest_s or scan.date() == dt.date.min:
        raise SuvError(f"injection {late_s / 60:.1f} min after the scan", "an injection before the scan", _WAY_OUT)
    text = f"injection taken as the day before the scan: uptake {uptake_s / 60:.0f} min"
    return Moment(at - _DAY, rule, (Problem("injection-day-before", text),))


def uptake_problems(uptake_s: float, tracer: str | None, longest_s: float) -> tuple[Problem, ...]:
    """What is unusual about an uptake time: FDG outside 45–120 min, or more than was ever meant.

    >>> [str(p) for p in uptake_problems(20 * 60, "FDG", 21600)]
    ['FDG uptake 20 min, usual is 45 to 120 min']
    """
    if is_fdg(tracer) and not 45 * 60 <= uptake_s <= 120 * 60:
        text = f"FDG uptake {uptake_s / 60:.0f} min, usual is 45 to 120 min"
        return (Problem("uptake-unusual", text),)
    if uptake_s > longest_s:
        text = f"uptake {uptake_s / 60:.0f} min, longer than {longest_s / 60:.0f} min: check the injection time"
        return (Problem("uptake-unusual", text),)
    return ()
