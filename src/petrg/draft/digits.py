"""Numbers in running text: which are measurements and which are names (T12, rib 5, level IIa, F-18)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from petrg.draft.neural_words import neural_words
from petrg.language.words import Language

__all__ = ["Measured", "numbers_in", "own_digits"]

_NUMBER = r"\d+(?:\.\d+)?"
_UNIT = r"cm|mm|ml|g/ml|g|HU|MBq|mCi|%|厘米|毫米|毫升"
_GROUP = re.compile(
    rf"{_NUMBER}(?:\s*(?:{_UNIT})?\s*[×xX*~～至–—-]\s*{_NUMBER})*(?:\s*(?P<unit>{_UNIT})(?![A-Za-z]))?", re.IGNORECASE
)
_BEFORE = re.compile(
    r"(?:第|(?<![A-Za-z\d])[A-Za-z]{1,2}-?|号|level |rib |segment |station |grade |score |Deauville |\d[、/])$", re.I
)
_SUV_BEFORE = re.compile(
    r"SUV\s*(?:max|mean|peak|avg|bw|lbm)?\s*(?:值|约|为|of|is|was|about|approximately|[:：=≈~]|\s)*$", re.I
)
_AFTER = re.compile(
    r"(?:th|st|nd|rd)?[\s-]?(?:区|段|组|肋|胸椎|腰椎|颈椎|骶椎|椎|级|号|分|[RL](?![A-Za-z])|ribs?\b|vertebra|level\b|segment|station)",
    re.I,
)
_ITEM = re.compile(r"(?:^|\n)\s*[(（]?$")
_ITEM_AFTER = re.compile(r"[.、．)）](?!\d)")


class Measured(NamedTuple):
    """One number, or several joined by a sign, with the unit after them; ``suv`` where an SUV is named before it."""

    start: int
    end: int
    unit: str
    suv: str


def numbers_in(text: str) -> Iterator[Measured]:
    """The numbers of ``text`` that stand where a measurement would; names and list numbers are left out.

    >>> [text[m.start:m.end] for text in ("T12椎体，SUVmax约8.1，大小2.3×1.5cm，第5肋",) for m in numbers_in(text)]
    ['8.1', '2.3×1.5cm']
    >>> [(m.unit, m.suv) for m in numbers_in("1. Liver: SUVmean 2.1, level 2 node of 12 mm")]
    [('', 'mean'), ('mm', '')]
    """
    for found in _GROUP.finditer(text):
        before, after = text[max(0, found.start() - 24) : found.start()], text[found.end() :]
        unit = (found["unit"] or "").lower()
        named = _SUV_BEFORE.search(before)
        if named is None and not unit and _is_name(text, found.start(), before, after):
            continue
        kind = ""
        if named is not None and unit in ("", "g/ml"):
            kind = (re.match(r"suv\s*([a-z]*)", named.group(), re.I) or [""])[1].lower() or "max"
        yield Measured(found.start(), found.end(), unit, kind)


def _is_name(text: str, start: int, before: str, after: str) -> bool:
    if _BEFORE.search(before) or _AFTER.match(after):
        return True
    return bool(_ITEM.search(text[:start]) and _ITEM_AFTER.match(after))


def own_digits(text: str, language: Language) -> Iterator[tuple[int, int]]:
    """Where ``text`` has numbers that stand for measurements and are not marked as unverified."""
    mark = neural_words(language).unverified
    for found in numbers_in(text):
        if not text.startswith(mark, found.end):
            yield found.start, found.end
