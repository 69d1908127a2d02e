"""Reports with measured numbers taken out: a marker stands where the record will fill one in."""

from __future__ import annotations

import re

from petrg.draft.neural_text import MARKERS as WRITTEN

__all__ = ["MARKERS", "as_slots"]

MARKERS = tuple(WRITTEN)

_NUMBER = r"\d+(?:[.．]\d+)?"
_RANGE = rf"{_NUMBER}(?:\s*(?:[-~–—～至]|to)\s*{_NUMBER})?"
_UNIT = r"\s*(?:cm|mm|厘米|毫米|公分)"
_BY = r"\s*(?:[x×X*＊]|by)\s*"
_SIZE = re.compile(rf"{_NUMBER}(?:{_UNIT})?(?:{_BY}{_NUMBER}(?:{_UNIT})?)+(?:{_UNIT})?", re.IGNORECASE)
_LONG = re.compile(rf"{_RANGE}{_UNIT}", re.IGNORECASE)
_VOLUME = re.compile(rf"{_NUMBER}\s*(?:ml|cm3|cm³|毫升|立方厘米)", re.IGNORECASE)
_SUV = re.compile(
    rf"(SUV\s*_?-?(max|mean|avg|peak)?[^\d。；;\n<]{{0,12}}?)({_RANGE}(?:\s*(?:[、,，/和及]|and)\s*{_NUMBER})*)",
    re.IGNORECASE,
)
_IMAGE = r"(?:(?:img|image|slice)\s*)?\d{1,4}(?:\s*[、,，~-]\s*\d{1,4})*"
_IMAGES = re.compile(rf"\s*[（(]\s*{_IMAGE}\s*[）)]", re.IGNORECASE)
_IMAGE_FIRST = re.compile(r"(?<=[（(])\s*(?:img|image|slice)\s*\d{1,4}\s*[，,;；]\s*", re.IGNORECASE)
_KIND = {"mean": "<suvmean>", "avg": "<suvmean>", "peak": "<suvpeak>"}


def as_slots(text: str) -> str:
    """``text`` with every SUV, size and volume as a marker; names with a digit in them, such as L3, stay.

    Numbers of images in brackets, which point into another file's series, are left out.

    ``<size>`` stands for long x short axis with its unit, ``<long>`` for one length with its unit, ``<volume>`` for ml
    with its unit; SUV markers for the number alone, since their unit is never said.

    >>> as_slots("右肺上叶结节，大小约2.3cm×1.5cm，SUVmax约为8.1；L3椎体见SUVmax：5.2-6.0的浓聚灶。")
    '右肺上叶结节，大小约<size>，SUVmax约为<suvmax>；L3椎体见SUVmax：<suvmax>的浓聚灶。'
    >>> as_slots("solid nodule, 1.2 cm, SUVmax 4.5 and SUVmean 3.1; metabolic volume 12 ml")
    'solid nodule, <long>, SUVmax <suvmax> and SUVmean <suvmean>; metabolic volume <volume>'
    """
    text = _IMAGE_FIRST.sub("", _IMAGES.sub("", text))
    text = _VOLUME.sub("<volume>", text)
    text = _SIZE.sub("<size>", text)
    text = _LONG.sub("<long>", text)
    return _SUV.sub(_suv, text)


def _suv(match: re.Match[str]) -> str:
    marker = _KIND.get((match[2] or "max").lower(), "<suvmax>")
    first = re.match(_RANGE, match[3])
    assert first is not None
    rest = re.sub(_NUMBER, marker, match[3][first.end() :])
    return f"{match[1]}{marker}{rest}"
