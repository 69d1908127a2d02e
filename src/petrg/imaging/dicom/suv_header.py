"""The SUV values of one PET header; the only place that knows their tags, private ones by creator.

Values are read from the raw bytes where pydicom has not converted them yet: a hospital's
over-long or ill-formed text must neither warn nor stop the reading.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from petrg.imaging.context import Sex
from petrg.imaging.dicom.values import BROKEN
from petrg.imaging.nuclide import is_fdg, nuclide_of_name
from petrg.imaging.suv_types import SuvHeader

__all__ = ["parse_date", "parse_datetime", "parse_time", "suv_header"]

GE_CREATOR = "GEMS_PETD_01"
PHILIPS_CREATOR = "Philips PET Private Group"

_RADIOPHARMACEUTICALS = 0x00540016
_RADIONUCLIDE_CODE = 0x00540300
_RADIOPHARMACEUTICAL_CODE = 0x00540304


def suv_header(ds: pydicom.Dataset) -> SuvHeader:
    """Parse every value the SUV rules need; what is absent or unreadable is None."""
    items = _items(ds, _RADIOPHARMACEUTICALS)
    injection = items[0] if items else Dataset()
    offset = _offset(_text(ds, 0x00080201))
    code = _code(injection, _RADIONUCLIDE_CODE)
    drug = _code(injection, _RADIOPHARMACEUTICAL_CODE)
    tracer = _tracer(_text(injection, 0x00180031), drug[1])
    series_date = parse_date(_text(ds, 0x00080021))
    return SuvHeader(
        units=_upper(_text(ds, 0x00541001)),
        suv_type=_upper(_text(ds, 0x00541006)),
        decay_correction=_upper(_text(ds, 0x00541102)),
        corrected=tuple(value.upper() for value in _texts(ds, 0x00280051) if value),
        weight_kg=_number(ds, 0x00101030),
        height_m=_number(ds, 0x00101020),
        sex=_sex(_text(ds, 0x00100040)),
        dose_bq=_number(injection, 0x00181074),
        half_life_s=_number(injection, 0x00181075),
        nuclide=nuclide_of_name(*code, drug[1], _text(injection, 0x00180031)),
        tracer=tracer,
        injected_at=parse_datetime(_text(injection, 0x00181078), offset),
        injected_time=parse_time(_text(injection, 0x00181072)),
        series_start=_joined(series_date, parse_time(_text(ds, 0x00080031))),
        acquired_at=_acquired(ds, series_date, offset),
        ge_scan_start=parse_datetime(_private(ds, 0x0009, GE_CREATOR, 0x0D), offset),
        frame_reference_ms=_number(ds, 0x00541300),
        frame_duration_ms=_number(ds, 0x00181242),
        philips_suv=_float(_private(ds, 0x7053, PHILIPS_CREATOR, 0x00)),
        philips_activity=_float(_private(ds, 0x7053, PHILIPS_CREATOR, 0x09)),
        injections=max(len(items), 1),
    )


def parse_date(text: str | None) -> dt.date | None:
    """A DICOM date, also in the old form with dots; None where it is none.

    >>> parse_date("20201217"), parse_date("2020.12.17"), parse_date("20201332")
    (datetime.date(2020, 12, 17), datetime.date(2020, 12, 17), None)
    """
    match = re.fullmatch(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", text or "")
    try:
        return dt.date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def parse_time(text: str | None) -> dt.time | None:
    """A DICOM time with microseconds; hours alone and hours with minutes are times too.

    >>> parse_time("123514.999995"), parse_time("0845"), parse_time("12:35:14"), parse_time("2500")
    (datetime.time(12, 35, 14, 999995), datetime.time(8, 45), datetime.time(12, 35, 14), None)
    """
    match = re.fullmatch(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,9}))?)?)?", text or "")
    if not match:
        return None
    hour, minute, second, fraction = (group or "0" for group in match.groups())
    try:
        return dt.time(int(hour), int(minute), min(int(second), 59), int(fraction[:6].ljust(6, "0")))
    except ValueError:
        return None


def parse_datetime(text: str | None, local: dt.timedelta | None = None) -> dt.datetime | None:
    """A DICOM date and time as naive local time; a value without hours is none.

    Parameters
    ----------
    text : str or None
        May end with an offset from UTC.
    local : timedelta or None
        Offset of the scanner's clock. None: an offset in ``text`` is the scanner's own.

    Examples
    --------
    >>> parse_datetime("20201217084500.00 ")
    datetime.datetime(2020, 12, 17, 8, 45)
    >>> parse_datetime("20201217004500+0000", dt.timedelta(hours=8))
    datetime.datetime(2020, 12, 17, 8, 45)
    """
    match = re.fullmatch(r"(\d{8})(\d{2,6}(?:\.\d+)?)([+-]\d{4})?", (text or "").strip())
    if not match:
        return None
    moment = _joined(parse_date(match[1]), parse_time(match[2]))
    own = _offset(match[3])
    if moment is None or own is None or local is None:
        return moment
    try:
        return moment - own + local
    except OverflowError:
        return None


def _offset(text: str | None) -> dt.timedelta | None:
    match = re.fullmatch(r"([+-])(\d{2})(\d{2})", text or "")
    if not match:
        return None
    offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


def _joined(date: dt.date | None, time: dt.time | None) -> dt.datetime | None:
    return dt.datetime.combine(date, time) if date and time else None


def _acquired(ds: pydicom.Dataset, series_date: dt.date | None, offset: dt.timedelta | None) -> dt.datetime | None:
    """Acquisition date and time; a bare time belongs to the series date."""
    date = parse_date(_text(ds, 0x00080022)) or series_date
    return _joined(date, parse_time(_text(ds, 0x00080032))) or parse_datetime(_text(ds, 0x0008002A), offset)


def _texts(ds: pydicom.Dataset, tag: int) -> tuple[str, ...]:
    """Values of an element as stripped text, without pydicom's conversion."""
    if tag not in ds:
        return ()
    try:
        value: Any = ds.get_item(tag).value
    except BROKEN:  # an empty element of an unknown VR
        return ()
    if value is None:
        return ()
    if isinstance(value, bytes):
        return tuple(part.strip(" \0\t\r\n") for part in value.decode("latin-1").split("\\"))
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return tuple(str(part).strip(" \0\t\r\n") for part in many)


