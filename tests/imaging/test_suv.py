"""SUV by arithmetic: every branch, what is refused, and that no date leaves in a message."""

import contextlib
import datetime as dt
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given as holds
from hypothesis import settings
from hypothesis import strategies as st

from petrg.errors import SuvError
from petrg.imaging.context import Sex
from petrg.imaging.decay import frame_centre_s
from petrg.imaging.suv import Given, Injection, SuvHeader, activity_scale, parse_injected_at, suv_factor, suv_scale

HALF = 6586.2
SCAN = dt.datetime(2021, 3, 4, 10, 0, 0)
AC = ("ATTN", "SCAT", "DECY")
PLAIN = SuvHeader(
    units="BQML",
    decay_correction="START",
    corrected=AC,
    weight_kg=74.0,
    height_m=1.8,
    sex=Sex.M,
    dose_bq=370e6,
    half_life_s=HALF,
    nuclide="F-18",
    tracer="FDG",
    injected_time=dt.time(9, 0),
    series_start=SCAN,
    acquired_at=SCAN,
)
HOUR = 74e3 / 370e6 * 2 ** (3600 / HALF)


def header(**changes: object) -> SuvHeader:
    return replace(PLAIN, **changes)


def factor(given: Given = Given(), **changes: object) -> float:  # noqa: B008
    return suv_scale([header(**changes)], given).suv_per_image[0]


def codes(given: Given = Given(), **changes: object) -> set[str]:  # noqa: B008
    return {problem.code for problem in suv_scale([header(**changes)], given).problems}


def refusal(given: Given = Given(), **changes: object) -> str:  # noqa: B008
    with pytest.raises(SuvError) as caught:
        suv_scale([header(**changes)], given)
    line = str(caught.value)
    assert "\n" not in line
    assert not re.search(r"20\d\d|\d\d:\d\d", line), "a date or time in a message"
    return line


# ------------------------------------------------------------------ the bare formula


def test_formula_by_hand() -> None:
    assert suv_factor(Injection(dose_bq=370e6, half_life_s=HALF, weight_kg=74)) == pytest.approx(2e-4, rel=1e-12)
    assert suv_factor(Injection(dose_bq=100, half_life_s=10, weight_kg=75)) == 750


POSITIVE = st.floats(0.5, 500)


@holds(POSITIVE, POSITIVE, st.floats(0, 30000), st.floats(0.1, 20))
def test_linear_in_weight_inverse_in_dose(weight: float, dose: float, elapsed: float, k: float) -> None:
    base = Injection(dose_bq=dose * 1e6, half_life_s=HALF, weight_kg=weight, elapsed_s=elapsed)
    assert suv_factor(replace(base, weight_kg=weight * k)) == pytest.approx(suv_factor(base) * k, rel=1e-12)
    assert suv_factor(replace(base, dose_bq=dose * 1e6 * k)) == pytest.approx(suv_factor(base) / k, rel=1e-12)


@holds(st.floats(60, 4e5), st.floats(0, 20))
def test_one_half_life_doubles(half_life: float, lives: float) -> None:
    def at(n: float) -> float:
        return suv_factor(Injection(dose_bq=1e8, half_life_s=half_life, weight_kg=70, elapsed_s=n * half_life))

    assert at(lives + 1) == pytest.approx(2 * at(lives), rel=1e-9)


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["dose_bq", "half_life_s", "weight_kg"])
def test_injection_refuses(name: str, bad: float) -> None:
    with pytest.raises(SuvError):
        Injection(**{"dose_bq": 1e8, "half_life_s": HALF, "weight_kg": 70, name: bad})


def test_injection_after_the_image_is_refused() -> None:
    with pytest.raises(SuvError, match="before the injection"):
        Injection(dose_bq=1e8, half_life_s=HALF, weight_kg=70, elapsed_s=-1)
    with pytest.raises(SuvError, match="no activity left"):
        suv_factor(Injection(dose_bq=1e8, half_life_s=1, weight_kg=70, elapsed_s=1e9))


# ------------------------------------------------------------------ Bq/ml


