"""Slots: a sentence is written without numbers, the record fills them in.

A slot is ``{L1.suv_max}``: an id and a quantity. The id is a lesion's, ``liver``, ``blood_pool``,
``totals``, ``search.<region id>`` for a detection limit, ``acquisition`` for a fact of the header, or
several lesions' ids joined by ``+`` for their count (``{L1+L2.lesions}``). No number reaches a report
by another way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from petrg.errors import ReportError
from petrg.report.finding import Span
from petrg.report.model import Model
from petrg.report.record import Record, Where

__all__ = ["Number", "NumberQuantity", "fill", "look_up", "slot", "unit_of"]


class NumberQuantity(StrEnum):
    """What a number in a report measures."""

    SUV_MAX = "suv_max"
    SUV_MEAN = "suv_mean"
    SUV_PEAK = "suv_peak"
    MTV_ML = "mtv_ml"
    TLG_G = "tlg_g"
    VOLUME_ML = "volume_ml"
    LONG_AXIS_CM = "long_axis_cm"
    SHORT_AXIS_CM = "short_axis_cm"
    HU_MEAN = "hu_mean"
    SLICE = "slice"
    LESIONS = "lesions"
    LIMIT_SUV = "limit_suv"
    LIMIT_MM = "limit_mm"
    DOSE_MBQ = "dose_mbq"
    UPTAKE_MIN = "uptake_min"
    GLUCOSE_MMOL_L = "glucose_mmol_l"
    WEIGHT_KG = "weight_kg"


_UNITS = {
    NumberQuantity.SUV_MAX: ("g/ml", 1),
    NumberQuantity.SUV_MEAN: ("g/ml", 1),
    NumberQuantity.SUV_PEAK: ("g/ml", 1),
    NumberQuantity.MTV_ML: ("ml", 1),
    NumberQuantity.TLG_G: ("g", 1),
    NumberQuantity.VOLUME_ML: ("ml", 1),
    NumberQuantity.LONG_AXIS_CM: ("cm", 1),
    NumberQuantity.SHORT_AXIS_CM: ("cm", 1),
    NumberQuantity.HU_MEAN: ("HU", 0),
    NumberQuantity.SLICE: ("1", 0),
    NumberQuantity.LESIONS: ("1", 0),
    NumberQuantity.LIMIT_SUV: ("g/ml", 1),
    NumberQuantity.LIMIT_MM: ("mm", 0),
    NumberQuantity.DOSE_MBQ: ("MBq", 0),
    NumberQuantity.UPTAKE_MIN: ("min", 0),
    NumberQuantity.GLUCOSE_MMOL_L: ("mmol/l", 1),
    NumberQuantity.WEIGHT_KG: ("kg", 1),
}


class Number(Model):
    """A number in a text: the characters that print it and where it was read.

    ``value`` is the measured one; the text shows it rounded to ``decimals``.
    """

    span: Span
    source: str
    quantity: NumberQuantity
    value: float
    unit: str
    decimals: int
    where: Where | None = None


def slot(source: str, quantity: NumberQuantity) -> str:
    """The slot to write in a sentence.

    >>> slot("L1", NumberQuantity.SUV_MAX)
    '{L1.suv_max}'
    """
    return f"{{{source}.{quantity}}}"


def unit_of(quantity: NumberQuantity) -> str:
    """The only unit in which ``quantity`` stands in a report (UCUM spelling, ``1`` for a count).

    >>> unit_of(NumberQuantity.MTV_ML)
    'ml'
    """
    return _UNITS[quantity][0]


_SLOT = re.compile(r"\{([A-Za-z0-9_.+-]+)\.([a-z_]+)\}")


def fill(text: str, record: Record, facts: Mapping[str, float] | None = None) -> tuple[str, tuple[Number, ...]]:
    """Replace every slot of ``text`` by the record's number; spans index the returned text.

    Parameters
    ----------
    text : str
        A sentence with slots.
    record : Record
        The measurements.
    facts : mapping of str to float, optional
        Values of the source ``acquisition`` by quantity name, e.g. ``{"dose_mbq": 370.0}``.

    Raises
    ------
    ReportError
        If a slot names nothing that the record holds: a number is never invented.
    """
    out: list[str] = []
    numbers: list[Number] = []
    length = last = 0
    for match in _SLOT.finditer(text):
        before = text[last : match.start()]
        source, name = match.groups()
        try:
            quantity = NumberQuantity(name)
            value, where = look_up(record, source, quantity, facts or {})
        except (ValueError, KeyError):
            value, where = None, None
        if value is None:
            raise ReportError(
                f"slot {match.group()} has no value in the record",
                "a measured number",
                "leave the slot out of the sentence",
            )
        unit, decimals = _UNITS[quantity]
        shown = f"{value:.{decimals}f}"
        start = length + len(before)
        out += [before, shown]
        length = start + len(shown)
        last = match.end()
        numbers.append(
            Number(
                span=Span(start=start, end=length),
                source=source,
                quantity=quantity,
                value=value,
                unit=unit,
                decimals=decimals,
                where=where,
            )
        )
    return "".join([*out, text[last:]]), tuple(numbers)


def look_up(
    record: Record, source: str, quantity: NumberQuantity, facts: Mapping[str, float]
) -> tuple[float | None, Where | None]:
    """The value of a slot and the voxel it was read at; None where the record holds none.

    Raises
    ------
    KeyError
        If ``source`` names no lesion of the record.
    """
    if source == "acquisition":
        return facts.get(quantity.value), None
    if quantity is NumberQuantity.LESIONS and source != "totals":
        return float(len({record.lesion(name).id for name in source.split("+")})), None
    if source in ("liver", "blood_pool"):
        reference = getattr(record.references, source)
        return (None if reference is None else getattr(reference, quantity.value, None)), None
    if source == "totals":
        value = getattr(record.totals, quantity.value)
        return (None if value is None else float(value)), None
    if source.startswith("search."):
        return _search_limit(record, source.removeprefix("search."), quantity), None
    lesion = record.lesion(source)
    where = lesion.hottest
    match quantity:
        case NumberQuantity.LONG_AXIS_CM | NumberQuantity.SHORT_AXIS_CM:
            axis = 0 if quantity is NumberQuantity.LONG_AXIS_CM else 1
            return (None if lesion.axes_mm is None else lesion.axes_mm[axis] / 10), where
        case NumberQuantity.HU_MEAN:
            return (None, None) if lesion.ct is None else (lesion.ct.hu_mean, lesion.ct.where)
        case NumberQuantity.SLICE:
            return float(lesion.hottest.slice_number), where
        case _:
            value = getattr(lesion, quantity.value, None)
            return value, where


def _search_limit(record: Record, region: str, quantity: NumberQuantity) -> float | None:
    """The limit of detection in a region, or the highest of all regions where ``region`` is ``all``."""
    rows = [a for a in record.assessed if region in ("all", a.region.value)]
    limits = [getattr(a, quantity.value, None) for a in rows]
    return max((limit for limit in limits if limit is not None), default=None)
