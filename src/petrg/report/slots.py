"""Slots: a sentence is written without numbers, the record fills them in.

A slot is ``{L1.suv_max}``: an id and a quantity. The id is a lesion's, ``liver``, ``blood_pool``,
``totals``, or ``search.<region id>`` for a detection limit. No number reaches a report by another way.
"""

from __future__ import annotations

import re
from enum import StrEnum

from petrg.errors import ReportError
from petrg.report.finding import Span
from petrg.report.model import Model
from petrg.report.record import Record, Where

__all__ = ["Number", "NumberQuantity", "fill", "slot"]


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


_SLOT = re.compile(r"\{([A-Za-z0-9_.-]+)\.([a-z_]+)\}")


def fill(text: str, record: Record) -> tuple[str, tuple[Number, ...]]:
    """Replace every slot of ``text`` by the record's number; spans index the returned text.

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
            value, where = _look_up(record, source, quantity)
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


def _look_up(record: Record, source: str, quantity: NumberQuantity) -> tuple[float | None, Where | None]:
    if source in ("liver", "blood_pool"):
        reference = getattr(record.references, source)
        return (None if reference is None else getattr(reference, quantity.value)), None
    if source == "totals":
        value = getattr(record.totals, quantity.value)
        return (None if value is None else float(value)), None
    if source.startswith("search."):
        limits = [a.limit_suv for a in record.assessed if a.region.value == source[7:] and a.limit_suv is not None]
        return (max(limits) if limits else None), None
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
            return getattr(lesion, quantity.value, None), where