def test_start_decays_from_injection_to_scan_start() -> None:
    scale = suv_scale([PLAIN] * 3)
    assert scale.suv_per_image == pytest.approx((HOUR,) * 3, rel=1e-12)
    assert scale.activity_per_image == (1.0,) * 3
    assert scale.uptake_s == 3600
    assert scale.problems == ()
    assert scale.provenance.branch == "bqml-start"
    assert scale.provenance.factor_g_per_bq == pytest.approx(HOUR)
    values = {key: value.value for key, value in scale.provenance.inputs.items()}
    assert values["PatientWeight"] == 74
    assert values["RadionuclideTotalDose"] == 370e6
    assert values["ScanStart"] == "series"
    assert values["InjectionToScanStart_s"] == 3600
    assert {v.source for v in scale.provenance.inputs.values()} == {"header"}


def test_admin_does_not_decay() -> None:
    assert factor(decay_correction="ADMIN") == pytest.approx(2e-4, rel=1e-12)
    scale = suv_scale(
        [header(decay_correction="ADMIN", injected_time=None, half_life_s=None, nuclide=None, tracer=None)]
    )
    assert scale.suv_per_image[0] == pytest.approx(2e-4, rel=1e-12)
    assert scale.uptake_s is None
    assert "injection-time-unknown" in {p.code for p in scale.problems}


def test_none_decays_each_frame_to_its_own_acquisition() -> None:
    beds = [
        header(decay_correction="NONE", corrected=("ATTN",), acquired_at=SCAN + dt.timedelta(minutes=m))
        for m in (0, 10)
    ]
    scale = suv_scale(beds)
    assert scale.suv_per_image == pytest.approx([2e-4 * 2 ** (m / HALF) for m in (3600, 4200)], rel=1e-12)
    assert scale.provenance.branch == "bqml-none"
    assert scale.provenance.factor_g_per_bq is None
    assert "decay-contradiction" in codes(decay_correction="NONE")  # CorrectedImage holds DECY
    assert "acquisition time" in refusal(decay_correction="NONE", corrected=("ATTN",), acquired_at=None)


def test_nac_is_refused() -> None:
    for decay in ("START", "ADMIN", "NONE"):
        assert "NAC" in refusal(corrected=("DECY",) if decay != "NONE" else (), decay_correction=decay)
    assert "NAC" in refusal(corrected=())
    assert "lacks DECY" in refusal(corrected=("ATTN",))
    with pytest.raises(SuvError, match="NAC"):
        suv_scale([PLAIN, header(corrected=("DECY",))])


def test_units_and_decay_correction_must_be_known() -> None:
    assert refusal(units="PROPCPS") == (
        "PET units 'PROPCPS' — expected BQML, GML, CM2ML, or CNTS with Philips' factors — "
        "export the PET in Bq/ml (BQML) or as SUV (GML)"
    )
    assert "absent" in refusal(units=None)
    assert "unreadable" in refusal(units="DOE^JOHN 19600101 X")
    assert "DecayCorrection" in refusal(decay_correction=None)


def test_images_of_a_series_must_agree() -> None:
    for name, other in (("half_life_s", 6588.0), ("weight_kg", 75.0), ("units", "CNTS"), ("dose_bq", 1e8)):
        with pytest.raises(SuvError, match="differ in " + name):
            suv_scale([PLAIN, header(**{name: other})])
    assert suv_scale([PLAIN, header(weight_kg=75.0)], Given(weight_kg=74)).suv_per_image == pytest.approx((HOUR,) * 2)
    with pytest.raises(SuvError, match="no PET image"):
        suv_scale([])


@pytest.mark.parametrize("weight", [0.0, None, -3.0, 70000.0])
def test_weight_must_be_a_body_weight_or_given(weight: float | None) -> None:
    assert "--weight-kg" in refusal(weight_kg=weight)
    scale = suv_scale([header(weight_kg=weight)], Given(weight_kg=74))
    assert scale.suv_per_image[0] == pytest.approx(HOUR, rel=1e-12)
    assert scale.provenance.inputs["PatientWeight"].source == "user"
    assert scale.user_entered == ("weight_kg",)