def _text(ds: pydicom.Dataset, tag: int) -> str | None:
    values = _texts(ds, tag)
    return values[0] or None if values else None


def _upper(text: str | None) -> str | None:
    return text.upper() if text else None


def _float(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(ds: pydicom.Dataset, tag: int) -> float | None:
    return _float(_text(ds, tag))


def _sex(text: str | None) -> Sex | None:
    letter = (text or "").upper()[:1]
    return Sex(letter) if letter in ("F", "M", "O") else None


def _items(ds: pydicom.Dataset, tag: int) -> list[pydicom.Dataset]:
    """Items of a sequence; none where it is absent or no sequence."""
    if tag not in ds:
        return []
    try:
        value = ds[tag].value
    except BROKEN:
        return []
    return [item for item in value if isinstance(item, Dataset)] if isinstance(value, Sequence) else []


def _code(ds: pydicom.Dataset, tag: int) -> tuple[str | None, str | None]:
    """Code value and meaning of the first item of a code sequence."""
    items = _items(ds, tag)
    return (_text(items[0], 0x00080100), _text(items[0], 0x00080104)) if items else (None, None)


def _tracer(*names: str | None) -> str | None:
    """FDG under whatever name, else the first name in the header."""
    if any(is_fdg(name) for name in names):
        return "FDG"
    return next((name for name in names if name and name.lower() not in ("solution", "other", "unknown")), None)


def _private(ds: pydicom.Dataset, group: int, creator: str, element: int) -> str | None:
    """A private value, found by its creator wherever the block lies."""
    creators = [int(tag) for tag in ds.keys() if tag >> 16 == group and 0x10 <= tag & 0xFFFF <= 0xFF]  # noqa: SIM118
    for tag in creators:
        if _text(ds, tag) == creator:
            return _text(ds, (group << 16) | ((tag & 0xFF) << 8) | element)
    return None
