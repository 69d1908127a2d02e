"""A BIDS-PET sidecar as an SUV header: the same rules then apply as for DICOM."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from petrg.errors import SuvError
from petrg.imaging.context import Sex
from petrg.imaging.nuclide import is_fdg, nuclide_of_name
from petrg.imaging.suv_types import SuvHeader

__all__ = ["bids_header", "read_sidecar", "to_bq_ml"]

_DAY = dt.datetime(2000, 1, 1)  # BIDS gives times relative to TimeZero, no date
_TO_BQ = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9}
_TO_BQ_ML = {"bq/ml": 1.0, "kbq/ml": 1e3, "mbq/ml": 1e6}


def read_sidecar(path: Path) -> Mapping[str, Any] | None:
    """The JSON beside a BIDS image, with weight, height and sex of participants.tsv laid under it.

    Raises
    ------
    SuvError
        If the JSON is damaged.
    """
    sidecar = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    if not sidecar.is_file():
        return None
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuvError("the sidecar of the PET cannot be read", "a JSON object in UTF-8", "correct it") from error
    if not isinstance(facts, dict):
        raise SuvError("the sidecar of the PET is no JSON object", "a JSON object", "correct it")
    return {**_participant(path), **facts}


def _participant(path: Path) -> dict[str, Any]:
    """The row of this subject in participants.tsv, at most four folders up."""
    subject = path.name.split("_")[0]
    for folder in list(path.resolve().parents)[:4]:
        table = folder / "participants.tsv"
        if table.is_file():
            with table.open(encoding="utf-8", errors="replace", newline="") as file:
                rows = [row for row in csv.DictReader(file, delimiter="\t") if row.get("participant_id") == subject]
            row = {str(key).lower(): value for key, value in rows[0].items()} if rows else {}
            names = {"weight": "BodyWeight", "height": "BodyHeight", "sex": "Sex"}
            return {name: row[key] for key, name in names.items() if row.get(key) not in (None, "", "n/a")}
    return {}


def _number(facts: Mapping[str, Any], *names: str) -> float | None:
    for name in names:
        value: Any = facts.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        try:
            number = float(value) if value is not None and not isinstance(value, bool) else math.nan
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            return number
    return None


def to_bq_ml(facts: Mapping[str, Any]) -> float:
    """Factor from stored values to Bq/ml.

    Raises
    ------
    SuvError
        If the sidecar's Units are no activity concentration.
    """
    units = str(facts.get("Units", "")).replace(" ", "").lower()
    if units not in _TO_BQ_ML:
        raise SuvError(
            "BIDS sidecar without Units of activity", "Bq/mL, kBq/mL or MBq/mL", "correct Units in the sidecar"
        )
    return _TO_BQ_ML[units]


def bids_header(facts: Mapping[str, Any]) -> SuvHeader:
    """The values of a BIDS-PET sidecar that the SUV rules need; absent ones stay None.

    Decay correction to the injection reads as ADMIN, to any other time as START at that time,
    none as NONE at the first frame's start.
    """
    injection_s, scan_s = _number(facts, "InjectionStart"), _number(facts, "ScanStart")
    corrected_to_s = _number(facts, "ImageDecayCorrectionTime")
    decayed = facts.get("ImageDecayCorrected") is True
    attenuation = str(facts.get("AttenuationCorrection") or "none").strip().lower()
    corrected = (("ATTN",) if attenuation not in ("none", "n/a", "no", "false", "") else ()) + (
        ("DECY",) if decayed else ()
    )
    to_injection = decayed and corrected_to_s is not None and corrected_to_s == injection_s
    start_s = corrected_to_s if decayed and not to_injection and corrected_to_s is not None else scan_s
    dose = _number(facts, "InjectedRadioactivity")
    unit = _TO_BQ.get(str(facts.get("InjectedRadioactivityUnits", "")).strip().lower())
    tracer = str(facts.get("TracerName") or "") or None
    height = _number(facts, "BodyHeight", "PatientSize")
    start = _at(facts, start_s)
    return SuvHeader(
        units="BQML",
        decay_correction="ADMIN" if to_injection else "START" if decayed else "NONE",
        corrected=corrected,
        weight_kg=_number(facts, "BodyWeight", "PatientWeight"),
        height_m=height / 100.0
        if height and height > 3 and str(facts.get("BodyHeightUnits", "")).lower() == "cm"
        else height,
        sex=_sex(facts.get("Sex") or facts.get("PatientSex")),
        dose_bq=dose * unit if dose is not None and unit else None,
        half_life_s=_number(facts, "TracerRadionuclideHalfLife", "RadionuclideHalfLife"),
        nuclide=nuclide_of_name(str(facts.get("TracerRadionuclide") or "") or None),
        tracer="FDG" if is_fdg(tracer) else tracer,
        injected_at=_at(facts, injection_s),
        series_start=start,
        acquired_at=start,
        frame_duration_ms=(_number(facts, "FrameDuration") or 0.0) * 1000.0 or None,
    )


def _at(facts: Mapping[str, Any], offset_s: float | None) -> dt.datetime | None:
    if offset_s is None or abs(offset_s) > 1e8:
        return None
    try:
        zero = dt.time.fromisoformat(str(facts.get("TimeZero") or "12:00:00"))
    except ValueError:
        zero = dt.time(12)
    return dt.datetime.combine(_DAY, zero.replace(tzinfo=None)) + dt.timedelta(seconds=offset_s)


def _sex(text: object) -> Sex | None:
    letter = str(text or "").upper()[:1]
    return Sex(letter) if letter in ("F", "M", "O") else None