def test_exact_lines_for_weight_and_dose() -> None:
    assert refusal(weight_kg=0.0) == (
        "weight 0 kg in the header — expected a weight of 0.5 to 500 kg — "
        "give --weight-kg, or go on without SUV by --quantity activity"
    )
    assert refusal(weight_kg=None).startswith("no weight in the header — ")
    assert "--dose-mbq" in refusal(dose_bq=0.0)
    assert "--dose-mbq" in refusal(dose_bq=None)
    assert "--dose-mbq" in refusal(dose_bq=0.37)  # GBq is no guess of ours
    assert "--dose-mbq" in refusal(dose_bq=370e9)


def test_dose_written_in_mbq() -> None:
    scale = suv_scale([header(dose_bq=370.0)])
    assert scale.suv_per_image[0] == pytest.approx(HOUR, rel=1e-12)
    assert scale.dose_bq == 370e6
    assert scale.dose_read_as_mbq
    assert "dose-read-as-mbq" in {p.code for p in scale.problems}
    assert not suv_scale([header(dose_bq=370.0)], Given(dose_mbq=185)).dose_read_as_mbq
    assert factor(Given(dose_mbq=185)) == pytest.approx(2 * HOUR, rel=1e-12)


def test_two_injections_need_the_user() -> None:
    assert "2 injections" in refusal(injections=2)
    assert factor(Given(dose_mbq=370), injections=2) == pytest.approx(HOUR)


# ------------------------------------------------------------------ half-life and nuclide


def test_half_life_is_checked_against_the_nuclide() -> None:
    assert "for F-18" in refusal(half_life_s=109.8)
    assert factor(half_life_s=6588.0) == pytest.approx(2e-4 * 2 ** (3600 / 6588), rel=1e-12)
    for nuclide, half_life in (("Ga-68", 4080.0), ("C-11", 1224.0), ("Cu-64", 45720.0), ("Zr-89", 282240.0)):
        assert factor(nuclide=nuclide, half_life_s=half_life, tracer="X") > 2e-4
        assert nuclide in refusal(nuclide=nuclide, half_life_s=HALF, tracer="X")


def test_absent_half_life_is_the_nuclides() -> None:
    assert factor(half_life_s=None) == pytest.approx(HOUR, rel=1e-12)
    assert "half-life-of-nuclide" in codes(half_life_s=None)
    nothing = {"half_life_s": None, "nuclide": None, "tracer": None}
    assert "--tracer" in refusal(**nothing)
    assert factor(Given(tracer="FDG"), **nothing) == pytest.approx(HOUR, rel=1e-12)
    assert "half-life-unknown" in codes(half_life_s=9000.0, nuclide=None, tracer=None)


# ------------------------------------------------------------------ when the scan began


def later(**delta: float) -> dt.datetime:
    return SCAN + dt.timedelta(**delta)


def test_series_time_stands_unless_after_the_earliest_acquisition() -> None:
    beds = [header(acquired_at=later(minutes=m)) for m in (12, 3, 7)]
    assert suv_scale(beds).uptake_s == 3600
    assert suv_scale([header(acquired_at=SCAN)]).provenance.inputs["ScanStart"].value == "series"
    assert "scan-start-unchecked" in codes(acquired_at=None)


def test_microseconds_count() -> None:
    late = {"series_start": SCAN, "acquired_at": later(microseconds=-5)}
    assert suv_scale([header(**late)]).provenance.inputs["ScanStart"].value == "earliest-acquisition"
    assert suv_scale([header(injected_time=dt.time(9, 0, 0, 250000))]).uptake_s == 3599.75


def test_ge_private_scan_time_comes_first() -> None:
    late = {"series_start": later(hours=2), "acquired_at": later(minutes=4), "ge_scan_start": SCAN}
    scale = suv_scale([header(**late, frame_reference_ms=1.0, frame_duration_ms=1.0)])
    assert scale.uptake_s == 3600
    assert scale.provenance.inputs["ScanStart"].value == "ge-private"
    assert suv_scale([header(ge_scan_start=later(hours=3))]).uptake_s == 3600  # not asked where the series time stands
    assert "scan-start-ge-late" in codes(**late | {"ge_scan_start": later(minutes=5)})


