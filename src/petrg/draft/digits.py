"""Numbers in running text: which are measurements, of what, and which are names (T12, rib 5, level IIa, F-18).

The one reading of numbers for both sides: what training teaches as a slot is taken out where a network writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from petrg.draft.neural_words import neural_words
from petrg.language.words import Language

__all__ = ["Measured", "numbers_in", "own_digits"]

_NUMBER = r"\d+(?:[.．]\d+)?"
_LENGTH = r"cm|mm|厘米|毫米|公分"
_VOLUME = r"cm3|cm³|ml|cc|毫升|立方厘米"
_OTHER = r"g/ml|HU|g|kg|MBq|mCi|mmol/L|mg/dL|min|mA|kV|[%％‰]"
_UNITS = rf"{_VOLUME}|{_LENGTH}|{_OTHER}"
_GROUP = re.compile(
    rf"{_NUMBER}(?:\s*(?:{_UNITS})?\s*(?:[×xX*＊~～至–—-]|\b(?:by|to)\b)\s*{_NUMBER})*"
    rf"(?:\s*(?P<unit>{_UNITS})(?![A-Za-z]))?",
    re.IGNORECASE,
)
_TIMES = re.compile(r"[\dm米分\s][×xX*＊]|\bby\b", re.IGNORECASE)

_BEFORE = re.compile(
    r"(?:第\s*|(?<![A-Za-z])[A-Za-z]{1,2}-?|号|(?:levels?|ribs?|segments?|stations?|grade|score|RADS|Deauville) )$",
    re.I,
)
_AFTER = re.compile(
    r"(?:th|st|nd|rd)?[\s-]?(?:区|段|组|[前后侧]?肋|胸椎|腰椎|颈椎|骶椎|椎|级|号|类|期|型|度|分(?!钟|别|叶)|"
    r"[RL](?![A-Za-z])|ribs?\b|vertebra|level\b|segment|station)|[A-Za-z]",
    re.I,
)
_SLICE = re.compile(r"\s*(?:层|幅|帧)")
_ITEM = re.compile(r"(?:^|\n)\s*[(（]?$")
_ITEM_AFTER = re.compile(r"[.、．)）](?!\d)")
_FRACTION = re.compile(r"/\d+(?![.\d])")
_COUNTED = re.compile(
    r"\s*余?\s*(?:个(?!月)|枚|处|颗|粒|条)|(?:\s+[a-z-]+){0,3}?\s+"
    r"(?:nodes?|nodules?|lesions?|foci|focus|mass(?:es)?|deposits?|metastas[ei]s|cysts?|sites?|areas?)\b",
    re.I,
)
_LINK = re.compile(r"\s*(?:[、/，,和及与或&+]|and|or)\s*", re.I)

_FAR = 200  # characters of a clause, of which none has more
_CLAUSE = re.compile(r"[。；;，,！？!?\n]|\.(?=\s|$)")
_SUV = re.compile(
    r"(?P<ahead>max\w*|mean|average|peak|最大|平均|峰值?)?[\s-]*(?:SUV|standardi[sz]ed uptake value|标准化?摄取值)"
    r"\s*[_-]?(?P<after>max|mean|avg|ave|peak|最大|平均|峰)?",
    re.I,
)
_SHORT = re.compile(r"(?:短径|短轴|short[\s-]*(?:axis|diameter))[^\d，。；,;]{0,16}$", re.I)
_SHORT_AFTER = re.compile(r"\s*(?:in|on|along)?\s*(?:the\s+|its\s+)?short[\s-]*(?:axis|diameter)", re.I)
_HU = re.compile(r"(?:CT值|HU|attenuation|Hounsfield)[^\d]*$", re.I)
_MTV = re.compile(r"(?:MTV|代谢体积|metabolic (?:tumou?r )?volume)[^\d]*$", re.I)
_TLG = re.compile(r"(?:TLG|糖酵解(?:总量|量)?|glycolysis)[^\d]*$", re.I)
_EARLIER = re.compile(
    r"较前|较上次|前次|上次|既往|原(?:为|约|大小|直径|SUV)|\bprior\b|previous|formerly|compared", re.I
)
_MINUS = re.compile(r"(?<![A-Za-z\d])\s*[-−–]$")


class Measured(NamedTuple):
    """One number, or several joined by a sign, with the unit after them.

    ``kind`` is the slot that says it (``suvmax``, ``size``, …); empty where none does: a percentage, a dose, a slice, a
    value of an earlier scan.
    """

    start: int
    end: int
    unit: str
    kind: str


class _Seen(NamedTuple):
    """A number before its neighbours are looked at; ``kind`` None where they decide."""

    start: int
    end: int
    unit: str
    kind: str | None
    is_name: bool = False


def numbers_in(text: str) -> Iterator[Measured]:
    """The numbers of ``text`` that stand where a measurement would; names and list numbers are left out.

    >>> [text[m.start:m.end] for text in ("T12椎体，SUVmax约8.1，大小2.3×1.5cm，第5肋",) for m in numbers_in(text)]
    ['8.1', '2.3×1.5cm']
    >>> [(m.unit, m.kind) for m in numbers_in("1. Liver: SUVmean 2.1, level 2 node of 12 mm, 35 HU")]
    [('', 'suvmean'), ('mm', 'long'), ('hu', 'hu')]
    """
    seen = [_look(text, found) for found in _GROUP.finditer(text)]
    linked = [_LINK.fullmatch(text, a.end, b.start) is not None for a, b in pairwise(seen)]
    for k in range(len(seen) - 2, -1, -1):
        if linked[k]:
            seen[k] = _like(seen[k], seen[k + 1], text, ahead=True)
    for k in range(1, len(seen)):
        if linked[k - 1]:
            seen[k] = _like(seen[k], seen[k - 1], text, ahead=False)
    for one in seen:
        if not one.is_name:
            yield Measured(one.start, one.end, one.unit, _named(text, one.start) if one.kind is None else one.kind)


def _look(text: str, found: re.Match[str]) -> _Seen:
    start, end, unit = found.start(), found.end(), (found["unit"] or "").lower()
    before, after = text[max(0, start - 24) : start], text[end : end + 48]
    if unit:
        kind = _of_unit(text, found, unit)
        if kind == "hu" and (sign := _MINUS.search(before)):
            start -= len(sign.group())
        return _Seen(start, end, unit, kind)
    if _SLICE.match(after):
        return _Seen(start, end, "", "")
    if _BEFORE.search(before):
        return _Seen(start, end, "", None, True)
    whole = not re.search(r"[.．×*]", found.group())
    if whole and (counted := _COUNTED.match(after)):
        return _Seen(start, end + ("余" in counted.group()), "", "count")
    if _AFTER.match(after) or (_ITEM.search(text[:start]) and _ITEM_AFTER.match(after)):
        return _Seen(start, end, "", None, True)
    part = whole and (_FRACTION.match(after) or re.search(r"(?<![.\d])\d+/$", before))
    return _Seen(start, end, "", "size" if _TIMES.search(found.group()) else None, bool(part))


def _like(one: _Seen, other: _Seen, text: str, *, ahead: bool) -> _Seen:
    """A number without a sign of its own is what the number beside it in a list is: "2、3区", "2.3、1.5cm"."""
    bare = one.kind is None and not one.is_name and not one.unit
    if not bare:
        return one
    whole = not re.search(r"[.．]", text[one.start : one.end])
    if other.is_name:
        return one._replace(is_name=whole)
    if ahead and other.unit and other.kind and not _suv_before(text, one.start):
        return one._replace(kind=other.kind)
    if not ahead and not whole:
        return one._replace(kind=_named(text, other.start) if other.kind is None else other.kind)
    return one


def _of_unit(text: str, found: re.Match[str], unit: str) -> str:
    """What a number with a unit measures."""
    start = found.start()
    clause = text[_clause_start(text, start) : start]
    if _EARLIER.search(clause):
        return ""
    if re.fullmatch(_LENGTH, unit):
        if _TIMES.search(found.group()):
            return "size"
        return "short" if _SHORT.search(clause) or _SHORT_AFTER.match(text, found.end()) else "long"
    if re.fullmatch(_VOLUME, unit):
        return "volume"
    if unit in ("g/ml", "g"):
        return _suv_before(text, start) if unit == "g/ml" else "tlg" if _TLG.search(clause) else ""
    return "hu" if unit == "hu" else ""


def _named(text: str, start: int) -> str:
    """What a number without a unit measures, by the words before it in its clause."""
    clause = text[_clause_start(text, start) : start]
    if _EARLIER.search(clause):
        return ""
    if suv := _suv_before(text, start):
        return suv
    rules: Sequence[tuple[re.Pattern[str], str]] = ((_HU, "hu"), (_MTV, "volume"), (_TLG, "tlg"))
    return next((kind for rule, kind in rules if rule.search(clause)), "")


def _suv_before(text: str, start: int) -> str:
    """The SUV that is named before a number, in its clause; empty where none is."""
    named = list(_SUV.finditer(text, _clause_start(text, start), start))
    if not named:
        return ""
    said = (named[-1]["after"] or named[-1]["ahead"] or "max").lower()
    return "suvmean" if said[:2] in ("me", "av", "平均") else "suvpeak" if said[:1] in ("p", "峰") else "suvmax"


def _clause_start(text: str, before: int) -> int:
    start = max(0, before - _FAR)
    for found in _CLAUSE.finditer(text, start, before):
        start = found.end()
    return start


def own_digits(text: str, language: Language) -> Iterator[tuple[int, int]]:
    """Where ``text`` has numbers that stand for measurements and are not marked as unverified."""
    mark = neural_words(language).unverified
    for found in numbers_in(text):
        if not text.startswith(mark, found.end):
            yield found.start, found.end
