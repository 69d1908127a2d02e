"""Reports with measured numbers taken out: a marker stands where the record will fill one in."""

from __future__ import annotations

import re

from petrg.draft.digits import Measured, numbers_in
from petrg.draft.neural_text import MARKERS as WRITTEN
from petrg.errors import ModelError

__all__ = ["MARKERS", "as_slots"]

MARKERS = tuple(WRITTEN)

_IMAGE = r"(?:(?:img|image|slice)\s*)?\d{1,4}(?:\s*[、,，~-]\s*\d{1,4})*"
_IMAGES = re.compile(rf"\s*[（(]\s*{_IMAGE}\s*[）)]", re.IGNORECASE)
_IMAGE_FIRST = re.compile(r"(?<=[（(])\s*(?:img|image|slice)\s*\d{1,4}\s*[，,;；]\s*", re.IGNORECASE)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d\s*[-./年]\s*\d{1,2}(?!\d)|\d{1,2}\s*月\s*\d{1,2}\s*[日号]|(?<!\d)(?:19|20)\d\d\s*年|"
    rf"(?<![\d.])\d{{1,2}}[-./]\d{{1,2}}[-./](?:19|20)?\d\d(?!\d)|\b{_MONTH}\s+(?:\d{{1,2}},?\s+)?(?:19|20)\d\d\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s*[（(][^（）()]*[）)]")
_SENTENCE = re.compile(r"[。；;！？!?\n]|\.(?=\s|$)")
_CLAUSE = re.compile(r"[，,]")


def as_slots(text: str) -> str:
    """``text`` with every measured number as a marker; names with a digit in them, such as L3, stay.

    ``<size>`` stands for long x short axis, ``<long>`` and ``<short>`` for one of them, ``<volume>``, ``<tlg>`` and
    ``<hu>`` for one number, all with their unit; ``<suvmax>``, ``<suvmean>``, ``<suvpeak>`` and ``<count>`` for the
    number alone. A range is one number.

    What no slot says (a percentage, a dose, a slice, the value of an earlier scan) goes with its clause, or with its
    bracket; with its whole sentence where it stands in the first clause, so that nothing said later loses its place.
    Numbers of images in brackets, which point into another file's series, are left out.

    Raises
    ------
    ModelError
        If it holds a date: it was not read off an image, and may identify the patient.

    Examples
    --------
    >>> as_slots("右肺上叶结节，大小约2.3cm×1.5cm，SUVmax约为8.1；L3椎体见SUVmax：5.2-6.0的浓聚灶。")
    '右肺上叶结节，大小约<size>，SUVmax约为<suvmax>；L3椎体见SUVmax：<suvmax>的浓聚灶。'
    >>> as_slots("3 solid nodules, largest 1.2 cm, 30 % larger, SUVmax 4.5 and SUVmean 3.1; metabolic volume 12 ml")
    '<count> solid nodules, largest <long>, SUVmax <suvmax> and SUVmean <suvmean>; metabolic volume <volume>'
    """
    if _DATE.search(text):
        raise ModelError("a report with a date in it", "findings without dates", "take it out")
    text = _IMAGE_FIRST.sub("", _IMAGES.sub("", text))
    while found := list(numbers_in(text)):
        lost = next((m for m in found if not m.kind), None)
        if lost is not None:
            text = _without(text, lost)
            continue
        for one in reversed(found):
            text = f"{text[: one.start]}<{one.kind}>{text[one.end :]}"
    return text


def _without(text: str, lost: Measured) -> str:
    """``text`` without what hangs on a number that nothing can fill in."""
    for bracket in _BRACKETS.finditer(text):
        if bracket.start() < lost.start < bracket.end():
            return text[: bracket.start()] + text[bracket.end() :]
    begins = max((m.end() for m in _SENTENCE.finditer(text, 0, lost.start)), default=0)
    ends = next(iter(_SENTENCE.finditer(text, lost.end)), None)
    commas = [m.start() for m in _CLAUSE.finditer(text, begins, lost.start)]
    if commas:
        stop = len(text) if ends is None else ends.start()
        after = _CLAUSE.search(text, lost.end, stop)
        return text[: commas[-1]] + text[stop if after is None else after.start() :]
    return text[:begins] + text[len(text) if ends is None else ends.end() :].lstrip(" ")