def test_worked_back_from_the_frame_reference_time() -> None:
    """QIBA: acquisition - FRT + (1/l) ln(lT / (1 - exp(-lT)))."""
    decay = math.log(2) / HALF
    centre = math.log(decay * 180 / (1 - math.exp(-decay * 180))) / decay
    beds = [
        header(
            series_start=later(hours=1),
            acquired_at=later(seconds=900 + 200 * k),
            frame_reference_ms=(900 + 200 * k + centre) * 1000,
            frame_duration_ms=180e3,
        )
        for k in range(4)
    ]
    scale = suv_scale(beds)
    assert scale.uptake_s == pytest.approx(3600, abs=1e-5)
    assert scale.provenance.inputs["ScanStart"].value == "frame-reference"
    beds[2] = replace(beds[2], frame_reference_ms=1000.0)
    assert "scan-start-spread" in {p.code for p in suv_scale(beds).problems}


def test_earliest_acquisition_last_with_a_problem() -> None:
    late = {"series_start": later(hours=1), "acquired_at": SCAN}
    for reference in (None, 0.0):
        assert suv_scale([header(**late, frame_reference_ms=reference, frame_duration_ms=1e5)]).uptake_s == 3600
        assert "scan-start-earliest-acquisition" in codes(**late, frame_reference_ms=reference)
    assert "no acquisition time" in refusal(series_start=None, acquired_at=None)
    assert "centuries" in refusal(**late, frame_reference_ms=1e20, frame_duration_ms=1e5)
    odd = {"nuclide": None, "half_life_s": 5e-324, "tracer": None}
    assert "centuries" in refusal(**late, **odd, frame_reference_ms=1e3, frame_duration_ms=1e5)


def test_a_very_short_frame_is_centred() -> None:
    assert frame_centre_s(1e-300, HALF) == 5e-301
    assert frame_centre_s(1e-4, HALF) == pytest.approx(5e-5)


# ------------------------------------------------------------------ when the tracer was injected

MIDNIGHT = {"series_start": dt.datetime(2021, 3, 4, 0, 15), "acquired_at": dt.datetime(2021, 3, 4, 0, 15)}


def test_date_time_before_bare_time() -> None:
    scale = suv_scale([header(injected_at=dt.datetime(2021, 3, 4, 9, 10), injected_time=dt.time(9, 0))])
    assert scale.uptake_s == 3000
    assert "injection-times-differ" in {p.code for p in scale.problems}


def test_day_before_only_within_six_hours_for_f18() -> None:
    scale = suv_scale([header(**MIDNIGHT, injected_time=dt.time(23, 15))])
    assert scale.uptake_s == 3600
    assert "injection-day-before" in {p.code for p in scale.problems}
    assert suv_scale([header(**MIDNIGHT, injected_time=dt.time(18, 15))]).uptake_s == 6 * 3600
    assert "after the scan" in refusal(**MIDNIGHT, injected_time=dt.time(18, 14, 59))
    assert refusal(injected_time=dt.time(10, 30)) == (
        "injection 30.0 min after the scan — expected an injection before the scan — "
        "give --injected-at, or go on without SUV by --quantity activity"
    )


def test_day_before_within_three_half_lives_otherwise() -> None:
    gallium = {"nuclide": "Ga-68", "half_life_s": 4062.6, "tracer": "PSMA-11"}
    fits = dt.datetime(2021, 3, 4, 0, 15) - dt.timedelta(seconds=3 * 4062.6 - 0.5)
    assert suv_scale([header(**MIDNIGHT, **gallium, injected_time=fits.time())]).uptake_s == pytest.approx(
        3 * 4062.6 - 0.5
    )
    too_long = fits - dt.timedelta(seconds=1)
    assert "after the scan" in refusal(**MIDNIGHT, **gallium, injected_time=too_long.time())


def test_full_date_time_over_midnight_is_no_problem() -> None:
    scale = suv_scale([header(**MIDNIGHT, injected_at=dt.datetime(2021, 3, 3, 23, 15), injected_time=None)])
    assert (scale.uptake_s, scale.problems) == (3600, ())
    wrong_day = suv_scale([header(**MIDNIGHT, injected_at=dt.datetime(2021, 3, 4, 23, 15))])
    assert wrong_day.uptake_s == 3600
    assert "injection-day-before" in {p.code for p in wrong_day.problems}


def test_shifted_dates_are_refused() -> None:
    for moment in (dt.datetime(2019, 1, 1, 9), dt.datetime(2021, 3, 3, 9), dt.datetime(2021, 3, 5, 9)):
        line = refusal(injected_at=moment)
        assert line == (
            "the injection is dated on another day than the scan (dates shifted by de-identification?) — "
            "expected an injection within 6.0 h before the scan — "
            "give --injected-at, or go on without SUV by --quantity activity"
        )
        assert factor(Given(injected_at=dt.time(9)), injected_at=moment) == pytest.approx(HOUR, rel=1e-12)


def test_no_injection_time() -> None:
    assert "no injection time" in refusal(injected_time=None)
    scale = suv_scale([header(injected_time=None)], Given(injected_at=dt.datetime(2021, 3, 4, 9)))
    assert scale.suv_per_image[0] == pytest.approx(HOUR, rel=1e-12)
    assert scale.provenance.inputs["InjectionTime"].source == "user"
    assert scale.provenance.inputs["InjectionToScanStart_s"].source == "user"


def test_uptake_outside_45_to_120_min_is_a_problem_for_fdg() -> None:
    for minute, odd in ((44, True), (45, False), (120, False), (121, True)):
        injected = (SCAN - dt.timedelta(minutes=minute)).time()
        assert ("uptake-unusual" in codes(injected_time=injected)) is odd
    assert "uptake-unusual" not in codes(injected_time=dt.time(7), tracer="PSMA-1007")
    assert "uptake-unusual" in codes(injected_time=dt.time(1), tracer="PSMA-1007")


@holds(st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2030, 1, 1)), st.times())
def test_any_bare_time_is_refused_or_within_a_day(scan: dt.datetime, injected: dt.time) -> None:
    one = header(series_start=scan, acquired_at=scan, injected_time=injected)
    late_s = (dt.datetime.combine(scan.date(), injected) - scan).total_seconds()
    if 0 < late_s < 86400 - 6 * 3600:
        with pytest.raises(SuvError, match="min after the scan"):
            suv_scale([one])
    else:
        assert suv_scale([one]).uptake_s == pytest.approx(-late_s if late_s <= 0 else 86400 - late_s)


# ------------------------------------------------------------------ counts


CNTS = {"units": "CNTS"}


def test_philips_suv_factor_wins() -> None:
    scale = suv_scale([header(**CNTS, philips_suv=0.000551, philips_activity=1.602563, weight_kg=None, dose_bq=None)])
    assert scale.suv_per_image == (0.000551,)
    assert scale.activity_per_image == (1.602563,)
    assert scale.provenance.branch == "philips-suv-factor"
    assert scale.provenance.factor_g_per_bq is None


def test_philips_activity_factor_needs_the_dose() -> None:
    scale = suv_scale([header(**CNTS, philips_suv=0.0, philips_activity=1.5)])
    assert scale.suv_per_image[0] == pytest.approx(1.5 * HOUR, rel=1e-12)
    assert scale.activity_per_image == (1.5,)
    assert scale.provenance.branch == "philips-activity-factor-start"
    assert scale.provenance.factor_g_per_bq == pytest.approx(HOUR, rel=1e-12)


def test_counts_without_factors_are_refused() -> None:
    line = refusal(**CNTS)
    assert line == refusal(**CNTS, philips_suv=0.0, philips_activity=0.0)
    assert line == (
        "PET in counts (CNTS) without Philips' factors (7053,xx00 and 7053,xx09) — expected one of them above 0 — "
        "export the series again with its private tags, or as BQML or GML"
    )
    with pytest.raises(SuvError, match="some images only"):
        suv_scale([header(**CNTS, philips_suv=0.1), header(**CNTS)])
    assert "NAC" in refusal(**CNTS, philips_suv=0.1, corrected=("DECY",))


def test_factors_on_bqml_are_not_used() -> None:
    assert factor(philips_suv=0.0035, philips_activity=4.7) == pytest.approx(HOUR, rel=1e-12)


def test_wrong_times_do_not_stop_a_stored_suv() -> None:
    assert "uptake-unknown" in codes(**CNTS, philips_suv=0.1, injected_time=dt.time(12))


# ------------------------------------------------------------------ stored SUV


def gml(suv_type: str | None, given: Given = Given(), **changes: object) -> float:  # noqa: B008
    return factor(given, units="GML", suv_type=suv_type, **changes)


def test_gml_is_never_scaled_again() -> None:
    assert gml("BW") == gml(None) == 1.0
    assert gml("BW", weight_kg=None, dose_bq=None, injected_time=None) == 1.0
    assert "suv-type-absent" in codes(units="GML", suv_type=None)
    scale = suv_scale([header(units="GML", suv_type="BW")])
    assert (scale.activity_per_image, scale.provenance.factor_g_per_bq) == (None, None)
    assert scale.provenance.branch == "gml-bw"
    assert "NAC" in refusal(units="GML", suv_type="BW", corrected=("DECY",))


@pytest.mark.parametrize(
    ("suv_type", "male", "female"),
    [
        # 74 kg, 180 cm, worked by hand from the published formulas
        ("LBMJAMES128", 1.10 * 74 - 128 * (74 / 180) ** 2, 1.07 * 74 - 148 * (74 / 180) ** 2),
        ("LBMJANMA", 9270 * 74 / (6680 + 216 * 74 / 3.24), 9270 * 74 / (8780 + 244 * 74 / 3.24)),
        ("LBM", 1.10 * 74 - 120 * (74 / 180) ** 2, 1.07 * 74 - 148 * (74 / 180) ** 2),
        ("IBW", 48.0 + 1.06 * 28, 45.5 + 0.91 * 28),
    ],
)
def test_lean_types(suv_type: str, male: float, female: float) -> None:
    assert gml(suv_type) == pytest.approx(74 / male, rel=1e-12)
    assert gml(suv_type, sex=Sex.F) == pytest.approx(74 / female, rel=1e-12)
    for sex in (None, Sex.OTHER):
        assert gml(suv_type, sex=sex) == pytest.approx(74 / ((male + female) / 2), rel=1e-12)
        assert "mean-of-sexes" in codes(units="GML", suv_type=suv_type, sex=sex)
    assert ("obsolete-formula" in codes(units="GML", suv_type=suv_type)) is (suv_type == "LBM")
    assert "--height-m" in refusal(units="GML", suv_type=suv_type, height_m=None)
    assert gml(suv_type, Given(height_m=1.8), height_m=None) == pytest.approx(74 / male, rel=1e-12)


def test_lean_mass_below_zero_is_refused() -> None:
    assert "mass -" in refusal(units="GML", suv_type="LBMJAMES128", weight_kg=300.0, height_m=1.2)


def test_published_lean_mass() -> None:
    """Oracle's unit case, 75 kg, 1.85 m, male: SUVlbm by Morgan and by Janmahasatian over SUVbw."""
    tall = {"weight_kg": 75.0, "height_m": 1.85}
    assert 1 / gml("LBM", **tall) == pytest.approx(627.7757487216948 / 750, rel=1e-12)
    assert 1 / gml("LBMJANMA", **tall) == pytest.approx(609.1533588651974 / 750, rel=1e-12)
    assert 1 / factor(units="CM2ML", suv_type="BSA", **tall) == pytest.approx(198.13758427117767 / 750, rel=1e-9)


def test_body_surface() -> None:
    assert factor(units="CM2ML", suv_type=None) == factor(units="CM2ML", suv_type="BSA")
    assert "CM2ML" in refusal(units="CM2ML", suv_type="BW")
    assert "SUVType 'BSA'" in refusal(units="GML", suv_type="BSA")


def test_height_in_cm_is_not_believed() -> None:
    assert "height-unusable" in codes(height_m=180.0)
    assert suv_scale([header(height_m=180.0)]).provenance.sul_factor is None


def test_sul_needs_height_and_sex() -> None:
    lean = 9270 * 74 / (6680 + 216 * 74 / 3.24)
    assert suv_scale([PLAIN]).provenance.sul_factor == pytest.approx(lean / 74, rel=1e-12)
    for missing in ({"height_m": None}, {"sex": None}, {"sex": Sex.OTHER}):
        assert suv_scale([header(**missing)]).provenance.sul_factor is None
    assert suv_scale([header(sex=None)], Given(sex="m")).provenance.sul_factor == pytest.approx(lean / 74)


# ------------------------------------------------------------------ activity, and what the user gives


def test_activity_needs_no_dose() -> None:
    assert activity_scale([header(weight_kg=None, dose_bq=None)] * 2) == (1.0, 1.0)
    assert activity_scale([header(units="CNTS", philips_activity=1.5)]) == (1.5,)
    for bad in ({"units": "CNTS"}, {"units": "GML"}, {"units": None}):
        with pytest.raises(SuvError):
            activity_scale([header(**bad)])
    with pytest.raises(SuvError, match="mixed"):
        activity_scale([PLAIN, header(units="GML")])


@pytest.mark.parametrize(
    "bad",
    [
        {"weight_kg": 0},
        {"weight_kg": math.nan},
        {"height_m": 180},
        {"dose_mbq": 370e6},
        {"sex": "X"},
        {"injected_at": dt.datetime(2021, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_given_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(SuvError):
        Given(**bad)


def test_injection_time_as_typed() -> None:
    assert parse_injected_at("08:45:30") == dt.time(8, 45, 30)
    assert parse_injected_at("2024-05-01T08:45") == dt.datetime(2024, 5, 1, 8, 45)
    with pytest.raises(SuvError):
        parse_injected_at("quarter to nine")


def test_every_user_value_is_marked() -> None:
    given = Given(weight_kg=70, height_m=1.7, sex=Sex.F, dose_mbq=200, injected_at=dt.time(9), tracer="FDG")
    scale = suv_scale([PLAIN], given)
    assert scale.user_entered == ("weight_kg", "height_m", "sex", "dose_mbq", "injected_at", "tracer")
    user = {key for key, value in scale.provenance.inputs.items() if value.source == "user"}
    assert user == {
        "PatientWeight", "PatientSize", "PatientSex", "RadionuclideTotalDose", "Radiopharmaceutical",
        "InjectionTime", "InjectionToScanStart_s",
    }  # fmt: skip


def test_no_date_in_what_is_kept() -> None:
    scale = suv_scale([header(injected_at=dt.datetime(2021, 3, 4, 9))])
    assert "2021" not in repr(scale)
    assert "2021" not in repr(PLAIN)


# ------------------------------------------------------------------ anything at all

NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 70.0, 1.7, 370.0, 370e6])
MOMENT = st.none() | st.datetimes() | st.datetimes(SCAN - dt.timedelta(hours=9), SCAN + dt.timedelta(hours=9))
ANY_HEADER = st.builds(
    SuvHeader,
    units=st.sampled_from(["BQML", "BQML", "CNTS", "GML", "CM2ML", "X", None]),
    suv_type=st.sampled_from([None, "BW", "BSA", "LBM", "LBMJANMA", "IBW", "Y"]),
    decay_correction=st.sampled_from(["START", "START", "ADMIN", "NONE", None]),
    corrected=st.sampled_from([AC, AC, ("ATTN",), ()]),
    weight_kg=NUMBER,
    height_m=NUMBER,
    sex=st.none() | st.sampled_from(Sex),
    dose_bq=NUMBER,
    half_life_s=NUMBER | st.just(HALF),
    nuclide=st.sampled_from([None, "F-18", "Ga-68"]),
    tracer=st.sampled_from([None, "FDG", "PSMA"]),
    injected_at=MOMENT,
    injected_time=st.none() | st.times(),
    series_start=MOMENT,
    acquired_at=MOMENT,
    ge_scan_start=MOMENT,
    frame_reference_ms=NUMBER,
    frame_duration_ms=NUMBER,
    philips_suv=NUMBER,
    philips_activity=NUMBER,
    injections=st.integers(1, 2),
)


@settings(max_examples=400)
@holds(ANY_HEADER, st.booleans())
def test_any_header_gives_positive_factors_or_one_line(one: SuvHeader, user: bool) -> None:
    given = Given(weight_kg=70, height_m=1.7, sex="F", dose_mbq=300, injected_at=dt.time(9)) if user else Given()
    with contextlib.suppress(SuvError):
        scale = suv_scale([one, one], given)
        for factors in (scale.suv_per_image, scale.activity_per_image or (1.0,)):
            assert all(math.isfinite(f) and f > 0 for f in factors)
        assert scale.uptake_s is None or scale.uptake_s >= 0
        for problem in scale.problems:
            assert "\n" not in problem.text
